"""What an event was for each person: chosen when, told when, and the S wave when. Seconds after the event's epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from eew.model import AlertPlan, Cells, EventReport, Level
from eew.units import seconds_after

__all__ = ["LEVELS", "EventPeople", "Followed", "People", "follow_people"]

#: From the loudest.
LEVELS: Final = (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE)

#: A report, its plan, the receipts of its alerts, and how long after the report each came.
Followed = tuple[EventReport, AlertPlan, npt.NDArray[np.void], npt.NDArray[np.float64]]
_Column = npt.NDArray[np.float64]


@dataclass(slots=True)
class EventPeople:
    """One event; columns have shape ``(n_devices,)``, NaN where nothing is known."""

    #: When the first report that chose the device was issued.
    chosen_s: _Column
    #: When its first alert came, and the S arrival that it told.
    delivered_s: _Column
    s_arrival_s: _Column
    #: The loudest it was told.
    highest_level: npt.NDArray[np.uint8]
    #: Warning time of the first alert that was at least so loud.
    warning_s_by_level: dict[Level, _Column]


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
        dispatch: it came after that, and before the alert.
        """
        counts = {"in_time": 0, "late_by_physics": 0, "late_by_dispatch": 0, "not_told": 0}
        for event in self.events.values():
            is_told = ~np.isnan(event.delivered_s)
            is_in_time = is_told & (event.s_arrival_s > event.delivered_s)
            is_late = is_told & ~is_in_time
            is_by_physics = is_late & (event.s_arrival_s <= event.chosen_s)
            counts["in_time"] += int(is_in_time.sum())
            counts["late_by_physics"] += int(is_by_physics.sum())
            counts["late_by_dispatch"] += int((is_late & ~is_by_physics).sum())
            counts["not_told"] += int((~np.isnan(event.chosen_s) & ~is_told).sum())
        return counts


def follow_people(followed: Sequence[Followed], n_devices: int, cells: Cells | None) -> People:
    """Return what each event was for each device.

    Parameters
    ----------
    followed
        Reports that were acted on, none a cancel, in the order in which they came.
    n_devices
        Size of the population.
    cells
        Where plans are addressed to cells; a device in a told cell that by its own reckoning feels nothing is not
        counted.
    """
    events: dict[str, EventPeople] = {}
    epochs: dict[str, datetime] = {}
    for report, plan, lines, received_s in followed:
        if report.origin_at is None:
            raise AssertionError("only a cancel has no origin")
        epoch = epochs.setdefault(report.event_id, report.origin_at)
        if report.event_id not in events:
            events[report.event_id] = _nobody(n_devices)
        event = events[report.event_id]
        issued_s = seconds_after(report.issued_at, epoch)
        is_affected = lines["level"] != Level.NONE
        row, level = lines["device_row"][is_affected], lines["level"][is_affected]
        delivered_s = issued_s + received_s[is_affected]
        s_arrival_s = lines["s_arrival_s"][is_affected].astype(np.float64) + seconds_after(report.origin_at, epoch)

        chosen_row = plan.target_row if cells is None else row
        is_new = np.isnan(event.chosen_s[chosen_row])
        event.chosen_s[chosen_row[is_new]] = issued_s
        is_first = np.isnan(event.delivered_s[row])
        event.delivered_s[row[is_first]] = delivered_s[is_first]
        event.s_arrival_s[row[is_first]] = s_arrival_s[is_first]
        event.highest_level[row] = np.maximum(event.highest_level[row], level)
        for each, warning_s in event.warning_s_by_level.items():
            is_first = (level >= each) & np.isnan(warning_s[row])
            warning_s[row[is_first]] = (s_arrival_s - delivered_s)[is_first]
    return People(events)


def _nobody(n_devices: int) -> EventPeople:
    def unknown() -> _Column:
        return np.full(n_devices, np.nan)

    return EventPeople(
        unknown(),
        unknown(),
        unknown(),
        np.zeros(n_devices, dtype=np.uint8),
        {level: unknown() for level in LEVELS},
    )
