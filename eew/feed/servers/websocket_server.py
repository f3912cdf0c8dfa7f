"""A WebSocket server of messages."""

import asyncio
import contextlib
import secrets
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from eew.feed.servers.service_behaviour import Manner
from eew.feed.transports import dmdata_tickets as dmdata
from eew.feed.transports.extra import require

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["WebSocketServer"]

#: A client that is so far behind is dropped.
_MOST_WAITING = 10_000


@dataclass(eq=False)
class _Client:
    """One connection."""

    socket: "web.WebSocketResponse"
    request: "web.Request"
    waiting: "asyncio.Queue[bytes]" = field(default_factory=asyncio.Queue)
    is_hushed: bool = False
    #: A heartbeat has not been answered yet.
    is_owing: bool = False
    #: Set unless a Close frame is under way.
    is_free: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.is_free.set()


class WebSocketServer:
    """Sends every message to all who are connected; whoever connects gets the last ones first.

    Parameters
    ----------
    host, port
        Where to listen; port 0 for any free one.
    n_kept
        How many messages it still offers to who comes later.
    manner
        How it greets, frames its messages and answers, whether a heartbeat wants an answer, and whether it gives
        tickets: who comes with one that it has not given, or a second time, is refused; one without is let in.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, n_kept: int = 1, manner: Manner | None = None
    ) -> None:
        self._host = host
        self._manner = manner or Manner()
        self._port = port
        self._kept: deque[bytes] = deque(maxlen=n_kept)
        self._tickets: set[str] = set()
        self._clients: set[_Client] = set()
        self._wanted = asyncio.Event()
        self._read = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where a feed finds it."""
        return f"ws://{self._host}:{self._port}/"

    @property
    def n_clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    def is_answered(self) -> bool:
        """Whether nobody owes an answer to the last heartbeat."""
        return not any(client.is_owing for client in self._clients)

    async def __aenter__(self) -> Self:
        """Listen."""
        require("aiohttp", self.url)
        from aiohttp import web

        application = web.Application()
        application.router.add_get("/{path:.*}", self._serve)
        if self._manner.ticket is not None:
            application.router.add_post(dmdata.PATH, self._give_ticket)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send a Close frame to all and end."""
        for client in list(self._clients):
            if client.is_hushed:
                _abort(client.request)
            else:
                client.is_free.clear()
                with contextlib.suppress(ConnectionError, TimeoutError):
                    await asyncio.wait_for(client.socket.close(code=1001, message=b"the server ends"), 1.0)
                client.is_free.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def wanted(self) -> None:
        """Wait until somebody is connected."""
        await self._wanted.wait()

    async def publish(self, data: bytes) -> None:
        """Send a message to all, and keep it for who comes."""
        framed = self._manner.framed(data)
        self._kept.append(framed)
        self._read.clear()
        self._tell(framed)

    async def garble(self, data: bytes) -> None:
        """Send something once."""
        self._tell(data)

    async def beat(self, data: bytes) -> None:
        """Send a heartbeat; hang up on who has not answered the last one, where the service does."""
        if self._manner.is_owed is not None:
            for client in list(self._clients):
                if client.is_owing:
                    _abort(client.request)
                    self._forget(client)
                client.is_owing = True
        self._tell(data)

    def _tell(self, data: bytes) -> None:
        for client in list(self._clients):
            if client.waiting.qsize() >= _MOST_WAITING:
                _abort(client.request)
            elif not client.is_hushed:
                client.waiting.put_nowait(data)

    def drop(self) -> None:
        """Cut all connections without a word."""
        for client in list(self._clients):
            _abort(client.request)
            self._forget(client)

    def hush(self) -> None:
        """Say nothing any more to who is connected now, not even pongs."""
        for client in list(self._clients):
            client.is_hushed = True

    async def drained(self) -> None:
        """Wait until the last message has gone to somebody, and to all who are connected and not hushed."""
        if self._kept:
            await self._read.wait()
        await asyncio.gather(*(client.waiting.join() for client in self._clients if not client.is_hushed))

    async def _give_ticket(self, request: "web.Request") -> "web.Response":
        """Answer who asks with a key, whichever, where the WebSocket is."""
        from aiohttp import web

        if self._manner.ticket is None or not request.headers.get("Authorization", "").startswith("Basic "):
            error = {"status": "error", "error": {"code": 401, "message": "a key is needed"}}
            return web.json_response(error, status=401)
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        url = f"{self.url}v2/websocket?ticket={ticket}"
        return web.Response(body=self._manner.ticket(url), content_type="application/json")

    async def _serve(self, request: "web.Request") -> "web.StreamResponse":
        from aiohttp import WSMsgType, web

        if (ticket := request.query.get("ticket")) is not None:
            if ticket not in self._tickets:
                return web.Response(status=403)
            self._tickets.remove(ticket)
        socket = web.WebSocketResponse(autoping=False, protocols=self._manner.protocols)
        await socket.prepare(request)
        client = _Client(socket, request)
        if self._manner.greeting is not None:
            client.waiting.put_nowait(self._manner.greeting(datetime.now(UTC)))
        for data in self._kept:
            client.waiting.put_nowait(data)
        self._clients.add(client)
        self._wanted.set()
        sending = asyncio.create_task(self._send(client), name="fake feed: sending")
        try:
            async for message in socket:
                if client.is_hushed:
                    continue
                if message.type is WSMsgType.PING:
                    await socket.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    self._hear(client, message.data)
        except ConnectionError:
            pass
        finally:
            self._forget(client)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            # Returning closes the connection: not before the Close frame was sent.
            await client.is_free.wait()
        return socket

    def _hear(self, client: _Client, text: str) -> None:
        """Take a client's text: the answer to a heartbeat, or a question."""
        if self._manner.is_owed is not None and self._manner.is_owed(text):
            client.is_owing = False
        elif (answer := self._manner.answer(text, self._kept[-1] if self._kept else None)) is not None:
            client.waiting.put_nowait(answer)

    def _forget(self, client: _Client) -> None:
        """Take a client off the list; nobody waits for it any more."""
        self._clients.discard(client)
        while not client.waiting.empty():
            client.waiting.get_nowait()
            client.waiting.task_done()

    async def _send(self, client: _Client) -> None:
        """Send what waits, until the client has gone."""
        while True:
            data = await client.waiting.get()
            try:
                if not client.is_hushed:
                    await _send(client.socket, data)
                    if self._kept and data is self._kept[-1]:
                        self._read.set()
            except ConnectionError:
                # It has gone; who serves it sees that, too.
                return
            finally:
                client.waiting.task_done()


async def _send(socket: "web.WebSocketResponse", data: bytes) -> None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        await socket.send_bytes(data)
    else:
        await socket.send_str(text)


def _abort(request: "web.Request") -> None:
    if request.transport is not None:
        request.transport.abort()
