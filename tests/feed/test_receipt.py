"""Reports whose agency does not say when it issued them: live they have the time of their receipt, stored ones none."""

import json
import os
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eew.decision.merge import Merger
from eew.decision.sequence import ReportSequencer
from eew.feed.intake import Intake, IntakeResult
from eew.feed.transports import folder_watcher as folder
from eew.feed.transports import lines
from eew.feed.transports.address import Address
from eew.feed.transports.received_message import ReceivedMessage
from eew.feed.wire_format import wire_format
from eew.model.clock import SystemClock
from eew.model.disposition import Disposition
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind

ORIGIN_AT = datetime(2026, 7, 18, 5, 47, 20, tzinfo=UTC)


def cenc(report_no: int, magnitude: float = 4.8) -> bytes:
    """Return a report of CENC as its relay gives it: all are issued at the origin, it says."""
    members = {
        "EventID": "202607181347.0001",
        "ReportTime": "2026-07-18 13:47:20",
        "ReportNum": report_no,
        "OriginTime": "2026-07-18 13:47:20",
        "Latitude": 38.747,
        "Longitude": 75.088,
        "Magnitude": magnitude,
        "Depth": 5,
    }
    return json.dumps(members).encode()


def quakeml(magnitude: float, version: str = "") -> bytes:
    """Return a message without a time of issue, as SeisComP sends it; two picks 1 s apart."""
    info = f"<creationInfo><version>{version}</version></creationInfo>" if version else ""
    picks = "".join(f'<pick publicID="p{n}"><time><value>2026-07-18T05:47:2{n}Z</value></time></pick>' for n in (3, 4))
    return (
        f'<quakeml><eventParameters><event publicID="smi:ch/ev/e1">{info}<preferredOriginID>o</preferredOriginID>'
        "<preferredMagnitudeID>m</preferredMagnitudeID></event>"
        '<origin publicID="o"><time><value>2026-07-18T05:47:20Z</value></time>'
        "<latitude><value>46</value></latitude><longitude><value>7</value></longitude></origin>"
        f'<magnitude publicID="m"><mag><value>{magnitude}</value></mag></magnitude>{picks}</eventParameters></quakeml>'
    ).encode()


def shakealert(version: int) -> bytes:
    return (
        f'<event_message message_type="update" orig_sys="dm" version="{version}"><core_info id="e1">'
        "<mag>3.65</mag><lat>46.05</lat><lon>6.89</lon><orig_time>2026-07-18T05:47:20Z</orig_time>"
        "</core_info></event_message>"
    ).encode()


class Listener:
    """Reads messages as they come, at instants after the origin."""

    def __init__(self, name: str, max_age_s: float | None = None) -> None:
        self._now_s = 0.0
        self._intake = Intake(wire_format(name), max_age_s, lambda: ORIGIN_AT + timedelta(seconds=self._now_s))

    def read(self, data: bytes, at_s: float, *, is_stored: bool = False) -> IntakeResult:
        self._now_s = at_s
        (outcome,) = self._intake.read(ReceivedMessage(data, "f", is_stored))
        return outcome


def report_of(outcome: IntakeResult) -> EventReport:
    assert isinstance(outcome.what, EventReport)
    return outcome.what


@pytest.mark.parametrize(
    ("name", "data", "earliest_s"),
    [("wolfx-cenc", cenc(1), 0.0), ("shakealert", shakealert(0), 0.0), ("quakeml", quakeml(4.0), 4.0)],
)
def test_a_live_report_without_a_time_of_issue_has_that_of_its_receipt(
    name: str, data: bytes, earliest_s: float
) -> None:
    """A stored one has none, only the earliest that is possible; nothing is before that, whatever our clock says."""
    live = report_of(Listener(name).read(data, 18.5))
    assert (live.issue_basis, live.issued_after_s) == (IssueBasis.RECEIVED, 18.5)
    stored = report_of(Listener(name).read(data, 18.5, is_stored=True))
    assert (stored.issue_basis, stored.issued_after_s) == (IssueBasis.UNKNOWN, None)
    assert stored.issued_at == ORIGIN_AT + timedelta(seconds=earliest_s)
    slow = report_of(Listener(name).read(data, -3600.0))
    assert (slow.issue_basis, slow.issued_after_s) == (IssueBasis.RECEIVED, earliest_s)


def test_a_stated_time_of_issue_is_not_touched() -> None:
    """Whenever the report comes."""
    data = cenc(1).replace(b'"ReportTime": "2026-07-18 13:47:20"', b'"ReportTime": "2026-07-18 13:47:31"')
    report = report_of(Listener("wolfx-cenc").read(data, 60.0))
    assert (report.issue_basis, report.issued_after_s) == (IssueBasis.STATED, 11.0)


