"""From a report to a plan in the outbox, and what a later report makes of it."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from eew.contract.message import AlertCore
from eew.contract.signature import SigningKey, Verifier, core_of
from eew.dispatch.dispatcher import ActedOn, Dispatcher, DispatchResult, EventClock
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.estimate.targets import Targets
from eew.fanout.encode import Encoder
from eew.fanout.outbox import Outbox, Portion
from eew.fanout.publish_template import Batch
from eew.fanout.send_loop import SendRate
from eew.model.clock import SystemClock
from eew.model.disposition import Disposition
from eew.model.records import AlertPlan, AlertStatus, AreaAnswer, EventReport, Level, ReportKind, Solution
from eew.model.region_profile_file import load_profile
from eew.physics.travel_time_table import TravelTimeTable
from tests.strategies import make_report

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, 100000, tzinfo=UTC)
NONE, PASSIVE, ACTIVE, CRITICAL = (int(level) for level in Level)
JAPAN = load_profile("japan")
AK135 = TravelTimeTable.load("ak135")
KEY = SigningKey.from_seed(bytes(range(32)))
GEOD = Geod(ellps="WGS84")
#: Places in a line to the west of the epicentre, this far: the S wave comes to none before a report is issued.
DISTANCE_KM = np.array([45.0, 60.0, 100.0, 150.0, 200.0, 260.0, 340.0, 450.0, 700.0, 1400.0])
EPICENTRE = (38.1, 142.9)


def report(report_no: int = 1, magnitude: float | None = 7.2, *, issued_s: float = 10.0, **members: Any) -> EventReport:
    # A minute apart, or the two would be taken for one earthquake under two ids.
    at = ORIGIN_AT + timedelta(seconds=60 if members.get("event_id") == "e2" else 0)
    return make_report(report_no, issued_s, magnitude, at=at, lat_deg=EPICENTRE[0], lon_deg=EPICENTRE[1], **members)


def cancel(report_no: int, issued_s: float = 20.0, event_id: str = "20110311144640") -> EventReport:
    return report(report_no, issued_s=issued_s, kind=ReportKind.CANCEL, event_id=event_id)


@dataclass
class Town:
    """An audience that writes down what it is asked to encode."""

    distance_km: npt.NDArray[np.float64] = field(default_factory=lambda: DISTANCE_KM)
    encoded: list[tuple[AlertPlan, AlertCore]] = field(default_factory=list)
    #: For each estimate, whether it was asked for on the main thread.
    threads: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        n = len(self.distance_km)
        lon, lat, _ = GEOD.fwd(
            np.full(n, EPICENTRE[1]), np.full(n, EPICENTRE[0]), np.full(n, 270.0), self.distance_km * 1000
        )
        self.places = Targets.of(lat, lon)

    def __len__(self) -> int:
        return len(self.distance_km)

    def targets(self, solution: Solution) -> Targets:  # noqa: ARG002 - of every solution the same
        self.threads.append(threading.current_thread() is threading.main_thread())
        return self.places

    def far_targets(self, solution: Solution) -> Targets | None:  # noqa: ARG002 - likewise
        return None

    def encoder(self, plan: AlertPlan, core: AlertCore) -> Encoder:
        self.encoded.append((plan, core))
        return _NoEncoder()


class _NoEncoder:
    def encode(self, start: int, end: int) -> Batch:
        raise AssertionError((start, end))


class Context:
    """A dispatcher with its outbox, its audience and its clocks."""

    def __init__(self, town: Town | None = None, rate_hz: float = 100_000.0) -> None:
        self.town = town or Town()
        self.outbox = Outbox()
        self.event_clock = EventClock()
        self.dispatcher = Dispatcher(
            JAPAN,
            Estimator(AK135, intensity_model("sm99"), 10.0),
            self.town,
            self.outbox,
            SendRate(rate_hz),
            KEY,
            clock=SystemClock(),
            event_clock=self.event_clock,
        )

    async def handle(self, of: EventReport) -> DispatchResult:
        self.event_clock.anchor(of.issued_at)
        (handled,) = await self.dispatcher.handle(of)
        return handled

    @property
    def plan(self) -> AlertPlan:
        """The plan made last."""
        return self.town.encoded[-1][0]

    @property
    def core(self) -> AlertCore:
        return self.town.encoded[-1][1]

    def take(self, n: int) -> Portion | None:
        """Take ``n`` alerts from the outbox, as the sending loop does before it writes them."""
        return self.outbox.take(self.event_clock.now(), n)

    def take_all(self) -> None:
        while self.take(1000) is not None:
            pass


def taken_rows(portions: Sequence[Portion | None]) -> list[int]:
    return [
        int(row)
        for portion in portions
        if portion is not None
        for row in portion.plan.target_row[portion.start : portion.end]
    ]


def expected_levels(magnitude: float, distance_km: npt.NDArray[np.float64] = DISTANCE_KM) -> list[int]:
    """Return the levels by JMA's rules: class 4 is critical once 5 lower is expected somewhere, 3 active, 1 passive."""
    # The straight way through a flat Earth: at these distances as good as any.
    intensity = intensity_model("sm99").intensity(magnitude, np.hypot(distance_km, 10.0), depth_km=10.0)
    greatest = float(intensity_model("sm99").intensity(magnitude, 10.0, depth_km=10.0))
    assert (np.abs(intensity[:, np.newaxis] - [0.5, 2.5, 3.5]) > 0.02).all()
    if magnitude < 3.5 and greatest < 2.5:
        return [NONE] * len(distance_km)
    critical = (intensity >= 3.5) & (greatest >= 4.5)
    levels = np.select([critical, intensity >= 2.5, intensity >= 0.5], [CRITICAL, ACTIVE, PASSIVE], NONE)
    return [int(level) for level in levels]


