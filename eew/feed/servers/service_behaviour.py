"""How each service behaves beside its reports: what it says by itself, and what it answers."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from eew.feed.formats import kmoni
from eew.feed.formats.jma import JST, STATUSES, WARNING_TITLE
from eew.feed.transports import dmdata_tickets as dmdata
from eew.model.records import AlertStatus

__all__ = ["Manner", "Page", "manner_of"]

#: How long a report stands on NIED's monitor.
_KMONI_STANDS_S = 180.0


class Page(NamedTuple):
    """An answer to a question for a path."""

    body: bytes
    #: The message that it is made of, if any.
    message: bytes | None


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
    #: What it says to who connects over a WebSocket, how it frames its messages there, and which protocols it speaks.
    greeting: Callable[[datetime], bytes] | None = None
    framed: Callable[[bytes], bytes] = bytes
    protocols: tuple[str, ...] = ()
    #: What it answers to who asks with a key for a WebSocket's address, which holds a ticket for one connection.
    ticket: Callable[[str], bytes] | None = None
    #: Where it answers over HTTP, below its root.
    path: str = ""
    #: What it answers over HTTP while there is nothing to report; ``None``: that there is no content.
    nothing: bytes | None = None
    #: What it answers over HTTP to a question for a path, with all its messages at hand, the latest last; it returns
    #: ``None`` where there is no such page.
    page: Callable[[str, Sequence[bytes]], Page | None] | None = None
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


def _fan_heartbeat(at: datetime) -> bytes:
    return _encoded({"type": "heartbeat", "timestamp": _epoch_ms(at)})


def _fan_answer(text: str, newest: bytes | None) -> bytes | None:
    if text == "ping":
        return _encoded({"type": "pong", "timestamp": _epoch_ms(datetime.now(UTC))})
    if '"auth"' in text:
        return _encoded({"type": "auth_success"})
    return newest if text == "query" else None


def _is_fan_pong(text: str) -> bool:
    try:
        word = json.loads(text)
    except ValueError:
        return False
    return isinstance(word, dict) and word.get("type") == "pong"


def _kmoni_page(path: str, messages: Sequence[bytes]) -> Page | None:
    """Return what stood at the second asked for; there is nothing of the time to come."""
    asked_at = _kmoni_second(path.rpartition("/")[2].removesuffix(".json"))
    if asked_at is None or asked_at > datetime.now(UTC):
        return None
    asked = {"request_time": kmoni.second_text(asked_at)}
    for data in reversed(messages):
        answer = json.loads(data)
        stood_s = (asked_at - _kmoni_issue(answer)).total_seconds()
        if 0.0 <= stood_s <= _KMONI_STANDS_S:
            return Page(_encoded(answer | asked), data)
    nothing = {"status": "success", "message": kmoni.NOTHING, "is_auth": True}
    answered_at = f"{asked_at.astimezone(JST):%Y/%m/%d %H:%M:%S}"
    return Page(_encoded({"result": nothing, "report_time": answered_at, **asked}), None)


def _kmoni_second(digits: str) -> datetime | None:
    try:
        return datetime.strptime(f"{digits}+0900", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None


def _kmoni_issue(answer: Mapping[str, str]) -> datetime:
    return datetime.strptime(f"{answer['report_time']}+0900", "%Y/%m/%d %H:%M:%S%z")


def _dmdata_frame(body: bytes) -> bytes:
    """Return a telegram as it goes over DMDATA's WebSocket."""
    message = json.loads(body)
    name = hashlib.sha384(body).hexdigest()
    frame: dict[str, object] = {
        "type": "data",
        "version": "2.0",
        "id": name,
        "originalId": name,
        "classification": "eew.forecast",
        "head": {
            "type": "VXSE43" if message["title"] == WARNING_TITLE else "VXSE45",
            "author": "JPOS",
            "time": message["reportDateTime"],
            "designation": None,
            "test": STATUSES[message["status"]] is not AlertStatus.ACTUAL,
        },
        "format": "json",
        "schema": message["_schema"],
        "compression": "gzip",
        "encoding": "base64",
        "body": base64.b64encode(gzip.compress(body)).decode(),
    }
    return _encoded(frame)


def _dmdata_start(at: datetime) -> bytes:
    members: dict[str, object] = {
        "type": "start",
        "socketId": 1,
        "classifications": ["eew.forecast"],
        "types": None,
        "test": "including",
        "formats": ["json"],
        "appName": None,
        "time": at.isoformat(),
    }
    return _encoded(members)


def _dmdata_ping(at: datetime) -> bytes:
    return _encoded({"type": "ping", "pingId": f"{_epoch_ms(at):x}"})


def _is_pong(text: str) -> bool:
    try:
        said = json.loads(text)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("type") == "pong" and isinstance(said.get("pingId"), str)


def _dmdata_ticket(url: str) -> bytes:
    socket: dict[str, object] = {"id": 1, "url": url, "protocol": list(_DMDATA_PROTOCOLS), "expiration": 300}
    return _encoded({"status": "ok", "ticket": url.rpartition("=")[2], "websocket": socket})


def _epoch_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _encoded(members: dict[str, object]) -> bytes:
    return json.dumps(members).encode()


_WOLFX = Manner(heartbeat=_wolfx_heartbeat, answer=_wolfx_answer)
_DMDATA_PROTOCOLS = (dmdata.PROTOCOL,)
_MANNERS = {
    "fanstudio": Manner(heartbeat=_fan_heartbeat, answer=_fan_answer, is_owed=_is_fan_pong),
    "dmdata": Manner(
        heartbeat=_dmdata_ping,
        answer=lambda _text, _newest: None,
        is_owed=_is_pong,
        greeting=_dmdata_start,
        framed=_dmdata_frame,
        protocols=_DMDATA_PROTOCOLS,
        ticket=_dmdata_ticket,
    ),
    "exptech": Manner(nothing=b"[]", has_event_stream=True),
    "kmoni": Manner(path="webservice/hypo/eew/{JST-1s:%Y%m%d%H%M%S}.json", page=_kmoni_page),
}
