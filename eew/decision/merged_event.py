"""What agencies say of one earthquake, and the merged event that is made of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from eew.decision.relay import MOST_SAID, Said
from eew.model.records import EventReport, ReportKind, Solution

__all__ = ["AgencyEventId", "AgencySolution", "Alias", "MergedEvent", "is_one_count", "is_superseded", "relabelled"]

#: Up to here the first agency's own numbers are kept; no agency comes near, and counting on from here never ends.
_LAST_KEPT_NO = 9999

#: An agency, and its own id of an event.
AgencyEventId = tuple[str, str]


@dataclass(slots=True, eq=False)
class AgencySolution:
    """What one agency says of an earthquake under one of its ids."""

    agency: str
    event_id: str
    #: Counts on with each id that is associated: which id of an agency is its newest.
    begun: int
    #: The last solution; ``None`` while only a cancel or areas were heard.
    report: EventReport | None = None
    #: That report's; ``None`` with it.
    solution: Solution | None = None
    #: Whether shaking can be worked out from it.
    has_rupture: bool = False
    is_cancelled: bool = False
    magnitudes: tuple[float, float] | None = None
    #: Under which counts it comes: relays that have ids of their own count for themselves, too.
    numberings: set[str | None] = field(default_factory=set)
    #: What it said of late, cancels included.
    said: tuple[Said, ...] = ()

    @property
    def key(self) -> AgencyEventId:
        """Return what it is known by."""
        return self.agency, self.event_id

    @property
    def is_live(self) -> bool:
        """Return whether it says that there was an earthquake."""
        return self.report is not None and not self.is_cancelled

    def note(self, report: EventReport) -> None:
        """Remember what was said, under which count."""
        self.numberings.add(report.numbering)
        self.said = (*self.said, Said.of(report))[-MOST_SAID:]

    def take(self, report: EventReport, solution: Solution) -> None:
        """Take its agency's newest solution."""
        self.report, self.solution, self.is_cancelled = report, solution, False
        rupture = solution.rupture
        self.has_rupture = rupture is not None
        if rupture is not None:
            low, high = self.magnitudes or (rupture.magnitude, rupture.magnitude)
            self.magnitudes = min(low, rupture.magnitude), max(high, rupture.magnitude)


@dataclass(slots=True)
class Alias:
    """An id that the public knows an event by."""

    event_id: str
    report_no: int = 0


@dataclass(slots=True, eq=False)
class MergedEvent:
    """One earthquake, whichever agencies report it."""

    #: The first is in use; those after it were told before their events became one with this.
    aliases: list[Alias]
    #: Whose numbers are kept.
    founder: AgencyEventId
    members: dict[AgencyEventId, AgencySolution] = field(default_factory=dict)
    preferred: AgencySolution | None = None
    cancelled_at: datetime | None = None
    heard_at: datetime | None = None
    #: The earliest and the latest origin time that any of its members ever had.
    origins: tuple[datetime, datetime] | None = None

    @property
    def event_id(self) -> str:
        """Return the id in use."""
        return self.aliases[0].event_id

    def hold(self, member: AgencySolution) -> None:
        """Take in a member, or its newest solution."""
        self.members[member.key] = member
        if member.solution is not None:
            origin_at = member.solution.origin_at
            first_at, last_at = self.origins or (origin_at, origin_at)
            self.origins = min(first_at, origin_at), max(last_at, origin_at)

    def live(self, but: AgencySolution | None = None) -> list[AgencySolution]:
        """Return the members that are not taken back, but one."""
        return [member for member in self.members.values() if member.is_live and member is not but]


def is_one_count(one: AgencySolution, other: AgencySolution) -> bool:
    """Return whether two members are of one agency in one count: under two ids then, and not by two relays."""
    return one.agency == other.agency and not one.numberings.isdisjoint(other.numberings)


def is_superseded(member: AgencySolution, members: Iterable[AgencySolution]) -> bool:
    """Return whether a member's agency goes on under a newer id in the same count."""
    return any(other.begun > member.begun and is_one_count(member, other) for other in members)


def relabelled(report: EventReport, alias: Alias, founder: AgencyEventId) -> EventReport:
    """Return a report under an id of its merged event, and count it."""
    is_founders = (report.source, report.event_id) == founder
    keeps_no = is_founders and alias.report_no < report.report_no <= _LAST_KEPT_NO
    is_first = alias.report_no == 0
    alias.report_no = report.report_no if keeps_no else alias.report_no + 1
    kind = ReportKind.UPDATE if report.kind is ReportKind.NEW and not is_first else report.kind
    return msgspec.structs.replace(report, event_id=alias.event_id, report_no=alias.report_no, kind=kind)
