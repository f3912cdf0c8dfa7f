"""Wolfx's five feeds: their messages as published clients record them [WOLFX], and what each says in its own way."""

import json
from datetime import UTC, datetime

import pytest

from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.wire_format import TalkingFormat, wire_format
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, IssueBasis, ReportKind

#: The last report of 2025-12-08 off Aomori, with four of its areas; the telegram lists the same four.
AOMORI = {
    "type": "jma_eew",
    "Title": "緊急地震速報（警報）",
    "Issue": {"Source": "東京", "Status": "通常"},
    "EventID": "20251208231519",
    "Serial": 46,
    "AnnouncedTime": "2025/12/08 23:19:25",
    "OriginTime": "2025/12/08 23:15:10",
    "Hypocenter": "青森県東方沖",
    "Latitude": 41,
    "Longitude": 142.2,
    "Magunitude": 7.2,
    "Depth": 60,
    "MaxIntensity": "6弱",
    "WarnArea": [
        {"Chiiki": "青森県下北", "Shindo1": "6弱", "Shindo2": "5強", "Time": "//////", "Arrive": "既に到達と予測"},
        {"Chiiki": "石狩地方中部", "Shindo1": "5弱", "Shindo2": "4", "Time": "//////", "Arrive": "既に到達と予測"},
        {
            "Chiiki": "胆振地方中東部",
            "Shindo1": "5強",
            "Shindo2": "5強",
            "Time": "231605",
            "Arrive": "主要動到達時刻の予測なし（PLUM 法による予測）",
        },
        {"Chiiki": "網走地方", "Shindo1": "4", "Shindo2": "4", "Time": "232010", "Arrive": False},
    ],
    "isSea": True,
    "isTraining": False,
    "isAssumption": False,
    "isWarn": True,
    "isFinal": True,
    "isCancel": False,
    "OriginalText": "37 03 00 251208231925 C11 251208231510 ND20251208231519 NCN946 JD////////////// JN/// 285 N410 "
    "E1422 060 72 6- RK44559 RT11/// RC0//// EBI 203 S6-5+ ////// 11 101 S5-04 ////// 11 146 S5+5+ 231605 19 "
    "140 S0404 232010 10 9999=",
}
AREAS = (
    AreaAnswer(code="203", name="青森県下北", intensity_from=5.0, intensity_to=5.5, is_arrived=True),
    AreaAnswer(code="101", name="石狩地方中部", intensity_from=3.5, intensity_to=4.5, is_arrived=True),
    AreaAnswer(code="146", name="胆振地方中東部", intensity_from=5.0, intensity_to=5.0),
    AreaAnswer(
        code="140",
        name="網走地方",
        intensity_from=3.5,
        intensity_to=3.5,
        s_arrival_at=datetime(2025, 12, 8, 14, 20, 10, tzinfo=UTC),
    ),
)
SICHUAN = {
    "type": "sc_eew",
    "ID": 8178,
    "EventID": "202608031300.0001_1",
    "ReportTime": "2026-08-03 13:00:52",
    "ReportNum": 1,
    "OriginTime": "2026-08-03 13:00:46",
    "HypoCenter": "四川宜宾市高县",
    "Latitude": 28.55,
    "Longitude": 104.668,
    "Magunitude": 4.2,
    "Depth": 0,
    "MaxIntensity": 5.8,
}
CENC = {
    "ID": "b3i6pz76gqcyy",
    "EventID": "202607181347.0001",
    "ReportTime": "2026-07-18 13:47:20",
    "ReportNum": 2,
    "OriginTime": "2026-07-18 13:47:20",
    "HypoCenter": "新疆克孜勒苏州阿克陶县",
    "Latitude": 38.747,
    "Longitude": 75.088,
    "Magnitude": 4.8,
    "Depth": 5,
    "MaxIntensity": 6.2,
}
FUJIAN = {
    "type": "fj_eew",
    "ID": 55,
    "EventID": "event-55",
    "ReportTime": "2026-07-12 12:00:02",
    "ReportNum": 3,
    "OriginTime": "2026-07-12 12:00:00",
    "HypoCenter": "福建某地",
    "Latitude": 25.1,
    "Longitude": 118.2,
    "Magunitude": "3.8",
    "isFinal": True,
}


def parsed(name: str, message: object) -> EventReport:
    (part,) = wire_format(name).parse(json.dumps(message).encode())
    assert isinstance(part, EventReport)
    return part


def test_jma_report_is_read() -> None:
    """Misspelt magnitude, times in Japan's zone, areas with codes from the telegram; PLUM predicts no arrival."""
    assert parsed("wolfx-jma", AOMORI) == EventReport(
        event_id="20251208231519",
        source="jma",
        report_no=46,
        kind=ReportKind.FINAL,
        status=AlertStatus.ACTUAL,
        issued_at=datetime(2025, 12, 8, 14, 19, 25, tzinfo=UTC),
        origin_at=datetime(2025, 12, 8, 14, 15, 10, tzinfo=UTC),
        lat_deg=41.0,
        lon_deg=142.2,
        depth_km=60.0,
        magnitude=7.2,
        place="青森県東方沖",
        areas=AREAS,
    )


