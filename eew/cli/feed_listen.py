"""``eew feed listen``: the reports of feeds, files and standard input, one line each."""

import argparse
import asyncio
import sys
from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eew.feed.intake import IntakeResult
    from eew.feed.source import Feed
    from eew.model.records import EventReport

__all__ = ["configure", "run"]

#: Of a text from outside.
_LONGEST_TEXT = 200
_HINT = "choose it with --format"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="URL|FILE",
        help="mqtt(s)://host[:port][/topic], ws(s)://…, http(s)://… (the time in it as {JST:%%Y%%m%%d%%H%%M%%S}), "
        "dmdata://api.dmdata.jp, a folder, files, or - for standard input",
    )
    parser.add_argument("--format", default="native", metavar="F", help="the wire format (default: native)")
    parser.add_argument("--json", action="store_true", help="print native reports, as 'eew replay -' reads them")
    parser.add_argument("--count", metavar="N", help="end after so many reports")
    parser.add_argument("--for", dest="for_s", metavar="S", help="end after so many seconds")
    parser.add_argument("--within", default="10", metavar="S", help="a URL must be reached in this (default: 10)")
    parser.add_argument("--send", metavar="TEXT", help="WebSocket: the first message to the server")
    parser.add_argument("--key-file", metavar="FILE", help="DMDATA: the file of your key (default: EEW_DMDATA_KEY)")
    parser.add_argument("--interval", metavar="S", help="HTTP: how often to ask (default: every 1 or 2 s, by format)")
    parser.add_argument("--silent-after", metavar="S", help="say so when nothing comes for this long")
    parser.add_argument("--max-age", metavar="S", help="leave out reports issued longer ago")


def run(arguments: argparse.Namespace) -> int:
    """Listen; return 0, 1 when something of a file was rejected, 3 when a URL was not reached, 130 on Ctrl-C."""
    from eew.feed.intake import Intake
    from eew.feed.source import Feed, FeedOptions
    from eew.feed.transports.address import Address
    from eew.feed.wire_format import wire_format
    from eew.model.clock import SystemClock
    from eew.model.option_number import number_of, whole_number_of

    def seconds(text: str | None, option: str) -> float | None:
        return None if text is None else number_of(text, option, 0.0)

    options = FeedOptions(
        send=arguments.send,
        key_file=arguments.key_file,
        interval_s=None if arguments.interval is None else number_of(arguments.interval, "--interval", 0.05),
        silent_after_s=seconds(arguments.silent_after, "--silent-after"),
        max_age_s=seconds(arguments.max_age, "--max-age"),
    )
    count = None if arguments.count is None else whole_number_of(arguments.count, "--count", 1)
    for_s = seconds(arguments.for_s, "--for")
    within_s = number_of(arguments.within, "--within", 0.0)
    clock = SystemClock()
    # Files are one feed's messages: what one says of an earthquake is remembered in the next.
    stored = Intake(wire_format(arguments.format), options.max_age_s, lambda: datetime.now(UTC))
    feeds = []
    for source in arguments.sources:
        address = Address.parse(source)
        intake = None if address.is_live else stored
        feeds.append(Feed(str(address), source, arguments.format, options, clock=clock, intake=intake))
    printer = _Printer(arguments.json, count)
    return interrupt.run(_listen(feeds, printer, for_s, within_s))


async def _listen(feeds: "Sequence[Feed]", printer: "_Printer", for_s: float | None, within_s: float) -> int:
    from eew.cli.stop import install_stop_signals
    from eew.model.system.cancellation import cancel_and_wait

    finite = [feed for feed in feeds if not feed.address.is_live]
    live = [feed for feed in feeds if feed.address.is_live]
    stop = asyncio.create_task(install_stop_signals().wait(), name="stop signal")
    listening = asyncio.create_task(_all(finite, live, printer), name="listening")
    missing = asyncio.create_task(_unreached(live, within_s), name="unreached")
    ends: set[asyncio.Task[Any]] = {stop, listening, missing}
    try:
        done, _ = await asyncio.wait(ends, timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
        if listening in done:
            await listening
    finally:
        await cancel_and_wait(*ends)
    printer.print_counters(finite, live)
    if missing in done:
        feed = missing.result()
        reason = feed.problem or feed.state
        sys.stderr.write(f"eew feed: {feed.address} was not reached within {within_s:g} s: {reason}\n")
        return ExitStatus.UNREACHABLE
    if listening not in done and stop in done:
        return ExitStatus.INTERRUPTED
    return ExitStatus.FAILED if any(feed.counts.n_rejected for feed in finite) else ExitStatus.DONE


async def _all(finite: "Sequence[Feed]", live: "Sequence[Feed]", printer: "_Printer") -> None:
    """Read the files one after the other, listen to the rest meanwhile; end when all have, or enough is printed."""

    async def read() -> None:
        for feed in finite:
            await printer.follow(feed)

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read(), name="files")
            for feed in live:
                tasks.create_task(printer.follow(feed), name=feed.name)
    except ExceptionGroup as group:
        first = group.exceptions[0]
        if not isinstance(first, _Enough):
            raise first from None


async def _unreached(live: "Sequence[Feed]", within_s: float) -> "Feed":
    """Return a feed that is not reached in time; wait for ever when all are."""
    try:
        async with asyncio.timeout(within_s):
            for feed in live:
                await feed.was_reached.wait()
    except TimeoutError:
        return next(feed for feed in live if not feed.was_reached.is_set())
    await asyncio.Event().wait()
    raise AssertionError("it waits for ever")


class _Enough(Exception):  # noqa: N818 - it is no error
    """As many reports were printed as asked for."""


