"""What every fake server can do."""

from types import TracebackType
from typing import Protocol, Self

__all__ = ["Server"]


class Server(Protocol):
    """An async context manager that offers messages."""

    @property
    def url(self) -> str:
        """Where a feed finds it."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def wanted(self) -> None:
        """Wait until somebody is there to read; at once where that cannot be known."""
        ...

    async def publish(self, data: bytes) -> None:
        """Offer a message to all who read."""
        ...

    async def garble(self, data: bytes) -> None:
        """Say something once that is no message."""
        ...

    async def beat(self, data: bytes) -> None:
        """Tell those who read that the server lives."""
        ...

    def drop(self) -> None:
        """Cut the connections, or the next answer, without a word."""
        ...

    def hush(self) -> None:
        """Say nothing any more to those who are connected now, or to the next question."""
        ...

    async def drained(self) -> None:
        """Wait until all that was offered has been read."""
        ...
