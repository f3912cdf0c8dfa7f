"""The publisher against real brokers, through connections that are cut, and against brokers that misbehave."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import numpy as np
import pytest

from eew.fanout import in_flight as flight_module
from eew.fanout.fixed_width import Bytes2D
from eew.fanout.publish_template import Batch, RecordTemplate, Slot
from eew.fanout.publisher import MqttPublisher
from eew.fanout.publisher_protocol import PublisherProtocol
from eew.model.clock import ManualClock, SystemClock
from eew.model.errors import BrokerConnectError, BrokerLostError
from eew.mqtt.endpoint import Endpoint

BatchOf = Callable[..., Batch]
Published = Callable[..., list[Any]]
PacketsIn = Callable[[bytes], list[tuple[int, bytes]]]
ProxyTo = Callable[..., Awaitable[Any]]
Topics = Callable[[str], "contextlib.AbstractAsyncContextManager[list[aiomqtt.Message]]"]

ACCEPTED = b"\x20\x02\x00\x00"
REFUSED_VERSION = b"\x20\x02\x00\x01"


@pytest.fixture
def prefix() -> str:
    return f"eew/v1/test-{uuid.uuid4().hex}"


def new_publisher(endpoint: Endpoint, qos: int, **options: Any) -> MqttPublisher:
    options = {"clock": SystemClock()} | options
    return MqttPublisher(endpoint, f"eew-test-{uuid.uuid4().hex}", qos=qos, **options)


@contextlib.asynccontextmanager
async def opened(endpoint: Endpoint, qos: int, **options: Any) -> AsyncIterator[MqttPublisher]:
    publisher = new_publisher(endpoint, qos, **options)
    await publisher.open()
    try:
        yield publisher
    finally:
        await publisher.close()


def batches(publisher: MqttPublisher, qos: int, prefix: str, n_packets: int, n_batch: int) -> list[Batch]:
    """Return packets that are numbered in topic and payload."""
    template = RecordTemplate(
        [prefix.encode() + b"/", Slot("number", 6)],
        [b'{"number":', Slot("number", 6), b"," + b" " * 200 + b'"v":1}'],
        qos=qos,
        version=publisher.version,
        expiry_s=300,
        user_properties=[("event_id", "e1"), ("report_no", "2")],
    )
    numbers: Bytes2D = np.array([list(b"%06d" % n) for n in range(100_000, 100_000 + n_packets)], dtype=np.uint8)
    parts = [numbers[start : start + n_batch] for start in range(0, n_packets, n_batch)]
    return [template.fill(len(part), {"number": part}) for part in parts]


def payload_of(message: aiomqtt.Message) -> bytes:
    assert isinstance(message.payload, bytes)
    return message.payload


def numbers_of(messages: list[aiomqtt.Message]) -> list[int]:
    return [int(message.topic.value.rsplit("/", 1)[1]) - 100_000 for message in messages]


@contextlib.asynccontextmanager
async def subscribed(
    endpoint: Endpoint, prefix: str, version: aiomqtt.ProtocolVersion = aiomqtt.ProtocolVersion.V311
) -> AsyncIterator[list[aiomqtt.Message]]:
    """Collect what aiomqtt gets; on leaving, wait for a last message that everything else came before."""
    got: list[aiomqtt.Message] = []
    async with aiomqtt.Client(endpoint.host, endpoint.port, protocol=version) as client:
        await client.subscribe(f"{prefix}/#", qos=0)
        # The subscription stands once a message of our own comes back.
        await client.publish(f"{prefix}/end", b"first")
        async with asyncio.timeout(10):
            assert (await anext(client.messages)).payload == b"first"
        yield got
        await client.publish(f"{prefix}/end", b"last", qos=1)
        async with asyncio.timeout(30):
            async for message in client.messages:
                if message.payload == b"last":
                    break
                got.append(message)


@pytest.mark.broker
@pytest.mark.parametrize("qos", [0, 1])
async def test_everything_arrives_once_and_in_order(broker_endpoint: Endpoint, prefix: str, qos: int) -> None:
    """20 000 packets, with a client that is not ours at the other end."""
    async with opened(broker_endpoint, qos) as publisher:
        async with subscribed(broker_endpoint, prefix) as got:
            parts = batches(publisher, qos, prefix, 20_000, 3000)
            assert [await publisher.send(part) for part in parts] == list(range(1, len(parts) + 1))
            await publisher.flush()
        assert publisher.confirmed_token == len(parts)
        counts = publisher.counts
    assert numbers_of(got) == list(range(20_000))
    assert all(f'{{"number":{n + 100_000},'.encode() in payload_of(got[n]) for n in range(20_000))
    assert (counts.n_written, counts.n_confirmed, counts.n_resent, counts.n_rejected) == (20_000, 20_000, 0, 0)


@pytest.mark.broker
@pytest.mark.parametrize("qos", [0, 1])
async def test_mqtt_5_carries_expiry_and_user_properties(mosquitto_broker: Endpoint, prefix: str, qos: int) -> None:
    """As a subscriber of that version sees them."""
    async with (
        opened(mosquitto_broker, qos) as publisher,
        subscribed(mosquitto_broker, prefix, aiomqtt.ProtocolVersion.V5) as got,
    ):
        for part in batches(publisher, qos, prefix, 10, 5):
            await publisher.send(part)
        await publisher.flush()
    assert numbers_of(got) == list(range(10))
    for message in got:
        properties: Any = message.properties
        # A broker counts the time down that a message waits in it.
        assert 290 <= properties.MessageExpiryInterval <= 300
        assert properties.UserProperty == [("event_id", "e1"), ("report_no", "2")]


@pytest.mark.broker
async def test_the_version_is_negotiated(embedded_broker: Any, mosquitto_broker: Endpoint) -> None:
    """nats-server speaks 3.1.1 only, mosquitto 5."""
    async with opened(embedded_broker.endpoint, 0) as publisher:
        assert publisher.version == 4
    async with opened(mosquitto_broker, 0) as publisher:
        assert publisher.version == 5


@pytest.mark.broker
@pytest.mark.parametrize("qos", [0, 1])
async def test_a_cut_connection_loses_nothing(
    broker_endpoint: Endpoint, prefix: str, qos: int, proxy_to: ProxyTo, published: Published
) -> None:
    """Cut twice in mid-packet: what was not confirmed is written again, marked DUP and with its id at QoS 1."""
    n_packets, n_first = 6000, 1000
    # An MQTT 3.1.1 broker is asked twice on opening; only then the cuts begin.
    n_refused = 1 if await speaks_v3_only(broker_endpoint) else 0
    proxy = await proxy_to(broker_endpoint, [1 << 40] * n_refused + [700_000, 500_001])
    async with opened(proxy.endpoint, qos) as publisher:
        async with subscribed(broker_endpoint, prefix) as got:
            n_batch = 500
            parts = batches(publisher, qos, prefix, n_packets, n_batch)
            for part in parts[: n_first // n_batch]:
                await publisher.send(part)
            await publisher.flush()
            for part in parts[n_first // n_batch :]:
                await publisher.send(part)
            async with asyncio.timeout(30):
                await publisher.flush()
        counts = publisher.counts
        assert publisher.confirmed_token == len(parts)
        version = publisher.version
    assert sorted(set(numbers_of(got))) == list(range(n_packets))
    assert (counts.n_reconnects, counts.n_written, counts.n_confirmed) == (2, n_packets, n_packets)
    by_connection = [published(bytes(heard), version, is_mixed=True) for heard in proxy.heard[n_refused:]]
    first, *again = [packets for packets in by_connection if packets]
    assert len(again) == 2
    assert not any(packet.is_duplicate for packet in first)
    confirmed_at_first = {packet.topic for packet in first[:n_first]}
    assert not any(packet.topic in confirmed_at_first for packets in again for packet in packets)
    n_duplicates = sum(packet.is_duplicate for packets in again for packet in packets)
    # The proxy does not see all that was written again on the connection it cut.
    assert n_duplicates <= counts.n_resent <= 2 * (n_packets - n_first)
    assert counts.n_resent > 0
    if qos == 0:
        assert n_duplicates == 0
        return
    assert n_duplicates > 0
    packet_ids: dict[str, set[int]] = {}
    seen_before: set[str] = set()
    for packets in (first, *again):
        assert all(packet.is_duplicate for packet in packets if packet.topic in seen_before)
        seen_before |= {packet.topic for packet in packets}
        for packet in packets:
            packet_ids.setdefault(packet.topic, set()).add(packet.packet_id)
    assert {len(ids) for ids in packet_ids.values()} == {1}


async def speaks_v3_only(endpoint: Endpoint) -> bool:
    async with opened(endpoint, 0) as publisher:
        return publisher.version == 4


@pytest.mark.broker
@pytest.mark.parametrize("qos", [0, 1])
async def test_a_broker_that_stays_away_is_given_up(
    broker_endpoint: Endpoint, prefix: str, qos: int, proxy_to: ProxyTo
) -> None:
    """After ``reconnect_s`` an error with address and reason; what was confirmed before stays so."""
    proxy = await proxy_to(broker_endpoint)
    async with opened(proxy.endpoint, qos, reconnect_s=0.3) as publisher:
        first, *rest = batches(publisher, qos, prefix, 300, 10)
        assert await publisher.send(first) == 1
        await publisher.flush()
        await proxy.stop()

        async def send_on() -> None:
            for part in rest * 1000:
                await publisher.send(part)

        with pytest.raises(BrokerLostError, match=r"gave up after 0\.3 s") as caught:
            await send_on()
        assert caught.value.endpoint == str(proxy.endpoint)
        assert publisher.confirmed_token == 1
        assert publisher.counts.n_confirmed == 10


@pytest.mark.broker
async def test_ids_go_round_and_round(
    embedded_broker: Any, prefix: str, proxy_to: ProxyTo, published: Published
) -> None:
    """70 000 packets: 1 to 65535 and 1 again, never 0, none twice at a time; all acknowledged."""
    proxy = await proxy_to(embedded_broker.endpoint)
    async with opened(proxy.endpoint, 1) as publisher:
        for part in batches(publisher, 1, prefix, 70_000, 7000):
            await publisher.send(part)
        await publisher.flush()
        assert publisher.counts.n_confirmed == 70_000
    packets = published(bytes(proxy.heard[1]), 4, is_mixed=True)
    assert [packet.packet_id for packet in packets] == [*range(1, 65_536), *range(1, 70_000 - 65_535 + 1)]


async def test_nobody_there_is_an_error_with_the_address(unused_tcp_port: int) -> None:
    """The first connection is not tried again."""
    publisher = new_publisher(Endpoint("127.0.0.1", unused_tcp_port), 0)
    with pytest.raises(BrokerConnectError, match=f"mqtt://127.0.0.1:{unused_tcp_port}"):
        await publisher.open()
    await publisher.close()


@dataclass
class Scripted:
    """A broker that accepts everybody and does nothing by itself."""

    connack: bytes = ACCEPTED
    heard: list[bytearray] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    is_closing_at_once: bool = False
    answers_pings: bool = True
    #: Unset: reads nothing after the CONNECT.
    may_read: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    endpoint: Endpoint = field(default_factory=lambda: Endpoint("127.0.0.1", 0))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        heard = bytearray()
        self.heard.append(heard)
        self.writers.append(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            is_first = True
            while data := await reader.read(65536):
                if not is_first:
                    await self.may_read.wait()
                heard += data
                if is_first:
                    writer.write(self.connack)
                    is_first = False
                    if self.is_closing_at_once:
                        break
                if self.answers_pings:
                    writer.write(b"\xd0\x00" * data.count(b"\xc0\x00"))
                self._news.set()
        writer.close()
        self._news.set()

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait for something to come in."""
        async with asyncio.timeout(10):
            while not is_true():
                self._news.clear()
                await self._news.wait()

    def ack(self, connection: int, *packet_ids: int) -> None:
        self.writers[connection].write(b"".join(b"\x40\x02" + each.to_bytes(2, "big") for each in packet_ids))


