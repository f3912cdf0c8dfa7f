"""Wolfx ``cwa_eew``: messages as public clients recorded them [WOLFX], and what is one earthquake in them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from eew.feed.formats.wolfx_cwa import parse, render
from eew.feed.intake import Intake
from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.transports.received_message import ReceivedMessage
from eew.feed.wire_format import wire_format
from eew.model.disposition import Disposition
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind

#: Hualien, 2024-04-03, the second report.
HUALIEN = {
    "type": "cwa_eew",
    "ID": 1,
    "ReportTime": "2024-04-03 07:58:27",
    "ReportNum": 2,
    "OriginTime": "2024-04-03 07:58:10",
    "HypoCenter": "花蓮縣壽豐鄉",
    "Latitude": 23.89,
    "Longitude": 121.56,
    "Magunitude": 6.8,
    "Depth": 20,
    "MaxIntensity": "6弱",
}
#: Number, report time, origin time, latitude, longitude, magnitude, depth of the reports of 2026-09-29: the origin
#: moves by 2 s and 8 km after the first, and two were sent before it, by the service's clock.
NUMBERED = [
    (1, "02:20:19", "02:20:49", 23.87, 121.55, 4.7, 10),
    (2, "02:21:01", "02:20:47", 23.83, 121.63, 5, 20),
    (3, "02:21:02", "02:20:47", 23.84, 121.65, 4.9, 20),
    (4, "02:20:28", "02:20:47", 23.84, 121.65, 5, 20),
]


def message(**changes: object) -> bytes:
    return json.dumps(HUALIEN | changes).encode()


def parsed(**changes: object) -> EventReport:
    (part,) = parse(message(**changes))
    assert isinstance(part, EventReport)
    return part


def sequence(number: int) -> list[bytes]:
    """Return the messages of 2026-09-29 with an ``ID``."""
    return [
        message(
            ID=number,
            ReportNum=report_no,
            ReportTime=f"2026-09-29 {report_time}",
            OriginTime=f"2026-09-29 {origin_time}",
            Latitude=lat_deg,
            Longitude=lon_deg,
            Magunitude=magnitude,
            Depth=depth_km,
        )
        for report_no, report_time, origin_time, lat_deg, lon_deg, magnitude, depth_km in NUMBERED
    ]


def taken_in(messages: list[bytes]) -> list[EventReport]:
    """Return the reports that a feed of these messages hands on."""
    intake = Intake(wire_format("wolfx-cwa"), None, lambda: datetime(2026, 9, 28, 18, 21, tzinfo=UTC))
    outcomes = [outcome for data in messages for outcome in intake.read(ReceivedMessage(data, "test"))]
    return [
        each.what for each in outcomes if each.disposition is Disposition.PARSED and isinstance(each.what, EventReport)
    ]


def test_report_is_read() -> None:
    """Times are in UTC+8, the magnitude is misspelt, and the earthquake is named by its origin."""
    assert parsed() == EventReport(
        event_id="at-20240402T235810Z-2389N12156E",
        source="cwa",
        report_no=2,
        kind=ReportKind.UPDATE,
        status=AlertStatus.ACTUAL,
        issued_at=datetime(2024, 4, 2, 23, 58, 27, tzinfo=UTC),
        origin_at=datetime(2024, 4, 2, 23, 58, 10, tzinfo=UTC),
        lat_deg=23.89,
        lon_deg=121.56,
        depth_km=20.0,
        magnitude=6.8,
        place="花蓮縣壽豐鄉",
    )


def test_unknown_depth_and_magnitude_are_none() -> None:
    """The right spelling of the magnitude is read, too."""
    report = parsed(Depth=None, Magunitude=None)
    assert (report.depth_km, report.magnitude) == (None, None)
    assert parsed(Magunitude=None, Magnitude=5.1).magnitude == 5.1


@pytest.mark.parametrize("report_time", ["2024-04-03 07:58:10", "2024-04-03 07:57:40"])
def test_a_report_time_that_is_not_after_the_origin_is_no_time_of_issue(report_time: str) -> None:
    """What is known is that it was not issued before."""
    report = parsed(ReportTime=report_time)
    assert (report.issued_at, report.issue_basis) == (report.origin_at, IssueBasis.UNKNOWN)


@pytest.mark.parametrize(
    ("said", "event_id"),
    [
        pytest.param(1150074, "1150074", id="number"),
        pytest.param("1150074", "1150074", id="number as text"),
        (1, "at-20240402T235810Z-2389N12156E"),
        (8178, "at-20240402T235810Z-2389N12156E"),
        (None, "at-20240402T235810Z-2389N12156E"),
        ("7", "7"),
    ],
)
def test_only_a_number_of_the_agency_names_an_earthquake(said: object, event_id: str) -> None:
    """A mere count does not: the same would come again."""
    assert parsed(ID=said).event_id == event_id


def test_reports_of_one_earthquake_have_one_name_where_the_agency_numbers_it() -> None:
    """The number is the name."""
    assert [report.event_id for report in taken_in(sequence(1150074))] == ["1150074"] * 4


def test_reports_of_one_earthquake_have_one_name_where_the_origin_moves() -> None:
    """The name is the first report's, whose origin was 2 s and 8 km off."""
    reports = taken_in(sequence(1))
    assert [report.event_id for report in reports] == ["at-20260928T182049Z-2387N12155E"] * 4
    assert [report.report_no for report in reports] == [1, 2, 3, 4]
    stated, received = IssueBasis.STATED, IssueBasis.RECEIVED
    assert [report.issue_basis for report in reports] == [received, stated, stated, received]


