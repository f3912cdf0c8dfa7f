"""Messages put as files into a folder."""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from eew.model.system.output import write_file

__all__ = ["FolderServer"]


class FolderServer:
    """Writes each message whole into a file of its own; their names are in the order of their writing.

    Parameters
    ----------
    folder
        Made if it is not there.
    suffix
        Of the files.
    """

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder = folder
        self._suffix = suffix
        self._n_written = 0

    @property
    def url(self) -> str:
        """Where a feed finds it."""
        return f"dir:{self._folder}"

    async def __aenter__(self) -> Self:
        """Make the folder, and count on from what is in it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        numbers = [path.stem for path in self._folder.glob(f"*{self._suffix}") if path.stem.isdecimal()]
        self._n_written = max(map(int, numbers), default=0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the files there."""

    async def wanted(self) -> None:
        """Go on at once: nobody can tell who reads a folder."""

    async def publish(self, data: bytes) -> None:
        """Write a message under a hidden name, and rename it when it is whole."""
        self._n_written += 1
        name = f"{self._n_written:06d}{self._suffix}"
        await asyncio.to_thread(write_file, self._folder / name, data)

    async def garble(self, data: bytes) -> None:
        """Write something that is no message."""
        await self.publish(data)

    async def beat(self, data: bytes) -> None:
        """Do nothing."""

    def drop(self) -> None:
        """Do nothing: there is no connection."""

    def hush(self) -> None:
        """Do nothing: there is nobody to answer."""

    async def drained(self) -> None:
        """Go on at once: files stay."""
