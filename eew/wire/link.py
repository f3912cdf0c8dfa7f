"""One MQTT connection as bytes in and out: what the publisher and the simulated devices have in common."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

from eew.errors import BrokerConnectError
from eew.wire import packet

__all__ = ["Link", "Target", "VersionRefusedError", "open_link"]

LinkT = TypeVar("LinkT", bound="Link")

_WITHIN_S = 5.0
_KEEPALIVE_S = 30
#: Enough for the socket to stay busy, little enough that a written byte is soon a sent byte.
_HIGH_WATER_BYTES = 512 * 1024
_BAD_VERSION_CODES = (0x01, 0x84)


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


class Link(asyncio.Protocol):
    """A connection to a broker; a subclass says what it does with what comes in.

    Parameters
    ----------
    on_lost
        Called once with the reason when an open connection ends without ``close``.
    """

    def __init__(self, on_lost: Callable[[str], None]) -> None:
        self._on_lost = on_lost
        self._received = bytearray()
        self._connack: asyncio.Future[packet.ConnAck] = asyncio.get_running_loop().create_future()
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._transport: asyncio.Transport | None = None
        self._keepalive: asyncio.TimerHandle | None = None
        self._has_heard = True
        self._pings: deque[int] = deque()
        self._closed = asyncio.Event()
        self._reason = "connection lost"
        self.is_lost = False
        self.version = packet.V5
        self.receive_max = 65535

    def consume(self, received: bytearray) -> int:  # noqa: ARG002 - a subclass uses it
        """Take whole packets from the start of what came in, in bulk; return how many bytes were taken."""
        return 0

    def take(self, kind: int, body: bytes) -> None:
        """Take one packet that ``consume`` left and that is not the link's own business."""

    def ponged(self, tag: int) -> None:
        """Take the answer to ``ping(tag)``."""

    async def open(self, target: Target, client_id: str, *, version: int, is_clean: bool) -> None:
        """Connect with one version of MQTT; see ``open_link`` for finding the version.

        Raises
        ------
        BrokerConnectError
            If nobody answers in time or the broker refuses.
        """
        try:
            async with asyncio.timeout(_WITHIN_S):
                answer = await self._handshake(target, client_id, version, is_clean=is_clean)
        except (OSError, TimeoutError, EOFError) as error:
            self._abort()
            reason = "no answer in time" if isinstance(error, TimeoutError) else str(error)
            raise BrokerConnectError(str(target), reason) from error
        if answer.code:
            self._abort()
            if answer.code in _BAD_VERSION_CODES:
                raise VersionRefusedError(str(target), f"refuses MQTT version {version}")
            raise BrokerConnectError(str(target), f"refuses the connection with code {answer.code}")
        self.version, self.receive_max = version, answer.receive_max
        self._stay_alive()

    async def write(self, data: memoryview) -> bool:
        """Write under back-pressure; return whether the connection still stands."""
        if self._transport is None or self.is_lost:
            return False
        self._transport.write(data)
        if not self._can_write.is_set():
            await self._can_write.wait()
        return not self.is_lost

    def ping(self, tag: int) -> None:
        """Ask the broker to answer after all that was written before; ``ponged`` gets the tag, 0 is for nobody."""
        if self._transport is not None and not self.is_lost:
            self._pings.append(tag)
            self._transport.write(packet.PINGREQ)

    async def close(self) -> None:
        """Say goodbye and wait until the last byte is written."""
        self._on_lost = lambda _reason: None
        if self._transport is None or self.is_lost:
            return
        self._transport.write(packet.GOODBYE)
        self._transport.close()
        try:
            async with asyncio.timeout(_WITHIN_S):
                await self._closed.wait()
        except TimeoutError:
            self._abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        if isinstance(transport, asyncio.Transport):
            transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what the broker says."""
        self._has_heard = True
        self._received += data
        at, end = self.consume(self._received), len(self._received)
        try:
            while (found := packet.packet_at(self._received, at, end)) is not None:
                self._sort(found[0], bytes(self._received[found[1] : found[2]]))
                at = found[2]
        except packet.PacketError as error:
            self._reason = str(error)
            self._abort()
        del self._received[:at]

    def pause_writing(self) -> None:
        """Hold the writer back."""
        self._can_write.clear()

    def resume_writing(self) -> None:
        """Let the writer go on."""
        self._can_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everybody who waits know."""
        self.is_lost = True
        self._closed.set()
        self._can_write.set()
        if self._keepalive is not None:
            self._keepalive.cancel()
        if not self._connack.done():
            self._connack.set_exception(EOFError("the broker closes the connection"))
        elif self._keepalive is not None:
            self._on_lost(str(exc) if exc else self._reason)

    async def _handshake(self, target: Target, client_id: str, version: int, *, is_clean: bool) -> packet.ConnAck:
        loop = asyncio.get_running_loop()
        tls = ssl.create_default_context() if target.is_tls else None
        transport, _ = await loop.create_connection(lambda: self, target.host, target.port, ssl=tls)
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
        return await self._connack

    def _sort(self, kind: int, body: bytes) -> None:
        if kind == packet.PINGRESP and self._pings:
            self.ponged(self._pings.popleft())
        elif kind == packet.CONNACK and not self._connack.done():
            self._connack.set_result(packet.connack(body))
        elif kind == packet.DISCONNECT:
            self._reason = f"the broker disconnects with code {body[0] if body else 0}"
        else:
            self.take(kind, body)

    def _stay_alive(self) -> None:
        """Ping an idle connection; cut one that does not answer."""
        if not self._has_heard:
            self._reason = "no answer to a ping"
            self._abort()
            return
        self._has_heard = False
        self.ping(0)
        self._keepalive = asyncio.get_running_loop().call_later(_KEEPALIVE_S / 2, self._stay_alive)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def open_link(make: Callable[[], LinkT], target: Target, client_id: str, *, is_clean: bool) -> LinkT:
    """Return a connected link: with MQTT 5, or 3.1.1 where the broker knows no better.

    Raises
    ------
    BrokerConnectError
        If nobody answers in time or the broker refuses.
    """
    link = make()
    try:
        await link.open(target, client_id, version=packet.V5, is_clean=is_clean)
    except VersionRefusedError:
        link = make()
        await link.open(target, client_id, version=packet.V3, is_clean=is_clean)
    return link
