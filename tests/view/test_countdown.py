"""What a subscriber is shown, as lines and as a panel, at instants chosen by hand."""

import dataclasses
import io
import math
from datetime import UTC, datetime

import pytest
from rich.console import Console

from eew.model.records import AlertStatus, LevelWord, ReportKind
from eew.view.countdown import SIMULATION, Board, DispatcherStatus, LocalEstimate, Seen, Speaker
from eew.view.panel import drawn

SEEN = Seen(
    event_id="ev-1",
    report_no=9,
    kind=ReportKind.UPDATE,
    status=AlertStatus.ACTUAL,
    rank=18,
    issued_at=datetime(2011, 3, 11, 5, 47, 2, 400_000, tzinfo=UTC),
    place="三陸沖",
    magnitude=7.6,
    magnitude_type="Mj",
    depth_km=10.0,
    is_verified=True,
    local=None,
    radius_km_by_level={"critical": 80.4, "active": 200.0, "passive": 500.0},
    n_alerts_by_level={"critical": 1234, "active": 5, "passive": 0},
)


def at(s_in_s: float, level: LevelWord = "critical", seen: Seen = SEEN) -> Seen:
    """Return the event as it stands so long before the S wave."""
    return dataclasses.replace(seen, local=LocalEstimate(179.2, level, 3.86, "jma", s_in_s - 20, s_in_s))


def board(*seen: Seen, dispatchers: tuple[DispatcherStatus, ...] = (), n_refused: int = 0) -> Board:
    return Board(seen, dispatchers, n_refused, "report 1 of ev-1" if n_refused else None, 0)


def panel(what: Board) -> str:
    """Return the text on an 80-column screen without colours."""
    console = Console(file=io.StringIO(), width=80, color_system=None, force_terminal=True)
    with console.capture() as capture:
        console.print(drawn(what, "mqtt://127.0.0.1:1883: listening"))
    return capture.get()


def test_the_last_seconds_are_said_at_10_5_4_3_2_1_and_0() -> None:
    """A line at the report, then one as each mark is passed; nothing is said twice."""
    speaker = Speaker()
    said = [(tick / 10, line) for tick in range(300, -700, -1) for line in speaker.lines(board(at(tick / 10)))]
    assert said[0][0] == 30
    assert "report 9 (update) of ev-1: 三陸沖, Mj 7.6" in said[0][1]
    assert [(when, line) for when, line in said[1:]] == [
        *((float(mark), f"三陸沖: S wave in {mark} s") for mark in (10, 5, 4, 3, 2, 1)),
        (0.0, "三陸沖: shaking now"),
    ]


def test_a_late_tick_says_how_much_is_left_and_not_what_was() -> None:
    """Marks that were passed together are one line."""
    speaker = Speaker()
    speaker.lines(board(at(30.0)))
    assert speaker.lines(board(at(3.4))) == ["三陸沖: S wave in 4 s"]
    assert speaker.lines(board(at(3.3))) == []
    assert speaker.lines(board(at(-2.0))) == ["三陸沖: shaking now"]


def test_a_new_report_says_its_own_seconds() -> None:
    """Marks that it leaves behind are not said after it; those ahead are, also once more after more time was given."""
    speaker = Speaker()
    speaker.lines(board(at(4.5)))
    update = dataclasses.replace(SEEN, rank=20, report_no=10)
    (line,) = speaker.lines(board(at(7.9, seen=update)))
    assert "S wave in 7 s" in line
    assert speaker.lines(board(at(7.5, seen=update))) == []
    assert speaker.lines(board(at(5.0, seen=update))) == ["三陸沖: S wave in 5 s"]


def test_nothing_is_counted_down_where_no_alert_is_due() -> None:
    """The report is said, its seconds are not."""
    speaker = Speaker()
    (line,) = speaker.lines(board(at(30.0, "none")))
    assert "no alert here" in line
    assert speaker.lines(board(at(9.0, "none"))) == []


def test_a_report_says_all_there_is_to_know() -> None:
    """Level, intensity with its class, both waves, distance, issue time and signature; numbers are cut."""
    (line,) = Speaker().lines(board(at(23.99)))
    assert line == (
        "report 9 (update) of ev-1: 三陸沖, Mj 7.6; CRITICAL, intensity 4 (jma 3.8); S wave in 23 s, P wave in 3 s; "
        "179 km away; issued 2011-03-11T05:47:02Z; signature verified"
    )