@pytest.fixture
async def scripted() -> AsyncIterator[Scripted]:
    """Return a scripted broker that runs."""
    broker = Scripted()
    broker.may_read.set()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    yield broker
    server.close()
    for task in broker._tasks:
        task.cancel()
    await asyncio.gather(*broker._tasks, return_exceptions=True)


async def until(is_true: Callable[[], bool]) -> None:
    """Let the loop turn until something shows that nobody tells of."""
    async with asyncio.timeout(10):
        while not is_true():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)


def ids_in(published: Published, heard: bytearray, version: int = 4) -> list[int]:
    return [packet.packet_id for packet in published(bytes(heard), version, is_mixed=True)]


async def test_the_window_is_what_the_broker_wants(scripted: Scripted, published: Published, batch_of: BatchOf) -> None:
    """A receive maximum of 20: never more in flight, however long the batches are."""
    scripted.connack = b"\x20\x06\x00\x00\x03\x21\x00\x14"
    async with opened(scripted.endpoint, 1) as publisher:

        async def send_all() -> None:
            for n_packets in (1, 50, 20, 7, 27):
                await publisher.send(batch_of(["a"] * n_packets, qos=1, version=5))
            await publisher.flush()

        sending = asyncio.create_task(send_all())
        for n_acked in range(105):
            await scripted.until(lambda n=n_acked: len(ids_in(published, scripted.heard[0], 5)) > n)  # type: ignore[misc]
            n_in_flight = len(ids_in(published, scripted.heard[0], 5)) - n_acked
            assert n_in_flight <= 20
            scripted.ack(0, n_acked + 1)
        await asyncio.wait_for(sending, 10)
        assert publisher.counts.n_confirmed == 105


