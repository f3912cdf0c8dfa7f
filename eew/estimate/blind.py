"""The zone that a warning reaches too late."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["STravelTimes", "late_alert_radius_km"]

#: The radius is found to this, km.
RESOLUTION_KM = 0.001
#: Distances tried at a time.
N_TRIED = 65


class STravelTimes(Protocol):
    """What the radius needs of a travel-time table."""

    @property
    def max_distance_km(self) -> float:
        """Greatest epicentral distance it knows."""

    def travel_times(
        self, epicentral_km: npt.ArrayLike, depth_km: float
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return when P and S arrive at each distance, s after origin; S never falls with distance."""


def late_alert_radius_km(table: STravelTimes, depth_km: float, after_s: float) -> float:
    """Return the greatest epicentral distance that the S wave has reached some time after the origin.

    Who is nearer gets an alert that arrives at that time too late.

    Parameters
    ----------
    table
        Travel times.
    depth_km
        Of the focus, km.
    after_s
        When the alert is there, s after origin: time of issue and of delivery together.

    Returns
    -------
    radius_km
        Zero while the S wave has not come to the surface; the table's greatest distance where it has passed that.
    """
    near_km, far_km = 0.0, table.max_distance_km
    _, (at_epicentre_s, at_end_s) = table.travel_times(np.array([near_km, far_km]), depth_km)
    if at_epicentre_s > after_s:
        return 0.0
    if at_end_s <= after_s:
        return far_km
    while far_km - near_km > RESOLUTION_KM:
        tried_km = np.linspace(near_km, far_km, N_TRIED)
        _, s_travel_s = table.travel_times(tried_km, depth_km)
        n_reached = int(np.searchsorted(s_travel_s, after_s, side="right"))
        near_km, far_km = float(tried_km[n_reached - 1]), float(tried_km[min(n_reached, N_TRIED - 1)])
    return near_km
