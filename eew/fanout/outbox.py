"""What waits to be sent, and what goes next: decided here, synchronously; the dispatcher only moves the bytes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from eew.fanout.encode import Encoder
from eew.model.records import AlertPlan, Delivery, ReportKind, SentRange
from eew.model.units import at_after

__all__ = ["Job", "Outbox", "Portion", "TakenCallback"]

#: Told which part of a plan is on its way and cannot be called back: plan, start, end.
TakenCallback = Callable[[AlertPlan, int, int], None]

#: A plan's first portions are small, so that the most urgent alerts leave at once.
_FIRST_PORTION, _LAST_PORTION = 512, 8192


@dataclass(slots=True)
class Job:
    """A plan on its way out."""

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
    #: What was written, with the publisher's delivery token.
    written: list[tuple[int, SentRange]] = field(default_factory=list)

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
        """Least goes first: a cancel, then the loudest, then the one whose S wave arrives first."""
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

    job: Job
    #: The job's own may be let go of once all of it was taken.
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
        self._jobs: dict[str, Job] = {}
        #: Plans of which nothing waits any more.
        self.done: list[Job] = []
        self._has_work = asyncio.Event()
        self._has_less = asyncio.Event()
        self._is_closed = False
        self._is_halted = False

    def put(self, plan: AlertPlan, encoder: Encoder, on_taken: TakenCallback, *, has_more: bool = False) -> None:
        """Queue a plan, superseding the event's older one; one that ``has_more`` is to be extended."""
        self.withdraw(plan.report.event_id)
        self._queue(Job(plan, encoder, on_taken, has_more=has_more))

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

    def _queue(self, job: Job) -> None:
        if job.is_out:
            self._finish(job)
        else:
            self._jobs[job.plan.report.event_id] = job
            self._has_work.set()

    def _finish(self, job: Job) -> None:
        """Put a job of which nothing waits aside."""
        job.n_expired = len(job.plan) - job.n_taken
        self.done.append(job)
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
        self.done.append(Job(plan, None, lambda _plan, _start, _end: None))

    def withdraw(self, event_id: str) -> None:
        """Supersede what an event still has waiting."""
        job = self._jobs.pop(event_id, None)
        if job is not None:
            job.n_superseded = len(job.plan) - job.n_taken
            self.done.append(job)
            self._has_less.set()

    @property
    def under_way(self) -> list[Job]:
        """The jobs of which something was taken, until they leave ``done``."""
        return [job for job in (*self.done, *self._jobs.values()) if job.n_taken]

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
        return Portion(job, encoder, start, end)

    def _ready(self) -> list[Job]:
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
        self.done += self._jobs.values()
        self._jobs.clear()
        self._has_less.set()
        deliveries = []
        for job in self.done:
            sent: list[SentRange] = []
            for token, written in job.written:
                if token <= confirmed_token:
                    sent += _without(written, rejected(token))
            n_sent = sum(each.end - each.start for each in sent)
            n_failed = len(job.plan) - n_sent - job.n_superseded - job.n_expired
            deliveries.append(Delivery(job.plan, tuple(sent), n_failed, job.n_superseded, job.n_expired))
        self.done.clear()
        return deliveries


def _without(written: SentRange, rejected: npt.NDArray[np.int_]) -> list[SentRange]:
    """Return a range less some of its positions, counted from its start."""
    edges = [written.start - 1, *(written.start + np.sort(rejected)).tolist(), written.end]
    return [SentRange(a + 1, b, written.at_mono_s) for a, b in pairwise(edges) if b > a + 1]
