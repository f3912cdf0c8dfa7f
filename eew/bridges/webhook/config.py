"""The configuration of `eew webhook`, a TOML file: a broker, trusted keys and endpoints."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
import yarl

from eew.bridges.webhook.secret import secrets_in_environment, secrets_in_file
from eew.model.config_file import TomlConfig, repeated_names
from eew.model.document import Document, Steps, value_at
from eew.model.document_faults import record_of, refuse
from eew.model.region_profile import Level
from eew.model.report import AlertStatus, TopicWord
from eew.mqtt.endpoint import Endpoint

__all__ = ["EndpointConfig", "WebhookConfig", "WebhookConfigFile", "read_config"]

T = TypeVar("T")

Text = Annotated[str, msgspec.Meta(min_length=1)]

VariableName = Annotated[
    str,
    msgspec.Meta(
        pattern="^[A-Za-z_][A-Za-z0-9_]{0,63}$", description="the name of an environment variable, not the secret"
    ),
]


class EndpointConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An ``[[endpoints]]`` table."""

    name: TopicWord
    #: https, or http to this machine; it may hold a secret and is not shown.
    url: Text
    #: Where the signing secret stands: one of the two.
    secret_file: Text | None = None
    secret_env: VariableName | None = None
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


#: Every other value may be a secret, or hold one, or be one put under a wrong name.
_SHOWN = frozenset({
    "name", "min_level", "statuses", "timeout_s", "breaker_failures", "breaker_open_s", "public_keys", "reconnect_s",
})  # fmt: skip


class WebhookConfigFile(TomlConfig[WebhookConfig]):
    """The configuration of the webhooks, and the secrets that it names."""

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
        path = self.beside(given.secret_file or "")
        return self.document.placed(("endpoints", number, "secret_file"), lambda: secrets_in_file(path))


def read_config(path: Path) -> WebhookConfigFile:
    """Read and check a configuration; secrets are not read yet.

    Raises
    ------
    InputError
        If it is not usable: file, line, field, value and what was expected.
    """
    document = Document.read(path, is_secret=lambda steps: not _SHOWN.intersection(steps))
    _refuse_secrets(document)
    config = record_of(document, WebhookConfig)
    faults = repeated_names(document, "endpoints", (endpoint.name for endpoint in config.endpoints))
    for index, endpoint in enumerate(config.endpoints):
        place: Steps = ("endpoints", index)
        if expected := _objection(endpoint.url):
            faults.append(document.wrong((*place, "url"), expected))
        if (endpoint.secret_file is None) == (endpoint.secret_env is None):
            faults.append(document.wrong(place, "either secret_file or secret_env"))
    refuse(faults)
    return WebhookConfigFile(document, config)


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


def _refuse_secrets(document: Document) -> None:
    """Refuse a secret in the file before anything else is said of it."""
    endpoints = document.tables.get("endpoints")
    n_endpoints = len(endpoints) if isinstance(endpoints, list) else 0
    places: list[Steps] = [(), *(("endpoints", index) for index in range(n_endpoints))]
    expected = "secret_file or secret_env: no secret in this file"
    refuse(
        [
            document.wrong((*steps, "secret"), expected)
            for steps in places
            if value_at(document.tables, (*steps, "secret")) is not None
        ]
    )
