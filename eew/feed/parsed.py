"""What a message of a feed turns out to be."""

from dataclasses import dataclass
from datetime import datetime

from eew.model.records import EventReport

__all__ = ["Heartbeat", "Ignored", "Parsed"]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The feed is alive and has nothing to report."""

    source: str
    #: When it was sent, where it says so.
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message in order that is no report."""

    reason: str


Parsed = EventReport | Heartbeat | Ignored