@pytest.mark.parametrize("shelter", ["第一小学校", "id s00001"], ids=["by name", "by id"])
def test_the_shelter_is_shown_where_there_is_one(shelter: str) -> None:
    """As it is called, in the line and on the panel, which says that it is for later."""
    seen = at(30.0, seen=dataclasses.replace(SEEN, shelter=shelter))
    (line,) = Speaker().lines(board(seen))
    assert f"; shelter {shelter};" in line
    assert f"shelter, for afterwards: {shelter}" in panel(board(seen))
    assert "shelter" not in panel(board(at(30.0)))


def test_without_a_place_radii_and_counts_are_said() -> None:
    """Each level with how far it reaches and how many alerts there are."""
    (line,) = Speaker().lines(board(SEEN))
    assert (
        "critical within 80 km, 1,234 alerts; active within 200 km, 5 alerts; passive within 500 km, 0 alerts" in line
    )


def test_what_is_unknown_is_said_to_be() -> None:
    """No number stands for it."""
    local = LocalEstimate(5000.0, "none", math.nan, "jma", math.nan, math.nan)
    (line,) = Speaker().lines(board(dataclasses.replace(SEEN, local=local, magnitude=None, is_verified=False)))
    assert "M unknown" in line
    assert "intensity: no estimate; S wave: no estimate, P wave: no estimate" in line
    assert line.endswith("signature not checked")
    assert "nan" not in line


@pytest.mark.parametrize("status", [AlertStatus.EXERCISE, AlertStatus.TEST])
def test_what_is_not_meant_is_marked_in_every_line(status: AlertStatus) -> None:
    """In plain lines, and in the panel's title and each of its lines."""
    word = status.value.upper()
    seen = dataclasses.replace(SEEN, status=status)
    cancelled = dataclasses.replace(seen, kind=ReportKind.CANCEL, rank=19)
    speaker = Speaker()
    lines = [line for each in (at(12, seen=seen), at(9, seen=seen), cancelled) for line in speaker.lines(board(each))]
    assert len(lines) == 3
    assert all(line.startswith(f"{word} ") for line in lines)
    for each in (at(12, seen=seen), at(-5, seen=seen), cancelled, seen):
        drawn_lines = panel(board(each)).splitlines()
        first = next(number for number, line in enumerate(drawn_lines) if line.startswith("╭"))
        assert all(word in line for line in drawn_lines[first:-1])
        assert SIMULATION in drawn_lines[-1]


def test_a_cancel_is_said_and_ends_the_countdown() -> None:
    """Once, with the words that relieve."""
    speaker = Speaker()
    speaker.lines(board(at(12)))
    cancelled = dataclasses.replace(SEEN, kind=ReportKind.CANCEL, rank=19)
    (line,) = speaker.lines(board(cancelled))
    assert "CANCELLED: this was not an earthquake" in line
    assert speaker.lines(board(cancelled)) == []
    assert "CANCELLED: this was not an earthquake" in panel(board(cancelled))


@pytest.mark.parametrize(
    ("level", "words"), [("critical", "CRITICAL: protect"), ("active", "ACTIVE: be"), ("passive", "PASSIVE: for")]
)
def test_the_panel_says_the_level_without_colours(level: LevelWord, words: str) -> None:
    """And the seconds in digits five lines high."""
    text = panel(board(at(20.5, level)))
    assert words in text
    assert "S wave in 20 s" in text
    assert "intensity 4 (jma 3.8)" in text
    assert "███ ███" in text
    assert "█ █ █ █" not in panel(board(at(11.5, level)))


@pytest.mark.parametrize(("s_in_s", "words"), [(-3.0, "shaking now"), (-100.0, "S wave passed")])
def test_the_panel_says_when_the_wave_is_there(s_in_s: float, words: str) -> None:
    """There are no more digits then, and after it has passed nobody is told what to do."""
    text = panel(board(at(s_in_s)))
    assert words in text
    assert "█" not in text
    assert ("protect yourself" in text) == (words == "shaking now")


def test_dispatchers_and_refusals_are_shown() -> None:
    """Lost ones in words; each once in lines, always in the panel."""
    dispatcher = (DispatcherStatus("eew-1", "lost", is_replay=True),)
    speaker, what = Speaker(), board(dispatchers=dispatcher, n_refused=3)
    lines = speaker.lines(what)
    assert "dispatcher eew-1: lost" in lines[0]
    assert "refused: report 1 of ev-1 (3 refused in all)" in lines[1]
    assert speaker.lines(what) == []
    text = panel(what)
    assert "dispatcher eew-1: lost" in text
    assert "refused 3" in text
    assert "no earthquake" in text
    assert SIMULATION in text
