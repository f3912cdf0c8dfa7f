"""Contours: where a level ends by the estimator, and on the map wherever that is."""

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from eew.contract.cap.area import AlertPolygon
from eew.decision.policy import levels
from eew.dispatch.contour import contours
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.estimate.targets import Targets
from eew.model.records import AlertStatus, EventReport, Level, Profile, ReportKind, Vertex
from eew.model.region_profile_file import load_profile
from eew.physics.travel_time_table import TravelTimeTable

GEOD = pyproj.Geod(ellps="WGS84")
ORIGIN = datetime(2024, 1, 1, 7, 10, tzinfo=UTC)
#: A dipping plane 60 km long, and a steep one beyond a gap, both within reach of an earthquake of magnitude 7.4.
FAULT: tuple[tuple[Vertex, ...], ...] = (
    ((37.3, 136.6, 1.0), (37.6, 137.2, 1.0), (37.45, 137.3, 14.0), (37.15, 136.7, 14.0)),
    ((37.75, 137.5, 3.0), (37.9, 137.9, 3.0), (37.9, 137.9, 15.0), (37.75, 137.5, 15.0)),
)


@pytest.fixture(scope="module")
def japan() -> Profile:
    return load_profile("japan")


@pytest.fixture(scope="module")
def estimator(japan: Profile) -> Estimator:
    return Estimator(
        TravelTimeTable.load(japan.travel_times), intensity_model(japan.intensity_model), japan.default_depth_km
    )


def report_of(
    lat_deg: float = 37.5,
    lon_deg: float = 137.2,
    magnitude: float = 7.4,
    fault: tuple[tuple[Vertex, ...], ...] | None = None,
) -> EventReport:
    return EventReport(
        event_id="e",
        source="s",
        report_no=1,
        kind=ReportKind.NEW,
        status=AlertStatus.EXERCISE,
        issued_at=ORIGIN + timedelta(seconds=8),
        origin_at=ORIGIN,
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        depth_km=10.0,
        magnitude=magnitude,
        fault=fault,
    )


def level_at(
    report: EventReport, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, profile: Profile, estimator: Estimator
) -> npt.NDArray[np.uint8]:
    """Return the level at places, as the dispatcher would find it."""
    estimate = estimator.estimate(report, Targets.of(lat_deg, lon_deg), profile.min_intensity)
    level = np.zeros(np.size(lat_deg), dtype=np.uint8)
    level[estimate.target_row] = levels(profile, report.magnitude, estimate.intensity, estimate.max_intensity)
    return level


def radii_of(report: EventReport, profile: Profile, estimator: Estimator) -> dict[str, float]:
    """Return how far each level reaches, to 0.1 km as the dispatcher says it."""
    reach = estimator.reach(report, profile.min_intensity)
    assert reach is not None
    level = levels(profile, report.magnitude, reach.intensity, float(reach.intensity[0]))
    return {
        each.word: round(float(reach.epicentral_km[level >= each].max(initial=0)), 1) for each in Level if each.value
    }


def polygons_of(contour: AlertPolygon) -> list[shapely.Polygon]:
    """Return the rings as polygons of longitude and latitude."""
    return [shapely.Polygon([(lon, lat) for lat, lon in ring]) for ring in contour.polygons]


def check_form(contour: AlertPolygon) -> None:
    """Ask for closed rings, valid, on the map, to four decimals, and not too long."""
    assert contour.polygons
    assert sum(map(len, contour.polygons)) <= 105
    for ring, polygon in zip(contour.polygons, polygons_of(contour), strict=True):
        assert ring[0] == ring[-1]
        assert len(ring) >= 4
        assert all(-90 <= lat <= 90 and -180 <= lon <= 180 for lat, lon in ring)
        assert all(value == round(value, 4) for point in ring for value in point)
        assert polygon.is_valid
        assert polygon.area > 0
    assert sum(a.overlaps(b) for a in polygons_of(contour) for b in polygons_of(contour)) == 0


def is_in(contour: AlertPolygon, lat_deg: float, lon_deg: float) -> bool:
    return any(polygon.covers(shapely.Point(lon_deg, lat_deg)) for polygon in polygons_of(contour))


@pytest.mark.parametrize("magnitude", [6.3, 7.4])
def test_a_circle_ends_where_the_level_ends(magnitude: float, japan: Profile, estimator: Estimator) -> None:
    """1 km inside the polygon's sides the level is reached, 1 km and 0.2 % outside it is not."""
    report = report_of(magnitude=magnitude)
    radii = radii_of(report, japan, estimator)
    found = contours(report, radii, japan, estimator)
    assert list(found) == ["critical", "active", "passive"]
    for word, contour in found.items():
        check_form(contour)
        code = Level[word.upper()]
        corners = np.array(contour.polygons[0])
        middles = (corners[:-1] + corners[1:]) / 2
        azimuth, _, to_m = GEOD.inv(
            np.full(len(middles), report.lon_deg), np.full(len(middles), report.lat_deg), middles[:, 1], middles[:, 0]
        )
        for distance_m, is_reached in ((to_m - 1000, True), (to_m * 1.002 + 1000, False)):
            lon, lat, _ = GEOD.fwd(
                np.full(len(middles), report.lon_deg), np.full(len(middles), report.lat_deg), azimuth, distance_m
            )
            assert ((level_at(report, lat, lon, japan, estimator) >= code) == is_reached).all()
        assert contour.circle == (report.lat_deg, report.lon_deg, radii[word])


