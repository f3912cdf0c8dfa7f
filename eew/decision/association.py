"""How far two agencies' solutions are from being one earthquake."""

import math
from dataclasses import dataclass

from eew.model.records import Solution
from eew.model.units import seconds_after
from eew.physics.geodesy import EARTH_RADIUS_KM

__all__ = ["ASSOCIATE_WITHIN", "MERGE_WITHIN", "SPLIT_BEYOND", "Window"]

#: Association distance up to which a new id is associated with an event that is known, …
ASSOCIATE_WITHIN = 1.0
#: … beyond which an agency's solution is split off its event, …
SPLIT_BEYOND = 2.0
#: … and up to which two events are merged into one.
MERGE_WITHIN = 0.5

#: A wrong epicentre shifts the origin time by its error over this speed (triggers stand fast): P in the crust.
_P_KM_S = 6.0
#: Agencies seldom differ by more on one earthquake: a first report from outside the network was 1.8 low [LI21].
_MAGNITUDE_GAP = 2.0
#: How much stricter it is where magnitudes differ by more than that …
_STRICTER = 2.0
#: … and how much more lenient where a hypocentre is assumed or a magnitude unknown.
_LENIENT = 1.5
#: One agency sees one earthquake in one place: its own ids are one only within a third of what agencies differ by.
_SAME_AGENCY = 1 / 0.3


@dataclass(frozen=True, slots=True)
class Window:
    """What two agencies' solutions of one earthquake may differ by.

    Parameters
    ----------
    distance_km
        Between epicentres: a first report off the coast is wrong by tens of km.
    time_s
        Between origin times, beyond what the distance explains: depth and origin time are traded, 50 km for 8 s.

    Notes
    -----
    ShakeAlert joins its algorithms within 100 km and 30 s [SHAKEALERT-SA], SeisComP agencies within 5° and 60 s
    [SCEVENT]. Counting the pairs of distinct earthquakes in Japan that would be taken for one shows what a window costs
    (docs/merging.md).
    """

    distance_km: float = 100.0
    time_s: float = 10.0

    def association_distance(
        self, one: Solution, other: Solution, magnitude_gap: float | None, *, is_same_agency: bool
    ) -> float:
        """Return how far two solutions are apart; 1 at the edge of the window.

        Parameters
        ----------
        one, other
            The two solutions.
        magnitude_gap
            How far their magnitudes are apart; ``None`` where one is unknown.
        is_same_agency
            Whether it was one agency that gave them two ids.
        """
        factor = _SAME_AGENCY if is_same_agency else 1.0
        if one.is_assumed or other.is_assumed or magnitude_gap is None:
            factor /= _LENIENT
        elif magnitude_gap > _MAGNITUDE_GAP:
            factor *= _STRICTER
        apart_s = abs(seconds_after(one.origin_at, other.origin_at))
        # No distance explains as much.
        if apart_s > self.longest_s:
            return factor * apart_s / self.time_s
        distance_km = _distance_km(one, other)
        beyond_s = max(0.0, apart_s - distance_km / _P_KM_S)
        return factor * max(distance_km / self.distance_km, beyond_s / self.time_s)

    @property
    def longest_s(self) -> float:
        """Beyond this time apart, no two solutions can be one earthquake, nor stay one."""
        return SPLIT_BEYOND * _LENIENT * (self.time_s + self.distance_km / _P_KM_S)


def _distance_km(one: Solution, other: Solution) -> float:
    """Return the distance of two epicentres on the mean sphere: within 0.6 %, and cheap for one pair."""
    lat, other_lat = math.radians(one.lat_deg), math.radians(other.lat_deg)
    half_lon = math.radians(other.lon_deg - one.lon_deg) / 2
    half_sin2 = math.sin((other_lat - lat) / 2) ** 2 + math.cos(lat) * math.cos(other_lat) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half_sin2)))
