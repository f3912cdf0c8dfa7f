"""A supervised feed against fake servers that are killed, fall silent and talk nonsense."""

import asyncio
import json
import logging
import math
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from eew.feed.formats.native import encode_report
from eew.feed.intake import FeedCounts, Intake
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.scenario import load_scenario, scenario_path
from eew.feed.servers.http_server import HttpServer
from eew.feed.servers.play import FeedFault, Part, Script, moved, parts_of, play
from eew.feed.servers.service_behaviour import Manner, manner_of
from eew.feed.servers.websocket_server import WebSocketServer
from eew.feed.source import Feed, FeedOptions, FeedState
from eew.feed.transports.received_message import ReceivedMessage, Sign
from eew.feed.wire_format import FORMATS, TalkingFormat, wire_format
from eew.model.clock import ManualClock, SystemClock
from eew.model.disposition import Disposition
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind

FIRST_AT = datetime(2024, 4, 17, 14, 14, 57, tzinfo=UTC)


class EagerClock:
    """A clock on which no wait takes any time; it remembers what was waited for."""

    def __init__(self) -> None:
        self.waited_s: list[float] = []

    def mono_s(self) -> float:
        return 0.0

    async def sleep(self, delay_s: float) -> None:
        if delay_s > 100:
            # The alarm of a silence, which is none here.
            await asyncio.Event().wait()
        self.waited_s.append(delay_s)
        await asyncio.sleep(0)


def reports(count: int) -> list[EventReport]:
    return [
        EventReport(
            event_id="20240417231454",
            source="jma",
            report_no=number,
            kind=ReportKind.NEW if number == 1 else ReportKind.UPDATE,
            status=AlertStatus.ACTUAL,
            issued_at=FIRST_AT + timedelta(seconds=number),
            origin_at=FIRST_AT - timedelta(seconds=10),
            lat_deg=33.2,
            lon_deg=132.4,
            depth_km=50.0,
            magnitude=6.0,
        )
        for number in range(1, count + 1)
    ]


def written(count: int) -> list[bytes]:
    return [encode_report(report) for report in reports(count)]


def websocket_feed(server: WebSocketServer, clock: ManualClock | EagerClock, **options: float) -> Feed:
    return Feed(
        "test", server.url, "native", FeedOptions(silent_after_s=options.get("silent_after_s", math.inf)), clock=clock
    )


async def until(is_so: Callable[[], bool]) -> None:
    """Let the loop turn until something is so; the test's limit ends it otherwise."""
    while not is_so():  # noqa: ASYNC110 - what is waited for is the state of a real connection
        await asyncio.sleep(0)


def state_of(feed: Feed) -> tuple[FeedState, str | None]:
    """Return the state and the problem, which may be others each time."""
    return feed.state, feed.problem


@asynccontextmanager
async def collected(feed: Feed) -> AsyncIterator[list[EventReport]]:
    """Listen to a feed for as long as the block lasts."""
    got: list[EventReport] = []

    async def collect() -> None:
        async with aclosing(feed.reports()) as coming:
            async for report in coming:
                got.append(report)  # noqa: PERF401 - seen from outside as they come

    task = asyncio.create_task(collect())
    try:
        yield got
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_of_a_feed_killed_twenty_times_nothing_that_it_still_offers_is_lost_or_doubled() -> None:
    """Every other time it is killed in the act: what it has just sent may be lost on the way, but is offered again."""
    messages = written(63)
    async with asyncio.timeout(20), AsyncExitStack() as stack:
        server = await WebSocketServer(n_kept=100).__aenter__()
        feed = websocket_feed(server, EagerClock())
        got = await stack.enter_async_context(collected(feed))
        for end in range(3, 64, 3):
            await until(lambda server=server: server.n_clients == 1)  # type: ignore[misc]  # the server of this turn
            for data in messages[end - 3 : end]:
                await server.publish(data)
            if end % 2:
                await until(lambda end=end: len(got) == end)  # type: ignore[misc]  # the end of this turn
            server.drop()
            await server.__aexit__(None, None, None)
            if end < 63:
                server = await WebSocketServer(port=feed.address.port, n_kept=100).__aenter__()
                for data in messages[:end]:
                    await server.publish(data)
    assert [report.report_no for report in got] == list(range(1, 64))
    assert feed.counts.n_parsed == 63
    assert feed.counts.n_received == 63 + feed.counts.n_duplicate
    assert feed.counts.n_reconnects >= 20


