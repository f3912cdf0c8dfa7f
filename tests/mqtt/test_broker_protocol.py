"""Both brokers do with a common client what the product relies on."""

import asyncio
import uuid

import aiomqtt
import pytest

from eew.mqtt.endpoint import Endpoint

pytestmark = pytest.mark.broker


def client(endpoint: Endpoint) -> aiomqtt.Client:
    return aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311)


@pytest.fixture
def prefix() -> str:
    return f"eew/v1/test-{uuid.uuid4().hex}"


async def received(subscriber: aiomqtt.Client, n_messages: int) -> list[tuple[str, object, bool]]:
    messages: list[tuple[str, object, bool]] = []
    async with asyncio.timeout(10):
        while len(messages) < n_messages:
            message = await anext(subscriber.messages)
            messages.append((message.topic.value, message.payload, message.retain))
    return messages


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_wildcard_subscriber_gets_what_is_published(broker_endpoint: Endpoint, prefix: str, qos: int) -> None:
    """Messages below the wildcard arrive in order, others do not."""
    async with client(broker_endpoint) as subscriber, client(broker_endpoint) as publisher:
        await subscriber.subscribe(f"{prefix}/cell/1/3/#", qos=qos)
        for digit in "0123":
            await publisher.publish(f"{prefix}/cell/1/{digit}/2", digit, qos=qos)
            await publisher.publish(f"{prefix}/cell/1/3/{digit}", digit, qos=qos)
        assert await received(subscriber, 5) == [
            (f"{prefix}/cell/1/3/0", b"0", False),
            (f"{prefix}/cell/1/3/1", b"1", False),
            (f"{prefix}/cell/1/3/2", b"2", False),
            (f"{prefix}/cell/1/3/2", b"3", False),
            (f"{prefix}/cell/1/3/3", b"3", False),
        ]


async def test_a_retained_message_waits_until_it_is_cleared(broker_endpoint: Endpoint, prefix: str) -> None:
    """A late subscriber gets the last retained value; an empty one clears it."""
    async with client(broker_endpoint) as publisher:
        for value in ("old", "new"):
            await publisher.publish(f"{prefix}/events/a", value, qos=1, retain=True)
        await publisher.publish(f"{prefix}/events/b", "there", qos=1, retain=True)
        await publisher.publish(f"{prefix}/events/b", None, qos=1, retain=True)
        async with client(broker_endpoint) as late:
            await late.subscribe(f"{prefix}/events/+", qos=1)
            first = await received(late, 1)
            # Whatever else was retained would have come before this one.
            await publisher.publish(f"{prefix}/events/end", "end", qos=1)
            second = await received(late, 1)
    assert first == [(f"{prefix}/events/a", b"new", True)]
    assert second == [(f"{prefix}/events/end", b"end", False)]


async def test_the_last_will_of_a_lost_client_is_published(broker_endpoint: Endpoint, prefix: str) -> None:
    """A dispatcher that vanishes is reported by the broker."""
    topic = f"{prefix}/status/d1"
    async with client(broker_endpoint) as subscriber:
        await subscriber.subscribe(topic, qos=1)
        reader, writer = await asyncio.open_connection(broker_endpoint.host, broker_endpoint.port)
        fields = (b"d1", topic.encode(), b"gone")
        payload = b"".join(len(raw).to_bytes(2, "big") + raw for raw in fields)
        body = b"\x00\x04MQTT\x04\x0e\x00\x3c" + payload
        writer.write(bytes([0x10, len(body)]) + body)
        assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
        writer.transport.abort()
        assert await received(subscriber, 1) == [(topic, b"gone", False)]
