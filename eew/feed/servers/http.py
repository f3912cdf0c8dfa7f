"""A web server that offers the newest message."""

import asyncio
import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from eew.feed.transports.extra import require

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["HttpServer"]


class HttpServer:
    """Answers every question with the newest message, or that it has not changed (``ETag``, ``Last-Modified``).

    Parameters
    ----------
    host, port
        Where to listen; port 0 for any free one.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self._port = port
        self._newest: bytes | None = None
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
        return f"http://{self._host}:{self._port}/"

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
        self._headers = {
            "ETag": f'"{hashlib.sha256(data).hexdigest()[:16]}"',
            "Last-Modified": format_datetime(datetime.now(UTC), usegmt=True),
        }
        self._read.clear()

    async def garble(self, data: bytes) -> None:
        """Answer the next question with this."""
        self._garbage = data

    async def beat(self, data: bytes) -> None:
        """Do nothing: an answer is sign of life enough."""

    def drop(self) -> None:
        """Cut the connection at the next question."""
        self._n_drops += 1

    def hush(self) -> None:
        """Never answer the next question."""
        self._n_hushes += 1

    async def drained(self) -> None:
        """Wait until somebody has read the newest message."""
        if self._newest is not None:
            await self._read.wait()

    async def _answer(self, request: "web.Request") -> "web.Response":
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
        if self._garbage is not None:
            garbage, self._garbage = self._garbage, None
            return web.Response(body=garbage)
        if self._newest is None:
            return web.Response(status=204)
        self._read.set()
        if request.headers.get("If-None-Match") == self._headers["ETag"]:
            return web.Response(status=304, headers=self._headers)
        return web.Response(body=self._newest, headers=self._headers)