async def test_of_a_feed_that_offers_only_its_newest_message_that_one_is_got_once() -> None:
    """Over HTTP, whose server is cut twenty times; what was replaced before anybody asked is not to be had."""
    clock = EagerClock()
    async with asyncio.timeout(20), HttpServer() as server:
        feed = Feed("test", server.url, "native", clock=clock)
        async with collected(feed) as got:
            for number, data in enumerate(written(41), start=1):
                await server.publish(data)
                if number % 2 == 0:
                    # Twice, since a client quietly asks again once where a kept connection turns out to be cut.
                    server.drop()
                    server.drop()
                await until(lambda number=number: bool(got) and got[-1].report_no == number)  # type: ignore[misc]  # of this turn
    assert [report.report_no for report in got] == list(range(1, 42))
    assert feed.counts.n_reconnects == 20


@pytest.mark.parametrize("fault", [*FeedFault])
async def test_whatever_a_server_does_wrong_each_report_comes_once(fault: FeedFault) -> None:
    """Cut, silent, repeating, talking nonsense or slow after every third message; the client stays in order."""
    clock = ManualClock()
    parts = [Part(report, encode_report(report)) for report in reports(10)]
    async with WebSocketServer(n_kept=10) as server:
        feed = websocket_feed(server, clock, silent_after_s=30.0)
        async with collected(feed) as got:
            await server.wanted()
            playing = asyncio.create_task(play(server, parts, clock=clock, speed=1.0, script=Script({fault}, every=3)))
            while not (playing.done() and len(got) == 10):
                await clock.advance(0.5)
            await playing
    assert [report.report_no for report in got] == list(range(1, 11))
    assert feed.counts.n_rejected == (3 if fault is FeedFault.GARBAGE else 0)
    assert (feed.counts.n_reconnects > 0) == (fault in {FeedFault.DROP, FeedFault.SILENT})
    assert (feed.counts.n_duplicate >= 3) == (fault in {FeedFault.REPEAT, FeedFault.DROP, FeedFault.SILENT})