async def test_a_report_becomes_a_plan_for_all_who_will_feel_it() -> None:
    """Who is told, how loud, when P and S come, in the order of the S wave: as table and formula say place by place."""
    context = Context()
    handled = await context.handle(report())
    plan = context.plan
    levels = expected_levels(7.2)
    assert {CRITICAL, ACTIVE, PASSIVE, NONE} == set(levels)
    told = [row for row, level in enumerate(levels) if level]
    assert plan.target_row.tolist() == told
    assert plan.level.tolist() == [levels[row] for row in told]
    p_travel_s, s_travel_s = AK135.travel_times(DISTANCE_KM[told], 10.0)
    np.testing.assert_allclose(plan.p_arrival_s, p_travel_s, atol=0.02)
    np.testing.assert_allclose(plan.s_arrival_s, s_travel_s, atol=0.02)
    assert (plan.scale, plan.info) == ("jma", "jp/ja")
    assert handled.disposition is Disposition.ACCEPTED
    words = {"critical": CRITICAL, "active": ACTIVE, "passive": PASSIVE}
    assert isinstance(handled, ActedOn)
    assert handled.n_alerts_by_level == {word: levels.count(level) for word, level in words.items()}
    assert handled.n_alerts == len(told) == context.outbox.n_waiting
    assert handled.decided_mono_s >= handled.received_mono_s


async def test_radii_are_where_the_intensity_falls_below_each_level() -> None:
    """The formula has just reached the level's threshold there, and no further out."""
    handled = await Context().handle(report())
    for word, least in (("critical", 3.5), ("active", 2.5), ("passive", 0.5)):
        assert isinstance(handled, ActedOn)
        radius_km = handled.radius_km_by_level[word]
        inside, outside = intensity_model("sm99").intensity(7.2, np.hypot([radius_km - 1, radius_km + 1], 10.0))
        assert inside > least > outside


async def test_whom_the_rate_cannot_save_comes_last() -> None:
    """Five a minute, ten seconds after the origin: first those in time, then by level those who cannot be."""
    context = Context(rate_hz=1 / 12)
    await context.handle(report())
    _, s_travel_s = AK135.travel_times(DISTANCE_KM, 10.0)
    levels = expected_levels(7.2)
    order = context.plan.target_row.tolist()
    sent_s = 10 + 12 * np.arange(1, len(order) + 1)
    is_on_time = sent_s <= s_travel_s[order]
    n_on_time = int(np.argmin(is_on_time)) if not is_on_time.all() else len(order)
    assert 0 < n_on_time < len(order)
    assert not is_on_time[n_on_time:].any()
    rest = [levels[row] for row in order[n_on_time:]]
    assert rest == sorted(rest, reverse=True)


