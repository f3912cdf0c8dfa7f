"""What becomes of the daemon's plans: into the journal as it happens, into the figures and the log when it is over."""

import logging
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from eew.dispatch.journal import Journal, Range
from eew.dispatch.metrics import Figures
from eew.fanout.outbox import Outbox, PlanProgress
from eew.fanout.publisher import Publisher
from eew.model.records import EventReport, Level, SentRange

__all__ = ["Deliveries"]

logger = logging.getLogger(__name__)

_N_LEVELS = len(Level)


@dataclass(slots=True)
class _Way:
    """How far one plan has come."""

    #: As it was when it was looked at last.
    seen: PlanProgress
    #: In the journal.
    number: int
    #: How many of its written ranges the broker has answered for.
    n_seen: int = 0
    confirmed: list[Range] = field(default_factory=list)
    n_by_level: npt.NDArray[np.intp] = field(default_factory=lambda: np.zeros(_N_LEVELS, dtype=np.intp))
    #: What the journal was told last.
    noted: tuple[int, int] = (0, 0)

    def confirm(self, written: SentRange, refused: npt.NDArray[np.int_]) -> None:
        """Take a range that the broker has, less what it refused."""
        at = written.start
        for position in [*(written.start + np.sort(refused)).tolist(), written.end]:
            if position > at:
                self.n_by_level += np.bincount(self.seen.plan.level[at:position], minlength=_N_LEVELS)
                if self.confirmed and self.confirmed[-1][1] == at:
                    at = self.confirmed.pop()[0]
                self.confirmed.append((at, position))
            at = position + 1

    @property
    def n_confirmed(self) -> int:
        return sum(end - start for start, end in self.confirmed)

    @property
    def is_settled(self) -> bool:
        """Whether all that was taken was written, and the broker has answered for it."""
        seen = self.seen
        n_written = sum(each.end - each.start for _, each in seen.written)
        return n_written == seen.n_taken and self.n_seen == len(seen.written)


class Deliveries:
    """Follows every plan from its first portion until the broker has answered for its last.

    Parameters
    ----------
    outbox, publisher
        Where plans are, and who sends them.
    journal
        Told of each portion that was confirmed.
    figures
        Counted up.
    """

    def __init__(self, outbox: Outbox, publisher: Publisher, journal: Journal, figures: Figures) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._journal = journal
        self._figures = figures
        self._ways: dict[int, _Way] = {}
        #: When the reports that are being dispatched were received.
        self._received_mono_s: dict[EventReport, float] = {}

    @property
    def is_any_under_way(self) -> bool:
        """Whether something is still to happen."""
        return bool(self._outbox.under_way or self._outbox.done or self._outbox.n_waiting)

    @property
    def n_unconfirmed(self) -> int:
        """Alerts that were taken, and that the broker has not confirmed or has refused."""
        return sum(way.seen.n_taken - way.n_confirmed for way in self._ways.values())

    def put_down(self) -> None:
        """Write down where everything is, for whoever goes on with it."""
        self._look()
        for way in self._ways.values():
            self._note(way, is_over=way.n_confirmed == len(way.seen.plan))

    def expect(self, report: EventReport, received_mono_s: float) -> None:
        """Note when the report was received whose plan was handed to the outbox; before or after its first portion."""
        self._received_mono_s[report] = received_mono_s

    def follow(self) -> None:
        """Look at where everything is; what is over leaves the outbox."""
        self._look()
        for plan in self._outbox.done:
            way = self._ways.get(plan.plan_id)
            if way is None or way.is_settled:
                self._end(plan, way)

    def _look(self) -> None:
        for now in self._outbox.under_way:
            way = self._ways.get(now.plan_id)
            if way is None:
                way = self._ways[now.plan_id] = _Way(now, self._journal.plan(now.plan))
            self._look_at(way, now)

    def _look_at(self, way: _Way, now: PlanProgress) -> None:
        if now.plan is not way.seen.plan:
            self._journal.extend(way.number, now.plan)
        way.seen = now
        while way.n_seen < len(now.written):
            token, written = now.written[way.n_seen]
            if token > self._publisher.confirmed_token:
                break
            way.confirm(written, self._publisher.rejected(token))
            way.n_seen += 1
        # Where the disk is slow, fewer of its lines are better than many that wait.
        if (now.n_taken, way.n_confirmed) != way.noted and not self._journal.is_busy:
            self._note(way, is_over=False)

    def _note(self, way: _Way, *, is_over: bool) -> None:
        way.noted = (way.seen.n_taken, way.n_confirmed)
        self._journal.progress(way.number, way.seen.n_taken, tuple(way.confirmed), is_over=is_over)

    def _end(self, now: PlanProgress, way: _Way | None) -> None:
        """Count and tell what became of a plan."""
        report, plan = now.plan.report, now.plan
        received_mono_s = self._received_mono_s.pop(report, None)
        planned = np.bincount(plan.level, minlength=_N_LEVELS)
        sent = np.zeros(_N_LEVELS, dtype=np.intp) if way is None else way.n_by_level
        n_rest = now.n_superseded + now.n_expired
        rest = np.bincount(plan.level[len(plan) - n_rest :], minlength=_N_LEVELS)
        nobody = np.zeros(_N_LEVELS, dtype=np.intp)
        superseded, expired = (rest, nobody) if now.n_superseded else (nobody, rest)
        by_outcome = {
            "planned": planned,
            "sent": sent,
            "superseded": superseded,
            "expired": expired,
            "failed": planned - sent - rest,
        }
        self._figures.alerts(by_outcome)
        if way is not None:
            self._note(way, is_over=True)
            del self._ways[now.plan_id]
        self._outbox.forget(now.plan_id)
        spans = ""
        if now.written and received_mono_s is not None:
            first_s = now.written[0][1].at_mono_s - received_mono_s
            last_s = now.written[-1][1].at_mono_s - received_mono_s
            self._figures.first_s.add(first_s)
            self._figures.last_s.add(last_s)
            spans = f" first_s={first_s:.3f} last_s={last_s:.3f}"
        logger.info(
            "dispatch.done event=%s report=%d status=%s %s%s",
            report.event_id,
            report.report_no,
            report.status.value,
            " ".join(f"{outcome}={int(n.sum())}" for outcome, n in by_outcome.items()),
            spans,
        )
