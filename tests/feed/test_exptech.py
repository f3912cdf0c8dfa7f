"""ExpTech: lists as its clients record them [EXPTECH]."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from eew.feed.formats.exptech import parse, render
from eew.feed.parsed import Heartbeat, Ignored
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind

ORIGIN_AT = datetime(2025, 4, 8, 15, 26, 56, tzinfo=UTC)
ORIGIN_MS = 1744126016000
#: Off Yilan, 2025-04-08, the second report; its time is the origin.
YILAN = {
    "author": "cwa",
    "id": "1140887",
    "serial": 2,
    "status": 0,
    "final": 0,
    "eq": {
        "time": ORIGIN_MS,
        "lon": 123.17,
        "lat": 24.54,
        "depth": 15.3,
        "mag": 5.9,
        "loc": "宜蘭縣政府東方 144.2 公里 (位於臺灣東部海域)",
        "max": 3,
    },
    "time": ORIGIN_MS,
}


def answer(*warnings: object) -> bytes:
    return json.dumps(warnings).encode()


def parsed(**changes: object) -> EventReport:
    (part,) = parse(answer(YILAN | changes))
    assert isinstance(part, EventReport)
    return part


def test_report_is_read() -> None:
    """Times are milliseconds since 1970; where the time is the origin, that of issue is unknown."""
    assert parsed() == EventReport(
        event_id="1140887",
        source="cwa",
        report_no=2,
        numbering="exptech",
        kind=ReportKind.UPDATE,
        status=AlertStatus.ACTUAL,
        issued_at=ORIGIN_AT,
        issue_basis=IssueBasis.UNKNOWN,
        origin_at=ORIGIN_AT,
        lat_deg=24.54,
        lon_deg=123.17,
        depth_km=15.3,
        magnitude=5.9,
        place="宜蘭縣政府東方 144.2 公里 (位於臺灣東部海域)",
    )


def test_a_time_after_the_origin_is_that_of_issue() -> None:
    """To the millisecond."""
    report = parsed(time=ORIGIN_MS + 14_250)
    assert (report.issued_at, report.issue_basis) == (ORIGIN_AT + timedelta(seconds=14.25), IssueBasis.STATED)


@pytest.mark.parametrize(
    ("author", "source"),
    [
        ("cwa", "cwa"),
        ("CWB", "cwa"),
        ("nied", "jma"),
        ("jma", "jma"),
        ("kma", "kma"),
        ("scdzj", "sc"),
        ("trem", "trem"),
    ],
)
def test_the_author_is_the_source(author: str, source: str) -> None:
    """Under the name that other feeds have for it."""
    assert parsed(author=author).source == source


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"serial": 1}, ReportKind.NEW),
        ({"status": 1}, ReportKind.UPDATE),
        ({"final": 1}, ReportKind.FINAL),
        ({"final": True}, ReportKind.FINAL),
        ({"status": 2}, ReportKind.UPDATE),
        ({"status": 3}, ReportKind.CANCEL),
        ({"status": 3, "final": 1}, ReportKind.CANCEL),
    ],
)
def test_status_and_number_say_what_a_report_does(changes: dict[str, object], kind: ReportKind) -> None:
    """3 is a cancel; whatever else it is, an earthquake is reported."""
    assert parsed(**changes).kind is kind


def test_cancel_says_only_whom_it_cancels() -> None:
    """Nothing else in it has to be right."""
    report = parsed(status=3, eq=None, time=ORIGIN_MS + 9000)
    assert (report.event_id, report.lat_deg, report.issued_at) == ("1140887", None, ORIGIN_AT + timedelta(seconds=9))


def test_magnitude_1_is_of_an_assumed_source() -> None:
    """No report is issued for an earthquake so small."""
    assert parsed(eq=YILAN["eq"] | {"mag": 1}).is_assumed  # type: ignore[operator]  # it is a dict
    assert not parsed().is_assumed


def test_unknown_is_none() -> None:
    """Depth, magnitude and place."""
    report = parsed(eq={"time": ORIGIN_MS, "lat": 24.5, "lon": 123.2, "depth": None})
    assert (report.depth_km, report.magnitude, report.place, report.is_assumed) == (None, None, None, False)


def test_an_empty_list_is_a_sign_of_life() -> None:
    """Nothing is warned of."""
    assert parse(b"[]") == (Heartbeat("exptech"),)


def test_bad_report_costs_only_itself() -> None:
    """Two earthquakes may be in the list, of which one cannot be read."""
    bad = YILAN | {"id": "1140888", "eq": None}
    assert parse(answer(bad, YILAN)) == (
        Ignored("one of several is not as it should be: .eq: expected one JSON object"),
        parsed(),
    )


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"author": None}, "[0].author", "missing required field"),
        ({"serial": 0}, "report_no", "a whole number of at least 1"),
        ({"status": "3!"}, "[0].status", "a whole number"),
        ({"time": "now"}, "[0].time", "a whole number"),
        ({"eq": {"time": ORIGIN_MS, "lat": 24.5}}, "[0].eq.lon", "missing required field"),
    ],
)
def test_bad_member_is_named(changes: dict[str, object], field: str, expected: str) -> None:
    """The error says which and what it should hold."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(answer(YILAN | changes), file="in.json")
    assert (caught.value.file, caught.value.field, caught.value.expected) == ("in.json", field, expected)


def test_what_is_written_is_as_the_service_writes_it() -> None:
    """Author, status and ``final`` as numbers; a drill is refused."""
    (written,) = json.loads(render(parsed(author="scdzj", final=1, time=ORIGIN_MS + 9000)))
    assert (written["author"], written["status"], written["final"]) == ("scdzj", 0, 1)
    assert json.loads(render(parsed(status=3)))[0]["status"] == 3
    assert (written["time"], written["eq"]["time"]) == (ORIGIN_MS + 9000, ORIGIN_MS)
    with pytest.raises(InputError):
        render(msgspec.structs.replace(parsed(), status=AlertStatus.EXERCISE))
