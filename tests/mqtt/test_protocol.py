"""A connection against brokers that behave, and that do not: scripted ones on a real socket."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from eew.model.errors import BrokerConnectError
from eew.mqtt import protocol as protocol_module
from eew.mqtt.endpoint import Endpoint
from eew.mqtt.packet import V3, V5, varint
from eew.mqtt.protocol import MqttProtocol, VersionRefusedError, open_protocol

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ACCEPTED = {V3: b"\x20\x02\x00\x00", V5: b"\x20\x03\x00\x00\x00"}


@contextlib.asynccontextmanager
async def broker(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    """Serve every connection with the script, then close it."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await script(reader, writer)
        except asyncio.CancelledError:
            # The test is over; asyncio's server would complain of it.
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_connect(reader: asyncio.StreamReader) -> int:
    """Read a CONNECT and return the version it asks for."""
    kind, length = await reader.readexactly(2)
    assert kind == 0x10
    body = await reader.readexactly(length)
    assert body[:6] == b"\x00\x04MQTT"
    return body[6]


async def until_the_end(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionError):
        return await reader.read()
    return b""


class Recorder(MqttProtocol):
    """Keeps what comes in."""

    def __init__(self) -> None:
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        super().__init__(self.lost.set_result)
        self.taken: list[tuple[int, bytes]] = []
        self.tags: list[int] = []
        self.n_bulk = 0

    def consume(self, received: bytearray) -> int:
        """Take two-byte packets of kind 1 in bulk."""
        n = 0
        while received[n : n + 2] == b"\x01\x00":
            n += 2
        self.n_bulk += n // 2
        return n

    def take(self, kind: int, body: bytes) -> None:
        self.taken.append((kind, body))

    def on_pingresp(self, tag: int) -> None:
        self.tags.append(tag)


async def opened(endpoint: Endpoint, version: int = V3) -> Recorder:
    protocol = Recorder()
    await protocol.open(endpoint, "eew-test", version=version, is_clean=True)
    return protocol


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let patience end at once."""
    monkeypatch.setattr(protocol_module, "_WITHIN_S", 0.1)


@pytest.mark.parametrize("code", [0x01, 0x84])
async def test_an_older_version_is_taken_where_the_newer_is_refused(code: int) -> None:
    """Both codes that brokers use: 1 of MQTT 3.1.1, 132 of MQTT 5."""
    asked: list[int] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await read_connect(reader))
        if asked[-1] == V5:
            writer.write(bytes((0x20, 2, 0, code)))
            return
        writer.write(ACCEPTED[V3])
        await until_the_end(reader)

    async with broker(script) as endpoint:
        protocol = await open_protocol(Recorder, endpoint, "eew-test", is_clean=True)
        assert (asked, protocol.version) == ([V5, V3], V3)
        await protocol.close()
        with pytest.raises(VersionRefusedError):
            await opened(endpoint, V5)


async def test_the_newer_version_tells_its_window_and_its_keepalive() -> None:
    """Receive maximum and server keep alive are taken from the answer."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(b"\x20\x09\x00\x00\x06\x21\x00\x14\x13\x00\x0a")
        await until_the_end(reader)

    async with broker(script) as endpoint:
        protocol = await open_protocol(Recorder, endpoint, "eew-test", is_clean=True)
        assert (protocol.version, protocol.receive_max, protocol._keepalive_s) == (V5, 20, 10)
        await protocol.close()


async def test_a_refusal_names_address_and_code() -> None:
    """Not authorised, as MQTT 3.1.1 says it; the password is not shown."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(b"\x20\x02\x00\x05")

    async with broker(script) as endpoint:
        there = Endpoint(endpoint.host, endpoint.port, "user", "secret")
        with pytest.raises(BrokerConnectError, match="code 5") as caught:
            await opened(there)
    assert caught.value.endpoint == f"mqtt://user@127.0.0.1:{endpoint.port}"
    assert "secret" not in str(caught.value)


async def test_nobody_there_names_the_address(unused_tcp_port: int) -> None:
    """A closed port is a broker error, at once."""
    with pytest.raises(BrokerConnectError, match=f"mqtt://127.0.0.1:{unused_tcp_port}: .*Connect call failed"):
        await opened(Endpoint("127.0.0.1", unused_tcp_port))


async def test_a_host_that_no_name_can_be_is_a_broker_error() -> None:
    """A label of more than 63 letters fails before any look-up."""
    with pytest.raises(BrokerConnectError):
        await opened(Endpoint("x" * 64 + ".example", 1883))


@pytest.mark.usefixtures("short_wait")
async def test_a_broker_that_says_nothing_is_given_up() -> None:
    """It accepts the connection and is silent: an error, and the connection is gone."""
    ended = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001 - as called
        await until_the_end(reader)
        ended.set()

    async with broker(script) as endpoint:
        with pytest.raises(BrokerConnectError, match="no answer within"):
            await opened(endpoint)
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_broker_that_hangs_up_is_an_error() -> None:
    """The end of the connection instead of an answer."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001 - as called
        await read_connect(reader)

    async with broker(script) as endpoint:
        with pytest.raises(BrokerConnectError, match="the connection ends"):
            await opened(endpoint)


