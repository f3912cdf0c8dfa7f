"""Where a command speaks: the process's streams, or those that whoever calls it hands in."""

import sys
from dataclasses import dataclass, field
from typing import TextIO

__all__ = ["Streams"]


@dataclass(frozen=True, slots=True)
class Streams:
    """Standard output and standard error of a command."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
