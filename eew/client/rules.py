"""The rules of taking a message, each once: for one device here, for columns of simulated ones, for ``eew watch``."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

import msgspec

from eew.contract.message import AlertCore
from eew.contract.signature import Verifier, core_of
from eew.model.report import EventReport, ReportKind

__all__ = [
    "LONGEST_OFFSET_S",
    "MOST_KEPT",
    "SOLUTION",
    "Outcome",
    "decoded",
    "is_believed",
    "is_expired",
    "is_sound",
    "rank",
    "solution_of",
]

MessageT = TypeVar("MessageT", bound=msgspec.Struct)

#: More events, dispatchers or help cards than this are not kept.
MOST_KEPT = 64
#: A replay of what happened three centuries ago or will then, s: beyond, there may be no such date.
LONGEST_OFFSET_S = 1e10

_INSTANTS = ("issued_at", "origin_at", "expires_at", "p_arrival_at", "s_arrival_at", "at", "last_dispatch_at")
#: What a core says of a report's solution.
SOLUTION = (
    "event_id",
    "report_no",
    "kind",
    "status",
    "issued_at",
    "origin_at",
    "lat_deg",
    "lon_deg",
    "depth_km",
    "magnitude",
)


class Outcome(StrEnum):
    """What became of a message."""

    #: News of an event.
    TAKEN = "taken"
    #: Known already.
    DUPLICATE = "duplicate"
    #: Overtaken on its way by a later report of its kind, or by a cancel.
    OLDER = "older"
    #: Not to be shown. Kept all the same: the status of a replay may come later.
    EXPIRED = "expired"
    #: Not signed by a key that is trusted.
    UNVERIFIED = "unverified"
    #: Nothing can be made of it.
    UNREADABLE = "unreadable"
    #: For another cell or device, or on a topic of which we know nothing.
    NOT_OURS = "not_ours"
    #: A status, a help card, or that a topic retains nothing any more.
    NOTED = "noted"


def decoded(decoder: msgspec.json.Decoder[MessageT], payload: bytes) -> MessageT | None:
    """Return a message, or ``None`` for bytes of which a device can make nothing, whatever they are."""
    try:
        message = decoder.decode(payload)
        for name in _INSTANTS:
            at = getattr(message, name, None)
            if at is not None:
                # The first and the last day there is may not be there in UTC.
                at.astimezone(UTC)
    except (ValueError, OverflowError, RecursionError):
        return None
    return message


def rank(core: AlertCore) -> int:
    """Return what orders the reports of an event: a cancel ranks above the report whose number it bears."""
    return 2 * core.report_no + (core.kind is ReportKind.CANCEL)


def is_expired(core: AlertCore, now_at: datetime) -> bool:
    """Return whether an alert is no longer to be shown, in the event's time."""
    return core.expires_at <= now_at


def is_sound(core: AlertCore) -> bool:
    """Return whether an alert says what all but a cancel must: when, and where on Earth."""
    if core.kind is ReportKind.CANCEL:
        return True
    if core.origin_at is None or core.lat_deg is None or core.lon_deg is None:
        return False
    return -90 <= core.lat_deg <= 90 and -180 <= core.lon_deg <= 180


def is_believed(core: AlertCore, verifier: Verifier | None) -> bool:
    """Return whether a trusted key signed an alert; without a verifier all are believed."""
    if verifier is None:
        return True
    try:
        return verifier.verify(core.key_id, core_of(core), core.signature)
    except ValueError:
        # A number that is none cannot have been signed.
        return False


def solution_of(core: AlertCore) -> EventReport:
    """Return an alert's core as the report it came from.

    Raises
    ------
    msgspec.ValidationError
        If the core says less than a solution must, or a number is out of range.
    """
    members = {name: getattr(core, name) for name in SOLUTION}
    return msgspec.convert(members | {"source": "wire"}, EventReport)
