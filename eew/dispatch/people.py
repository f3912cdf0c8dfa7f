"""What an event was for each person: chosen when, told when, and the S wave when. Seconds after the event's epoch.

People are followed some rows of a population at a time: a hundred million of them at once would take 50 bytes each.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from eew.model.records import AlertPlan, Cells, FloatColumn, IssueBasis, Level, RowColumn
from eew.model.units import seconds_after

__all__ = ["LEVELS", "EventPeople", "Followed", "Issued", "People", "chosen_devices", "follow_event"]

#: From the loudest.
LEVELS: Final = (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE)

_Column = npt.NDArray[np.float64]


class Issued(Protocol):
    """A report, or what an alert says of it."""

    @property
    def issued_at(self) -> datetime:
        """When it was issued."""
        ...

    @property
    def issue_basis(self) -> IssueBasis:
        """How far that is known."""
        ...


class Followed(NamedTuple):
    """A report that was acted on, no cancel, and what came of it for some rows of the population."""

    report: Issued
    #: When the earthquake began by it.
    origin_at: datetime
    #: Shape ``(n_rows,)``; those that had the alert and by their own reckoning feel nothing may be in it.
    is_chosen: npt.NDArray[np.bool_]
    #: The receipts of its alerts (``receiver.RECEIPT``), and how long after the report each came, s; shape ``(n,)``.
    lines: npt.NDArray[np.void]
    received_s: FloatColumn


@dataclass(frozen=True, slots=True)
class EventPeople:
    """One event, for those who were chosen or told; columns have shape ``(n,)``, NaN where nothing is known."""

    #: Which devices, ascending.
    device_row: RowColumn
    #: When the first report that chose the device was issued.
    chosen_s: _Column
    #: When its first alert came, and the S arrival that it told.
    delivered_s: _Column
    s_arrival_s: _Column
    #: The loudest it was told.
    highest_level: npt.NDArray[np.uint8]
    #: Warning time of the first alert that was at least so loud.
    warning_s_by_level: Mapping[Level, _Column]

    def outcome(self) -> dict[str, int]:
        """Return how many were in time, late by physics, late by dispatch, and not told.

        Late by physics: the S wave was there before the first report that chose the person was issued. Late by
        dispatch: it came after that, and before the alert. Who was told and lies beyond all S arrivals that are known
        was in time. Who was told by a report of which nobody knows when it was issued counts apart, if anybody was.
        """
        is_told = self.highest_level > Level.NONE
        is_at_unknown = is_told & np.isnan(self.delivered_s)
        n_at_unknown = int(is_at_unknown.sum())
        is_late = self.s_arrival_s <= self.delivered_s
        is_by_physics = is_late & (self.s_arrival_s <= self.chosen_s)
        return {
            "in_time": int((is_told & ~is_late & ~is_at_unknown).sum()),
            "late_by_physics": int(is_by_physics.sum()),
            "late_by_dispatch": int((is_late & ~is_by_physics).sum()),
            "not_told": int((~is_told).sum()),
        } | ({"told_at_unknown_time": n_at_unknown} if n_at_unknown else {})


class People:
    """All events of a run, added up: a person counts once an event."""

    def __init__(self) -> None:
        self._outcome = Tally({"in_time": 0, "late_by_physics": 0, "late_by_dispatch": 0, "not_told": 0})
        self._warnings_s: dict[Level | None, list[FloatColumn]] = {level: [] for level in (None, *LEVELS)}

    def add(self, event: EventPeople) -> None:
        """Add what an event was for some."""
        self._outcome.update(event.outcome())
        of_all = event.s_arrival_s - event.delivered_s
        for level, warning_s in ((None, of_all), *event.warning_s_by_level.items()):
            # Of hours, single precision keeps the millisecond.
            self._warnings_s[level].append(warning_s[~np.isnan(warning_s)].astype(np.float32))

    def outcome(self) -> dict[str, int]:
        """Return the sum of all outcomes."""
        return dict(self._outcome)

    def warning_s(self, level: Level | None = None) -> FloatColumn:
        """Return the warning times of those told (at least so loud), all events, in no order."""
        return np.concatenate([np.empty(0, dtype=np.float32), *self._warnings_s[level]])


def chosen_devices(plan: AlertPlan, n_devices: int, cells: Cells | None) -> npt.NDArray[np.bool_]:
    """Return whether a plan is addressed to each device, or to its cell; shape ``(n_devices,)``."""
    is_target = np.zeros(n_devices if cells is None else len(cells), dtype=bool)
    is_target[plan.target_row] = True
    return is_target if cells is None else np.repeat(is_target, np.diff(cells.first_row))


def follow_event(followed: Iterable[Followed], first_row: int, n_rows: int) -> EventPeople:
    """Return what one event was for each of some devices that was chosen or told.

    Parameters
    ----------
    followed
        The event's reports, in the order in which they came. Instants count from the origin of the first; where nobody
        knows when a report was issued, neither is known when it chose or told anybody.
    first_row, n_rows
        Which devices of the population.
    """
    chosen_s, delivered_s, first_s_arrival_s = (np.full(n_rows, np.nan) for _ in range(3))
    was_chosen = np.zeros(n_rows, dtype=bool)
    highest_level = np.zeros(n_rows, dtype=np.uint8)
    warning_s_by_level = {level: np.full(n_rows, np.nan) for level in LEVELS}
    epoch: datetime | None = None
    for report, origin_at, is_chosen, lines, received_s in followed:
        epoch = epoch or origin_at
        is_known = report.issue_basis is not IssueBasis.UNKNOWN
        issued_s = seconds_after(report.issued_at, epoch) if is_known else np.nan
        line_row = lines["device_row"] - first_row
        is_affected = lines["level"] != Level.NONE
        is_really = is_chosen.copy()
        is_really[line_row[~is_affected]] = False
        was_chosen |= is_really
        chosen_s[is_really] = np.fmin(chosen_s[is_really], issued_s)

        row, level = line_row[is_affected], lines["level"][is_affected]
        told_s = issued_s + received_s[is_affected].astype(np.float64)
        s_arrival_s = lines["s_arrival_s"][is_affected].astype(np.float64) + seconds_after(origin_at, epoch)
        is_first = highest_level[row] == Level.NONE
        delivered_s[row[is_first]] = told_s[is_first]
        first_s_arrival_s[row[is_first]] = s_arrival_s[is_first]
        for each, warning_s in warning_s_by_level.items():
            is_first = (level >= each) & (highest_level[row] < each)
            warning_s[row[is_first]] = (s_arrival_s - told_s)[is_first]
        highest_level[row] = np.maximum(highest_level[row], level)
    known = np.flatnonzero(was_chosen | (highest_level > Level.NONE))
    return EventPeople(
        (known + first_row).astype(np.int32),
        chosen_s[known],
        delivered_s[known],
        first_s_arrival_s[known],
        highest_level[known],
        {level: warning_s[known] for level, warning_s in warning_s_by_level.items()},
    )
