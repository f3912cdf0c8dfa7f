"""Whom an update is sent to: only those for whom something changed since what last reached them."""

import math
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eew.decision.policy import magnitude_tenths
from eew.model.errors import ModelRangeError
from eew.model.records import EventReport, Level, RowColumn
from eew.model.units import seconds_after
from eew.physics.geodesy import FloatArray, epicentral_km

__all__ = ["EventState"]

CodeColumn = npt.NDArray[np.uint8]

# What counts as a change of the event itself, and of one target's countdown.
MAGNITUDE_TENTHS = 3
EPICENTRE_KM = 10.0
DEPTH_KM = 10.0
ORIGIN_S = 3.0
S_ARRIVAL_S = np.float32(1.0)


class _Core(NamedTuple):
    """What a report says of the event as a whole; ``None`` is unknown, and so is the source that was assumed."""

    magnitude_tenths: int | None
    epicentre_deg: tuple[float, float] | None
    depth_km: float | None
    origin_s: float


class EventState:
    """What each target was last told about one event: 8 bytes a target, paged in as targets are told.

    Parameters
    ----------
    n_targets
        How many targets (devices or cells) there are.
    origin_at
        Origin time by the event's first report; instants are counted from it.
    has_extent
        Targets are cells: within one, devices may differ in level (one byte more a target).

    Notes
    -----
    Unknown values: what becomes known is a change, what becomes unknown is not (the receiver keeps what it has). The
    magnitude and place of an *assumed* source are placeholders, hence unknown.
    """

    def __init__(self, n_targets: int, origin_at: datetime, *, has_extent: bool = False) -> None:
        self._origin_at = origin_at
        # Which core was last delivered, numbered from 1; 0 is never told, or told it was no earthquake.
        self._core_no = np.zeros(n_targets, dtype=np.int16)
        self._level = np.zeros(n_targets, dtype=np.uint8)
        self._highest_level = np.zeros(n_targets, dtype=np.uint8)
        # S arrival after ``origin_at``, whatever origin time the report gave.
        self._s_arrival_s = np.zeros(n_targets, dtype=np.float32)
        # Level at the least exposed point of a cell.
        self._far_level = np.zeros(n_targets if has_extent else 0, dtype=np.uint8)
        self._core_numbers: dict[_Core, int] = {}

    @property
    def nbytes(self) -> int:
        """How much memory the columns take once every target was told."""
        columns = (self._core_no, self._level, self._highest_level, self._s_arrival_s, self._far_level)
        return sum(column.nbytes for column in columns)

    def select(
        self,
        report: EventReport,
        target_row: RowColumn,
        level: CodeColumn,
        s_arrival_s: FloatArray,
        far_level: CodeColumn | None = None,
    ) -> tuple[npt.NDArray[np.bool_], CodeColumn]:
        """Pick the targets that are to be told of a report, and how loud.

        Parameters
        ----------
        report
            Any but a cancel.
        target_row
            Shape ``(n,)``, ascending, unique: the targets that the report's estimate reaches. No other is told.
        level
            Shape ``(n,)``, codes of ``Level`` by this report alone.
        s_arrival_s
            Shape ``(n,)``, after the report's own origin time; NaN where unknown.
        far_level
            Of cells: shape ``(n,)``, codes of ``Level`` at the least exposed point, where ``level`` is at the most
            exposed one. A cell across which the level changes is told of every change of the event, however small,
            for somewhere inside it a device's level changes.

        Returns
        -------
        is_selected
            Shape ``(n,)``. A target never told: if it has a level. One that was told: if it still has a level, and
            against what was last delivered its level, the event or its S arrival changed (science of the revision:
            ΔM ≥ 0.3, epicentre or depth ≥ 10 km, origin ≥ 3 s, S arrival ≥ 1 s).
        effective_level
            Shape ``(n,)``. The level to send: *critical*, once delivered, stays; a lower estimate does not undo a
            warning, and is no change by itself.

        Raises
        ------
        ModelRangeError
            If the report is a cancel, or has no origin time.
        """
        core = self._core(report)
        if not self._core_numbers:
            return level != Level.NONE, level.copy()
        selector = _selector(target_row)
        core_no = self._core_no[selector]
        has_level = level != Level.NONE
        is_kept_critical = self._highest_level[selector] == Level.CRITICAL
        is_kept_critical &= has_level
        effective = np.maximum(level, is_kept_critical.view(np.uint8) * np.uint8(Level.CRITICAL))

        is_selected = effective != self._level[selector]
        is_selected |= self._is_event_changed(core, core_no)
        s_instant_s = np.asarray(s_arrival_s, dtype=np.float32) + np.float32(core.origin_s)
        # Written so that NaN told before is a change, and NaN now is none.
        is_same_s = np.abs(s_instant_s - self._s_arrival_s[selector]) < S_ARRIVAL_S
        is_same_s |= np.isnan(s_instant_s)
        is_selected |= ~is_same_s
        if far_level is not None:
            is_uneven = (far_level != level) | (far_level != self._far_level[selector])
            is_selected |= is_uneven & (core_no != self._core_numbers.get(core, 0))
        is_selected &= has_level
        return is_selected, effective

    def mark_sent(
        self,
        report: EventReport,
        target_row: RowColumn,
        level: CodeColumn,
        s_arrival_s: FloatArray,
        far_level: CodeColumn | None = None,
    ) -> None:
        """Remember what was really handed to the broker, not what was planned.

        Parameters
        ----------
        report
            Whose alerts they were; reports of one event in the order in which they were sent.
        target_row
            Shape ``(n,)``, unique, in any order.
        level
            Shape ``(n,)``: the effective level that was sent.
        s_arrival_s
            Shape ``(n,)``, after the report's own origin time.
        far_level
            As in ``select``.
        """
        core = self._core(report)
        row = target_row.astype(np.intp, copy=False)
        self._core_no[row] = self._core_numbers.setdefault(core, len(self._core_numbers) + 1)
        self._level[row] = level
        if far_level is not None:
            self._far_level[row] = far_level
        self._highest_level[row] = np.maximum(self._highest_level[row], level)
        self._s_arrival_s[row] = np.asarray(s_arrival_s, dtype=np.float32) + np.float32(core.origin_s)

    def told_rows(self) -> tuple[RowColumn, CodeColumn]:
        """Return whom a cancel goes to, ascending, and the highest level each was told; both shape ``(n_told,)``.

        Ask after what is on its way was marked: a cancel must find everyone who was told.
        """
        row = np.flatnonzero(self._core_no)
        return row.astype(np.int32), self._highest_level[row]

    def mark_cancelled(self, target_row: RowColumn) -> None:
        """Remember who was told that it was no earthquake: should the event live again, they are told anew."""
        row = target_row.astype(np.intp, copy=False)
        for column in (self._core_no, self._level, self._highest_level, self._s_arrival_s):
            column[row] = 0

    def _core(self, report: EventReport) -> _Core:
        """Return what a report says of the event as a whole."""
        solution = report.solution
        if solution is None:
            raise ModelRangeError("report", report.kind.value, "a report with origin time and epicentre")
        is_known = not solution.is_assumed
        return _Core(
            magnitude_tenths(solution.magnitude) if is_known else None,
            (solution.lat_deg, solution.lon_deg) if is_known else None,
            solution.depth_km if is_known else None,
            seconds_after(solution.origin_at, self._origin_at),
        )

    def _is_event_changed(self, core: _Core, core_no: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
        """Return whether the event differs from the one last delivered; shape of ``core_no``."""
        is_changed = np.array([True, *(_is_changed(told, core) for told in self._core_numbers)], dtype=np.bool_)
        answer: npt.NDArray[np.bool_]
        if is_changed[1:].all():
            answer = np.ones(len(core_no), dtype=np.bool_)
        elif not is_changed[1:].any():
            answer = core_no == 0
        else:
            answer = is_changed[core_no]
        return answer


def _is_changed(told: _Core, now: _Core) -> bool:
    """Return whether one core differs enough from another to tell those who had the first."""
    if abs(now.origin_s - told.origin_s) >= ORIGIN_S:
        return True
    if now.magnitude_tenths is not None and (
        told.magnitude_tenths is None or abs(now.magnitude_tenths - told.magnitude_tenths) >= MAGNITUDE_TENTHS
    ):
        return True
    # Decimal figures: 20.1 − 10.1 is a move by 10 km.
    if now.depth_km is not None and (told.depth_km is None or round(abs(now.depth_km - told.depth_km), 6) >= DEPTH_KM):
        return True
    if now.epicentre_deg is None:
        return False
    moved_km = math.inf if told.epicentre_deg is None else float(epicentral_km(*told.epicentre_deg, *now.epicentre_deg))
    return moved_km >= EPICENTRE_KM


def _selector(target_row: RowColumn) -> slice | npt.NDArray[np.intp]:
    """Return ascending unique rows as an index: a slice, which costs no copy, where they have no gaps."""
    n = len(target_row)
    if n and int(target_row[-1]) - int(target_row[0]) == n - 1:
        return slice(int(target_row[0]), int(target_row[0]) + n)
    return target_row.astype(np.intp)
