"""Scenarios played as services of the web, which are asked, streamed or answered: heard unchanged."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from eew.feed.formats.native import decode_report, encode_report
from eew.feed.scenario import load_scenario, scenario_path
from eew.model.records import EventReport

REPORTS = load_scenario(scenario_path("bungo-2024")).reports


@asynccontextmanager
async def running(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "eew", "feed", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def address_of(server: asyncio.subprocess.Process) -> str:
    assert server.stdout is not None
    line = (await server.stdout.readline()).decode().strip()
    assert line, (await server.communicate())[1].decode()
    return line


async def heard(url: str, format_name: str, count: int, *words: str) -> tuple[list[EventReport], str]:
    """Return the reports that a listener prints, and what it says besides."""
    async with running("listen", url, "--format", format_name, "--json", "--count", str(count), *words) as listener:
        out, err = await listener.communicate()
        assert listener.returncode == 0, err.decode()
    return [decode_report(line) for line in out.splitlines()], err.decode()


def core(report: EventReport) -> tuple[object, ...]:
    """Return whose report it is, and its times to the second."""
    times = (report.origin_at, report.issued_at)
    return report.event_id, report.report_no, report.kind, *(at and at.replace(microsecond=0) for at in times)


async def test_a_scenario_streamed_as_exptech_is_heard_whole() -> None:
    """The server ends when it has been read."""
    async with running("serve", "bungo-2024", "--as", "exptech", "--over", "http", "--speed", "max") as server:
        url = await address_of(server)
        reports, err = await heard(f"{url}?sse=1", "exptech", len(REPORTS))
        assert await server.wait() == 0
    assert [core(each)[:2] for each in reports] == [core(each)[:2] for each in REPORTS]
    assert "rejected 0" in err


async def test_a_scenario_served_as_kmoni_is_heard_as_it_is_asked_for_second_by_second(tmp_path: Path) -> None:
    """With times of now, since the time is part of the address that the server prints."""
    path = tmp_path / "three.jsonl"
    first_at = REPORTS[0].issued_at
    played = [
        msgspec.structs.replace(report, issued_at=first_at + timedelta(seconds=number))
        for number, report in enumerate(REPORTS[:3])
    ]
    path.write_bytes(b"\n".join(map(encode_report, played)))
    async with running("serve", str(path), "--as", "kmoni", "--over", "http", "--now") as server:
        url = await address_of(server)
        assert url.endswith("/webservice/hypo/eew/{JST-1s:%Y%m%d%H%M%S}.json")
        reports, err = await heard(url, "kmoni", 3)
        assert await server.wait() == 0
    assert [core(each)[:2] for each in reports] == [core(each)[:2] for each in played]
    waits_s = [(each.issued_at - reports[0].issued_at).total_seconds() for each in reports]
    assert waits_s == [0.0, 1.0, 2.0]
    assert "rejected 0" in err


async def test_a_past_that_nobody_asks_for_is_told(tmp_path: Path) -> None:
    """Of a service that is asked by the second, unless its reports are moved to now."""
    path = tmp_path / "one.jsonl"
    path.write_bytes(encode_report(REPORTS[0]))
    async with running("serve", str(path), "--as", "kmoni", "--over", "http") as server:
        await address_of(server)
        assert server.stderr is not None
        assert "with --now the reports are of now" in (await server.stderr.readline()).decode()


@pytest.mark.parametrize(("name", "count"), [("wolfx-cwa", len(REPORTS) - 1), ("fanstudio", len(REPORTS))])
async def test_a_scenario_served_over_a_websocket_is_heard_whole(name: str, count: int) -> None:
    """Wolfx is asked for its last report, which may come twice then, and cannot say the cancel."""
    async with running("serve", "bungo-2024", "--as", name, "--speed", "max") as server:
        url = await address_of(server)
        reports, err = await heard(url, name, count)
        assert await server.wait() == 0
    assert [core(each)[:2] for each in reports] == [core(each)[:2] for each in REPORTS[:count]]
    assert "rejected 0" in err
