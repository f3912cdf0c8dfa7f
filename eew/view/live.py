"""What a run looks like while it goes on: a live table on a terminal, plain lines elsewhere."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from eew.view.table import NOT_A_WARNING

__all__ = ["Line", "Shown", "show"]

_TICK_S = 0.2


class Line:
    """One report as it is shown while the run goes on."""

    def __init__(self, words: str, cells: tuple[str, ...]) -> None:
        self.words = words
        self.cells = cells


class Shown:
    """What is on the screen: a head line and a line a report."""

    def __init__(self, head: str, lines: list[Line]) -> None:
        self.head = head
        self.lines = lines


_HEADS = ("no", "kind", "issued s", "M", "status", "critical", "active", "passive")


@contextlib.asynccontextmanager
async def show(console: Console, look: Callable[[], Shown]) -> AsyncIterator[None]:
    """Show what ``look`` returns, as long as the block lasts."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=5, transient=True, get_renderable=lambda: _drawn(look())):
            yield
        return
    task = asyncio.create_task(_say(console, look), name="view")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _say(console: Console, look: Callable[[], Shown]) -> None:
    """Print each report's line once, and the head whenever its first word changes."""
    n_said, stage = 0, ""
    while True:
        shown = look()
        words = shown.head.split(":")[0]
        if words != stage:
            stage = words
            console.print(shown.head, markup=False, highlight=False)
        for line in shown.lines[n_said:]:
            console.print(line.words, markup=False, highlight=False)
        n_said = len(shown.lines)
        await asyncio.sleep(_TICK_S)


def _drawn(shown: Shown) -> Group:
    table = Table(min_width=60)
    for head in _HEADS:
        table.add_column(head, justify="left" if head in {"kind", "status"} else "right", no_wrap=True)
    for line in shown.lines:
        table.add_row(*line.cells)
    return Group(Text(NOT_A_WARNING, style="bold"), Text(shown.head), table)
