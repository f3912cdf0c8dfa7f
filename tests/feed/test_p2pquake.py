"""P2PQuake: the message 556 of its specification [P2PQUAKE], and what stands beside it in the stream."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eew.feed.formats.p2pquake import parse
from eew.feed.parsed import Heartbeat, Ignored
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

#: The specification's example, with what it asks for beside it and two areas more.
SOYA: dict[str, Any] = {
    "id": "62f3d0c53b2ab6ff8a0d0e51",
    "code": 556,
    "time": "2022/08/11 00:53:25.083",
    "test": False,
    "cancelled": False,
    "earthquake": {
        "condition": "",
        "hypocenter": {
            "name": "宗谷地方北部",
            "reduceName": "北海道道北",
            "latitude": 44.9,
            "longitude": 142.1,
            "depth": 10.0,
            "magnitude": 5.5,
        },
        "originTime": "2022/08/11 00:53:00",
        "arrivalTime": "2022/08/11 00:53:10",
    },
    "issue": {"time": "2022/08/11 00:53:24", "eventId": "20220811005302", "serial": "1"},
    "areas": [
        {
            "pref": "北海道道北",
            "name": "上川地方北部",
            "scaleFrom": 45.0,
            "scaleTo": 45.0,
            "kindCode": "11",
            "arrivalTime": None,
        },
        {
            "pref": "北海道道北",
            "name": "宗谷地方北部",
            "scaleFrom": 50,
            "scaleTo": 99,
            "kindCode": "10",
            "arrivalTime": "2022/08/11 00:53:31",
        },
        {"pref": "北海道道北", "name": "留萌地方", "scaleFrom": -1, "scaleTo": -1, "kindCode": "19"},
    ],
}


def parsed(**changes: Any) -> EventReport:
    (part,) = parse(json.dumps(SOYA | changes).encode())
    assert isinstance(part, EventReport)
    return part


def with_hypocentre(**changes: Any) -> dict[str, Any]:
    return {**SOYA["earthquake"], "hypocenter": {**SOYA["earthquake"]["hypocenter"], **changes}}


def test_warning_is_read() -> None:
    """Times are Japan's, the number is text, scales are ten times the class; 99 is "or more", −1 unknown."""
    assert parsed() == EventReport(
        event_id="20220811005302",
        source="jma",
        report_no=1,
        numbering="warnings",
        kind=ReportKind.NEW,
        status=AlertStatus.ACTUAL,
        issued_at=datetime(2022, 8, 10, 15, 53, 24, tzinfo=UTC),
        origin_at=datetime(2022, 8, 10, 15, 53, 0, tzinfo=UTC),
        detected_at=datetime(2022, 8, 10, 15, 53, 10, tzinfo=UTC),
        lat_deg=44.9,
        lon_deg=142.1,
        depth_km=10.0,
        magnitude=5.5,
        place="宗谷地方北部",
        areas=(
            AreaAnswer(code="上川地方北部", name="上川地方北部", intensity_from=4.5, intensity_to=4.5, is_arrived=True),
            AreaAnswer(
                code="宗谷地方北部",
                name="宗谷地方北部",
                intensity_from=5.0,
                s_arrival_at=datetime(2022, 8, 10, 15, 53, 31, tzinfo=UTC),
            ),
            AreaAnswer(code="留萌地方", name="留萌地方"),
        ),
    )


def test_cancel_has_no_earthquake() -> None:
    """It says whom it cancels, and no more."""
    report = parsed(cancelled=True, earthquake=None, areas=[], issue=SOYA["issue"] | {"serial": "2"})
    assert (report.kind, report.report_no, report.lat_deg, report.areas) == (ReportKind.CANCEL, 2, None, None)


def test_test_is_marked() -> None:
    """A test is none that is meant."""
    assert parsed(test=True).status is AlertStatus.TEST


def test_numbers_for_unknown_are_none() -> None:
    """−1 for depth and magnitude; 0 km is very shallow, and a depth."""
    report = parsed(earthquake=with_hypocentre(depth=-1, magnitude=-1))
    assert (report.depth_km, report.magnitude) == (None, None)
    assert parsed(earthquake=with_hypocentre(depth=0)).depth_km == 0


def test_warning_without_hypocentre_is_one_of_its_areas() -> None:
    """Nothing can be reckoned from it, but the agency has; without areas either, it says nothing."""
    message = SOYA | {"earthquake": with_hypocentre(latitude=-200, longitude=-200)}
    (report,) = parse(json.dumps(message).encode())
    assert isinstance(report, EventReport)
    assert (report.lat_deg, report.lon_deg, report.is_located) == (None, None, False)
    assert [area.code for area in report.areas or ()] == [area.code for area in parsed().areas or ()]
    assert parse(json.dumps(message | {"areas": []}).encode()) == (Ignored("a warning without hypocentre and areas"),)


def test_assumed_hypocentre_may_have_no_origin_time() -> None:
    """The detection stands for it."""
    earthquake = SOYA["earthquake"] | {"condition": "仮定震源要素", "originTime": None}
    report = parsed(earthquake=earthquake)
    assert (report.is_assumed, report.origin_at) == (True, report.detected_at)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (551, "code 551: observed intensities"),
        (552, "code 552: a tsunami forecast"),
        (554, "code 554: that a warning was heard, without what it says"),
        (555, "code 555: how many take part where"),
        (561, "code 561: that a participant felt something"),
        (9611, "code 9611: a judgement of what participants felt"),
        (999, "code 999: no warning"),
    ],
)
def test_other_codes_are_ignored(code: int, reason: str) -> None:
    """The stream carries them all."""
    assert parse(json.dumps({"id": "a", "code": code, "time": "2022/08/11 00:53:25.083"}).encode()) == (
        Ignored(reason),
    )


def test_history_is_a_list() -> None:
    """Each is read as in the stream; an empty one shows that the service lives."""
    assert parse(json.dumps([{"code": 554}, SOYA]).encode()) == (
        Ignored("code 554: that a warning was heard, without what it says"),
        parsed(),
    )
    assert parse(b"[]") == (Heartbeat("jma"),)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": None}, "code"),
        ({"issue": None}, "issue"),
        ({"issue": SOYA["issue"] | {"serial": "one"}}, "issue.serial"),
        ({"earthquake": None}, "earthquake"),
        ({"earthquake": with_hypocentre(latitude="north")}, "earthquake.hypocenter.latitude"),
    ],
)
def test_bad_member_is_named(changes: dict[str, Any], field: str) -> None:
    """The error says which."""
    with pytest.raises(ReportDecodeError) as caught:
        parsed(**changes)
    assert caught.value.field == field
