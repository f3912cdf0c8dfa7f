"""What a subscriber is shown of an earthquake: the record of an instant, and its words as plain lines.

Numbers of seconds and intensities are cut, not rounded: nobody is promised more time, or a higher class, than there is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from eew.contract.message import EventText, StatusState
from eew.contract.text import SHAKING_S
from eew.model.region_profile import LevelWord
from eew.model.report import AlertStatus, ReportKind
from eew.model.units import iso_utc
from eew.physics.intensity_scale import class_word

__all__ = [
    "CANCELLED",
    "SIMULATION",
    "Board",
    "DispatcherStatus",
    "LocalEstimate",
    "Seen",
    "Speaker",
    "cut",
    "mark",
    "p_words",
    "reach_words",
    "s_words",
    "sentence",
    "shaking_words",
    "solution_words",
    "status_words",
]

SIMULATION = "Simulation: this is not a warning service"
CANCELLED = "CANCELLED: this was not an earthquake"
#: Seconds to the S wave at which a line is said, from the last on.
MARKS_S = (0, 1, 2, 3, 4, 5, 10)


@dataclass(frozen=True, slots=True)
class LocalEstimate:
    """What an event is at one place; NaN where nothing can be said."""

    epicentral_km: float
    level: LevelWord
    #: On ``scale``.
    intensity: float
    scale: str
    #: From now; negative once it is past.
    p_in_s: float
    s_in_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One event as it stands at an instant."""

    event_id: str
    report_no: int
    kind: ReportKind
    status: AlertStatus
    #: Never falls, and rises with each report or cancel.
    rank: int
    issued_at: datetime
    #: The name, or coordinates where there is none.
    place: str
    magnitude: float | None
    magnitude_type: str | None
    depth_km: float | None
    is_verified: bool
    #: At the watcher's place; ``None`` without one, and in a cancel.
    local: LocalEstimate | None
    #: By level from the highest; empty where the event's own message has not come.
    radius_km_by_level: Mapping[str, float]
    n_alerts_by_level: Mapping[str, int]
    #: The nearest shelter of the watcher's cell, by its name, or as ``id …`` where the alert says no more.
    shelter: str | None = None
    #: The text for the watcher, in the language that was asked for.
    text: EventText | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether it was no earthquake."""
        return self.kind is ReportKind.CANCEL


@dataclass(frozen=True, slots=True)
class DispatcherStatus:
    """What a dispatcher last said of itself."""

    dispatcher_id: str
    state: StatusState
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Board:
    """All there is to show at an instant; the most urgent event first."""

    seen: Sequence[Seen]
    dispatchers: Sequence[DispatcherStatus]
    #: Messages that failed to verify, and the last of them in words.
    n_refused: int
    refusal: str | None
    n_unreadable: int


def mark(seen: Seen) -> str:
    """Return what every line about an event that is not meant begins with; nothing for one that is."""
    return seen.status.mark


def cut(value: float, n_decimals: int = 0) -> float:
    """Return a number with the decimals behind ``n_decimals`` cut off, downwards."""
    scale = 10.0**n_decimals
    return math.floor(value * scale) / scale


def s_words(s_in_s: float) -> str:
    """Return when the S wave comes, or what it does."""
    if math.isnan(s_in_s):
        return "S wave: no estimate"
    if s_in_s > 0:
        return f"S wave in {cut(s_in_s):.0f} s"
    return "shaking now" if s_in_s > -SHAKING_S else "S wave passed"


def p_words(p_in_s: float) -> str:
    """Return when the P wave comes, or that it has."""
    if math.isnan(p_in_s):
        return "P wave: no estimate"
    return f"P wave in {cut(p_in_s):.0f} s" if p_in_s > 0 else "P wave passed"


def shaking_words(local: LocalEstimate) -> str:
    """Return the intensity with its class."""
    if math.isnan(local.intensity):
        return "intensity: no estimate"
    return f"intensity {class_word(local.intensity, local.scale)} ({local.scale} {cut(local.intensity, 1):.1f})"


def solution_words(seen: Seen) -> str:
    """Return where and how strong."""
    if seen.magnitude is None:
        return f"{seen.place}, M unknown"
    kind = seen.magnitude_type or "M"
    return f"{seen.place}, {kind} {seen.magnitude:.1f}"


def reach_words(seen: Seen) -> list[str]:
    """Return how far each level reaches and how many alerts of it there are."""
    return [
        f"{level} within {radius_km:,.0f} km, {seen.n_alerts_by_level.get(level, 0):,} alerts"
        for level, radius_km in seen.radius_km_by_level.items()
    ]


class Speaker:
    """Turns boards into lines where there is no terminal: each thing is said once."""

    def __init__(self) -> None:
        self._said_rank: dict[str, int] = {}
        #: By event: the last mark that was said or was past when the report came.
        self._said_mark: dict[str, float] = {}
        self._said_state: dict[str, tuple[str, bool]] = {}
        self._n_refused = 0
        self._n_unreadable = 0

    def lines(self, board: Board) -> list[str]:
        """Return what is new since the last board."""
        lines = []
        for dispatcher in board.dispatchers:
            state = (dispatcher.state, dispatcher.is_replay)
            if self._said_state.get(dispatcher.dispatcher_id) != state:
                self._said_state[dispatcher.dispatcher_id] = state
                lines.append(f"dispatcher {dispatcher.dispatcher_id}: {status_words(dispatcher)}")
        if board.n_refused > self._n_refused:
            self._n_refused = board.n_refused
            lines.append(f"refused: {board.refusal} ({board.n_refused} refused in all)")
        if board.n_unreadable > self._n_unreadable:
            self._n_unreadable = board.n_unreadable
            lines.append(f"ignored: {board.n_unreadable} unreadable in all")
        for seen in board.seen:
            lines += self._of_event(seen)
        return lines

    def _of_event(self, seen: Seen) -> list[str]:
        """Return the line of a new report, or of a mark that was passed."""
        is_new = self._said_rank.get(seen.event_id) != seen.rank
        s_in_s = seen.local.s_in_s if seen.local is not None and seen.local.level != "none" else math.nan
        due = min((each for each in MARKS_S if each >= s_in_s), default=math.inf)
        said = math.inf if is_new else self._said_mark.get(seen.event_id, math.inf)
        self._said_mark[seen.event_id] = min(due, said)
        if is_new:
            self._said_rank[seen.event_id] = seen.rank
            return [sentence(seen)]
        if due >= said:
            return []
        return [f"{mark(seen)}{seen.place}: " + (f"S wave in {due} s" if due else "shaking now")]


def status_words(dispatcher: DispatcherStatus) -> str:
    """Return a dispatcher's state."""
    words = "lost: no more alerts from it" if dispatcher.state == "lost" else dispatcher.state
    return f"{words} (a replay, in the earthquake's time)" if dispatcher.is_replay else words


def sentence(seen: Seen) -> str:
    """Return one report as one line."""
    parts = [f"{mark(seen)}report {seen.report_no} ({seen.kind.value}) of {seen.event_id}: {solution_words(seen)}"]
    if seen.is_cancelled:
        parts.append(CANCELLED)
    elif seen.local is not None:
        local = seen.local
        level = "no alert here" if local.level == "none" else local.level.upper()
        parts += [
            f"{level}, {shaking_words(local)}",
            f"{s_words(local.s_in_s)}, {p_words(local.p_in_s)}",
            f"{local.epicentral_km:,.0f} km away",
        ]
        if seen.shelter is not None:
            parts.append(f"shelter {seen.shelter}")
    else:
        parts += reach_words(seen) or ["no alerts"]
    parts.append(f"issued {iso_utc(seen.issued_at, 0)}")
    parts.append("signature verified" if seen.is_verified else "signature not checked")
    told = "; ".join(parts)
    return told if seen.text is None else f"{told}\n{seen.text.long}"
