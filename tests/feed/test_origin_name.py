"""Names by origin: what continues an earthquake, what is another, and what is left alone."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from eew.feed.origin_id import OriginNames, origin_name
from eew.model.records import EventReport, ReportKind
from tests.strategies import make_report

AT = datetime(2024, 4, 2, 23, 58, 10, tzinfo=UTC)


def report(report_no: int = 1, *, origin_s: float = 0.0, lat_deg: float = 23.9, source: str = "cwa") -> EventReport:
    return make_report(
        report_no,
        15 + report_no,
        6.0,
        event_id=origin_name(AT + timedelta(seconds=origin_s), lat_deg, 121.6),
        source=source,
        kind=ReportKind.NEW if report_no == 1 else ReportKind.UPDATE,
        at=AT,
        origin_s=origin_s,
        lat_deg=lat_deg,
        lon_deg=121.6,
        depth_km=None,
    )


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "expected"),
    [
        (23.89, 121.56, "at-20240402T235810Z-2389N12156E"),
        (-9.0, -1.5, "at-20240402T235810Z-0900S00150W"),
        (1e300, 0.0, "at-20240402T235810Z-99900N00000E"),
    ],
)
def test_the_name_is_the_origin_in_utc_and_the_epicentre(lat_deg: float, lon_deg: float, expected: str) -> None:
    """To the second and to a hundredth of a degree, whatever zone the time is given in."""
    at = AT.astimezone(timezone(timedelta(hours=8))).replace(microsecond=900_000)
    assert origin_name(at, lat_deg, lon_deg) == expected


@pytest.mark.parametrize(
    ("later", "is_same"),
    [
        pytest.param(report(2, origin_s=2.0), True, id="2 s later"),
        pytest.param(report(2, origin_s=-10.0), True, id="10 s earlier"),
        pytest.param(report(2, origin_s=11.0), False, id="11 s later"),
        # A degree of latitude is 111 km there.
        pytest.param(report(2, lat_deg=24.79), True, id="99 km away"),
        pytest.param(report(2, lat_deg=24.81), False, id="101 km away"),
        pytest.param(report(1, origin_s=2.0), False, id="another solution under the same number"),
        pytest.param(report(2, source="jma", origin_s=1.0), False, id="another agency"),
    ],
)
def test_a_report_continues_the_earthquake_it_is_near_to(later: EventReport, *, is_same: bool) -> None:
    """Otherwise it begins one of its own; nothing but the name changes."""
    names = OriginNames()
    first = names.kept(report())
    assert names.kept(later) == msgspec.structs.replace(later, event_id=(first if is_same else later).event_id)


def test_each_move_is_measured_from_the_last_report() -> None:
    """A sequence may wander farther than any two neighbours are apart."""
    names = OriginNames()
    kept = [names.kept(report(number, origin_s=8.0 * number)) for number in range(1, 6)]
    assert {each.event_id for each in kept} == {report(1, origin_s=8.0).event_id}


def test_of_two_earthquakes_the_nearer_in_time_is_continued() -> None:
    """They are told apart by the number that both began with."""
    names = OriginNames()
    one, other = names.kept(report(1)), names.kept(report(1, origin_s=8.0))
    assert one.event_id != other.event_id
    assert names.kept(report(2, origin_s=7.0)).event_id == other.event_id
    assert names.kept(report(2, origin_s=1.0)).event_id == one.event_id


def test_what_the_agency_named_and_a_cancel_without_a_place_are_left_alone() -> None:
    """The very same report comes back."""
    names = OriginNames()
    names.kept(report())
    named = msgspec.structs.replace(report(2, origin_s=1.0), event_id="1150074")
    cancel = msgspec.structs.replace(report(2), kind=ReportKind.CANCEL, origin_at=None, lat_deg=None, lon_deg=None)
    assert names.kept(named) is named
    assert names.kept(cancel) is cancel


def test_only_the_latest_are_known_again() -> None:
    """However many come, memory is bounded; the oldest earthquake is forgotten, and the oldest report of one."""
    names = OriginNames()
    for hour in range(200):
        names.kept(report(1, origin_s=3600.0 * hour))
    assert names.kept(report(2, origin_s=1.0)).event_id == report(origin_s=1.0).event_id
    last = report(origin_s=199 * 3600.0).event_id
    assert names.kept(report(2, origin_s=199 * 3600.0 + 1)).event_id == last
    for report_no in range(3, 400):
        names.kept(report(report_no, origin_s=199 * 3600.0))
    assert names.kept(report(1, origin_s=199 * 3600.0 + 5)).event_id == last
