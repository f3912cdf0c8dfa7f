"""Messages that are put as files into a folder."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path

from eew.feed.transports.address import Address
from eew.feed.transports.extra import require
from eew.feed.transports.received_message import ReceivedMessage, Sign, Signal, lines
from eew.model.clock import Clock

__all__ = ["messages"]

#: How long a file must not have changed to be taken for whole.
_SETTLE_S = 0.05
#: The folder is looked at so often even where the system tells of no change (network drives).
_LOOK_MS = 1000
_UNFINISHED = (".tmp", ".part", "~")

#: What a change shows in: size, time of modification (ns), number of the file.
_Look = Mapping[str, tuple[int, int, int]]


async def messages(address: Address, *, clock: Clock, max_bytes: int, is_lines: bool = False) -> AsyncGenerator[Signal]:
    """Yield the files that are there, in the order of their names, then new and changed ones; no end.

    Parameters
    ----------
    address
        The folder.
    clock
        What to wait on while files settle.
    max_bytes
        Of a longer file only so much is read, which no format takes for a report.
    is_lines
        Whether a file holds one message a line.

    Notes
    -----
    A file is read when its size and time have not changed for a moment, and again if they change later. Who writes
    slowly should write under a hidden name (or ``.tmp``, ``.part``, ``…~``: those are not read) and rename the file.

    Raises
    ------
    OSError
        When the folder is not there any more.
    """
    require("watchfiles", str(address))
    import watchfiles

    folder = Path(address.target)
    read: dict[str, tuple[int, int, int]] = {}
    changes = watchfiles.awatch(
        folder, recursive=False, watch_filter=None, step=20, debounce=200, rust_timeout=_LOOK_MS, yield_on_timeout=True
    )
    look = await asyncio.to_thread(_look, folder)
    were_there = frozenset(look)
    yield Sign.OPENED
    async with aclosing(changes):
        while True:
            while look.items() - read.items():
                await clock.sleep(_SETTLE_S)
                before, look = look, await asyncio.to_thread(_look, folder)
                for name in sorted(name for name, each in look.items() if before.get(name) == each != read.get(name)):
                    data = await asyncio.to_thread(_read, folder / name, max_bytes)
                    read[name] = look[name]
                    is_stored = name in were_there
                    for message in _messages(data, str(folder / name), is_lines, is_stored):
                        yield message
            were_there = frozenset()
            read = {name: each for name, each in read.items() if name in look}
            await anext(changes)
            look = await asyncio.to_thread(_look, folder)


def _messages(data: bytes | None, name: str, is_lines: bool, is_stored: bool) -> Iterable[ReceivedMessage]:
    if data is None:
        return ()
    return lines(data, name, is_stored=is_stored) if is_lines else (ReceivedMessage(data, name, is_stored),)


def _look(folder: Path) -> _Look:
    """Return the files that may hold messages."""
    look = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED):
                continue
            try:
                if entry.is_file():
                    stat = entry.stat()
                    look[entry.name] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            except FileNotFoundError:
                # Renamed or removed while we look.
                continue
    return look


def _read(path: Path, max_bytes: int) -> bytes | None:
    """Return a file's beginning; ``None`` where it is empty or gone."""
    try:
        with path.open("rb") as file:
            return file.read(max_bytes) or None
    except FileNotFoundError:
        return None
