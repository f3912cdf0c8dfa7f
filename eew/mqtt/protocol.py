"""One MQTT connection as bytes in and out: what the publisher and the simulated devices have in common."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

from eew.model.errors import BrokerConnectError
from eew.mqtt import packet

__all__ = ["MqttProtocol", "Target", "VersionRefusedError", "open_protocol", "reason_of"]

ProtocolT = TypeVar("ProtocolT", bound="MqttProtocol")

_WITHIN_S = 5.0
_KEEPALIVE_S = 30
#: Enough for the socket to stay busy, little enough that a written byte is soon a sent byte.
_HIGH_WATER_BYTES = 512 * 1024
_BAD_VERSION_CODES = (0x01, 0x84)
_ENDED = "the connection ends"


class VersionRefusedError(BrokerConnectError):
    """The broker does not speak this version of MQTT."""


class Target(Protocol):
    """Where a broker is, and how to log in; its text names it to people, without the password."""

    @property
    def host(self) -> str: ...  # noqa: D102 - names say it
    @property
    def port(self) -> int: ...  # noqa: D102 - likewise
    @property
    def username(self) -> str | None: ...  # noqa: D102 - likewise
    @property
    def password(self) -> str | None: ...  # noqa: D102 - likewise
    @property
    def is_tls(self) -> bool: ...  # noqa: D102 - likewise


class MqttProtocol(asyncio.Protocol):
    """A connection to a broker; a subclass says what it does with what comes in.

    Parameters
    ----------
    on_lost
        Called once with the reason when an open connection ends without ``close``.
    source_host
        The address to connect from; else the system chooses.
    """

    def __init__(self, on_lost: Callable[[str], None], source_host: str | None = None) -> None:
        self._on_lost = on_lost
        self._source_host = source_host
        self._received = bytearray()
        #: ``None``: the connection ended before the broker answered.
        self._connack: asyncio.Future[packet.ConnAck | None] = asyncio.get_running_loop().create_future()
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._transport: asyncio.Transport | None = None
        self._keepalive: asyncio.TimerHandle | None = None
        self._keepalive_s = float(_KEEPALIVE_S)
        self._has_heard = True
        self._pings: deque[int] = deque()
        self._closed = asyncio.Event()
        self._reason = ""
        self._is_open = False
        self.is_lost = False
        self.version = packet.V5
        self.receive_max = 65535

    def consume(self, received: bytearray) -> int:  # noqa: ARG002 - a subclass uses it
        """Take whole packets from the start of what came in, in bulk; return how many bytes were taken."""
        return 0

    def take(self, kind: int, body: bytes) -> None:
        """Take one packet that ``consume`` left and that is not the protocol's own business."""

    def on_pingresp(self, tag: int) -> None:
        """Take the answer to ``ping(tag)``."""

    async def open(self, target: Target, client_id: str, *, version: int, is_clean: bool) -> None:
        """Connect with one version of MQTT; see ``open_protocol`` for finding the version.

        If it fails or is cancelled, no connection is left behind.

        Raises
        ------
        BrokerConnectError
            If nobody answers in time or the broker refuses.
        """
        try:
            answer = await self._answer(target, client_id, version, is_clean=is_clean)
            if answer.code in _BAD_VERSION_CODES:
                raise VersionRefusedError(str(target), f"refuses MQTT version {version}")
            if answer.code:
                raise BrokerConnectError(str(target), f"refuses the connection with code {answer.code}")
            # It may have ended while this coroutine waited for its turn.
            if self.is_lost:
                raise BrokerConnectError(str(target), self._reason or _ENDED)
            self._is_open = True
        finally:
            if not self._is_open:
                self.abort()
        self.version, self.receive_max = version, answer.receive_max
        if answer.keepalive_s:
            self._keepalive_s = min(self._keepalive_s, answer.keepalive_s)
        self._stay_alive()

    async def write(self, data: memoryview) -> bool:
        """Write whole packets under back-pressure; return whether the connection still stands.

        Whole, since a ping may be written between two calls.
        """
        if self._transport is None or self.is_lost or self._transport.is_closing():
            return False
        self._transport.write(data)
        if not self._can_write.is_set():
            await self._can_write.wait()
        return not self.is_lost

    def ping(self, tag: int) -> None:
        """Ask the broker to answer after all that was written before; ``on_pingresp`` gets the tag, 0 is for nobody."""
        if self._transport is not None and not self._transport.is_closing():
            self._pings.append(tag)
            self._transport.write(packet.PINGREQ)

    async def close(self) -> None:
        """Send DISCONNECT and wait until the last byte is written; if cancelled or that takes too long, it is not."""
        self._on_lost = lambda _reason: None
        if self._transport is None or self.is_lost:
            return
        if not self._transport.is_closing():
            self._transport.write(packet.DISCONNECT_BYTES)
            self._transport.close()
        try:
            async with asyncio.timeout(_WITHIN_S):
                await self._closed.wait()
        except TimeoutError:
            self.abort()
            await self._closed.wait()
        except asyncio.CancelledError:
            self.abort()
            raise

    def abort(self) -> None:
        """Cut the connection, whatever is still to be written."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        if isinstance(transport, asyncio.Transport):
            transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what the broker says."""
        self._has_heard = True
        self._received += data
        try:
            self._take_all()
        except packet.PacketError as error:
            self._reason = f"no MQTT comes from there: {error}"
            self._received.clear()
            self.abort()

    def pause_writing(self) -> None:
        """Hold the writer back."""
        self._can_write.clear()

    def resume_writing(self) -> None:
        """Let the writer go on."""
        self._can_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everybody who waits know."""
        self.is_lost = True
        self._reason = self._reason or (str(exc) if exc else _ENDED)
        self._closed.set()
        self._can_write.set()
        if self._keepalive is not None:
            self._keepalive.cancel()
        if not self._connack.done():
            self._connack.set_result(None)
        if self._is_open:
            self._on_lost(self._reason)

    async def _answer(self, target: Target, client_id: str, version: int, *, is_clean: bool) -> packet.ConnAck:
        """Connect and return the broker's answer to a CONNECT."""
        try:
            async with asyncio.timeout(_WITHIN_S):
                # Certificates are read from disk.
                tls = await asyncio.to_thread(ssl.create_default_context) if target.is_tls else None
                loop = asyncio.get_running_loop()
                source = None if self._source_host is None else (self._source_host, 0)
                transport, _ = await loop.create_connection(
                    lambda: self, target.host, target.port, ssl=tls, local_addr=source
                )
                transport.write(
                    packet.connect(
                        client_id,
                        version,
                        keepalive_s=_KEEPALIVE_S,
                        is_clean=is_clean,
                        username=target.username,
                        password=target.password,
                    )
                )
                answer = await self._connack
        except TimeoutError as error:
            raise BrokerConnectError(str(target), f"no answer within {_WITHIN_S:g} s") from error
        except (OSError, UnicodeError) as error:  # The latter: a host name that no name can be.
            raise BrokerConnectError(str(target), str(error)) from error
        if answer is None:
            raise BrokerConnectError(str(target), self._reason)
        return answer

    def _take_all(self) -> None:
        """Take every whole packet that came in."""
        received = self._received
        while True:
            del received[: self.consume(received)]
            found = packet.packet_at(received, 0, len(received))
            if found is None:
                return
            kind, body = found[0], bytes(received[found[1] : found[2]])
            del received[: found[2]]
            self._sort(kind, body)

    def _sort(self, kind: int, body: bytes) -> None:
        if kind == packet.PINGRESP and self._pings:
            self.on_pingresp(self._pings.popleft())
        elif kind == packet.CONNACK and not self._connack.done():
            self._connack.set_result(packet.connack(body))
        elif kind == packet.DISCONNECT:
            self._reason = f"the broker disconnects with code {body[0] if body else 0}"
            self.abort()
        else:
            self.take(kind, body)

    def _stay_alive(self) -> None:
        """Ping an idle connection; cut one that does not answer."""
        if not self._has_heard:
            self._reason = "no answer to a ping"
            self.abort()
            return
        self._has_heard = False
        self.ping(0)
        self._keepalive = asyncio.get_running_loop().call_later(self._keepalive_s / 2, self._stay_alive)


async def open_protocol(make: Callable[[], ProtocolT], target: Target, client_id: str, *, is_clean: bool) -> ProtocolT:
    """Return a connected protocol: with MQTT 5, or 3.1.1 where the broker knows no better.

    Raises
    ------
    BrokerConnectError
        If nobody answers in time or the broker refuses.
    """
    protocol = make()
    try:
        await protocol.open(target, client_id, version=packet.V5, is_clean=is_clean)
    except VersionRefusedError:
        protocol = make()
        await protocol.open(target, client_id, version=packet.V3, is_clean=is_clean)
    return protocol


def reason_of(error: Exception) -> str:
    """Return why there is no connection, without error numbers and without the address, which stands beside it.

    aiomqtt hides the error of the system, or the time that ran out, behind one of its own.
    """
    cause = error if isinstance(error, OSError | EOFError) else error.__context__
    if isinstance(cause, EOFError):
        return "closed the connection without an answer"
    if isinstance(cause, TimeoutError):
        return "no answer"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    said = cause.strerror if isinstance(cause, OSError) else None
    return said or str(error) or type(error).__name__
