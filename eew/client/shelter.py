"""Where to go after the shaking, as seen from a device."""

import msgspec

from eew.contract.message import CellAlert, DeviceAlert, ShelterReference
from eew.physics.earth import bearing_deg, epicentral_km

__all__ = ["nearest_shelter", "shelter_id"]


def nearest_shelter(alert: CellAlert | DeviceAlert, at: tuple[float, float] | None) -> ShelterReference | None:
    """Return the shelter of a device's alert, or of a cell's the nearest to where the device is (degrees).

    The cell's first, without distance, where the device does not know where it is.
    """
    if isinstance(alert, DeviceAlert):
        return alert.shelter
    shelters = [each for each in alert.shelters if abs(each.lat_deg) <= 90 and abs(each.lon_deg) <= 180]
    if at is None or not shelters:
        return next(iter(shelters), None)
    distance_km = [epicentral_km(*at, each.lat_deg, each.lon_deg) for each in shelters]
    nearest = min(range(len(shelters)), key=distance_km.__getitem__)
    shelter = shelters[nearest]
    return msgspec.structs.replace(
        shelter,
        distance_m=round(1000 * distance_km[nearest]),
        bearing_deg=bearing_deg(*at, shelter.lat_deg, shelter.lon_deg),
    )


def shelter_id(alert: CellAlert | DeviceAlert) -> str | None:
    """Return the id that a compact alert gives in a shelter's place; nearest to the middle of the cell."""
    return alert.shelter_id if isinstance(alert, DeviceAlert) else next(iter(alert.shelter_ids), None)
