"""Many agencies, one earthquake: which public event a report belongs to, and what the public is told of it.

report ─ EventBook (its agency's own sequence) ─ which event ─ who speaks ─▶ Told
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product

import msgspec

from eew.decision.association import JOIN, REUNITE, STAY, Window
from eew.decision.merged_event import Name, PublicEvent, Vote, VoteKey, is_one_voice, is_superseded, relabelled
from eew.decision.relay import copied, is_news
from eew.decision.sequence import EventBook
from eew.model.disposition import Disposition
from eew.model.errors import ModelRangeError
from eew.model.records import EventReport, IssueBasis, ReportKind, Solution
from eew.model.units import seconds_after

__all__ = ["Merged", "Merger", "Told"]

#: An event that has gathered as many ids takes no more.
_MAX_VOTES = 16
#: What a public event's id may be long, and how much of an agency's name goes into it.
_ID_LENGTH, _AGENCY_LENGTH = 64, 24


@dataclass(frozen=True, slots=True)
class Told:
    """A report to act on, under its public event's id and number."""

    report: EventReport
    disposition: Disposition


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of an incoming report."""

    #: The public event it belongs to; ``None`` where it was refused and is of no event that is known.
    event_id: str | None
    #: In its agency's own sequence.
    in_sequence: Disposition
    #: Beside other agencies' solutions; the same where it is acted on, or its own sequence gives it no weight.
    disposition: Disposition
    #: In this order; none where the report changes nothing, two where it takes an event apart.
    told: tuple[Told, ...] = ()


class Merger:
    """Makes one public event of what several agencies report of one earthquake. Pure: the caller says what time it is.

    The public is told by whoever is first. A leading agency takes over with its first report from which shaking can be
    worked out; others speak again only where it is silent for long or takes its word back. Neighbours in doubt stay
    apart: an earthquake told twice is a nuisance, one told under another's name is not told.

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
        As in ``EventBook``; the last two hold for public events, too.

    Raises
    ------
    ModelRangeError
        If ``silent_s`` is negative, or as ``EventBook`` raises.
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
        self._n_votes = 0
        self._event_by_vote: dict[VoteKey, PublicEvent] = {}
        #: By public id in use; the one heard of longest ago comes first.
        self._events: OrderedDict[str, PublicEvent] = OrderedDict()
        self.book = EventBook(max_age_s=max_age_s, keep_s=keep_s, max_events=max_events)

    @property
    def event_ids(self) -> AbstractSet[str]:
        """Every id that the public may still be told of: what is kept elsewhere about any other may go."""
        return {name.event_id for event in self._events.values() for name in event.names}

    def receive(self, report: EventReport, now_at: datetime) -> Merged:
        """Judge a report that comes in at ``now_at``, and say what to tell the public."""
        agency = self._agency_by_source.get(report.source, report.source)
        if agency != report.source:
            numbering = report.numbering or report.source
            report = msgspec.structs.replace(report, source=agency, numbering=numbering)
        self._forget(now_at)
        in_sequence = self.book.receive(report, now_at)
        event = self._event_by_vote.get((agency, report.event_id))
        if not in_sequence.is_acted_on:
            return Merged(None if event is None else event.event_id, in_sequence, in_sequence)
        if event is None:
            event = self._joined(report)
        vote, solution = event.votes[agency, report.event_id], report.solution
        vote.note(report)
        if in_sequence is Disposition.CANCELLED:
            disposition, told = self._take_back(event, vote, report)
        elif solution is None:
            disposition, told = Disposition.AREAS_ONLY, []
        else:
            vote.hear(report, solution)
            event.hold(vote)
            event, told = self._settled(event, vote, solution)
            disposition = self._disposition(event, vote, report, in_sequence)
            if disposition.is_acted_on:
                told = [self._speak(event, vote, report), *told]
        self._heard(event, max(now_at, report.issued_at))
        return Merged(event.event_id, in_sequence, disposition, tuple(told))

    # Which event

    def _joined(self, report: EventReport) -> PublicEvent:
        """Give a vote to a new id, in the event that it fits best or in one of its own."""
        self._n_votes += 1
        vote = Vote(report.source, report.event_id, self._n_votes)
        vote.numberings.add(report.numbering)
        event, solution = None, report.solution
        if solution is not None:
            vote.hear(report, solution)
            event = self._fitting(vote, solution, JOIN)
        if event is None:
            event = self._founded(vote)
        self._enter(event, vote)
        return event

    def _fitting(
        self, vote: Vote, solution: Solution, limit: float, but: PublicEvent | None = None
    ) -> PublicEvent | None:
        """Return the event that a vote fits best, within a limit to one of its votes and clearly apart from none."""
        from_at, to_at = solution.origin_at - self._longest, solution.origin_at + self._longest
        best: tuple[float, PublicEvent] | None = None
        for event in self._events.values():
            # Most events are hours apart: none of their votes needs a look.
            if event.origins is None or event.origins[1] < from_at or event.origins[0] > to_at:
                continue
            if event is but or len(event.votes) >= _MAX_VOTES:
                continue
            others = event.live() + [each for each in _relays(vote, event.votes.values()) if _had_gone(vote, each)]
            misfits = [self._misfit(vote, other) for other in others]
            if misfits and min(misfits) <= limit and max(misfits) <= STAY and (best is None or min(misfits) < best[0]):
                best = min(misfits), event
        return None if best is None else best[1]

    def _settled(self, event: PublicEvent, vote: Vote, solution: Solution) -> tuple[PublicEvent, list[Told]]:
        """Return the event that a vote belongs to after it has moved, and what others are told on that account."""
        others = event.live(but=vote)
        if others and min(self._misfit(vote, other) for other in others) > STAY:
            return self._parted(event, vote, solution, others)
        twin = self._fitting(vote, solution, REUNITE, but=event)
        if twin is None or len(event.votes) + len(twin.votes) > _MAX_VOTES:
            return event, []
        if any(self._misfit(*pair) > STAY for pair in product(event.live(), twin.live())):
            return event, []
        return self._made_one(event, twin), []

    def _parted(
        self, event: PublicEvent, vote: Vote, solution: Solution, others: list[Vote]
    ) -> tuple[PublicEvent, list[Told]]:
        """Take apart what is clearly not one: whoever speaks keeps the event, the others go."""
        if event.speaker is not vote:
            del event.votes[vote.key]
            left = self._fitting(vote, solution, JOIN, but=event) or self._founded(vote)
            self._enter(left, vote)
            return left, []
        for other in others:
            del event.votes[other.key]
        voice, last = self._leader(others)
        left = self._founded(voice)
        left.heard_at = event.heard_at
        for other in others:
            self._enter(left, other)
        return event, [self._speak(left, voice, last)]

    def _made_one(self, one: PublicEvent, other: PublicEvent) -> PublicEvent:
        """Let two events go on as the one that was known first; the other's id is used for a cancel only."""
        first, second = sorted((one, other), key=lambda event: min(vote.begun for vote in event.votes.values()))
        for vote in second.votes.values():
            self._enter(first, vote)
        first.names += second.names
        if first.cancelled_at is not None or (
            first.speaker is not None
            and second.speaker is not None
            and self._rank(second.speaker) < self._rank(first.speaker)
        ):
            first.speaker, first.cancelled_at = second.speaker, second.cancelled_at
        del self._events[second.event_id]
        return first

    def _misfit(self, one: Vote, other: Vote) -> float:
        if one.report is None or other.report is None or one.report.status is not other.report.status:
            return float("inf")
        if one.solution is None or other.solution is None:
            return float("inf")
        gap = None
        if one.magnitudes is not None and other.magnitudes is not None:
            # Against all that was said: one agency's first report meets another's tenth.
            gap = max(0.0, one.magnitudes[0] - other.magnitudes[1], other.magnitudes[0] - one.magnitudes[1])
        return self._window.misfit(one.solution, other.solution, gap, is_same_agency=is_one_voice(one, other))

    # Who speaks

    def _rank(self, vote: Vote) -> int:
        return self._rank_by_agency.get(vote.agency, len(self._rank_by_agency))

    def _leader(self, votes: Sequence[Vote]) -> tuple[Vote, EventReport]:
        """Return whose word counts most of live votes, with it: a rupture, the agency, its newest id, who was first."""
        newest = [
            (vote, vote.report)
            for vote in votes
            if vote.report is not None and not (is_superseded(vote, votes) or self._is_behind(vote, votes))
        ]
        return min(newest, key=lambda each: (each[1].rupture is None, self._rank(each[0]), each[0].begun))

    def _disposition(
        self, event: PublicEvent, vote: Vote, report: EventReport, in_sequence: Disposition
    ) -> Disposition:
        """Return what a solution counts for that its agency's own sequence accepts."""
        if is_superseded(vote, event.live()) or self._is_repeated(event, vote, report):
            return Disposition.SUPERSEDED
        return in_sequence if self._is_preferred(event, vote, report) else Disposition.YIELDS

    def _is_preferred(self, event: PublicEvent, vote: Vote, report: EventReport) -> bool:
        """Return whether a solution is the event's from now on."""
        speaker = event.speaker
        if speaker is None or speaker is vote or speaker.report is None or speaker.agency == vote.agency:
            return True
        if event.cancelled_at is not None:
            return report.issued_at > event.cancelled_at
        has_rupture = report.rupture is not None
        if has_rupture is (speaker.report.rupture is None):
            return has_rupture
        if not speaker.is_live or self._rank(vote) < self._rank(speaker):
            return True
        return self._is_silent(speaker.report, report.issued_at)

    def _is_silent(self, last: EventReport, at: datetime) -> bool:
        """Return whether whoever issued a report has said nothing for long although more was to come."""
        if last.kind is ReportKind.FINAL or last.issue_basis is IssueBasis.UNKNOWN:
            return False
        return seconds_after(at, last.issued_at) > self._silent_s

    def _is_behind(self, vote: Vote, votes: Sequence[Vote]) -> bool:
        """Return whether a vote's agency has gone further by another relay, under an id of that relay's."""
        return any(vote.said[-1].is_before(other.said[-1]) for other in _relays(vote, votes))

    def _is_repeated(self, event: PublicEvent, vote: Vote, report: EventReport) -> bool:
        """Return whether another relay of the agency, which has an id of its own, has said this before, or more since.

        Its cancels count, too, but no longer what it said before its id came to an end.
        """
        relays = _relays(vote, event.votes.values())
        return any(copied(report, other.said) is not None or not is_news(report, other.said[-1]) for other in relays)

    def _take_back(self, event: PublicEvent, vote: Vote, report: EventReport) -> tuple[Disposition, list[Told]]:
        """Take back an agency's word; the whole event where it leads or is alone."""
        for other in _relays(vote, event.live()):
            # What another relay of the agency was told later, the agency said after it took its word back.
            other.is_cancelled = is_news(report, other.said[-1])
        others = event.live(but=vote)
        leads = not any(
            other.agency == vote.agency
            or self._rank(other) < self._rank(vote)
            or (self._rank(other) == self._rank(vote) and event.speaker is not vote)
            for other in others
        )
        vote.is_cancelled = True
        if leads and event.cancelled_at is None:
            event.speaker, event.cancelled_at = vote, report.issued_at
            names = [name for name in event.names if name is event.names[0] or name.report_no]
            return Disposition.CANCELLED, [
                Told(relabelled(report, name, event.founder), Disposition.CANCELLED) for name in names
            ]
        if event.speaker is not vote or event.cancelled_at is not None or not others:
            return Disposition.WITHDRAWN, []
        voice, last = self._leader(others)
        return Disposition.WITHDRAWN, [self._speak(event, voice, last)]

    def _speak(self, event: PublicEvent, vote: Vote, report: EventReport) -> Told:
        """Let the public be told a solution."""
        disposition = Disposition.ACCEPTED if event.cancelled_at is None else Disposition.CORRECTED
        event.speaker, event.cancelled_at = vote, None
        return Told(relabelled(report, event.names[0], event.founder), disposition)

    # What is remembered

    def _founded(self, vote: Vote) -> PublicEvent:
        event_id, n = vote.event_id, 1
        taken = self.event_ids if self._events else ()
        while event_id in taken:
            n += 1
            ending = f"-{vote.agency[:_AGENCY_LENGTH]}" + (f"-{n}" if n > 2 else "")
            event_id = vote.event_id[: _ID_LENGTH - len(ending)] + ending
        event = self._events[event_id] = PublicEvent([Name(event_id)], vote.key)
        return event

    def _enter(self, event: PublicEvent, vote: Vote) -> None:
        event.hold(vote)
        self._event_by_vote[vote.key] = event

    def _heard(self, event: PublicEvent, at: datetime) -> None:
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

    def _drop(self, event: PublicEvent) -> None:
        del self._events[event.event_id]
        for key in event.votes:
            del self._event_by_vote[key]


def _relays(vote: Vote, votes: Iterable[Vote]) -> list[Vote]:
    """Return the votes of a vote's agency by other relays, which have ids and counts of their own."""
    return [each for each in votes if each.agency == vote.agency and each.said and not is_one_voice(vote, each)]


def _had_gone(vote: Vote, relay: Vote) -> bool:
    """Return whether what a new id says was taken back by its agency already, as another relay has told."""
    return relay.is_cancelled and vote.report is not None and not is_news(vote.report, relay.said[-1])