async def test_refused_packets_are_listed_by_token(scripted: Scripted, published: Published, batch_of: BatchOf) -> None:
    """PUBACKs of MQTT 5 with and without reasons, in any mixture: only 0x80 and above is a refusal."""
    scripted.connack = b"\x20\x03\x00\x00\x00"
    async with opened(scripted.endpoint, 1) as publisher:
        await publisher.send(batch_of(["a"] * 3, qos=1, version=5))
        await publisher.send(batch_of(["a"] * 5, qos=1, version=5))
        await scripted.until(lambda: len(ids_in(published, scripted.heard[0], 5)) == 8)
        answers = [b"\x00\x01", b"\x00\x02\x87", b"\x00\x03\x10", b"\x00\x04", b"\x00\x05\x97\x00"]
        answers += [b"\x00\x06", b"\x00\x07\x87\x09\x1f\x00\x06reason", b"\x00\x08"]
        acks = b"".join(b"\x40" + bytes((len(answer),)) + answer for answer in answers)
        for at in range(len(acks)):
            scripted.writers[0].write(acks[at : at + 1])
            await asyncio.sleep(0)
        await asyncio.wait_for(publisher.flush(), 10)
        assert [publisher.rejected(token).tolist() for token in (1, 2)] == [[1], [1, 3]]
        assert (publisher.counts.n_rejected, publisher.counts.n_confirmed) == (3, 8)