async def test_an_alert_stays_valid_until_after_the_last_s_wave() -> None:
    """It expires two minutes after the S wave has come as far as anybody is told; a cancel after ten minutes."""
    context = Context()
    handled = await context.handle(report())
    last_s = float(AK135.travel_times(DISTANCE_KM[context.plan.target_row].max(), 10.0)[1])
    assert context.plan.expires_at >= ORIGIN_AT + timedelta(seconds=last_s + JAPAN.validity_s)
    assert isinstance(handled, ActedOn)
    edge_s = float(AK135.travel_times(handled.radius_km_by_level["passive"], 10.0)[1])
    off = context.plan.expires_at - (ORIGIN_AT + timedelta(seconds=edge_s + JAPAN.validity_s))
    assert abs(off.total_seconds()) < 0.15
    assert context.plan.expires_at.microsecond % 1000 == 0
    assert context.core.expires_at == context.plan.expires_at
    context.take_all()
    await context.handle(cancel(2))
    assert context.plan.expires_at == ORIGIN_AT + timedelta(seconds=20 + 600)


async def test_a_late_report_is_valid_from_its_issue_on() -> None:
    """Where every S wave is long through, two minutes are counted from the report."""
    context = Context(Town(np.array([20.0])))
    await context.handle(report(issued_s=300.0))
    assert context.plan.expires_at == ORIGIN_AT + timedelta(seconds=300 + JAPAN.validity_s)


@pytest.mark.parametrize("status", AlertStatus)
async def test_the_core_says_what_the_report_says_and_is_signed(status: AlertStatus) -> None:
    """A drill is a drill in what is signed; the signature verifies, and no longer if a word of the core is changed."""
    context = Context()
    handled = await context.handle(report(4, status=status))
    core = context.core
    assert isinstance(handled, ActedOn)
    assert handled.core is core
    assert (core.event_id, core.report_no, core.kind, core.status) == ("20110311144640", 4, ReportKind.UPDATE, status)
    assert (core.lat_deg, core.lon_deg, core.depth_km, core.magnitude) == (38.1, 142.9, 10.0, 7.2)
    assert (core.issued_at, core.origin_at) == (ORIGIN_AT + timedelta(seconds=10), ORIGIN_AT)
    verifier = Verifier({KEY.key_id: KEY.public_bytes})
    assert verifier.verify(core.key_id, core_of(core), core.signature)
    for change in ({"magnitude": 7.3}, {"status": AlertStatus.TEST if status != "test" else AlertStatus.ACTUAL}):
        changed = msgspec.structs.replace(core, **change)
        assert not verifier.verify(changed.key_id, core_of(changed), changed.signature)


async def test_numbers_are_rounded_to_what_is_signed() -> None:
    """A payload prints no more decimals than the core: 5 of a degree, 3 of a km, 2 of a magnitude."""
    context = Context()
    exact = {"lat_deg": 38.1234567, "lon_deg": 142.9876543, "depth_km": 10.12345, "magnitude": 7.204}
    await context.handle(msgspec.structs.replace(report(), **exact))
    core = context.core
    assert (core.lat_deg, core.lon_deg, core.depth_km, core.magnitude) == (38.12346, 142.98765, 10.123, 7.2)


async def test_an_unknown_magnitude_or_an_assumed_source_tells_nobody() -> None:
    """The plan is empty, and is put all the same: it was acted on."""
    for weak in (report(magnitude=None), report(magnitude=1.0, is_assumed=True)):
        context = Context()
        handled = await context.handle(weak)
        assert handled.disposition is Disposition.ACCEPTED
        assert isinstance(handled, ActedOn)
        assert (handled.n_alerts, dict(handled.radius_km_by_level)) == (0, {})
        assert len(context.outbox.done) == 1


@pytest.mark.parametrize("weak", [{"magnitude": None}, {"magnitude": 1.0, "is_assumed": True}], ids=["M?", "assumed"])
async def test_a_report_that_knows_less_takes_nothing_back(weak: dict[str, Any]) -> None:
    """The alerts of a good report go on while a later one has no magnitude or only an assumed source."""
    context = Context()
    await context.handle(report(1))
    n_waiting = context.outbox.n_waiting
    await context.handle(report(2, issued_s=11, **weak))
    assert context.outbox.n_waiting == n_waiting > 0