def test_jma_cancel_says_only_whom_it_cancels() -> None:
    """Whatever stands in the place of its hypocentre is not looked at."""
    report = parsed("wolfx-jma", AOMORI | {"isCancel": True, "Latitude": "不明", "OriginTime": "//////"})
    assert (report.kind, report.report_no, report.lat_deg, report.areas) == (ReportKind.CANCEL, 46, None, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"isTraining": True}, AlertStatus.EXERCISE),
        ({"Issue": {"Source": "東京", "Status": "訓練取消"}}, AlertStatus.EXERCISE),
        ({"Issue": {"Source": "東京", "Status": "試験"}}, AlertStatus.TEST),
        ({"Issue": None}, AlertStatus.ACTUAL),
    ],
)
def test_jma_drills_and_tests_are_marked(changes: dict[str, object], expected: AlertStatus) -> None:
    """A drill has a flag, a test only a word."""
    assert parsed("wolfx-jma", AOMORI | changes).status is expected


@pytest.mark.parametrize(("serial", "kind"), [(1, ReportKind.NEW), (2, ReportKind.UPDATE)])
def test_jma_reports_are_counted_from_1(serial: int, kind: ReportKind) -> None:
    """The first is new, and the others, unless it is the last, are updates."""
    assert parsed("wolfx-jma", AOMORI | {"Serial": serial, "isFinal": False}).kind is kind


def test_jma_area_has_its_name_for_a_code_where_the_telegram_lists_others() -> None:
    """Codes are taken only where there are as many as areas."""
    report = parsed("wolfx-jma", AOMORI | {"OriginalText": "37 EBI 203 S6-5+ ////// 11 9999="})
    assert report.areas is not None
    assert [area.code for area in report.areas] == ["青森県下北", "石狩地方中部", "胆振地方中東部", "網走地方"]


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        ("6弱", "5強", (5.0, 5.5)),
        ("5強", "6弱", (5.0, 5.5)),
        ("5-", "//", (4.5, None)),
        ("不明", "不明", (None, None)),
        (4, 3, (2.5, 3.5)),
    ],
)
def test_jma_area_may_leave_a_class_open(upper: object, lower: object, expected: tuple[float | None, ...]) -> None:
    """The higher of two is the upper, one alone means "or more", and an unreadable one costs nothing."""
    area = {"Chiiki": "a", "Shindo1": upper, "Shindo2": lower, "Time": "99"}
    report = parsed("wolfx-jma", AOMORI | {"WarnArea": area})
    assert report.areas is not None
    assert (report.areas[0].intensity_from, report.areas[0].intensity_to) == expected
    assert report.areas[0].s_arrival_at is None


def test_jma_arrival_over_midnight_is_on_the_next_day() -> None:
    """A time of day is that on the day that is nearest to the issue."""
    area = {"Chiiki": "a", "Shindo1": "4", "Shindo2": "4", "Time": "000012"}
    report = parsed("wolfx-jma", AOMORI | {"AnnouncedTime": "2025/12/08 23:59:58", "WarnArea": [area]})
    assert report.areas is not None
    assert report.areas[0].s_arrival_at == datetime(2025, 12, 8, 15, 0, 12, tzinfo=UTC)


def test_sichuan_report_is_read() -> None:
    """The name of the event loses the number of the report; a depth of 0 km is one."""
    assert parsed("wolfx-sc", SICHUAN) == EventReport(
        event_id="202608031300_x2E0001",
        source="sc",
        report_no=1,
        kind=ReportKind.NEW,
        status=AlertStatus.ACTUAL,
        issued_at=datetime(2026, 8, 3, 5, 0, 52, tzinfo=UTC),
        origin_at=datetime(2026, 8, 3, 5, 0, 46, tzinfo=UTC),
        lat_deg=28.55,
        lon_deg=104.668,
        depth_km=0.0,
        magnitude=4.2,
        place="四川宜宾市高县",
    )


def test_reports_of_one_sichuan_event_share_its_name() -> None:
    """The names that they are sent under differ."""
    second = SICHUAN | {"EventID": "202608031300.0001_2", "ReportNum": 2}
    assert parsed("wolfx-sc", second).event_id == parsed("wolfx-sc", SICHUAN).event_id
    assert parsed("wolfx-sc", second).kind is ReportKind.UPDATE


@pytest.mark.parametrize("source", ["cenc", "cq"])
def test_cenc_and_chongqing_spell_the_magnitude_rightly(source: str) -> None:
    """Over HTTP there is no type; null is an unknown depth."""
    report = parsed(f"wolfx-{source}", CENC | {"Depth": None})
    assert (report.source, report.event_id, report.report_no) == (source, "202607181347_x2E0001", 2)
    assert (report.magnitude, report.depth_km, report.kind) == (4.8, None, ReportKind.UPDATE)
    assert json.loads(wire_format(f"wolfx-{source}").render(report))["Magnitude"] == 4.8


