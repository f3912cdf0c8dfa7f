"""One dispatcher: a report comes in, a plan of signed alerts goes to the outbox.

    report ─ EventBook ─ Estimator ─ levels ─ EventState.select ─ sending_order ─▶ Outbox

What takes long (estimate, selection, order) runs in a thread, one report at a time; what is shared with the sending
loop is touched on the event loop only.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from eew.clock import Clock
from eew.decision.order import sending_order
from eew.decision.policy import is_issued, levels
from eew.decision.revision import EventState
from eew.decision.sequence import EventBook, Verdict
from eew.estimate.estimator import Estimator
from eew.estimate.targets import Targets
from eew.fanout.dispatch import SendRate
from eew.fanout.encode import Encoder
from eew.fanout.outbox import Outbox
from eew.model import AlertPlan, CodeColumn, Estimate, EventReport, Level, LevelWord, Profile, ReportKind
from eew.units import at_after, seconds_after
from eew.wire.message import AlertCore
from eew.wire.sign import SigningKey, core_of

__all__ = ["Audience", "Dispatcher", "EventClock", "Handled"]

P = ParamSpec("P")
T = TypeVar("T")

#: A cancel stays valid this long: late relief is relief.
_CANCEL_VALIDITY_S = 600.0


class Audience(Protocol):
    """Whom alerts are addressed to: each device, or each populated cell."""

    def __len__(self) -> int:
        """How many targets."""
        ...

    def targets(self, report: EventReport) -> Targets:
        """Return where each target is hit first and hardest."""
        ...

    def far_targets(self, report: EventReport) -> Targets | None:
        """Return where each target is hit last and least; ``None`` where targets are points."""
        ...

    def encoder(self, plan: AlertPlan, core: AlertCore) -> Encoder:
        """Return what turns the plan into packets."""
        ...


class EventClock:
    """What time it is for the earthquake: the wall clock, shifted so that a replayed report is issued on arrival."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    @property
    def offset_s(self) -> float:
        """Event time less wall clock."""
        return self._offset.total_seconds()

    def anchor(self, issued_at: datetime) -> None:
        """Let it be ``issued_at`` now."""
        self._offset = issued_at - datetime.now(UTC)

    def now(self) -> datetime:
        """Return the event's time."""
        return datetime.now(UTC) + self._offset


@dataclass(slots=True)
class Handled:
    """What became of one incoming report in the decision; times are monotonic seconds.

    Kept for every report of a run, so it holds no columns.
    """

    report: EventReport
    verdict: Verdict
    received_mono_s: float
    decided_mono_s: float = 0.0
    #: ``None`` for a report that was not acted on.
    core: AlertCore | None = None
    #: Planned alerts by the word of their level.
    n_alerts_by_level: Mapping[LevelWord, int] = field(default_factory=dict)
    radius_km_by_level: Mapping[str, float] = field(default_factory=dict)

    @property
    def n_alerts(self) -> int:
        """How many alerts were planned."""
        return sum(self.n_alerts_by_level.values())


