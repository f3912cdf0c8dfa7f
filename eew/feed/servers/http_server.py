"""A web server that offers the newest message, and streams them where its service does."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from eew.feed.servers.service_behaviour import Manner, Page
from eew.feed.transports.extra import require

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["HttpServer"]

_EVENT_STREAM = "text/event-stream"
_JSON = {"Content-Type": "application/json"}


@dataclass(eq=False)
class _Listener:
    """Who listens to a stream."""

    request: "web.Request"
    waiting: "asyncio.Queue[bytes]" = field(default_factory=asyncio.Queue)
    is_hushed: bool = False

    def cut(self) -> None:
        """End the connection without a word."""
        if self.request.transport is not None:
            self.request.transport.abort()

    def let_go(self) -> None:
        """Forget what waits: nobody will read it."""
        while not self.waiting.empty():
            self.waiting.get_nowait()
            self.waiting.task_done()


class HttpServer:
    """Answers every question with the newest message, or that it has not changed (``ETag``, ``Last-Modified``).

    Who asks with ``?sse=1`` or ``Accept: text/event-stream`` a service that has streams is sent the newest message at
    once and all others as they come.

    Parameters
    ----------
    host, port
        Where to listen; port 0 for any free one.
    manner
        Where it answers and what, where that is not its newest message, and whether it has streams.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, manner: Manner | None = None) -> None:
        self._host = host
        self._manner = manner or Manner()
        self._listeners: set[_Listener] = set()
        self._port = port
        self._newest: bytes | None = None
        #: All, where each question is for some of them.
        self._messages: list[bytes] = []
        self._headers: dict[str, str] = {}
        self._garbage: bytes | None = None
        self._n_drops = 0
        self._n_hushes = 0
        self._wanted = asyncio.Event()
        self._read = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where a feed finds it."""
        return f"http://{self._host}:{self._port}/{self._manner.path}"

    async def __aenter__(self) -> Self:
        """Listen."""
        require("aiohttp", self.url)
        from aiohttp import web

        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        # A question that is never answered ends with who asked.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def wanted(self) -> None:
        """Wait until somebody has asked."""
        await self._wanted.wait()

    async def publish(self, data: bytes) -> None:
        """Offer this from now on."""
        self._newest = data
        if self._manner.page is not None:
            self._messages.append(data)
        self._headers = {
            "ETag": f'"{hashlib.sha256(data).hexdigest()[:16]}"',
            "Last-Modified": format_datetime(datetime.now(UTC), usegmt=True),
        }
        self._read.clear()
        self._tell(data)

    async def garble(self, data: bytes) -> None:
        """Answer the next question with this; say it to who listens to a stream."""
        if self._listeners:
            self._tell(data)
        else:
            self._garbage = data

    async def beat(self, data: bytes) -> None:
        """Do nothing: an answer is sign of life enough."""

    def drop(self) -> None:
        """Cut the streams, or the connection at the next question."""
        if not self._listeners:
            self._n_drops += 1
        for listener in self._listeners:
            listener.cut()

    def hush(self) -> None:
        """Say nothing any more to who listens to a stream, or never answer the next question."""
        if not self._listeners:
            self._n_hushes += 1
        for listener in self._listeners:
            listener.is_hushed = True

    async def drained(self) -> None:
        """Wait until somebody has read the newest message."""
        if self._newest is not None:
            await self._read.wait()
        await asyncio.gather(*(each.waiting.join() for each in self._listeners if not each.is_hushed))

    def _tell(self, data: bytes) -> None:
        for listener in self._listeners:
            if not listener.is_hushed:
                listener.waiting.put_nowait(data)

    async def _answer(self, request: "web.Request") -> "web.StreamResponse":
        from aiohttp import web

        self._wanted.set()
        if self._n_drops:
            self._n_drops -= 1
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if self._n_hushes:
            self._n_hushes -= 1
            await asyncio.Event().wait()
        if self._manner.has_event_stream and _wants_stream(request):
            return await self._stream(request)
        if self._garbage is not None:
            garbage, self._garbage = self._garbage, None
            return web.Response(body=garbage)
        page = self._manner.page
        return self._newest_page(request) if page is None else self._answer_page(page(request.path, self._messages))

    def _newest_page(self, request: "web.Request") -> "web.Response":
        """Answer with the newest message, or that it has not changed, or that there is none."""
        from aiohttp import web

        if self._newest is None:
            nothing = self._manner.nothing
            return web.Response(status=204) if nothing is None else web.Response(body=nothing, headers=_JSON)
        self._read.set()
        if request.headers.get("If-None-Match") == self._headers["ETag"]:
            return web.Response(status=304, headers=self._headers)
        return web.Response(body=self._newest, headers=self._headers)

    def _answer_page(self, page: Page | None) -> "web.Response":
        """Answer with a page, or that there is none."""
        from aiohttp import web

        if page is None:
            return web.Response(status=404)
        if self._newest is not None and page.message is self._newest:
            self._read.set()
        return web.Response(body=page.body, headers=_JSON)

    async def _stream(self, request: "web.Request") -> "web.StreamResponse":
        """Send the newest message and all that come, until who listens has gone."""
        from aiohttp import web

        response = web.StreamResponse(headers={"Content-Type": _EVENT_STREAM, "Cache-Control": "no-cache"})
        await response.prepare(request)
        listener = _Listener(request)
        self._listeners.add(listener)
        newest = self._newest or self._manner.nothing
        if newest is not None:
            listener.waiting.put_nowait(newest)
        try:
            while True:
                data = await listener.waiting.get()
                if not listener.is_hushed:
                    await response.write(b"".join(b"data: %b\n" % line for line in data.splitlines()) + b"\n")
                listener.waiting.task_done()
                if data is self._newest:
                    self._read.set()
        except ConnectionError:
            return response
        finally:
            self._listeners.discard(listener)
            listener.let_go()


def _wants_stream(request: "web.Request") -> bool:
    return request.query.get("sse") == "1" or _EVENT_STREAM in request.headers.get("Accept", "")
