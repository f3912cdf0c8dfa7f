"""What an incoming report means for its event: act on it, or leave it and say why."""

from collections import Counter as Tally
from collections import OrderedDict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from eew.decision.relay import MOST_SAID, Said, copied, is_news
from eew.model.disposition import Disposition
from eew.model.errors import ModelRangeError
from eew.model.records import EventReport, IssueBasis, ReportKind
from eew.model.units import seconds_after

__all__ = ["ReportSequencer"]


#: An agency and its own id of an event.
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Count:
    """Where an event stands in one of its agency's counts."""

    report_no: int
    #: What was acted on under this number, or a copy of it: a report, a cancel, or a report and the cancel that reused
    #: its number.
    acted_on: tuple[EventReport, ...]
    #: The latest time of issue among all that was acted on in this count.
    issued_at: datetime
    #: When the report that began the present numbers was issued; ``None`` where they were never begun anew.
    numbered_from_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Event:
    """Where one event stands."""

    counts: Mapping[str | None, _Count]
    #: The latest that were acted on, in any count.
    said: tuple[Said, ...]
    #: Which counts have come as far as the last of them: their next number is the newer one, whoever says it.
    abreast: frozenset[str | None]
    #: When it was last acted on; never before that report was issued.
    acted_at: datetime

    @property
    def is_cancelled(self) -> bool:
        """Whether its agency's last word is that it was nothing."""
        return self.said[-1].is_cancel


class ReportSequencer:
    """The events of late, and what each incoming report means for its own.

    Events are known by ``source`` and ``event_id``, and never touch one another. Numbers may skip (reports get lost);
    several in one second, and reports issued before their own origin time, are as good as any. Numbers give the order.
    Only where the time of issue says clearly that a report with a used-up number is the newer one does it count
    instead: what is merely overtaken on its way was issued before, whenever it arrives.

    An agency may be heard by several relays at once, each with numbers of its own (``EventReport.numbering``). Numbers
    then give the order within a count only; between counts it is the time of issue, and a copy is known by what it
    says. Once a count's copy of the last report was heard, its next number is newer without a look at the time.

    Parameters
    ----------
    max_age_s
        A report issued longer than this after its origin, or longer than this ago, is stale: some feeds return
        the last alert however old. A cancel of an event in the book is never stale: late relief is relief.
    keep_s
        An event is forgotten this long after it was last acted on; at least ``max_age_s``, so that a repetition of
        what was forgotten is stale.
    max_events
        Beyond this number the event not acted on for longest is forgotten.
    restart_s
        A report numbered at or below the last one and issued more than this after it begins the numbers anew. Times
        of issue are given to the second, and parallel telegrams in one count differ by less than this.

    Raises
    ------
    ModelRangeError
        If ``keep_s`` is below ``max_age_s``, ``max_events`` below 1 or ``restart_s`` negative.
    """

    def __init__(
        self,
        *,
        max_age_s: float = 600.0,
        keep_s: float = 3600.0,
        max_events: int = 1024,
        restart_s: float = 10.0,
    ) -> None:
        if keep_s < max_age_s:
            raise ModelRangeError("keep_s", keep_s, f"at least max_age_s, {max_age_s:g}")
        if max_events < 1:
            raise ModelRangeError("max_events", max_events, "at least 1")
        if restart_s < 0:
            raise ModelRangeError("restart_s", restart_s, "at least 0")
        self._max_age_s = max_age_s
        self._keep_s = keep_s
        self._max_events = max_events
        self._restart_s = restart_s
        self._events: OrderedDict[_Key, _Event] = OrderedDict()
        #: How many reports met each disposition since the start.
        self.n_by_disposition: Tally[Disposition] = Tally()

    @property
    def event_ids(self) -> AbstractSet[str]:
        """The ids of the events in the book: what is kept elsewhere about any other may go."""
        return {event_id for _, event_id in self._events}

    def receive(self, report: EventReport, now_at: datetime) -> Disposition:
        """Judge a report that comes in at ``now_at``, and remember it if it is acted on."""
        self._forget(now_at)
        disposition = self._disposition(report, now_at)
        self.n_by_disposition[disposition] += 1
        if disposition.is_kept:
            self._remember(report, disposition, now_at)
        return disposition

    def _disposition(self, report: EventReport, now_at: datetime) -> Disposition:
        """Judge a report by where its event stands."""
        is_cancel = report.kind is ReportKind.CANCEL
        event = self._events.get(_key(report))
        refusal = None if event is None else _refusal(report, event, self._restart_s)
        if refusal is not None:
            return refusal
        if (event is None or not is_cancel) and self._is_stale(report, now_at):
            return Disposition.STALE
        if is_cancel:
            return Disposition.CANCELLED
        if event is None or event.is_cancelled:
            return Disposition.ACCEPTED if event is None else Disposition.CORRECTED
        count = event.counts.get(report.numbering)
        return Disposition.ACCEPTED if count is None or report.report_no > count.report_no else Disposition.RESTARTED

    def _is_stale(self, report: EventReport, now_at: datetime) -> bool:
        """Return whether a report is too old to be told."""
        if seconds_after(now_at, report.issued_at) > self._max_age_s:
            return True
        return report.origin_at is not None and seconds_after(report.issued_at, report.origin_at) > self._max_age_s

    def _remember(self, report: EventReport, disposition: Disposition, now_at: datetime) -> None:
        """Let the event stand where this report puts it."""
        key = _key(report)
        before = self._events.get(key)
        count = _counted(report, before, self._restart_s)
        acted_at = max(now_at, report.issued_at)
        if before is None:
            event = _Event({report.numbering: count}, (Said.of(report),), frozenset({report.numbering}), acted_at)
        else:
            said, abreast = before.said, before.abreast
            if disposition.is_acted_on:
                said, abreast = (*said, Said.of(report))[-MOST_SAID:], frozenset({report.numbering})
            elif copied(report, said) == len(said) - 1:
                abreast |= {report.numbering}
            event = _Event({**before.counts, report.numbering: count}, said, abreast, acted_at)
        self._events[key] = event
        self._events.move_to_end(key)
        while len(self._events) > self._max_events:
            self._events.popitem(last=False)

    def _forget(self, now_at: datetime) -> None:
        """Drop what was not acted on for long."""
        while self._events:
            key, event = next(iter(self._events.items()))
            if seconds_after(now_at, event.acted_at) <= self._keep_s:
                return
            del self._events[key]


