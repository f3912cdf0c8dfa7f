"""Numbers as people read and hear them: times, distances, directions, magnitudes and intensities."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from eew.contract.text.language import Language, Unit
from eew.contract.text.length import clean
from eew.physics.intensity_scale import class_word

__all__ = ["Reading", "plural"]

_KM_A_MILE = 1.609344
_M_A_FOOT = 0.3048
#: Regions that measure ways in miles.
_MILES = frozenset({"us"})
#: Seconds from which on a time is said in minutes.
_MINUTES_FROM_S = 120
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_POINTS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
#: As the USGS and others name places.
_PLACE_FROM = re.compile(r"(?P<km>\d+(?:\.\d+)?) ?km (?P<point>[NESW]{1,3}) of (?P<town>.+)")
_SIGNS = re.compile(r"[^\w\s.,'’\-、・]|_")


def plural(number: str) -> Literal["one", "other"]:
    """Return the plural category of a number as it is shown.

    Of the languages here, English, Spanish and Turkish tell one and other apart, and every number shown without
    decimals as 1 is one; Japanese and Chinese have only other [CLDR-PLURALS].
    """
    return "one" if number == "1" else "other"


@dataclass(frozen=True, slots=True)
class Reading:
    """How numbers are given: in a language, to the eye or to the ear, in a region's units."""

    language: Language
    is_spoken: bool
    region: str

    def time(self, after_s: float) -> str:
        """Return a time, cut: nobody is promised more than there is."""
        units = self.language.units
        if after_s < _MINUTES_FROM_S:
            return self._of(units.second, math.floor(after_s))
        return self._of(units.minute, math.floor(after_s / 60))

    def distance(self, distance_km: float) -> str:
        """Return a distance, rounded so that it can be kept in mind."""
        units = self.language.units
        if self.region in _MILES:
            miles = distance_km / _KM_A_MILE
            near = max(50, 50 * round(distance_km * 1000 / _M_A_FOOT / 50))
            return self._of(units.foot, near) if near < 1000 else self._of(units.mile, _kept(miles))
        near = max(10, 10 * round(distance_km * 100))
        if near > 100:
            near = 50 * round(near / 50)
        return self._of(units.metre, near) if near < 1000 else self._of(units.kilometre, _kept(distance_km))

    def direction(self, bearing_deg: float) -> str:
        """Return the nearest of eight directions."""
        return self.language.directions.words[math.floor(bearing_deg / 45 + 0.5) % 8]

    def magnitude(self, magnitude: float) -> str:
        """Return a magnitude with one decimal."""
        return f"{magnitude:.1f}".replace(".", self.language.decimal)

    def intensity(self, intensity: float, scale: str) -> str | None:
        """Return the sentence with the class or degree of an intensity; ``None`` where it is unknown."""
        words = self.language.intensity
        template = {"jma": words.jma, "cwa": words.cwa, "csis": words.csis, "mmi": words.mmi}.get(scale)
        reached = class_word(intensity, scale)
        if template is None or reached == "?":
            return None
        if scale in {"csis", "mmi"}:
            is_roman = self.language.is_roman and not self.is_spoken
            degree = reached if is_roman else str(_ROMAN.index(reached) + 1)
            return template.format(degree=degree if is_roman else words.plain.format(number=degree))
        half = {"-": words.lower, "+": words.upper}.get(reached[-1], words.plain)
        return template.format(degree=half.format(number=reached[0]))

    def place(self, name: str) -> str:
        """Return a place's name: "10 km NW of" a town in our words, and for the ear without signs."""
        name = clean(name)
        found = _from_town(name)
        if found is not None:
            name = self.language.source.place_from.format(
                distance=self.distance(float(found["km"])),
                direction=self.direction(22.5 * _POINTS.index(found["point"])),
                town=found["town"],
            )
        return self._heard(name)

    def town(self, name: str) -> str:
        """Return a place's name without the way from it."""
        name = clean(name)
        found = _from_town(name)
        return self._heard(name if found is None else found["town"])

    def _heard(self, name: str) -> str:
        return " ".join(_SIGNS.sub(" ", name).split()) if self.is_spoken else name

    def _of(self, unit: Unit, number: float) -> str:
        shown = f"{number:g}"
        if unit.written is not None and not self.is_spoken:
            template = unit.written
        else:
            template = unit.one if plural(shown) == "one" and unit.one is not None else unit.other
        return template.format(n=shown.replace(".", self.language.decimal))


def _from_town(name: str) -> re.Match[str] | None:
    found = _PLACE_FROM.fullmatch(name)
    return found if found is not None and found["point"] in _POINTS else None


def _kept(value: float) -> float:
    """Return a length with one decimal below ten, else whole, from a hundred on to tens."""
    if value < 9.95:
        return round(value, 1)
    return float(round(value)) if value < 100 else 10.0 * round(value / 10)
