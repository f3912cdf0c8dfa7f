"""FAN Studio: messages as its documentation and public clients have them [FANSTUDIO]."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from eew.feed.formats.fanstudio import answer, parse, render
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.servers.service_behaviour import manner_of
from eew.feed.source import FeedOptions
from eew.feed.wire_format import TalkingFormat, wire_format
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind

#: Akqi in Xinjiang, 2025-05-11, as on the source's own address.
CEA: dict[str, Any] = {
    "id": "bikui5d316ryy",
    "eventId": "202505111609.0001",
    "shockTime": "2025-05-11 16:09:13",
    "updateTime": "2025-05-11 16:09:33",
    "longitude": "78.02",
    "latitude": "40.93",
    "placeName": "新疆克孜勒苏州阿合奇县",
    "magnitude": "4.0",
    "epiIntensity": 5.1,
    "depth": 11,
    "updates": 1,
}
#: Ibaraki, 2026-09-17, the last report.
JMA: dict[str, Any] = {
    "id": "20260917000748",
    "updates": 8,
    "shockTime": "2026-09-17 00:07:37",
    "createTime": "2026-09-17 00:08:30",
    "latitude": 36.1,
    "longitude": 140.2,
    "depth": 80,
    "magnitude": 5,
    "placeName": "茨城県南部",
    "epiIntensity": "3",
    "infoTypeName": "予報",
    "isTraining": False,
    "final": True,
    "cancel": False,
}
#: East of Taiwan, 2026-09-14.
CWA: dict[str, Any] = {
    "id": "1150071",
    "updates": 4,
    "shockTime": "2026-09-14 06:44:45",
    "createTime": "2026-09-14 06:44:59",
    "latitude": 22.81,
    "longitude": 121.3,
    "depth": 20,
    "magnitude": 4.7,
    "placeName": "臺灣東部海域",
    "epiIntensity": "3",
    "final": False,
    "cancel": False,
}
#: Washington, 2026-09-05: the reports are not counted.
SHAKEALERT: dict[str, Any] = {
    "id": "ew1788606570",
    "shockTime": "2026-09-05 19:09:28",
    "createTime": "2026-09-05 19:09:40",
    "latitude": 46.247,
    "longitude": -122.6438,
    "depth": 17.6,
    "magnitude": 3.7,
    "placeName": "华盛顿州",
    "epiIntensity": "4.7",
}
BEAT_AT = datetime(2025, 9, 4, 15, 33, 20, tzinfo=UTC)


def update(source: str | None, warning: object, **more: object) -> bytes:
    frame: dict[str, object] = {"Data": warning, "md5": "0"} | more
    return json.dumps(frame if source is None else {"type": "update", "source": source} | frame).encode()


def parsed(source: str | None, warning: dict[str, Any], **changes: object) -> EventReport:
    (part,) = parse(update(source, warning | changes))
    assert isinstance(part, EventReport)
    return part


def test_report_of_china_is_read() -> None:
    """Coordinates and magnitude are texts, times in UTC+8; ``updateTime`` is the issue. The name is that of Wolfx."""
    expected = EventReport(
        event_id="202505111609_x2E0001",
        source="cenc",
        report_no=1,
        kind=ReportKind.NEW,
        status=AlertStatus.ACTUAL,
        issued_at=datetime(2025, 5, 11, 8, 9, 33, tzinfo=UTC),
        origin_at=datetime(2025, 5, 11, 8, 9, 13, tzinfo=UTC),
        lat_deg=40.93,
        lon_deg=78.02,
        depth_km=11.0,
        magnitude=4.0,
        place="新疆克孜勒苏州阿合奇县",
    )
    assert parsed("cea", CEA) == parsed(None, CEA) == expected


def test_report_of_japan_is_read() -> None:
    """Its times are in UTC+9, and its last report is marked."""
    report = parsed("jma", JMA)
    assert (report.source, report.event_id, report.report_no) == ("jma", "20260917000748", 8)
    assert (report.kind, report.status) == (ReportKind.FINAL, AlertStatus.ACTUAL)
    assert report.origin_at == datetime(2026, 9, 16, 15, 7, 37, tzinfo=UTC)
    assert report.issued_at == datetime(2026, 9, 16, 15, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize("spelt", ["cwa_eew", "cwa-eew"])
def test_report_of_taiwan_is_read(spelt: str) -> None:
    """The name is the agency's number, as in other feeds."""
    report = parsed(spelt, CWA)
    assert (report.source, report.event_id, report.report_no, report.numbering) == ("cwa", "1150071", 4, None)
    assert report.issued_at == datetime(2026, 9, 13, 22, 44, 59, tzinfo=UTC)


