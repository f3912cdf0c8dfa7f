"""ICL: answers as published clients record them [ICL]."""

import json
from datetime import UTC, datetime

import pytest

from eew.feed.formats.icl import parse, render
from eew.feed.parsed import Heartbeat, Ignored
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, EventReport, ReportKind

LHATSE = {
    "eventId": 86634748,
    "updates": 3,
    "latitude": 28.798416,
    "longitude": 87.623375,
    "depth": 8,
    "epicenter": "西藏拉孜",
    "startAt": 1736279572050,
    "updateAt": 1736279588953,
    "magnitude": 4.000001,
    "insideNet": 0,
    "sations": 5,
    "sourceType": "meihuan",
    "epiIntensity": 0,
}


def answer(*warnings: object, code: object = 0) -> bytes:
    return json.dumps({"code": code, "message": "", "data": list(warnings)}).encode()


def test_report_is_read() -> None:
    """Times are milliseconds since 1970: 2025-01-07 19:52:52.05 UTC and 16.903 s later."""
    assert parse(answer(LHATSE)) == (
        EventReport(
            event_id="86634748",
            source="icl",
            report_no=3,
            kind=ReportKind.UPDATE,
            status=AlertStatus.ACTUAL,
            issued_at=datetime(2025, 1, 7, 19, 53, 8, 953000, tzinfo=UTC),
            origin_at=datetime(2025, 1, 7, 19, 52, 52, 50000, tzinfo=UTC),
            lat_deg=28.798416,
            lon_deg=87.623375,
            depth_km=8.0,
            magnitude=4.000001,
            place="西藏拉孜",
        ),
    )


def test_reports_come_in_the_order_of_their_issue() -> None:
    """The list begins with the latest."""
    later = LHATSE | {"updates": 4, "updateAt": 1736279592000}
    first = LHATSE | {"updates": 1, "updateAt": 1736279580000}
    parts = parse(answer(later, LHATSE, first))
    assert [part.report_no for part in parts if isinstance(part, EventReport)] == [1, 3, 4]
    assert isinstance(parts[0], EventReport)
    assert parts[0].kind is ReportKind.NEW


def test_number_0_is_taken_for_1() -> None:
    """Reports are counted from 1."""
    (report,) = parse(answer(LHATSE | {"updates": 0}))
    assert isinstance(report, EventReport)
    assert report.report_no == 1


def test_empty_list_is_a_sign_of_life_and_a_complaint_is_ignored() -> None:
    """The service answers, and has nothing to report."""
    assert parse(answer()) == (Heartbeat("icl"),)
    assert parse(b'{"code":0,"message":"","data":null}') == (Heartbeat("icl"),)
    assert parse(b'{"code":404,"message":"no","data":null}') == (Ignored("the service says code 404, not 0"),)


def test_bad_report_costs_only_itself() -> None:
    """It is ignored with a reason, unless there is no good one."""
    bad = LHATSE | {"startAt": "yesterday"}
    reason = "one of several is not as it should be: data.startAt: expected a whole number"
    assert parse(answer(bad, LHATSE)) == (*parse(answer(LHATSE)), Ignored(reason))
    with pytest.raises(ReportDecodeError) as caught:
        parse(answer(bad), file="in.json")
    assert (caught.value.field, caught.value.value) == ("data[0].startAt", "yesterday")


def test_name_that_is_a_number_is_written_as_one() -> None:
    """As the service writes it."""
    (report,) = parse(answer(LHATSE))
    assert isinstance(report, EventReport)
    assert json.loads(render(report))["data"][0]["eventId"] == 86634748
    assert parse(render(report)) == (report,)
