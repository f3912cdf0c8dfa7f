"""What a place's entities show at an instant: the most urgent alert that is meant, and beside it the one that is not.

Exercises, tests and replays have entities of their own, so that what was wired to the others is never set off by them.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from eew.contract.alert_signal import AlertLevel, signal_of
from eew.contract.message import AlertCore
from eew.contract.text import SHAKING_S
from eew.model.region_profile import Level, LevelWord
from eew.model.report import AlertStatus
from eew.model.units import iso_utc
from eew.view.countdown import CANCELLED, Board, LocalEstimate, Seen, cut, shaking_words, solution_words

__all__ = ["LEVEL_WORDS", "SIDES", "Side", "State", "state"]

#: Of both sides: the member of the state, what ids begin with, and what names begin with.
SIDES = (("actual", "", ""), ("exercise", "exercise_", "Exercise: "))
LEVEL_WORDS = tuple(level.word for level in Level)
#: A report issued further from now by the wall clock is a replay, whatever it says of itself, and whoever signed it.
LIVE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Side:
    """What the entities of one side show; ``None``: unknown."""

    shaking_expected: bool = False
    #: Whole seconds, cut; 0 while it shakes.
    seconds_to_s: int | None = None
    intensity: float | None = None
    magnitude: float | None = None
    level: LevelWord = "none"
    #: The alert, or the cancel of one; changes only when a report comes.
    alert: dict[str, str | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """What the entities of a place show."""

    actual: Side
    exercise: Side

    @property
    def is_shaking_expected(self) -> bool:
        """Whether it is on either side."""
        return self.actual.shaking_expected or self.exercise.shaking_expected


def state(board: Board, wall_at: datetime, message_of: Callable[[str], AlertCore | None]) -> State:
    """Return what a place's entities show.

    Parameters
    ----------
    board
        What a watcher of the place sees at ``wall_at``.
    wall_at
        The instant, by the wall clock.
    message_of
        The newest message of an event by its id, for what the board leaves out.
    """
    meant = [seen for seen in board.seen if not _is_exercise(seen, wall_at)]
    not_meant = [seen for seen in board.seen if _is_exercise(seen, wall_at)]
    return State(_side(meant, wall_at, message_of), _side(not_meant, wall_at, message_of))


def _is_exercise(seen: Seen, wall_at: datetime) -> bool:
    return seen.status is not AlertStatus.ACTUAL or abs((wall_at - seen.issued_at).total_seconds()) > LIVE_S


def _side(events: Iterable[Seen], wall_at: datetime, message_of: Callable[[str], AlertCore | None]) -> Side:
    """Return what the most urgent of some events makes of the entities."""
    notified = [(seen, seen.local) for seen in events if seen.local is not None and seen.local.level != "none"]
    if not notified:
        cancels = [seen for seen in events if seen.is_cancelled]
        last = max(cancels, key=lambda seen: seen.issued_at, default=None)
        return Side() if last is None else Side(alert=_attributes(last, None, wall_at, message_of(last.event_id)))
    seen, local = max(notified, key=lambda each: _urgency(each[1]))
    return Side(
        shaking_expected=_is_expected(local),
        seconds_to_s=max(0, int(cut(local.s_in_s))) if local.s_in_s > -SHAKING_S else None,
        intensity=_known(local.intensity),
        magnitude=None if seen.magnitude is None else round(seen.magnitude, 1),
        level=local.level,
        alert=_attributes(seen, local, wall_at, message_of(seen.event_id)),
    )


def _is_expected(local: LocalEstimate) -> bool:
    """Return whether one is to act: the alert is one that sounds, and the shaking is not over.

    Without an estimate of when it begins, it is not over before the alert is.
    """
    return local.level in {"critical", "active"} and not local.s_in_s <= -SHAKING_S


def _urgency(local: LocalEstimate) -> tuple[bool, Level, float]:
    """Return what is greatest for the alert to act on: what is over comes after what is not."""
    soonest = -math.inf if math.isnan(local.s_in_s) else -local.s_in_s
    return _is_expected(local), Level[local.level.upper()], soonest


def _attributes(
    seen: Seen, local: LocalEstimate | None, wall_at: datetime, message: AlertCore | None
) -> dict[str, str | float | bool | None]:
    is_exercise = _is_exercise(seen, wall_at)
    level: AlertLevel = "passive" if local is None or local.level == "none" else local.level
    attributes: dict[str, str | float | bool | None] = {
        "headline": _headline(seen, local, is_exercise=is_exercise),
        "event_id": seen.event_id,
        "report_no": seen.report_no,
        "kind": seen.kind.value,
        "status": seen.status.value,
        "exercise": is_exercise,
        "verified": seen.is_verified,
        "issued_at": iso_utc(seen.issued_at, 0),
        "place": seen.place,
        "depth_km": seen.depth_km,
        "magnitude_type": seen.magnitude_type,
        "instruction": signal_of(level, seen.kind).instruction,
    }
    if message is not None and message.origin_at is not None:
        attributes |= {
            "origin_at": iso_utc(message.origin_at, 0),
            "lat_deg": message.lat_deg,
            "lon_deg": message.lon_deg,
        }
    if local is not None:
        attributes |= {
            "scale": local.scale,
            "epicentral_km": round(local.epicentral_km),
            "s_arrival_at": _wall_text(wall_at, local.s_in_s),
            "shelter": seen.shelter,
        }
    return attributes


def _headline(seen: Seen, local: LocalEstimate | None, *, is_exercise: bool) -> str:
    """Return one line for a screen; without seconds, since it stands until the next report."""
    word = AlertStatus.EXERCISE if seen.status is AlertStatus.ACTUAL else seen.status
    mark = word.mark if is_exercise else ""
    if local is None:
        return f"{mark}{CANCELLED} ({seen.place})"
    return f"{mark}{solution_words(seen)}: {local.level.upper()}, {shaking_words(local)}"


def _wall_text(wall_at: datetime, in_s: float) -> str | None:
    """Return an instant so many seconds from now by the clock on the wall, to the nearest second."""
    if math.isnan(in_s):
        return None
    try:
        return iso_utc(wall_at + timedelta(seconds=in_s + 0.5), 0)
    except OverflowError:
        # An unsigned message may name any millennium.
        return None


def _known(number: float) -> float | None:
    return None if math.isnan(number) else cut(number, 1)
