"""One dispatcher: a report comes in, a plan of signed alerts goes to the outbox.

    report ─ Merger ─ Planner ─▶ Outbox

What takes long (estimate, selection, order) runs in a thread, one report at a time; what is shared with the sending
loop is touched on the event loop only.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ParamSpec, TypeVar

import msgspec

from eew.contract.message import AlertCore
from eew.contract.signature import SigningKey, core_of
from eew.decision.merge import Merger, Standing
from eew.decision.revision import EventState
from eew.decision.sequence import Verdict
from eew.dispatch.planner import Audience, Planner
from eew.estimate.estimator import Estimator
from eew.fanout.outbox import Outbox
from eew.fanout.send_loop import SendRate
from eew.model.clock import Clock
from eew.model.records import AlertPlan, CodeColumn, EventReport, LevelWord, Profile, ReportKind
from eew.model.units import at_after

__all__ = ["Dispatcher", "EventClock", "Handled"]

P = ParamSpec("P")
T = TypeVar("T")


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
    #: What it counts for beside other agencies' reports.
    standing: Standing = Standing.SPEAKS
    #: ``None`` for a report that was not acted on.
    core: AlertCore | None = None
    #: Planned alerts by the word of their level.
    n_alerts_by_level: Mapping[LevelWord, int] = field(default_factory=dict)
    radius_km_by_level: Mapping[str, float] = field(default_factory=dict)

    @property
    def fate(self) -> str:
        """In one word what became of it: its verdict, or why the public is not told of it."""
        is_said_by_verdict = self.standing in {Standing.SPEAKS, Standing.REFUSED}
        return self.verdict.value if is_said_by_verdict else self.standing.value

    @property
    def n_alerts(self) -> int:
        """How many alerts were planned."""
        return sum(self.n_alerts_by_level.values())

    def note(self, plan: AlertPlan) -> None:
        """Keep what is to be said of the plan."""
        self.n_alerts_by_level = plan.n_by_level()
        self.radius_km_by_level = plan.radius_km_by_level


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
    merger
        Judges the reports; else a new one with the profile's leading agencies.
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
        merger: Merger | None = None,
    ) -> None:
        self._planner = Planner(profile, estimator, audience)
        self._audience = audience
        self._outbox = outbox
        self._rate = rate
        self._key = key
        self._clock = clock
        self._event_clock = event_clock
        self._merger = merger or Merger(profile.leading)
        self._states: dict[str, EventState] = {}
        # One thread for all that takes long: what one step lets go of, the next one takes up, and memory stays low.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="decide")

    async def handle(self, report: EventReport) -> tuple[Handled, ...]:
        """Decide on one report; not to be called concurrently.

        Returns
        -------
        handled
            One, or two where the report takes a public event apart. Of a report that is acted on it holds what the
            public is told, under its public event's id and number.
        """
        merged = self._merger.receive(report, self._event_clock.now())
        received_mono_s = self._clock.mono_s()
        handled: tuple[Handled, ...]
        if not merged.told:
            handled = (Handled(report, merged.verdict, received_mono_s, received_mono_s, standing=merged.standing),)
        else:
            handled = tuple(Handled(each.report, each.verdict, received_mono_s) for each in merged.told)
            for each in handled:
                if each.verdict is Verdict.CANCELLED:
                    self._take_back(each.report, each)
                else:
                    await self._tell(each.report, each)
                each.decided_mono_s = self._clock.mono_s()
        for event_id in self._states.keys() - self._merger.event_ids:
            del self._states[event_id]
        return handled

    def _take_back(self, report: EventReport, handled: Handled) -> None:
        """Tell exactly those who were told that it was nothing."""
        self._outbox.withdraw(report.event_id)
        state = self._states.get(report.event_id)
        plan = self._planner.cancel(report, state)
        handled.core = self._signed(report, plan.expires_at)
        handled.note(plan)
        self._outbox.put(plan, self._audience.encoder(plan, handled.core), _Marker(state))

    async def _tell(self, report: EventReport, handled: Handled) -> None:
        """Tell whom a solution reaches; the most urgent while the rest is still being worked out."""
        planner, outbox, event_id = self._planner, self._outbox, report.event_id
        outlook = await self._in_thread(planner.outlook, report)
        core = handled.core = self._signed(report, outlook.expires_at)
        if _knows_no_source(report):
            nobody = planner.nobody(report, outlook)
            handled.note(nobody)
            outbox.note(nobody)
            return
        if report.origin_at is None:
            raise AssertionError("only a cancel has no origin")
        fresh = EventState(len(self._audience), report.origin_at, has_extent=outlook.far_level is not None)
        state = self._states.setdefault(event_id, fresh)
        marker = _Marker(state, outlook.far_level)

        ahead: AlertPlan | None = None
        now_at = self._event_clock.now()
        urgent = await self._in_thread(planner.most_urgent, report, now_at)
        if urgent is not None:
            # Here and not in the thread: what waits of an older plan goes on leaving, and changes the state.
            ahead = planner.ahead(report, outlook, urgent, state, now_at, self._rate.hz)
            if len(ahead):
                marker.hold()
                outbox.put(ahead, self._audience.encoder(ahead, core), marker, has_more=True)
            else:
                ahead = None
        try:
            estimate = await self._in_thread(planner.estimate, report)
            if ahead is None:
                # What still waits is overtaken now and not earlier: it was worth sending while we reckoned.
                outbox.withdraw(event_id)
            from_at = at_after(self._event_clock.now(), outbox.n_waiting_of(event_id) / self._rate.hz)
            plan = await self._in_thread(planner.whole, report, outlook, estimate, state, from_at, self._rate.hz, ahead)
        except BaseException:
            # Nobody would ever complete what was begun.
            if ahead is not None:
                outbox.withdraw(event_id)
            raise
        finally:
            marker.release()
        handled.note(plan)
        encoder = self._audience.encoder(plan, core)
        if ahead is None:
            outbox.put(plan, encoder, marker)
        else:
            outbox.extend(plan, encoder)

    async def _in_thread(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *arguments, **named))

    def _signed(self, report: EventReport, expires_at: datetime) -> AlertCore:
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
            expires_at=expires_at,
            key_id=self._key.key_id,
            signature="",
        )
        return msgspec.structs.replace(unsigned, signature=self._key.sign(core_of(unsigned)))


class _Marker:
    """Tells the event's state what is on its way; while the state is read in a thread, what was to be told is kept.

    Parameters
    ----------
    state
        ``None`` where nobody was ever told.
    far_level
        At the far side of every cell; ``None`` for devices and in a cancel.
    """

    def __init__(self, state: EventState | None, far_level: CodeColumn | None = None) -> None:
        self._state = state
        self._far_level = far_level
        self._held: list[tuple[AlertPlan, int, int]] | None = None

    def __call__(self, plan: AlertPlan, start: int, end: int) -> None:
        if self._held is None:
            self._mark(plan, start, end)
        else:
            self._held.append((plan, start, end))

    def hold(self) -> None:
        """Touch the state no more for now."""
        self._held = []

    def release(self) -> None:
        """Catch up."""
        held, self._held = self._held or [], None
        for each in held:
            self._mark(*each)

    def _mark(self, plan: AlertPlan, start: int, end: int) -> None:
        if self._state is None:
            return
        row = plan.target_row[start:end]
        if plan.report.kind is ReportKind.CANCEL:
            self._state.mark_cancelled(row)
        else:
            far_level = None if self._far_level is None else self._far_level[row]
            self._state.mark_sent(plan.report, row, plan.level[start:end], plan.s_arrival_s[start:end], far_level)


def _knows_no_source(report: EventReport) -> bool:
    """Return whether no attenuation may be applied: such a report tells nobody, and takes nothing back."""
    return report.kind is not ReportKind.CANCEL and (report.is_assumed or report.magnitude is None)


def _rounded(value: float | None, n_decimals: int) -> float | None:
    return None if value is None else round(value, n_decimals)
