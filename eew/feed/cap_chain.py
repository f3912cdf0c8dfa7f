"""Which messages of CAP are of one event: each names earlier ones, some only the one before."""

from collections import OrderedDict
from datetime import datetime
from typing import NamedTuple

from eew.feed.synthetic_report_no import LAST_NO

__all__ = ["Chains", "Reference"]

#: How many messages of a feed are known again by those that refer to them.
_MOST_REMEMBERED = 4_096


class Reference(NamedTuple):
    """An earlier message that a message names."""

    sender: str
    identifier: str
    sent_at: datetime


class _Last(NamedTuple):
    """The last message of an event."""

    report_no: int
    sent_at: datetime


class Chains:
    """Which events the messages of one feed were of: an update may name only the one before it."""

    def __init__(self) -> None:
        #: Event and number of each message.
        self._places: OrderedDict[Reference, tuple[str, int]] = OrderedDict()
        self._last: OrderedDict[str, _Last] = OrderedDict()

    def event_of(self, references: list[Reference]) -> str | None:
        """Return the event that a message is of which names others; ``None`` where none of them is known."""
        return next((self._places[each][0] for each in references if each in self._places), None)

    def numbered(self, message: Reference, event_id: str, report_no: int) -> int:
        """Return a number above that of what was sent before it in its event; the same again for the same message."""
        event, known_no = self._places.get(message, (None, 0))
        if event == event_id:
            return known_no
        last = self._last.get(event_id)
        if last is None or message.sent_at >= last.sent_at:
            report_no = min(max(report_no, 0 if last is None else last.report_no + 1), LAST_NO)
            self._last[event_id] = _Last(report_no, message.sent_at)
        self._places[message] = event_id, report_no
        for remembered in (self._places, self._last):
            while len(remembered) > _MOST_REMEMBERED:
                remembered.popitem(last=False)
        return report_no
