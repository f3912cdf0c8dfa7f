"""The estimate: arrivals and shaking at a million places in a fraction of a second.

For a point source everything is a function of distance alone, so it is worked out once on a fine grid of distances
and looked up for each target. A finite fault changes the shaking only: the waves start at the hypocentre.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eew.estimate.fault import fault_distance_km
from eew.estimate.intensity import IntensityModel
from eew.estimate.targets import Targets
from eew.estimate.traveltime import TravelTimeTable
from eew.geodesy import arc_km, chord_km, ecef_km, hypocentral_km
from eew.model import Estimate, EventReport, FloatColumn, ReportKind, RowColumn, Vertex

__all__ = ["Estimator", "Reach"]

#: Rows worked on at once: what they need stays in the cache.
CHUNK_ROWS: Final = 1 << 15
#: Step of the grid of distances, km: linear interpolation then errs by less than a hundredth of what is printed.
STEP_KM: Final = 0.25


@dataclass(frozen=True, slots=True)
class Reach:
    """A report's shaking by distance, for drawing radii; columns have shape ``(n,)``."""

    epicentral_km: FloatColumn
    intensity: FloatColumn


@dataclass(frozen=True, slots=True)
class _Curves:
    """What depends on distance alone, at every ``STEP_KM`` of chord from the epicentre."""

    epicentral_km: FloatColumn
    p_travel_s: FloatColumn
    s_travel_s: FloatColumn
    s_slowness_s_km: FloatColumn
    intensity: FloatColumn


@dataclass(frozen=True, slots=True)
class Estimator:
    """Applies one travel-time table and one intensity model to reports."""

    table: TravelTimeTable
    model: IntensityModel
    #: Taken where a report says no depth.
    default_depth_km: float

    def estimate(self, report: EventReport, targets: Targets, min_intensity: float) -> Estimate:
        """Return what the targets that reach ``min_intensity`` will feel, and when.

        Parameters
        ----------
        report
            A solution. A cancel, an assumed hypocentre or a missing magnitude reaches nobody: no attenuation may be
            applied to it.
        targets
            Where to estimate.
        min_intensity
            On the model's scale.

        Returns
        -------
        estimate
            Rows ascending.

        Notes
        -----
        Distances are within 0.01 % of the geodesic (``geodesy``), travel times within 0.01 s of the table.
        """
        magnitude = report.magnitude
        if magnitude is None or not _has_source(report):
            return _nobody()
        curves = self._curves(report, magnitude)
        source_km = ecef_km(report.lat_deg or 0.0, report.lon_deg or 0.0)
        depth_km = self._depth_km(report)
        if report.fault:
            far_km = self._fault_reach_km(report, magnitude, report.fault, source_km, min_intensity)
            max_intensity = float(self._intensity(magnitude, np.array([0.0]), depth_km, is_fault_distance=True)[0])
        else:
            reaching = np.flatnonzero(curves.intensity >= min_intensity)
            far_km = (float(reaching[-1]) + 1) * STEP_KM if len(reaching) else -1.0
            max_intensity = float(curves.intensity[0])
        parts = []
        for run in targets.rows_within(source_km, min(far_km, (len(curves.epicentral_km) - 2) * STEP_KM)):
            for first in range(run.start, run.stop, CHUNK_ROWS):
                end = min(first + CHUNK_ROWS, run.stop)
                coordinates_km = targets.coordinates_km[:, first:end]
                place = _Place.of(chord_km(coordinates_km, source_km), len(curves.epicentral_km))
                if report.fault:
                    rupture_km = fault_distance_km(coordinates_km, report.fault)
                    intensity = self._intensity(magnitude, rupture_km, depth_km, is_fault_distance=True)
                else:
                    intensity = place.of_curve(curves.intensity)
                reached = np.flatnonzero((intensity >= min_intensity) & place.is_inside)
                if len(reached):
                    place = place.taken(reached)
                    parts.append(
                        (
                            (reached + first).astype(np.int32),
                            intensity[reached].astype(np.float32, copy=False),
                            place.of_curve(curves.p_travel_s),
                            place.of_curve(curves.s_travel_s),
                            curves.s_slowness_s_km[place.node],
                        )
                    )
        if not parts:
            return _nobody(max_intensity)
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return _estimate(columns[0], *columns[1:], max_intensity=max_intensity)

    def reach(self, report: EventReport) -> Reach | None:
        """Return the shaking by distance from the epicentre, for a point source; ``None`` where nothing is known."""
        if report.magnitude is None or not _has_source(report):
            return None
        curves = self._curves(report, report.magnitude)
        return Reach(curves.epicentral_km, curves.intensity)

    def _curves(self, report: EventReport, magnitude: float) -> _Curves:
        depth_km = self._depth_km(report)
        max_chord_km = chord_km_of(self.table.max_distance_km)
        epicentral_km = arc_km(np.arange(0, max_chord_km, STEP_KM))
        p_travel_s, s_travel_s = self.table.travel_times(epicentral_km, depth_km)
        intensity = self._intensity(magnitude, hypocentral_km(epicentral_km, depth_km), depth_km)
        slowness = np.maximum(np.gradient(s_travel_s, epicentral_km), 0)
        columns = (epicentral_km, p_travel_s, s_travel_s, slowness, intensity)
        return _Curves(*(column.astype(np.float32) for column in columns))

    def _intensity(
        self,
        magnitude: float,
        distance_km: npt.NDArray[np.floating],
        depth_km: float,
        *,
        is_fault_distance: bool = False,
    ) -> npt.NDArray[np.floating]:
        return self.model.intensity(magnitude, distance_km, depth_km=depth_km, is_fault_distance=is_fault_distance)

    def _depth_km(self, report: EventReport) -> float:
        depth_km = self.default_depth_km if report.depth_km is None else report.depth_km
        return min(max(depth_km, 0.0), self.table.max_depth_km)

    def _fault_reach_km(
        self,
        report: EventReport,
        magnitude: float,
        fault: tuple[tuple[Vertex, ...], ...],
        source_km: npt.NDArray[np.floating],
        min_intensity: float,
    ) -> float:
        """Return a chord from the epicentre beyond which a fault shakes nobody enough."""
        rupture_km = np.arange(0, self.table.max_distance_km, STEP_KM)
        intensity = self._intensity(magnitude, rupture_km, self._depth_km(report), is_fault_distance=True)
        reaching = np.flatnonzero(intensity >= min_intensity)
        if not len(reaching):
            return -1.0
        vertices = [vertex for segment in fault for vertex in segment]
        corners_km = ecef_km([vertex[0] for vertex in vertices], [vertex[1] for vertex in vertices])
        extent_km = float(chord_km(corners_km, source_km).max()) + max(vertex[2] for vertex in vertices)
        return extent_km + (float(reaching[-1]) + 1) * STEP_KM


