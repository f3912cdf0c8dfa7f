"""One endpoint over HTTP: asks its queue what to send, signs it, posts it and hands back the response."""

import asyncio
import logging
import math
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import aiohttp
from standardwebhooks import Webhook

from eew import __version__
from eew.bridges.webhook.delivery_queue import DeliveryQueue, Settlement
from eew.bridges.webhook.response import Response, ResponseKind, response_of
from eew.bridges.webhook.webhook_event import WebhookEvent
from eew.model.clock import Clock

__all__ = ["Sender", "headers_of"]

logger = logging.getLogger(__name__)

#: A sum of seconds may fall short of the instant that was meant by a rounding error, which no clock can wait for.
_SHORTEST_SLEEP_S = 0.001


def headers_of(event: WebhookEvent, secrets: Sequence[bytes], attempt_at: datetime) -> dict[str, str]:
    """Return the headers of one attempt, signed with each secret [STDWEBHOOKS].

    Parameters
    ----------
    event
        What is sent.
    secrets
        The endpoint's.
    attempt_at
        The wall clock, aware.
    """
    attempt_at = attempt_at.astimezone(UTC)
    signatures = (Webhook(each).sign(event.webhook_id, attempt_at, event.body) for each in secrets)
    return {
        "webhook-id": event.webhook_id,
        "webhook-timestamp": str(math.floor(attempt_at.timestamp())),
        "webhook-signature": " ".join(signatures),
        "content-type": "application/json",
        "user-agent": f"eew/{__version__}",
    }


class Sender:
    """Sends what its queue says, one event at a time.

    Parameters
    ----------
    name
        What the log calls the endpoint; its URL may hold a secret and is not shown.
    url, secrets
        Where to, and what to sign with.
    queue
        Decides.
    session
        May be shared.
    clock, wall
        For delays, and for the timestamps of attempts.
    timeout_s
        How long a response may take.
    """

    def __init__(
        self,
        name: str,
        url: str,
        secrets: Sequence[bytes],
        queue: DeliveryQueue,
        session: aiohttp.ClientSession,
        *,
        clock: Clock,
        wall: Callable[[], datetime],
        timeout_s: float,
    ) -> None:
        self.name = name
        self.queue = queue
        self._url = url
        self._secrets = secrets
        self._session = session
        self._clock = clock
        self._wall = wall
        self._timeout_s = timeout_s
        self._has_changed = asyncio.Event()
        self._until_s = math.inf

    def offer(self, event: WebhookEvent) -> None:
        """Take an event; it leaves as soon as it may."""
        for failed in self.queue.offer(event):
            logger.error("webhook.failed endpoint=%s %s reason=%s", self.name, failed.words, self._no_way)
        self._has_changed.set()

    def finish(self, within_s: float) -> None:
        """Send what can still be sent in that time, s, then end."""
        self._until_s = self._clock.mono_s() + within_s
        self._has_changed.set()

    async def run(self) -> None:
        """Send until ``finish``; what is then left has failed."""
        try:
            while not self._is_over():
                self._has_changed.clear()
                now_s = self._clock.mono_s()
                event = self.queue.take_next(now_s)
                if event is None:
                    await self._sleep_until(min(self.queue.wake_at_s(), self._until_s))
                else:
                    response = await self._post(event)
                    self._log(event, response, self.queue.settle(response, self._clock.mono_s()), now_s)
        finally:
            for left in self.queue.close(self._clock.mono_s()):
                logger.error("webhook.failed endpoint=%s %s reason=stopped", self.name, left.words)

    def _is_over(self) -> bool:
        """Return whether ``finish`` was called, and nothing more can be sent in the time it was given."""
        return self._until_s < math.inf and max(self._clock.mono_s(), self.queue.wake_at_s()) >= self._until_s

    @property
    def _no_way(self) -> str:
        return "gone" if self.queue.is_gone else "too many wait"

    async def _sleep_until(self, wake_s: float) -> None:
        """Wait until that instant, or until something changes."""
        changed = asyncio.create_task(self._has_changed.wait())
        waits: set[asyncio.Task[object]] = {changed}
        if wake_s < math.inf:
            waits.add(asyncio.create_task(self._clock.sleep(max(_SHORTEST_SLEEP_S, wake_s - self._clock.mono_s()))))
        await _first_of(waits)

    async def _post(self, event: WebhookEvent) -> Response:
        """Make one attempt; whatever goes wrong is a response, too."""
        asking = asyncio.create_task(self._ask(event))
        waiting = asyncio.create_task(self._clock.sleep(self._timeout_s))
        await _first_of({asking, waiting})
        if asking.cancelled():
            return Response(ResponseKind.UNAVAILABLE, f"no answer in {self._timeout_s:g} s")
        return asking.result()

    async def _ask(self, event: WebhookEvent) -> Response:
        try:
            async with self._session.post(
                self._url,
                data=event.body.encode(),
                headers=headers_of(event, self._secrets, self._wall()),
                allow_redirects=False,
                # The clock that was handed in measures the time.
                timeout=aiohttp.ClientTimeout(total=None),
            ) as response:
                return response_of(response.status, response.headers.get("retry-after"), self._wall())
        except (aiohttp.ClientError, OSError, ValueError) as error:  # the last for host names that nobody can encode
            return Response(ResponseKind.UNAVAILABLE, _trouble(error))

    def _log(self, event: WebhookEvent, response: Response, settlement: Settlement, since_s: float) -> None:
        breaker = self.queue.breaker
        words = f"endpoint={self.name} {event.words} answer={response.said!r}"
        if response.kind is ResponseKind.DELIVERED:
            logger.info("webhook.delivered %s after_ms=%.0f", words, 1000 * (self._clock.mono_s() - since_s))
        elif settlement.retry_in_s is not None:
            logger.warning("webhook.retry %s in_s=%.1f", words, settlement.retry_in_s)
        elif response.kind in {ResponseKind.RETRY, ResponseKind.UNAVAILABLE}:
            logger.warning("webhook.superseded %s", words)
        else:
            logger.error("webhook.failed %s", words)
        if response.kind is ResponseKind.GONE:
            logger.error("endpoint.gone endpoint=%s: nothing is sent there until a restart", self.name)
        if settlement.is_opened:
            pause_s = max(0.0, breaker.until_s - self._clock.mono_s())
            logger.warning("endpoint.open endpoint=%s: it keeps failing, asked again in %.0f s", self.name, pause_s)
        if settlement.is_recovered:
            logger.info("endpoint.back endpoint=%s", self.name)


async def _first_of(tasks: set["asyncio.Task[object]"]) -> None:
    """Wait until one of the tasks has ended, and end the others."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _trouble(error: Exception) -> str:
    """Return what went wrong in words of our own: an exception's may hold the URL, and that a secret."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "no TLS connection"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({error.os_error.strerror or 'refused'})"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "closed the connection"
    return f"no valid answer ({type(error).__name__})"