async def test_acknowledgements_are_found_however_they_come() -> None:
    """Of all sizes, with pings between, at once or byte by byte: the same ids and codes."""
    ids: list[int] = []
    codes: list[int] = []
    tags: list[int] = []

    def note(packet_id: "np.ndarray[Any, np.dtype[np.uint16]]", code: "np.ndarray[Any, np.dtype[np.uint8]]") -> None:
        ids.extend(packet_id.tolist())
        codes.extend(code.tolist())

    stream, expected = b"", []
    for number in range(1, 3000):
        packet_id = number * 21 % 65_535 + 1
        # Long runs of plain ones, and stretches where every other one has a reason.
        code = 0x10 if number % 1000 > 800 and number % 2 else 0
        body = packet_id.to_bytes(2, "big") + (bytes((code,)) if code else b"")
        stream += b"\x40" + bytes((len(body),)) + body
        stream += b"\xd0\x00" if number % 500 == 0 else b""
        expected.append((packet_id, code))
    for n_chunk in (len(stream), 1000, 7, 1):
        ids.clear()
        codes.clear()
        tags.clear()
        connection = PublisherProtocol(note, tags.append, lambda _reason: None)
        connection._pings.extend(range(5))
        for at in range(0, len(stream), n_chunk):
            connection.data_received(stream[at : at + n_chunk])
        assert list(zip(ids, codes, strict=True)) == expected
        assert tags == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("wrong", [b"\x40\x02\x00\x00", b"\x40\x01\x01", b"\x40\x03\x00\x00\x00"])
