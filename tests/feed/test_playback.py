"""Replay: at which instants reports come out, and what a live feed makes of its lines."""

import asyncio
import json
import logging
import math
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from eew.feed.formats.native import decode_report
from eew.feed.name_counter import Tally
from eew.feed.playback import MAX_LINE_BYTES, FeedCounter, Pace, decoded, lines_of, replay, until
from eew.model.clock import ManualClock
from eew.model.records import AlertStatus, EventReport, ReportKind

FIRST_AT = datetime(2011, 3, 11, 5, 46, 45, 600_000, UTC)


def sequence(*after_s: float) -> list[EventReport]:
    return [
        EventReport(
            event_id="e",
            source="s",
            report_no=number,
            kind=ReportKind.CANCEL,
            status=AlertStatus.TEST,
            issued_at=FIRST_AT + timedelta(seconds=after),
        )
        for number, after in enumerate(after_s, start=1)
    ]


async def noted(
    reports: list[EventReport], clock: ManualClock, speed: float, busy_s: dict[int, float] | None = None
) -> list[tuple[int, float]]:
    """Consume a replay, busy for a while with some reports; return which came when."""
    seen = []
    async for report in replay(reports, clock, speed):
        seen.append((report.report_no, clock.mono_s()))
        await clock.sleep((busy_s or {}).get(report.report_no, 0.0))
    return seen


@pytest.mark.parametrize(
    ("speed", "expected"),
    [
        pytest.param(1, [(1, 100.0), (2, 101.0), (3, 101.0), (4, 164.0)], id="real speed"),
        pytest.param(10, [(1, 100.0), (2, 100.1), (3, 100.1), (4, 106.4)], id="ten times"),
        pytest.param(0.5, [(1, 100.0), (2, 102.0), (3, 102.0), (4, 228.0)], id="half"),
        pytest.param(math.inf, [(1, 100.0), (2, 100.0), (3, 100.0), (4, 100.0)], id="max"),
    ],
)
async def test_reports_come_out_at_their_instants(speed: float, expected: list[tuple[int, float]]) -> None:
    """The first comes at once, the others as far apart as they were issued, divided by the speed."""
    clock = ManualClock(100.0)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(noted(sequence(0, 1, 1, 64), clock, speed))
        await clock.advance(200)
    assert [number for number, _ in task.result()] == [number for number, _ in expected]
    assert [at_s for _, at_s in task.result()] == pytest.approx([at_s for _, at_s in expected], abs=1e-6)


async def test_a_pace_tells_the_events_time_and_when_the_next_report_comes(manual_clock: ManualClock) -> None:
    """Between two reports the event's time passes as fast as it is played; after the last there is none."""
    pace = Pace(10.0, 3)
    looks = []

    def look() -> tuple[int, float | None, float | None]:
        mono_s = manual_clock.mono_s()
        event_at, wait_s = pace.event_at(mono_s), pace.next_in_s(mono_s)
        return pace.n_out, wait_s, None if event_at is None else (event_at - FIRST_AT).total_seconds()

    async def consume() -> None:
        async for _ in replay(sequence(0, 8, 20), manual_clock, 10, pace):
            pass

    assert look() == (0, None, None)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consume())
        for step_s in (0.3, 0.5, 1.0, 1.0):
            await manual_clock.advance(step_s)
            looks.append(look())
    assert looks == [
        (1, pytest.approx(0.5), pytest.approx(3.0)),
        (2, pytest.approx(1.2), pytest.approx(8.0)),
        (2, pytest.approx(0.2), pytest.approx(18.0)),
        (3, None, None),
    ]


async def test_report_is_not_out_before_it_is_due(manual_clock: ManualClock) -> None:
    """Just before its instant nothing has come, at its instant it has."""
    seen: list[int] = []

    async def consume() -> None:
        seen.extend([report.report_no async for report in _recorded(replay(sequence(0, 8), manual_clock, 1), seen)])

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consume())
        await manual_clock.advance(7.999)
        assert seen == [1]
        await manual_clock.advance(0.001)
        assert seen[:2] == [1, 2]


async def _recorded(source: AsyncIterator[EventReport], seen: list[int]) -> AsyncIterator[EventReport]:
    async for report in source:
        seen.append(report.report_no)
        yield report


