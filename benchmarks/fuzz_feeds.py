"""Throw damaged messages at the readers of feeds, for as long as you like.

    python benchmarks/fuzz_feeds.py                       a million messages over all formats
    python benchmarks/fuzz_feeds.py --format jma-xml --messages 20000 --seed 7

Whatever the bytes, a reader answers within 100 ms, raises no error but ReportDecodeError, and keeps no memory. What it
takes for a report can be written as native JSON and read back. Exits 1 where any of that fails, with the smallest
message found that shows it. A message is a function of seed, format and number: a failure comes again.

No coverage-guided fuzzer is needed for this: the readers are Python over parsers in C, their grammar is known, and
mutators that know it reach a format's own checks at once, where random bytes end at the parser's door.
"""

import argparse
import gc
import os
import random
import signal
import sys
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from benchmarks.feed_seeds import made_messages, real_messages, rendered_messages, service_messages
from benchmarks.mutation import mutated
from eew.feed.formats.native import decode_report, encode_report
from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.wire_format import FORMATS, WireFormat, wire_format
from eew.model.errors import ReportDecodeError
from eew.model.records import EventReport
from eew.model.system.memory import anonymous_resident_bytes, set_mmap_threshold

__all__ = ["LIMIT_S", "Failed", "check", "main"]

#: A message takes no longer, processor time of this thread: what other programs do does not count.
LIMIT_S: Final = 0.1
#: A reader is stopped after so long, s.
HANG_S: Final = 5
#: What a run may hold more at its end than after its first tenth; messages of a megabyte leave gaps.
GROWTH_BYTES: Final = 32 << 20
#: What so many messages may leave behind in Python's own memory.
KEPT_BYTES: Final = 256 << 10
N_TRACED: Final = 1000
#: How long a failing message is made smaller, s.
SHRINK_S: Final = 10
#: An error's text is for a log.
MAX_ERROR_TEXT: Final = 1000


class Failed(Exception):  # noqa: N818 - it is no error of the product, but a finding
    """A reader did with a message what it must not; the text says what, the same for the same fault."""


class _Hang(BaseException):
    """A reader does not come back."""


