"""What an event was for each person: chosen when, told when, and the S wave when. Seconds after the event's epoch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from eew.model import AlertPlan, Cells, EventReport, FloatColumn, Level, RowColumn
from eew.units import seconds_after

__all__ = ["LEVELS", "EventPeople", "Followed", "People", "follow_event"]

#: From the loudest.
LEVELS: Final = (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE)

_Column = npt.NDArray[np.float64]


class Followed(NamedTuple):
    """A report that was acted on, no cancel, and what came of it."""

    report: EventReport
    plan: AlertPlan
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


@dataclass(frozen=True, slots=True)
class People:
    """All events of a run."""

    events: Mapping[str, EventPeople]

    def warning_s(self, level: Level | None = None) -> _Column:
        """Return the warning times of those told (at least so loud), all events, in no order."""
        columns = [
            event.s_arrival_s - event.delivered_s if level is None else event.warning_s_by_level[level]
            for event in self.events.values()
        ]
        merged: _Column = np.concatenate([np.empty(0), *columns])
        return merged[~np.isnan(merged)]

    def outcome(self) -> dict[str, int]:
        """Return how many were in time, late by physics, late by dispatch, and not told; a person counts once an event.

        Late by physics: the S wave was there before the first report that chose the person was issued. Late by
        dispatch: it came after that, and before the alert. Who was told and lies beyond all S arrivals that are known
        was in time.
        """
        counts = {"in_time": 0, "late_by_physics": 0, "late_by_dispatch": 0, "not_told": 0}
        for event in self.events.values():
            is_told = ~np.isnan(event.delivered_s)
            is_late = event.s_arrival_s <= event.delivered_s
            is_by_physics = is_late & (event.s_arrival_s <= event.chosen_s)
            counts["in_time"] += int((is_told & ~is_late).sum())
            counts["late_by_physics"] += int(is_by_physics.sum())
            counts["late_by_dispatch"] += int((is_late & ~is_by_physics).sum())
            counts["not_told"] += int((~is_told).sum())
        return counts


def follow_event(followed: Iterable[Followed], n_devices: int, cells: Cells | None) -> EventPeople:
    """Return what one event was for each device that was chosen or told.

    Parameters
    ----------
    followed
        The event's reports, in the order in which they came.
    n_devices
        Size of the population.
    cells
        Where plans are addressed to cells. Then all devices in a chosen cell are chosen, but those that had the alert
        and by their own reckoning feel nothing.
    """
    chosen_s, delivered_s, first_s_arrival_s = (np.full(n_devices, np.nan) for _ in range(3))
    highest_level = np.zeros(n_devices, dtype=np.uint8)
    warning_s_by_level = {level: np.full(n_devices, np.nan) for level in LEVELS}
    epoch: datetime | None = None
    for report, plan, lines, received_s in followed:
        if report.origin_at is None:
            raise AssertionError("only a cancel has no origin")
        epoch = epoch or report.origin_at
        issued_s = seconds_after(report.issued_at, epoch)
        is_affected = lines["level"] != Level.NONE
        chosen_row = plan.target_row if cells is None else _rows_in(cells, plan, lines["device_row"][~is_affected])
        chosen_s[chosen_row] = np.fmin(chosen_s[chosen_row], issued_s)

        row, level = lines["device_row"][is_affected], lines["level"][is_affected]
        told_s = issued_s + received_s[is_affected].astype(np.float64)
        s_arrival_s = lines["s_arrival_s"][is_affected].astype(np.float64) + seconds_after(report.origin_at, epoch)
        is_first = np.isnan(delivered_s[row])
        delivered_s[row[is_first]] = told_s[is_first]
        first_s_arrival_s[row[is_first]] = s_arrival_s[is_first]
        for each, warning_s in warning_s_by_level.items():
            is_first = (level >= each) & (highest_level[row] < each)
            warning_s[row[is_first]] = (s_arrival_s - told_s)[is_first]
        highest_level[row] = np.maximum(highest_level[row], level)
    known = np.flatnonzero(~(np.isnan(chosen_s) & np.isnan(delivered_s))).astype(np.int32)
    return EventPeople(
        known,
        chosen_s[known],
        delivered_s[known],
        first_s_arrival_s[known],
        highest_level[known],
        {level: warning_s[known] for level, warning_s in warning_s_by_level.items()},
    )


def _rows_in(cells: Cells, plan: AlertPlan, unaffected_row: RowColumn) -> npt.NDArray[np.intp]:
    """Return the devices in the cells of a plan, but some."""
    is_cell = np.zeros(len(cells), dtype=bool)
    is_cell[plan.target_row] = True
    is_chosen = np.repeat(is_cell, np.diff(cells.first_row))
    is_chosen[unaffected_row] = False
    return np.flatnonzero(is_chosen)
