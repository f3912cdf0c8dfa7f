"""The feeds that the daemon is attached to: each in a task of its own, their reports in one queue."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from eew.dispatch.daemon.config import FeedConfig
from eew.dispatch.metrics import FeedFigures
from eew.feed.intake import FeedCounts
from eew.feed.source import FeedState
from eew.model.clock import Clock
from eew.model.errors import EewError
from eew.model.records import EventReport

__all__ = ["FeedSupervisor", "ReceivedReport", "ReportFeed"]

logger = logging.getLogger(__name__)

#: Reports that wait to be judged; feeds are then read no further.
_MOST_WAITING = 64
#: How long a feed may take to let go.
_LET_GO_WITHIN_S = 2.0


class ReportFeed(Protocol):
    """What the daemon needs of a feed (``eew.feed.source.Feed``)."""

    @property
    def name(self) -> str:
        """One word."""
        ...

    @property
    def state(self) -> FeedState:
        """How it is."""
        ...

    @property
    def counts(self) -> FeedCounts:
        """What came in."""
        ...

    def reports(self) -> AsyncGenerator[EventReport]:
        """Yield reports as they come; called once."""
        ...


@dataclass(frozen=True, slots=True)
class ReceivedReport:
    """A report, from which feed and when."""

    feed: str
    report: EventReport
    at_mono_s: float


@dataclass(slots=True)
class _Attached:
    config: FeedConfig
    feed: ReportFeed
    task: asyncio.Task[None]
    state: FeedState


class FeedSupervisor:
    """Reads the feeds that are attached.

    Parameters
    ----------
    clock
        Tells when a report was received.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._attached: dict[str, _Attached] = {}
        #: Reports in the order in which they came; ``None`` after the last.
        self.queue: asyncio.Queue[ReceivedReport | None] = asyncio.Queue(_MOST_WAITING)

    @property
    def configs(self) -> dict[str, FeedConfig]:
        """How each feed was configured, by name."""
        return {name: attached.config for name, attached in self._attached.items()}

    @property
    def states(self) -> dict[str, str]:
        """How each feed is, by name."""
        return {name: attached.feed.state.value for name, attached in self._attached.items()}

    def attach(self, config: FeedConfig, feed: ReportFeed) -> None:
        """Begin to listen to a feed."""
        task = asyncio.create_task(self._listen(feed), name=f"feed {feed.name}")
        self._attached[feed.name] = _Attached(config, feed, task, feed.state)

    async def detach(self, names: Iterable[str]) -> None:
        """Stop listening to some feeds; what they gave already stays in the queue."""
        tasks = [self._attached.pop(name).task for name in names]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_LET_GO_WITHIN_S)

    def figures(self) -> dict[str, FeedFigures]:
        """Return how each feed is, and say in the log which are back."""
        figures = {}
        for name, attached in self._attached.items():
            state, counts = attached.feed.state, attached.feed.counts
            if state is FeedState.LISTENING and attached.state in {FeedState.SILENT, FeedState.LOST}:
                logger.info("feed.back name=%s", name)
            attached.state = state
            n_by_outcome = {
                "received": counts.n_received,
                "parsed": counts.n_parsed,
                "heartbeat": counts.n_heartbeats,
                "ignored": counts.n_ignored,
                "rejected": counts.n_rejected,
                "late": counts.n_late,
                "duplicate": counts.n_duplicate,
            }
            is_silent = state is FeedState.SILENT
            figures[name] = FeedFigures(state is FeedState.LISTENING or is_silent, is_silent, n_by_outcome)
        return figures

    async def _listen(self, feed: ReportFeed) -> None:
        try:
            async with aclosing(feed.reports()) as reports:
                async for report in reports:
                    await self.queue.put(ReceivedReport(feed.name, report, self._clock.mono_s()))
            logger.warning("feed.over name=%s", feed.name)
        except EewError as error:
            logger.error("feed.failed name=%s error=%s", feed.name, error)  # noqa: TRY400 - what was given is wrong
        except Exception:
            # The others go on.
            logger.exception("feed.failed name=%s", feed.name)
