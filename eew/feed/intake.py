"""What becomes of the messages of one feed: read, counted, and each report handed on once."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from eew.feed.formats.native import encode_report
from eew.feed.name_counter import Tally
from eew.feed.origin_id import OriginNames
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.transports.received_message import ReceivedMessage
from eew.feed.wire_format import OwnFormat, ReceiptFormat, RememberingFormat, WireFormat
from eew.model.disposition import Disposition
from eew.model.errors import ReportDecodeError
from eew.model.records import EventReport, IssueBasis
from eew.model.units import seconds_after

__all__ = ["FeedCounts", "Intake", "IntakeResult", "kind_of"]

#: How many messages and reports are known again.
_MOST_REMEMBERED = 32768


@dataclass(slots=True)
class FeedCounts:
    """What came in; where each message has one part, ``n_received`` is the sum of the next six."""

    #: Messages.
    n_received: int = 0
    #: Reports handed on.
    n_parsed: int = 0
    n_heartbeats: int = 0
    n_ignored: int = 0
    #: Messages that no report could be read from.
    n_rejected: int = 0
    #: Reports issued too long ago.
    n_late: int = 0
    #: Messages or reports that had come before.
    n_duplicate: int = 0
    #: How often it was tried to connect again, with or without success.
    n_reconnects: int = 0
    #: By the member that was wrong ("" where it was the message as a whole).
    n_rejected_by_kind: Tally = field(default_factory=Tally)
    #: Members of our own format that nobody knows, by name; they are ignored.
    n_unknown_by_name: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of a message, or of one of its parts."""

    #: Where the message came from.
    name: str
    disposition: Disposition
    #: ``None`` where the message had come before as a whole.
    what: Parsed | ReportDecodeError | None


class Intake:
    """Reads the messages of one feed.

    Parameters
    ----------
    wire_format
        What they are written in.
    max_age_s
        A report issued longer ago is late; ``None``: none is.
    wall
        What tells how long ago that was, and when a message came.
    """

    def __init__(self, wire_format: WireFormat, max_age_s: float | None, wall: Callable[[], datetime]) -> None:
        self.counts = FeedCounts()
        #: Whether the feed has ever sent a heartbeat of its own.
        self.has_heartbeats = False
        self._format = wire_format.for_one_feed() if isinstance(wire_format, RememberingFormat) else wire_format
        self._max_age_s = max_age_s
        self._wall = wall
        self._names = OriginNames()
        self._seen_messages = _Memory()
        self._seen_reports = _Memory()

    def read(self, message: ReceivedMessage) -> Iterator[IntakeResult]:
        """Read a message; yield what becomes of its parts. Nothing is raised, whatever it holds.

        A message is known again by its bytes, a report by all that it says: the same number with other content is
        another report, and what to make of that is not decided here. A report that does not say when it was issued is
        the same whenever it comes, and late when its earliest time of issue is.
        """
        counts = self.counts
        counts.n_received += 1
        digest = _digest(message.data)
        if digest in self._seen_messages:
            counts.n_duplicate += 1
            yield IntakeResult(message.name, Disposition.DUPLICATE, None)
            return
        try:
            parts = self._format.parse(message.data, file=message.name)
            dated = self._dated(parts, message)
        except ReportDecodeError as error:
            yield self._refused(message, error)
            return
        except Exception as error:  # noqa: BLE001 - a mistake in one format must not end a feed, nor the others
            expected = "a message that does not break its reader"
            yield self._refused(message, ReportDecodeError(expected, file=message.name, field="reader", value=error))
            return
        if any(isinstance(part, EventReport) for part in parts):
            # Heartbeats may well repeat each other, and are meant each time.
            self._seen_messages.add(digest)
            if isinstance(self._format, OwnFormat):
                unknown = self._format.unknown_members(message.data)
                self._format.note_unknown(counts.n_unknown_by_name, unknown, message.name)
        for part, what in zip(parts, dated, strict=True):
            if isinstance(part, EventReport) and isinstance(what, EventReport):
                named = self._names.kept(part)
                yield IntakeResult(
                    message.name, self._disposition(named), msgspec.structs.replace(what, event_id=named.event_id)
                )
            else:
                yield IntakeResult(message.name, self._disposition(part), what)

    def _dated(self, parts: tuple[Parsed, ...], message: ReceivedMessage) -> tuple[Parsed, ...]:
        """Return the parts; a report whose agency does not say when it was issued has the time of its receipt."""
        if message.is_stored or not any(map(_is_undated, parts)):
            return parts
        received_at = self._wall()
        if isinstance(self._format, ReceiptFormat):
            parts = self._format.parse_received(message.data, file=message.name, received_at=received_at)
        return tuple(_as_received(part, received_at) for part in parts)

    def _disposition(self, part: Parsed) -> Disposition:
        counts = self.counts
        if isinstance(part, Heartbeat):
            self.has_heartbeats = True
            counts.n_heartbeats += 1
            return Disposition.HEARTBEAT
        if isinstance(part, Ignored):
            counts.n_ignored += 1
            return Disposition.IGNORED
        digest = _digest(encode_report(part))
        if digest in self._seen_reports:
            counts.n_duplicate += 1
            return Disposition.DUPLICATE
        self._seen_reports.add(digest)
        if self._max_age_s is not None and seconds_after(self._wall(), part.issued_at) > self._max_age_s:
            counts.n_late += 1
            return Disposition.LATE
        counts.n_parsed += 1
        return Disposition.PARSED

    def _refused(self, message: ReceivedMessage, error: ReportDecodeError) -> IntakeResult:
        self.counts.n_rejected += 1
        self.counts.n_rejected_by_kind.note(kind_of(error))
        return IntakeResult(message.name, Disposition.REJECTED, error)


def _is_undated(part: Parsed) -> bool:
    return isinstance(part, EventReport) and part.issue_basis is IssueBasis.UNKNOWN


def _as_received(part: Parsed, received_at: datetime) -> Parsed:
    if not isinstance(part, EventReport) or part.issue_basis is not IssueBasis.UNKNOWN:
        return part
    # By a clock that is slow it came before it can have been issued.
    issued_at = max(part.issued_at, received_at)
    return msgspec.structs.replace(part, issued_at=issued_at, issue_basis=IssueBasis.RECEIVED)


def kind_of(error: ReportDecodeError) -> str:
    """Return which member was wrong, whatever its place in a list."""
    return re.sub(r"\[\d+\]", "[]", error.field or "")


class _Memory:
    """What came lately: the oldest is forgotten."""

    def __init__(self) -> None:
        self._known: dict[bytes, None] = {}

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._known

    def add(self, digest: bytes) -> None:
        """Remember it."""
        self._known[digest] = None
        if len(self._known) > _MOST_REMEMBERED:
            del self._known[next(iter(self._known))]


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
