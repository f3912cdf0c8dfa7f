"""What agencies say of one earthquake, and the public event that is made of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from eew.decision.relay import MOST_SAID, Said
from eew.model.records import EventReport, ReportKind, Solution

__all__ = ["Name", "PublicEvent", "Vote", "VoteKey", "is_one_voice", "is_superseded", "relabelled"]

#: Up to here the first agency's own numbers are kept; no agency comes near, and counting on from here never ends.
_LAST_KEPT_NO = 9999

#: An agency, and its own id of an event.
VoteKey = tuple[str, str]


@dataclass(slots=True, eq=False)
class Vote:
    """What one agency says under one of its ids."""

    agency: str
    event_id: str
    #: Counts on with each vote: which id of an agency is its newest.
    begun: int
    #: The last solution; ``None`` while only a cancel or areas were heard.
    report: EventReport | None = None
    #: That report's; ``None`` with it.
    solution: Solution | None = None
    is_cancelled: bool = False
    magnitudes: tuple[float, float] | None = None
    #: Under which counts it comes: relays that have ids of their own count for themselves, too.
    numberings: set[str | None] = field(default_factory=set)
    #: What it said of late, cancels included.
    said: tuple[Said, ...] = ()

    @property
    def key(self) -> VoteKey:
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

    def hear(self, report: EventReport, solution: Solution) -> None:
        """Take its agency's newest solution."""
        self.report, self.solution, self.is_cancelled = report, solution, False
        rupture = solution.rupture
        if rupture is not None:
            low, high = self.magnitudes or (rupture.magnitude, rupture.magnitude)
            self.magnitudes = min(low, rupture.magnitude), max(high, rupture.magnitude)


@dataclass(slots=True)
class Name:
    """An id that the public knows an event by."""

    event_id: str
    report_no: int = 0


@dataclass(slots=True, eq=False)
class PublicEvent:
    """One earthquake as the public knows it."""

    #: The first is in use; those after it were told of before their events became one with this.
    names: list[Name]
    #: Whose numbers are kept.
    founder: VoteKey
    votes: dict[VoteKey, Vote] = field(default_factory=dict)
    speaker: Vote | None = None
    cancelled_at: datetime | None = None
    heard_at: datetime | None = None
    #: The earliest and the latest origin time that any of its votes ever had.
    origins: tuple[datetime, datetime] | None = None

    @property
    def event_id(self) -> str:
        """Return the id in use."""
        return self.names[0].event_id

    def hold(self, vote: Vote) -> None:
        """Count a vote, or its newest solution."""
        self.votes[vote.key] = vote
        if vote.solution is not None:
            origin_at = vote.solution.origin_at
            first_at, last_at = self.origins or (origin_at, origin_at)
            self.origins = min(first_at, origin_at), max(last_at, origin_at)

    def live(self, but: Vote | None = None) -> list[Vote]:
        """Return the votes that are not taken back, but one."""
        return [vote for vote in self.votes.values() if vote.is_live and vote is not but]


def is_one_voice(one: Vote, other: Vote) -> bool:
    """Return whether two votes are of one agency in one count: under two ids then, and not by two relays."""
    return one.agency == other.agency and not one.numberings.isdisjoint(other.numberings)


def is_superseded(vote: Vote, votes: Iterable[Vote]) -> bool:
    """Return whether a vote's agency goes on under a newer id in the same count."""
    return any(other.begun > vote.begun and is_one_voice(vote, other) for other in votes)


def relabelled(report: EventReport, name: Name, founder: VoteKey) -> EventReport:
    """Return a report as the public is told it, and count it."""
    is_founders = (report.source, report.event_id) == founder
    keeps_no = is_founders and name.report_no < report.report_no <= _LAST_KEPT_NO
    is_first = name.report_no == 0
    name.report_no = report.report_no if keeps_no else name.report_no + 1
    kind = ReportKind.UPDATE if report.kind is ReportKind.NEW and not is_first else report.kind
    return msgspec.structs.replace(report, event_id=name.event_id, report_no=name.report_no, kind=kind)
