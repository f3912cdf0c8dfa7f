"""Recorded reports let out at the pace they were issued, and live ones as they come on standard input."""

import asyncio
import concurrent.futures
import logging
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from eew.feed.formats.native import decode_report
from eew.feed.intake import kind_of
from eew.feed.name_counter import Tally
from eew.model.clock import Clock
from eew.model.errors import ReportDecodeError
from eew.model.records import EventReport
from eew.model.system.cancellation import cancel_and_wait

__all__ = ["MAX_LINE_BYTES", "FeedCounter", "Pace", "decoded", "lines_of", "replay", "until"]

logger = logging.getLogger(__name__)

#: A longer line is no report; it is cut there and refused.
MAX_LINE_BYTES = 1_000_000
#: Issue times are known to a microsecond; waiting for less would only spin.
_TICK_S = 1e-6


@dataclass(slots=True)
class Pace:
    """How far a replay has come: what a view looks at."""

    speed: float
    n_reports: int
    #: That are out.
    n_out: int = 0
    #: When the next one was issued, and when it comes out; ``None`` before the first and after the last.
    next_issued_at: datetime | None = None
    next_due_mono_s: float = 0.0

    def event_at(self, mono_s: float) -> datetime | None:
        """Return what time it is for the earthquake, between two reports; else ``None``."""
        if self.next_issued_at is None:
            return None
        wait_s = self.next_in_s(mono_s) or 0.0
        return self.next_issued_at - timedelta(seconds=wait_s * self.speed if wait_s else 0.0)

    def next_in_s(self, mono_s: float) -> float | None:
        """Return in how many seconds the next report comes, 0 if it is late; ``None`` where there is none."""
        return None if self.next_issued_at is None else max(0.0, self.next_due_mono_s - mono_s)


async def replay(
    reports: Sequence[EventReport], clock: Clock, speed: float, pace: Pace | None = None
) -> AsyncGenerator[EventReport]:
    """Let reports out as far apart as they were issued, the first at once.

    Parameters
    ----------
    reports
        In the order in which they are to come out.
    clock
        What to wait on.
    speed
        How many times faster than real; ``math.inf`` for no waiting at all.
    pace
        Is kept true.

    Notes
    -----
    Each report is due at an instant counted from the first one, so a consumer that was late for one is not late for
    the next. None comes out before it is due. One issued before its predecessor follows it at once. Cancelled while
    waiting, it leaves nothing behind.
    """
    if not speed > 0:
        raise ValueError(f"speed must be above 0, not {speed!r}")
    start_mono_s = clock.mono_s()
    for report in reports:
        due_mono_s = start_mono_s + (report.issued_at - reports[0].issued_at).total_seconds() / speed
        if pace is not None:
            pace.next_issued_at, pace.next_due_mono_s = report.issued_at, due_mono_s
        while (wait_s := due_mono_s - clock.mono_s()) > _TICK_S:
            await clock.sleep(wait_s)
        if pace is not None:
            pace.n_out += 1
        yield report
    if pace is not None:
        pace.next_issued_at = None


async def until(reports: AsyncIterable[EventReport], stop: asyncio.Event) -> AsyncGenerator[EventReport]:
    """Let reports through until there are no more, or none is wanted; the one that is waited for is given up then."""
    incoming = aiter(reports)

    async def following() -> EventReport | None:
        return await anext(incoming, None)

    stopping = asyncio.create_task(stop.wait(), name="stop signal")
    try:
        while True:
            coming = asyncio.create_task(following(), name="next report")
            try:
                await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not coming.done():
                    await cancel_and_wait(coming)
            if stop.is_set() or (report := coming.result()) is None:
                return
            yield report
    finally:
        await cancel_and_wait(stopping)


@dataclass(slots=True)
class FeedCounter:
    """What came in; of what names itself, only so many kinds are told apart."""

    n_reports: int = 0
    #: Refused lines by the member that was wrong ("" where the line was not a JSON object).
    n_refused: Tally = field(default_factory=Tally)
    #: Members that nobody knows, by name.
    n_unknown: Tally = field(default_factory=Tally)


async def decoded(lines: AsyncIterable[bytes], counter: FeedCounter) -> AsyncGenerator[EventReport]:
    """Read each line as it comes; a bad one is counted, logged once a kind, and skipped.

    A live feed has its own pace: nothing is waited for, whatever the issue times say.
    """
    async for line in lines:
        if not line.strip():
            continue
        try:
            report = decode_report(line, unknown=counter.n_unknown)
        except ReportDecodeError as error:
            if counter.n_refused.note(kind_of(error)):
                logger.warning("report.refused %s (further ones of this kind are only counted)", error)
            continue
        counter.n_reports += 1
        yield report


async def lines_of(descriptor: int) -> AsyncGenerator[bytes]:
    """Read the lines of an open file descriptor (a pipe, a terminal, a file) without blocking the loop.

    A thread reads ahead by one piece of at most 64 KiB. If cancelled, that thread ends after its next read or with
    the process; what it has read ahead is lost.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
    is_over = threading.Event()

    def put(line: bytes | None) -> None:
        if is_over.is_set():
            return
        coroutine = queue.put(line)
        try:
            asyncio.run_coroutine_threadsafe(coroutine, loop).result()
        except (RuntimeError, concurrent.futures.CancelledError):
            # The loop has gone, and with it whoever wanted the lines.
            coroutine.close()
            is_over.set()

    def pump() -> None:
        for line in _pieces(descriptor):
            put(line)
            if is_over.is_set():
                return
        put(None)

    threading.Thread(target=pump, name="feed-lines", daemon=True).start()
    try:
        while (line := await queue.get()) is not None:
            yield line
    finally:
        is_over.set()
        while not queue.empty():
            queue.get_nowait()


def _pieces(descriptor: int) -> Iterator[bytes]:
    """Yield the lines of a descriptor, without their ends, until it is at its end or lost."""
    rest = b""
    chunk = b"first"
    while chunk:
        try:
            # The bare descriptor, not sys.stdin: its lock, held by a thread, would abort the interpreter's exit.
            chunk = os.read(descriptor, 65536)
        except OSError as error:
            logger.warning("feed.lost %s", error)
            chunk = b""
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if rest and (not chunk or len(rest) > MAX_LINE_BYTES):
            yield rest
            rest = b""
