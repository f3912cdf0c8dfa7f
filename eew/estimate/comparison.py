"""Ours against the agency's own answer: S arrival and intensity in each of its areas."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.estimate.intensity_models import IntensityModel
from eew.model.errors import InputError
from eew.model.records import AreaAnswer, EventReport
from eew.physics.geodesy import epicentral_km, hypocentral_km
from eew.physics.intensity_scale import JMA_CLASS_FROM
from eew.physics.travel_time_table import TravelTimeTable

__all__ = ["AreaComparison", "Figures", "FloatColumn", "compare", "figures"]

FloatColumn = npt.NDArray[np.float64]
BoolColumn = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class AreaComparison:
    """Both answers for areas of one report or of several; columns have shape ``(n,)``, NaN is unknown."""

    report_no: npt.NDArray[np.int64]
    code: npt.NDArray[np.str_]
    #: Of the point of the area that is nearest to the epicentre.
    epicentral_km: FloatColumn
    #: After origin time.
    our_s_arrival_s: FloatColumn
    agency_s_arrival_s: FloatColumn
    #: At the nearest point, on firm ground.
    our_intensity: FloatColumn
    #: Numbers of the classes 0, 1, … 7, of which there are ten; the highest is 9 for "or more".
    our_class: FloatColumn
    agency_class_from: FloatColumn
    agency_class_to: FloatColumn

    def __len__(self) -> int:
        """How many areas of reports."""
        return len(self.code)

    @property
    def later_s(self) -> FloatColumn:
        """How much later our S wave comes than the agency's; negative is earlier, NaN where one is unknown."""
        return self.our_s_arrival_s - self.agency_s_arrival_s

    @property
    def classes_above(self) -> FloatColumn:
        """How many classes ours is above the agency's highest; negative is below its lowest, 0 within."""
        above: FloatColumn = np.maximum(self.our_class - self.agency_class_to, 0)
        below: FloatColumn = np.minimum(self.our_class - self.agency_class_from, 0)
        return above + below

    @property
    def shortfall(self) -> FloatColumn:
        """How much intensity ours lacks to where the agency's lowest class begins; NaN where one is unknown."""
        begins = np.array([-np.inf, *JMA_CLASS_FROM, np.nan])
        row = np.where(np.isnan(self.agency_class_from), len(begins) - 1, self.agency_class_from).astype(np.intp)
        lacking: FloatColumn = begins[row] - self.our_intensity
        return lacking

    def taken(self, is_taken: BoolColumn) -> "AreaComparison":
        """Return some of the rows; the mask has shape ``(n,)``."""
        return AreaComparison(*(getattr(self, name)[is_taken] for name in self.__slots__))

    @classmethod
    def together(cls, parts: Sequence["AreaComparison"]) -> "AreaComparison":
        """Return the rows of several, at least one, in their order."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a comparison comes to; ``None`` where nothing could be compared."""

    n_arrivals: int
    median_later_s: float | None
    min_later_s: float | None
    max_later_s: float | None
    #: Share of arrivals at most a second later than the agency's.
    share_in_time: float | None
    n_intensities: int
    share_within: float | None
    share_within_one_class: float | None
    n_above: int
    n_below: int
    #: How much intensity ours lacks to the agency's lowest class where it is below; the median.
    median_shortfall: float | None