def test_the_same_report_is_known_again_whenever_it_comes() -> None:
    """Other bytes around it and another time of receipt do not make it another."""
    listener = Listener("wolfx-cenc")
    assert listener.read(cenc(1), 10.0).disposition is Disposition.PARSED
    assert listener.read(cenc(1) + b" ", 40.0).disposition is Disposition.DUPLICATE
    assert listener.read(cenc(2), 41.0).disposition is Disposition.PARSED


def test_a_report_is_late_when_even_the_earliest_issue_is_too_long_ago() -> None:
    """What an address repeats however old it is has not been issued just now."""
    assert Listener("wolfx-cenc", max_age_s=600.0).read(cenc(1), 601.0).disposition is Disposition.LATE
    assert Listener("wolfx-cenc", max_age_s=600.0).read(cenc(1), 599.0).disposition is Disposition.PARSED


def test_reports_without_number_and_time_are_numbered_by_their_receipt() -> None:
    """SeisComP says neither: what comes later has a larger number, so it is not taken for the last one."""
    listener, book = Listener("quakeml"), ReportSequencer()
    reports = [report_of(listener.read(quakeml(magnitude), at_s)) for magnitude, at_s in ((4.0, 9.0), (4.4, 9.5))]
    # 5 ms each since the first pick, 3 s after the origin.
    assert [report.report_no for report in reports] == [1201, 1301]
    assert [book.receive(report, report.issued_at) for report in reports] == [Disposition.ACCEPTED] * 2


def test_a_version_is_a_number_with_or_without_a_time() -> None:
    """Only what is not said is made up."""
    report = report_of(Listener("quakeml").read(quakeml(4.0, "7"), 9.0))
    assert (report.report_no, report.issued_after_s) == (7, 9.0)


def test_a_leading_agency_that_says_no_time_is_not_silent_while_it_speaks() -> None:
    """CENC leads from 50 s on; at 70 s, a minute after the origin but not after its word, another agency yields."""
    merger = Merger(("cenc", "sc"))
    leading = report_of(Listener("wolfx-cenc").read(cenc(2), 50.0))
    merger.receive(leading, leading.issued_at)
    other = EventReport(
        event_id="s1",
        source="sc",
        report_no=3,
        kind=ReportKind.UPDATE,
        status=AlertStatus.ACTUAL,
        issued_at=ORIGIN_AT + timedelta(seconds=70),
        origin_at=ORIGIN_AT,
        lat_deg=38.7,
        lon_deg=75.1,
        magnitude=5.0,
    )
    assert merger.receive(other, other.issued_at).disposition is Disposition.NOT_PREFERRED
    stored = Merger(("cenc", "sc"))
    stored.receive(report_of(Listener("wolfx-cenc").read(cenc(2), 50.0, is_stored=True)), ORIGIN_AT)
    assert stored.receive(other, other.issued_at).disposition is Disposition.NOT_PREFERRED


def test_a_report_overtaken_on_its_way_does_not_begin_numbers_anew_because_it_came_late() -> None:
    """When it came says nothing of when it was issued: the lower number is the older."""
    book, relays = ReportSequencer(), [Listener("wolfx-cenc"), Listener("wolfx-cenc")]
    second = report_of(relays[0].read(cenc(2, 5.1), 20.0))
    first = report_of(relays[1].read(cenc(1, 4.8), 45.0))
    assert [book.receive(each, each.issued_at) for each in (second, first)] == [Disposition.ACCEPTED, Disposition.OLDER]


async def test_files_that_lay_in_a_folder_are_stored_and_those_that_come_are_not(tmp_path: Path) -> None:
    """When the first were put there, nobody knows."""
    (tmp_path / "a.json").write_bytes(cenc(1))
    address = Address.parse(str(tmp_path))
    async with aclosing(folder.messages(address, clock=SystemClock(), max_bytes=999)) as signals:
        await anext(signals)
        assert await anext(signals) == ReceivedMessage(cenc(1), str(tmp_path / "a.json"), is_stored=True)
        (tmp_path / "b.json").write_bytes(cenc(2))
        assert await anext(signals) == ReceivedMessage(cenc(2), str(tmp_path / "b.json"), is_stored=False)


async def test_a_file_on_standard_input_is_stored_and_a_pipe_is_not(tmp_path: Path) -> None:
    """A pipe may come from who listens elsewhere."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(cenc(1))
    reading, writing = os.pipe()
    os.write(writing, cenc(1))
    os.close(writing)
    with path.open("rb") as file:
        for descriptor, is_stored in ((file.fileno(), True), (reading, False)):
            signals = lines.of_standard_input(max_bytes=999, is_lines=True, descriptor=descriptor)
            messages = [each async for each in signals if isinstance(each, ReceivedMessage)]
            assert [each.is_stored for each in messages] == [is_stored]
    os.close(reading)
