"""What JMA assumes, and what it says of arrivals, is the same in all forms of its reports."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from eew.feed.wire_format import wire_format
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

ORIGIN_AT = datetime(2026, 3, 8, 13, 18, 19, tzinfo=UTC)
#: After the pattern of a report of 2026: magnitude 1 at 10 km, one area at intensity 4.
ASSUMED = EventReport(
    event_id="20260308221821",
    source="jma",
    report_no=5,
    kind=ReportKind.FINAL,
    status=AlertStatus.ACTUAL,
    issued_at=ORIGIN_AT + timedelta(seconds=32),
    origin_at=ORIGIN_AT,
    lat_deg=39.7,
    lon_deg=141.0,
    depth_km=10.0,
    magnitude=1.0,
    place="岩手県内陸北部",
    areas=(
        AreaAnswer(code="212", name="岩手県内陸北部", intensity_from=3.5, intensity_to=3.5),
        AreaAnswer(code="210", name="岩手県沿岸北部", intensity_from=2.5, intensity_to=3.5, is_arrived=True),
        AreaAnswer(
            code="211",
            name="岩手県沿岸南部",
            intensity_from=2.5,
            intensity_to=2.5,
            s_arrival_at=ORIGIN_AT + timedelta(seconds=40),
        ),
    ),
)
WITH_AREAS = ["jma-xml", "jma-telegram", "dmdata", "wolfx-jma", "p2pquake"]


def read(name: str, data: bytes) -> EventReport:
    (report,) = wire_format(name).parse(data)
    assert isinstance(report, EventReport)
    return report


@pytest.mark.parametrize("name", [*WITH_AREAS, "jma-history", "kmoni"])
def test_nothing_is_reckoned_from_the_values_that_jma_puts_in_for_none(name: str) -> None:
    """Magnitude 1.0 at 10 km is an assumed source even where the form does not say so; its areas are kept."""
    report = read(name, wire_format(name).render(ASSUMED))
    assert report.is_assumed
    assert len(report.areas or ()) == (0 if name == "kmoni" else 3)
    for changes in ({"magnitude": 1.1}, {"depth_km": 20.0}, {"magnitude": None}, {"depth_km": None}):
        other = msgspec.structs.replace(ASSUMED, **changes)
        assert not read(name, wire_format(name).render(other)).is_assumed


@pytest.mark.parametrize("name", WITH_AREAS)
def test_an_area_that_is_reached_already_has_no_arrival_to_come(name: str) -> None:
    """That it is reached is known apart from that nothing is foreseen (PLUM)."""
    areas = read(name, wire_format(name).render(ASSUMED)).areas
    assert areas is not None
    assert [(area.is_arrived, area.s_arrival_at) for area in areas] == [
        (False, None),
        (True, None),
        (False, ORIGIN_AT + timedelta(seconds=40)),
    ]


@pytest.mark.parametrize("name", WITH_AREAS)
def test_what_has_arrived_is_written_without_a_time(name: str) -> None:
    """Whatever time a report says beside it."""
    late = AreaAnswer(
        code="212",
        name="岩手県内陸北部",
        intensity_from=3.5,
        intensity_to=3.5,
        s_arrival_at=ORIGIN_AT + timedelta(seconds=20),
        is_arrived=True,
    )
    areas = read(name, wire_format(name).render(msgspec.structs.replace(ASSUMED, areas=(late,)))).areas
    assert areas is not None
    assert [(area.is_arrived, area.s_arrival_at) for area in areas] == [(True, None)]


@pytest.mark.parametrize(
    ("arrives", "is_arrived", "has_time"),
    [
        ("主要動到達時刻の予測なし（PLUM 法による予測）", False, False),
        ("既に到達と予測", True, False),
        (True, True, False),
        (False, False, True),
        ("未到達と予測", False, True),
        (None, False, True),
    ],
)
def test_wolfx_says_in_words_whether_an_arrival_is_to_come(arrives: object, is_arrived: bool, has_time: bool) -> None:
    """A time of day beside PLUM's foreseeing is when it was foreseen, and no arrival."""
    message: dict[str, Any] = json.loads(wire_format("wolfx-jma").render(ASSUMED))
    message["WarnArea"] = [message["WarnArea"][0] | {"Time": "221822", "Arrive": arrives}]
    areas = read("wolfx-jma", json.dumps(message).encode()).areas
    assert areas is not None
    assert (areas[0].is_arrived, areas[0].s_arrival_at is not None) == (is_arrived, has_time)


@pytest.mark.parametrize(("kind", "has_time"), [("10", True), ("11", False), ("19", False), (None, True)])
def test_p2pquake_says_by_a_code_whether_an_arrival_is_to_come(kind: str | None, has_time: bool) -> None:
    """A time beside 11 or 19 is none of an arrival to come."""
    message: dict[str, Any] = json.loads(wire_format("p2pquake").render(ASSUMED))
    message["areas"] = [message["areas"][2] | {"kindCode": kind}]
    areas = read("p2pquake", json.dumps(message).encode()).areas
    assert areas is not None
    assert (areas[0].is_arrived, areas[0].s_arrival_at is not None) == (kind == "11", has_time)
