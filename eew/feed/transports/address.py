"""Where a feed is: a URL, a folder, a file, or standard input."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from eew.contract import topic
from eew.model.errors import InputError
from eew.model.units import masked

__all__ = ["Address", "Via"]

_EXPECTED = (
    "mqtt(s)://host[:port][/topic], ws(s)://…, http(s)://…, dmdata://…, dir:PATH, a folder, a file,"
    " or - (standard input)"
)
_PORT_BY_SCHEME = {
    "mqtt": 1883,
    "mqtts": 8883,
    "ws": 80,
    "wss": 443,
    "http": 80,
    "https": 443,
    "dmdata": 443,
    "dmdata+http": 80,
}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
#: The time in an address of HTTP.
_TIME = re.compile(r"\{(?P<zone>JST|UTC)(?:(?P<shift>[+-][0-9]{1,10})s)?:(?P<form>(?:%[YmdHMS]|[^{}%])+)\}")
_EXPECTED_TIME = (
    "in braces the time that is asked for, like {JST:%Y%m%d%H%M%S}: JST or UTC, moved by a shift as in JST-1s, "
    "of %Y %m %d %H %M %S"
)
_ZONES = {"JST": timezone(timedelta(hours=9)), "UTC": UTC}
#: What begins a URL; a drive's letter (``C:\``) does not.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


class Via(StrEnum):
    """By which transport."""

    MQTT = "mqtt"
    WEBSOCKET = "websocket"
    HTTP = "http"
    DMDATA = "dmdata"
    FOLDER = "folder"
    FILE = "file"
    STANDARD_INPUT = "standard input"


_VIA_BY_SCHEME = {
    **dict.fromkeys(("mqtt", "mqtts"), Via.MQTT),
    **dict.fromkeys(("ws", "wss"), Via.WEBSOCKET),
    **dict.fromkeys(("http", "https"), Via.HTTP),
    **dict.fromkeys(("dmdata", "dmdata+http"), Via.DMDATA),
}


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a feed. Its text shows no password, and nothing of a query, where keys are given."""

    via: Via
    #: The URL or path itself; standard input has none.
    target: str = field(repr=False)
    host: str = ""
    port: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    is_tls: bool = False
    #: MQTT only: a topic filter.
    topic: str = ""

    @classmethod
    def parse(cls, text: str, *, option: str = "URL") -> Self:
        """Read an address.

        Parameters
        ----------
        text
            As a user gives it. MQTT without a topic means the native reports of every source. What is neither a URL
            nor ``-`` is the path of a folder or a file, which must be there.
        option
            Where it was given, for the error.

        Raises
        ------
        InputError
            If it is none of these.
        """
        text = text.strip()
        if text == "-":
            return cls(Via.STANDARD_INPUT, "")
        if text.startswith("dir:"):
            path = Path(text.removeprefix("dir:"))
            if not path.is_dir():
                raise InputError("a folder that is there", field=option, value=text)
            return cls(Via.FOLDER, str(path))
        scheme = text.split(":", 1)[0].lower() if _SCHEME.match(text) else ""
        if scheme in _VIA_BY_SCHEME:
            return cls._of_url(text, scheme, InputError(_EXPECTED, field=option, value=_shown(text)))
        path = Path(text)
        if text and path.is_dir():
            return cls(Via.FOLDER, text)
        if text and path.exists():
            return cls(Via.FILE, text)
        raise InputError(_EXPECTED, field=option, value=_shown(text))

    @classmethod
    def _of_url(cls, text: str, scheme: str, wrong: InputError) -> Self:
        via = _VIA_BY_SCHEME[scheme]
        try:
            # A "#" is a wildcard in a topic, and a fragment is never sent to a server.
            parts = urlsplit(text, allow_fragments=via is not Via.MQTT)
            port = parts.port
        except ValueError as error:
            raise wrong from error
        if not parts.hostname or port == 0 or not text.isprintable() or " " in text:
            raise wrong
        if via is Via.HTTP and set(_TIME.sub("", text)) & set("{}"):
            raise InputError(_EXPECTED_TIME, field=wrong.field, value=wrong.value)
        if scheme == "dmdata+http" and parts.hostname not in _LOOPBACK:
            raise InputError("dmdata://…: a key goes over TLS, or stays here", field=wrong.field, value=_shown(text))
        rest = parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
        return cls(
            via=via,
            target=text,
            host=parts.hostname,
            port=_PORT_BY_SCHEME[scheme] if port is None else port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password is not None else None,
            is_tls=scheme in {"mqtts", "wss", "https", "dmdata"},
            topic=(rest or topic.reports("+")) if via is Via.MQTT else "",
        )

    @property
    def is_timed(self) -> bool:
        """Whether the time is part of it: each instant has a page of its own."""
        return self.via is Via.HTTP and _TIME.search(self.target) is not None

    def url_at(self, at: datetime) -> str:
        """Return the URL to ask at an instant: what stands in braces is that time, in its zone and moved by its shift.

        ``…/{JST-1s:%Y%m%d%H%M%S}.json`` at 2025-11-09 11:11:44 UTC is ``…/20251109201143.json``.
        """

        def written(found: re.Match[str]) -> str:
            moved_at = at + timedelta(seconds=int(found["shift"] or 0))
            return moved_at.astimezone(_ZONES[found["zone"]]).strftime(found["form"])

        return _TIME.sub(written, self.target)

    @property
    def is_live(self) -> bool:
        """Whether more may always come; files and standard input have an end."""
        return self.via not in {Via.FILE, Via.STANDARD_INPUT}

    @property
    def is_remote(self) -> bool:
        """Whether there is someone to connect to."""
        return self.via in {Via.MQTT, Via.WEBSOCKET, Via.HTTP, Via.DMDATA}

    def __str__(self) -> str:
        """Return what may be shown of it."""
        return "standard input" if self.via is Via.STANDARD_INPUT else _shown(self.target)


def _shown(text: str) -> str:
    return re.sub(r"\?.*", "?…", masked(text)) if "://" in text else text
