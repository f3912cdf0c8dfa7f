"""What a subscriber is shown on a terminal: a panel for each event, with the seconds to the S wave in large digits."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from eew.contract.text import SHAKING_S
from eew.model.region_profile import LevelWord
from eew.model.units import iso_utc
from eew.view.countdown import (
    CANCELLED,
    SIMULATION,
    Board,
    LocalEstimate,
    Seen,
    cut,
    mark,
    p_words,
    reach_words,
    s_words,
    shaking_words,
    solution_words,
    status_words,
)

__all__ = ["drawn"]

_STYLES: dict[LevelWord, str] = {
    "critical": "bold white on red",
    "active": "bold black on yellow",
    "passive": "bold black on cyan",
    "none": "dim",
}
_INSTRUCTIONS: dict[LevelWord, str] = {
    "critical": ": protect yourself now",
    "active": ": be prepared",
    "passive": ": for your information",
    "none": "",
}
#: Five lines of three characters a digit.
_DIGITS = (
    "███  █  ███ ███ █ █ ███ ███ ███ ███ ███",
    "█ █ ██    █   █ █ █ █   █     █ █ █ █ █",
    "█ █  █  ███  ██ ███ ███ ███   █ ███ ███",
    "█ █  █  █     █   █   █ █ █   █ █ █   █",
    "███ ███ ███ ███   █ ███ ███   █ ███ ███",
)


def drawn(board: Board, connection: str) -> RenderableType:
    """Return the whole screen; ``connection`` says where we listen and whether we do."""
    lines = [Text(connection)]
    lines += [
        Text(f"dispatcher {dispatcher.dispatcher_id}: {status_words(dispatcher)}") for dispatcher in board.dispatchers
    ]
    if board.refusal is not None:
        lines.append(Text(f"refused {board.n_refused}, the last: {board.refusal}", style="bold red"))
    if board.n_unreadable:
        lines.append(Text(f"unreadable {board.n_unreadable}"))
    if not board.seen:
        lines += [Text("no earthquake"), Text(SIMULATION, style="dim")]
    return Group(*lines, *(_panel(seen) for seen in board.seen))


def _panel(seen: Seen) -> Panel:
    marked = mark(seen)
    lines: list[Text] = []
    if seen.is_cancelled:
        lines.append(Text(f"{marked}{CANCELLED}", style="bold"))
        style = ""
    elif seen.local is not None:
        lines += _local_lines(seen.local, marked)
        style = _STYLES[seen.local.level]
        if seen.shelter is not None:
            lines.append(Text(f"{marked}shelter, for afterwards: {seen.shelter}"))
    else:
        lines += [Text(f"{marked}{words}") for words in reach_words(seen) or ["no alerts"]]
        style = ""
    if seen.text is not None:
        lines.append(Text(seen.text.long))
    issued = f"report {seen.report_no} ({seen.kind.value}), issued {iso_utc(seen.issued_at, 0)}"
    lines.append(Text(f"{marked}{issued}, signature {'verified' if seen.is_verified else 'not checked'}", style="dim"))
    return Panel(
        Group(*lines),
        title=Text(f"{marked}{solution_words(seen)}"),
        title_align="left",
        subtitle=Text(SIMULATION),
        subtitle_align="left",
        border_style=style.partition(" on ")[2],
    )


def _local_lines(local: LocalEstimate, marked: str) -> list[Text]:
    level = "no alert here" if local.level == "none" else local.level.upper()
    if local.s_in_s > -SHAKING_S:
        level += _INSTRUCTIONS[local.level]
    lines = [Text.assemble(marked, (f" {level} ", _STYLES[local.level]))]
    if local.s_in_s > 0 and local.level != "none":
        lines += [Text(f"{marked}{line}", style="bold") for line in _large(int(cut(local.s_in_s)))]
    lines.append(Text(f"{marked}{s_words(local.s_in_s)}", style="bold"))
    lines.append(
        Text(
            f"{marked}{shaking_words(local)}, {p_words(local.p_in_s)}, {local.epicentral_km:,.0f} km from the epicentre"
        )
    )
    return lines


def _large(number: int) -> list[str]:
    """Return a whole number, 0 or more, as five lines."""
    return [" ".join(line[4 * int(digit) : 4 * int(digit) + 3] for digit in str(number)) for line in _DIGITS]
