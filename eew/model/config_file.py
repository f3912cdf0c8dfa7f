"""What every configuration in a TOML file has: its record, its place, what lies beside it, and names said once."""

from collections.abc import Iterable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from eew.model.document import Document
from eew.model.errors import InputError

__all__ = ["TomlConfig", "repeated_names"]

RecordT = TypeVar("RecordT", bound=msgspec.Struct)


class TomlConfig(Generic[RecordT]):
    """A configuration and where it stands, so that what is wrong with it is found in the file.

    Parameters
    ----------
    document
        The TOML file. Paths in it are relative to its folder.
    config
        What it says.
    """

    def __init__(self, document: Document, config: RecordT) -> None:
        self.document = document
        self.config = config

    @property
    def path(self) -> Path:
        """The file."""
        return self.document.path

    def beside(self, value: str) -> Path:
        """Return a path that the configuration names."""
        return self.path.parent / Path(value).expanduser()


def repeated_names(document: Document, table: str, names: Iterable[str]) -> list[InputError]:
    """Return the faults of a list of tables, each of which must have a name of its own; ``table`` is in the plural."""
    seen: set[str] = set()
    faults = []
    for index, name in enumerate(names):
        if name in seen:
            expected = f"a name that no other {table.removesuffix('s')} has"
            faults.append(document.wrong((table, index, "name"), expected))
        seen.add(name)
    return faults
