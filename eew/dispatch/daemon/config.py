"""What the daemon is told in its TOML file, and what that names: population, profile, shelters, key."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from eew.contract.signature import SigningKey
from eew.devices.population import store
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.feed.source import Feed, FeedOptions
from eew.feed.wire_format import FORMATS
from eew.model.clock import Clock
from eew.model.config_file import TomlConfig, repeated_names
from eew.model.document import Document, Steps, value_at
from eew.model.document_faults import noted, record_of, refuse
from eew.model.errors import InputError
from eew.model.records import Devices, Profile, Shelters, TopicWord
from eew.model.region_profile_file import load_profile, profile_names
from eew.mqtt.endpoint import Endpoint
from eew.physics.travel_time_table import TravelTimeTable
from eew.shelter import catalogue

__all__ = ["ConfigFile", "DaemonConfig", "FeedConfig", "RegionConfig", "read_config"]

T = TypeVar("T")

#: What a running daemon can change; on all else its journal, its connections and its rows of devices hang.
_CHANGEABLE: Final = frozenset({"feeds", "profile", "travel_times", "shelters"})

Text = Annotated[str, msgspec.Meta(min_length=1)]


class FeedConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ``[[feeds]]`` table."""

    name: TopicWord
    url: Text
    format: str = "native"
    #: A feed of which nothing was heard for this long is called silent; ``None``: as is usual for its transport.
    silent_after_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = None
    #: HTTP: from an answer to the next question; ``None``: as is usual for the format's service.
    interval_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] | None = None
    #: How long an answer, or a connection, may take.
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=300)] = 10.0
    #: WebSocket: what the server wants to be told first.
    send: Text | None = None
    #: DMDATA: the file of the user's key; ``None``: it is in the environment.
    key_file: Text | None = None


class DaemonConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    broker: Text
    population: Text
    #: Folder of the journal.
    state: Text
    feeds: Annotated[tuple[FeedConfig, ...], msgspec.Meta(min_length=1)]
    dispatcher_id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")] = "eew-1"
    mode: Literal["device", "cell"] = "device"
    qos: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    payload: Literal["full", "compact"] = "full"
    profile: Text = "global"
    travel_times: Text | None = None
    shelters: Text | None = None
    #: PEM file; else the user's own, made on first use.
    key: Text | None = None
    reconnect_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 30.0
    #: Reports issued longer ago are not told to anybody.
    max_age_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 600.0
    #: Of the metrics on 127.0.0.1; ``None`` for none.
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None


@dataclass(frozen=True, slots=True)
class RegionConfig:
    """What may change while the daemon runs: the region's practice and the places to go to."""

    profile: Profile
    estimator: Estimator
    shelters: Shelters


class ConfigFile(TomlConfig[DaemonConfig]):
    """The configuration of a daemon, and what it names."""

    def region(self) -> RegionConfig:
        """Load profile, travel times and shelters.

        Raises
        ------
        InputError
            If one of them is not usable.
        """
        config, placed = self.config, self.document.placed
        faults: list[InputError] = []
        table = config.travel_times
        with noted(faults):
            profile = placed(("profile",), lambda: load_profile(self._named(config.profile, profile_names())))
            table = table or profile.travel_times
        if table is not None:
            with noted(faults):
                travel_times = placed(("travel_times",), partial(TravelTimeTable.load, self._beside_or_name(table)))
        where = catalogue.default_catalogue_path() if config.shelters is None else self.beside(config.shelters)
        with noted(faults):
            shelters = placed(("shelters",), lambda: catalogue.load(where))
        refuse(faults)
        model = intensity_model(profile.intensity_model)
        return RegionConfig(profile, Estimator(travel_times, model, profile.default_depth_km), shelters)

    def endpoint(self) -> Endpoint:
        """Return where the broker is."""
        return self.document.placed(("broker",), lambda: Endpoint.parse(self.config.broker))

    def devices(self) -> Devices:
        """Load the register of devices."""
        return self.document.placed(("population",), lambda: store.load(self.beside(self.config.population)))

    def key(self) -> SigningKey:
        """Load the signing key; without a name it is the user's own, made if there is none."""
        path = None if self.config.key is None else self.beside(self.config.key)
        return self.document.placed(("key",), lambda: SigningKey.named_or_own(path))

    @property
    def state(self) -> Path:
        """The folder of the journal."""
        return self.beside(self.config.state)

    def feed(self, number: int, clock: Clock) -> Feed:
        """Make the feed of a ``[[feeds]]`` table, by its number from 0; nothing is connected yet."""
        given, place = self.config.feeds[number], ("feeds", number)
        options = FeedOptions(
            send=given.send,
            key_file=None if given.key_file is None else str(self.beside(given.key_file)),
            interval_s=given.interval_s,
            timeout_s=given.timeout_s,
            silent_after_s=given.silent_after_s,
            # A broker keeps what comes while the daemon is restarted.
            client_id=f"eew-dispatch-{self.config.dispatcher_id}-{given.name}",
        )
        url = self._feed_url(given.url)
        with self.document.placing((*place, "url")):
            try:
                return Feed(given.name, url, given.format, options, clock=clock)
            except InputError as error:
                # It is not the URL's fault.
                if error.file is None or error.file != options.key_file:
                    raise
                with self.document.placing((*place, "key_file")):
                    raise

    def refuse_fixed(self, running: "ConfigFile") -> None:
        """Raise ``InputError`` if this differs from the running configuration in what needs a restart."""
        for name in sorted(set(DaemonConfig.__struct_fields__) - _CHANGEABLE):
            if getattr(self.config, name) != getattr(running.config, name):
                now = getattr(running.config, name)
                raise self._error((name,), f"{now!r} as when it was started: changing it needs a restart")

    def _error(self, path: Steps, expected: str) -> InputError:
        return self.document.wrong(path, expected, value_at(msgspec.to_builtins(self.config), path))

    def _feed_url(self, url: str) -> str:
        """Return a URL as it is, a path beside this file."""
        prefix, path = ("dir:", url[4:]) if url.startswith("dir:") else ("", url)
        return url if "://" in url or url == "-" else f"{prefix}{self.beside(path)}"

    def _named(self, value: str, names: Iterable[str]) -> str | Path:
        return value if value in names else self.beside(value)

    def _beside_or_name(self, value: str) -> str:
        path = self.beside(value)
        return str(path) if path.is_file() else value


def read_config(path: Path) -> ConfigFile:
    """Read and check a configuration; what it names is not loaded yet.

    Raises
    ------
    InputError
        If it is not usable: file, line, field, value and what was expected.
    """
    # A URL may hold a password, what a server wants to be told first a key.
    document = Document.read(path, is_secret=lambda steps: steps[-1:] in {("broker",), ("url",), ("send",)})
    config = record_of(document, DaemonConfig)
    expected = f"one of {', '.join(FORMATS)}"
    refuse(
        [
            *repeated_names(document, "feeds", (feed.name for feed in config.feeds)),
            *(
                document.wrong(("feeds", index, "format"), expected)
                for index, feed in enumerate(config.feeds)
                if feed.format not in FORMATS
            ),
        ]
    )
    return ConfigFile(document, config)
