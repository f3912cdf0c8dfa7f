"""A region's practice: how loud whom to tell. Free of numpy, so that a device can apply it, too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Literal

__all__ = [
    "DEFAULT_CAP",
    "CapCertainty",
    "CapSeverity",
    "CapUrgency",
    "CapWords",
    "IssueRule",
    "Level",
    "LevelRule",
    "LevelWord",
    "Profile",
]

LevelWord = Literal["critical", "active", "passive", "none"]
#: The words that CAP 1.2 allows [CAP12].
CapUrgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
CapSeverity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
CapCertainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]


class Level(IntEnum):
    """How loud an alert is. ``NONE`` is not sent; the rest is ordered by urgency."""

    NONE = 0
    PASSIVE = 1
    ACTIVE = 2
    CRITICAL = 3

    @property
    def word(self) -> LevelWord:
        """The word in payloads and tables."""
        return _LEVEL_WORDS[self]


_LEVEL_WORDS: dict[Level, LevelWord] = {
    Level.NONE: "none",
    Level.PASSIVE: "passive",
    Level.ACTIVE: "active",
    Level.CRITICAL: "critical",
}


@dataclass(frozen=True, slots=True)
class LevelRule:
    """One way to reach a level; all that is given must hold."""

    #: Least intensity at the device, on the profile's scale.
    min_intensity: float
    #: Least magnitude, compared after rounding to 0.1 as agencies do.
    min_magnitude: float | None = None
    #: Least intensity that must be expected somewhere.
    min_anywhere: float | None = None


@dataclass(frozen=True, slots=True)
class IssueRule:
    """One way for a report to be issued at all; all that is given must hold."""

    min_magnitude: float | None = None
    min_anywhere: float | None = None


@dataclass(frozen=True, slots=True)
class CapWords:
    """What CAP says of a level."""

    severity: CapSeverity
    urgency: CapUrgency
    certainty: CapCertainty


#: Of a profile that says nothing else. Shaking is seconds away at every level. The wave is being recorded, but how
#: strong it will be at a place is an estimate: most likely where it is strong, possible where it may not be felt.
DEFAULT_CAP: Mapping[Level, CapWords] = MappingProxyType(
    {
        Level.CRITICAL: CapWords("Extreme", "Immediate", "Likely"),
        Level.ACTIVE: CapWords("Moderate", "Immediate", "Likely"),
        Level.PASSIVE: CapWords("Minor", "Immediate", "Possible"),
    }
)


@dataclass(frozen=True, slots=True)
class Profile:
    """A region's practice: which formula, which thresholds, which language. Data, not code."""

    name: str
    title: str
    #: ``jma``, ``mmi``, ``csis`` or ``cwa``: what an intensity number means.
    scale: str
    intensity_model: str
    travel_times: str
    #: Taken where a report does not say the depth, km.
    default_depth_km: float
    levels: Mapping[Level, tuple[LevelRule, ...]]
    issue: tuple[IssueRule, ...]
    #: Region and language of the help cards, ``jp/ja``.
    info: str
    #: How long after the last S arrival among the told an alert stays valid, s.
    validity_s: float
    sources: tuple[str, ...]
    #: Agencies whose word counts before others', in order of preference.
    leading: tuple[str, ...] = ()
    #: Of a focus from this depth on the agency forecasts no intensity; ``None``: of every focus it does.
    no_intensity_from_depth_km: float | None = None
    #: Of every level.
    cap: Mapping[Level, CapWords] = field(default_factory=lambda: dict(DEFAULT_CAP))

    def forecasts_intensity(self, depth_km: float | None) -> bool:
        """Return whether an intensity is forecast for a focus at that depth; ``None``: unknown."""
        limit_km = self.no_intensity_from_depth_km
        return limit_km is None or (self.default_depth_km if depth_km is None else depth_km) < limit_km

    @property
    def min_intensity(self) -> float:
        """The least intensity at which anyone is told."""
        return min(rule.min_intensity for rules in self.levels.values() for rule in rules)
