"""From events on a broker to endpoints: message in, notices out, and what became of them.

broker ─▶ Intake ─▶ Interest ─▶ Lane ─▶ Sender ─▶ endpoint    (the last three once for each endpoint)
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from eew.bridges.webhook.delivery_queue import Counts
from eew.bridges.webhook.event_filter import Interest
from eew.bridges.webhook.event_intake import Intake
from eew.bridges.webhook.sender import Sender
from eew.bridges.webhook.webhook_event import notice_of
from eew.model.clock import Clock
from eew.model.system.cancellation import cancel_and_wait

__all__ = ["Bridge", "Post", "summary_of"]

logger = logging.getLogger(__name__)

#: Of stopping: what can still be sent is sent, and what is on its way may arrive.
_FINISH_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class Post:
    """One endpoint: what it wants, and what sends to it."""

    interest: Interest
    sender: Sender


class Bridge:
    """Tells endpoints what a broker says of events.

    Parameters
    ----------
    intake
        Says what is new and to be believed.
    posts
        The endpoints.
    clock, wall
        For waits, and for the time of messages.
    """

    def __init__(self, intake: Intake, posts: Sequence[Post], *, clock: Clock, wall: Callable[[], datetime]) -> None:
        self._intake = intake
        self._posts = posts
        self._clock = clock
        self._wall = wall

    def take(self, where: str, payload: bytes) -> None:
        """Take one message of the broker; whatever came over the wire, nothing is raised."""
        news = self._intake.take(where, payload, self._wall())
        if news is None:
            return
        try:
            notice = notice_of(news.message, payload, self._clock.mono_s() + news.expires_in_s)
        except (msgspec.DecodeError, RecursionError):
            logger.warning("message.unreadable topic=%s", where)
            return
        for post in self._posts:
            if post.interest.wants(news.message):
                post.sender.offer(notice)

    async def run(self, listen: Callable[[], Awaitable[None]], stop: asyncio.Event) -> bool:
        """Send what ``listen`` brings until told to stop; return whether nothing was lost.

        An error of ``listen`` is raised once what can still be sent is sent.
        """
        error: BaseException | None = None
        async with asyncio.TaskGroup() as tasks:
            sending = [tasks.create_task(post.sender.run()) for post in self._posts]
            listening = asyncio.ensure_future(listen())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
                error = listening.exception() if listening.done() else None
            finally:
                await cancel_and_wait(listening, stopping)
            for post in self._posts:
                post.sender.finish(_FINISH_WITHIN_S)
            tasks.create_task(self._cut_off(sending))
        for post in self._posts:
            logger.info("endpoint.summary endpoint=%s %s", post.sender.name, summary_of(post.sender.lane.counts))
        if error is not None:
            raise error
        return all(post.sender.lane.counts.n_failed == 0 for post in self._posts)

    async def _cut_off(self, sending: Sequence[asyncio.Task[None]]) -> None:
        """End the senders that take longer than they may."""
        grace = asyncio.create_task(self._clock.sleep(_FINISH_WITHIN_S))
        await asyncio.wait({grace, asyncio.ensure_future(asyncio.wait(sending))}, return_when=asyncio.FIRST_COMPLETED)
        for each in (grace, *sending):
            each.cancel()


def summary_of(counts: Counts) -> str:
    """Return what became of an endpoint's notices, in one line that adds up."""
    return (
        f"taken={counts.n_taken} delivered={counts.n_delivered} superseded={counts.n_superseded} "
        f"expired={counts.n_expired} failed={counts.n_failed} retried={counts.n_retried}"
    )
