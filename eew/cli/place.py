"""A place on the command line."""

from eew.model.errors import InputError

__all__ = ["place_of"]


def place_of(text: str, option: str) -> tuple[float, float]:
    """Return latitude and longitude of ``LAT,LON``, degrees; raises ``InputError`` naming the option."""
    wrong = InputError(
        "LAT,LON in degrees: latitude -90 to 90, longitude -180 to 180", field=option, value=text.strip()
    )
    try:
        lat_deg, lon_deg = (float(part) for part in text.split(","))
    except ValueError as error:
        raise wrong from error
    if not (-90 <= lat_deg <= 90 and -180 <= lon_deg <= 180):
        raise wrong
    return lat_deg, lon_deg