async def test_late_consumer_catches_up_without_drift(manual_clock: ManualClock) -> None:
    """Busy until 5 s, the consumer gets what was due at 1 and 2 at once, and what is due at 8 on time."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(noted(sequence(0, 1, 2, 8), manual_clock, 1, busy_s={1: 5.0}))
        await manual_clock.advance(10)
    assert task.result() == [(1, 0.0), (2, 5.0), (3, 5.0), (4, 8.0)]


async def test_late_start_counts_from_the_first_report() -> None:
    """A replay that begins late is late as a whole, not hurried."""
    clock = ManualClock(0.0)
    source = replay(sequence(0, 4), clock, 1)
    await clock.advance(1000)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(noted_from(source, clock))
        await clock.advance(10)
    assert task.result() == [(1, 1000.0), (2, 1004.0)]


async def noted_from(source: AsyncIterator[EventReport], clock: ManualClock) -> list[tuple[int, float]]:
    return [(report.report_no, clock.mono_s()) async for report in source]


async def test_report_issued_before_its_predecessor_follows_it_at_once(manual_clock: ManualClock) -> None:
    """A file out of order keeps its order."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(noted(sequence(0, 4, 2, 5), manual_clock, 1))
        await manual_clock.advance(10)
    assert task.result() == [(1, 0.0), (2, 4.0), (3, 4.0), (4, 5.0)]


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan])
async def test_speed_must_be_above_zero(speed: float, manual_clock: ManualClock) -> None:
    """A speed that would never end is refused."""
    with pytest.raises(ValueError, match="speed"):
        await anext(replay(sequence(0), manual_clock, speed))


def line(**changes: object) -> bytes:
    members = {
        "event_id": "e",
        "source": "s",
        "report_no": 1,
        "kind": "cancel",
        "status": "test",
        "issued_at": "2011-03-11T05:46:45.6Z",
    }
    return json.dumps(members | changes).encode()


async def given_lines(*lines: bytes) -> AsyncIterator[bytes]:
    for each in lines:
        yield each


async def test_bad_live_reports_are_counted_logged_once_a_kind_and_skipped(caplog: pytest.LogCaptureFixture) -> None:
    """A running feed goes on after bad reports; the log is not flooded."""
    counter = FeedCounter()
    lines = given_lines(
        line(), b"", b"junk", line(kind="x"), line(kind="y"), b"junk", line(report_no=2, extra=1), line(lat_deg=91)
    )
    with caplog.at_level(logging.WARNING, logger="eew.feed"):
        seen = [report.report_no async for report in decoded(lines, counter)]
    assert seen == [1, 2]
    assert counter.n_reports == 2
    assert counter.n_refused == {"": 2, "kind": 2, "lat_deg": 1}
    assert counter.n_unknown == {"extra": 1}
    assert [record.message.partition(" ")[0] for record in caplog.records] == [
        *("report.refused", "report.refused", "report.unknown_member", "report.refused")
    ]


def test_names_from_outside_cannot_fill_the_memory() -> None:
    """Only so many are told apart, by their beginning; all are counted."""
    tally = Tally()
    for number in range(1000):
        tally.note(f"{number}" * 1000)
    assert sum(tally.values()) == 1000
    assert len(tally) == 101
    assert max(map(len, tally)) <= 80


async def test_reports_come_until_none_is_wanted() -> None:
    """The one that is waited for is given up, and its source is told."""
    stop, is_closed = asyncio.Event(), []

    async def source() -> AsyncGenerator[EventReport]:
        try:
            yield decode_report(line())
            await asyncio.Event().wait()
        finally:
            is_closed.append(True)

    seen = []
    async with asyncio.timeout(10):
        async for report in until(source(), stop):
            seen.append(report.report_no)
            asyncio.get_running_loop().call_soon(stop.set)
    assert seen == [1]
    assert is_closed == [True]


async def test_reports_come_to_their_own_end() -> None:
    """Where nobody stops them, and in their order."""
    given = [decode_report(line(report_no=number)) for number in (1, 2, 3)]

    async def source() -> AsyncGenerator[EventReport]:
        for each in given:
            yield each

    assert [each async for each in until(source(), asyncio.Event())] == given


async def test_lines_of_a_pipe_come_as_they_are_written() -> None:
    """A line is out as soon as it is whole; the last needs no end of line."""
    reading, writing = os.pipe()
    try:
        async with aclosing(lines_of(reading)) as lines:
            os.write(writing, b"one\ntw")
            assert await anext(lines) == b"one"
            os.write(writing, b"o\n\nthree")
            os.close(writing)
            assert [each async for each in lines] == [b"two", b"", b"three"]
    finally:
        os.close(reading)


async def test_reading_of_a_pipe_can_be_left() -> None:
    """Leaving early does not wait for the writer and does not hold the loop."""
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo\nthree\nfour\n")
    async with aclosing(lines_of(reading)) as lines:
        assert await anext(lines) == b"one"
    os.close(writing)


async def test_endless_line_is_cut() -> None:
    """A writer that never ends its line cannot fill the memory."""
    reading, writing = os.pipe()
    piece = b"x" * 65536

    def write() -> None:
        for _ in range(2 * MAX_LINE_BYTES // len(piece)):
            os.write(writing, piece)
        os.close(writing)

    async with asyncio.TaskGroup() as tasks, aclosing(lines_of(reading)) as lines:
        tasks.create_task(asyncio.to_thread(write))
        sizes = [len(each) async for each in lines]
    os.close(reading)
    assert max(sizes) <= MAX_LINE_BYTES + len(piece)
    assert len(sizes) >= 2
