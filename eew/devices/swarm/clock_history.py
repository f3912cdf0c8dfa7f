"""What time it was for each dispatcher, and when: how long ago a report was issued, in real seconds.

A dispatcher says in its status whether it lives in the present, or replays the past: then its events happen at the
wall clock's time plus an offset. A fast replay moves its offset with every report, and the word of that may come after
the first alerts. So a report's time of issue is read by the offset that was said nearest to it, not by the newest.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime

import msgspec

from eew.client.rules import LONGEST_OFFSET_S
from eew.contract.message import AlertCore, Status
from eew.model.report import AlertStatus, IssueBasis

__all__ = ["ClockHistory", "ClockSpan", "CoreIssue", "issued_wall_s"]

#: A status that was said longer ago is of another run: heartbeats come every 5 s.
_STALE_S = 15.0
#: Offsets kept; of one dispatcher that does not move its clock there is one.
_MOST_SPANS = 10_000


class CoreIssue(msgspec.Struct, frozen=True, array_like=True):
    """When a report was issued, in the event's time, by whose key, and whether it is meant."""

    issued_at: datetime
    #: ``None`` in a cancel.
    origin_at: datetime | None
    key_id: str
    status: AlertStatus

    @classmethod
    def of(cls, core: AlertCore) -> "CoreIssue":
        """Return that of an alert."""
        return cls(core.issued_at, core.origin_at, core.key_id, core.status)

    @property
    def issue_basis(self) -> IssueBasis:
        """Devices take an alert at its word."""
        return IssueBasis.STATED


class ClockSpan(msgspec.Struct, frozen=True, array_like=True):
    """From when to when a dispatcher said that its events happen so many seconds after the wall clock."""

    dispatcher_id: str
    key_ids: tuple[str, ...]
    offset_s: float
    first_at: datetime
    last_at: datetime

    def away_s(self, issued_at: datetime) -> float:
        """Return how far an instant of the event's time is from what this span says of."""
        event_s = issued_at.timestamp() - self.offset_s
        return max(self.first_at.timestamp() - event_s, event_s - self.last_at.timestamp(), 0.0)


class ClockHistory:
    """The statuses that were heard, as spans."""

    def __init__(self) -> None:
        self._spans: deque[ClockSpan] = deque(maxlen=_MOST_SPANS)

    @property
    def spans(self) -> list[ClockSpan]:
        """What was said, in the order in which it was heard."""
        return list(self._spans)

    def take(self, status: Status, wall_at: datetime) -> None:
        """Note a status that was heard at an instant of the wall clock; what another run left behind is not."""
        offset_s = 0.0 if status.clock is None else status.clock.offset_s
        is_stale = abs((wall_at - status.at).total_seconds()) > _STALE_S
        if status.state != "running" or is_stale or abs(offset_s) > LONGEST_OFFSET_S:
            return
        span = ClockSpan(status.dispatcher_id, tuple(sorted(status.keys)), offset_s, status.at, status.at)
        last = next((each for each in reversed(self._spans) if each.dispatcher_id == span.dispatcher_id), None)
        if last is not None and last == msgspec.structs.replace(span, first_at=last.first_at, last_at=last.last_at):
            self._spans.remove(last)
            span = msgspec.structs.replace(last, last_at=max(last.last_at, status.at))
        self._spans.append(span)


def issued_wall_s(issue: CoreIssue, spans: Iterable[ClockSpan]) -> float:
    """Return when a report was issued on the wall clock, seconds since 1970.

    Parameters
    ----------
    issue
        Of the report.
    spans
        What its dispatcher said of its clock; whose key signs no alert here is asked only where no other was heard.
        Without any, events happen in the present.
    """
    heard = list(spans)
    own = [span for span in heard if issue.key_id in span.key_ids] or heard
    nearest = min(own, key=lambda span: span.away_s(issue.issued_at), default=None)
    return issue.issued_at.timestamp() - (0.0 if nearest is None else nearest.offset_s)