async def test_an_acknowledgement_of_nothing_ends_the_connection(
    scripted: Scripted, published: Published, batch_of: BatchOf, wrong: bytes
) -> None:
    """Packet id 0, or none: the broker has lost its way, and gets what it did not confirm once more."""
    async with opened(scripted.endpoint, 1) as publisher:
        await publisher.send(batch_of(["a"], qos=1))
        await scripted.until(lambda: len(ids_in(published, scripted.heard[0])) == 1)
        scripted.writers[0].write(wrong)
        await scripted.until(lambda: len(scripted.heard) == 2 and ids_in(published, scripted.heard[1]) == [1])
        scripted.ack(1, 1)
        await asyncio.wait_for(publisher.flush(), 10)


async def test_what_was_acknowledged_is_not_written_again(
    scripted: Scripted, published: Published, batch_of: BatchOf
) -> None:
    """Also where a later batch was acknowledged before an earlier one."""
    async with opened(scripted.endpoint, 1) as publisher:
        for _ in range(3):
            await publisher.send(batch_of(["a"] * 2, qos=1))
        await scripted.until(lambda: len(ids_in(published, scripted.heard[0])) == 6)
        scripted.ack(0, 3, 4, 2)
        scripted.writers[0].close()
        await scripted.until(lambda: len(scripted.heard) == 2 and len(ids_in(published, scripted.heard[1])) == 3)
        assert publisher.confirmed_token == 0
        again = published(bytes(scripted.heard[1]), is_mixed=True)
        assert [(packet.packet_id, packet.is_duplicate) for packet in again] == [(1, True), (5, True), (6, True)]
        scripted.ack(1, 1, 5, 6)
        await asyncio.wait_for(publisher.flush(), 10)
        assert (publisher.confirmed_token, publisher.counts.n_resent) == (3, 3)