@dataclass(slots=True)
class _Tally:
    """What became of the messages of one format."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    elapsed_s: float = 0.0
    parse_s: float = 0.0
    grown_bytes: int = 0
    kept_bytes: int = 0
    #: The first message that shows each fault.
    message_by_fault: dict[str, bytes] = field(default_factory=dict)


def check(wire: WireFormat, data: bytes) -> tuple[str, float]:
    """Read a message; return what it was taken for and how long that took, s of processor time.

    Raises
    ------
    Failed
        If the reader does what it must not.
    """
    start_s = time.thread_time()
    try:
        found = wire.parse(data)
    except ReportDecodeError as error:
        taken_s = time.thread_time() - start_s
        text = str(error)
        if len(text) > MAX_ERROR_TEXT:
            raise Failed(f"an error text of more than {MAX_ERROR_TEXT} characters") from error
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Failed("an error text that is not Unicode") from error
        return "rejected", taken_s
    except _Hang as error:
        raise Failed(f"still busy after {HANG_S} s at {_place(error)}") from error
    except Exception as error:
        raise Failed(f"{type(error).__name__} at {_place(error)}") from error
    taken_s = time.thread_time() - start_s
    if not found:
        raise Failed("an empty answer")
    for parsed in found:
        if isinstance(parsed, EventReport):
            _check_report(parsed)
        elif not isinstance(parsed, Heartbeat | Ignored):
            raise Failed(f"neither report, heartbeat nor ignored: {type(parsed).__name__}")
    return type(found[0]).__name__.lower().removeprefix("event"), taken_s


def _check_report(report: EventReport) -> None:
    """Raise ``Failed`` unless native JSON says the report alike: all its numbers are numbers, all its texts Unicode."""
    try:
        again = decode_report(encode_report(report))
    except Exception as error:
        raise Failed(f"a report that native JSON cannot say: {type(error).__name__}") from error
    names = [name for name in report.__struct_fields__ if getattr(report, name) != getattr(again, name)]
    if names:
        raise Failed(f"a report that native JSON does not say alike: {', '.join(names)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz; return 0, or 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000, help="over all formats (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=3600, help="stop after so long (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--format", action="append", choices=tuple(FORMATS), help="only this one; may be repeated")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="write the smallest failing messages there")
    arguments = parser.parse_args(argv)
    names: list[str] = arguments.format or list(FORMATS)
    root = Path(__file__).resolve().parent.parent
    reference_data = Path(os.environ.get("EEW_REFERENCE_DATA", root.parent / "shared" / "data"))
    set_mmap_threshold()
    signal.signal(signal.SIGALRM, _hang)

    print(f"{'format':14}{'messages':>10}{'report':>9}{'alive':>7}{'ignored':>9}{'rejected':>10}{'failed':>8}", end="")
    print(f"{'read/s':>9}{'slowest ms':>12}{'grown MiB':>11}{'kept kB':>9}")
    total: Counter[str] = Counter()
    faults = []
    for name, wire in {name: wire_format(name) for name in names}.items():
        seeds = rendered_messages(wire) + made_messages(name) + service_messages(name)
        seeds += real_messages(name, reference_data)
        for seed in seeds:
            check(wire, seed)
        tally = _fuzzed(
            name, wire, seeds, arguments.seed, arguments.messages // len(names), arguments.seconds / len(names)
        )
        total += tally.counts
        _print(name, tally)
        for fault, message in tally.message_by_fault.items():
            smallest = _smallest(wire, message, fault)
            faults.append(f"{name}: {fault}\n  {len(smallest)} bytes: {smallest[:400]!r}")
            if arguments.keep is not None:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{name}-{len(faults)}").write_bytes(smallest)
        if tally.grown_bytes > GROWTH_BYTES or tally.kept_bytes > KEPT_BYTES:
            faults.append(f"{name}: memory grows ({tally.grown_bytes:,} bytes held, {tally.kept_bytes:,} kept)")
    for text in faults:
        print(text)
    n_messages = total.total()
    said = " + ".join(f"{total[word]:,} {word}" for word in ("report", "heartbeat", "ignored", "rejected", "failed"))
    print(f"messages {n_messages:,} = {said}; {len(faults)} faults; seed {arguments.seed}")
    return 1 if faults else 0


def _fuzzed(name: str, wire: WireFormat, seeds: Sequence[bytes], seed: int, n_messages: int, limit_s: float) -> _Tally:
    """Read damaged messages until their number or the time is reached."""
    tally = _Tally()
    start_s = time.monotonic()
    held_before: int | None = None
    for number in range(n_messages):
        data = mutated(random.Random(f"{seed} {name} {number}"), seeds)  # noqa: S311 - it must come again
        word, taken_s, fault = _tried(wire, data)
        tally.counts[word] += 1
        tally.parse_s += taken_s
        tally.slowest_s = max(tally.slowest_s, taken_s)
        if fault is not None:
            tally.message_by_fault.setdefault(fault, data)
        elapsed_s = time.monotonic() - start_s
        if held_before is None and (number >= n_messages // 10 or elapsed_s > limit_s / 10):
            gc.collect()
            held_before = anonymous_resident_bytes()
        if elapsed_s > limit_s:
            break
    tally.elapsed_s = time.monotonic() - start_s
    gc.collect()
    held_after = anonymous_resident_bytes()
    tally.grown_bytes = 0 if held_before is None else held_after - held_before
    tally.kept_bytes = _kept_bytes(name, wire, seeds)
    return tally


def _tried(wire: WireFormat, data: bytes) -> tuple[str, float, str | None]:
    """Return what a message was taken for, how long it took (the least of three where that is too long), a fault."""
    taken_s = 0.0
    for attempt in range(3):
        signal.setitimer(signal.ITIMER_REAL, HANG_S)
        try:
            word, once_s = check(wire, data)
        except Failed as failure:
            return "failed", taken_s, str(failure)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        taken_s = min(taken_s, once_s) if attempt else once_s
        if taken_s <= LIMIT_S:
            return word, taken_s, None
    return "failed", taken_s, f"takes more than {LIMIT_S * 1000:.0f} ms"


def _kept_bytes(name: str, wire: WireFormat, seeds: Sequence[bytes]) -> int:
    """Return how much Python memory as many new messages leave behind once others have filled all caches."""
    kept = []
    tracemalloc.start()
    for part in range(2):
        for number in range(N_TRACED):
            _tried(wire, mutated(random.Random(f"kept {part} {name} {number}"), seeds))  # noqa: S311 - likewise
        gc.collect()
        kept.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return kept[1] - kept[0]


def _smallest(wire: WireFormat, data: bytes, fault: str) -> bytes:
    """Return the message with all left out that the fault does not need, as far as time allows."""
    end_s = time.monotonic() + SHRINK_S
    step = len(data) // 2
    while step:
        at = 0
        while at < len(data):
            if time.monotonic() > end_s:
                return data
            shorter = data[:at] + data[at + step :]
            if _tried(wire, shorter)[2] == fault:
                data = shorter
            else:
                at += step
        step //= 2
    return data


def _place(error: BaseException) -> str:
    """Return where in the product, or else where at all, an error came from."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if "eew" in Path(frame.filename).parts] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "parse"


def _print(name: str, tally: _Tally) -> None:
    counts = tally.counts
    print(
        f"{name:14}{counts.total():>10,}{counts['report']:>9,}{counts['heartbeat']:>7,}{counts['ignored']:>9,}", end=""
    )
    print(f"{counts['rejected']:>10,}{counts['failed']:>8,}{counts.total() / max(tally.parse_s, 1e-9):>9,.0f}", end="")
    print(
        f"{tally.slowest_s * 1000:>12.1f}{tally.grown_bytes / 2**20:>11.1f}{tally.kept_bytes / 1000:>9.1f}", flush=True
    )


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise _Hang


if __name__ == "__main__":
    sys.exit(main())
