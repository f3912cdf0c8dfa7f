"""What a device works out for itself from an alert's core, with the dispatcher's own code."""

from collections import OrderedDict
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from eew.decision.policy import levels
from eew.estimate.estimator import Estimator
from eew.estimate.intensity import intensity_model
from eew.estimate.targets import Targets
from eew.estimate.traveltime import TravelTimeTable
from eew.model import CodeColumn, EventReport, FloatColumn, Profile
from eew.wire.message import AlertCore

__all__ = ["OwnReckoning", "Reckoned"]

#: Alerts of one report come together: no more reports than these are on their way at once.
_N_REPORTS_KEPT = 4
_SOLUTION = (
    "event_id",
    "report_no",
    "kind",
    "status",
    "issued_at",
    "origin_at",
    "lat_deg",
    "lon_deg",
    "depth_km",
    "magnitude",
)


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What places make of a report; columns have shape ``(n,)``, NaN where nothing can be said."""

    #: Codes of ``Level``.
    level: CodeColumn
    #: On the profile's scale.
    intensity: FloatColumn
    #: After origin time; NaN beyond the travel-time table.
    p_arrival_s: FloatColumn
    s_arrival_s: FloatColumn


class OwnReckoning:
    """How loud an alert is at some places, and when the waves come there.

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
        self._targets = Targets.of(lat_deg, lon_deg)
        self._profile = profile
        model = intensity_model(profile.intensity_model)
        self._estimator = Estimator(TravelTimeTable.load(travel_times), model, profile.default_depth_km)
        self._reckoned: OrderedDict[tuple[str, int], Reckoned] = OrderedDict()

    def reckon(self, core: AlertCore) -> Reckoned:
        """Return what each place makes of a core that is no cancel.

        Raises
        ------
        msgspec.ValidationError
            If the core says less than a solution must, or a number is out of range.
        """
        key = (core.event_id, core.report_no)
        reckoned = self._reckoned.get(key)
        if reckoned is None:
            reckoned = self._reckoned[key] = self._reckon(_report(core))
            if len(self._reckoned) > _N_REPORTS_KEPT:
                self._reckoned.popitem(last=False)
        return reckoned

    def _reckon(self, report: EventReport) -> Reckoned:
        # Everybody wants the S arrival, also who by this reckoning is told nothing.
        estimate = self._estimator.estimate(report, self._targets, -np.inf)
        n = len(self._targets)
        level = np.zeros(n, dtype=np.uint8)
        intensity, p_arrival_s, s_arrival_s = (np.full(n, np.nan, dtype=np.float32) for _ in range(3))
        row = estimate.target_row
        level[row] = levels(self._profile, report.magnitude, estimate.intensity, estimate.max_intensity)
        intensity[row], p_arrival_s[row], s_arrival_s[row] = (
            estimate.intensity,
            estimate.p_arrival_s,
            estimate.s_arrival_s,
        )
        return Reckoned(level, intensity, p_arrival_s, s_arrival_s)


def _report(core: AlertCore) -> EventReport:
    """Return a core as the report it came from; raises ``msgspec.ValidationError`` where it is none."""
    members = {name: getattr(core, name) for name in _SOLUTION}
    return msgspec.convert(members | {"source": "wire"}, EventReport)
