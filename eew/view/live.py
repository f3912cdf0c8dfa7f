"""What a run looks like while it goes on: a live table on a terminal, plain lines elsewhere."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from eew.view.table import NOT_A_WARNING

__all__ = ["Line", "Shown", "show"]

_TICK_S = 0.2


@dataclass(frozen=True, slots=True)
class Line:
    """One report as it is shown while the run goes on: as a sentence, and as cells of the table."""

    words: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What is on the screen."""

    stage: str
    counts: str
    lines: list[Line]


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
    """Print each report's line once, and each stage once."""
    n_said, stage = 0, ""
    say = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    while True:
        shown = look()
        for line in shown.lines[n_said:]:
            say(line.words)
        n_said = len(shown.lines)
        if shown.stage != stage:
            stage = shown.stage
            say(f"{stage} {shown.counts}".rstrip())
        await asyncio.sleep(_TICK_S)


def _drawn(shown: Shown) -> Group:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for head in _HEADS:
        table.add_column(head, justify="left" if head in {"kind", "status"} else "right", no_wrap=True)
    for line in shown.lines:
        table.add_row(*line.cells)
    return Group(Text(NOT_A_WARNING, style="bold"), Text(f"{shown.stage} {shown.counts}"), table)
