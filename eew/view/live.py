"""What a run looks like while it goes on: a live table on a terminal, plain lines elsewhere."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from eew.model.units import iso_utc
from eew.view.grid import Column, Grid, table_of
from eew.view.table import NOT_A_WARNING

__all__ = ["Line", "Shown", "drawn", "pace_words", "show"]

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
    #: The event's clock, which report it is of how many, and when the next one comes.
    pace: str = ""


_COLUMNS = (
    Column("no", is_number=True),
    Column("kind"),
    Column("issued s", is_number=True, falls=2),
    Column("M", is_number=True, falls=1),
    Column("status"),
    Column("critical", is_number=True),
    Column("active", is_number=True),
    Column("passive", is_number=True),
)
#: Of the table: its head and the line below it; and one that stays free for the cursor.
_N_HEAD, _N_FREE = 2, 1


def pace_words(
    *, event_at: datetime | None, speed: float, n_out: int, n_reports: int | None, next_in_s: float | None
) -> str:
    """Return the event's clock, which report of how many was the last, and when the next one comes.

    Parameters
    ----------
    event_at
        What time it is for the earthquake; ``None`` where there is no earthquake yet.
    speed
        How many times faster than real it passes; infinite where nothing is waited for.
    n_out, n_reports
        How many reports there were, and will be; ``None`` where nobody knows.
    next_in_s
        Until the next one, in seconds of the one who looks; ``None`` where none is known to come.
    """
    words = []
    if event_at is not None:
        times = "" if speed == 1 or math.isinf(speed) else f" ({speed:g} times as fast)"
        words.append(f"event time {iso_utc(event_at, 0)}{times}")
    words.append(f"report {n_out}" + ("" if n_reports is None else f" of {n_reports}"))
    if next_in_s is not None:
        words.append(f"the next in {next_in_s:.0f} s" if next_in_s >= 1 else "the next now")
    elif n_reports is not None and n_out == n_reports:
        words.append("it was the last")
    return ", ".join(words)


@contextlib.asynccontextmanager
async def show(console: Console, look: Callable[[], Shown]) -> AsyncIterator[None]:
    """Show what ``look`` returns, as long as the block lasts."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=5, transient=True, get_renderable=lambda: drawn(look(), console)):
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


def drawn(shown: Shown, console: Console) -> Group:
    """Return what fits the terminal: where there are more reports than lines, the newest."""
    width, height = console.size
    head = Group(
        Text(NOT_A_WARNING, style="bold"),
        *([Text(shown.pace)] if shown.pace else []),
        Text(f"{shown.stage} {shown.counts}".rstrip()),
    )
    n_rows = height - len(console.render_lines(head, pad=False)) - _N_HEAD - _N_FREE
    lines = shown.lines
    if len(lines) > n_rows:
        # One line says how many there were before.
        lines = lines[len(lines) - max(n_rows - 1, 1) :]
    table, _ = table_of(Grid(_COLUMNS, [line.cells for line in lines]), width)
    n_before = len(shown.lines) - len(lines)
    before = [Text(f"… {n_before} before", style="dim")] if n_before else []
    return Group(head, *before, table)
