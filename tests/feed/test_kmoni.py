"""NIED's monitor: answers as public clients record them [KMONI], and the fake server that is asked by the second."""

import asyncio
import functools
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest

from eew.feed.formats.kmoni import parse, render, second_text
from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.servers.http_server import HttpServer
from eew.feed.servers.service_behaviour import manner_of
from eew.feed.source import Feed
from eew.feed.transports import http_client as http
from eew.feed.transports.address import Address
from eew.feed.transports.received_message import ReceivedMessage, Sign
from eew.model.clock import ManualClock, SystemClock
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind

#: Off Sanriku, 2025-11-09, the first report.
SANRIKU: dict[str, Any] = {
    "result": {"status": "success", "message": "", "is_auth": True},
    "report_time": "2025/11/09 20:11:43",
    "region_code": "",
    "request_time": "20251109201143",
    "region_name": "三陸沖",
    "longitude": "143.7",
    "is_cancel": False,
    "depth": "20km",
    "calcintensity": "2",
    "is_final": False,
    "is_training": False,
    "latitude": "39.3",
    "origin_time": "20251109201126",
    "magunitude": "4.6",
    "report_num": "1",
    "request_hypo_type": "eew",
    "report_id": "20251109201130",
    "alertflg": "予報",
}
NOTHING = {
    "result": {"status": "success", "message": "データがありません", "is_auth": True},
    "report_time": "2025/11/09 20:00:00",
    "region_code": "",
    "request_time": "20251109200000",
    "region_name": "",
    "longitude": "",
    "is_cancel": "",
    "depth": "",
    "calcintensity": "",
    "is_final": "",
    "is_training": "",
    "latitude": "",
    "origin_time": "",
    "magunitude": "",
    "report_num": "",
    "request_hypo_type": "eew",
    "report_id": "",
}
ISSUED_AT = datetime(2025, 11, 9, 11, 11, 43, tzinfo=UTC)


def parsed(**changes: object) -> EventReport:
    (part,) = parse(json.dumps(SANRIKU | changes).encode())
    assert isinstance(part, EventReport)
    return part


def test_report_is_read() -> None:
    """Numbers are texts, with their unit or without; times are in UTC+9; the name is JMA's."""
    assert parsed() == EventReport(
        event_id="20251109201130",
        source="jma",
        report_no=1,
        kind=ReportKind.NEW,
        status=AlertStatus.ACTUAL,
        issued_at=ISSUED_AT,
        origin_at=datetime(2025, 11, 9, 11, 11, 26, tzinfo=UTC),
        lat_deg=39.3,
        lon_deg=143.7,
        depth_km=20.0,
        magnitude=4.6,
        place="三陸沖",
    )


def test_without_a_report_the_answer_is_a_sign_of_life() -> None:
    """Whatever stands in the place of the other members."""
    assert parse(json.dumps(NOTHING).encode()) == (Heartbeat("jma"),)
    assert parse(json.dumps({"result": NOTHING["result"]}).encode()) == (Heartbeat("jma"),)


def test_a_failure_of_the_service_is_ignored() -> None:
    """It says nothing of earthquakes."""
    failed = {"result": {"status": "error", "message": "busy"}}
    assert parse(json.dumps(failed).encode()) == (Ignored("the service answers without success"),)


@pytest.mark.parametrize("truth", [True, "true", "1", 1], ids=["truth", "word", "digit", "number"])
def test_truths_may_be_texts(truth: object) -> None:
    """In older answers they are."""
    falsehood = str(not truth).lower() if isinstance(truth, str) else not truth
    assert parsed(is_final=truth, is_cancel=falsehood).kind is ReportKind.FINAL
    assert parsed(is_training=truth, is_final=falsehood).status is AlertStatus.EXERCISE
    assert parsed(is_cancel=truth, latitude="", origin_time="", magunitude="").kind is ReportKind.CANCEL


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"depth": "不明", "magunitude": ""}, (None, None)),
        ({"depth": "ごく浅い", "magunitude": "不明"}, (None, None)),
        ({"depth": 30, "magunitude": "5"}, (30.0, 5.0)),
    ],
)
def test_a_depth_or_magnitude_that_is_no_number_is_unknown(
    changes: dict[str, object], expected: tuple[float | None, ...]
) -> None:
    """It does not cost the report."""
    report = parsed(**changes)
    assert (report.depth_km, report.magnitude) == expected


