"""Which formats a file that is not what it was taken for looks like."""

from eew.feed.parsed import Heartbeat
from eew.feed.wire_format import FORMATS, wire_format
from eew.model.errors import ReportDecodeError
from eew.model.records import EventReport

__all__ = ["likeness", "looks_like", "with_likeness"]

#: No format reads a longer message.
MAX_BYTES = 4_000_000
#: An empty list or object is the word of many for nothing, and the beginning of anything.
_LEAST_BYTES = 3


def looks_like(data: bytes) -> tuple[str, ...]:
    """Return the formats that a message looks like, in their order; none where it looks like no message at all.

    Notes
    -----
    A format recognises what it can read, so one that is new is recognised at once: those that read a report, else
    those that read a heartbeat, else the only one that knows why it is to be ignored.
    """
    if not _LEAST_BYTES <= len(data.strip()) <= MAX_BYTES:
        return ()
    reading: list[str] = []
    alive: list[str] = []
    ignoring: list[str] = []
    for name in FORMATS:
        try:
            parts = wire_format(name).parse(data)
        except ReportDecodeError:
            continue
        if any(isinstance(part, EventReport) for part in parts):
            reading.append(name)
        elif any(isinstance(part, Heartbeat) for part in parts):
            alive.append(name)
        else:
            ignoring.append(name)
    return tuple(reading or alive or (ignoring if len(ignoring) == 1 else ()))


def likeness(data: bytes, format_name: str) -> str | None:
    """Say what a file looks like that holds no message of a format; ``None`` where it does after all, or like nothing.

    Parameters
    ----------
    data
        The file's content.
    format_name
        What it was taken for.
    """
    if names := looks_like(data):
        return None if format_name in names else f"it looks like {_named(names)}"
    first = next((line for line in data.split(b"\n") if line.strip()), b"")
    if len(first) == len(data.strip()) or not (names := looks_like(first)):
        return None
    lines = [name for name in names if FORMATS[name].suffix == ".json"]
    return f"its lines look like {_named(lines)}, a message each, as standard input takes them" if lines else None


def with_likeness(error: ReportDecodeError, format_name: str, data: bytes, *, hint: str) -> ReportDecodeError:
    """Return the error of a file that is not of a format: where it looks like another, that is what is wrong.

    Parameters
    ----------
    error
        What its reader found.
    format_name, data
        As of ``likeness``.
    hint
        What to do then.
    """
    said = likeness(data, format_name)
    if said is None:
        return error
    return ReportDecodeError(f"{FORMATS[format_name].title} ({format_name}); {said} ({hint})", file=error.file)


def _named(names: tuple[str, ...] | list[str]) -> str:
    return " or ".join(names)