class _Printer:
    """Prints reports on standard output and everything else on standard error."""

    def __init__(self, is_json: bool, count: int | None) -> None:
        self._is_json = is_json
        self._n_left = count

    async def follow(self, feed: "Feed") -> None:
        """Print what becomes of a feed's messages, to its end; raise ``_Enough`` when enough is printed."""
        n_parsed = feed.counts.n_parsed
        async with aclosing(feed.outcomes()) as outcomes:
            async for outcome in outcomes:
                if feed.counts.n_parsed == n_parsed and (said := await _other(feed, outcome)):
                    sys.stderr.write(f"{outcome.disposition}: {said}\n")
                    if outcome.name != feed.address.target:
                        # Nor are its other lines messages.
                        return
                    continue
                self._show(outcome)
                if self._n_left == 0:
                    raise _Enough

    def print_counters(self, finite: "Sequence[Feed]", live: "Sequence[Feed]") -> None:
        """Print what came in: one line for all files, and one for each feed."""
        rows = [(str(feed.address), feed.state.value, feed.counts) for feed in live]
        if finite:
            is_over = all(feed.state == "over" for feed in finite)
            rows.insert(0, (_files(finite), "over" if is_over else "not read to the end", finite[0].counts))
        for name, state, counts in rows:
            numbers = (
                f"{word} {getattr(counts, f'n_{word}')}"
                for word in ("received", "parsed", "heartbeats", "ignored", "rejected", "late", "duplicate")
            )
            again = f", tries to connect again {counts.n_reconnects}" if counts.n_reconnects else ""
            sys.stderr.write(f"{name} ({state}{again}): {', '.join(numbers)}\n")
            if unknown := Counter[str](counts.n_unknown_by_name):
                listed = ", ".join(f"{member} {n}" for member, n in unknown.most_common())
                sys.stderr.write(f"  members that nobody knows, ignored: {listed}\n")
        sys.stderr.flush()

    def _show(self, outcome: "IntakeResult") -> None:
        from eew.feed.formats.native import encode_report
        from eew.feed.parsed import Ignored
        from eew.model.errors import ReportDecodeError
        from eew.model.records import EventReport
        from eew.view.line import print_line

        what = outcome.what
        if isinstance(what, EventReport):
            told = f"{what.status.mark}report {what.report_no} of {what.event_id}"
            if outcome.disposition == "parsed":
                if self._is_json:
                    print(encode_report(what).decode(), flush=True)
                else:
                    print_line(_line(what))
                if self._n_left is not None:
                    self._n_left -= 1
            else:
                sys.stderr.write(f"{outcome.disposition}: {told} ({_printable(outcome.name)})\n")
        elif isinstance(what, ReportDecodeError):
            sys.stderr.write(f"rejected: {what}\n")
        elif isinstance(what, Ignored):
            sys.stderr.write(f"ignored: {_printable(outcome.name)}: {_printable(what.reason)}\n")


async def _other(feed: "Feed", outcome: "IntakeResult") -> str | None:
    """Say what a file looks like that is not of its feed's format; ``None`` where that cannot be told."""
    from eew.feed.format_detection import likeness, with_likeness
    from eew.feed.parsed import Ignored
    from eew.feed.transports.address import Via
    from eew.model.errors import ReportDecodeError

    what = outcome.what
    if feed.address.via is not Via.FILE or not isinstance(what, ReportDecodeError | Ignored):
        return None
    data = await asyncio.to_thread(_content, Path(feed.address.target))
    if isinstance(what, Ignored):
        said = likeness(data, feed.format_name)
        return None if said is None else f"{_printable(outcome.name)}: {_printable(what.reason)}; {said} ({_HINT})"
    error = ReportDecodeError("", file=feed.address.target)
    other = with_likeness(error, feed.format_name, data, hint=_HINT)
    return None if other is error else str(other)


def _content(path: Path) -> bytes:
    """Return what a file holds; nothing of a pipe, and of what is longer than any message."""
    from eew.feed.format_detection import MAX_BYTES

    return path.read_bytes() if path.is_file() and path.stat().st_size <= MAX_BYTES else b""


def _files(finite: "Sequence[Feed]") -> str:
    return str(finite[0].address) if len(finite) == 1 else f"{len(finite)} files"


def _line(report: "EventReport") -> str:
    """Return a report as a person reads it."""
    from eew.model.records import IssueBasis
    from eew.model.units import iso_utc

    issued = iso_utc(report.issued_at, 1)
    if report.issue_basis is not IssueBasis.STATED:
        is_received = report.issue_basis is IssueBasis.RECEIVED
        issued = f"{issued} (received)" if is_received else "(issue time unknown)"
    words = [issued, report.source, report.event_id, f"report {report.report_no}", report.kind]
    if report.status.mark:
        words.append(report.status.mark.rstrip())
    if report.magnitude is not None:
        words.append(f"{_printable(report.magnitude_type or 'M')} {report.magnitude:.1f}")
    if report.lat_deg is not None and report.lon_deg is not None:
        words.append(f"at {report.lat_deg:.3f},{report.lon_deg:.3f}")
    if report.depth_km is not None:
        words.append(f"{report.depth_km:g} km deep")
    if report.origin_at is not None:
        words.append(f"origin {iso_utc(report.origin_at, 1)}")
    if report.is_assumed:
        words.append("(assumed hypocentre)")
    if report.areas:
        words.append(f"{len(report.areas)} areas")
    if report.place:
        words.append(_printable(report.place))
    return " ".join(words)


def _printable(text: str) -> str:
    """Return a text from outside that a terminal may be shown: no control characters, no page of it."""
    from eew.model.units import printable

    return printable(text[:_LONGEST_TEXT])
