"""Notifies webhook endpoints of events published on a broker.

broker ─▶ EventIntake ─▶ EventFilter ─▶ DeliveryQueue ─▶ Sender ─▶ endpoint    (the last three once per endpoint)
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from eew.bridges.webhook.delivery_queue import Counts
from eew.bridges.webhook.event_filter import EventFilter
from eew.bridges.webhook.event_intake import EventIntake
from eew.bridges.webhook.sender import Sender
from eew.bridges.webhook.webhook_event import webhook_event_of
from eew.model.clock import Clock
from eew.model.system.cancellation import cancel_and_wait

__all__ = ["Bridge", "WebhookEndpoint", "summary_of"]

logger = logging.getLogger(__name__)

#: Of stopping: what can still be sent is sent, and what is on its way may arrive.
_FINISH_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """One endpoint: the filter of its events, and what sends to it."""

    filter: EventFilter
    sender: Sender


class Bridge:
    """Forwards the event messages of a broker to endpoints.

    Parameters
    ----------
    intake
        Says which messages are new and trusted.
    endpoints
        The endpoints.
    clock, wall
        For waits, and for the time of messages.
    """

    def __init__(
        self, intake: EventIntake, endpoints: Sequence[WebhookEndpoint], *, clock: Clock, wall: Callable[[], datetime]
    ) -> None:
        self._intake = intake
        self._endpoints = endpoints
        self._clock = clock
        self._wall = wall

    def take(self, where: str, payload: bytes) -> None:
        """Take one message of the broker; whatever came over the wire, nothing is raised."""
        received = self._intake.take(where, payload, self._wall())
        if received is None:
            return
        try:
            event = webhook_event_of(received.message, payload, self._clock.mono_s() + received.expires_in_s)
        except (msgspec.DecodeError, RecursionError):
            logger.warning("message.unreadable topic=%s", where)
            return
        for endpoint in self._endpoints:
            if endpoint.filter.wants(received.message):
                endpoint.sender.offer(event)

    async def run(self, listen: Callable[[], Awaitable[None]], stop: asyncio.Event) -> bool:
        """Send what ``listen`` brings until stopped; return whether nothing was lost.

        An error of ``listen`` is raised once what can still be sent is sent.
        """
        error: BaseException | None = None
        async with asyncio.TaskGroup() as tasks:
            sending = [tasks.create_task(endpoint.sender.run()) for endpoint in self._endpoints]
            listening = asyncio.ensure_future(listen())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
                error = listening.exception() if listening.done() else None
            finally:
                await cancel_and_wait(listening, stopping)
            for endpoint in self._endpoints:
                endpoint.sender.finish(_FINISH_WITHIN_S)
            tasks.create_task(self._cut_off(sending))
        for endpoint in self._endpoints:
            logger.info(
                "endpoint.summary endpoint=%s %s", endpoint.sender.name, summary_of(endpoint.sender.queue.counts)
            )
        if error is not None:
            raise error
        return all(endpoint.sender.queue.counts.n_failed == 0 for endpoint in self._endpoints)

    async def _cut_off(self, sending: Sequence[asyncio.Task[None]]) -> None:
        """End the senders that take longer than they may."""
        grace = asyncio.create_task(self._clock.sleep(_FINISH_WITHIN_S))
        await asyncio.wait({grace, asyncio.ensure_future(asyncio.wait(sending))}, return_when=asyncio.FIRST_COMPLETED)
        for each in (grace, *sending):
            each.cancel()


def summary_of(counts: Counts) -> str:
    """Return what became of an endpoint's events, in one line that adds up."""
    return (
        f"taken={counts.n_taken} delivered={counts.n_delivered} superseded={counts.n_superseded} "
        f"expired={counts.n_expired} failed={counts.n_failed} retried={counts.n_retried}"
    )
