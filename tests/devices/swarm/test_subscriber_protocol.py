"""Packets as they come off the wire, cut anywhere."""

import asyncio
import struct
from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.devices.swarm.subscriber_protocol import PacketRun, SubscriberProtocol, runs
from eew.model.errors import BrokerConnectError

Message = tuple[bytes, bytes]


def remaining_length(value: int) -> bytes:
    """Return a remaining length as the pseudo code of MQTT 3.1.1 section 2.2.3 makes it."""
    out = b""
    while True:
        byte, value = value % 128, value // 128
        out += bytes((byte | 128 if value else byte,))
        if not value:
            return out


def publish(topic: bytes, payload: bytes, flags: int = 0) -> bytes:
    """Return a PUBLISH of QoS 0 (section 3.3)."""
    body = struct.pack(">H", len(topic)) + topic + payload
    return bytes((0x30 | flags,)) + remaining_length(len(body)) + body


def messages_of(run: PacketRun) -> list[Message]:
    return [(topic.tobytes(), payload.tobytes()) for topic, payload in zip(run.topic, run.payload, strict=True)]


messages = st.lists(
    st.tuples(
        st.sampled_from([b"eew/v1/alerts/device/1330/d1", b"eew/v1/alerts/device/1330/d2", b"a", b"a/bc"]),
        st.sampled_from([b"", b"x", b"yy", b"zz", b"z" * 120, b"w" * 127, b"v" * 130, b"u" * 17000]),
    ),
    max_size=12,
)


@given(messages, st.sampled_from([b"", b"\x30", b"\x30\x05\x00", publish(b"a", b"xyz")[:-1], b"\xd0\x00", b"\x90\x03"]))
def test_runs_are_the_messages_in_their_order(sent: list[Message], tail: bytes) -> None:
    """Whole PUBLISH packets at the start are taken, up to the first of another kind or that is not whole."""
    stream = b"".join(publish(*message) for message in sent)
    found = list(runs(bytearray(stream + tail)))
    assert [message for run, _ in found for message in messages_of(run)] == sent
    assert [n_bytes for _, n_bytes in found][-1:] == ([len(stream)] if sent else [])
    assert [n for _, n in found] == sorted({n for _, n in found})


def test_alike_packets_are_one_run() -> None:
    """A thousand packets of one length are one run of a thousand rows."""
    stream = b"".join(publish(b"t/%04d" % i, b"payload %04d" % i) for i in range(1000))
    (run, n_bytes), *more = runs(bytearray(stream))
    assert (len(run), n_bytes, more) == (1000, len(stream), [])
    assert run.payload[999].tobytes() == b"payload 0999"


@pytest.mark.parametrize("flags", [0x01, 0x08, 0x09], ids=["retained", "dup", "both"])
def test_retained_and_repeated_packets_are_taken_too(flags: int) -> None:
    """Only the quality of service makes a packet another one."""
    stream = publish(b"a", b"1") + publish(b"a", b"2", flags) + publish(b"a", b"3")
    assert [message for run, _ in runs(bytearray(stream)) for message in messages_of(run)] == [
        (b"a", b"1"),
        (b"a", b"2"),
        (b"a", b"3"),
    ]


@given(st.binary(max_size=60))
def test_bytes_that_are_no_publish_do_no_harm(noise: bytes) -> None:
    """A topic longer than its packet, a packet of no length: whatever is there, nothing is read behind the end."""
    packet = bytes((0x30,)) + remaining_length(len(noise)) + noise
    ((run, n_bytes),) = runs(bytearray(packet))
    assert n_bytes == len(packet)
    assert len(run) == 1
    assert run.topic.size + run.payload.size <= len(noise)


