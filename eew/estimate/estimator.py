"""The estimate: arrivals and shaking at a million places in a fraction of a second.

For a point source everything is a function of distance alone, so it is worked out once on a grid of distances and
looked up for each target. The grid is even in the root of the distance: fine where shaking changes within metres. A
finite fault changes the shaking only: the waves start at the hypocentre.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from eew.estimate.fault import fault_distance_km
from eew.estimate.intensity_models import IntensityModel
from eew.estimate.targets import Targets
from eew.model.records import Estimate, EventReport, FloatColumn, RowColumn, Vertex
from eew.physics.geodesy import EARTH_RADIUS_KM, arc_km, chord_km, ecef_km, hypocentral_km
from eew.physics.travel_time_table import TravelTimeTable

__all__ = ["Estimator", "Reach"]

#: Rows worked on at once: what they need stays in the cache.
CHUNK_ROWS: Final = 1 << 15
#: Widest step of the grid of distances, the last one, km: 1 km from the source it is 0.01 km.
STEP_KM: Final = 0.5
#: Steps at least, for tables that end nearby.
MIN_STEPS: Final = 64


@dataclass(frozen=True, slots=True)
class Reach:
    """A report's shaking by distance, as of a point source; columns have shape ``(n,)``."""

    epicentral_km: FloatColumn
    intensity: FloatColumn
    #: After origin time: when the S wave has come to all places that may reach the least intensity, a fault's too.
    last_s_arrival_s: float


@dataclass(frozen=True, slots=True)
class _Curves:
    """What depends on distance alone, at nodes evenly spaced in the root of the chord from the epicentre."""

    chord_km: npt.NDArray[np.float64]
    epicentral_km: FloatColumn
    p_travel_s: FloatColumn
    s_travel_s: FloatColumn
    s_slowness_s_km: FloatColumn
    intensity: FloatColumn

    @property
    def end_km(self) -> float:
        """The chord at which the curves end."""
        return float(self.chord_km[-1])


@dataclass(frozen=True, slots=True)
class _Source:
    """What an estimate needs of a report, all of it known."""

    magnitude: float
    #: Cut to what the travel-time table has.
    depth_km: float
    #: The epicentre, shape ``(3,)``, Earth-centred.
    epicentre_km: npt.NDArray[np.floating]
    #: Segments of a finite fault, each with a vertex at least; none for a point source.
    fault: tuple[tuple[Vertex, ...], ...]


