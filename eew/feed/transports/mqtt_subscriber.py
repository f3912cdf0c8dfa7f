"""Messages of an MQTT topic."""

import secrets
from collections.abc import AsyncGenerator

from eew.feed.transports.address import Address
from eew.feed.transports.received_message import Message, Sign, Signal
from eew.mqtt.protocol import reason_of

__all__ = ["messages"]

_KEEPALIVE_S = 10
#: A SUBACK code from here on is a refusal [MQTT3].
_REFUSED = 0x80


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
    import aiomqtt

    try:
        async with aiomqtt.Client(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            identifier=client_id or f"eew-feed-{secrets.token_hex(6)}",
            clean_session=client_id is None,
            protocol=aiomqtt.ProtocolVersion.V311,
            timeout=timeout_s,
            keepalive=_KEEPALIVE_S,
            tls_params=aiomqtt.TLSParameters() if address.is_tls else None,
        ) as client:
            codes = await client.subscribe(address.topic, qos=1)
            if any((code if isinstance(code, int) else code.value) >= _REFUSED for code in codes):
                raise ConnectionRefusedError(f"the broker refuses a subscription to {address.topic}")
            yield Sign.OPENED
            async for message in client.messages:
                # An empty payload only says that nothing is retained any more.
                if message.payload:
                    name = f"{address} ({message.topic.value})"
                    yield Message(message.payload[:max_bytes], name, is_stored=message.retain)
    except aiomqtt.MqttError as error:
        raise ConnectionError(reason_of(error)) from error