async def test_areas_without_a_hypocentre_tell_nobody_and_it_is_said() -> None:
    """Accepted, and neither told nor taken for a mistake; what was told before goes on."""
    context = Context()
    await context.handle(report(1))
    n_waiting = context.outbox.n_waiting
    nowhere = {"origin_at": None, "lat_deg": None, "lon_deg": None, "areas": (AreaAnswer(code="MX-CMX"),)}
    handled = await context.handle(msgspec.structs.replace(report(2, issued_s=11), **nowhere))
    assert not isinstance(handled, ActedOn)
    assert (handled.disposition, handled.n_alerts) == (Disposition.AREAS_ONLY, 0)
    assert context.outbox.n_waiting == n_waiting > 0


async def test_a_report_below_what_is_issued_tells_nobody() -> None:
    """M 2.4 under one's feet is neither M 3.5 nor class 3."""
    context = Context(Town(np.array([1.0])))
    handled = await context.handle(report(magnitude=2.4))
    assert expected_levels(2.4, np.array([1.0])) == [NONE]
    assert isinstance(handled, ActedOn)
    assert (handled.n_alerts, dict(handled.radius_km_by_level)) == (0, {})


async def test_an_update_takes_the_place_of_what_waits_and_tells_the_rest() -> None:
    """Three were told of report 1; report 2, the same, goes to the others only, and what waited is superseded."""
    context = Context()
    await context.handle(report(1))
    n_planned = len(context.plan)
    first = context.take(3)
    await context.handle(report(2, issued_s=11))
    told = set(taken_rows([first]))
    assert len(told) == 3
    assert set(context.plan.target_row.tolist()) == set(range(n_planned)) - told
    (superseded,) = context.outbox.done
    assert superseded.n_superseded == n_planned - 3
    assert context.outbox.n_waiting == n_planned - 3


async def test_a_stronger_update_goes_to_all_again() -> None:
    """Half a magnitude more is a change for everybody, and reaches more."""
    context = Context()
    await context.handle(report(1))
    context.take_all()
    await context.handle(report(2, 7.8, issued_s=11))
    assert context.plan.level.tolist() == [level for level in expected_levels(7.8) if level]
    assert len(context.plan) == len([level for level in expected_levels(7.8) if level])


async def test_critical_stays_critical_when_the_magnitude_falls() -> None:
    """JMA's Tohoku report 5: who had a critical alert is told of M 6.3 with a critical one."""
    context = Context()
    await context.handle(report(1, 7.2))
    context.take_all()
    await context.handle(report(2, 6.3, issued_s=11))
    before, now = expected_levels(7.2), expected_levels(6.3)
    for row, level in zip(context.plan.target_row.tolist(), context.plan.level.tolist(), strict=True):
        assert level == (CRITICAL if before[row] == CRITICAL else now[row])


async def test_a_cancel_goes_to_exactly_those_on_whom_nothing_can_be_called_back() -> None:
    """Seven alerts were taken, not yet written: those seven are told that it was nothing, the loudest first."""
    town = Town(DISTANCE_KM[::-1])
    context = Context(town)
    await context.handle(report(1))
    n_planned = len(context.plan)
    told = taken_rows([context.take(1), context.take(6)])
    handled = await context.handle(cancel(2))
    assert handled.disposition is Disposition.CANCELLED
    assert sorted(context.plan.target_row.tolist()) == sorted(told)
    assert context.plan.level.tolist() == sorted(
        (expected_levels(7.2, town.distance_km)[row] for row in told), reverse=True
    )
    assert np.isnan(context.plan.s_arrival_s).all()
    assert context.outbox.n_waiting == 7
    assert context.outbox.done[0].n_superseded == n_planned - 7
    assert context.core.kind is ReportKind.CANCEL
    assert context.core.magnitude is None


async def test_a_cancel_may_reuse_the_last_number_once() -> None:
    """JMA does that; the same again is a duplicate, and nobody is told twice."""
    context = Context()
    await context.handle(report(1))
    context.take_all()
    assert (await context.handle(cancel(1))).disposition is Disposition.CANCELLED
    context.take_all()
    assert (await context.handle(cancel(1))).disposition is Disposition.DUPLICATE
    assert len(context.town.encoded) == 2


