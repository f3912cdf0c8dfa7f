"""Whom a plan has reached so far, written into the state of its event."""

from eew.decision.revision import EventState
from eew.model.records import AlertPlan, CodeColumn, ReportKind

__all__ = ["DeliveryTracker"]


class DeliveryTracker:
    """Tells an event's state what is in flight; while the state is read in a thread, what was to be told is kept.

    Parameters
    ----------
    state
        ``None`` where nobody was ever notified.
    far_level
        At the far side of every cell; ``None`` for devices and in a cancel.
    """

    def __init__(self, state: EventState | None, far_level: CodeColumn | None = None) -> None:
        self._state = state
        self._far_level = far_level
        self._paused: list[tuple[AlertPlan, int, int]] | None = None

    def __call__(self, plan: AlertPlan, start: int, end: int) -> None:
        """Take a part of the plan that cannot be called back."""
        if self._paused is None:
            self._mark(plan, start, end)
        else:
            self._paused.append((plan, start, end))

    def pause(self) -> None:
        """Touch the state no more for now."""
        self._paused = []

    def resume(self) -> None:
        """Catch up."""
        paused, self._paused = self._paused or [], None
        for each in paused:
            self._mark(*each)

    def _mark(self, plan: AlertPlan, start: int, end: int) -> None:
        if self._state is None:
            return
        row = plan.target_row[start:end]
        if plan.report.kind is ReportKind.CANCEL:
            self._state.mark_cancelled(row)
        else:
            far_level = None if self._far_level is None else self._far_level[row]
            self._state.mark_sent(plan.report, row, plan.level[start:end], plan.s_arrival_s[start:end], far_level)
