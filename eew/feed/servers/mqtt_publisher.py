"""Messages published on an MQTT topic."""

import secrets
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from eew.feed.transports.address import Address
from eew.model.errors import BrokerConnectError, BrokerLostError

if TYPE_CHECKING:
    import aiomqtt

__all__ = ["MqttServer"]

_WITHIN_S = 10.0


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
        import aiomqtt

        address = self._address
        client = aiomqtt.Client(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            identifier=f"eew-serve-{secrets.token_hex(6)}",
            protocol=aiomqtt.ProtocolVersion.V311,
            timeout=_WITHIN_S,
            tls_params=aiomqtt.TLSParameters() if address.is_tls else None,
        )
        try:
            self._client = await self._stack.enter_async_context(client)
        except aiomqtt.MqttError as error:
            raise BrokerConnectError(self.url, str(error)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        import aiomqtt

        try:
            await self._stack.aclose()
        except aiomqtt.MqttError as lost:
            if error is None:
                raise BrokerLostError(self.url, str(lost), after_s=0.0) from lost

    async def wanted(self) -> None:
        """Go on at once: a publisher cannot tell who subscribes."""

    async def publish(self, data: bytes) -> None:
        """Publish, and wait until the broker has it."""
        import aiomqtt

        if self._client is None:
            raise AssertionError("only inside the block")
        try:
            await self._client.publish(self._address.topic, data, qos=1)
        except aiomqtt.MqttError as error:
            raise BrokerLostError(self.url, str(error), after_s=_WITHIN_S) from error

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
