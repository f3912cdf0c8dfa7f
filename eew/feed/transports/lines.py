"""Messages of a file, and of standard input."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from eew.feed.playback import lines_of
from eew.feed.transports.address import Address
from eew.feed.transports.received_message import ReceivedMessage, Sign, Signal, lines
from eew.model.errors import InputError

__all__ = ["of_file", "of_standard_input"]

_STANDARD_INPUT = 0


async def of_file(address: Address, *, max_bytes: int, is_lines: bool = False) -> AsyncGenerator[Signal]:
    """Yield what a file holds: one message, or one a line.

    Of a longer message only so much is read, which no format takes for a report; of lines, all.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    most_bytes = None if is_lines else max_bytes
    try:
        if await asyncio.to_thread(Path(address.target).is_file):
            data = await asyncio.to_thread(_beginning, address.target, most_bytes)
        else:
            data = await _piped(address.target, most_bytes)
    except OSError as error:
        raise InputError("a file that can be read", file=address.target, value=error.strerror) from error
    yield Sign.OPENED
    if is_lines:
        for message in lines(data, address.target, is_stored=True):
            yield message
    else:
        yield ReceivedMessage(data, address.target, is_stored=True)


async def of_standard_input(
    *, max_bytes: int, is_lines: bool, descriptor: int = _STANDARD_INPUT
) -> AsyncGenerator[Signal]:
    """Yield the messages of a stream until its end.

    Parameters
    ----------
    max_bytes
        A longer message is cut there.
    is_lines
        One message a line (JSON). Otherwise (XML, telegrams, which have lines of their own) a NUL byte or the end of
        the stream ends a message.
    descriptor
        The open stream.
    """
    yield Sign.OPENED
    name = "standard input"
    # A file that is handed over is no live feed, a pipe may be one.
    is_stored = stat.S_ISREG(os.fstat(descriptor).st_mode)
    line_no = 0
    rest = bytearray()
    async with aclosing(lines_of(descriptor)) as incoming:
        async for line in incoming:
            line_no += 1
            if is_lines:
                if line.strip():
                    yield ReceivedMessage(line, f"{name}:{line_no}", is_stored)
                continue
            *whole, last = (line + b"\n").split(b"\0")
            for each in whole:
                rest += each
                if rest.strip():
                    yield ReceivedMessage(bytes(rest), name, is_stored)
                rest.clear()
            rest += last
            if len(rest) > max_bytes:
                yield ReceivedMessage(bytes(rest[:max_bytes]), name, is_stored)
                rest.clear()
    if rest.strip():
        yield ReceivedMessage(bytes(rest), name, is_stored)


def _beginning(path: str, most_bytes: int | None) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(most_bytes)


async def _piped(path: str, most_bytes: int | None) -> bytes:
    """Read what a pipe or a device holds, so that a signal ends it also while nothing comes."""
    # To open a named pipe that nobody writes to would wait, and nothing ends that.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    data = bytearray()
    async with aclosing(lines_of(descriptor)) as incoming:
        async for line in incoming:
            data += line + b"\n"
            if most_bytes is not None and len(data) > most_bytes:
                break
    return bytes(data if most_bytes is None else data[:most_bytes])
