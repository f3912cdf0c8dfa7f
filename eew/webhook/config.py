"""What `eew webhook` is told in its TOML file: a broker, whose alerts to believe, and endpoints."""

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import yarl

from eew.broker.endpoint import Endpoint
from eew.document import Document, Steps, line_of, place_of_complaint, read_toml, refuse_unknown, spelled, value_at
from eew.errors import InputError
from eew.feed.refusal import refusal_of
from eew.practice import Level
from eew.report import AlertStatus, TopicWord
from eew.webhook.secret import secrets_in_environment, secrets_in_file

__all__ = ["ConfigFile", "EndpointConfig", "WebhookConfig", "read_config"]

T = TypeVar("T")

Text = Annotated[str, msgspec.Meta(min_length=1)]


class EndpointConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An ``[[endpoints]]`` table."""

    name: TopicWord
    #: https, or http to this machine; it may hold a secret and is not shown.
    url: Text
    #: Where the signing secret stands: one of the two.
    secret_file: Text | None = None
    secret_env: Annotated[str, msgspec.Meta(pattern="^[A-Za-z_][A-Za-z0-9_]{0,63}$")] | None = None
    #: The least level that must reach anybody; none: every report is sent, however small the earthquake.
    min_level: Literal["none", "passive", "active", "critical"] = "none"
    statuses: Annotated[tuple[AlertStatus, ...], msgspec.Meta(min_length=1)] = (AlertStatus.ACTUAL,)
    #: How long an answer may take.
    timeout_s: Annotated[float, msgspec.Meta(ge=0.1, le=30)] = 2.0
    #: So many failures in a row, and it is left alone for so long.
    breaker_failures: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    breaker_open_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 5.0

    @property
    def least(self) -> Level:
        """``min_level`` as a level."""
        return Level[self.min_level.upper()]


class WebhookConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    broker: Text
    endpoints: Annotated[tuple[EndpointConfig, ...], msgspec.Meta(min_length=1, max_length=64)]
    #: Whose alerts to believe, base64url; else the user's own key's.
    public_keys: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)] | None = None
    reconnect_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 30.0


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "min_level": tuple(level.word for level in Level),
    "statuses": tuple(AlertStatus),
}
#: Every other value may be a secret, or hold one, or be one put under a wrong name.
_SHOWN = frozenset({
    "name", "min_level", "statuses", "timeout_s", "breaker_failures", "breaker_open_s", "public_keys", "reconnect_s",
})  # fmt: skip


class ConfigFile:
    """A configuration and where it stands, so that what is wrong with it is found in the file.

    Parameters
    ----------
    document
        The TOML file. Paths in it are relative to its folder.
    config
        What it says.
    """

    def __init__(self, document: Document, config: WebhookConfig) -> None:
        self.document = document
        self.config = config

    @property
    def path(self) -> Path:
        """The file."""
        return self.document.path

    def broker(self) -> Endpoint:
        """Return where the broker is."""
        return self.document.placed(("broker",), lambda: Endpoint.parse(self.config.broker))

    def secrets(self, number: int, environment: Mapping[str, str]) -> tuple[bytes, ...]:
        """Return the secrets of an ``[[endpoints]]`` table, by its number from 0.

        Raises
        ------
        InputError
            If they cannot be read, are none, or others may read them.
        """
        given = self.config.endpoints[number]
        if given.secret_env is not None:
            name = given.secret_env
            return self.document.placed(
                ("endpoints", number, "secret_env"), lambda: secrets_in_environment(name, environment)
            )
        path = self.path.parent / Path(given.secret_file or "").expanduser()
        return self.document.placed(("endpoints", number, "secret_file"), lambda: secrets_in_file(path))


def read_config(path: Path) -> ConfigFile:
    """Read and check a configuration; secrets are not read yet.

    Raises
    ------
    InputError
        If it is not usable: file, line, field, value and what was expected.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("a file that can be read", file=path, value=error.strerror) from error
    text, tables = read_toml(content, path)

    def wrong(steps: Steps, expected: str) -> InputError:
        value = value_at(tables, steps) if _SHOWN.intersection(steps) else None
        return InputError(expected, file=path, line=line_of(text, steps), field=spelled(steps) or None, value=value)

    _refuse_unknown(tables, wrong)
    try:
        config = msgspec.convert(tables, WebhookConfig)
    except msgspec.ValidationError as error:
        said, place = place_of_complaint(str(error))
        choices = next((_CHOICES[str(step)] for step in place if step in _CHOICES), None)
        if said.startswith("Invalid enum value") and choices:
            raise wrong(place, " or ".join(choices)) from error
        if place and place[-1] == "secret_env" and "regex" in said:
            raise wrong(place, "the name of an environment variable, not the secret") from error
        refusal = refusal_of(error)
        raise wrong(refusal.path, refusal.expected) from error
    names: set[str] = set()
    for index, endpoint in enumerate(config.endpoints):
        place = ("endpoints", index)
        if endpoint.name in names:
            raise wrong((*place, "name"), "a name that no other endpoint has")
        names.add(endpoint.name)
        if expected := _objection(endpoint.url):
            raise wrong((*place, "url"), expected)
        if (endpoint.secret_file is None) == (endpoint.secret_env is None):
            raise wrong(place, "either secret_file or secret_env")
    file = ConfigFile(Document(path, text), config)
    file.broker()
    return file


def _objection(text: str) -> str | None:
    """Return what a URL should have been; ``None`` if it will do."""
    expected = "https://host[:port]/path"
    try:
        url = yarl.URL(text)
        host = url.host
    except ValueError:
        return expected
    if not host or url.scheme not in {"http", "https"} or url.fragment:
        return expected
    if " " in text or not text.isprintable():
        return expected
    if url.user is not None or url.password is not None:
        return f"{expected} without name and password: signatures say who we are"
    if url.scheme == "http" and not _is_loopback(host):
        return f"{expected}: without TLS only to this machine"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_unknown(tables: dict[str, Any], wrong: Callable[[Steps, str], InputError]) -> None:
    """Refuse a key that nobody reads, a secret first of all."""
    places: list[tuple[Steps, object, tuple[str, ...]]] = [((), tables, WebhookConfig.__struct_fields__)]
    endpoints = tables.get("endpoints")
    for index, endpoint in enumerate(endpoints if isinstance(endpoints, list) else ()):
        places.append((("endpoints", index), endpoint, EndpointConfig.__struct_fields__))
    for steps, table, _ in places:
        if isinstance(table, dict) and "secret" in table:
            raise wrong((*steps, "secret"), "secret_file or secret_env: no secret in this file")
    refuse_unknown(places, wrong)
