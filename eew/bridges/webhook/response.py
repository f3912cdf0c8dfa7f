"""What an endpoint's response means for what was sent."""

import email.utils
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

__all__ = ["LONGEST_RETRY_AFTER_S", "Response", "ResponseKind", "response_of"]

#: Whoever asks for more is asked again after this, s: a slip of the hand must not silence an endpoint for a year.
LONGEST_RETRY_AFTER_S = 3600.0

_GONE = 410
#: Of 4xx, these say "later", not "never" [RFC9110].
_RETRY = frozenset({408, 425, 429})


class ResponseKind(Enum):
    """What to do with the event, and with the endpoint."""

    DELIVERED = "delivered"
    #: Try again; the endpoint lives.
    RETRY = "retry"
    #: Try again; the endpoint is in trouble, or not there.
    UNAVAILABLE = "unavailable"
    #: The same bytes would be refused again.
    REFUSED = "refused"
    #: Nothing may be sent there any more.
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Response:
    """A response, or the lack of one."""

    kind: ResponseKind
    #: For the log: no more than a few words, none of them the endpoint's own.
    said: str
    #: How long nothing may be sent there, s.
    pause_s: float = 0.0


def response_of(status: int, retry_after: str | None, now_at: datetime) -> Response:
    """Return what an HTTP response means [STDWEBHOOKS].

    Parameters
    ----------
    status
        Its code.
    retry_after
        The header: seconds, or a date.
    now_at
        The wall clock, to which a date is compared.
    """
    if 200 <= status < 300:
        return Response(ResponseKind.DELIVERED, str(status))
    if status == _GONE:
        return Response(ResponseKind.GONE, "410, gone")
    if 300 <= status < 400:
        return Response(ResponseKind.REFUSED, f"{status}, a redirect, which is not followed")
    if status in _RETRY or status >= 500:
        kind = ResponseKind.RETRY if status in _RETRY else ResponseKind.UNAVAILABLE
        return Response(kind, str(status), _pause_s(retry_after, now_at))
    return Response(ResponseKind.REFUSED, str(status))


def _pause_s(retry_after: str | None, now_at: datetime) -> float:
    """Return what the header asks for; nothing if nobody can read it."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        asked_s = float(text[:10])
    else:
        try:
            until_at = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return 0.0
        # RFC 9110 dates are in GMT, whether they say so or not.
        until_at = until_at.replace(tzinfo=UTC) if until_at.tzinfo is None else until_at
        asked_s = (until_at - now_at).total_seconds()
    return min(max(asked_s, 0.0), LONGEST_RETRY_AFTER_S)
