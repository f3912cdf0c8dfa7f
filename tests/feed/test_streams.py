"""Feeds that are streamed over HTTP: the transport, the fake server, and the two together with its faults."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from eew.feed.formats.exptech import parse, render
from eew.feed.intake import Intake
from eew.feed.parsed import Heartbeat
from eew.feed.scenario import load_scenario, scenario_path
from eew.feed.servers.http_server import HttpServer
from eew.feed.servers.play import FeedFault, Script, parts_of, play
from eew.feed.servers.service_behaviour import manner_of
from eew.feed.source import Feed, FeedOptions, FeedState
from eew.feed.transports import http_client as http
from eew.feed.transports.address import Address
from eew.feed.transports.received_message import ReceivedMessage, Sign, Signal
from eew.feed.wire_format import FORMATS, wire_format
from eew.model.clock import ManualClock, SystemClock
from eew.model.records import EventReport, ReportKind

REPORTS = load_scenario(scenario_path("bungo-2024")).reports
MESSAGES = [render(report) for report in REPORTS]


@asynccontextmanager
async def streaming(say: Callable[[web.StreamResponse], object]) -> AsyncIterator[tuple[Address, list[dict[str, str]]]]:
    """Serve a stream that says something and then waits; yield its address and the headers of each question."""
    asked: list[dict[str, str]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(dict(request.headers))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8", "ETag": '"1"'})
        await response.prepare(request)
        if await say(response):  # type: ignore[misc]  # what is said is a coroutine
            return response
        await asyncio.Event().wait()
        raise AssertionError

    application = web.Application()
    application.router.add_get("/eew", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Address.parse(f"http://127.0.0.1:{runner.addresses[0][1]}/eew?sse=1"), asked
    finally:
        await runner.cleanup()


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - what is waited for is the state of a real connection
        await asyncio.sleep(0)


def words(signals: list[Signal]) -> list[object]:
    return [each.data if isinstance(each, ReceivedMessage) else each for each in signals]


async def test_each_event_of_a_stream_is_a_message() -> None:
    """Comments are none; it is asked again when the stream ends, without the marks of a page."""

    async def say(response: web.StreamResponse) -> bool:
        await response.write(b": welcome\n\ndata: [1]\n\ndata: [2")
        await response.write(b"]\n\n")
        return True

    async with streaming(say) as (address, asked):
        signals = http.messages(address, clock=SystemClock(), interval_s=0.0, timeout_s=5, max_bytes=99)
        async with aclosing(signals):
            got = [await anext(signals) for _ in range(7)]
    assert words(got) == [Sign.OPENED, Sign.ANSWERED, b"[1]", b"[2]", Sign.ANSWERED, b"[1]", b"[2]"]
    assert not any("If-None-Match" in headers for headers in asked)


async def test_a_quiet_stream_is_asked_for_anew(manual_clock: ManualClock) -> None:
    """After a minute, which nothing else limits: whether the server lives shows in its answer."""

    async def say(response: web.StreamResponse) -> None:
        await response.write(b"data: [1]\n\n")

    async with streaming(say) as (address, asked):
        signals = http.messages(address, clock=manual_clock, interval_s=1.0, timeout_s=5, max_bytes=99)
        async with aclosing(signals):
            got = [await anext(signals) for _ in range(3)]
            coming = asyncio.ensure_future(anext(signals))
            await until(lambda: manual_clock.n_sleeping == 1)
            await manual_clock.advance(59.9)
            assert len(asked) == 1
            await manual_clock.advance(0.2)
            await until(lambda: manual_clock.n_sleeping == 1)
            await manual_clock.advance(1.0)
            got.append(await coming)
    assert words(got) == [Sign.OPENED, Sign.ANSWERED, b"[1]", Sign.ANSWERED]
    assert len(asked) == 2


async def test_an_event_that_is_too_long_is_a_lost_connection() -> None:
    """As a page is."""

    async def say(response: web.StreamResponse) -> None:
        await response.write(b"data: " + b"x" * 200)

    async with streaming(say) as (address, _):
        signals = http.messages(address, clock=SystemClock(), interval_s=1.0, timeout_s=5, max_bytes=50)
        async with aclosing(signals):
            assert words([await anext(signals), await anext(signals)]) == [Sign.OPENED, Sign.ANSWERED]
            with pytest.raises(ConnectionError, match="more than 50 bytes"):
                await anext(signals)


@pytest.mark.parametrize(
    ("query", "headers"), [("?sse=1", {}), ("", {"Accept": "text/event-stream"})], ids=["query", "header"]
)
async def test_the_fake_server_streams_to_who_asks_for_it(query: str, headers: dict[str, str]) -> None:
    """An empty list first, while nothing is reported; others are answered with a page."""
    async with (
        HttpServer(manner=manner_of("exptech")) as server,
        aiohttp.ClientSession() as session,
        session.get(server.url + query, headers=headers) as stream,
        session.get(server.url) as page,
    ):
        assert (page.content_type, await page.read()) == ("application/json", b"[]")
        assert stream.content_type == "text/event-stream"
        assert await stream.content.readuntil(b"\n\n") == b"data: []\n\n"
        await server.publish(b"[1]")
        assert await stream.content.readuntil(b"\n\n") == b"data: [1]\n\n"


async def test_a_service_without_streams_answers_with_a_page() -> None:
    """Whatever it is asked for."""
    async with HttpServer() as server, aiohttp.ClientSession() as session:
        async with session.get(server.url + "?sse=1") as page:
            assert page.status == 204
        await server.publish(b"1")
        async with session.get(server.url, headers={"Accept": "text/event-stream"}) as page:
            assert await page.read() == b"1"


@pytest.mark.parametrize("fault", [None, *FeedFault])
async def test_a_streamed_scenario_is_heard_whatever_the_server_does_wrong(fault: FeedFault | None) -> None:
    """Each report once and in order; what was said while the stream was cut is lost, but the newest is offered."""
    parts, left_out = parts_of(REPORTS, "exptech")
    assert not left_out
    clock = ManualClock()
    script = Script(() if fault is None else {fault}, every=7)
    got: list[EventReport] = []
    async with HttpServer(manner=manner_of("exptech")) as server:
        feed = Feed("test", f"{server.url}?sse=1", "exptech", FeedOptions(silent_after_s=math.inf), clock=clock)

        async def listen() -> None:
            async with aclosing(feed.reports()) as coming:
                async for report in coming:
                    got.append(report)  # noqa: PERF401 - seen from outside as they come

        listening = asyncio.create_task(listen())
        await server.wanted()
        playing = asyncio.create_task(play(server, parts, clock=clock, speed=1.0, script=script))
        while not (playing.done() and got and got[-1].kind is ReportKind.CANCEL):
            await clock.advance(0.25)
        await playing
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    heard, sent = ([(each.report_no, each.kind is ReportKind.CANCEL) for each in reports] for reports in (got, REPORTS))
    if fault in {FeedFault.DROP, FeedFault.SILENT}:
        assert heard == sorted(set(heard))
        assert heard[-1] == sent[-1]
    else:
        assert heard == sent
    assert (feed.counts.n_rejected > 0) is (fault is FeedFault.GARBAGE)


def test_services_that_are_asked_each_second_are_asked_so_by_default() -> None:
    """Unless the user says otherwise."""
    for name, interval_s in (("exptech", 1.0), ("icl", 2.0)):
        assert FORMATS[name].interval_s == interval_s
        assert Feed("test", "http://h/", name, clock=ManualClock())._interval_s == interval_s
    options = FeedOptions(interval_s=7.0)
    assert Feed("test", "http://h/", "exptech", options, clock=ManualClock())._interval_s == 7.0


async def test_an_answer_over_http_is_life_though_the_feed_has_sent_heartbeats() -> None:
    """An empty list is one; that it has not changed since is the service's own word, too."""
    assert parse(b"[]") == (Heartbeat("exptech"),)
    clock = ManualClock()
    feed = Feed("test", "http://127.0.0.1:9/", "exptech", clock=clock)
    feed._intake = Intake(wire_format("exptech"), None, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for signal in (ReceivedMessage(b"[]", "f"), Sign.ANSWERED):
        await clock.advance(100.0)
        list(feed._taken(signal))
    assert (feed._life_mono_s, feed.state) == (200.0, FeedState.LISTENING)
