"""A connection of the swarm that comes back when it is cut, as a real device's does."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence

from eew.devices.swarm.subscriber_protocol import PacketRun, SubscriberProtocol
from eew.model.backoff import HALF_TO_ONE_AND_A_HALF, Backoff
from eew.model.errors import BrokerConnectError
from eew.mqtt.protocol import Target

__all__ = ["ReconnectingSubscriber"]

_BACKOFF = Backoff(0.05, 2.0, HALF_TO_ONE_AND_A_HALF)


class ReconnectingSubscriber:
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
        As in ``MqttProtocol``.
    """

    def __init__(
        self,
        target: Target,
        client_id: str,
        topic_filters: Sequence[str],
        on_run: Callable[[PacketRun], None],
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
        self._protocol: SubscriberProtocol | None = None
        self._coming_back: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and subscribe; raises ``BrokerConnectError``."""
        protocol = SubscriberProtocol(self._on_run, self._lost, self._source_host)
        await protocol.connect(self._target, self._client_id)
        self._protocol = protocol
        await protocol.subscribe(self._target, self._topic_filters)

    async def close(self) -> None:
        """Send DISCONNECT, or stop trying."""
        if self._coming_back is not None:
            self._coming_back.cancel()
        if self._protocol is not None:
            await self._protocol.close()

    def _lost(self, reason: str) -> None:
        self._protocol = None
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
            if self._protocol is not None:
                self._on_back()
                return
        self._on_gone(reason)