def test_a_count_that_changes_from_report_to_report_makes_no_second_earthquake() -> None:
    """As in other feeds of the same service, where it counts messages."""
    messages = [sequence(number)[number - 1] for number in (1, 2, 3, 4)]
    assert len({report.event_id for report in taken_in(messages)}) == 1


def test_the_next_earthquake_in_the_same_place_is_another() -> None:
    """A minute later, and one whose first report comes 5 s after another's first."""
    later = sequence(1)
    a_minute = [data.replace(b"02:20:4", b"02:22:4").replace(b"02:21:0", b"02:23:0") for data in later]
    assert len({report.event_id for report in taken_in(later + a_minute)}) == 2
    shock, other = later[0], message(ID=1, ReportNum=1, OriginTime="2026-09-29 02:20:54", Latitude=23.9, Magunitude=6)
    assert len({report.event_id for report in taken_in([shock, other])}) == 2


def test_a_repeated_report_is_handed_on_once() -> None:
    """Over HTTP the last one is offered for days."""
    messages = sequence(1)
    again = json.dumps(json.loads(messages[1]) | {"ver": 2}).encode()
    assert len(taken_in([messages[0], messages[1], again])) == 2


def test_cancel_is_heeded_where_it_is_given() -> None:
    """It says whom it cancels; of the rest nothing has to be right."""
    report = parsed(ID=1150074, isCancel=True, Latitude=None, Longitude=None, Magunitude="-")
    assert (report.event_id, report.kind, report.lat_deg) == ("1150074", ReportKind.CANCEL, None)
    assert parsed(isCancel=True).event_id == parsed().event_id


def test_heartbeat_is_a_sign_of_life_and_other_feeds_are_ignored() -> None:
    """The stream of all feeds carries every source under its type."""
    beat = json.dumps({"type": "heartbeat", "ver": 18, "id": "a", "timestamp": "1752000000123"}).encode()
    at = datetime(2025, 7, 8, 18, 40, tzinfo=UTC) + timedelta(milliseconds=123)
    assert parse(beat) == (Heartbeat("cwa", at),)
    assert parse(message(type="jma_eew")) == (Ignored("jma_eew, not cwa_eew"),)


def test_name_that_is_a_number_is_written_as_one() -> None:
    """As the service writes it; any other name is text, and is read back."""
    assert json.loads(render(parsed(ID=1150074)))["ID"] == 1150074
    for said in (1150074, "7", "abc.1", "99999999999999999999"):
        report = parsed(ID=said)
        assert parse(render(report)) == (report,)


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"ReportNum": None}, "ReportNum", "missing required field"),
        ({"ReportNum": 0}, "report_no", "a whole number of at least 1"),
        ({"OriginTime": "07:58"}, "OriginTime", "a time like 2011-03-11 05:46:45"),
        ({"Latitude": None}, "Latitude", "missing required field"),
        ({"isCancel": "yes"}, "isCancel", "true or false"),
    ],
)
def test_bad_member_is_named(changes: dict[str, object], field: str, expected: str) -> None:
    """The error says which and what it should hold."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(message(**changes), file="in.json")
    assert (caught.value.file, caught.value.field, caught.value.expected) == ("in.json", field, expected)