class Dispatcher:
    """Decides by report and hands plans to the outbox.

    Parameters
    ----------
    profile, estimator
        The region's practice.
    audience
        Whom to tell.
    outbox, rate
        Where plans go, and how fast they leave it.
    key
        Signs each report's core.
    clock, event_clock
        For measuring, and for how long there is until an S arrival.
    """

    def __init__(
        self,
        profile: Profile,
        estimator: Estimator,
        audience: Audience,
        outbox: Outbox,
        rate: SendRate,
        key: SigningKey,
        *,
        clock: Clock,
        event_clock: EventClock,
    ) -> None:
        self._profile = profile
        self._estimator = estimator
        self._audience = audience
        self._outbox = outbox
        self._rate = rate
        self._key = key
        self._clock = clock
        self._event_clock = event_clock
        self._book = EventBook()
        self._states: dict[str, EventState] = {}
        # One thread for all that takes long: what one step lets go of, the next one takes up, and memory stays low.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="decide")

    async def handle(self, report: EventReport) -> Handled:
        """Decide on one report; not to be called concurrently."""
        verdict = self._book.receive(report, self._event_clock.now())
        handled = Handled(report, verdict, self._clock.mono_s())
        if verdict.is_acted_on:
            plan, far_level = (self._cancel(report), None) if verdict is Verdict.CANCELLED else await self._tell(report)
            handled.n_alerts_by_level = plan.n_by_level()
            handled.radius_km_by_level = plan.radius_km_by_level
            handled.core = self._signed(plan)
            handled.decided_mono_s = self._clock.mono_s()
            if _knows_no_source(report):
                self._outbox.note(plan)
            else:
                marker = _Marker(self._states.get(report.event_id), far_level)
                self._outbox.put(plan, self._audience.encoder(plan, handled.core), marker)
        else:
            handled.decided_mono_s = self._clock.mono_s()
        for event_id in self._states.keys() - self._book.event_ids:
            del self._states[event_id]
        return handled

    async def _tell(self, report: EventReport) -> tuple[AlertPlan, CodeColumn | None]:
        """Plan the alerts of a solution; with the level at the far side of every cell, where targets are cells."""
        estimate = await self._in_thread(self._estimate, report)
        far_level = await self._in_thread(self._level_at_far_side, report)
        if not _knows_no_source(report):
            # What still waits is overtaken now and not earlier: it was worth sending while we reckoned.
            self._outbox.withdraw(report.event_id)
        if report.origin_at is None:
            raise AssertionError("only a cancel has no origin")
        fresh = EventState(len(self._audience), report.origin_at, has_extent=far_level is not None)
        state = self._states.setdefault(report.event_id, fresh)
        return await self._in_thread(self._plan, report, estimate, far_level, state), far_level

    async def _in_thread(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *arguments, **named))

    def _estimate(self, report: EventReport) -> Estimate:
        return self._estimator.estimate(report, self._audience.targets(report), self._profile.min_intensity)

    def _level_at_far_side(self, report: EventReport) -> CodeColumn | None:
        """Return the level of every cell at its least exposed point; ``None`` where targets are points."""
        targets = self._audience.far_targets(report)
        if targets is None:
            return None
        estimate = self._estimator.estimate(report, targets, self._profile.min_intensity)
        far_level = np.zeros(len(targets), dtype=np.uint8)
        far_level[estimate.target_row] = self._levels(report, estimate)
        return far_level

    def _levels(self, report: EventReport, estimate: Estimate) -> CodeColumn:
        if not is_issued(self._profile, report.magnitude, estimate.max_intensity):
            return np.zeros(len(estimate.target_row), dtype=np.uint8)
        return levels(self._profile, report.magnitude, estimate.intensity, estimate.max_intensity)

    def _plan(
        self, report: EventReport, estimate: Estimate, far_level: CodeColumn | None, state: EventState
    ) -> AlertPlan:
        """Pick whom to tell, and in which order."""
        if report.origin_at is None:
            raise AssertionError("only a cancel has no origin")
        is_selected, level = state.select(
            report,
            estimate.target_row,
            self._levels(report, estimate),
            estimate.s_arrival_s,
            None if far_level is None else far_level[estimate.target_row],
        )
        picked = np.flatnonzero(is_selected).astype(np.int32)
        now_s = seconds_after(self._event_clock.now(), report.origin_at)
        slack_s = estimate.s_arrival_s[picked] - np.float32(now_s)
        picked = picked[sending_order(slack_s, level[picked], self._rate.hz).order]
        last_s = float(estimate.s_arrival_s[picked].max()) if len(picked) else 0.0
        valid_from = max(report.issued_at, at_after(report.origin_at, last_s))
        return AlertPlan(
            report=report,
            expires_at=_whole_ms(valid_from + timedelta(seconds=self._profile.validity_s)),
            scale=self._profile.scale,
            info=self._profile.info,
            target_row=estimate.target_row[picked],
            level=level[picked],
            intensity=estimate.intensity[picked],
            p_arrival_s=estimate.p_arrival_s[picked],
            s_arrival_s=estimate.s_arrival_s[picked],
            s_slowness_s_km=estimate.s_slowness_s_km[picked],
            radius_km_by_level=self._radii_km(report),
        )

    def _cancel(self, report: EventReport) -> AlertPlan:
        """Plan the relief: to exactly those who were told, the loudest first."""
        self._outbox.withdraw(report.event_id)
        state = self._states.get(report.event_id)
        if state is None:
            row, level = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.uint8)
        else:
            row, level = state.told_rows()
        order = np.argsort(-level.astype(np.int8), kind="stable")
        unknown = np.full(len(row), np.nan, dtype=np.float32)
        return AlertPlan(
            report=report,
            expires_at=_whole_ms(report.issued_at + timedelta(seconds=_CANCEL_VALIDITY_S)),
            scale=self._profile.scale,
            info=self._profile.info,
            target_row=row[order],
            level=level[order],
            intensity=unknown,
            p_arrival_s=unknown,
            s_arrival_s=unknown,
            s_slowness_s_km=unknown,
            radius_km_by_level={},
        )

    def _radii_km(self, report: EventReport) -> dict[str, float]:
        """Return how far out each level reaches from the epicentre."""
        reach = self._estimator.reach(report)
        if reach is None or not is_issued(self._profile, report.magnitude, float(reach.intensity[0])):
            return {}
        level = levels(self._profile, report.magnitude, reach.intensity, float(reach.intensity[0]))
        radii: dict[str, float] = {}
        for each in (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE):
            reached: npt.NDArray[np.intp] = np.flatnonzero(level >= each)
            radii[each.word] = round(float(reach.epicentral_km[reached[-1]]), 1) if len(reached) else 0.0
        return radii

    def _signed(self, plan: AlertPlan) -> AlertCore:
        report = plan.report
        unsigned = AlertCore(
            event_id=report.event_id,
            report_no=report.report_no,
            kind=report.kind,
            status=report.status,
            issued_at=report.issued_at,
            origin_at=report.origin_at,
            lat_deg=_rounded(report.lat_deg, 5),
            lon_deg=_rounded(report.lon_deg, 5),
            depth_km=_rounded(report.depth_km, 3),
            magnitude=_rounded(report.magnitude, 2),
            expires_at=plan.expires_at,
            key_id=self._key.key_id,
            signature="",
        )
        return msgspec.structs.replace(unsigned, signature=self._key.sign(core_of(unsigned)))


@dataclass(frozen=True, slots=True)
class _Marker:
    """Tells the event's state what is on its way."""

    state: EventState | None
    #: At the far side of every cell; ``None`` for devices and in a cancel.
    far_level: CodeColumn | None

    def __call__(self, plan: AlertPlan, start: int, end: int) -> None:
        if self.state is None:
            return
        row = plan.target_row[start:end]
        if plan.report.kind is ReportKind.CANCEL:
            self.state.mark_cancelled(row)
        else:
            far_level = None if self.far_level is None else self.far_level[row]
            self.state.mark_sent(plan.report, row, plan.level[start:end], plan.s_arrival_s[start:end], far_level)


def _knows_no_source(report: EventReport) -> bool:
    """Return whether no attenuation may be applied: such a report tells nobody, and takes nothing back."""
    return report.kind is not ReportKind.CANCEL and (report.is_assumed or report.magnitude is None)


def _rounded(value: float | None, n_decimals: int) -> float | None:
    return None if value is None else round(value, n_decimals)


def _whole_ms(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