async def test_a_cancel_of_what_nobody_heard_of_tells_nobody() -> None:
    """The event's first report is its cancel."""
    context = Context()
    handled = await context.handle(cancel(1))
    assert handled.disposition is Disposition.CANCELLED
    assert handled.n_alerts == 0


async def test_an_event_that_lives_again_is_told_anew() -> None:
    """The cancel was the mistake. Who had it is told as if for the first time; who had not yet, knows it still."""
    context = Context()
    await context.handle(report(1))
    context.take_all()
    await context.handle(cancel(2))
    told = taken_rows([context.take(2)])
    handled = await context.handle(report(3, issued_s=30))
    assert handled.disposition is Disposition.CORRECTED
    assert sorted(context.plan.target_row.tolist()) == sorted(told)
    context.take_all()
    await context.handle(cancel(4, issued_s=40))
    assert len(context.plan) == len([level for level in expected_levels(7.2) if level])


@pytest.mark.parametrize(
    ("again", "disposition"),
    [
        (report(2, 7.2), Disposition.DUPLICATE),
        (report(2, 7.5), Disposition.CONFLICTING),
        (report(1, 7.0), Disposition.OLDER),
        (report(3, 7.5, issued_s=1000.0), Disposition.STALE),
    ],
    ids=["duplicate", "conflicting", "older", "stale"],
)
async def test_what_adds_nothing_changes_nothing(again: EventReport, disposition: Disposition) -> None:
    """No plan is made, and what waits goes on waiting."""
    context = Context()
    await context.handle(report(2, 7.2))
    n_waiting = context.outbox.n_waiting
    handled = await context.handle(again)
    assert handled.disposition is disposition
    assert not isinstance(handled, ActedOn)
    assert handled.n_alerts == 0
    assert len(context.town.encoded) == 1
    assert context.outbox.n_waiting == n_waiting
    assert not context.outbox.done


async def test_two_events_at_once_know_nothing_of_each_other() -> None:
    """An update of one supersedes its own alerts, its cancel withdraws its own, and both tell everybody."""
    context = Context()
    await context.handle(report(1, event_id="e1"))
    await context.handle(report(1, event_id="e2", issued_s=11))
    n_each = len(context.plan)
    assert context.outbox.n_waiting == 2 * n_each
    await context.handle(report(2, 7.6, event_id="e1", issued_s=12))
    assert [job.plan.report.event_id for job in context.outbox.done] == ["e1"]
    await context.handle(cancel(3, event_id="e1"))
    assert context.outbox.n_waiting == n_each
    assert len(context.plan) == 0


async def test_what_was_told_is_forgotten_with_the_event() -> None:
    """An hour after an event was last acted on, nothing is held of it."""
    context = Context()
    await context.handle(report(1, event_id="e1"))
    assert set(context.dispatcher._states) == {"e1"}
    later = msgspec.structs.replace(
        report(1, event_id="e2"),
        origin_at=ORIGIN_AT + timedelta(hours=2),
        issued_at=ORIGIN_AT + timedelta(hours=2, seconds=10),
    )
    await context.handle(later)
    assert set(context.dispatcher._states) == {"e2"}


async def test_what_is_kept_of_each_report_holds_no_columns() -> None:
    """A run of a thousand reports must not hold a thousand plans."""
    handled = await Context().handle(report())
    for each in fields(handled):
        assert not isinstance(getattr(handled, each.name), AlertPlan | np.ndarray)


async def test_the_estimate_is_worked_out_beside_the_loop() -> None:
    """While it takes its time, the loop goes on sending; encoders are made on the loop."""
    context = Context()
    await context.handle(report())
    assert context.town.threads == [False]
    assert threading.current_thread() is threading.main_thread()


@dataclass
class City(Town):
    """A hundred thousand targets, of whom the first thousands can be taken before the rest is planned."""

    distance_km: npt.NDArray[np.float64] = field(default_factory=lambda: np.linspace(30, 900, 100_000))
    goes_on: threading.Event = field(default_factory=threading.Event)
    #: The whole estimate is asked for, but not given yet.
    is_asked: threading.Event = field(default_factory=threading.Event)

    def targets(self, solution: Solution) -> Targets:
        if len(self.threads) % 2:
            # The whole estimate: the most urgent were asked for before.
            self.is_asked.set()
            assert self.goes_on.wait(30)
        return super().targets(solution)


