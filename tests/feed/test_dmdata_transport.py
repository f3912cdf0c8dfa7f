"""DMDATA as a service: from a key over a ticket to the telegrams."""

import asyncio
import base64
import json
import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from eew.feed.formats import dmdata as form
from eew.feed.scenario import load_scenario, scenario_path
from eew.feed.servers.play import parts_of, play
from eew.feed.servers.service_behaviour import manner_of
from eew.feed.servers.websocket_server import WebSocketServer
from eew.feed.source import Feed, FeedOptions
from eew.feed.transports import dmdata_tickets as dmdata
from eew.feed.transports import http_client as http
from eew.feed.transports import websocket_client as websocket
from eew.feed.transports.address import Address, Via
from eew.feed.transports.received_message import ReceivedMessage, Sign, Signal
from eew.model.clock import SystemClock
from eew.model.errors import InputError
from eew.model.records import EventReport

KEY = "AKe.not-a-real-one"
REPORT = load_scenario(scenario_path("bungo-2024")).reports[5]


def expected() -> EventReport:
    (report,) = form.parse(form.render(REPORT))
    assert isinstance(report, EventReport)
    return report


@asynccontextmanager
async def collected(feed: Feed) -> AsyncIterator[list[EventReport]]:
    """Yield the list that a feed's reports go into while the block runs."""
    got: list[EventReport] = []

    async def collect() -> None:
        async with aclosing(feed.reports()) as reports:
            async for report in reports:
                got.append(report)  # noqa: PERF401 - seen from outside as they come

    task = asyncio.create_task(collect())
    try:
        yield got
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def asked_at(url: str) -> str:
    """Return the address of the API of a server that listens at a WebSocket's address."""
    return f"dmdata+{url.replace('ws://', 'http://')}"


async def test_a_key_leads_to_the_telegrams_and_pings_are_answered(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A ticket a connection, its own protocol, a pong for each ping; key and ticket are shown nowhere."""
    monkeypatch.setenv("EEW_DMDATA_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    parts, _ = parts_of((REPORT,), "dmdata")
    manner = manner_of("dmdata")
    assert manner.heartbeat is not None
    async with WebSocketServer(manner=manner) as server:
        feed = Feed("jma", asked_at(server.url), "dmdata", clock=SystemClock())
        async with collected(feed) as got:
            await server.wanted()
            await play(server, parts, clock=SystemClock(), speed=math.inf, heartbeat=manner.heartbeat)
            # The second would find who has not answered the first, and hang up.
            await until(server.is_answered)
            await server.beat(manner.heartbeat(datetime.now(UTC)))
            await until(server.is_answered)
            await until(lambda: len(got) == 1)
            server.drop()
            await until(lambda: feed.counts.n_reconnects == 1 and server.n_clients == 1)
    assert got == [expected()]
    counts = feed.counts
    assert (counts.n_rejected, counts.n_ignored) == (0, 0)
    # Two greetings and two pings.
    assert counts.n_heartbeats >= 3
    assert "ticket" not in caplog.text
    assert KEY not in caplog.text + repr(feed.options) + str(feed.address)


async def until(is_so: Callable[[], bool]) -> None:
    """Let the loop turn until something is so; the test's limit ends it otherwise."""
    while not is_so():  # noqa: ASYNC110 - what is waited for is the state of a real connection
        await asyncio.sleep(0)


@asynccontextmanager
async def api(
    status: int = 200, answer: object = None, *, redirect: str | None = None
) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """Serve an API that answers always the same; yield its address and what it was asked."""
    asked: list[web.Request] = []

    async def post(request: web.Request) -> web.Response:
        asked.append(request)
        await request.read()
        if redirect is not None:
            return web.Response(status=307, headers={"Location": redirect})
        return web.json_response(answer, status=status)

    async def hang_up(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("dmdata.v2",))
        await socket.prepare(request)
        await socket.send_str('{"type":"error","error":"Too many connections.","code":4807,"close":true}')
        await socket.close()
        return socket

    application = web.Application()
    application.router.add_post("/{path:.*}", post)
    application.router.add_get("/socket", hang_up)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def signals_of(place: str, query: str = "") -> list[Signal]:
    """Return what comes from an API's address to the end of its first connection."""
    address = Address.parse(f"dmdata+http://{place}{query}")
    coming = dmdata.messages(address, key=KEY, timeout_s=5.0, max_bytes=9999, answer=form.answer)
    async with aclosing(coming) as signals:
        return [signal async for signal in signals]


async def test_the_api_is_asked_with_the_key_for_what_the_address_says() -> None:
    """By default the forecasts and no tests."""
    async with api(500) as (place, asked):
        for query in ("", "?classifications=eew.warning&types=VXSE43,VXSE45&test=including"):
            with pytest.raises(ConnectionError):
                await signals_of(place, query)
    for request in asked:
        assert (request.method, request.path) == ("POST", "/v2/socket")
        assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode() == f"{KEY}:"
    questions = [await request.json() for request in asked]
    assert questions == [
        {
            "classifications": ["eew.forecast"],
            "types": ["VXSE45"],
            "test": "no",
            "appName": "eew",
            "formatMode": "json",
        },
        {
            "classifications": ["eew.warning"],
            "types": ["VXSE43", "VXSE45"],
            "test": "including",
            "appName": "eew",
            "formatMode": "json",
        },
    ]


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (401, {"error": {"message": "no such key", "code": 401}}, "the service answers 401 no such key (is the key"),
        (403, None, "the service answers 403 Forbidden (is the key right"),
        (409, {"error": {"message": "too many"}}, "the service answers 409 too many"),
        (503, "x", "the service answers 503 Service Unavailable"),
        (200, {"websocket": None}, "the service names no WebSocket to connect to"),
        (200, {"websocket": {"url": "http://127.0.0.1/"}}, "the service names no WebSocket to connect to"),
        (200, {"websocket": {"url": "ws://:0/"}}, "the service names a WebSocket that cannot be one"),
    ],
)
async def test_an_api_that_gives_no_ticket_is_a_lost_connection(status: int, answer: object, said: str) -> None:
    """It is tried again; what it says is told, the key is not."""
    async with api(status, answer) as (place, _):
        with pytest.raises(ConnectionError) as caught:
            await signals_of(place)
    assert str(caught.value).startswith(said)
    assert KEY not in str(caught.value)


