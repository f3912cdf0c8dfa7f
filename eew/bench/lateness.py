"""Who is late because of the dispatch, when the same alerts are sent in different orders."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.decision.sending_order import sending_order
from eew.dispatch.people import LEVELS
from eew.model.errors import ConservationError
from eew.model.records import CodeColumn, FloatColumn, RowColumn

__all__ = ["ORDERS", "LatenessLoad", "LatenessOutcome", "late_by_order"]


@dataclass(frozen=True, slots=True)
class LatenessLoad:
    """The alerts of one report; columns have shape ``(n,)``, in the order of the population's rows."""

    #: S arrival after the report was decided; negative where the S wave was first.
    slack_s: npt.NDArray[np.float64]
    #: Codes of ``Level``, none of them ``NONE``.
    level: CodeColumn
    intensity: FloatColumn

    def __len__(self) -> int:
        """How many alerts."""
        return len(self.level)


@dataclass(frozen=True, slots=True)
class LatenessOutcome:
    """What becomes of a load in one order at one rate; counts by the word of the level, the highest first."""

    order: str
    n_in_time: Mapping[str, int]
    n_late_by_dispatch: Mapping[str, int]
    n_late_by_physics: Mapping[str, int]
    #: Alerts that the order leaves out, or names more than once.
    n_lost: int
    n_duplicated: int


def late_by_order(load: LatenessLoad, rate_hz: float, seed: int) -> list[LatenessOutcome]:
    """Return what becomes of a load, by the order in which it is sent.

    Parameters
    ----------
    load
        Whom to tell.
    rate_hz
        The k-th alert of an order, from 1, leaves ``k / rate_hz`` after the report was decided.
    seed
        Of the random order, not negative.

    Raises
    ------
    ConservationError
        If in any order in time, late by physics and late by dispatch do not add up to all.
    """
    return [_outcome(name, load, order_of(load, rate_hz, seed), rate_hz) for name, order_of in ORDERS.items()]


def _optimal(load: LatenessLoad, rate_hz: float, _: int) -> RowColumn:
    return sending_order(load.slack_s, load.level, rate_hz).order


def _first_come(load: LatenessLoad, _rate_hz: float, _seed: int) -> RowColumn:
    return np.arange(len(load), dtype=np.int32)


def _random(load: LatenessLoad, _: float, seed: int) -> RowColumn:
    return np.random.default_rng(seed).permutation(len(load)).astype(np.int32)


def _by_intensity(load: LatenessLoad, _rate_hz: float, _seed: int) -> RowColumn:
    return np.argsort(-load.intensity, kind="stable").astype(np.int32)


#: By the name in tables and JSON; the first is what eew does.
ORDERS: Mapping[str, Callable[[LatenessLoad, float, int], RowColumn]] = {
    "optimal": _optimal,
    "first-come": _first_come,
    "random": _random,
    "strongest-first": _by_intensity,
}


def _outcome(name: str, load: LatenessLoad, order: RowColumn, rate_hz: float) -> LatenessOutcome:
    n_times = np.bincount(order, minlength=len(load))
    # What an order left out would never leave.
    left_s = np.full(len(load), np.inf)
    left_s[order] = np.arange(1, len(order) + 1) / rate_hz
    is_by_physics = load.slack_s <= 0
    is_late = load.slack_s < left_s
    in_time, by_dispatch, by_physics = (
        {str(level.word): int((is_this & (load.level == level)).sum()) for level in LEVELS}
        for is_this in (~is_late & ~is_by_physics, is_late & ~is_by_physics, is_by_physics)
    )
    n_in_time, n_by_dispatch, n_by_physics = (sum(each.values()) for each in (in_time, by_dispatch, by_physics))
    if n_in_time + n_by_dispatch + n_by_physics != len(load):
        raise ConservationError(
            f"selected {len(load)} ≠ in time {n_in_time} + late by dispatch {n_by_dispatch} "
            f"+ late by physics {n_by_physics} ({name})"
        )
    n_lost, n_duplicated = int((n_times == 0).sum()), int((n_times - 1).clip(0).sum())
    return LatenessOutcome(name, in_time, by_dispatch, by_physics, n_lost, n_duplicated)
