"""What waits to be sent, what goes next and how far each plan has come: decided here only, synchronously."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, pairwise

import numpy as np
import numpy.typing as npt

from eew.fanout.encode import Encoder
from eew.model.records import AlertPlan, Delivery, ReportKind, SentRange
from eew.model.units import at_after

__all__ = ["Outbox", "PlanProgress", "Portion", "TakenCallback"]

#: Called with the part of a plan that is in flight and cannot be called back: plan, start, end.
TakenCallback = Callable[[AlertPlan, int, int], None]

#: A plan's first portions are small, so that the most urgent alerts leave at once.
_FIRST_PORTION, _LAST_PORTION = 512, 8192


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """How far a plan has come."""

    plan_id: int
    plan: AlertPlan
    n_taken: int
    #: What was written, with the publisher's delivery token.
    written: tuple[tuple[int, SentRange], ...]
    n_superseded: int
    n_expired: int


@dataclass(slots=True)
class _Job:
    """A plan on its way out; changed by the outbox only."""

    plan_id: int
    plan: AlertPlan
    #: Let go when all was encoded.
    encoder: Encoder | None
    on_taken: TakenCallback
    #: The plan is the beginning of a longer one.
    has_more: bool = False
    is_expired: bool = False
    n_taken: int = 0
    n_next: int = _FIRST_PORTION
    n_superseded: int = 0
    n_expired: int = 0
    written: list[tuple[int, SentRange]] = field(default_factory=list)
    is_spilled: bool = False

    @property
    def progress(self) -> PlanProgress:
        """How far it has come now."""
        written = tuple(self.written)
        return PlanProgress(self.plan_id, self.plan, self.n_taken, written, self.n_superseded, self.n_expired)

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to send now."""
        return self.n_taken < len(self.plan) and not self.is_expired

    @property
    def is_out(self) -> bool:
        """Whether nothing of the plan waits or is still to come."""
        return not self.is_waiting and not self.has_more

    @property
    def urgency(self) -> tuple[bool, int, datetime]:
        """Least goes first: a cancel, then the highest level, then the one whose S wave arrives first."""
        plan, at = self.plan, self.n_taken
        report = plan.report
        is_cancel = report.kind is ReportKind.CANCEL
        due_at = report.issued_at
        if not is_cancel and report.origin_at is not None:
            due_at = at_after(report.origin_at, plan.s_arrival_s[at])
        return not is_cancel, -int(plan.level[at]), due_at


@dataclass(frozen=True, slots=True)
class Portion:
    """The next alerts of one plan, to be encoded and sent."""

    plan_id: int
    #: As it was when this was taken: of one that was only begun, the beginning.
    plan: AlertPlan
    encoder: Encoder
    start: int
    end: int

    def __len__(self) -> int:
        """How many alerts."""
        return self.end - self.start


