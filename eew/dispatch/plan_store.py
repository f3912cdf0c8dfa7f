"""What was planned, kept on disk: a run's memory must not grow with its reports."""

import dataclasses
from pathlib import Path

import numpy as np

from eew.model.records import AlertPlan
from eew.model.system.column_file import write_column
from eew.model.system.output import naming

__all__ = ["PlanStore"]

_COLUMNS = ("target_row", "level", "intensity", "p_arrival_s", "s_arrival_s", "s_slowness_s_km")


class PlanStore:
    """A folder of plan columns.

    Parameters
    ----------
    folder
        An existing folder of the run's own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._n_plans = 0

    def spill(self, plan: AlertPlan) -> AlertPlan:
        """Write the columns of a plan to disk and return it with its columns mapped from there."""
        self._n_plans += 1
        mapped = {}
        for name in _COLUMNS:
            path = self._folder / f"plan-{self._n_plans}-{name}.npy"
            with naming(path), path.open("wb") as file:
                write_column(file, getattr(plan, name))
            mapped[name] = np.load(path, mmap_mode="r")
        return dataclasses.replace(plan, **mapped)
