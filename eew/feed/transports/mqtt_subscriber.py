"""Messages of an MQTT topic."""

from collections.abc import AsyncGenerator

from eew.feed.transports.address import Address
from eew.feed.transports.received_message import ReceivedMessage, Sign, Signal

__all__ = ["messages"]


async def messages(
    address: Address, *, timeout_s: float, max_bytes: int, client_id: str | None = None
) -> AsyncGenerator[Signal]:
    """Subscribe with QoS 1 and yield what comes; one connection.

    Parameters
    ----------
    address
        Broker and topic filter.
    timeout_s
        How long an answer of the broker may take.
    max_bytes
        Of a longer message only so much is read, which no format takes for a report.
    client_id
        With one, the broker keeps what is published while we are away and hands it over afterwards.

    Raises
    ------
    ConnectionError
        When the connection cannot be made, is refused, or ends.
    """
    from eew.mqtt.aiomqtt_client import client_of, subscribes, translated

    client = client_of(address, "feed", client_id=client_id, is_clean=client_id is None, timeout_s=timeout_s)
    with translated(ConnectionError):
        async with client:
            if not await subscribes(client, address.topic):
                raise ConnectionRefusedError(f"the broker refuses a subscription to {address.topic}")
            yield Sign.OPENED
            async for message in client.messages:
                # An empty payload only says that nothing is retained any more.
                if message.payload:
                    name = f"{address} ({message.topic.value})"
                    yield ReceivedMessage(message.payload[:max_bytes], name, is_stored=message.retain)
