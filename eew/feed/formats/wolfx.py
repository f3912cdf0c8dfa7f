"""What all of Wolfx's feeds share: the stream beside the reports."""

from eew.feed.json_message import Members, parsed_json
from eew.feed.parsed import Heartbeat, Ignored
from eew.model.errors import ReportDecodeError

__all__ = ["answer", "said_beside"]


def answer(data: bytes) -> str | None:
    """Return the ping that a heartbeat is answered with, which the service recommends [WOLFX]."""
    try:
        return "ping" if parsed_json(data).says("type", "heartbeat") else None
    except ReportDecodeError:
        return None


def said_beside(message: Members, kind: str, source: str) -> Heartbeat | Ignored | None:
    """Return what a message is if it is no report of a feed; ``None`` if it is one.

    Parameters
    ----------
    message
        The message. Over HTTP, where the address says what it is, the type is left out.
    kind
        The type of the feed's reports.
    source
        Whose life a heartbeat shows.

    Notes
    -----
    The server sends a heartbeat on connecting and every minute, and a pong for a ping, each with its time in
    milliseconds, as text or number [WOLFX]. The stream of all feeds carries the types of all.
    """
    said = message.text_or_none("type")
    if said in {None, kind}:
        return None
    if said in {"heartbeat", "pong"}:
        return Heartbeat(source, message.epoch_ms_or_none("timestamp"))
    return Ignored(f"{said[:20] if said else said}, not {kind}")