def test_an_assumed_source_is_known_by_its_values() -> None:
    """Magnitude 1.0 at 10 km, as JMA puts in."""
    assert parsed(magunitude="1.0", depth="10km").is_assumed
    assert not parsed(magunitude="1.0", depth="20km").is_assumed


def test_a_report_time_that_is_not_after_the_origin_is_no_time_of_issue() -> None:
    """As in any feed."""
    assert parsed(report_time="2025/11/09 20:11:26").issue_basis is IssueBasis.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"result": None}, "result", "one JSON object"),
        ({"report_id": ""}, "report_id", "missing required field"),
        ({"report_num": "x"}, "report_num", "a whole number"),
        ({"latitude": ""}, "latitude", "missing required field"),
        ({"longitude": "east"}, "longitude", "a number"),
        ({"origin_time": "2025"}, "origin_time", "a time like 2011-03-11 05:46:45, as 20110311054645"),
        ({"origin_time": "20251309201126"}, "origin_time", "a time like 2011-03-11 05:46:45, as 20110311054645"),
    ],
)
def test_bad_member_is_named(changes: dict[str, object], field: str, expected: str) -> None:
    """The error says which and what it should hold."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(json.dumps(SANRIKU | changes).encode(), file="in.json")
    assert (caught.value.file, caught.value.field, caught.value.expected) == ("in.json", field, expected)


def test_what_is_written_is_as_the_service_writes_it() -> None:
    """But for the greatest intensity, which a report does not have; a test is refused."""
    written = json.loads(render(parsed()))
    assert written == SANRIKU | {"calcintensity": ""}
    with pytest.raises(InputError):
        render(msgspec.structs.replace(parsed(), status=AlertStatus.TEST))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h/{JST:%Y%m%d%H%M%S}.json", "http://h/20251109201143.json"),
        ("http://h/{JST-1s:%Y%m%d/%Y%m%d%H%M%S}.json", "http://h/20251109/20251109201142.json"),
        ("http://h/{UTC+86400s:%Y-%m-%d}?at={UTC:%H:%M:%S}", "http://h/2025-11-10?at=11:11:43"),
        ("http://h/a?b=%C3%A9", "http://h/a?b=%C3%A9"),
    ],
)
def test_the_time_stands_in_the_address(url: str, expected: str) -> None:
    """In its zone, moved by its shift; what is in no braces stays."""
    address = Address.parse(url)
    assert address.url_at(ISSUED_AT + timedelta(milliseconds=900)) == expected
    assert address.is_timed is ("{" in url)


@pytest.mark.parametrize(
    "url",
    ["http://h/{}", "http://h/{time}", "http://h/{JST}", "http://h/{CET:%Y}", "http://h/{JST:%Q}", "http://h/{JST:%Y"],
)
def test_braces_that_hold_no_time_are_refused(url: str) -> None:
    """The error shows how it is written."""
    with pytest.raises(InputError, match=r"like \{JST:%Y%m%d%H%M%S\}"):
        Address.parse(url)


async def answers_of(server: HttpServer, *seconds: str) -> list[dict[str, Any] | int]:
    """Return what a server answers for seconds: what it says, or its status."""
    found: list[dict[str, Any] | int] = []
    async with aiohttp.ClientSession() as session:
        for second in seconds:
            async with session.get(f"{server.url.partition('{')[0]}{second}.json") as answer:
                found.append(await answer.json() if answer.status == 200 else answer.status)
    return found


async def test_the_fake_server_answers_what_stood_at_the_second() -> None:
    """Nothing before the first report and 3 minutes after the last; of the future and of no time there is no page."""
    later = msgspec.structs.replace(parsed(), report_no=2, issued_at=ISSUED_AT + timedelta(seconds=10))
    async with HttpServer(manner=manner_of("kmoni")) as server:
        await server.publish(render(parsed()))
        await server.publish(render(later))
        ahead = second_text(datetime.now(UTC) + timedelta(hours=1))
        asked = ["20251109201142", "20251109201143", "20251109201152", "20251109201153", "20251109201454", ahead, "x"]
        before, first, last_of_first, second, after, *missing = await answers_of(server, *asked)
    for silent in (before, after):
        assert isinstance(silent, dict)
        assert silent["result"]["message"] == "データがありません"
        assert parse(json.dumps(silent).encode()) == (Heartbeat("jma"),)
    numbers = [(each["report_num"], each["request_time"]) for each in (first, last_of_first, second)]  # type: ignore[index]  # they are answers
    assert numbers == [("1", asked[1]), ("1", asked[2]), ("2", asked[3])]
    assert missing == [404, 404]


async def test_each_second_is_asked_for_once(manual_clock: ManualClock) -> None:
    """On the second, whenever it began."""
    start_at = ISSUED_AT + timedelta(milliseconds=300)

    def wall() -> datetime:
        return start_at + timedelta(seconds=manual_clock.mono_s())

    async with HttpServer(manner=manner_of("kmoni")) as server:
        await server.publish(render(parsed()))
        address = Address.parse(server.url)
        signals = http.messages(address, clock=manual_clock, interval_s=1.0, timeout_s=5, max_bytes=9999, wall=wall)
        async with aclosing(signals):
            assert await anext(signals) is Sign.OPENED
            got = [await anext(signals)]
            # Each time 0.01 s too long.
            for wait_s in (0.7, 0.99, 0.99):
                coming = asyncio.ensure_future(anext(signals))
                while not manual_clock.n_sleeping:  # noqa: ASYNC110 - until a real server has answered
                    await asyncio.sleep(0)
                await manual_clock.advance(wait_s - 0.01)
                assert not coming.done()
                await manual_clock.advance(0.02)
                got.append(await coming)
    seconds = [json.loads(each.data)["request_time"] for each in got if isinstance(each, ReceivedMessage)]
    assert seconds == [f"202511092011{second}" for second in (42, 43, 44, 45)]


async def test_a_page_that_is_not_there_yet_is_no_failure() -> None:
    """Once there was one: an address that is wrong is."""
    at = [ISSUED_AT, datetime.now(UTC) + timedelta(hours=1)]
    async with HttpServer(manner=manner_of("kmoni")) as server:
        address = Address.parse(server.url)
        for times, expected in ((at, Sign.ANSWERED), (at[::-1], None)):
            coming = iter(times)
            signals = http.messages(
                address,
                clock=SystemClock(),
                interval_s=0.05,
                timeout_s=5.0,
                max_bytes=9999,
                wall=functools.partial(next, coming, at[1]),
            )
            async with aclosing(signals):
                if expected is None:
                    with pytest.raises(ConnectionError, match="404"):
                        await anext(signals)
                else:
                    assert [type(await anext(signals)) for _ in range(2)] == [Sign, ReceivedMessage]
                    assert await anext(signals) is expected


async def test_reports_that_stand_for_seconds_are_handed_on_once() -> None:
    """However often they are answered; without one the feed is alive all the same."""
    now_at = datetime.now(UTC).replace(microsecond=0)
    first = msgspec.structs.replace(
        parsed(), issued_at=now_at - timedelta(seconds=5), origin_at=now_at - timedelta(seconds=20)
    )
    async with HttpServer(manner=manner_of("kmoni")) as server:
        feed = Feed("test", server.url, "kmoni", clock=SystemClock())
        feed._interval_s = 0.02
        got: list[EventReport] = []

        async def listen() -> None:
            async with aclosing(feed.reports()) as coming:
                async for report in coming:
                    got.append(report)  # noqa: PERF401 - seen from outside as they come

        listening = asyncio.create_task(listen())
        while feed.counts.n_heartbeats < 2:  # noqa: ASYNC110 - until a real server has answered
            await asyncio.sleep(0)
        await server.publish(render(first))
        while feed.counts.n_duplicate < 3:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert [(report.event_id, report.report_no) for report in got] == [("20251109201130", 1)]
    assert feed.counts.n_rejected == feed.counts.n_reconnects == 0
