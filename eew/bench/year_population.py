"""Devices around the earthquakes of a year: a share of the people of every town, province by province.

One population for the whole year: who felt two earthquakes is one device with two alerts. Provinces are made one at a
time and whoever lives far from all earthquakes is left out at once, so that a country takes no more memory than its
greatest province.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.devices.population.population import frozen, make
from eew.devices.population.region import region_towns
from eew.estimate.intensity_models import IntensityModel
from eew.feed.scenario_year import Year
from eew.model.errors import InputError
from eew.model.records import Devices
from eew.model.region_name import Region
from eew.physics.geodesy import chord_km, ecef_km, hypocentral_km

__all__ = ["Circle", "YearDevices", "circles", "year_devices"]

#: How far beyond the last place that may be notified devices are made: the thresholds decide, not the map.
_MARGIN_KM = 50.0
#: Where the search for that place ends.
_FARTHEST_KM = 5000.0
#: Farther from its town no device is strewn: six lengths of a city of 25 million are 44 km.
_STRAY_KM = 50.0
#: Rows worked on at once.
_CHUNK = 1 << 20

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Circle:
    """The surroundings of one earthquake: all within a straight line of its epicentre."""

    #: Earth-centred, shape ``(3,)``.
    centre_km: npt.NDArray[np.floating]
    radius_km: float


@dataclass(frozen=True, slots=True)
class YearDevices:
    """The devices of a year, and how many live around each of its earthquakes."""

    devices: Devices
    #: By event id.
    n_around: Mapping[str, int]


def circles(year: Year, model: IntensityModel, min_intensity: float) -> dict[str, Circle]:
    """Return, by event id, what lies within 50 km of anybody who may be notified of the earthquake.

    Parameters
    ----------
    year
        Its earthquakes.
    model, min_intensity
        The profile's formula, and the least intensity at which it notifies anyone.
    """
    epicentral_km = np.arange(0.0, _FARTHEST_KM)
    found = {}
    for report in year.reports:
        rupture = report.rupture
        if rupture is None:
            continue  # nobody is notified of it
        depth_km = rupture.depth_km or 0.0
        intensity = model.intensity(rupture.magnitude, hypocentral_km(epicentral_km, depth_km), depth_km=depth_km)
        told_km = epicentral_km[intensity >= min_intensity]
        far_km = float(told_km[-1]) if len(told_km) else 0.0
        found[report.event_id] = Circle(ecef_km(rupture.lat_deg, rupture.lon_deg), far_km + _MARGIN_KM)
    return found


def year_devices(
    year: Year, around: Mapping[str, Circle], share: float, seed: int, on_progress: Progress | None = None
) -> YearDevices:
    """Return the devices that live in any of the circles.

    Parameters
    ----------
    year
        Which country, and how many devices an inhabitant.
    around
        The surroundings of its earthquakes, by event id.
    share
        How many of the devices, above 0, up to 1.
    seed
        Of the population.

    Raises
    ------
    InputError
        If nobody is left.

    Notes
    -----
    Ids are those of ``population.make`` with the number of the province in place of the first two digits.
    """
    report_progress = on_progress or (lambda _: None)
    provinces = [(number, region) for number, region in _provinces(year.country) if _is_near(region, around)]
    n_around = dict.fromkeys(around, 0)
    parts = []
    for index, (number, region) in enumerate(provinces):
        n_people = float(region_towns(region).population.sum())
        n_devices = round(n_people * year.devices_per_inhabitant * share)
        if n_devices:
            made = make(region, n_devices, seed)
            row = _kept(made, around, n_around)
            parts.append(
                Devices(
                    id=_numbered(made.id[row], number),
                    lat_deg=made.lat_deg[row],
                    lon_deg=made.lon_deg[row],
                    cell=made.cell[row],
                    kind=made.kind[row],
                    region=region.name,
                    seed=seed,
                )
            )
        report_progress((index + 1) / len(provinces))
    if not sum(len(part) for part in parts):
        raise InputError("more of the devices: nobody is left around the earthquakes", field="--share", value=share)
    return YearDevices(_merged(parts, year.name, seed), n_around)


def _provinces(country: str) -> list[tuple[int, Region]]:
    """Return GeoNames' numbered provinces of a country; those that are not there have no towns."""
    return [
        (number, Region(name=f"{country}.{number:02d}", code=f"{country}.{number:02d}")) for number in range(1, 100)
    ]


def _is_near(region: Region, around: Mapping[str, Circle]) -> bool:
    """Return whether any town's devices may live in any circle."""
    towns = region_towns(region)
    town_km = ecef_km(towns.lat_deg, towns.lon_deg)
    return any(
        bool((chord_km(town_km, each.centre_km) <= each.radius_km + _STRAY_KM).any()) for each in around.values()
    )


def _kept(devices: Devices, around: Mapping[str, Circle], n_around: dict[str, int]) -> npt.NDArray[np.intp]:
    """Return the rows of the devices that live in any circle, and count them."""
    is_kept = np.zeros(len(devices), dtype=np.bool_)
    for first in range(0, len(devices), _CHUNK):
        rows = slice(first, first + _CHUNK)
        device_km = ecef_km(devices.lat_deg[rows], devices.lon_deg[rows], np.float32)
        for event_id, each in around.items():
            is_inside = chord_km(device_km, each.centre_km) <= each.radius_km
            n_around[event_id] += int(is_inside.sum())
            is_kept[rows] |= is_inside
    return np.flatnonzero(is_kept)


def _numbered(device_id: npt.NDArray[np.bytes_], number: int) -> npt.NDArray[np.bytes_]:
    """Return ids with the number of their province in place of the first two digits: no two provinces share one."""
    text = device_id.view(np.uint8).reshape(len(device_id), device_id.itemsize).copy()
    text[:, 1], text[:, 2] = (ord(digit) for digit in f"{number:02d}")
    return text.view(device_id.dtype).ravel()


def _merged(parts: Sequence[Devices], region: str, seed: int) -> Devices:
    """Return all devices as one population, in Morton order."""
    cell = np.concatenate([part.cell for part in parts])
    row = np.argsort(cell, kind="stable")
    return Devices(
        id=frozen(np.concatenate([part.id for part in parts])[row]),
        lat_deg=frozen(np.concatenate([part.lat_deg for part in parts])[row]),
        lon_deg=frozen(np.concatenate([part.lon_deg for part in parts])[row]),
        cell=frozen(cell[row]),
        kind=frozen(np.concatenate([part.kind for part in parts])[row]),
        region=region,
        seed=seed,
    )