async def begun(context: Context, of: EventReport) -> "asyncio.Task[DispatchResult]":
    """Hand a report in, and wait until its most urgent alerts wait."""
    handling = asyncio.create_task(context.handle(of))
    await context.outbox.wait()
    return handling


async def test_the_most_urgent_leave_before_the_rest_is_planned() -> None:
    """They are critical, the first of the best order, and stay so when the whole plan follows."""
    city = City()
    context = Context(city)
    handling = await begun(context, report())
    (ahead, core), *_ = city.encoded
    taken = context.take(300)
    assert taken is not None
    assert not handling.done()
    city.goes_on.set()
    handled = await handling
    plan = context.plan
    assert 5000 < len(ahead) < len(plan)
    assert (ahead.level == CRITICAL).all()
    np.testing.assert_array_equal(plan.target_row[: len(ahead)], ahead.target_row)
    assert isinstance(handled, ActedOn)
    assert context.core is core is handled.core
    assert handled.n_alerts == len(plan) == context.outbox.n_waiting + 300
    assert len(np.unique(plan.target_row)) == len(plan)
    # All that can be saved are, so the order is plainly by S arrival, to a bin; the S wave is 10 s out.
    after_s = plan.s_arrival_s - 10
    is_late = after_s < 0.5
    assert (np.maximum.accumulate(after_s[~is_late]) - after_s[~is_late] < 0.03).all()
    assert (after_s[: len(ahead)] > 0).all()


async def test_whole_and_ahead_tell_whom_one_plan_would_tell() -> None:
    """Row by row the same level, intensity and arrivals as a plan of the same places in smaller towns."""
    city = City()
    city.goes_on.set()
    context = Context(city)
    await context.handle(report())
    plan = context.plan
    for start in (0, 40_000, 80_000):
        part = Context(Town(city.distance_km[start : start + 20_000]))
        await part.handle(report())
        # Places stand in a line, so rows of the part are rows of the city.
        order = np.argsort(plan.target_row)
        first, end = np.searchsorted(plan.target_row[order], [start, start + 20_000])
        mine, theirs = order[first:end], np.argsort(part.plan.target_row)
        np.testing.assert_array_equal(plan.target_row[mine] - start, part.plan.target_row[theirs])
        for name in ("level", "intensity", "p_arrival_s", "s_arrival_s", "s_slowness_s_km"):
            np.testing.assert_allclose(
                getattr(plan, name)[mine], getattr(part.plan, name)[theirs], atol=1e-3, err_msg=name
            )


async def test_a_cancel_finds_who_was_told_while_the_rest_was_planned() -> None:
    """What was taken meanwhile is remembered when the plan is there."""
    city = City()
    context = Context(city)
    handling = await begun(context, report())
    told = taken_rows([context.take(300)])
    city.goes_on.set()
    await handling
    await context.handle(cancel(2))
    assert sorted(context.plan.target_row.tolist()) == sorted(told)


