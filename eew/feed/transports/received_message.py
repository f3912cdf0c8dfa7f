"""What comes out of a transport: messages, and signs that the other side lives."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["ReceivedMessage", "Sign", "Signal", "lines"]


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One message as it was sent."""

    data: bytes
    #: Where it came from, for errors: a file, or the feed's URL.
    name: str
    #: It lay there before we looked: when it came says nothing of when it was sent.
    is_stored: bool = False


class Sign(Enum):
    """The other side lives, and says nothing new."""

    #: A connection was made.
    OPENED = auto()
    #: It answered: a pong, or that nothing has changed.
    ANSWERED = auto()


Signal = ReceivedMessage | Sign


def lines(data: bytes, name: str, *, is_stored: bool) -> Iterator[ReceivedMessage]:
    """Yield the lines of a file that holds one message a line, named by their number; empty ones are skipped."""
    for line_no, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield ReceivedMessage(line, f"{name}:{line_no}", is_stored)