@pytest.mark.parametrize("answer", [b"\x20\x01\x00", b"HTTP/1.1 400 Bad Request\r\n" + b"\xff" * 99, b"\xff" * 9])
@pytest.mark.parametrize("version", [V3, V5])
async def test_what_is_no_mqtt_is_an_error(version: int, answer: bytes) -> None:
    """A broken CONNACK, and a server of another sort."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(answer)

    async with broker(script) as endpoint:
        with pytest.raises(BrokerConnectError, match=r"no MQTT comes from there|the connection ends"):
            await opened(endpoint, version)


async def test_an_answer_and_the_end_at_once_is_noticed() -> None:
    """Accepted and cut in one breath: either ``open`` fails or ``on_lost`` is told, never neither."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(ACCEPTED[V3])

    async with broker(script) as endpoint:
        for _ in range(20):
            protocol = Recorder()
            try:
                await protocol.open(endpoint, "eew-test", version=V3, is_clean=True)
            except BrokerConnectError:
                assert not protocol.lost.done()
            else:
                await asyncio.wait_for(protocol.lost, 5)
            assert protocol.is_lost


async def test_lost_while_open_waits_for_its_turn_is_an_error() -> None:
    """The broker's yes and the end come before ``open`` runs on: it must not hand out a dead connection."""

    class Hasty(Recorder):
        def _sort(self, kind: int, body: bytes) -> None:
            super()._sort(kind, body)
            self.connection_lost(None)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(ACCEPTED[V3])
        await until_the_end(reader)

    async with broker(script) as endpoint:
        protocol = Hasty()
        with pytest.raises(BrokerConnectError, match="the connection ends"):
            await protocol.open(endpoint, "eew-test", version=V3, is_clean=True)
        assert not protocol.lost.done()
        assert protocol._keepalive is None


async def test_a_cancelled_open_leaves_no_connection() -> None:
    """The broker sees the end of it."""
    asked, ended = asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG001 - as called
        await read_connect(reader)
        asked.set()
        await until_the_end(reader)
        ended.set()

    async with broker(script) as endpoint:
        opening = asyncio.ensure_future(opened(endpoint))
        await asked.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await asyncio.wait_for(ended.wait(), 5)


async def test_close_sends_disconnect_after_the_last_byte() -> None:
    """Everything written arrives, then DISCONNECT; no timer stays behind, and nobody is told of a loss."""
    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(ACCEPTED[V3])
        received.set_result(await until_the_end(reader))

    async with broker(script) as endpoint:
        protocol = await opened(endpoint)
        data = bytes(range(256)) * 40_000
        assert await protocol.write(memoryview(data))
        await protocol.close()
        assert await received == b"\xc0\x00" + data + b"\xe0\x00"
        assert not protocol.lost.done()
        assert protocol._keepalive is not None
        assert protocol._keepalive.cancelled()
        assert not await protocol.write(memoryview(b"more"))
        await protocol.close()


async def test_nothing_is_written_to_a_connection_that_is_being_cut(caplog: pytest.LogCaptureFixture) -> None:
    """Before the loop has told of the end, too: asyncio would log each such write."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(ACCEPTED[V3])
        await until_the_end(reader)

    async with broker(script) as endpoint:
        protocol = await opened(endpoint)
        protocol.abort()
        for _ in range(10):
            assert not await protocol.write(memoryview(b"data"))
            protocol.ping(1)
        assert not protocol.is_lost
        await asyncio.wait_for(protocol.lost, 5)
    assert not caplog.records


@pytest.mark.usefixtures("short_wait")
async def test_close_does_not_wait_for_a_broker_that_does_not_read() -> None:
    """What cannot be written is given up."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(ACCEPTED[V3])
        await asyncio.Event().wait()

    async with broker(script) as endpoint:
        protocol = await opened(endpoint)
        writing = asyncio.ensure_future(protocol.write(memoryview(bytes(50_000_000))))
        await asyncio.wait_for(protocol.close(), 5)
        assert protocol.is_lost
        assert not await writing


