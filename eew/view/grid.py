"""Tables and lines for people: as wide as the terminal, and whole where there is none.

Nothing breaks that is one word: a name, an instant, a number. Where a table does not fit, its texts go over several
lines at their spaces; where that is not enough, columns fall away, the least important first, and it says which.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eew.model.units import printable

__all__ = ["Column", "Grid", "print_grid", "say", "table_of"]

#: Between two columns.
_GAP = 2
#: A text in a column narrower than this is read word by word.
_LEAST_TEXT = 16


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    #: May have two lines.
    head: str
    #: Numbers stand under each other on the right.
    is_number: bool = False
    #: Whether it may go over several lines, at its spaces.
    wraps: bool = False
    #: Of the columns that there is no room for, those with the highest number fall first; 0: it never falls.
    falls: int = 0


@dataclass(slots=True)
class Grid:
    """A table: what it has, not how wide it is."""

    columns: Sequence[Column]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    title: str = ""

    def add(self, *cells: str) -> None:
        """Add a row."""
        self.rows.append(tuple(map(_shown, cells)))


def say(console: Console, words: str, style: str | None = None) -> None:
    """Print a line, on a terminal broken at its spaces only; elsewhere as it is, however long."""
    console.print(Text(_shown(words), style=style or ""), soft_wrap=not console.is_terminal)


def print_grid(console: Console, grid: Grid) -> None:
    """Print a table, and which columns there was no room for."""
    table, fallen = table_of(grid, console.width if console.is_terminal else None)
    if grid.title:
        say(console, grid.title, "bold")
    width = console.width
    # Wider than the console where there is no terminal, or where nothing more can fall: cut off is worse than broken.
    console.width = max(width, _total([column.width or 0 for column in table.columns]))
    console.print(table)
    console.width = width
    if fallen:
        say(console, f"no room for: {', '.join(fallen)}", "dim")


def table_of(grid: Grid, width: int | None) -> tuple[Table, list[str]]:
    """Return a table no wider than that, and the heads of the columns that fell for it.

    Parameters
    ----------
    grid
        What it has.
    width
        Of the terminal; ``None`` for as much as it takes.
    """
    natural, least = _widths(grid)
    # Where nothing stands in a column, nothing is missed.
    is_said = [not grid.rows or any(row[at] for row in grid.rows) for at in range(len(grid.columns))]
    kept = [at for at, each in enumerate(is_said) if each]
    while width is not None and _total([least[each] for each in kept]) > width:
        falls = max(grid.columns[each].falls for each in kept)
        if falls == 0:
            break
        kept = [each for each in kept if grid.columns[each].falls < falls]
    widths = [natural[each] for each in kept]
    while width is not None and (excess := _total(widths) - width) > 0:
        room = [now - least[each] for now, each in zip(widths, kept, strict=True)]
        widest = max(range(len(kept)), key=lambda at: widths[at] if room[at] else 0)
        if room[widest] == 0:
            break
        widths[widest] -= min(excess, room[widest], max(1, widths[widest] // 4))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for column, its_width in zip((grid.columns[each] for each in kept), widths, strict=True):
        table.add_column(
            Text(column.head),
            justify="right" if column.is_number else "left",
            width=its_width,
            no_wrap=not column.wraps,
        )
    for row in grid.rows:
        table.add_row(*(Text(row[each]) for each in kept))
    fallen = [at for at, each in enumerate(is_said) if each and at not in kept]
    return table, [grid.columns[at].head.replace("\n", " ") for at in fallen]


def _widths(grid: Grid) -> tuple[list[int], list[int]]:
    """Return how wide each column is at its widest, and how wide at least."""
    natural, least = [], []
    for at, column in enumerate(grid.columns):
        cells = [column.head, *(row[at] for row in grid.rows)]
        natural.append(max(cell_len(line) for cell in cells for line in cell.split("\n")))
        longest_word = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
        least.append(max(longest_word, min(natural[-1], _LEAST_TEXT)) if column.wraps else natural[-1])
    return natural, least


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _shown(text: str) -> str:
    """Return a text line by line as a terminal may be shown it."""
    return "\n".join(map(printable, text.expandtabs().split("\n")))
