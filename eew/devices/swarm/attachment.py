"""A connection of the swarm that comes back when it is cut, as a real device's does."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence

from eew.devices.swarm.subscriber import Run, Subscriber
from eew.model.backoff import HALF_TO_ONE_AND_A_HALF, Backoff
from eew.model.errors import BrokerConnectError
from eew.mqtt.link import Target

__all__ = ["Attachment"]

_BACKOFF = Backoff(0.05, 2.0, HALF_TO_ONE_AND_A_HALF)


class Attachment:
    """One client with its subscriptions. What is published while it is away is lost to it: QoS 0.

    Parameters
    ----------
    target, client_id, topic_filters
        Where, who, and what it subscribes to.
    on_run
        Takes what comes in.
    reconnect_s
        How long to try when it is cut.
    on_back, on_gone
        Called each time it is back, and once with the reason when it has given up.
    source_host
        As in ``Link``.
    """

    def __init__(
        self,
        target: Target,
        client_id: str,
        topic_filters: Sequence[str],
        on_run: Callable[[Run], None],
        *,
        reconnect_s: float,
        on_back: Callable[[], None],
        on_gone: Callable[[str], None],
        source_host: str | None = None,
    ) -> None:
        self._target = target
        self._client_id = client_id
        self._topic_filters = topic_filters
        self._on_run = on_run
        self._reconnect_s = reconnect_s
        self._on_back = on_back
        self._on_gone = on_gone
        self._source_host = source_host
        self._link: Subscriber | None = None
        self._coming_back: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and subscribe; raises ``BrokerConnectError``."""
        link = Subscriber(self._on_run, self._lost, self._source_host)
        await link.connect(self._target, self._client_id)
        self._link = link
        await link.subscribe(self._target, self._topic_filters)

    async def close(self) -> None:
        """Say goodbye, or stop trying."""
        if self._coming_back is not None:
            self._coming_back.cancel()
        if self._link is not None:
            await self._link.close()

    def _lost(self, reason: str) -> None:
        self._link = None
        if self._coming_back is None or self._coming_back.done():
            self._coming_back = asyncio.get_running_loop().create_task(self._come_back(reason), name="come back")

    async def _come_back(self, reason: str) -> None:
        until_mono_s = time.monotonic() + self._reconnect_s
        for n_waited in itertools.count():
            if time.monotonic() >= until_mono_s:
                break
            await asyncio.sleep(_BACKOFF.delay_s(n_waited))
            try:
                await self.open()
            except BrokerConnectError as error:
                reason = error.reason
                continue
            if self._link is not None:
                self._on_back()
                return
        self._on_gone(reason)
