"""A line on standard output: on a terminal broken at its spaces only, elsewhere as it is."""

import sys
from typing import TextIO

__all__ = ["print_line"]


def print_line(words: str, out: TextIO | None = None) -> None:
    """Print a line at once; a terminal must not break a name or an instant in the middle."""
    out = out or sys.stdout
    if not out.isatty():
        out.write(f"{words}\n")
        out.flush()
        return
    # A tenth of a second to import, which who reads from a pipe need not wait for.
    from rich.console import Console

    from eew.view.grid import say

    say(Console(file=out, highlight=False), words)