async def test_qos_0_is_confirmed_by_the_answer_to_a_ping(
    scripted: Scripted, batch_of: BatchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch by its own; without answers no more than so many bytes are written."""
    monkeypatch.setattr(flight_module, "_UNCONFIRMED_BYTES", 100)
    scripted.answers_pings = False
    async with opened(scripted.endpoint, 0) as publisher:
        batch = batch_of(["abc"] * 4)
        assert batch.data.nbytes == 36
        assert [await publisher.send(batch), await publisher.send(batch)] == [1, 2]
        third = asyncio.ensure_future(publisher.send(batch))
        await scripted.until(lambda: scripted.heard[0].count(b"\xc0\x00") == 3)
        assert (third.done(), publisher.confirmed_token) == (False, 0)
        # The first ping is the protocol's own, sent on opening.
        scripted.writers[0].write(b"\xd0\x00" * 2)
        assert await asyncio.wait_for(third, 10) == 3
        assert publisher.confirmed_token == 1
        scripted.writers[0].write(b"\xd0\x00" * 2)
        await asyncio.wait_for(publisher.flush(), 10)
        assert publisher.confirmed_token == 3


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_ping_never_comes_in_the_middle_of_a_packet(
    scripted: Scripted, packets_in: PacketsIn, batch_of: BatchOf, qos: int
) -> None:
    """The protocol keeps the connection alive while a long batch waits for a broker that reads slowly."""
    n_packets = 16_000
    one = batch_of(["a"], qos=qos, payload=b'{"v":1}' + b" " * 90)
    data = np.tile(np.pad(one.data, ((0, 0), (0, 803)), constant_values=ord(" ")), (n_packets, 1))
    # Remaining length in two bytes.
    data[:, 2:] = data[:, 1:-1]
    data[:, 1], data[:, 2] = (data.shape[1] - 3) % 128 + 128, (data.shape[1] - 3) // 128
    async with opened(scripted.endpoint, qos) as publisher:
        scripted.may_read.clear()
        id_at = None if one.id_at is None else one.id_at + 1
        sending = asyncio.ensure_future(publisher.send(Batch(data, id_at)))
        connection = publisher._connection
        assert connection is not None
        await until(lambda: not connection._can_write.is_set())
        connection.ping(0)
        scripted.may_read.set()
        await asyncio.wait_for(sending, 10)
        n_pings = 3 if qos == 0 else 2
        expected = data.nbytes + 2 * n_pings
        await scripted.until(lambda: len(scripted.heard[0]) >= expected)
        _connect, *packets = packets_in(bytes(scripted.heard[0]))
        assert [first for first, _ in packets].count(0xC0) == n_pings
        bodies = [body for first, body in packets if first == 0x30 | qos << 1]
        assert len(bodies) == n_packets == len(packets) - n_pings
        assert {len(body) for body in bodies} == {data.shape[1] - 3}
        scripted.ack(0, *range(1, n_packets + 1 if qos else 1))


async def test_nothing_is_written_behind_what_must_be_written_again(
    scripted: Scripted, published: Published, batch_of: BatchOf
) -> None:
    """While the connection is away ``send`` waits; then the old comes before the new."""
    scripted.answers_pings = False
    async with opened(scripted.endpoint, 0) as publisher:
        await publisher.send(batch_of(["old"]))
        await scripted.until(lambda: b"old" in scripted.heard[0])
        scripted.writers[0].close()
        await until(lambda: publisher._connection is None)
        sending = asyncio.ensure_future(publisher.send(batch_of(["new"])))
        await scripted.until(lambda: len(scripted.heard) == 2 and b"new" in scripted.heard[1])
        await sending
        assert [packet.topic for packet in published(bytes(scripted.heard[1]), is_mixed=True)] == ["old", "new"]


async def test_a_broker_that_cuts_us_again_and_again_is_given_up(
    scripted: Scripted, batch_of: BatchOf, manual_clock: ManualClock
) -> None:
    """Accepting us is not enough: without a confirmation the waits grow, and the time runs out."""
    publisher = new_publisher(scripted.endpoint, 1, clock=manual_clock, reconnect_s=30.0)
    await publisher.open()
    scripted.is_closing_at_once = True
    await publisher.send(batch_of(["a"], qos=1))
    scripted.writers[0].close()
    flushing = asyncio.ensure_future(publisher.flush())
    while not flushing.done():
        for _ in range(20):
            await asyncio.sleep(0)
        await manual_clock.advance(0.05)
    with pytest.raises(BrokerLostError, match="gave up after 30 s"):
        await flushing
    # 0, then 0.1 s, doubled up to 3 s, give or take half: some 14 times.
    assert 9 <= len(scripted.heard) - 1 <= 25
    assert manual_clock.mono_s() < 40
    await publisher.close()


@pytest.mark.parametrize(("n_packets", "stands_s"), [(1, 2.0), (0, 4.0)], ids=["a confirmation", "standing idle"])
async def test_trouble_comes_to_an_end(
    n_packets: int, stands_s: float, scripted: Scripted, batch_of: BatchOf, manual_clock: ManualClock
) -> None:
    """A connection lost now and then over a long run does not add up to giving up."""
    async with opened(scripted.endpoint, 0, clock=manual_clock, reconnect_s=5.0) as publisher:
        for round_no in range(5):
            for _ in range(n_packets):
                await publisher.send(batch_of(["a"]))
                await asyncio.wait_for(publisher.flush(), 10)
            await manual_clock.advance(stands_s)
            scripted.writers[round_no].close()
            await until(lambda: publisher._connection is None)
            await until(lambda: publisher._connection is not None)
        assert publisher.counts.n_reconnects == 5


@pytest.mark.parametrize("qos", [0, 1])
async def test_closing_leaves_nothing_behind(scripted: Scripted, qos: int, batch_of: BatchOf) -> None:
    """No task and no timer of ours; at QoS 1 the session is taken from the broker, too."""
    before = asyncio.all_tasks()
    publisher = new_publisher(scripted.endpoint, qos)
    await publisher.open()
    await publisher.send(batch_of(["a"], qos=qos))
    connection = publisher._connection
    assert connection is not None
    await publisher.close()
    await publisher.close()
    assert connection.is_lost
    assert connection._keepalive is not None
    assert connection._keepalive.cancelled()
    assert {task for task in asyncio.all_tasks() - before if task.get_name() == "reconnect"} == set()
    flags = [heard[9] for heard in scripted.heard]
    assert flags == ([0x00, 0x02] if qos else [0x02])
    await scripted.until(lambda: all(heard.endswith(b"\xe0\x00") for heard in scripted.heard))


async def test_closing_while_coming_back_ends_that(scripted: Scripted, batch_of: BatchOf) -> None:
    """Whoever waits for it hears of it."""
    scripted.answers_pings = False
    publisher = new_publisher(scripted.endpoint, 0)
    await publisher.open()
    await publisher.send(batch_of(["a"]))
    scripted.connack = b""
    scripted.writers[0].close()
    await scripted.until(lambda: len(scripted.heard) == 2)
    flushing = asyncio.ensure_future(publisher.flush())
    await asyncio.sleep(0)
    await asyncio.wait_for(publisher.close(), 10)
    with pytest.raises(BrokerLostError, match="closed"):
        await flushing
    await scripted.until(scripted.writers[1].is_closing)


async def test_closing_while_writing_again_cuts_the_new_connection(
    scripted: Scripted, published: Published, batch_of: BatchOf
) -> None:
    """It waits for room in the window of a broker that acknowledges nothing."""
    publisher = new_publisher(scripted.endpoint, 1)
    await publisher.open()
    await publisher.send(batch_of(["a"] * 5, qos=1))
    publisher._inflight_max = 2
    scripted.writers[0].close()
    await scripted.until(lambda: len(scripted.heard) == 2 and len(ids_in(published, scripted.heard[1])) == 2)
    await asyncio.wait_for(publisher.close(), 10)
    await scripted.until(scripted.writers[1].is_closing)
    assert len(scripted.heard) == 2


async def test_a_connection_lost_while_writing_again_is_replaced(
    scripted: Scripted, published: Published, batch_of: BatchOf
) -> None:
    """It waits for room that will not come; the third connection gets everything."""
    async with opened(scripted.endpoint, 1) as publisher:
        await publisher.send(batch_of(["a"] * 5, qos=1))
        publisher._inflight_max = 2
        scripted.writers[0].close()
        await scripted.until(lambda: len(scripted.heard) == 2 and len(ids_in(published, scripted.heard[1])) == 2)
        publisher._inflight_max = 16
        scripted.writers[1].close()
        await scripted.until(lambda: len(scripted.heard) == 3 and len(ids_in(published, scripted.heard[2])) == 5)
        scripted.ack(2, *range(1, 6))
        await asyncio.wait_for(publisher.flush(), 10)
        assert (publisher.counts.n_reconnects, publisher.counts.n_resent) == (2, 2 + 5)


async def test_a_lost_connection_with_nothing_in_flight_harms_nobody(scripted: Scripted, batch_of: BatchOf) -> None:
    """All is confirmed: ``flush`` has nothing to wait for, though the broker is gone for good."""
    async with opened(scripted.endpoint, 0, reconnect_s=0.0) as publisher:
        await publisher.send(batch_of(["a"]))
        await publisher.flush()
        scripted.writers[0].close()
        await until(lambda: publisher._error is not None)
        await publisher.flush()
        with pytest.raises(BrokerLostError):
            await publisher.send(batch_of(["a"]))


async def test_a_failure_nobody_thought_of_reaches_the_sender(
    scripted: Scripted, batch_of: BatchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends ``flush`` instead of leaving it waiting for ever."""
    scripted.answers_pings = False
    async with opened(scripted.endpoint, 0) as publisher:
        await publisher.send(batch_of(["a"]))

        async def broken(*_args: object) -> bool:
            raise ZeroDivisionError

        monkeypatch.setattr(publisher, "_write_again", broken)
        scripted.writers[0].close()
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(publisher.flush(), 10)


async def test_an_empty_batch_and_an_endless_one_are_mistakes(scripted: Scripted, batch_of: BatchOf) -> None:
    """The one could never be confirmed, the other would run out of ids."""
    batch = batch_of(["a"])
    async with opened(scripted.endpoint, 1) as publisher:
        for n_packets in (0, publisher.max_batch + 1):
            with pytest.raises(ValueError, match=f"a batch of {n_packets} packets; expected 1 to 16384"):
                await publisher.send(Batch(np.repeat(batch.data, n_packets, axis=0), None))


async def test_a_cancelled_batch_is_waited_for_no_longer(
    scripted: Scripted, published: Published, batch_of: BatchOf
) -> None:
    """What of it the window kept back is forgotten; what was written is confirmed, and the next one follows."""
    async with opened(scripted.endpoint, 1, inflight_max=2) as publisher:
        sending = asyncio.ensure_future(publisher.send(batch_of(["a"] * 5, qos=1)))
        await scripted.until(lambda: len(ids_in(published, scripted.heard[0])) == 2)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        next_one = asyncio.ensure_future(publisher.send(batch_of(["b"], qos=1)))
        scripted.ack(0, 1, 2)
        assert await asyncio.wait_for(next_one, 10) == 2
        await scripted.until(lambda: ids_in(published, scripted.heard[0]) == [1, 2, 6])
        scripted.ack(0, 6)
        await asyncio.wait_for(publisher.flush(), 10)
        assert (publisher.confirmed_token, publisher.counts.n_written, publisher.counts.n_confirmed) == (2, 3, 3)


async def test_a_window_that_shrank_holds_for_what_is_written_again(
    scripted: Scripted, published: Published, batch_of: BatchOf
) -> None:
    """The broker comes back and wants less at once; nothing is lost, and the new waits behind the old."""
    scripted.connack = b"\x20\x06\x00\x00\x03\x21\x00\x08"
    async with opened(scripted.endpoint, 1) as publisher:
        sending = asyncio.ensure_future(publisher.send(batch_of(["a"] * 12, qos=1, version=5)))
        await scripted.until(lambda: len(ids_in(published, scripted.heard[0], 5)) == 8)
        scripted.connack = b"\x20\x06\x00\x00\x03\x21\x00\x03"
        scripted.writers[0].close()
        await scripted.until(lambda: len(scripted.heard) == 2)
        for n_acked in range(12):
            await scripted.until(lambda n=n_acked: len(ids_in(published, scripted.heard[1], 5)) > n)  # type: ignore[misc]
            assert len(ids_in(published, scripted.heard[1], 5)) - n_acked <= 3
            scripted.ack(1, n_acked + 1)
        await asyncio.wait_for(sending, 10)
        await asyncio.wait_for(publisher.flush(), 10)
        again = published(bytes(scripted.heard[1]), 5, is_mixed=True)
        assert [packet.packet_id for packet in again] == list(range(1, 13))
        assert [packet.is_duplicate for packet in again] == [True] * 8 + [False] * 4
        assert (publisher.counts.n_written, publisher.counts.n_resent, publisher.counts.n_confirmed) == (12, 8, 12)


async def test_a_narrow_window_is_left_for_mqtt_3(scripted: Scripted) -> None:
    """A broker that takes too few packets unacknowledged in MQTT 5 is asked again in 3.1.1."""
    scripted.connack = b"\x20\x06\x00\x00\x03\x21\x00\x14"
    async with opened(scripted.endpoint, 1, min_receive_maximum=21) as publisher:
        assert publisher.version == 4
    versions = [heard[8] for heard in scripted.heard[:2]]
    assert versions == [5, 4]
    async with opened(scripted.endpoint, 1, min_receive_maximum=20) as publisher:
        assert publisher.version == 5
