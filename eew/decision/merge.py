"""Many agencies, one earthquake: which merged event a report belongs to, and whose solution is preferred.

report ─ ReportSequencer (its agency's own sequence) ─ which event ─ preferred source ─▶ MergedReport
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

import msgspec

from eew.decision.association import ASSOCIATE_WITHIN, MERGE_WITHIN, SPLIT_BEYOND, Window
from eew.decision.merged_event import (
    AgencyEventId,
    AgencySolution,
    Alias,
    MergedEvent,
    is_one_count,
    is_superseded,
    relabelled,
)
from eew.decision.relay import copied, is_news
from eew.decision.sequence import ReportSequencer
from eew.model.disposition import Disposition
from eew.model.errors import ModelRangeError
from eew.model.records import EventReport, IssueBasis, ReportKind, Solution
from eew.model.units import seconds_after

__all__ = ["Merged", "MergedReport", "Merger"]

#: An event that has gathered as many ids takes no more.
_MAX_MEMBERS = 16
#: What a merged event's id may be long, and how much of an agency's name goes into it.
_ID_LENGTH, _AGENCY_LENGTH = 64, 24


@dataclass(frozen=True, slots=True)
class MergedReport:
    """A report to act on, under its merged event's id and number."""

    report: EventReport
    disposition: Disposition


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of an incoming report."""

    #: The merged event it belongs to; ``None`` where it was refused and is of no event that is known.
    event_id: str | None
    #: In its agency's own sequence.
    in_sequence: Disposition
    #: Beside other agencies' solutions; the same where it is acted on, or its own sequence gives it no weight.
    disposition: Disposition
    #: To be acted on, in this order; none where the report changes nothing, two where it takes an event apart.
    reports: tuple[MergedReport, ...] = ()


class Merger:
    """Makes one merged event of what several agencies report of one earthquake. Pure: the caller says what time it is.

    Whoever is first is preferred. A leading agency takes over with its first report from which shaking can be worked
    out; others are preferred again only where it is silent for long or takes its word back. In doubt, neighbours are
    kept apart: an earthquake alerted twice is a nuisance, one under another's id alerts nobody.

    Parameters
    ----------
    leading
        Agencies in order of preference; whoever is not in it comes after, first come first.
    agency_by_source
        Sources that repeat another agency's reports, each in a count of its own.
    window
        What two agencies may differ by.
    silent_s
        A leading agency that has issued nothing for so long, and no final report, is overruled by the next report; not
        where nobody knows when it issued its last one.
    max_age_s, keep_s, max_events
        As in ``ReportSequencer``; the last two hold for merged events, too.

    Raises
    ------
    ModelRangeError
        If ``silent_s`` is negative, or as ``ReportSequencer`` raises.
    """

    def __init__(
        self,
        leading: Sequence[str] = (),
        *,
        agency_by_source: Mapping[str, str] | None = None,
        window: Window | None = None,
        silent_s: float = 60.0,
        max_age_s: float = 600.0,
        keep_s: float = 3600.0,
        max_events: int = 1024,
    ) -> None:
        if silent_s < 0:
            raise ModelRangeError("silent_s", silent_s, "at least 0")
        self._rank_by_agency = {agency: rank for rank, agency in reversed(list(enumerate(leading)))}
        self._agency_by_source = dict(agency_by_source or {})
        self._window = window or Window()
        self._longest = timedelta(seconds=self._window.longest_s)
        self._silent_s = silent_s
        self._keep_s = keep_s
        self._max_events = max_events
        self._n_members = 0
        self._event_by_member: dict[AgencyEventId, MergedEvent] = {}
        #: By id in use; the one heard of longest ago comes first.
        self._events: OrderedDict[str, MergedEvent] = OrderedDict()
        self.sequencer = ReportSequencer(max_age_s=max_age_s, keep_s=keep_s, max_events=max_events)

    @property
    def event_ids(self) -> AbstractSet[str]:
        """Every id that the public may still be told of: what is kept elsewhere about any other may go."""
        return {alias.event_id for event in self._events.values() for alias in event.aliases}

    def receive(self, report: EventReport, now_at: datetime) -> Merged:
        """Judge a report that comes in at ``now_at``, and say what to act on."""
        agency = self._agency_by_source.get(report.source, report.source)
        if agency != report.source:
            numbering = report.numbering or report.source
            report = msgspec.structs.replace(report, source=agency, numbering=numbering)
        self._forget(now_at)
        in_sequence = self.sequencer.receive(report, now_at)
        event = self._event_by_member.get((agency, report.event_id))
        if not in_sequence.is_acted_on:
            return Merged(None if event is None else event.event_id, in_sequence, in_sequence)
        if event is None:
            event = self._associated(report)
        member, solution = event.members[agency, report.event_id], report.solution
        member.note(report)
        if in_sequence is Disposition.CANCELLED:
            disposition, reports = self._take_back(event, member, report)
        elif solution is None:
            disposition, reports = Disposition.AREAS_ONLY, []
        else:
            member.take(report, solution)
            event.hold(member)
            event, reports = self._reassociated(event, member, solution)
            disposition = self._disposition(event, member, report, in_sequence)
            if disposition.is_acted_on:
                reports = [self._prefer(event, member, report), *reports]
        self._touch(event, max(now_at, report.issued_at))
        return Merged(event.event_id, in_sequence, disposition, tuple(reports))

    # Which event

    def _associated(self, report: EventReport) -> MergedEvent:
        """Associate a new id with the event nearest to it, or with one of its own."""
        self._n_members += 1
        member = AgencySolution(report.source, report.event_id, self._n_members)
        member.numberings.add(report.numbering)
        event, solution = None, report.solution
        if solution is not None:
            member.take(report, solution)
            event = self._nearest(member, solution, ASSOCIATE_WITHIN)
        if event is None:
            event = self._new_event(member)
        self._enter(event, member)
        return event

    def _nearest(
        self, member: AgencySolution, solution: Solution, limit: float, but: MergedEvent | None = None
    ) -> MergedEvent | None:
        """Return the nearest event, within a limit of one of its members and clearly apart from none."""
        from_at, to_at = solution.origin_at - self._longest, solution.origin_at + self._longest
        best: tuple[float, MergedEvent] | None = None
        for event in self._events.values():
            # Most events are hours apart: none of their members needs a look.
            if event.origins is None or event.origins[1] < from_at or event.origins[0] > to_at:
                continue
            if event is but or len(event.members) >= _MAX_MEMBERS:
                continue
            others = event.live() + [
                each for each in _relays(member, event.members.values()) if _had_gone(member, each)
            ]
            distances = [self._distance(member, other) for other in others]
            if (
                distances
                and min(distances) <= limit
                and max(distances) <= SPLIT_BEYOND
                and (best is None or min(distances) < best[0])
            ):
                best = min(distances), event
        return None if best is None else best[1]

    def _reassociated(
        self, event: MergedEvent, member: AgencySolution, solution: Solution
    ) -> tuple[MergedEvent, list[MergedReport]]:
        """Return the event that a member belongs to after it has moved, and what else is to be acted on."""
        others = event.live(but=member)
        if others and min(self._distance(member, other) for other in others) > SPLIT_BEYOND:
            return self._split(event, member, solution, others)
        twin = self._nearest(member, solution, MERGE_WITHIN, but=event)
        if twin is None or len(event.members) + len(twin.members) > _MAX_MEMBERS:
            return event, []
        if any(self._distance(*pair) > SPLIT_BEYOND for pair in product(event.live(), twin.live())):
            return event, []
        return self._merged(event, twin), []

    def _split(
        self, event: MergedEvent, member: AgencySolution, solution: Solution, others: list[AgencySolution]
    ) -> tuple[MergedEvent, list[MergedReport]]:
        """Split what is clearly not one: the preferred source keeps the event, the others go."""
        if event.preferred is not member:
            del event.members[member.key]
            left = self._nearest(member, solution, ASSOCIATE_WITHIN, but=event) or self._new_event(member)
            self._enter(left, member)
            return left, []
        for other in others:
            del event.members[other.key]
        successor, last = self._most_preferred(others)
        left = self._new_event(successor)
        left.heard_at = event.heard_at
        for other in others:
            self._enter(left, other)
        return event, [self._prefer(left, successor, last)]

    def _merged(self, one: MergedEvent, other: MergedEvent) -> MergedEvent:
        """Merge two events into the one that was known first; the other's id becomes an alias, for a cancel only."""
        first, second = sorted((one, other), key=lambda event: min(member.begun for member in event.members.values()))
        for member in second.members.values():
            self._enter(first, member)
        first.aliases += second.aliases
        if first.cancelled_at is not None or (
            first.preferred is not None
            and second.preferred is not None
            and self._rank(second.preferred) < self._rank(first.preferred)
        ):
            first.preferred, first.cancelled_at = second.preferred, second.cancelled_at
        del self._events[second.event_id]
        return first

    def _distance(self, one: AgencySolution, other: AgencySolution) -> float:
        if one.report is None or other.report is None or one.report.status is not other.report.status:
            return float("inf")
        if one.solution is None or other.solution is None:
            return float("inf")
        gap = None
        if one.magnitudes is not None and other.magnitudes is not None:
            # Against all that was said: one agency's first report meets another's tenth.
            gap = max(0.0, one.magnitudes[0] - other.magnitudes[1], other.magnitudes[0] - one.magnitudes[1])
        return self._window.association_distance(
            one.solution, other.solution, gap, is_same_agency=is_one_count(one, other)
        )

    # Whose solution is preferred

    def _rank(self, member: AgencySolution) -> int:
        return self._rank_by_agency.get(member.agency, len(self._rank_by_agency))

    def _most_preferred(self, members: Sequence[AgencySolution]) -> tuple[AgencySolution, EventReport]:
        """Return the live member that counts most, with its report: a rupture, the agency, its newest id, the first."""
        newest = [
            (member, member.report)
            for member in members
            if member.report is not None and not (is_superseded(member, members) or self._is_behind(member, members))
        ]
        return min(newest, key=lambda each: (not each[0].has_rupture, self._rank(each[0]), each[0].begun))

    def _disposition(
        self, event: MergedEvent, member: AgencySolution, report: EventReport, in_sequence: Disposition
    ) -> Disposition:
        """Return what a solution counts for that its agency's own sequence accepts."""
        if is_superseded(member, event.live()) or self._is_repeated(event, member, report):
            return Disposition.SUPERSEDED
        return in_sequence if self._is_preferred(event, member, report) else Disposition.NOT_PREFERRED

    def _is_preferred(self, event: MergedEvent, member: AgencySolution, report: EventReport) -> bool:
        """Return whether a solution is the event's from now on."""
        current = event.preferred
        if current is None or current is member or current.report is None or current.agency == member.agency:
            return True
        if event.cancelled_at is not None:
            return report.issued_at > event.cancelled_at
        if member.has_rupture is not current.has_rupture:
            return member.has_rupture
        if not current.is_live or self._rank(member) < self._rank(current):
            return True
        return self._is_silent(current.report, report.issued_at)

    def _is_silent(self, last: EventReport, at: datetime) -> bool:
        """Return whether whoever issued a report has said nothing for long although more was to come."""
        if last.kind is ReportKind.FINAL or last.issue_basis is IssueBasis.UNKNOWN:
            return False
        return seconds_after(at, last.issued_at) > self._silent_s

    def _is_behind(self, member: AgencySolution, members: Sequence[AgencySolution]) -> bool:
        """Return whether a member's agency has gone further by another relay, under an id of that relay's."""
        return any(member.said[-1].is_before(other.said[-1]) for other in _relays(member, members))

    def _is_repeated(self, event: MergedEvent, member: AgencySolution, report: EventReport) -> bool:
        """Return whether another relay of the agency, which has an id of its own, has said this before, or more since.

        Its cancels count, too, but no longer what it said before its id came to an end.
        """
        relays = _relays(member, event.members.values())
        return any(copied(report, other.said) is not None or not is_news(report, other.said[-1]) for other in relays)

    def _take_back(
        self, event: MergedEvent, member: AgencySolution, report: EventReport
    ) -> tuple[Disposition, list[MergedReport]]:
        """Take back an agency's word; the whole event where it leads or is alone."""
        for other in _relays(member, event.live()):
            # What another relay of the agency was told later, the agency said after it took its word back.
            other.is_cancelled = is_news(report, other.said[-1])
        others = event.live(but=member)
        leads = not any(
            other.agency == member.agency
            or self._rank(other) < self._rank(member)
            or (self._rank(other) == self._rank(member) and event.preferred is not member)
            for other in others
        )
        member.is_cancelled = True
        if leads and event.cancelled_at is None:
            event.preferred, event.cancelled_at = member, report.issued_at
            aliases = [alias for alias in event.aliases if alias is event.aliases[0] or alias.report_no]
            return Disposition.CANCELLED, [
                MergedReport(relabelled(report, alias, event.founder), Disposition.CANCELLED) for alias in aliases
            ]
        if event.preferred is not member or event.cancelled_at is not None or not others:
            return Disposition.WITHDRAWN, []
        successor, last = self._most_preferred(others)
        return Disposition.WITHDRAWN, [self._prefer(event, successor, last)]

    def _prefer(self, event: MergedEvent, member: AgencySolution, report: EventReport) -> MergedReport:
        """Prefer a solution from now on."""
        disposition = Disposition.ACCEPTED if event.cancelled_at is None else Disposition.CORRECTED
        event.preferred, event.cancelled_at = member, None
        return MergedReport(relabelled(report, event.aliases[0], event.founder), disposition)

    # What is remembered

    def _new_event(self, member: AgencySolution) -> MergedEvent:
        event_id, n = member.event_id, 1
        taken = self.event_ids if self._events else ()
        while event_id in taken:
            n += 1
            ending = f"-{member.agency[:_AGENCY_LENGTH]}" + (f"-{n}" if n > 2 else "")
            event_id = member.event_id[: _ID_LENGTH - len(ending)] + ending
        event = self._events[event_id] = MergedEvent([Alias(event_id)], member.key)
        return event

    def _enter(self, event: MergedEvent, member: AgencySolution) -> None:
        event.hold(member)
        self._event_by_member[member.key] = event

    def _touch(self, event: MergedEvent, at: datetime) -> None:
        event.heard_at = at if event.heard_at is None else max(at, event.heard_at)
        self._events.move_to_end(event.event_id)
        while len(self._events) > self._max_events:
            self._drop(next(iter(self._events.values())))

    def _forget(self, now_at: datetime) -> None:
        """Drop what was not heard of for long."""
        while self._events:
            event = next(iter(self._events.values()))
            if event.heard_at is None or seconds_after(now_at, event.heard_at) <= self._keep_s:
                return
            self._drop(event)

    def _drop(self, event: MergedEvent) -> None:
        del self._events[event.event_id]
        for key in event.members:
            del self._event_by_member[key]


def _relays(member: AgencySolution, members: Iterable[AgencySolution]) -> list[AgencySolution]:
    """Return the members of a member's agency by other relays, which have ids and counts of their own."""
    return [each for each in members if each.agency == member.agency and each.said and not is_one_count(member, each)]


def _had_gone(member: AgencySolution, relay: AgencySolution) -> bool:
    """Return whether what a new id says was taken back by its agency already, as another relay has told."""
    return relay.is_cancelled and member.report is not None and not is_news(member.report, relay.said[-1])