def test_reports_without_a_number_are_counted_by_their_age() -> None:
    """12 s after the origin is number 12, which is of a count of its own."""
    report = parsed("sa", SHAKEALERT)
    assert (report.source, report.report_no, report.numbering) == ("usgs-shakealert", 12, "fanstudio")
    assert (report.lat_deg, report.lon_deg) == (46.247, -122.6438)


@pytest.mark.parametrize(("province", "source"), [("四川", "sc"), ("福建", "fj"), ("重庆", "cq"), ("云南", "cea_pr")])
def test_a_provinces_network_has_the_name_that_other_feeds_have_for_it(province: str, source: str) -> None:
    """Where they know it."""
    assert parsed("cea-pr", CEA, province=province).source == source
    assert parsed(None, CEA, province=province).source == source


@pytest.mark.parametrize(
    ("warning", "source"),
    [(JMA, "jma"), (CWA | {"locationDesc": "臺灣東部海域"}, "cwa"), (SHAKEALERT | {"affectedAreas": []}, "kma")],
    ids=["jma", "cwa", "kma"],
)
def test_a_message_without_its_source_is_known_by_its_members(warning: dict[str, Any], source: str) -> None:
    """As on a source's own address."""
    assert parsed(None, warning).source == source


def test_a_message_that_could_be_anybodys_is_ignored() -> None:
    """Nothing is guessed."""
    assert parse(update(None, CWA)) == (Ignored("a message that does not say whose it is"),)


@pytest.mark.parametrize(
    ("changes", "kind", "status"),
    [
        ({"final": False}, ReportKind.UPDATE, AlertStatus.ACTUAL),
        ({"final": False, "updates": 1}, ReportKind.NEW, AlertStatus.ACTUAL),
        ({"cancel": True}, ReportKind.CANCEL, AlertStatus.ACTUAL),
        ({"isTraining": True}, ReportKind.FINAL, AlertStatus.EXERCISE),
    ],
)
def test_what_a_report_does_is_marked(changes: dict[str, object], kind: ReportKind, status: AlertStatus) -> None:
    """Also drills."""
    report = parsed("jma", JMA, **changes)
    assert (report.kind, report.status) == (kind, status)


def test_cancel_says_only_whom_it_cancels() -> None:
    """Nothing else in it has to be right."""
    report = parsed("jma", JMA, cancel=True, latitude=None, longitude="-", magnitude=[], shockTime=None)
    assert (report.event_id, report.report_no, report.lat_deg) == ("20260917000748", 8, None)


def test_jmas_assumed_source_is_known_by_its_values() -> None:
    """Only JMA's."""
    assert parsed("jma", JMA, magnitude=1, depth=10).is_assumed
    assert not parsed("cwa_eew", CWA, magnitude=1, depth=10).is_assumed


def test_without_a_time_after_the_origin_the_issue_is_unknown() -> None:
    """Neither is there one, or it is the origin."""
    for changes in ({"updateTime": None}, {"updateTime": CEA["shockTime"]}):
        report = parsed("cea", CEA, **changes)
        assert (report.issued_at, report.issue_basis) == (report.origin_at, IssueBasis.UNKNOWN)


def test_unknown_is_none_and_what_cannot_be_used_costs_only_itself() -> None:
    """It is told."""
    report = parsed("cea", CEA, depth=None, placeName=None, magnitude="")
    assert (report.depth_km, report.place, report.magnitude) == (None, None, None)
    bad, told = parse(update("cea", CEA | {"depth": "137(+/- 10)"}))
    assert isinstance(bad, EventReport)
    assert bad.depth_km is None
    assert told == Ignored("Data.depth: '137(+/- 10)': expected a number; left out")


@pytest.mark.parametrize("source", ["cenc", "cwa", "usgs", "weatheralarm", "cenc-ir"])
def test_other_sources_are_ignored_with_their_name(source: str) -> None:
    """Measured earthquakes and the weather are no early warnings."""
    assert parse(update(source, CEA)) == (Ignored(f"{source.replace('-', '_')}: no early warnings"),)


