"""Which of a broker's messages are new: the rules are those of every device (``eew.client``)."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from eew.client import Client, Outcome
from eew.client.dispatcher_clock import Clocks
from eew.client.rules import decoded
from eew.contract import topic
from eew.contract.message import EventMessage
from eew.model.report import ReportKind
from eew.model.units import seconds_after

__all__ = ["EventIntake", "ReceivedEvent"]

logger = logging.getLogger(__name__)

_EVENT = msgspec.json.Decoder(EventMessage)
_LEFT_ALONE = frozenset({Outcome.EXPIRED, Outcome.UNVERIFIED, Outcome.UNREADABLE})


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """A new report, and the time until it expires; negative: a cancel that comes late."""

    message: EventMessage
    expires_in_s: float


class EventIntake:
    """Takes messages as a device without a place does.

    Parameters
    ----------
    keys
        The 32 public bytes of each key that is trusted, by key id.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._client = Client(at=None, keys=keys)
        #: Messages by what became of them.
        self.n_by_outcome: Counter[Outcome] = Counter()

    def take(self, where: str, payload: bytes, wall_at: datetime) -> ReceivedEvent | None:
        """Return a message if it is new; whatever came over the wire, nothing is raised."""
        is_event = where.startswith(topic.event(""))
        message = decoded(_EVENT, payload) if is_event and payload else None
        was_known = message is not None and self._client.message(message.event_id) is not None
        outcome = self._client.take(where, payload, wall_at)
        self.n_by_outcome[outcome] += 1
        if outcome in _LEFT_ALONE:
            # Who floods the broker is not to flood the log.
            level = logging.WARNING if self.n_by_outcome[outcome] == 1 else logging.DEBUG
            logger.log(level, "message.%s topic=%r", outcome, where[:80])
        if message is None:
            return None
        # Whoever was notified of an event is notified of its cancel, however late that comes.
        is_late_cancel = outcome is Outcome.EXPIRED and was_known and message.kind is ReportKind.CANCEL
        if outcome is not Outcome.TAKEN and not is_late_cancel:
            return None
        return ReceivedEvent(message, seconds_after(message.expires_at, self._now_at(wall_at, message.key_id)))

    def _now_at(self, wall_at: datetime, key_id: str) -> datetime:
        """Return the event's time: a replay happens in the earthquake's."""
        clocks = Clocks()
        for status in self._client.statuses:
            clocks.take(status)
        return clocks.now_at(wall_at, key_id)