def compare(
    report: EventReport,
    lat_deg: FloatColumn,
    lon_deg: FloatColumn,
    table: TravelTimeTable,
    model: IntensityModel,
    default_depth_km: float,
) -> AreaComparison | None:
    """Work out our answer beside the agency's for each area of a report.

    Parameters
    ----------
    report
        With ``areas`` of an agency that has the ten classes of JMA.
    lat_deg, lon_deg
        Shape ``(n,)``, degrees: of each of ``report.areas`` the point that is nearest to the epicentre, NaN where it
        is not known.
    table, model
        Of travel times, and of intensity on JMA's scale.
    default_depth_km
        Taken where the report says no depth.

    Returns
    -------
    comparison
        One row an area, in the report's order; ``None`` for a cancel, a report without areas, and one whose
        hypocentre is assumed, which says nothing of arrivals.

    Raises
    ------
    InputError
        If the model is of another scale.

    Notes
    -----
    Both arrival and shaking are those of the nearest point: the earliest and the strongest in the area, since both
    models know of distance only. No site amplification: the ground that JMA's intensities start from.
    """
    if model.scale != "jma":
        raise InputError("a profile whose intensity is JMA's (scale jma)", field="--profile", value=model.scale)
    solution = report.solution
    if solution is None or solution.is_assumed or not report.areas:
        return None
    depth_km = default_depth_km if solution.depth_km is None else solution.depth_km
    depth_km = min(max(depth_km, 0.0), table.max_depth_km)
    distance_km = np.asarray(epicentral_km(solution.lat_deg, solution.lon_deg, lat_deg, lon_deg), dtype=np.float64)

    our_s_arrival_s, our_intensity = np.full((2, len(distance_km)), np.nan)
    is_inside = distance_km <= table.max_distance_km  # not so where it is NaN
    our_s_arrival_s[is_inside] = table.travel_times(distance_km[is_inside], depth_km)[1]
    is_known = np.isfinite(distance_km)
    if solution.magnitude is not None:
        straight_km = hypocentral_km(distance_km[is_known], depth_km)
        our_intensity[is_known] = model.intensity(solution.magnitude, straight_km, depth_km=depth_km)
    arrivals = [None if area.s_arrival_at is None else area.s_arrival_at - solution.origin_at for area in report.areas]
    return AreaComparison(
        report_no=np.full(len(report.areas), report.report_no),
        code=np.array([area.code for area in report.areas]),
        epicentral_km=distance_km,
        our_s_arrival_s=our_s_arrival_s,
        agency_s_arrival_s=np.array([np.nan if after is None else after.total_seconds() for after in arrivals]),
        our_intensity=our_intensity,
        our_class=_class_of(our_intensity),
        agency_class_from=_class_of(np.array([_from(area) for area in report.areas])),
        agency_class_to=_class_of(np.array([_to(area) for area in report.areas])),
    )


def figures(comparison: AreaComparison) -> Figures:
    """Sum up a comparison over the rows where both sides have an answer."""
    later_s = comparison.later_s[np.isfinite(comparison.later_s)]
    above = comparison.classes_above[np.isfinite(comparison.classes_above)]
    shortfall = comparison.shortfall[comparison.shortfall > 0]
    has_arrival, has_class = len(later_s) > 0, len(above) > 0
    return Figures(
        n_arrivals=len(later_s),
        median_later_s=float(np.median(later_s)) if has_arrival else None,
        min_later_s=float(later_s.min()) if has_arrival else None,
        max_later_s=float(later_s.max()) if has_arrival else None,
        share_in_time=float((later_s <= 1).mean()) if has_arrival else None,
        n_intensities=len(above),
        share_within=float((above == 0).mean()) if has_class else None,
        share_within_one_class=float((np.abs(above) <= 1).mean()) if has_class else None,
        n_above=int((above > 0).sum()),
        n_below=int((above < 0).sum()),
        median_shortfall=float(np.median(shortfall)) if len(shortfall) else None,
    )


def _class_of(intensity: FloatColumn) -> FloatColumn:
    """Return the number of the class that each intensity has reached, 0 to 9; NaN stays."""
    reached = np.searchsorted(JMA_CLASS_FROM, intensity, side="right").astype(np.float64)
    return np.where(np.isnan(intensity), np.nan, reached)


def _from(area: AreaAnswer) -> float:
    return np.nan if area.intensity_from is None else area.intensity_from


def _to(area: AreaAnswer) -> float:
    """Return the upper intensity: without bound where there is a lower one only."""
    if area.intensity_from is None:
        return np.nan
    return np.inf if area.intensity_to is None else area.intensity_to