async def test_the_key_follows_no_redirection() -> None:
    """It is for this host."""
    async with api(200, {}) as (other, asked), api(redirect=f"http://{other}/v2/socket") as (place, _):
        with pytest.raises(ConnectionError, match="the service answers 307"):
            await signals_of(place)
    assert asked == []


async def test_what_the_service_complained_of_is_why_the_connection_was_lost() -> None:
    """Not only that it was closed."""
    answer: dict[str, Any] = {"websocket": {}}
    async with api(200, answer) as (place, _):
        answer["websocket"]["url"] = f"ws://{place}/socket?ticket=t1"
        with pytest.raises(ConnectionError, match=r"the service says: Too many connections. \(code 4807\)"):
            await signals_of(place)


@pytest.mark.parametrize("via", ["websocket", "http"])
async def test_a_refused_connection_does_not_tell_the_address(via: str) -> None:
    """It may hold a key or a ticket, and what went wrong stands in logs."""
    async with api(403, {}) as (place, _):
        text = f"{'ws' if via == 'websocket' else 'http'}://{place}/none?key={KEY}"
        address = Address.parse(text)
        signals = (
            websocket.messages(address, timeout_s=5.0, max_bytes=99)
            if via == "websocket"
            else http.messages(address, clock=SystemClock(), interval_s=1.0, timeout_s=5.0, max_bytes=99)
        )
        with pytest.raises(ConnectionError) as caught:
            async with aclosing(signals):
                await anext(signals)
    assert "40" in str(caught.value)
    assert KEY not in str(caught.value)
    assert place not in str(caught.value)


def test_a_key_is_in_a_file_of_ones_own_or_the_environment(tmp_path: Path) -> None:
    """Never in the configuration or on the command line, which others may read."""
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)
    assert dmdata.key_of(str(path), {}) == dmdata.key_of(None, {"EEW_DMDATA_KEY": KEY}) == KEY
    path.chmod(0o644)
    with pytest.raises(InputError, match="0600"):
        dmdata.key_of(str(path), {})
    for given in ({}, {"EEW_DMDATA_KEY": ""}, {"EEW_DMDATA_KEY": "two words"}, {"EEW_DMDATA_KEY": "a:b"}):
        with pytest.raises(InputError, match="EEW_DMDATA_KEY") as caught:
            dmdata.key_of(None, given)
        assert "two" not in str(caught.value)
    with pytest.raises(InputError, match="a file that can be read"):
        dmdata.key_of(str(tmp_path / "none"), {})


def test_a_feed_without_a_key_is_refused_before_it_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``--check`` does."""
    monkeypatch.delenv("EEW_DMDATA_KEY", raising=False)
    with pytest.raises(InputError, match="an API key of DMDATA"):
        Feed("jma", "dmdata://api.dmdata.jp", "dmdata", clock=SystemClock())
    monkeypatch.setenv("EEW_DMDATA_KEY", KEY)
    with pytest.raises(InputError, match="classifications, types, test"):
        Feed("jma", "dmdata://api.dmdata.jp?key=1", "dmdata", clock=SystemClock())
    with pytest.raises(InputError, match="no, including, only"):
        Feed("jma", "dmdata://api.dmdata.jp?test=yes", "dmdata", clock=SystemClock())
    feed = Feed("jma", "dmdata://api.dmdata.jp", "dmdata", FeedOptions(), clock=SystemClock())
    assert (feed.address.via, feed.address.port, feed.address.is_tls) == (Via.DMDATA, 443, True)


def test_a_key_goes_over_tls_or_stays_here() -> None:
    """Plain HTTP is for a server on this machine."""
    assert Address.parse("dmdata+http://127.0.0.1:8080").is_tls is False
    with pytest.raises(InputError, match="TLS"):
        Address.parse("dmdata+http://api.dmdata.jp")


async def test_a_ticket_is_good_for_one_connection() -> None:
    """The fake server is as strict as the service; who asks without a key gets none."""
    async with WebSocketServer(manner=manner_of("dmdata")) as server:
        place = server.url.removeprefix("ws://").rstrip("/")
        address = Address.parse(f"dmdata+http://{place}")
        socket = await dmdata._socket(address, KEY, 5.0)
        for is_new in (True, False):
            signals = websocket.messages(socket, timeout_s=5.0, max_bytes=9999, protocols=("dmdata.v2",))
            async with aclosing(signals):
                if is_new:
                    assert await anext(signals) is Sign.OPENED
                    first = await anext(signals)
                    assert isinstance(first, ReceivedMessage)
                    assert json.loads(first.data)["type"] == "start"
                else:
                    with pytest.raises(ConnectionError, match="403"):
                        await anext(signals)