def _key(report: EventReport) -> _Key:
    """Return what a report's event is known by."""
    return report.source, report.event_id


def _counted(report: EventReport, event: _Event | None, restart_s: float) -> _Count:
    """Return where a report that is kept puts its count."""
    before = None if event is None else event.counts.get(report.numbering)
    if event is None or before is None:
        return _Count(report.report_no, (report,), report.issued_at, None)
    acted_on: tuple[EventReport, ...] = (report,)
    numbered_from_at = before.numbered_from_at
    if _is_anew(report, event, before, restart_s):
        numbered_from_at = report.issued_at
    elif before.report_no == report.report_no:
        acted_on = (*before.acted_on, report)
    return _Count(report.report_no, acted_on, max(report.issued_at, before.issued_at), numbered_from_at)


def _refusal(report: EventReport, event: _Event, restart_s: float) -> Disposition | None:
    """Return why a report adds nothing to what its event was told already; ``None`` where it does."""
    count = event.counts.get(report.numbering)
    refusal = None if count is None else _refusal_by_number(report, event, count, restart_s)
    if refusal is not None or report.numbering in event.abreast:
        return refusal
    if copied(report, event.said) is not None or (event.is_cancelled and report.kind is ReportKind.CANCEL):
        return Disposition.COPY
    return None if is_news(report, event.said[-1]) else Disposition.OLDER


def _refusal_by_number(report: EventReport, event: _Event, count: _Count, restart_s: float) -> Disposition | None:
    """Return why a report adds nothing to what its event was told in the same count."""
    if report in count.acted_on:
        return Disposition.DUPLICATE
    if count.numbered_from_at is not None and report.issued_at < count.numbered_from_at:
        return Disposition.OLDER
    if _is_anew(report, event, count, restart_s):
        return None
    if report.report_no < count.report_no:
        return Disposition.OLDER
    # A cancel may reuse the last number; nothing else may.
    is_reusing = report.kind is ReportKind.CANCEL and not event.is_cancelled
    if report.report_no == count.report_no and not is_reusing:
        return Disposition.CONFLICTING
    return None


def _is_anew(report: EventReport, event: _Event, count: _Count, restart_s: float) -> bool:
    """Return whether a report with a used-up number is clearly newer than all that its count said, and says more.

    When it came in says nothing of that: it may have been overtaken on its way.
    """
    if report.issue_basis is not IssueBasis.STATED:
        return False
    if report.report_no > count.report_no or seconds_after(report.issued_at, count.issued_at) <= restart_s:
        return False
    if report.kind is ReportKind.CANCEL:
        # The last number itself a cancel may reuse anyway.
        return report.report_no < count.report_no and not event.is_cancelled
    # A feed that repeats its last solution under a fresh time has nothing new to say.
    return event.is_cancelled or _solution(report) not in map(_solution, count.acted_on)


def _solution(report: EventReport) -> tuple[object, ...]:
    """Return what a report says of the earthquake, or of where it shakes if that is all it knows."""
    return (
        report.kind is ReportKind.CANCEL,
        report.origin_at,
        report.lat_deg,
        report.lon_deg,
        report.depth_km,
        report.magnitude,
        report.is_assumed,
        # With a hypocentre, areas follow from it.
        None if report.is_located else report.areas,
    )