def test_fujian_marks_its_last_report() -> None:
    """It has no depth; numbers may come as text."""
    report = parsed("wolfx-fj", FUJIAN)
    assert (report.magnitude, report.depth_km, report.kind) == (3.8, None, ReportKind.FINAL)
    written = json.loads(wire_format("wolfx-fj").render(report))
    assert (written["Magunitude"], written["isFinal"], "Depth" in written) == (3.8, True, False)


def test_reports_of_one_fujian_event_share_its_name() -> None:
    """As in Sichuan's, the name ends in the report's number."""
    named = FUJIAN | {"EventID": "20241027182139_1", "ReportNum": 1, "isFinal": False}
    first = parsed("wolfx-fj", named)
    second = parsed("wolfx-fj", named | {"EventID": "20241027182139_2", "ReportNum": 2})
    assert [(each.event_id, each.report_no) for each in (first, second)] == [
        ("20241027182139", 1),
        ("20241027182139", 2),
    ]
    assert json.loads(wire_format("wolfx-fj").render(second))["EventID"] == "20241027182139_2"


@pytest.mark.parametrize("source", ["sc", "cenc", "fj", "cq"])
def test_a_report_time_that_is_the_origin_is_no_time_of_issue(source: str) -> None:
    """CENC's feed writes it in every report; whoever says a later one is believed."""
    message = CENC if source in {"cenc", "cq"} else SICHUAN | {"type": f"{source}_eew"}
    origin = message["OriginTime"]
    unknown = parsed(f"wolfx-{source}", message | {"ReportTime": origin})
    assert (unknown.issue_basis, unknown.issued_at) == (IssueBasis.UNKNOWN, unknown.origin_at)
    assert unknown.issued_after_s is None
    later = parsed(f"wolfx-{source}", message | {"ReportTime": f"{origin}.5"})
    assert (later.issue_basis, later.issued_after_s) == (IssueBasis.STATED, 0.5)


def test_cenc_is_played_as_it_comes() -> None:
    """The fake server does not say what the agency does not."""
    report = parsed("wolfx-cenc", CENC | {"ReportTime": "2026-07-18 13:47:40"})
    assert json.loads(wire_format("wolfx-cenc").render(report))["ReportTime"] == "2026-07-18 13:47:20"


@pytest.mark.parametrize("source", ["jma", "sc", "cenc", "fj", "cq"])
@pytest.mark.parametrize("stamp", [1752000000123, "1752000000123"], ids=["number", "text"])
def test_heartbeat_and_pong_are_signs_of_life(source: str, stamp: object) -> None:
    """Their times are milliseconds, as number or text."""
    at = datetime(2025, 7, 8, 18, 40, 0, 123000, tzinfo=UTC)
    for kind in ("heartbeat", "pong"):
        message = {"type": kind, "ver": 18, "id": "a", "timestamp": stamp}
        assert wire_format(f"wolfx-{source}").parse(json.dumps(message).encode()) == (Heartbeat(source, at),)


@pytest.mark.parametrize("source", ["jma", "sc", "cenc", "fj", "cq", "cwa"])
def test_the_last_report_is_asked_for_and_heartbeats_are_answered(source: str) -> None:
    """By the words that the service documents: a question for each feed, and a ping."""
    form = wire_format(f"wolfx-{source}")
    assert isinstance(form, TalkingFormat)
    assert form.greeting() == f"query_{source}eew"
    assert form.answer(b'{"type":"heartbeat","ver":18,"id":"a","timestamp":1752000000123}') == "ping"
    assert form.answer(b'{"type":"pong","timestamp":1752000000123}') is None


@pytest.mark.parametrize(
    ("source", "message", "reason"),
    [
        ("jma", SICHUAN, "sc_eew, not jma_eew"),
        ("cenc", AOMORI, "jma_eew, not cenc_eew"),
        ("sc", {"type": "cenc_eqlist", "No1": {}}, "cenc_eqlist, not sc_eew"),
    ],
)
def test_other_feeds_of_the_stream_are_ignored(source: str, message: object, reason: str) -> None:
    """The stream of all feeds carries them all."""
    assert wire_format(f"wolfx-{source}").parse(json.dumps(message).encode()) == (Ignored(reason),)


@pytest.mark.parametrize(
    ("name", "message", "field", "expected"),
    [
        ("wolfx-jma", AOMORI | {"Serial": None}, "Serial", "missing required field"),
        ("wolfx-jma", AOMORI | {"Serial": 0}, "report_no", "a whole number of at least 1"),
        ("wolfx-jma", AOMORI | {"AnnouncedTime": "now"}, "AnnouncedTime", "a time like 2011-03-11 05:46:45"),
        ("wolfx-sc", SICHUAN | {"Latitude": 91}, "lat_deg", "a number of at most 90.0"),
        ("wolfx-cq", {}, "ReportNum", "missing required field"),
    ],
)
def test_bad_member_is_named(name: str, message: object, field: str, expected: str) -> None:
    """The error says which and what it should hold."""
    with pytest.raises(ReportDecodeError) as caught:
        wire_format(name).parse(json.dumps(message).encode(), file="in.json")
    assert (caught.value.file, caught.value.field, caught.value.expected) == ("in.json", field, expected)
