"""How each service behaves beside its reports: what it says by itself, and what it answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["Manner", "manner_of"]


def _newest(_text: str, newest: bytes | None) -> bytes | None:
    return newest


@dataclass(frozen=True, slots=True)
class Manner:
    """How a service behaves; by default it says nothing by itself and answers every text with its last message."""

    #: What it says each minute.
    heartbeat: Callable[[datetime], bytes] | None = None
    #: What it answers to a listener's text, with its last message at hand; ``None``: nothing.
    answer: Callable[[str, bytes | None], bytes | None] = _newest
    #: Whether a text is the answer that a heartbeat wants: without it the service hangs up at the next heartbeat.
    is_owed: Callable[[str], bool] | None = None
    #: What it answers over HTTP while there is nothing to report; ``None``: that there is no content.
    nothing: bytes | None = None
    #: Whether it streams its messages over HTTP to who asks for that.
    has_event_stream: bool = False


def manner_of(format_name: str) -> Manner:
    """Return how the service behaves that sends a format."""
    return _WOLFX if format_name.startswith("wolfx-") else _MANNERS.get(format_name, Manner())


def _wolfx_heartbeat(at: datetime) -> bytes:
    return _encoded({"type": "heartbeat", "ver": 1, "id": "eew", "timestamp": _epoch_ms(at)})


def _wolfx_answer(text: str, newest: bytes | None) -> bytes | None:
    if text == "ping":
        return _encoded({"type": "pong", "timestamp": _epoch_ms(datetime.now(UTC))})
    return newest if text.startswith("query_") else None


def _epoch_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _encoded(members: dict[str, object]) -> bytes:
    return json.dumps(members).encode()


_WOLFX = Manner(heartbeat=_wolfx_heartbeat, answer=_wolfx_answer)
_MANNERS = {"exptech": Manner(nothing=b"[]", has_event_stream=True)}
