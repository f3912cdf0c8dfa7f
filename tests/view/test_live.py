"""The screen of a replay: what fits, what time it is for the earthquake, and when the next report comes."""

import io
import math
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len
from rich.console import Console

from eew.view.live import Line, Shown, drawn, pace_words

EVENT_AT = datetime(2011, 3, 11, 5, 47, 54, 900_000, UTC)
PACE = "event time 2011-03-11T05:47:54Z (8 times as fast), report 12 of 15, the next in 3 s"


def screen(width: int, height: int, n_reports: int) -> list[str]:
    lines = [
        Line(
            f"report {number}",
            (str(number), "update", "44.3", "7.6", "exercise", "1,000,089", "2,000,498", "3,000,969"),
        )
        for number in range(1, n_reports + 1)
    ]
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=True, color_system=None)
    console.print(drawn(Shown("dispatching", "– 9,972 alerts planned, 0 waiting, 9,972 taken", lines, PACE), console))
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("height", [12, 24])
def test_a_small_terminal_keeps_the_newest_reports(width: int, height: int) -> None:
    """Older ones are counted; the clock, the stage and what is not a warning stay; nothing is wider than it is."""
    lines = screen(width, height, 99)
    assert len(lines) < height
    assert all(cell_len(line) <= width for line in lines)
    assert lines[-1].split()[:2] == ["99", "update"]
    numbers = [int(line.split()[0]) for line in lines if line.split()[1:2] == ["update"]]
    assert numbers == list(range(100 - len(numbers), 100))
    assert f"… {99 - len(numbers)} before" in lines
    text = " ".join(lines)
    assert "this is not a warning service" in text
    assert "report 12 of 15, the next in 3 s" in text
    assert "exercise" in text


def test_where_all_fit_all_are_shown() -> None:
    """Nothing is said of what was before."""
    lines = screen(80, 24, 5)
    assert [line.split()[0] for line in lines[-5:]] == ["1", "2", "3", "4", "5"]
    assert not any("before" in line for line in lines)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n_out": 12, "n_reports": 15, "next_in_s": 3.2, "speed": 8.0}, PACE),
        (
            {"n_out": 1, "n_reports": 2, "next_in_s": 0.4, "speed": 1.0},
            "event time 2011-03-11T05:47:54Z, report 1 of 2, the next now",
        ),
        (
            {"n_out": 2, "n_reports": 2, "next_in_s": None, "speed": 1.0},
            "event time 2011-03-11T05:47:54Z, report 2 of 2, it was the last",
        ),
        (
            {"n_out": 3, "n_reports": None, "next_in_s": None, "speed": 1.0},
            "event time 2011-03-11T05:47:54Z, report 3",
        ),
        (
            {"n_out": 3, "n_reports": 9, "next_in_s": 0.0, "speed": math.inf},
            "event time 2011-03-11T05:47:54Z, report 3 of 9, the next now",
        ),
    ],
    ids=["replay", "now", "last", "live", "max"],
)
def test_the_pace_is_told_in_words(given: dict[str, float | int | None], words: str) -> None:
    """The event's clock, which report of how many, and the seconds to the next."""
    assert pace_words(event_at=EVENT_AT, **given) == words  # type: ignore[arg-type]  # each has its own type
