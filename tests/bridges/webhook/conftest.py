"""Signed messages, and endpoints on this machine that answer as they are told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from eew.contract.message import EventMessage
from eew.contract.signature import SigningKey, core_of
from eew.model.report import AlertStatus, ReportKind

KEY = SigningKey.from_seed(b"h" * 32)
ORIGIN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NOWHERE = dict.fromkeys(("origin_at", "lat_deg", "lon_deg", "depth_km", "magnitude"))


def signed_event(key: SigningKey = KEY, **changes: Any) -> EventMessage:
    members: dict[str, Any] = {
        "event_id": "ev-1",
        "report_no": 1,
        "kind": ReportKind.NEW,
        "status": AlertStatus.ACTUAL,
        "issued_at": ORIGIN + timedelta(seconds=5),
        "origin_at": ORIGIN,
        "lat_deg": 35.0,
        "lon_deg": 139.0,
        "depth_km": 10.0,
        "magnitude": 7.0,
        "expires_at": ORIGIN + timedelta(seconds=300),
        "key_id": key.key_id,
        "signature": "",
        "magnitude_type": "Mj",
        "place": "相模湾",
        "scale": "jma",
        "radius_km_by_level": {"critical": 50.0, "active": 120.0, "passive": 300.0},
        "n_alerts_by_level": {"critical": 1, "active": 2, "passive": 3},
    }
    if changes.get("kind") is ReportKind.CANCEL:
        members |= NOWHERE | {"radius_km_by_level": {}}
    message = EventMessage(**(members | changes))
    return msgspec.structs.replace(message, signature=key.sign(core_of(message)))


@pytest.fixture
def event() -> Callable[..., EventMessage]:
    """Return what makes a signed event message; ``key=`` signs with another key."""
    return signed_event


@pytest.fixture
def key() -> SigningKey:
    """Return the key that signs it."""
    return KEY


Step = Callable[[web.Request], Awaitable[web.Response]]


@dataclass
class FakeEndpoint:
    """Answers requests as its script says, then with 204; keeps what it was sent."""

    url: str = ""
    script: list[Step | web.Response] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((headers, await request.read()))
        step = self.script.pop(0) if self.script else web.Response(status=204)
        return step if isinstance(step, web.Response) else await step(request)

    async def hang(self, _request: web.Request) -> web.Response:
        """Answer when the test is over."""
        await self.is_over.wait()
        return web.Response(status=204)

    @property
    def ids(self) -> list[str]:
        """The ids of what it was sent."""
        return [headers["webhook-id"] for headers, _ in self.requests]


@pytest_asyncio.fixture
async def endpoints() -> AsyncIterator[Callable[[], Awaitable[FakeEndpoint]]]:
    """Return what starts an endpoint; all are stopped in the end."""
    started: list[tuple[FakeEndpoint, web.AppRunner]] = []

    async def start() -> FakeEndpoint:
        fake = FakeEndpoint()
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", fake.answer)
        runner = web.AppRunner(app)
        started.append((fake, runner))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        fake.url = f"http://{host}:{port}/hook?token=not-to-be-seen"
        return fake

    yield start
    for fake, runner in started:
        fake.is_over.set()
        await runner.cleanup()


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Return an HTTP session."""
    async with aiohttp.ClientSession() as each:
        yield each


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Return what lets the loop turn until something holds; the test's own limit ends it."""

    async def turn(holds: Callable[[], object]) -> None:
        while not holds():  # noqa: ASYNC110 - what holds is said by lists, not by events
            await asyncio.sleep(0)

    return turn
