"""How a place is named where a population lives: a named region, or a disc around a point."""

from dataclasses import dataclass

from eew.model.errors import InputError

__all__ = ["MAX_RADIUS_KM", "NAMED_REGIONS", "Disc", "Region", "parse_region"]

MAX_RADIUS_KM = 5000

#: A country's code, or country and first-level code as GeoNames writes them.
NAMED_REGIONS = {
    "california": "US.CA",
    "hebei": "CN.10",
    "japan": "JP",
    "mexico": "MX",
    "sichuan": "CN.32",
    "taiwan": "TW",
    "turkiye": "TR",
    "xinjiang": "CN.13",
    "yunnan": "CN.29",
}


@dataclass(frozen=True, slots=True)
class Disc:
    """All points within ``radius_km`` of a centre, along the surface."""

    lat_deg: float
    lon_deg: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class Region:
    """Where a population lives: exactly one of ``code`` and ``disc`` is given."""

    #: As the user wrote it: ``japan`` or ``38.1,142.9,300``.
    name: str
    code: str | None = None
    disc: Disc | None = None


def parse_region(text: str, field: str = "--region") -> Region:
    """Return the region that ``NAME`` or ``LAT,LON,KM`` stands for.

    Raises
    ------
    InputError
        If it is neither a name of ``NAMED_REGIONS`` nor three numbers in range; names ``field``.
    """
    text = text.strip()
    name = text.lower()
    if name in NAMED_REGIONS:
        return Region(name=name, code=NAMED_REGIONS[name])
    try:
        lat_deg, lon_deg, radius_km = (float(part) for part in text.split(","))
    except ValueError:
        expected = f"one of {', '.join(NAMED_REGIONS)}, or LAT,LON,KM"
        raise InputError(expected, field=field, value=text) from None
    is_on_earth = -90 <= lat_deg <= 90 and -180 <= lon_deg <= 180
    if not (is_on_earth and 0 < radius_km <= MAX_RADIUS_KM):
        expected = f"LAT from -90 to 90, LON from -180 to 180, KM above 0 and up to {MAX_RADIUS_KM}"
        raise InputError(expected, field=field, value=text)
    return Region(name=f"{lat_deg:g},{lon_deg:g},{radius_km:g}", disc=Disc(lat_deg, lon_deg, radius_km))