def test_on_connecting_the_last_warning_of_each_source_is_read() -> None:
    """What is empty, null or wrong costs nothing but itself; what is no early warning is told in one line."""
    message = {
        "type": "initial_all",
        "cea": {"Data": CEA, "md5": "0"},
        "cea-pr": {"Data": {}, "md5": "0"},
        "cwa-eew": {"Data": CWA, "md5": "0"},
        "kma-eew": None,
        "jma": {"Data": JMA | {"shockTime": "?"}, "md5": "0"},
        "cenc": {"Data": CEA, "md5": "0"},
        "weatheralarm": {"Data": {"title": "x"}, "md5": "0"},
        "timestamp": 1757000000000,
    }
    parts = parse(json.dumps(message).encode())
    assert [part.source for part in parts if isinstance(part, EventReport)] == ["cenc", "cwa"]
    reasons = [part.reason for part in parts if isinstance(part, Ignored)]
    assert reasons == [
        "one of several is not as it should be: jma.Data.shockTime: expected a time like 2011-03-11 05:46:45",
        "kma-eew: expected one JSON object; left out",
        "no early warnings: cenc, weatheralarm",
    ]
    assert parse(b'{"type":"initial_all"}') == (Heartbeat("fanstudio"),)
    assert parse(update("cea", {})) == (Ignored("cea: nothing yet"),)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"type": "heartbeat", "timestamp": 1757000000000}, Heartbeat("fanstudio", BEAT_AT)),
        ({"type": "pong"}, Heartbeat("fanstudio")),
        ({"type": "auth_success"}, Heartbeat("fanstudio")),
        ({"type": "cenclist_response", "x": 1}, Ignored("cenclist_response: nothing of an earthquake")),
        ({"type": "error", "message": "连接数超限"}, Ignored("error: 连接数超限")),
        (
            {"type": "auth_required", "message": "API key required"},
            Ignored('the service wants to be told a key first: {"type":"auth","appId":…,"key":…}'),
        ),
    ],
    ids=["heartbeat", "pong", "auth", "list", "error", "key"],
)
def test_what_the_service_says_besides_is_no_report(message: dict[str, object], expected: Parsed) -> None:
    """A sign of life, or ignored with its reason."""
    assert parse(json.dumps(message).encode()) == (expected,)


def test_no_key_is_repeated() -> None:
    """Neither by a complaint of the service, nor where options are shown."""
    (part,) = parse(json.dumps({"type": "error", "message": "bad key sk-0123456789abcdef"}).encode())
    assert part == Ignored("error: bad key …")
    assert "secret" not in repr(FeedOptions(send='{"type":"auth","key":"secret"}'))


def test_a_heartbeat_is_answered_with_its_own_time() -> None:
    """As number or text; nothing else is."""
    form = wire_format("fanstudio")
    assert isinstance(form, TalkingFormat)
    assert form.greeting() is None
    manner = manner_of("fanstudio")
    assert manner.heartbeat is not None
    assert manner.is_owed is not None
    beat = manner.heartbeat(BEAT_AT)
    word = answer(beat)
    assert word is not None
    assert json.loads(word) == {"type": "pong", "timestamp": 1757000000000}
    assert manner.is_owed(word)
    assert answer(b'{"type":"heartbeat","timestamp":"9"}') == '{"type": "pong", "timestamp": "9"}'
    assert answer(b'{"type":"heartbeat"}') == '{"type": "pong"}'
    assert not any(manner.is_owed(text) for text in ("ping", "query", "[]", '{"type":"auth"}'))


@pytest.mark.parametrize(
    ("warning", "field", "expected"),
    [
        (CEA | {"eventId": None, "id": None}, "Data.id", "missing required field"),
        (CEA | {"latitude": "north"}, "Data.latitude", "a number"),
        (CEA | {"updates": "x"}, "Data.updates", "a whole number"),
        (CEA | {"shockTime": "16:09"}, "Data.shockTime", "a time like 2011-03-11 05:46:45"),
        ([], "Data", "one JSON object"),
    ],
)
def test_bad_member_is_named(warning: object, field: str, expected: str) -> None:
    """The error says which and what it should hold."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(update("cea", warning), file="in.json")
    assert (caught.value.file, caught.value.field, caught.value.expected) == ("in.json", field, expected)


def test_a_message_without_a_type_is_none_of_the_service() -> None:
    """So other services' files are not taken for its."""
    with pytest.raises(ReportDecodeError):
        parse(b'{"a": 1}')


@pytest.mark.parametrize("source", ["cenc", "cea_pr", "sc", "jma", "cwa", "kma", "usgs-shakealert"])
def test_what_is_written_is_read_back_under_its_source(source: str) -> None:
    """In the source's own clock."""
    report = msgspec.structs.replace(
        parsed("cwa_eew", CWA), source=source, issued_at=datetime(2026, 9, 13, 23, tzinfo=UTC)
    )
    assert parse(render(report)) == (report,)


def test_what_is_written_is_as_the_service_writes_it() -> None:
    """Coordinates of China as texts; a test is refused."""
    written = json.loads(render(parsed("cea", CEA)))
    assert (written["type"], written["source"]) == ("update", "cea")
    same = {key: written["Data"][key] for key in CEA if key not in {"id", "epiIntensity"}}
    assert same == {key: value for key, value in CEA.items() if key not in {"id", "epiIntensity"}}
    assert json.loads(render(parsed("cwa_eew", CWA)))["source"] == "cwa-eew"
    later = parsed("jma", JMA).issued_at + timedelta(seconds=1)
    with pytest.raises(InputError):
        render(msgspec.structs.replace(parsed("jma", JMA), status=AlertStatus.TEST, issued_at=later))
