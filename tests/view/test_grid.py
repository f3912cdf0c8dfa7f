"""Tables at the widths of terminals: what may not break does not, and what is left out is named."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from eew.view.grid import Column, Grid, print_grid, say

INSTANT = "2011-03-11T05:46:48.800Z"


def grid() -> Grid:
    columns = (
        Column("name"),
        Column("title", wraps=True),
        Column("n", is_number=True, falls=1),
        Column("remarks", falls=1),
        Column("issued", falls=2),
    )
    found = Grid(columns, title="What there is, in a line that is longer than a narrow terminal")
    found.add("qingbaijiang-2020", "One report [x] at an assumed time, beside a city of millions", "1,500", "", INSTANT)
    found.add("能登半島", "福島県会津地方", "3", "", INSTANT)
    return found


def printed(width: int, *, is_terminal: bool = True, shown: Grid | None = None) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=is_terminal, color_system=None, highlight=False)
    print_grid(console, shown or grid())
    assert console.width == width
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("width", "fallen"),
    [(120, None), (80, None), (60, "issued"), (50, "issued"), (40, "n, issued")],
)
def test_a_table_is_no_wider_than_the_terminal_and_says_what_fell(width: int, fallen: str | None) -> None:
    """Texts are wrapped at their spaces first, then columns fall; a column in which nothing stands is not missed."""
    lines = printed(width)
    assert all(cell_len(line) <= width for line in lines)
    text = "\n".join(lines)
    assert "qingbaijiang-2020" in text
    assert "福島県会津地方" in text
    assert "[x]" in text
    assert (INSTANT in text) == (fallen is None)
    assert "remarks" not in text
    said = [line for line in lines if line.startswith("no room for")]
    assert said == ([] if fallen is None else [f"no room for: {fallen}"])


def test_where_nothing_more_can_fall_lines_are_too_long_rather_than_cut_off() -> None:
    """A terminal of 20 columns breaks them; a name that ends in dots is worse."""
    lines = printed(20)
    assert any(line.startswith("qingbaijiang-2020  ") for line in lines)
    assert not any("…" in line for line in lines)


def test_without_a_terminal_lines_are_whole() -> None:
    """Whoever reads a pipe gets one line a row, however narrow the console is thought to be."""
    lines = printed(20, is_terminal=False)
    assert lines[0] == "What there is, in a line that is longer than a narrow terminal"
    assert lines[-2].split() == ["qingbaijiang-2020", *grid().rows[0][1].split(), "1,500", INSTANT]
    assert lines[-1].split() == ["能登半島", "福島県会津地方", "3", INSTANT]


def test_an_empty_table_has_its_heads() -> None:
    """What could stand there is told."""
    assert printed(80, shown=Grid(grid().columns))[0].split() == ["name", "title", "n", "remarks", "issued"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_line_breaks_at_spaces_only(width: int) -> None:
    """And not at all without a terminal."""
    words = f"2 reports of {INSTANT} and of {INSTANT}, beside qingbaijiang-2020, [bold]as they are " * 2
    for is_terminal in (True, False):
        out = io.StringIO()
        say(Console(file=out, width=width, force_terminal=is_terminal, color_system=None), words)
        lines = out.getvalue().splitlines()
        assert " ".join(" ".join(lines).split()) == " ".join(words.split())
        assert (len(lines) == 1) != is_terminal


def test_what_comes_from_outside_moves_no_cursor() -> None:
    """A place or a title from a feed may hold anything; lines of a text stay lines."""
    shown = Grid((Column("place", wraps=True),), title="a\x1b[2Jb")
    shown.add("\x1b[31mred\x07")
    shown.add("two\nlines")
    lines = printed(80, shown=shown)
    assert not any(character < " " for line in lines for character in line)
    assert [line for line in lines if line in {"a\ufffd[2Jb", "\ufffd[31mred\ufffd", "two", "lines"}] == [
        "a\ufffd[2Jb",
        "\ufffd[31mred\ufffd",
        "two",
        "lines",
    ]
