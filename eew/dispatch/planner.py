"""From one report to a plan: who is told, how loud and in which order; the dispatcher says when, and in which thread.

report ─ Estimator ─ levels ─ EventState.select ─ sending_order ─▶ AlertPlan
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from eew.contract.message import AlertCore
from eew.decision.policy import is_issued, levels
from eew.decision.revision import EventState
from eew.decision.sending_order import sending_order
from eew.estimate.estimator import Estimator, Reach
from eew.estimate.targets import Targets
from eew.fanout.encode import Encoder
from eew.model.records import AlertPlan, CodeColumn, Estimate, EventReport, Level, Profile, RowColumn, Solution
from eew.model.units import at_after, seconds_after

__all__ = ["Audience", "Outlook", "Planner"]

_Item = TypeVar("_Item", bound=np.generic)

#: A cancel stays valid this long: late relief is relief.
_CANCEL_VALIDITY_S = 600.0
#: So many go ahead of the rest: about what leaves while the rest is being planned.
_MOST_AHEAD = 16384
#: Fewer targets are planned whole before a device would notice.
_WORTH_AN_AHEAD = 4 * _MOST_AHEAD


class Audience(Protocol):
    """Whom alerts are addressed to: each device, or each populated cell."""

    def __len__(self) -> int:
        """How many targets."""
        ...

    def targets(self, solution: Solution) -> Targets:
        """Return where each target is hit first and hardest."""
        ...

    def far_targets(self, solution: Solution) -> Targets | None:
        """Return where each target is hit last and least; ``None`` where targets are points."""
        ...

    def encoder(self, plan: AlertPlan, core: AlertCore) -> Encoder:
        """Return what turns the plan into packets."""
        ...


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be said of a solution before anybody is looked at."""

    solution: Solution
    expires_at: datetime
    #: How far out each level reaches, by its word, km; empty where nobody is told.
    radius_km_by_level: Mapping[str, float]
    #: Of cells: level of every cell at its least exposed point; ``None`` where targets are points.
    far_level: CodeColumn | None


