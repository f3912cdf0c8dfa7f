"""Where a level ends, in the two forms that CAP has for a place: polygons and a circle."""

from dataclasses import dataclass

__all__ = ["AlertPolygon", "Ring"]

#: Latitude and longitude of each corner, WGS 84 degrees, the first one again at the end.
Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class AlertPolygon:
    """The region in which a level's rule holds."""

    #: More than one where the date line or a gap parts it. Each is valid by itself, and none has a hole.
    polygons: tuple[Ring, ...]
    #: Latitude, longitude (degrees) and radius (km) of the largest circle about the epicentre inside the region;
    #: ``None`` where the epicentre lies outside.
    circle: tuple[float, float, float] | None
    #: The region is that circle: of a point source.
    is_circle: bool = False

    def polygon_texts(self) -> tuple[str, ...]:
        """Return the polygons as CAP spells them."""
        return tuple(
            " ".join(f"{_degrees(lat_deg)},{_degrees(lon_deg)}" for lat_deg, lon_deg in ring) for ring in self.polygons
        )

    def circle_text(self) -> str | None:
        """Return the circle as CAP spells it."""
        if self.circle is None:
            return None
        lat_deg, lon_deg, radius_km = self.circle
        return f"{_degrees(lat_deg)},{_degrees(lon_deg)} {radius_km:.1f}"


def _degrees(value: float) -> str:
    """Return a coordinate to about 11 m, without the minus of a zero."""
    return f"{round(value, 4) + 0.0:.4f}"
