"""One webhook event: its id, its body and what decides in which order it is sent."""

from dataclasses import dataclass
from typing import Any

import msgspec

from eew.contract.message import EventMessage
from eew.model.region_profile import Level
from eew.model.report import AlertStatus, ReportKind
from eew.model.units import iso_utc

__all__ = ["WebhookEvent", "level_of", "webhook_event_of"]

#: An exercise has types of its own: whoever acts on ``eew.event`` cannot take one for an earthquake.
_SUBJECT = {AlertStatus.ACTUAL: "event", AlertStatus.EXERCISE: "exercise", AlertStatus.TEST: "test"}


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One report on its way to one endpoint or more; the same bytes at every attempt."""

    webhook_id: str
    event_id: str
    is_cancel: bool
    body: str
    #: When it is of no use any more, on the clock of whoever sends; a cancel is of use at any time.
    expires_mono_s: float
    #: As in the body: an exercise has another type than an earthquake.
    event_type: str

    @property
    def words(self) -> str:
        """What a line of the log calls it."""
        return f"id={self.webhook_id} type={self.event_type}"


def webhook_event_of(message: EventMessage, payload: bytes, expires_mono_s: float) -> WebhookEvent:
    """Return the webhook event of an event message.

    The payload is written anew, so that a member given twice cannot mean one thing here and another there.

    Parameters
    ----------
    message, payload
        The message, and its bytes with the members that we do not know.
    expires_mono_s
        When it expires, s on the sender's monotonic clock.

    Raises
    ------
    msgspec.DecodeError
        If a member that we do not know is no JSON.
    """
    event_type = f"eew.{_SUBJECT[message.status]}.{message.kind}"
    body: dict[str, Any] = {
        "type": event_type,
        "timestamp": iso_utc(message.issued_at),
        "data": msgspec.json.decode(payload),
    }
    return WebhookEvent(
        # No full stop: it would be taken for the end of the id in what is signed.
        webhook_id=f"{message.event_id}-{message.report_no}-{message.kind}",
        event_id=message.event_id,
        is_cancel=message.kind is ReportKind.CANCEL,
        body=msgspec.json.encode(body).decode(),
        expires_mono_s=expires_mono_s,
        event_type=event_type,
    )


def level_of(message: EventMessage) -> Level:
    """Return the highest level that reaches anybody."""
    reached = [level for level in Level if message.radius_km_by_level.get(level.word, 0.0) > 0]
    return max(reached, default=Level.NONE)
