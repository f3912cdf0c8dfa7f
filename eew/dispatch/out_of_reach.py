"""Why a run told nobody: how far its strongest report is felt, and how far away the nearest device lives."""

from collections.abc import Iterable

import numpy as np

from eew.contract.run_summary import OutOfReach
from eew.decision.policy import is_issued
from eew.estimate.estimator import Estimator
from eew.model.records import Devices, EventReport, Profile, Rupture
from eew.physics.geodesy import epicentral_km

__all__ = ["out_of_reach"]

#: Devices looked at at once.
_CHUNK_ROWS = 1 << 20


def out_of_reach(
    reports: Iterable[EventReport], devices: Devices, estimator: Estimator, profile: Profile
) -> OutOfReach | None:
    """Return the report that is felt farthest; ``None`` where none says where and how strong.

    Parameters
    ----------
    reports
        Those that were acted on.
    devices
        One at least.
    estimator, profile
        What they were judged by.
    """
    felt: list[tuple[float, EventReport, Rupture, float]] = []
    for report in reports:
        rupture, reach = report.rupture, estimator.reach(report, profile.min_intensity)
        if rupture is not None and reach is not None:
            felt_km = reach.epicentral_km[reach.intensity >= profile.min_intensity]
            felt.append((float(felt_km.max(initial=0.0)), report, rupture, float(reach.intensity[0])))
    if not felt:
        return None
    radius_km, report, rupture, max_intensity = max(felt, key=lambda each: each[0])
    nearest_km = np.inf
    for first in range(0, len(devices), _CHUNK_ROWS):
        part = slice(first, first + _CHUNK_ROWS)
        distance_km = epicentral_km(rupture.lat_deg, rupture.lon_deg, devices.lat_deg[part], devices.lon_deg[part])
        nearest_km = min(nearest_km, float(distance_km.min()))
    return OutOfReach(
        event_id=report.event_id,
        report_no=report.report_no,
        magnitude=rupture.magnitude,
        min_intensity=profile.min_intensity,
        felt_radius_km=round(radius_km, 1),
        nearest_device_km=round(nearest_km, 1),
        is_issued=is_issued(profile, rupture.magnitude, max_intensity, rupture.depth_km),
    )
