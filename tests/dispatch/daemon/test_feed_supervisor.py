"""Several feeds into one queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eew.dispatch.daemon.config import FeedConfig
from eew.dispatch.daemon.feed_supervisor import FeedSupervisor
from eew.feed.formats.native import encode_report
from eew.feed.scenario import load_scenario, scenario_path
from eew.feed.source import Feed, FeedState
from eew.model.clock import ManualClock

REPORTS = load_scenario(scenario_path("bungo-2024")).reports[:3]


@asynccontextmanager
async def supervising(*feeds: Feed) -> AsyncIterator[FeedSupervisor]:
    """Attach feeds, and detach them at the end."""
    supervisor = FeedSupervisor(ManualClock())
    for feed in feeds:
        supervisor.attach(FeedConfig(name=feed.name, url=str(feed.address)), feed)
    try:
        yield supervisor
    finally:
        await supervisor.detach([feed.name for feed in feeds])


async def taken(supervisor: FeedSupervisor) -> list[tuple[str, int]]:
    """Return feed and number of the reports that come."""
    received = [await supervisor.queue.get() for _ in REPORTS]
    return [(each.feed, each.report.report_no) for each in received if each is not None]


async def test_one_feed_that_fails_does_not_stop_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that has gone, a server that is not there, and a good file, whose reports come in their order."""
    gone, good = tmp_path / "gone.jsonl", tmp_path / "good.jsonl"
    for path in (gone, good):
        path.write_bytes(b"\n".join(map(encode_report, REPORTS)))
    clock = ManualClock()
    feeds = [
        Feed("gone", str(gone), "native", clock=clock),
        Feed("lost", "ws://127.0.0.1:9/", "native", clock=clock),
        Feed("good", str(good), "native", clock=clock),
    ]
    gone.unlink()
    async with asyncio.timeout(10), supervising(*feeds) as supervisor:
        ended = asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() in {"feed gone", "feed good"}))
        assert await taken(supervisor) == [("good", report.report_no) for report in REPORTS]
        await ended
        assert supervisor.queue.empty()
        # It is tried for ever.
        assert feeds[1].state in {FeedState.CONNECTING, FeedState.LOST}
    assert [feed.state for feed in feeds[::2]] == [FeedState.FAILED, FeedState.OVER]
    assert "feed.failed name=gone" in caplog.text
    assert feeds[1].counts.n_parsed == 0
