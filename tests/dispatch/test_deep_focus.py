"""Foci so deep that the agency forecasts no intensity: nobody is told, wherever a level is worked out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from eew.client.on_device_estimate import on_device_estimate
from eew.client.rules import solution_of
from eew.contract.message import AlertCore
from eew.contract.signature import SigningKey
from eew.devices.swarm.device_estimates import OnDeviceEstimator
from eew.dispatch.audience import Send, audience_of
from eew.dispatch.contour import contours
from eew.dispatch.dispatcher import ActedOn, Dispatcher, DispatchResult, EventClock
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.fanout.outbox import Outbox
from eew.fanout.send_loop import SendRate
from eew.model.clock import SystemClock
from eew.model.records import DeviceKind, Devices, EventReport, Level, Profile, ReportKind
from eew.model.region_profile_file import load_profile, profile_names
from eew.mqtt import packet
from eew.physics.cells import cell_at
from eew.physics.travel_time_at_place import travel_times
from eew.physics.travel_time_table import TravelTimeTable
from eew.shelter import catalogue
from tests.strategies import make_report

#: Off the Ogasawara islands, 2015-05-30: M 8.1 at 682 km [JMA-EEW-DEEP].
ORIGIN_AT = datetime(2015, 5, 30, 11, 23, 2, tzinfo=UTC)
EPICENTRE = (27.86, 140.68)
JAPAN = load_profile("japan")


def report(depth_km: float | None, magnitude: float = 8.1, report_no: int = 1) -> EventReport:
    return make_report(
        report_no,
        60 + report_no,
        magnitude,
        event_id="20150530202302",
        kind=ReportKind.NEW if report_no == 1 else ReportKind.UPDATE,
        at=ORIGIN_AT,
        lat_deg=EPICENTRE[0],
        lon_deg=EPICENTRE[1],
        depth_km=depth_km,
    )


def core(depth_km: float) -> AlertCore:
    of = report(depth_km)
    members = {name: getattr(of, name) for name in AlertCore.__struct_fields__ if hasattr(of, name)}
    return AlertCore(**members | {"signature": "s"}, expires_at=of.issued_at + timedelta(seconds=600), key_id="k")


def island() -> Devices:
    """Return a television on Chichijima, 1.6° from the epicentre, and one right above the focus."""
    lat_deg = np.array([27.09, EPICENTRE[0]], dtype=np.float32)
    lon_deg = np.array([142.19, EPICENTRE[1]], dtype=np.float32)
    cell = cell_at(lat_deg, lon_deg)
    row = np.argsort(cell)
    return Devices(
        id=np.array([b"chichijima", b"above"])[row],
        lat_deg=lat_deg[row],
        lon_deg=lon_deg[row],
        cell=cell[row],
        kind=np.full(2, DeviceKind.TV, dtype=np.uint8),
        region="island",
        seed=0,
    )


def estimator(profile: Profile = JAPAN) -> Estimator:
    table = TravelTimeTable.load(profile.travel_times)
    return Estimator(table, intensity_model(profile.intensity_model), profile.default_depth_km)


async def handled(mode: str, *reports: EventReport) -> list[DispatchResult]:
    """Return what becomes of reports that are dispatched one after the other to an island."""
    audience = audience_of(
        mode, island(), catalogue.load(catalogue.default_catalogue_path()), Send(0, packet.V3, "full")
    )
    event_clock = EventClock()
    dispatcher = Dispatcher(
        JAPAN,
        estimator(),
        audience,
        Outbox(),
        SendRate(1000.0),
        SigningKey.from_seed(bytes(32)),
        clock=SystemClock(),
        event_clock=event_clock,
    )
    found: list[DispatchResult] = []
    for each in reports:
        event_clock.anchor(each.issued_at)
        found += await dispatcher.handle(each)
    return found


def test_japan_forecasts_none_from_150_km_on_and_the_others_set_no_limit() -> None:
    """It is the profile that says so; an unknown depth counts as the profile's default."""
    limits = {name: load_profile(name).no_intensity_from_depth_km for name in profile_names()}
    assert limits == {"china": None, "global": None, "japan": 150.0, "taiwan": None, "us": None}
    assert [JAPAN.forecasts_intensity(depth_km) for depth_km in (149.9, 150.0, 602.0, None)] == [
        True,
        False,
        False,
        True,
    ]
    assert load_profile("global").forecasts_intensity(700.0)
    assert not replace(JAPAN, default_depth_km=150.0).forecasts_intensity(None)


@pytest.mark.parametrize("mode", ["device", "cell"])
@pytest.mark.parametrize("depth_km", [150.0, 602.0, 682.0])
async def test_the_dispatcher_tells_nobody_of_a_deep_focus(mode: str, depth_km: float) -> None:
    """M 8.1 at 682 km was 6+ by the formula, and is told to none, nor is a radius published."""
    (found,) = await handled(mode, report(depth_km))
    assert isinstance(found, ActedOn)
    assert (found.n_alerts, dict(found.radius_km_by_level)) == (0, {})


@pytest.mark.parametrize("mode", ["device", "cell"])
async def test_just_above_the_limit_it_tells_as_ever(mode: str) -> None:
    """At 149.9 km all are told; a later report that puts the focus at 160 km tells nobody more."""
    shallower, deeper = await handled(mode, report(149.9), report(160.0, magnitude=8.6, report_no=2))
    assert isinstance(shallower, ActedOn)
    assert shallower.n_alerts_by_level["critical"] > 0
    assert deeper.n_alerts == 0


@pytest.mark.parametrize(("depth_km", "expected"), [(149.9, Level.CRITICAL), (150.0, Level.NONE), (682.0, Level.NONE)])
def test_a_device_alone_follows_the_same_rule(depth_km: float, expected: Level) -> None:
    """The library of a device and the simulated ones, above the focus, where the waves come all the same."""
    solution = solution_of(core(depth_km))
    estimate = on_device_estimate(*EPICENTRE, solution, JAPAN, travel_times(JAPAN.travel_times))
    own = OnDeviceEstimator([EPICENTRE[0]], [EPICENTRE[1]], JAPAN, JAPAN.travel_times).estimate(core(depth_km))
    assert estimate is not None
    assert (estimate.level, Level(int(own.level[0]))) == (expected, expected)
    assert estimate.s_arrival_s == pytest.approx(float(own.s_arrival_s[0]), abs=0.05)


def test_of_a_deep_fault_no_contour_is_drawn() -> None:
    """CAP has no polygon either."""
    corners = [(EPICENTRE[0] + north, EPICENTRE[1] + east) for north, east in ((-0.2, 0), (0.2, 0), (0.2, 0.2))]
    for depth_km, has_any in ((100.0, True), (200.0, False)):
        fault = (tuple((lat, lon, depth_km) for lat, lon in corners),)
        of = msgspec.structs.replace(report(depth_km), fault=fault)
        assert bool(contours(of, {"passive": 1.0}, JAPAN, estimator())) is has_any
