"""A line on standard output: on a terminal broken at its spaces only, elsewhere as it is."""

import sys

__all__ = ["tell"]


def tell(words: str) -> None:
    """Print a line at once; a terminal must not break a name or an instant in the middle."""
    if not sys.stdout.isatty():
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()
        return
    # A tenth of a second to import, which who reads from a pipe need not wait for.
    from rich.console import Console

    from eew.view.grid import say

    say(Console(highlight=False), words)
