"""One agency by several relays: which report is another one's copy, and which of two is the newer.

Numbers of two counts do not compare (``EventReport.numbering``). Across counts the time of issue gives the order, to
the second as most relays pass it on and as far as it is known, and what a report says of the earthquake tells a copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from eew.model.records import AlertStatus, AreaAnswer, EventReport, IssueBasis, ReportKind
from eew.model.units import seconds_after

__all__ = ["MOST_SAID", "Said", "copied", "is_news"]

#: So many of an event's last words a copy may repeat.
MOST_SAID = 64
#: Within a second several reports are issued, and one report is given two times by two telegrams.
_SAME_ISSUE_S = 1.0
#: A relay that does not say when a report was issued passes it on within this, s.
_LONGEST_WAY_S = 10.0
_NEVER = datetime.max.replace(tzinfo=UTC)
#: What relays round differently: the origin time, degrees, km, magnitude.
_ORIGIN_S, _PLACE_DEG, _DEPTH_KM, _MAGNITUDE = 1.0, 0.055, 1.0, 0.055


@dataclass(frozen=True, slots=True)
class Said:
    """What is remembered of a report that was acted on."""

    is_cancel: bool
    status: AlertStatus
    issued_at: datetime
    issue_basis: IssueBasis
    origin_at: datetime | None
    lat_deg: float | None
    lon_deg: float | None
    depth_km: float | None
    magnitude: float | None
    is_assumed: bool
    #: Of a report without a hypocentre; with one, they follow from it.
    areas: tuple[AreaAnswer, ...] | None

    @classmethod
    def of(cls, report: EventReport) -> Self:
        """Return what is to be remembered."""
        return cls(
            is_cancel=report.kind is ReportKind.CANCEL,
            status=report.status,
            issued_at=report.issued_at,
            issue_basis=report.issue_basis,
            origin_at=report.origin_at,
            lat_deg=report.lat_deg,
            lon_deg=report.lon_deg,
            depth_km=report.depth_km,
            magnitude=report.magnitude,
            is_assumed=report.is_assumed,
            areas=None if report.is_located else report.areas,
        )

    @property
    def issued_between(self) -> tuple[datetime, datetime]:
        """The first and the last second in which it may have been issued."""
        at = self.issued_at.replace(microsecond=0)
        match self.issue_basis:
            case IssueBasis.STATED:
                return at, at
            case IssueBasis.RECEIVED:
                return at - timedelta(seconds=_LONGEST_WAY_S), at
            case IssueBasis.UNKNOWN:
                return at, _NEVER

    def is_before(self, other: "Said") -> bool:
        """Return whether it was issued in an earlier second than another, for certain."""
        return self.issued_between[1] < other.issued_between[0]

    @property
    def strength(self) -> float:
        """How much it makes of the earthquake: its magnitude, or nothing where no shaking follows from it."""
        return -float("inf") if self.is_assumed or self.magnitude is None else self.magnitude


def copied(report: EventReport, said: Sequence[Said]) -> int | None:
    """Return which of those that were acted on under another count a report is a copy of; ``None``: of none.

    Issued in the same second, as far as that is known: of several that are alike the nearest in time, and the first of
    these. Relays round differently, and some leave members out: it need not be equal to be the same.
    """
    own = Said.of(report)
    alike = [index for index, other in enumerate(said) if _is_alike(own, other)]
    return min(alike, key=lambda index: _apart_s(own, said[index]), default=None)


def is_news(report: EventReport, last: Said) -> bool:
    """Return whether a report, which is no copy, counts beside what another count said last.

    What was issued in a later second does, in an earlier one not. Within a second, and where nobody says when it was
    issued, it cannot be known which is the newer one: a cancel counts, for it is an agency's last word, and otherwise
    whoever makes more of the earthquake.
    """
    own = Said.of(report)
    if last.is_before(own) or own.is_before(last):
        return last.is_before(own)
    return own.is_cancel or (not last.is_cancel and own.strength > last.strength)


def _is_alike(one: Said, other: Said) -> bool:
    if one.is_cancel is not other.is_cancel or one.status is not other.status:
        return False
    are_stated = one.issue_basis is other.issue_basis is IssueBasis.STATED
    if are_stated and _apart_s(one, other) > _SAME_ISSUE_S:
        return False
    # A cancel need not say of what.
    return one.is_cancel or (
        one.is_assumed is other.is_assumed
        and one.areas == other.areas
        and _are_instants_near(one.origin_at, other.origin_at)
        and _is_near(one.lat_deg, other.lat_deg, _PLACE_DEG)
        and _is_near(one.lon_deg, other.lon_deg, _PLACE_DEG, turn=360.0)
        and (one.depth_km is None or other.depth_km is None or _is_near(one.depth_km, other.depth_km, _DEPTH_KM))
        and _is_near(one.magnitude, other.magnitude, _MAGNITUDE)
    )


def _apart_s(one: Said, other: Said) -> float:
    return abs(seconds_after(one.issued_at, other.issued_at))


def _is_near(one: float | None, other: float | None, by: float, *, turn: float = float("inf")) -> bool:
    if one is None or other is None:
        return one is other
    apart = abs(one - other)
    return min(apart, turn - apart) <= by


def _are_instants_near(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= timedelta(seconds=_ORIGIN_S)
