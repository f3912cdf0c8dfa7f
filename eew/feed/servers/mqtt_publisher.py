"""Messages published on an MQTT topic."""

from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from eew.feed.transports.address import Address
from eew.model.errors import BrokerConnectError, BrokerLostError

if TYPE_CHECKING:
    import aiomqtt

__all__ = ["MqttServer"]

_WITHIN_S, _KEEPALIVE_S = 10.0, 60


class MqttServer:
    """Publishes every message with QoS 1; who comes later finds nothing.

    Parameters
    ----------
    address
        Broker and topic.

    Raises
    ------
    BrokerConnectError
        On entering, if the broker is not there or refuses us.
    BrokerLostError
        On publishing, if it has gone.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._stack = AsyncExitStack()
        self._client: aiomqtt.Client | None = None

    @property
    def url(self) -> str:
        """Where a feed finds it, without the password."""
        return str(self._address)

    async def __aenter__(self) -> Self:
        """Connect."""
        from eew.mqtt.aiomqtt_client import client_of, translated

        client = client_of(self._address, "serve", timeout_s=_WITHIN_S, keepalive_s=_KEEPALIVE_S)
        with translated(partial(BrokerConnectError, self.url)):
            self._client = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        from eew.mqtt.aiomqtt_client import translated

        try:
            with translated(partial(BrokerLostError, self.url, after_s=0.0)):
                await self._stack.aclose()
        except BrokerLostError:
            if error is None:
                raise

    async def wanted(self) -> None:
        """Go on at once: a publisher cannot tell who subscribes."""

    async def publish(self, data: bytes) -> None:
        """Publish, and wait until the broker has it."""
        from eew.mqtt.aiomqtt_client import translated

        if self._client is None:
            raise AssertionError("only inside the block")
        with translated(partial(BrokerLostError, self.url, after_s=_WITHIN_S)):
            await self._client.publish(self._address.topic, data, qos=1)

    async def garble(self, data: bytes) -> None:
        """Publish something that is no message."""
        await self.publish(data)

    async def beat(self, data: bytes) -> None:
        """Publish a sign of life."""
        await self.publish(data)

    def drop(self) -> None:
        """Do nothing: the connections are the broker's."""

    def hush(self) -> None:
        """Do nothing: the answers are the broker's."""

    async def drained(self) -> None:
        """Go on at once: what was published, the broker has."""
