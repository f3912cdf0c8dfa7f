"""One dispatcher: a report comes in, a plan of signed alerts goes to the outbox.

    report ─ Merger ─ Planner ─▶ Outbox
               └─▶ Observer

What takes long (estimate, selection, order) runs in a thread, one report at a time; what is shared with the sending
loop is touched on the event loop only.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

import msgspec

from eew.contract.message import AlertCore
from eew.contract.signature import SigningKey, core_of
from eew.decision.merge import Merged, Merger
from eew.decision.revision import EventState
from eew.dispatch.delivery_tracker import DeliveryTracker
from eew.dispatch.journal import History, JournalledReport, NotifiedTargets
from eew.dispatch.planner import Audience, Planner
from eew.estimate.estimator import Estimator
from eew.fanout.outbox import Outbox
from eew.fanout.send_loop import SendRate
from eew.model.clock import Clock
from eew.model.disposition import Disposition
from eew.model.records import AlertPlan, EventReport, LevelWord, Profile, ReportKind, Solution
from eew.model.units import at_after, seconds_after

__all__ = ["ActedOn", "DispatchResult", "Dispatcher", "EventClock", "Observer"]

P = ParamSpec("P")
T = TypeVar("T")

#: A cancel that could not be sent is worth sending this long.
_CANCEL_WORTH_S = 600.0


class Observer(Protocol):
    """Is told what a dispatcher decides, as it decides it; the journal is one."""

    def judged(self, report: EventReport, verdict: str, at: datetime) -> None:
        """Take an agency's report that counts in its own sequence, or is a copy of one."""
        ...

    def accepted(self, report: EventReport, verdict: str, at: datetime) -> None:
        """Take a report that is acted on, under the id and number of its merged event."""
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
class DispatchResult:
    """What became of one incoming report in the decision; times are monotonic seconds."""

    report: EventReport
    disposition: Disposition
    received_mono_s: float
    decided_mono_s: float

    @property
    def n_alerts(self) -> int:
        """How many alerts were planned: none for a report that is not acted on."""
        return 0


