"""Where a broker is: host, port, TLS and who we are there."""

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from eew.model.errors import InputError
from eew.model.units import masked

__all__ = ["Endpoint"]

_PORT_BY_SCHEME = {"mqtt": 1883, "mqtts": 8883}
_EXPECTED = "mqtt://[user:password@]host[:port] or mqtts://…"
_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,253}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of an MQTT broker. Its text never shows the password."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    is_tls: bool = False

    @classmethod
    def parse(cls, text: str, *, option: str = "--broker") -> Self:
        """Read ``mqtt://[user:password@]host[:port]`` (port 1883) or ``mqtts://…`` (TLS, port 8883).

        Parameters
        ----------
        text
            The URL; a name or password may be percent-encoded.
        option
            Which option or setting it came from, for the error.

        Raises
        ------
        InputError
            If it is anything else. A password in it is not shown.
        """
        wrong = InputError(_EXPECTED, field=option, value=masked(text))
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError as error:
            raise wrong from error
        host = parts.hostname or ""
        if (
            parts.scheme not in _PORT_BY_SCHEME
            or not _HOST.fullmatch(host)
            or parts.path not in {"", "/"}
            or parts.query
            or parts.fragment
            or port == 0
        ):
            raise wrong
        return cls(
            host=host,
            port=_PORT_BY_SCHEME[parts.scheme] if port is None else port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password is not None else None,
            is_tls=parts.scheme == "mqtts",
        )

    def __str__(self) -> str:
        """Return the URL without the password."""
        scheme = "mqtts" if self.is_tls else "mqtt"
        user = f"{quote(self.username, safe='')}@" if self.username else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{user}{host}:{self.port}"