class FakeTransport(asyncio.Transport):
    """Answers what is written to it."""

    def __init__(self, answer: Callable[[bytes], object]) -> None:
        super().__init__()
        self.answer = answer
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))
        self.answer(bytes(data))

    def is_closing(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing."""


class Broker:
    """A target, for its name."""

    host, port, username, password, is_tls = "broker", 1883, None, None, False

    def __str__(self) -> str:
        return "mqtt://broker:1883"


def fed(protocol: SubscriberProtocol, stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        protocol.data_received(stream[start:end])


#: Other packets a broker may send in between: SUBACK, PINGRESP.
others = st.sampled_from([b"\x90\x03\x00\x02\x00", b"\xd0\x00"])


@given(
    st.lists(messages | others, max_size=8),
    st.lists(st.integers(0, 3000), max_size=20),
)
async def test_any_split_of_the_stream_gives_the_same_messages(
    parts: list[list[Message] | bytes], cuts: list[int]
) -> None:
    """The network may cut wherever it likes, and other packets may come in between."""
    sent = [message for part in parts if isinstance(part, list) for message in part]
    stream = b"".join(
        part if isinstance(part, bytes) else b"".join(publish(*message) for message in part) for part in parts
    )
    received: list[Message] = []
    protocol = SubscriberProtocol(lambda run: received.extend(messages_of(run)), lambda _reason: None)
    fed(protocol, stream, cuts)
    assert received == sent


async def test_one_byte_at_a_time() -> None:
    """The slowest network there is."""
    sent = [(b"eew/v1/alerts/device/1330/d%d" % i, b"p" * (100 + 30 * (i % 2))) for i in range(6)]
    received: list[Message] = []
    protocol = SubscriberProtocol(lambda run: received.extend(messages_of(run)), lambda _reason: None)
    stream = b"".join(publish(*message) for message in sent)
    fed(protocol, stream, list(range(len(stream))))
    assert received == sent


class TestSubscribe:
    """What the broker says to a subscription."""

    filters: ClassVar = [f"eew/v1/alerts/device/13300211{i:02d}/+" for i in range(450)]

    async def test_filters_go_in_portions_and_each_is_answered(self) -> None:
        """450 filters are three packets, each with an id of its own, every filter once."""
        protocol = SubscriberProtocol(lambda _run: None, lambda _reason: None)

        def grant(data: bytes) -> None:
            assert data[0] == 0x82
            body = data[3:] if data[2] < 0x80 else data[4:]
            protocol.data_received(b"\x90" + remaining_length(3) + body[:2] + b"\x00")

        transport = FakeTransport(grant)
        protocol.connection_made(transport)
        await protocol.subscribe(Broker(), self.filters)
        assert len(transport.written) == 3
        assert len({packet[3:5] for packet in transport.written}) == 3
        for topic_filter in self.filters:
            entry = struct.pack(">H", len(topic_filter)) + topic_filter.encode() + b"\x00"
            assert sum(packet.count(entry) for packet in transport.written) == 1

    async def test_a_refusal_is_an_error(self) -> None:
        """0x80 for any of the filters [MQTT 3.1.1, 3.9.3] is an error that names the broker."""
        protocol = SubscriberProtocol(lambda _run: None, lambda _reason: None)
        protocol.connection_made(FakeTransport(lambda _data: protocol.data_received(b"\x90\x04\x00\x02\x00\x80")))
        with pytest.raises(BrokerConnectError, match=r"mqtt://broker:1883: refuses the subscription"):
            await protocol.subscribe(Broker(), ["a/+", "b/+"])

    async def test_a_connection_lost_while_subscribing_is_an_error_at_once(self) -> None:
        """Nobody waits a minute for an answer that cannot come; and nobody writes to what is lost."""
        protocol = SubscriberProtocol(lambda _run: None, lambda _reason: None)
        protocol._connack.cancel()
        loop = asyncio.get_running_loop()
        transport = FakeTransport(lambda _data: loop.call_soon(protocol.connection_lost, None))
        protocol.connection_made(transport)
        for _ in range(2):
            with pytest.raises(BrokerConnectError, match="lost"):
                await protocol.subscribe(Broker(), ["a/+"])
        assert len(transport.written) == 1


def test_a_run_counts_its_messages() -> None:
    """``len`` is the number of messages, not of bytes."""
    assert len(PacketRun(np.zeros((3, 5), dtype=np.uint8), np.zeros((3, 9), dtype=np.uint8))) == 3
