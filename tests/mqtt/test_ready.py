"""Waiting for a broker."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt
import pytest

from eew.model.errors import BrokerConnectError
from eew.mqtt.endpoint import Endpoint
from eew.mqtt.protocol import reason_of
from eew.mqtt.ready import wait_until_ready


@asynccontextmanager
async def answering(answer: bytes, seen: list[bytes] | None = None) -> AsyncIterator[Endpoint]:
    """Return the address of a server that answers every connection with the same bytes, then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1000)
        if seen is not None:
            seen.append(first)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.mark.broker
async def test_a_running_broker_is_ready(broker_endpoint: Endpoint) -> None:
    """Both brokers accept the handshake."""
    await wait_until_ready(broker_endpoint, 5)


async def test_nobody_there_is_an_error_with_the_address() -> None:
    """After the time given the error names address and cause, and means exit code 3."""
    async with answering(b"") as endpoint:
        pass
    with pytest.raises(BrokerConnectError, match=f"{endpoint}: not ready within 0.05 s .*refused") as caught:
        await wait_until_ready(endpoint, 0.05)
    assert caught.value.endpoint == str(endpoint)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\x20\x02\x00\x05", "not authorised"),
        (b"\x20\x02\x00\x04", "bad user name or password"),
        (b"HTTP/1.1 400", "speaks no MQTT"),
    ],
)
async def test_a_refusal_is_told_at_once(answer: bytes, words: str) -> None:
    """There is no point in asking again."""
    async with answering(answer) as endpoint:
        with pytest.raises(BrokerConnectError, match=words):
            await wait_until_ready(endpoint, 30)


@pytest.mark.parametrize("answer", [b"", b"\x20", b"\x20\x02\x00\x03"], ids=["hangs up", "half an answer", "busy"])
async def test_a_broker_that_is_still_starting_is_asked_again(answer: bytes) -> None:
    """Hanging up or "unavailable" is not the last word."""
    seen: list[bytes] = []
    async with answering(answer, seen) as endpoint:
        with pytest.raises(BrokerConnectError, match="not ready"):
            await wait_until_ready(endpoint, 0.3)
    assert len(seen) > 1


async def test_a_silent_server_does_not_hold_us_up() -> None:
    """A connection that is accepted and never answered ends with the time given."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(BrokerConnectError, match="no answer"):
            await wait_until_ready(endpoint, 0.1)


async def test_the_handshake_is_the_packet_of_the_standard() -> None:
    """Name and password are in a CONNECT as section 3.1 of MQTT 3.1.1 lays it out."""
    seen: list[bytes] = []
    async with answering(b"\x20\x02\x00\x00", seen) as address:
        await wait_until_ready(Endpoint(address.host, address.port, "ada", "päss"), 5)
    packet = seen[0]
    assert packet[0] == 0x10
    assert packet[1] == len(packet) - 2
    assert packet[2:10] == b"\x00\x04MQTT\x04\xc2"
    assert packet.endswith(b"\x00\x03ada\x00\x05p\xc3\xa4ss")


async def test_a_long_password_needs_a_second_length_byte() -> None:
    """A remaining length of 128 and more is spread over two bytes, section 2.2.3."""
    seen: list[bytes] = []
    async with answering(b"\x20\x02\x00\x00", seen) as address:
        await wait_until_ready(Endpoint(address.host, address.port, "ada", "x" * 300), 5)
    packet = seen[0]
    assert (packet[1] & 0x7F) + 128 * packet[2] == len(packet) - 3


def as_aiomqtt_says(error: Exception, words: str) -> aiomqtt.MqttError:
    """Return its error with the cause hidden, as ``raise … from None`` leaves it."""
    try:
        try:
            raise error
        except type(error):
            raise aiomqtt.MqttError(words) from None
    except aiomqtt.MqttError as said:
        return said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError(113, "No route to host"), "No route to host"),
        (TimeoutError(), "no answer"),
    ],
)
def test_why_there_is_no_connection_is_said_alike_by_whatever_library(error: Exception, words: str) -> None:
    """In words, without the system's number; what a broker itself says stays as it is."""
    assert reason_of(error) == words
    assert reason_of(as_aiomqtt_says(error, str(error) or "Operation timed out")) == words
    assert reason_of(aiomqtt.MqttError("[code:5] Not authorized")) == "[code:5] Not authorized"