async def test_a_lost_connection_is_told_once_with_the_reason() -> None:
    """MQTT 5 brokers say why they leave."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(ACCEPTED[V5])
        await reader.readexactly(2)
        writer.write(b"\xe0\x02\x8e\x00")

    async with broker(script) as endpoint:
        protocol = await opened(endpoint, V5)
        assert await asyncio.wait_for(protocol.lost, 5) == "the broker disconnects with code 142"
        protocol.ping(1)
        await protocol.close()


async def test_a_broker_that_no_longer_answers_is_cut() -> None:
    """Half the keepalive after a ping without any answer the protocol gives up."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(ACCEPTED[V3])
        await reader.readexactly(2)
        # The first ping is answered: the protocol stays, and asks again.
        writer.write(b"\xd0\x00")
        assert await reader.readexactly(2) == b"\xc0\x00"
        await until_the_end(reader)

    async with broker(script) as endpoint:
        protocol = Recorder()
        protocol._keepalive_s = 0.2
        await protocol.open(endpoint, "eew-test", version=V3, is_clean=True)
        assert await asyncio.wait_for(protocol.lost, 5) == "no answer to a ping"
        assert protocol.tags == [0]


async def test_pings_are_answered_in_their_order() -> None:
    """Each answer belongs to the oldest ping."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(ACCEPTED[V3])
        await reader.readexactly(6)
        writer.write(b"\xd0\x00" * 2)
        await reader.readexactly(2)
        # An answer too many belongs to nobody.
        writer.write(b"\xd0\x00" * 3 + b"\xe0\x00")
        await until_the_end(reader)

    async with broker(script) as endpoint:
        protocol = await opened(endpoint)
        protocol.ping(7)
        protocol.ping(8)
        protocol.ping(9)
        await asyncio.wait_for(protocol.lost, 5)
        assert protocol.tags == [0, 7, 8, 9]


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return key and certificate of 127.0.0.1 in one file, trusted for this test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now_at = datetime.now(UTC)
    own = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now_at - timedelta(days=1))
        .not_valid_after(now_at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = tmp_path / "own.pem"
    path.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()) + own.public_bytes(pem))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_tls_is_spoken_and_strangers_are_refused(
    certificate: Path, is_trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything arrives over TLS, DISCONNECT included; a certificate that nobody vouches for is a broker error."""
    received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_connect(reader)
        writer.write(ACCEPTED[V3])
        received.set_result(await until_the_end(reader))

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with broker(script, tls) as plain:
        endpoint = Endpoint(plain.host, plain.port, is_tls=True)
        if not is_trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("nobody.pem")))
            with pytest.raises(BrokerConnectError, match="certificate verify failed"):
                await opened(endpoint)
            return
        protocol = await opened(endpoint)
        data = bytes(range(256)) * 8000
        assert await protocol.write(memoryview(data))
        await protocol.close()
        assert await received == b"\xc0\x00" + data + b"\xe0\x00"


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([0x01, 0x30, 0x40, 0xD0]), st.binary(max_size=200)), max_size=12), st.data())
def test_what_comes_in_is_taken_whole_however_it_is_cut(wanted: list[tuple[int, bytes]], data: st.DataObject) -> None:
    """Any way to split the bytes gives the same packets, in bulk or one by one."""
    wanted = [(kind, b"" if kind == 0x01 else body) for kind, body in wanted]
    stream = b"".join(bytes((kind,)) + varint(len(body)) + body for kind, body in wanted)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))

    async def feed() -> Recorder:
        protocol = Recorder()
        for start, end in zip((0, *cuts), (*cuts, len(stream)), strict=True):
            protocol.data_received(stream[start:end])
        return protocol

    protocol = asyncio.run(feed())
    assert protocol.taken == [each for each in wanted if each[0] != 0x01]
    assert protocol.n_bulk == sum(kind == 0x01 for kind, _ in wanted)
    assert not protocol._received