@pytest.mark.parametrize("fault", [FAULT, FAULT[:1], (((37.3, 136.6, 0.0), (38.9, 139.9, 0.0)),)])
def test_a_faults_contour_ends_where_the_level_ends(
    fault: tuple[tuple[Vertex, ...], ...], japan: Profile, estimator: Estimator
) -> None:
    """Nobody outside has the level; whoever is in it and 2 % of its width from its edge has."""
    report = report_of(fault=fault)
    found = contours(report, {"critical": 1.0}, japan, estimator)
    rng = np.random.default_rng(1)
    for word, contour in found.items():
        check_form(contour)
        region = shapely.union_all(polygons_of(contour))
        west, south, east, north = region.bounds
        lon = rng.uniform(west - 1, east + 1, 20_000)
        lat = rng.uniform(south - 1, north + 1, 20_000)
        has_level = level_at(report, lat, lon, japan, estimator) >= Level[word.upper()]
        is_inside = shapely.contains_xy(region, lon, lat)
        margin = 0.02 * min(east - west, north - south)
        is_well_inside = shapely.contains_xy(shapely.buffer(region, -margin), lon, lat)
        # The rounding to 11 m apart.
        assert not (has_level & ~shapely.contains_xy(shapely.buffer(region, 2e-4), lon, lat)).any()
        assert has_level[is_well_inside].all()
        assert 0 < np.count_nonzero(is_inside) < len(lon)
    assert list(found) == ["critical", "active", "passive"]


def test_a_faults_circle_lies_inside(japan: Profile, estimator: Estimator) -> None:
    """It touches the polygon from inside; far from the fault there is none."""
    contour = contours(report_of(fault=FAULT), {"critical": 1.0}, japan, estimator)["critical"]
    assert contour.circle is not None
    lat_deg, lon_deg, radius_km = contour.circle
    azimuth = np.arange(720) / 2
    for factor, is_whole in ((0.999, True), (1.01, False)):
        lon, lat, _ = GEOD.fwd(
            np.full(720, lon_deg), np.full(720, lat_deg), azimuth, np.full(720, 1000 * radius_km * factor)
        )
        inside = shapely.contains_xy(shapely.union_all(polygons_of(contour)), lon, lat)
        assert inside.all() == is_whole
    away = contours(report_of(lat_deg=42.0, fault=FAULT), {"critical": 1.0}, japan, estimator)["critical"]
    assert away.circle is None
    assert is_in(away, 37.45, 136.9)


@settings(max_examples=60)
@given(
    lat_deg=st.floats(-90, 90),
    lon_deg=st.floats(-180, 180),
    radius_km=st.one_of(st.floats(0.1, 5), st.floats(5, 2900)),
    azimuth_deg=st.floats(0, 360),
)
def test_a_circle_is_one_anywhere_on_earth(
    lat_deg: float, lon_deg: float, radius_km: float, azimuth_deg: float, japan: Profile, estimator: Estimator
) -> None:
    """Across the date line and the poles: what is nearer than the radius is inside, what is clearly further not."""
    report = report_of(lat_deg, lon_deg)
    contour = contours(report, {"passive": radius_km}, japan, estimator)["passive"]
    check_form(contour)
    # Sides are straight on the map: up to as much beside the great circle, and the rounding.
    slack_km = 0.03 + 0.003 * radius_km
    for distance_km, is_inside in ((radius_km - slack_km, True), (radius_km * 1.003 + slack_km, False)):
        lon, lat, _ = GEOD.fwd(lon_deg, lat_deg, azimuth_deg, 1000 * max(distance_km, 0))
        if abs(lat) < 85:
            assert is_in(contour, lat, lon) == is_inside


def test_across_the_date_line_there_are_two_polygons(japan: Profile, estimator: Estimator) -> None:
    """One ends at 180° east and one begins at 180° west."""
    contour = contours(report_of(-20.0, 179.5), {"passive": 200.0}, japan, estimator)["passive"]
    west, east = sorted(contour.polygons, key=lambda ring: min(lon for _, lon in ring))
    assert (min(lon for _, lon in west), max(lon for _, lon in east)) == (-180.0, 180.0)


@pytest.mark.parametrize("lat_deg", [88.0, -88.0, 90.0, -90.0])
def test_around_a_pole_the_pole_is_inside(lat_deg: float, japan: Profile, estimator: Estimator) -> None:
    """A circle that holds a pole reaches up to it at every longitude."""
    contour = contours(report_of(lat_deg, 20.0), {"passive": 500.0}, japan, estimator)["passive"]
    check_form(contour)
    pole_deg = np.copysign(89.99, lat_deg)
    assert all(is_in(contour, pole_deg, lon) for lon in range(-180, 181, 15))


def test_a_fault_across_the_date_line(japan: Profile, estimator: Estimator) -> None:
    """Its neighbourhood is cut there, too."""
    fault = (((52.0, 179.0, 5.0), (52.2, -179.0, 5.0), (52.5, -179.0, 30.0), (52.3, 179.0, 30.0)),)
    found = contours(report_of(52.2, 179.9, 8.0, fault), {"critical": 1.0}, japan, estimator)
    for contour in found.values():
        check_form(contour)
        assert all(is_in(contour, 52.2, lon) for lon in (179.2, 179.999, -179.999, -179.2))
        assert not is_in(contour, 52.2, 0.0)


def test_who_tells_nobody_has_no_contour(japan: Profile, estimator: Estimator) -> None:
    """A level that is not reached has none, nor a report below what is issued, nor a cancel."""
    assert list(contours(report_of(), {"critical": 0.0, "passive": 12.0}, japan, estimator)) == ["passive"]
    assert contours(report_of(), {}, japan, estimator) == {}
    cancel = EventReport(
        event_id="e",
        source="s",
        report_no=2,
        kind=ReportKind.CANCEL,
        status=AlertStatus.TEST,
        issued_at=ORIGIN + timedelta(seconds=20),
    )
    assert contours(cancel, {}, japan, estimator) == {}