class Planner:
    """Plans by one profile for one audience.

    Parameters
    ----------
    profile, estimator
        The region's practice.
    audience
        Whom to tell.
    """

    def __init__(self, profile: Profile, estimator: Estimator, audience: Audience) -> None:
        self._profile = profile
        self._estimator = estimator
        self._audience = audience

    def outlook(self, report: EventReport, solution: Solution) -> Outlook:
        """Return what can be said of a report and its solution before anybody is looked at."""
        reach = self._estimator.reach(report, self._profile.min_intensity)
        last_s = 0.0 if reach is None else reach.last_s_arrival_s
        valid_from = max(report.issued_at, at_after(solution.origin_at, last_s))
        return Outlook(
            solution,
            _whole_ms(valid_from + timedelta(seconds=self._profile.validity_s)),
            {} if reach is None else self._radii_km(report, reach),
            self._level_at_far_side(report, solution),
        )

    def estimate(self, report: EventReport, solution: Solution) -> Estimate:
        """Return what everybody whom the report reaches will feel, and when."""
        return self._estimator.estimate(report, self._audience.targets(solution), self._profile.min_intensity)

    def most_urgent(self, report: EventReport, solution: Solution, now_at: datetime) -> Estimate | None:
        """Return the estimate of those whom the S wave reaches next, up to the first whose level is not critical.

        Whatever the rest turns out to be, these are the first of the best sending order: what is critical goes before
        all else, and nothing else is due before them. ``None`` where looking would not pay.
        """
        if len(self._audience) < _WORTH_AN_AHEAD:
            return None
        after_s = seconds_after(now_at, solution.origin_at)
        estimate = self._estimator.estimate_next(
            report, self._audience.targets(solution), after_s=after_s, n_most=_MOST_AHEAD
        )
        is_less = self._levels(report, estimate) != Level.CRITICAL
        before_s = estimate.s_arrival_s[is_less].min(initial=np.inf)
        return estimate.taken(np.flatnonzero(estimate.s_arrival_s < before_s))

    def ahead(
        self, report: EventReport, outlook: Outlook, estimate: Estimate, state: EventState, now_at: datetime, hz: float
    ) -> AlertPlan:
        """Plan the most urgent; who cannot be in time is left to the whole plan.

        Parameters
        ----------
        report, outlook
            As in ``whole``.
        estimate
            As ``most_urgent`` returns it.
        state, now_at, hz
            As in ``whole``.
        """
        position, level = self._selected(report, estimate, None, state)
        slack_s = _slack_s(outlook.solution, estimate, position, now_at)
        order = sending_order(slack_s, level[position], hz)
        return self._plan(report, outlook, estimate, level, position[order.order[: order.n_on_time]], None)

    def whole(
        self,
        report: EventReport,
        outlook: Outlook,
        estimate: Estimate,
        state: EventState,
        now_at: datetime,
        hz: float,
        ahead: AlertPlan | None,
    ) -> AlertPlan:
        """Plan all alerts of a report.

        Parameters
        ----------
        report, outlook, estimate
            A solution and what was made of it.
        state
            What each target was last told; nobody else may change it meanwhile.
        now_at
            The event's time from which on the alerts are sent.
        hz
            Alerts a second.
        ahead
            Those that are on their way already: they stay first.
        """
        position, level = self._selected(report, estimate, outlook.far_level, state)
        if ahead is not None:
            is_ahead = np.zeros(len(self._audience), dtype=np.bool_)
            is_ahead[ahead.target_row] = True
            position = position[~is_ahead[estimate.target_row[position]]]
        slack_s = _slack_s(outlook.solution, estimate, position, now_at)
        order = sending_order(slack_s, level[position], hz).order
        return self._plan(report, outlook, estimate, level, position[order], ahead)

    def nobody(self, report: EventReport, outlook: Outlook) -> AlertPlan:
        """Return the plan of a report to which no attenuation may be applied."""
        nobody = np.empty(0, dtype=np.int32)
        return self._plan(
            report, outlook, self.estimate(report, outlook.solution), np.empty(0, dtype=np.uint8), nobody, None
        )

    def cancel(self, report: EventReport, state: EventState | None) -> AlertPlan:
        """Plan the relief: to exactly those who were told, the loudest first."""
        if state is None:
            row, level = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.uint8)
        else:
            row, level = state.told_rows()
        order = np.argsort(-level.astype(np.int8), kind="stable")
        unknown = np.full(len(row), np.nan, dtype=np.float32)
        return AlertPlan(
            report=report,
            expires_at=_whole_ms(report.issued_at + timedelta(seconds=_CANCEL_VALIDITY_S)),
            scale=self._profile.scale,
            info=self._profile.info,
            target_row=row[order],
            level=level[order],
            intensity=unknown,
            p_arrival_s=unknown,
            s_arrival_s=unknown,
            s_slowness_s_km=unknown,
            radius_km_by_level={},
        )

    def _selected(
        self, report: EventReport, estimate: Estimate, far_level: CodeColumn | None, state: EventState
    ) -> tuple[RowColumn, CodeColumn]:
        """Return the positions in an estimate of those to be told, and the level of all in it."""
        is_selected, level = state.select(
            report,
            estimate.target_row,
            self._levels(report, estimate),
            estimate.s_arrival_s,
            None if far_level is None else far_level[estimate.target_row],
        )
        return np.flatnonzero(is_selected).astype(np.int32), level

    def _plan(
        self,
        report: EventReport,
        outlook: Outlook,
        estimate: Estimate,
        level: CodeColumn,
        position: RowColumn,
        ahead: AlertPlan | None,
    ) -> AlertPlan:
        return AlertPlan(
            report=report,
            expires_at=outlook.expires_at,
            scale=self._profile.scale,
            info=self._profile.info,
            target_row=_behind(None if ahead is None else ahead.target_row, estimate.target_row, position),
            level=_behind(None if ahead is None else ahead.level, level, position),
            intensity=_behind(None if ahead is None else ahead.intensity, estimate.intensity, position),
            p_arrival_s=_behind(None if ahead is None else ahead.p_arrival_s, estimate.p_arrival_s, position),
            s_arrival_s=_behind(None if ahead is None else ahead.s_arrival_s, estimate.s_arrival_s, position),
            s_slowness_s_km=_behind(
                None if ahead is None else ahead.s_slowness_s_km, estimate.s_slowness_s_km, position
            ),
            radius_km_by_level=outlook.radius_km_by_level,
        )

    def _levels(self, report: EventReport, estimate: Estimate) -> CodeColumn:
        if not is_issued(self._profile, report.magnitude, estimate.max_intensity, report.depth_km):
            return np.zeros(len(estimate.target_row), dtype=np.uint8)
        return levels(self._profile, report.magnitude, estimate.intensity, estimate.max_intensity)

    def _level_at_far_side(self, report: EventReport, solution: Solution) -> CodeColumn | None:
        targets = self._audience.far_targets(solution)
        if targets is None:
            return None
        estimate = self._estimator.estimate(report, targets, self._profile.min_intensity)
        far_level = np.zeros(len(targets), dtype=np.uint8)
        far_level[estimate.target_row] = self._levels(report, estimate)
        return far_level

    def _radii_km(self, report: EventReport, reach: Reach) -> dict[str, float]:
        if not is_issued(self._profile, report.magnitude, float(reach.intensity[0]), report.depth_km):
            return {}
        level = levels(self._profile, report.magnitude, reach.intensity, float(reach.intensity[0]))
        radii: dict[str, float] = {}
        for each in (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE):
            reached: npt.NDArray[np.intp] = np.flatnonzero(level >= each)
            radii[each.word] = round(float(reach.epicentral_km[reached[-1]]), 1) if len(reached) else 0.0
        return radii


def _behind(ahead: npt.NDArray[_Item] | None, column: npt.NDArray[_Item], position: RowColumn) -> npt.NDArray[_Item]:
    """Return a column's values at some positions, behind those that go ahead."""
    n_ahead = 0 if ahead is None else len(ahead)
    joined = np.empty(n_ahead + len(position), dtype=column.dtype)
    if ahead is not None:
        joined[:n_ahead] = ahead
    # No position is out of bounds; to check would need a copy of all.
    np.take(column, position, out=joined[n_ahead:], mode="clip")
    return joined


def _slack_s(solution: Solution, estimate: Estimate, position: RowColumn, now_at: datetime) -> npt.NDArray[np.float32]:
    slack_s: npt.NDArray[np.float32] = estimate.s_arrival_s[position]
    slack_s -= np.float32(seconds_after(now_at, solution.origin_at))
    return slack_s


def _whole_ms(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
