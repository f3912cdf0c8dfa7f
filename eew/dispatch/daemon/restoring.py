"""A dispatcher that goes on where another one, which was stopped or killed, stood."""

from collections.abc import Sequence
from datetime import datetime

from eew.contract.signature import SigningKey
from eew.decision.merge import Merged, Merger
from eew.decision.revision import EventState
from eew.decision.sequence import Verdict
from eew.dispatch.dispatcher import Dispatcher, EventClock, Handled
from eew.dispatch.journal import History, Journal, Kept, Told
from eew.dispatch.planner import Audience, Planner
from eew.estimate.estimator import Estimator
from eew.fanout.outbox import Job, Outbox, Portion
from eew.fanout.send_loop import SendRate
from eew.model.clock import Clock
from eew.model.records import EventReport, Profile, ReportKind
from eew.model.units import seconds_after

__all__ = ["ResumableDispatcher", "WatchedOutbox"]

#: A cancel that could not be sent is worth sending this long.
_CANCEL_WORTH_S = 600.0


class WatchedOutbox(Outbox):
    """An outbox that tells which jobs are under way."""

    def __init__(self) -> None:
        super().__init__()
        #: Jobs of which something was taken, until somebody removes them; by identity.
        self.under_way: dict[int, Job] = {}

    def take(self, now_at: datetime, n_max: int) -> Portion | None:
        """Return the next portion (see ``Outbox``)."""
        portion = super().take(now_at, n_max)
        if portion is not None:
            self.under_way[id(portion.job)] = portion.job
        return portion


class _WrittenMerger(Merger):
    """A merger that writes down what counts.

    Parameters
    ----------
    journal
        Where to.
    leading, max_age_s
        As in ``Merger``.
    """

    def __init__(self, journal: Journal, leading: Sequence[str], max_age_s: float) -> None:
        super().__init__(leading, max_age_s=max_age_s)
        self._journal = journal

    def receive(self, report: EventReport, now_at: datetime) -> Merged:
        """Judge a report (see ``Merger``), and write down what it is and what the public is told."""
        merged = super().receive(report, now_at)
        if merged.verdict.is_kept:
            self._journal.hear(report, merged.verdict.value, now_at)
        for told in merged.told:
            self._journal.accept(told.report, told.verdict.value, now_at)
        return merged

    def remember(self, report: EventReport, at: datetime) -> None:
        """Judge a report as it was judged at that time."""
        super().receive(report, at)


class ResumableDispatcher(Dispatcher):
    """A dispatcher with a journal.

    Parameters
    ----------
    profile, estimator, audience, outbox, rate, key, clock, event_clock
        As of ``Dispatcher``.
    journal
        Where what is acted on is written down.
    max_age_s
        Older reports are stale.
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
        journal: Journal,
        max_age_s: float,
    ) -> None:
        self._written_merger = _WrittenMerger(journal, profile.leading, max_age_s)
        super().__init__(
            profile,
            estimator,
            audience,
            outbox,
            rate,
            key,
            clock=clock,
            event_clock=event_clock,
            merger=self._written_merger,
        )

    @property
    def event_ids(self) -> frozenset[str]:
        """The public events that live."""
        return frozenset(self._merger.event_ids)

    def refit(self, profile: Profile, estimator: Estimator, audience: Audience) -> None:
        """Decide from the next report on by another practice, for the same targets; not while one is handled.

        Which agencies lead stays as it was: living events hang on it.
        """
        self._planner = Planner(profile, estimator, audience)
        self._audience = audience

    def only_note(self, report: EventReport) -> Verdict:
        """Judge a report and leave acting on it to whoever resumes."""
        return self._merger.receive(report, self._event_clock.now()).verdict

    async def resume(self, history: History) -> list[Handled]:
        """Put events and states where they stood, and plan again what had not reached everybody.

        Whose alert was confirmed is not told of that report again. What was sent without confirmation counts as not
        told, but for a cancel: relief goes to all who may have been told. Not to be called concurrently.

        Parameters
        ----------
        history
            What the journal has.

        Returns
        -------
        list of Handled
            Of each event that still matters, its last report: there may be nobody left to be told of it.
        """
        for heard in history.heard:
            self._written_merger.remember(heard.report, heard.at)
        living = self._living(history)
        last = {each.report.event_id: each for each in living}
        for each in living:
            is_cancelled = last[each.report.event_id].report.kind is ReportKind.CANCEL
            await self._mark(each, [told for told in each.told if told.is_confirmed or is_cancelled])
        return [handled for each in last.values() if (handled := await self._act_again(each)) is not None]

    async def acted_on(self, history: History) -> list[Handled]:
        """Return the reports of living events that were acted on before our time, in their order; after ``resume``."""
        handled = []
        for kept in self._living(history):
            report, mono_s = kept.report, self._clock.mono_s()
            each = Handled(report, Verdict(kept.verdict), mono_s, mono_s)
            if report.kind is ReportKind.CANCEL:
                each.core = self._signed(report, self._planner.cancel(report, None).expires_at)
            else:
                outlook = await self._in_thread(self._planner.outlook, report)
                each.core = self._signed(report, outlook.expires_at)
                each.radius_km_by_level = outlook.radius_km_by_level
            handled.append(each)
        return handled

    def _living(self, history: History) -> list[Kept]:
        event_ids = self.event_ids
        return [each for each in history.kept if each.report.event_id in event_ids and _tells(each.report)]

    async def _mark(self, kept: Kept, told: Sequence[Told]) -> None:
        """Remember whom a report reached."""
        report, state = kept.report, self._states.get(kept.report.event_id)
        if report.kind is ReportKind.CANCEL:
            for part in told:
                if state is not None and part.is_confirmed:
                    state.mark_cancelled(part.target_row)
            return
        if not told or report.origin_at is None:
            return
        far_level = (await self._in_thread(self._planner.outlook, report)).far_level
        if state is None:
            state = EventState(len(self._audience), report.origin_at, has_extent=far_level is not None)
            self._states[report.event_id] = state
        for part in told:
            far = None if far_level is None else far_level[part.target_row]
            state.mark_sent(report, part.target_row, part.level, part.s_arrival_s, far)

    async def _act_again(self, kept: Kept) -> Handled | None:
        """Tell who has not been told of a report, unless it is no longer worth it."""
        report, now_at = kept.report, self._event_clock.now()
        handled = Handled(report, Verdict(kept.verdict), self._clock.mono_s())
        if report.kind is ReportKind.CANCEL:
            if seconds_after(now_at, report.issued_at) >= _CANCEL_WORTH_S:
                return None
            self._take_back(report, handled)
        else:
            if (await self._in_thread(self._planner.outlook, report)).expires_at <= now_at:
                return None
            await self._tell(report, handled)
        handled.decided_mono_s = self._clock.mono_s()
        return handled


def _tells(report: EventReport) -> bool:
    """Return whether a report has something to tell: without a source it leaves standing what was said before."""
    return report.kind is ReportKind.CANCEL or not (report.is_assumed or report.magnitude is None)
