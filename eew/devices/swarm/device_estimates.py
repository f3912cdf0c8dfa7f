"""On-device estimates of simulated devices, from an alert's core, with the dispatcher's own code."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from eew.client.rules import SOLUTION, solution_of
from eew.contract.message import AlertCore
from eew.decision.policy import is_issued, levels
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.estimate.targets import Targets
from eew.model.records import CodeColumn, EventReport, FloatColumn, Profile
from eew.physics.travel_time_table import TravelTimeTable

__all__ = ["OnDeviceEstimates", "OnDeviceEstimator"]

#: Alerts of one report come together: no more reports than these are in flight at once.
_N_REPORTS_KEPT = 4
#: Places estimated at once: a cell's alert costs the block around it, not all that a process plays.
_BLOCK_ROWS = 1 << 15


@dataclass(frozen=True, slots=True)
class OnDeviceEstimates:
    """On-device estimates of a report; columns have shape ``(n,)``, NaN where nothing can be said."""

    #: Codes of ``Level``.
    level: CodeColumn
    #: On the profile's scale.
    intensity: FloatColumn
    #: After origin time; NaN beyond the travel-time table.
    p_arrival_s: FloatColumn
    s_arrival_s: FloatColumn

    def part(self, rows: slice) -> "OnDeviceEstimates":
        """Return it for some of the places."""
        return OnDeviceEstimates(*(getattr(self, name)[rows] for name in _COLUMNS))


_COLUMNS = tuple(column.name for column in fields(OnDeviceEstimates))


@dataclass(slots=True)
class _Block:
    estimates: OnDeviceEstimates
    #: Places that have not asked yet.
    n_left: int


@dataclass(frozen=True, slots=True)
class _OwnReport:
    report: EventReport
    #: By number, those that are estimated.
    blocks: dict[int, _Block]


class OnDeviceEstimator:
    """Estimates the alert level and the arrivals at some places.

    The core leaves a finite fault out: what is worked out here is for a point source.

    Parameters
    ----------
    lat_deg, lon_deg
        Shape ``(n,)``, neighbours next to each other.
    profile, travel_times
        What the devices are set up with.
    """

    def __init__(self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, profile: Profile, travel_times: str) -> None:
        #: What an intensity number means.
        self.scale = profile.scale
        lat, lon = np.asarray(lat_deg), np.asarray(lon_deg)
        self._n_places = len(lat)
        parts = [slice(first, first + _BLOCK_ROWS) for first in range(0, len(lat), _BLOCK_ROWS)]
        self._targets = [Targets.of(lat[part], lon[part]) for part in parts]
        self._profile = profile
        model = intensity_model(profile.intensity_model)
        self._estimator = Estimator(TravelTimeTable.load(travel_times), model, profile.default_depth_km)
        #: By all that a core says of a solution, not by its number alone: whose number a forgery bears is not spoilt.
        self._reports: OrderedDict[tuple[object, ...], _OwnReport] = OrderedDict()

    def estimate(self, core: AlertCore, rows: slice | None = None) -> OnDeviceEstimates:
        """Return the estimates of a core that is no cancel.

        Parameters
        ----------
        core
            Of the report.
        rows
            A run of the places, each of which asks once a report: what all have asked for is let go. All of them, as
            often as they like, where it is not given.

        Raises
        ------
        msgspec.ValidationError
            If the core says less than a solution must, or a number is out of range.
        """
        solution = tuple(getattr(core, name) for name in SOLUTION)
        own = self._reports.get(solution)
        if own is None:
            own = self._reports[solution] = _OwnReport(solution_of(core), {})
            if len(self._reports) > _N_REPORTS_KEPT:
                self._reports.popitem(last=False)
        first, end, _ = (rows or slice(None)).indices(self._n_places)
        parts = []
        for number in range(first // _BLOCK_ROWS, -(-end // _BLOCK_ROWS)):
            block = own.blocks.get(number)
            if block is None:
                targets = self._targets[number]
                block = own.blocks[number] = _Block(self._estimated(own.report, targets), len(targets))
            start = number * _BLOCK_ROWS
            parts.append(block.estimates.part(slice(max(first - start, 0), end - start)))
            if rows is not None:
                block.n_left -= len(parts[-1].level)
                if block.n_left <= 0:
                    del own.blocks[number]
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _estimated(self, report: EventReport, targets: Targets) -> OnDeviceEstimates:
        # Everybody wants the S arrival, also devices that by this estimate get no alert.
        estimate = self._estimator.estimate(report, targets, -np.inf)
        n = len(targets)
        level = np.zeros(n, dtype=np.uint8)
        intensity, p_arrival_s, s_arrival_s = (np.full(n, np.nan, dtype=np.float32) for _ in range(3))
        row = estimate.target_row
        if is_issued(self._profile, report.magnitude, estimate.max_intensity, report.depth_km):
            level[row] = levels(self._profile, report.magnitude, estimate.intensity, estimate.max_intensity)
        intensity[row], p_arrival_s[row], s_arrival_s[row] = (
            estimate.intensity,
            estimate.p_arrival_s,
            estimate.s_arrival_s,
        )
        return OnDeviceEstimates(level, intensity, p_arrival_s, s_arrival_s)


def _joined(parts: Sequence[OnDeviceEstimates]) -> OnDeviceEstimates:
    return OnDeviceEstimates(*(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS))