@dataclass(frozen=True, slots=True)
class _Place:
    """Where each target lies on the curves."""

    node: npt.NDArray[np.int32]
    fraction: FloatColumn
    is_inside: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, chord: npt.NDArray[np.floating], n_nodes: int) -> "_Place":
        position = chord.astype(np.float32, copy=False) * np.float32(1 / STEP_KM)
        node = position.astype(np.int32)
        is_inside = node < n_nodes - 1
        np.minimum(node, n_nodes - 2, out=node)
        return cls(node, position - node.astype(np.float32), is_inside)

    def taken(self, at: npt.NDArray[np.intp]) -> "_Place":
        return self if len(at) == len(self.node) else _Place(self.node[at], self.fraction[at], self.is_inside[at])

    def of_curve(self, curve: FloatColumn) -> FloatColumn:
        before = curve[self.node]
        value: FloatColumn = before + self.fraction * (curve[1:][self.node] - before)
        return value


def chord_km_of(epicentral_km: float) -> float:
    """Return the greatest chord on the grid for a table that ends at ``epicentral_km``."""
    grid_km = np.arange(0, epicentral_km, STEP_KM)
    return float(grid_km[np.searchsorted(arc_km(grid_km), epicentral_km, side="right") - 1])


def _has_source(report: EventReport) -> bool:
    return report.kind is not ReportKind.CANCEL and not report.is_assumed and report.origin_at is not None


def _nobody(max_intensity: float | None = None) -> Estimate:
    none = np.empty(0, dtype=np.float32)
    return _estimate(np.empty(0, dtype=np.int32), none, none, none, none, max_intensity=max_intensity)


def _estimate(
    target_row: RowColumn,
    intensity: FloatColumn,
    p_arrival_s: FloatColumn,
    s_arrival_s: FloatColumn,
    s_slowness_s_km: FloatColumn,
    *,
    max_intensity: float | None,
) -> Estimate:
    for column in (target_row, intensity, p_arrival_s, s_arrival_s, s_slowness_s_km):
        column.setflags(write=False)
    return Estimate(target_row, intensity, p_arrival_s, s_arrival_s, s_slowness_s_km, max_intensity)