class Outbox:
    """Plans that wait, one an event; not to be shared between threads.

    A newer plan of an event supersedes what of the older one was not yet taken, and nothing of any other event.
    """

    def __init__(self) -> None:
        self._plan_ids = count(1)
        self._jobs: dict[str, _Job] = {}
        #: Plans of which nothing waits any more, by their ids.
        self._done: dict[int, _Job] = {}
        self._has_work = asyncio.Event()
        self._has_less = asyncio.Event()
        self._is_closed = False
        self._is_halted = False

    def put(self, plan: AlertPlan, encoder: Encoder, on_taken: TakenCallback, *, has_more: bool = False) -> None:
        """Queue a plan, superseding the event's older one; one that ``has_more`` is to be extended."""
        self.withdraw(plan.report.event_id)
        self._queue(_Job(next(self._plan_ids), plan, encoder, on_taken, has_more=has_more))

    def extend(self, plan: AlertPlan, encoder: Encoder) -> None:
        """Go on with the whole plan of a report, of which only the beginning was put.

        Raises
        ------
        ValueError
            If no beginning of it was put.
        """
        job = self._jobs.pop(plan.report.event_id, None)
        if job is None or not job.has_more or job.plan.report is not plan.report:
            raise ValueError(f"a plan for {plan.report.event_id}; expected one that was begun")
        job.plan, job.encoder, job.has_more = plan, encoder, False
        self._queue(job)

    def n_waiting_of(self, event_id: str) -> int:
        """Return how many alerts of an event wait."""
        job = self._jobs.get(event_id)
        return 0 if job is None else len(job.plan) - job.n_taken

    def _queue(self, job: _Job) -> None:
        if job.is_out:
            self._finish(job)
        else:
            self._jobs[job.plan.report.event_id] = job
            self._has_work.set()

    def _finish(self, job: _Job, *, is_superseded: bool = False) -> None:
        """Put a job aside of which nothing waits any more: its rest has expired or was superseded."""
        n_rest = len(job.plan) - job.n_taken
        job.n_superseded, job.n_expired = (n_rest, 0) if is_superseded else (0, n_rest)
        # A portion that was taken has its own.
        job.encoder = None
        self._done[job.plan_id] = job
        self._has_less.set()

    def note(self, plan: AlertPlan) -> None:
        """Remember a plan for nobody that overtakes nothing: its report knew less than what is being sent.

        Raises
        ------
        ValueError
            If the plan has alerts.
        """
        if len(plan):
            raise ValueError(f"a plan of {len(plan)} alerts; expected none")
        self._finish(_Job(next(self._plan_ids), plan, None, lambda _plan, _start, _end: None))

    def withdraw(self, event_id: str) -> None:
        """Supersede what an event still has waiting."""
        job = self._jobs.pop(event_id, None)
        if job is not None:
            self._finish(job, is_superseded=True)

    @property
    def done(self) -> list[PlanProgress]:
        """The plans of which nothing waits any more, in the order they ended, until they are forgotten."""
        return [job.progress for job in self._done.values()]

    @property
    def under_way(self) -> list[PlanProgress]:
        """The plans of which something was taken, until they are forgotten."""
        return [job.progress for job in (*self._done.values(), *self._jobs.values()) if job.n_taken]

    @property
    def to_spill(self) -> list[tuple[int, AlertPlan]]:
        """The plans of which nothing waits any more and whose columns are still in memory, with their ids."""
        return [(job.plan_id, job.plan) for job in self._done.values() if len(job.plan) and not job.is_spilled]

    def written(self, plan_id: int, token: int, part: SentRange) -> None:
        """Note that a portion of a plan was written, with the publisher's delivery token."""
        job = self._done.get(plan_id) or next((job for job in self._jobs.values() if job.plan_id == plan_id), None)
        if job is not None:
            job.written.append((token, part))

    def spilled(self, plan_id: int, plan: AlertPlan) -> None:
        """Go on with the same plan, whose columns are on disk."""
        if (job := self._done.get(plan_id)) is not None:
            job.plan, job.is_spilled = plan, True

    def forget(self, plan_id: int) -> None:
        """Let go of a plan that is done: somebody else has counted it."""
        del self._done[plan_id]

    @property
    def n_waiting(self) -> int:
        """How many alerts wait."""
        return sum(len(job.plan) - job.n_taken for job in self._jobs.values())

    def close(self) -> None:
        """Let ``wait`` end once nothing waits any more."""
        self._is_closed = True
        self._has_work.set()

    def halt(self) -> None:
        """Give nothing more: what waits has failed when all is settled."""
        self._is_halted = True
        self._has_work.set()

    async def emptied(self) -> None:
        """Wait until nothing waits."""
        while self._jobs:
            self._has_less.clear()
            await self._has_less.wait()

    async def wait(self) -> bool:
        """Wait until something waits; return whether anything will."""
        while not self._ready():
            if self._is_halted or (self._is_closed and not self._jobs):
                return False
            self._has_work.clear()
            await self._has_work.wait()
        return True

    def take(self, now_at: datetime, n_max: int) -> Portion | None:
        """Return the most urgent alerts, at most ``n_max`` but at least one; what expires by ``now_at`` is left out."""
        for event_id, job in list(self._jobs.items()):
            if job.plan.expires_at <= now_at:
                job.is_expired = True
                if job.is_out:
                    self._finish(self._jobs.pop(event_id))
        ready = self._ready()
        if not ready:
            return None
        job = min(ready, key=lambda each: each.urgency)
        encoder = job.encoder
        if encoder is None:
            raise AssertionError("a plan was put away before it was out")
        start = job.n_taken
        end = min(start + max(1, min(job.n_next, n_max)), len(job.plan))
        job.n_taken = end
        job.n_next = min(2 * job.n_next, _LAST_PORTION)
        if job.is_out:
            self._finish(self._jobs.pop(job.plan.report.event_id))
        job.on_taken(job.plan, start, end)
        return Portion(job.plan_id, job.plan, encoder, start, end)

    def _ready(self) -> list[_Job]:
        """Return the jobs that have something to send now."""
        return [] if self._is_halted else [job for job in self._jobs.values() if job.is_waiting]

    def settle(self, confirmed_token: int, rejected: Callable[[int], npt.NDArray[np.int_]]) -> list[Delivery]:
        """Return what became of every plan, in the order they ended, when no more will be sent.

        Parameters
        ----------
        confirmed_token
            The last delivery token up to which the broker has confirmed everything. What was written and not
            confirmed has failed, as has what still waits.
        rejected
            Gives the positions within a delivery token's batch that the broker refused.
        """
        ended = (*self._done.values(), *self._jobs.values())
        self._jobs.clear()
        self._done.clear()
        self._has_less.set()
        deliveries = []
        for job in ended:
            sent: list[SentRange] = []
            for token, written in job.written:
                if token <= confirmed_token:
                    sent += _without(written, rejected(token))
            n_sent = sum(each.end - each.start for each in sent)
            n_failed = len(job.plan) - n_sent - job.n_superseded - job.n_expired
            deliveries.append(Delivery(job.plan, tuple(sent), n_failed, job.n_superseded, job.n_expired))
        return deliveries


def _without(written: SentRange, rejected: npt.NDArray[np.int_]) -> list[SentRange]:
    """Return a range less some of its positions, counted from its start."""
    edges = [written.start - 1, *(written.start + np.sort(rejected)).tolist(), written.end]
    return [SentRange(a + 1, b, written.at_mono_s) for a, b in pairwise(edges) if b > a + 1]