@dataclass(slots=True, kw_only=True)
class ActedOn(DispatchResult):
    """A report that is acted on: what the public is told, under the id and number of its merged event.

    Kept for every report of a run, so it holds no columns.
    """

    core: AlertCore
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
    max_age_s
        Older reports are stale.
    observer
        Told what is decided; ``None`` where nobody keeps it.
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
        max_age_s: float = 600.0,
        observer: Observer | None = None,
    ) -> None:
        self._planner = Planner(profile, estimator, audience)
        self._audience = audience
        self._outbox = outbox
        self._rate = rate
        self._key = key
        self._clock = clock
        self._event_clock = event_clock
        self._merger = Merger(profile.leading, max_age_s=max_age_s)
        self._observer = observer
        self._states: dict[str, EventState] = {}
        # One thread for all that takes long: what one step lets go of, the next one takes up, and memory stays low.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="decide")

    @property
    def event_ids(self) -> frozenset[str]:
        """The merged events that live."""
        return frozenset(self._merger.event_ids)

    def refit(self, profile: Profile, estimator: Estimator, audience: Audience) -> None:
        """Decide from the next report on by another profile, for the same targets; not while one is handled.

        Which agencies lead stays as it was: living events depend on it.
        """
        self._planner = Planner(profile, estimator, audience)
        self._audience = audience

    def only_note(self, report: EventReport) -> Disposition:
        """Judge a report and leave acting on it to whoever restores."""
        return self._judge(report).in_sequence

    async def handle(self, report: EventReport) -> tuple[DispatchResult, ...]:
        """Decide on one report; not to be called concurrently.

        Returns
        -------
        results
            One, or two where the report splits a merged event.
        """
        merged = self._judge(report)
        received_mono_s = self._clock.mono_s()
        results: tuple[DispatchResult, ...]
        if merged.reports:
            results = tuple(
                [await self._act(each.report, each.disposition, received_mono_s) for each in merged.reports]
            )
        else:
            results = (DispatchResult(report, merged.disposition, received_mono_s, received_mono_s),)
        for event_id in self._states.keys() - self._merger.event_ids:
            del self._states[event_id]
        return results

    async def restore(self, history: History) -> None:
        """Put events and states where another dispatcher, which was stopped or killed, left them.

        Whose alert was confirmed counts as notified. What was sent without confirmation does not, but for a cancel:
        relief goes to all who may have been notified. Not to be called concurrently.

        Parameters
        ----------
        history
            What the journal has.
        """
        for source_report in history.source_reports:
            self._merger.receive(source_report.report, source_report.at)
        living = self._living(history)
        last = {each.report.event_id: each for each in living}
        for each in living:
            is_cancelled = last[each.report.event_id].report.kind is ReportKind.CANCEL
            await self._restore(each, [part for part in each.notified if part.is_confirmed or is_cancelled])

    async def replan(self, history: History) -> list[ActedOn]:
        """Plan again what had not reached everybody; after ``restore``.

        Returns
        -------
        list of ActedOn
            Of each event that still matters, its last report: there may be nobody left to notify.
        """
        last = {each.report.event_id: each for each in self._living(history)}
        return [acted_on for each in last.values() if (acted_on := await self._act_again(each)) is not None]

    async def acted_on(self, history: History) -> list[ActedOn]:
        """Return the reports of living events that were acted on before our time, in their order; after ``restore``."""
        acted_on = []
        for journalled in self._living(history):
            report, mono_s = journalled.report, self._clock.mono_s()
            solution = report.solution
            radius_km_by_level: Mapping[str, float] = {}
            if solution is None:
                expires_at = self._planner.cancel(report, None).expires_at
            else:
                outlook = await self._in_thread(self._planner.outlook, report, solution)
                expires_at, radius_km_by_level = outlook.expires_at, outlook.radius_km_by_level
            acted_on.append(
                ActedOn(
                    report,
                    Disposition(journalled.verdict),
                    mono_s,
                    mono_s,
                    core=self._signed(report, expires_at),
                    radius_km_by_level=radius_km_by_level,
                )
            )
        return acted_on

    def _judge(self, report: EventReport) -> Merged:
        """Judge a report, and tell the observer what it is and what is acted on."""
        now_at = self._event_clock.now()
        merged = self._merger.receive(report, now_at)
        if self._observer is not None:
            if merged.in_sequence.is_kept:
                self._observer.judged(report, merged.in_sequence.value, now_at)
            for each in merged.reports:
                self._observer.accepted(each.report, each.disposition.value, now_at)
        return merged

    def _living(self, history: History) -> list[JournalledReport]:
        event_ids = self.event_ids
        # Without a rupture a report leaves standing what was said before, unless it is a cancel.
        return [
            each
            for each in history.journalled
            if each.report.event_id in event_ids
            and (each.report.kind is ReportKind.CANCEL or each.report.rupture is not None)
        ]

    async def _restore(self, journalled: JournalledReport, notified: Sequence[NotifiedTargets]) -> None:
        """Remember whom a report reached."""
        report, state = journalled.report, self._states.get(journalled.report.event_id)
        solution = report.solution
        if solution is None:
            for part in notified:
                if state is not None and part.is_confirmed:
                    state.mark_cancelled(part.target_row)
            return
        if not notified:
            return
        far_level = (await self._in_thread(self._planner.outlook, report, solution)).far_level
        if state is None:
            state = EventState(len(self._audience), solution.origin_at, has_extent=far_level is not None)
            self._states[report.event_id] = state
        for part in notified:
            far = None if far_level is None else far_level[part.target_row]
            state.mark_sent(report, part.target_row, part.level, part.s_arrival_s, far)

    async def _act_again(self, journalled: JournalledReport) -> ActedOn | None:
        """Notify who has not been notified of a report, unless it is no longer worth it."""
        report, now_at, mono_s = journalled.report, self._event_clock.now(), self._clock.mono_s()
        solution = report.solution
        if solution is None:
            is_worth_it = seconds_after(now_at, report.issued_at) < _CANCEL_WORTH_S
        else:
            is_worth_it = (await self._in_thread(self._planner.outlook, report, solution)).expires_at > now_at
        return await self._act(report, Disposition(journalled.verdict), mono_s) if is_worth_it else None

    async def _act(self, report: EventReport, disposition: Disposition, received_mono_s: float) -> ActedOn:
        """Plan what a report means for whom, and hand it to the outbox."""
        solution = report.solution
        core, plan = self._take_back(report) if solution is None else await self._tell(report, solution)
        return ActedOn(
            report,
            disposition,
            received_mono_s,
            self._clock.mono_s(),
            core=core,
            n_alerts_by_level=plan.n_by_level(),
            radius_km_by_level=plan.radius_km_by_level,
        )

    def _take_back(self, report: EventReport) -> tuple[AlertCore, AlertPlan]:
        """Tell exactly those who were told that it was nothing."""
        self._outbox.withdraw(report.event_id)
        state = self._states.get(report.event_id)
        plan = self._planner.cancel(report, state)
        core = self._signed(report, plan.expires_at)
        self._outbox.put(plan, self._audience.encoder(plan, core), DeliveryTracker(state))
        return core, plan

    async def _tell(self, report: EventReport, solution: Solution) -> tuple[AlertCore, AlertPlan]:
        """Tell whom a solution reaches; the most urgent while the rest is still being worked out."""
        planner, outbox, event_id = self._planner, self._outbox, report.event_id
        outlook = await self._in_thread(planner.outlook, report, solution)
        core = self._signed(report, outlook.expires_at)
        if solution.rupture is None:
            # Such a report tells nobody, and takes nothing back.
            nobody = planner.nobody(report, outlook)
            outbox.note(nobody)
            return core, nobody
        fresh = EventState(len(self._audience), solution.origin_at, has_extent=outlook.far_level is not None)
        state = self._states.setdefault(event_id, fresh)
        tracker = DeliveryTracker(state, outlook.far_level)

        ahead: AlertPlan | None = None
        now_at = self._event_clock.now()
        urgent = await self._in_thread(planner.most_urgent, report, solution, now_at)
        if urgent is not None:
            # Here and not in the thread: what waits of an older plan goes on leaving, and changes the state.
            ahead = planner.ahead(report, outlook, urgent, state, now_at, self._rate.hz)
            if len(ahead):
                tracker.pause()
                outbox.put(ahead, self._audience.encoder(ahead, core), tracker, has_more=True)
            else:
                ahead = None
        try:
            estimate = await self._in_thread(planner.estimate, report, solution)
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
            tracker.resume()
        encoder = self._audience.encoder(plan, core)
        if ahead is None:
            outbox.put(plan, encoder, tracker)
        else:
            outbox.extend(plan, encoder)
        return core, plan

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


def _rounded(value: float | None, n_decimals: int) -> float | None:
    return None if value is None else round(value, n_decimals)