async def test_what_was_begun_does_not_wait_for_a_rest_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the rest cannot be planned, nothing stays open in the outbox, and a cancel finds who was told."""
    city = City()
    context = Context(city)

    def break_down(*_: object) -> None:
        assert city.goes_on.wait(30)
        raise MemoryError

    monkeypatch.setattr(context.dispatcher._planner, "estimate", break_down)
    handling = await begun(context, report())
    told = taken_rows([context.take(300)])
    city.goes_on.set()
    with pytest.raises(MemoryError):
        await handling
    await asyncio.wait_for(context.outbox.emptied(), 5)
    await context.handle(cancel(2))
    assert sorted(context.plan.target_row.tolist()) == sorted(told)


async def test_an_update_that_changes_nothing_nearby_overtakes_nothing_early() -> None:
    """Who is nearest has had the same alert already: the waiting alerts go on until the whole plan is there."""
    city = City()
    context = Context(city)
    city.goes_on.set()
    await context.handle(report(1))
    n_told = sum(len(portion) for portion in (context.take(20_000) for _ in range(8)) if portion is not None)
    assert n_told > 20_000
    n_waiting, n_plans = context.outbox.n_waiting, len(city.encoded)
    city.goes_on.clear()
    city.is_asked.clear()
    handling = asyncio.create_task(context.handle(report(2, issued_s=12)))
    assert await asyncio.to_thread(city.is_asked.wait, 30)
    assert (context.outbox.n_waiting, len(city.encoded)) == (n_waiting, n_plans)
    city.goes_on.set()
    await handling
    assert len(city.encoded) == n_plans + 1


@dataclass
class Region(Town):
    """Targets that stretch 40 km from the epicentre."""

    def far_targets(self, solution: Solution) -> Targets:  # noqa: ARG002 - likewise
        return Town(self.distance_km + 40).places


async def test_a_cell_across_which_levels_run_is_told_of_every_change() -> None:
    """A tenth of a magnitude is no change to a place; in a cell that is half critical and half active it is."""
    for town, expects_all in ((Town(), False), (Region(), True)):
        context = Context(town)
        await context.handle(report(1, 7.2))
        context.take_all()
        await context.handle(report(2, 7.3, issued_s=11))
        near, far = expected_levels(7.2), expected_levels(7.2, DISTANCE_KM + 40)
        near_now, far_now = expected_levels(7.3), expected_levels(7.3, DISTANCE_KM + 40)
        changed = [row for row, level in enumerate(near_now) if level > near[row]]
        levels = zip(near_now, far_now, far, strict=True)
        uneven = [row for row, (level, *others) in enumerate(levels) if level and {*others} != {level}]
        assert uneven
        assert sorted(context.plan.target_row.tolist()) == sorted({*changed, *(uneven if expects_all else ())})


sequences = st.lists(
    st.tuples(
        st.sampled_from(["e1", "e2"]),
        st.sampled_from([5.6, 6.4, 7.2, 7.8]) | st.none(),
        st.sampled_from(["update", "update", "update", "cancel"]),
        st.integers(0, 12),
    ),
    max_size=8,
)


@settings(max_examples=40)
@given(sequences)
async def test_after_any_sequence_a_cancel_finds_everybody_who_was_told_and_had_no_cancel(
    steps: list[tuple[str, float | None, str, int]],
) -> None:
    """Reports of two events, some alerts taken after each: whose last word was an alert gets the cancel."""
    context = Context()
    last: dict[str, dict[int, ReportKind]] = {"e1": {}, "e2": {}}

    def take(n: int) -> None:
        while n > 0 and (portion := context.take(n)) is not None:
            n -= len(portion)
            kind = portion.plan.report.kind
            last[portion.plan.report.event_id] |= dict.fromkeys(taken_rows([portion]), kind)

    for at, (event_id, magnitude, kind, n_taken) in enumerate(steps, start=1):
        now = report(at, magnitude, issued_s=at, event_id=event_id, kind=ReportKind(kind))
        await context.handle(now)
        take(n_taken)
    for event_id, kind_by_row in last.items():
        handled = await context.handle(cancel(20, issued_s=20, event_id=event_id))
        told = [row for row, kind in kind_by_row.items() if kind is not ReportKind.CANCEL]
        # What is being taken back already is not taken back again: that relief is on its way.
        if isinstance(handled, ActedOn):
            assert sorted(context.plan.target_row.tolist()) == sorted(told)
        take(1000)
        assert set(kind_by_row.values()) <= {ReportKind.CANCEL}
    selected = sum(len(plan) for plan, _ in context.town.encoded)
    deliveries = context.outbox.settle(0, lambda _ticket: np.empty(0, dtype=np.int_))
    # Without a magnitude there is nobody to encode alerts for.
    n_weak = sum(magnitude is None and kind != ReportKind.CANCEL for _, magnitude, kind, _ in steps)
    assert len(deliveries) == len(context.town.encoded) + n_weak
    # Nothing was written: all that was not superseded has failed.
    assert sum(each.n_failed + each.n_superseded for each in deliveries) == selected


def test_the_event_clock_is_the_wall_clock_shifted() -> None:
    """It is the report's time when that is said, and goes on from there."""
    clock = EventClock()
    assert clock.offset_s == 0
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5
    clock.anchor(ORIGIN_AT)
    assert timedelta(0) <= clock.now() - ORIGIN_AT < timedelta(seconds=5)
    assert clock.offset_s < -1e8