@dataclass(frozen=True, slots=True)
class Estimator:
    """Applies one travel-time table and one intensity model to reports."""

    table: TravelTimeTable
    model: IntensityModel
    #: Taken where a report says no depth.
    default_depth_km: float
    #: Those worked out last: a report is asked about several times.
    _latest: dict[tuple[float, float], _Curves] = field(default_factory=dict, init=False, repr=False, compare=False)

    def estimate(self, report: EventReport, targets: Targets, min_intensity: float) -> Estimate:
        """Return what the targets that reach ``min_intensity`` will feel, and when.

        Parameters
        ----------
        report
            One without a ``rupture`` reaches nobody: no attenuation may be applied to it.
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
        Distances are within 0.01 % of the geodesic (``geodesy``), travel times within 0.01 s of the table for its
        distances. Who lies beyond the table's greatest distance is not reached. A focus deeper than the table counts
        as at its bottom.
        """
        source = self._source(report)
        if source is None:
            return _nobody()
        curves = self._curves(source)
        max_intensity = self._max_intensity(source, curves)
        far_km = min(self._reach_km(source, curves, min_intensity), curves.end_km)
        runs = targets.rows_within(source.epicentre_km, far_km)
        # Room for all that may be reached: pages that stay empty are never touched, and nothing is copied twice.
        room = sum(run.stop - run.start for run in runs)
        target_row = np.empty(room, dtype=np.int32)
        columns = [np.empty(room, dtype=np.float32) for _ in range(4)]
        end = 0
        for run in runs:
            for first in range(run.start, run.stop, CHUNK_ROWS):
                coordinates_km = targets.coordinates_km[:, first : min(first + CHUNK_ROWS, run.stop)]
                place = _Place.of(chord_km(coordinates_km, source.epicentre_km), curves)
                if source.fault:
                    intensity = self._fault_intensity(source, fault_distance_km(coordinates_km, source.fault))
                else:
                    intensity = place.of_curve(curves.intensity)
                reached = np.flatnonzero((intensity >= min_intensity) & place.is_inside)
                if len(reached):
                    start, end = end, end + len(reached)
                    place = place.taken(reached)
                    np.add(reached, first, out=target_row[start:end], casting="unsafe")
                    parts = (
                        intensity[reached],
                        place.of_curve(curves.p_travel_s),
                        place.of_curve(curves.s_travel_s),
                        curves.s_slowness_s_km[place.node],
                    )
                    for column, part in zip(columns, parts, strict=True):
                        column[start:end] = part
        return _estimate(target_row[:end], *(column[:end] for column in columns), max_intensity=max_intensity)

    def estimate_next(self, report: EventReport, targets: Targets, *, after_s: float, n_most: int) -> Estimate:
        """Return what the targets that the S wave reaches next will feel, and when: they are found without the rest.

        Parameters
        ----------
        report, targets
            As in ``estimate``. A finite fault gives nobody: who is shaken most is not who is reached next.
        after_s
            After origin time.
        n_most
            No more targets than these, or as many more as the last two of them are alike.

        Returns
        -------
        estimate
            Rows ascending, exactly those whose S wave comes after ``after_s`` and before a certain time.
        """
        source = self._source(report)
        if source is None or source.fault:
            return _nobody()
        curves = self._curves(source)
        # Where the S wave is by then; it comes to the epicentre from below.
        passed_km = float(np.interp(after_s, curves.s_travel_s, curves.chord_km))
        row = targets.rows_beyond(source.epicentre_km, passed_km, n_most)
        chord = chord_km(targets.coordinates_km[:, row], source.epicentre_km)
        place = _Place.of(chord, curves)
        next_up = np.flatnonzero(place.is_inside & (place.of_curve(curves.s_travel_s) > after_s))
        place = place.taken(next_up)
        return _estimate(
            row[next_up],
            place.of_curve(curves.intensity),
            place.of_curve(curves.p_travel_s),
            place.of_curve(curves.s_travel_s),
            curves.s_slowness_s_km[place.node],
            max_intensity=self._max_intensity(source, curves),
        )

    def reach(self, report: EventReport, min_intensity: float) -> Reach | None:
        """Return how far a report's shaking reaches; ``None`` where nothing is known."""
        source = self._source(report)
        if source is None:
            return None
        curves = self._curves(source)
        far_km = min(self._reach_km(source, curves, min_intensity), curves.end_km)
        last_s = float(np.interp(far_km, curves.chord_km, curves.s_travel_s)) if far_km > 0 else 0.0
        return Reach(curves.epicentral_km, curves.intensity, last_s)

    def _source(self, report: EventReport) -> _Source | None:
        """Return the report's source, or ``None`` where there is none to which attenuation may be applied."""
        rupture = report.rupture
        if rupture is None:
            return None
        depth_km = self.default_depth_km if rupture.depth_km is None else rupture.depth_km
        return _Source(
            magnitude=rupture.magnitude,
            depth_km=min(max(depth_km, 0.0), self.table.max_depth_km),
            epicentre_km=ecef_km(rupture.lat_deg, rupture.lon_deg),
            fault=rupture.fault,
        )

    def _curves(self, source: _Source) -> _Curves:
        key = (source.magnitude, source.depth_km)
        curves = self._latest.get(key)
        if curves is None:
            curves = self._worked_out(source)
            self._latest.clear()
            self._latest[key] = curves
        return curves

    def _worked_out(self, source: _Source) -> _Curves:
        end_km = 2 * EARTH_RADIUS_KM * np.sin(min(self.table.max_distance_km / (2 * EARTH_RADIUS_KM), np.pi / 2))
        # d(root²) = 2 root d(root)
        n_steps = max(int(np.ceil(2 * end_km / STEP_KM)), MIN_STEPS)
        nodes_km = end_km * (np.arange(n_steps + 1) / n_steps) ** 2
        # The last node may lie beyond the table's end by a rounding.
        epicentral_km = np.minimum(arc_km(nodes_km), self.table.max_distance_km)
        p_travel_s, s_travel_s = self.table.travel_times(epicentral_km, source.depth_km)
        intensity = self.model.intensity(
            source.magnitude, hypocentral_km(epicentral_km, source.depth_km), depth_km=source.depth_km
        )
        slowness = np.maximum(np.gradient(s_travel_s, epicentral_km), 0)
        columns = (epicentral_km, p_travel_s, s_travel_s, slowness, intensity)
        return _Curves(nodes_km, *(column.astype(np.float32) for column in columns))

    def _fault_intensity(self, source: _Source, rupture_km: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        return self.model.intensity(source.magnitude, rupture_km, depth_km=source.depth_km, is_fault_distance=True)

    def _max_intensity(self, source: _Source, curves: _Curves) -> float:
        """Return the greatest intensity at the surface: at the epicentre, or above a fault's shallowest corner."""
        if not source.fault:
            return float(curves.intensity[0])
        top_km = min(vertex[2] for segment in source.fault for vertex in segment)
        return float(self._fault_intensity(source, np.array([max(top_km, 0.0)]))[0])

    def _reach_km(self, source: _Source, curves: _Curves, min_intensity: float) -> float:
        """Return a chord from the epicentre beyond which nobody is shaken enough; negative for nobody at all."""
        if not source.fault:
            reaching = np.flatnonzero(curves.intensity >= min_intensity)
            return float(curves.chord_km[min(reaching[-1] + 1, len(curves.chord_km) - 1)]) if len(reaching) else -1.0
        reaching = np.flatnonzero(self._fault_intensity(source, curves.chord_km) >= min_intensity)
        if not len(reaching):
            return -1.0
        if reaching[-1] == len(curves.chord_km) - 1:
            return np.inf
        # A fault is convex pieces: no part of it is further from the epicentre than one of its corners.
        lat_deg, lon_deg, depth_km = np.array([vertex for segment in source.fault for vertex in segment]).T
        corner_km = chord_km(ecef_km(lat_deg, lon_deg), source.epicentre_km) + np.abs(depth_km)
        return float(corner_km.max() + curves.chord_km[reaching[-1] + 1])


@dataclass(frozen=True, slots=True)
class _Place:
    """Where each target lies on the curves."""

    node: npt.NDArray[np.int32]
    fraction: FloatColumn
    is_inside: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, chord: npt.NDArray[np.floating], curves: _Curves) -> "_Place":
        n_steps = len(curves.chord_km) - 1
        position = np.sqrt(chord.astype(np.float32, copy=False)) * np.float32(n_steps / np.sqrt(curves.end_km))
        node = position.astype(np.int32)
        is_inside = node < n_steps
        np.minimum(node, n_steps - 1, out=node)
        return cls(node, position - node.astype(np.float32), is_inside)

    def taken(self, at: npt.NDArray[np.intp]) -> "_Place":
        return self if len(at) == len(self.node) else _Place(self.node[at], self.fraction[at], self.is_inside[at])

    def of_curve(self, curve: FloatColumn) -> FloatColumn:
        before = curve[self.node]
        value: FloatColumn = before + self.fraction * (curve[1:][self.node] - before)
        return value


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
