"""Reports of a scenario played on a fake server, in an agency's format, with scripted faults."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from eew.feed.playback import replay
from eew.feed.servers.server import Server
from eew.feed.wire_format import WireFormat, wire_format
from eew.model.clock import Clock
from eew.model.errors import InputError
from eew.model.records import EventReport, ReportKind
from eew.model.units import iso_utc

__all__ = ["FeedFault", "Part", "Script", "moved", "parts_of", "play"]

#: As often as services do that send heartbeats.
_HEARTBEAT_S = 60.0
_SLOW_S = 2.0
#: How long the last message is offered to nobody; a feed that was cut off is back within half of this.
_LINGER_S = 60.0


class FeedFault(StrEnum):
    """How a server misbehaves."""

    DROP = "drop"
    GARBAGE = "garbage"
    REPEAT = "repeat"
    SILENT = "silent"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Script:
    """After every ``every`` messages the server misbehaves in all these ways."""

    faults: Collection[FeedFault] = ()
    every: int = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A report and how the agency writes it."""

    report: EventReport
    data: bytes


def parts_of(reports: Sequence[EventReport], format_name: str) -> tuple[list[Part], list[str]]:
    """Write reports in a format.

    Returns
    -------
    parts
        What can be said in it.
    left_out
        What cannot, and why: some formats know no cancel.
    """
    form = wire_format(format_name)
    parts, left_out = [], []
    for report in reports:
        data = _rendered(form, report)
        if data is None:
            left_out.append(f"{_named(report)}: {format_name} cannot say it")
        else:
            parts.append(Part(report, data))
    return parts, left_out


def _named(report: EventReport) -> str:
    return f"{report.status.mark}report {report.report_no} of {report.event_id} ({report.kind})"


def _rendered(form: WireFormat, report: EventReport) -> bytes | None:
    """Return a message, or ``None`` where the format cannot say what it is."""
    try:
        data = form.render(report)
        read = form.parse(data)
    except (InputError, ValueError):
        return None
    is_cancel = report.kind is ReportKind.CANCEL
    told = [part for part in read if isinstance(part, EventReport)]
    return data if told and (told[0].kind is ReportKind.CANCEL) == is_cancel else None


def moved(reports: Sequence[EventReport], first_issued_at: datetime) -> tuple[EventReport, ...]:
    """Return the same reports as if the first were issued at that instant."""
    by = first_issued_at - reports[0].issued_at

    def later(at: datetime | None) -> datetime | None:
        return None if at is None else at + by

    return tuple(
        msgspec.structs.replace(
            report,
            issued_at=report.issued_at + by,
            origin_at=later(report.origin_at),
            detected_at=later(report.detected_at),
            areas=None
            if report.areas is None
            else tuple(msgspec.structs.replace(area, s_arrival_at=later(area.s_arrival_at)) for area in report.areas),
        )
        for report in reports
    )


async def play(
    server: Server,
    parts: Sequence[Part],
    *,
    clock: Clock,
    speed: float,
    script: Script = Script(),
    heartbeat: Callable[[datetime], bytes] | None = None,
    said: Callable[[str], None] = lambda _: None,
) -> None:
    """Offer messages as far apart as their reports were issued; return when they have been read.

    Parameters
    ----------
    server
        Running.
    parts
        At least one.
    clock, speed
        As for ``replay``.
    script
        How the server misbehaves.
    heartbeat
        What it says each minute besides.
    said
        Told each thing that is done.
    """
    data_of = {id(part.report): part.data for part in parts}
    beating = asyncio.create_task(_beat(server, clock, heartbeat), name="fake feed: heartbeat")
    try:
        async with aclosing(replay([part.report for part in parts], clock, speed)) as due:
            n_sent = 0
            async for report in due:
                data = data_of[id(report)]
                n_sent += 1
                is_turn = n_sent % script.every == 0
                if is_turn and FeedFault.SLOW in script.faults:
                    said(f"slow: holding back {report.status.mark}report {report.report_no} for {_SLOW_S:g} s")
                    await clock.sleep(_SLOW_S)
                await server.publish(data)
                said(f"{iso_utc(report.issued_at)} {_named(report)}")
                if is_turn:
                    await _misbehave(server, script, data, said)
        await _until_read(server)
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _misbehave(server: Server, script: Script, data: bytes, said: Callable[[str], None]) -> None:
    if FeedFault.REPEAT in script.faults:
        said("repeat: the last message again")
        await server.publish(data)
    if FeedFault.GARBAGE in script.faults:
        said("garbage: half a message")
        await server.garble(data[: len(data) // 2] + b"\xff\x00")
    if FeedFault.DROP in script.faults:
        said("drop: cutting the connections")
        await _until_read(server)
        server.drop()
    if FeedFault.SILENT in script.faults:
        said("silent: no word any more to who is connected")
        await _until_read(server)
        server.hush()


async def _until_read(server: Server) -> None:
    """Wait until what was offered has been read, but not for ever: whoever reads may have gone for good."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(server.drained(), _LINGER_S)


async def _beat(server: Server, clock: Clock, heartbeat: Callable[[datetime], bytes] | None) -> None:
    while heartbeat is not None:
        await server.beat(heartbeat(datetime.now(UTC)))
        await clock.sleep(_HEARTBEAT_S)