async def test_waits_between_tries_double_up_to_half_a_minute() -> None:
    """Each shortened at random by up to a half."""
    clock = EagerClock()
    feed = Feed("test", "http://127.0.0.1:9/", "native", clock=clock, rng=random.Random(1))  # noqa: S311 - a seed for the test
    async with collected(feed):
        await until(lambda: len(clock.waited_s) > 10)
    assert feed.problem is not None
    assert "refused" in feed.problem.lower() or "connect" in feed.problem.lower()
    full_s = [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
    shares = [wait / full for wait, full in zip(clock.waited_s, full_s, strict=False)]
    assert all(0.5 <= share <= 1.0 for share in shares)
    assert len(set(shares)) == 10


async def test_a_silent_feed_is_noticed_and_connected_to_again(caplog: pytest.LogCaptureFixture) -> None:
    """It stays silent in its state until something comes; the log says so once."""
    clock = ManualClock()
    caplog.set_level(logging.WARNING, logger="eew.feed.source")
    async with WebSocketServer() as server:
        feed = websocket_feed(server, clock, silent_after_s=60.0)
        async with collected(feed) as got:
            await until(lambda: clock.n_sleeping == 1 and feed.state is FeedState.LISTENING)
            await clock.advance(59.9)
            assert state_of(feed) == (FeedState.LISTENING, None)
            await clock.advance(0.2)
            assert state_of(feed) == (FeedState.SILENT, "neither message nor heartbeat for 60 s")
            for _ in range(2):
                n_before = feed.counts.n_reconnects
                while feed.counts.n_reconnects == n_before:
                    await clock.advance(30.0)
                assert state_of(feed)[0] is FeedState.SILENT
            await until(lambda: server.n_clients == 1)
            await server.publish(written(1)[0])
            await until(lambda: len(got) == 1)
            assert state_of(feed) == (FeedState.LISTENING, None)
    assert [record.message for record in caplog.records if "silent" in record.message] == [
        "feed.silent test: neither message nor heartbeat for 60 s"
    ]


class Spoken:
    """A format of words: what each means is written in it."""

    def parse(self, data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
        match data.split(b" ")[0]:
            case b"heartbeat":
                return (Heartbeat("test"),)
            case b"ignored":
                return (Ignored("for a reason"),)
            case b"bug":
                return (Heartbeat(str(1 / 0)),)
            case b"reports":
                count = int(data.split(b" ")[1])
                return tuple(reports(count))
            case word:
                raise ReportDecodeError("a word", file=file, field=f"words[{len(data)}].{word.decode()}")

    def render(self, report: EventReport) -> bytes:
        raise NotImplementedError


def read(
    *messages: bytes, max_age_s: float | None = None, now: datetime = FIRST_AT
) -> tuple[list[Disposition], FeedCounts]:
    intake = Intake(Spoken(), max_age_s, lambda: now)
    return [
        outcome.disposition for data in messages for outcome in intake.read(ReceivedMessage(data, "f"))
    ], intake.counts


def test_every_message_is_counted_once() -> None:
    """What came is the sum of what became of it, where each message has one part."""
    fates, counts = read(
        b"heartbeat", b"heartbeat", b"ignored", b"x", b"bug", b"reports 1", b"reports 1", b"reports 1 "
    )
    assert fates == ["heartbeat", "heartbeat", "ignored", "rejected", "rejected", "parsed", "duplicate", "duplicate"]
    assert counts == FeedCounts(
        n_received=8,
        n_heartbeats=2,
        n_ignored=1,
        n_rejected=2,
        n_parsed=1,
        n_duplicate=2,
        n_rejected_by_kind=counts.n_rejected_by_kind,
    )
    assert counts.n_rejected_by_kind == {"words[].x": 1, "reader": 1}


def test_of_a_list_that_grows_only_the_new_reports_are_handed_on() -> None:
    """As services do that send all recent events each time."""
    fates, counts = read(b"reports 2", b"reports 3")
    assert fates == ["parsed", "parsed", "duplicate", "duplicate", "parsed"]
    assert (counts.n_parsed, counts.n_duplicate) == (3, 2)


def test_a_report_issued_too_long_ago_is_late() -> None:
    """One exactly as old as is allowed is not."""
    fates, counts = read(b"reports 3", max_age_s=600.0, now=FIRST_AT + timedelta(seconds=602))
    assert fates == ["late", "parsed", "parsed"]
    assert counts.n_late == 1


def test_kinds_of_refusals_are_bounded() -> None:
    """Whoever invents a new mistake each time does not fill the memory."""
    _, counts = read(*(f"word{number}".encode() for number in range(1000)))
    assert counts.n_rejected == 1000
    assert len(counts.n_rejected_by_kind) == 101
    assert counts.n_rejected_by_kind["others"] == 900


async def test_bad_messages_are_logged_once_a_kind_and_stop_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The feed goes on."""
    caplog.set_level(logging.WARNING, logger="eew.feed.source")
    async with WebSocketServer() as server:
        feed = websocket_feed(server, EagerClock())
        async with collected(feed) as got:
            await server.wanted()
            bad = [b"junk", b"junk", json.dumps({"event_id": "a b"}).encode(), b"\xff", *written(1)]
            for data in bad:
                await server.publish(data)
            await until(lambda: len(got) == 1)
    assert feed.counts.n_rejected == 4
    assert len(caplog.records) == len(feed.counts.n_rejected_by_kind) == 2
    assert feed.last_message_at is not None


async def test_pongs_are_life_only_until_the_feed_has_sent_a_heartbeat() -> None:
    """From then on a server that answers pings and says nothing is silent."""
    clock = ManualClock()
    feed = Feed("test", "ws://127.0.0.1:9/", "native", clock=clock)
    feed._intake = Intake(Spoken(), None, lambda: FIRST_AT)
    last_life_s = []
    for signal in (Sign.ANSWERED, ReceivedMessage(b"heartbeat", "f"), Sign.ANSWERED, ReceivedMessage(b"ignored", "f")):
        await clock.advance(10.0)
        list(feed._taken(signal))
        last_life_s.append(feed._life_mono_s)
    assert last_life_s == [10.0, 20.0, 20.0, 40.0]


@pytest.mark.parametrize("name", [name for name in FORMATS if manner_of(name).heartbeat is not None])
def test_heartbeats_of_a_fake_server_are_heartbeats_to_the_format(name: str) -> None:
    """Sent when they say."""
    write = manner_of(name).heartbeat
    assert write is not None
    (part,) = wire_format(name).parse(write(FIRST_AT))
    assert isinstance(part, Heartbeat)
    assert part.at in {None, FIRST_AT}


TALKING = [name for name in FORMATS if isinstance(wire_format(name), TalkingFormat)]


@pytest.mark.parametrize("name", TALKING)
async def test_heartbeats_are_answered_to_whoever_wants_it(name: str) -> None:
    """A server that would hang up at the next heartbeat otherwise does not."""
    form, manner = wire_format(name), manner_of(name)
    assert isinstance(form, TalkingFormat)
    assert manner.heartbeat is not None
    word = form.answer(manner.heartbeat(FIRST_AT))
    strict = Manner(manner.heartbeat, lambda _text, _newest: None, lambda text: text == word)
    async with WebSocketServer(manner=strict) as server:
        for is_talking in (True, False):
            # The native format has nothing to say.
            feed = Feed("test", server.url, name if is_talking else "native", clock=EagerClock())
            async with collected(feed):
                await until(lambda: server.n_clients == 1)
                await server.beat(manner.heartbeat(FIRST_AT))
                await server.drained()
                await until(lambda feed=feed: feed.counts.n_received == 1)  # type: ignore[misc]  # the feed of this turn
                if is_talking:
                    await until(server.is_answered)
                await server.beat(manner.heartbeat(FIRST_AT))
                if is_talking:
                    await until(lambda feed=feed: feed.counts.n_received == 2)  # type: ignore[misc]  # likewise
                    assert feed.counts.n_reconnects == 0
                else:
                    await until(lambda feed=feed: feed.counts.n_reconnects > 0)  # type: ignore[misc]  # likewise
            await until(lambda: server.n_clients == 0)


@pytest.mark.parametrize("name", FORMATS)
def test_only_heartbeats_are_answered(name: str) -> None:
    """Neither a report nor what is no message at all."""
    form = wire_format(name)
    if isinstance(form, TalkingFormat):
        messages = [form.render(reports(1)[0]), b"", b"\xff", b"[]", b"{}", b'{"type":1}', b'{"type":"heartbeat']
        assert [form.answer(data) for data in messages] == [None] * len(messages)


async def test_what_the_user_sends_stands_for_the_greeting() -> None:
    """Else the format's is said when the connection is made."""
    for send, expected in ((None, "query_cwaeew"), ("other", "other")):
        heard: list[str] = []
        manner = Manner(answer=lambda text, _newest, heard=heard: heard.append(text))  # type: ignore[misc]  # of this turn
        async with WebSocketServer(manner=manner) as server:
            feed = Feed("test", server.url, "wolfx-cwa", FeedOptions(send=send), clock=EagerClock())
            async with collected(feed):
                await until(lambda heard=heard: bool(heard))  # type: ignore[misc]  # of this turn
        assert heard == [expected]


def test_a_scenario_is_moved_as_a_whole() -> None:
    """Every time by as much, so the first report is issued at the instant."""
    to = datetime(2030, 1, 1, tzinfo=UTC)
    given = reports(3)
    for before, after in zip(given, moved(given, to), strict=True):
        assert after.issued_at - to == before.issued_at - given[0].issued_at
        assert before.origin_at is not None
        assert after.origin_at is not None
        assert after.issued_at - after.origin_at == before.issued_at - before.origin_at


async def test_no_such_format_or_url_is_an_input_error(tmp_path: Path) -> None:
    """When the feed is made, not when it is listened to."""
    for url, name in (("ws://h", "morse"), (str(tmp_path / "none"), "native")):
        with pytest.raises(InputError):
            Feed("test", url, name, clock=ManualClock())


@pytest.mark.parametrize("name", FORMATS)
async def test_a_scenario_played_in_a_format_is_heard_as_the_same_event(name: str) -> None:
    """Its numbers fit every format's resolution: tenths of degrees and magnitudes, whole seconds, tens of km."""
    scenario = load_scenario(scenario_path("bungo-2024")).reports
    parts, left_out = parts_of(scenario, name)
    assert len(parts) + len(left_out) == len(scenario)
    # What is left out, if anything, is the cancel.
    assert len(left_out) <= 1
    clock, manner = SystemClock(), manner_of(name)
    async with WebSocketServer(manner=manner) as server:
        # A question for the last report would be answered with one that comes anyway.
        options = FeedOptions(send="no question") if name in TALKING else None
        feed = Feed("test", server.url, name, options, clock=clock)
        async with collected(feed) as got:
            await server.wanted()
            await play(server, parts, clock=clock, speed=math.inf, heartbeat=manner.heartbeat)
            await until(lambda: feed.counts.n_parsed + feed.counts.n_duplicate == len(parts))
            await until(lambda: manner.heartbeat is None or feed.counts.n_heartbeats > 0)
    assert feed.counts.n_rejected == feed.counts.n_ignored == 0
    assert (feed.counts.n_heartbeats > 0) is (manner.heartbeat is not None)
    assert {report.event_id for report in got} == {"20240417231454"}
    basis = IssueBasis.RECEIVED if name in {"wolfx-cenc", "fdsn-text"} else IssueBasis.STATED
    assert {report.issue_basis for report in got} == {basis}
    expected = [msgspec.structs.replace(part.report, issue_basis=basis) for part in parts]
    assert _solutions(got) == _solutions(expected)
    assert [each.issued_at for each in got if each.kind is ReportKind.CANCEL] == [
        part.report.issued_at for part in parts if part.report.kind is ReportKind.CANCEL
    ]


def _solutions(played: Iterable[EventReport]) -> set[tuple[object, ...]]:
    return {
        (
            report.issued_at if report.issue_basis is IssueBasis.STATED else None,
            *(report.origin_at, report.lat_deg, report.lon_deg, report.magnitude),
        )
        for report in played
        if report.kind is not ReportKind.CANCEL
    }
