"""One frozen ``Settings`` from TOML, environment and options; read at the edge and nowhere deeper."""

import math
import os
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar, get_type_hints

import msgspec

from eew.model.document import Document, likely_name, line_of, unknown_key
from eew.model.document_faults import A_WORD
from eew.model.errors import InputError

__all__ = ["NAMES", "Place", "Settings", "load_settings", "shown_settings"]

T = TypeVar("T")

_PREFIX = "EEW_"
Text = Annotated[str, msgspec.Meta(min_length=1)]
#: Variables that are no settings: of the tests, the secret of ``eew webhook``'s example, the key of a feed.
_OTHER_VARIABLES = frozenset({"EEW_REFERENCE_DATA", "EEW_WEBHOOK_SECRET", "EEW_DMDATA_KEY"})


class Place(NamedTuple):
    """Where a setting was given: in a file, or by the variable or option that the field names."""

    file: Path | None
    line: int | None
    field: str


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run is made. ``eew.toml`` (``--config``) < environment (``EEW_QOS=1``) < options."""

    mode: Literal["device", "cell"] = "device"
    qos: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    #: What alerts carry: all there is, or what a device must have at once, with a shelter only by its id.
    payload: Literal["full", "compact"] = "full"
    #: How many times faster than real the waiting between reports is; infinite for none.
    speed: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    devices: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)] = 100_000
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    #: A population made before; else one is made where the scenario says.
    population: Text | None = None
    #: URL of a broker; else the embedded one is started.
    broker: Text | None = None
    profile: Text | None = None
    travel_times: Text | None = None
    #: Directory of a shelter catalogue; else the demo one that is shipped.
    shelters: Text | None = None
    subscriptions: Literal["wildcard", "each"] = "wildcard"
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    #: Connections of each worker, each standing for many devices.
    connections: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 5
    #: 1: a real connection each.
    connections_per_device: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    #: A day at most.
    reconnect_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 30.0
    #: PEM file of the signing key; else the user's own, made on first use.
    key: Text | None = None
    #: Folder of a replay's runs; else ``runs`` in the working folder, or the user's own where that cannot be written.
    runs: Text | None = None
    dispatcher_id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")] = "eew-1"
    #: By setting, where it was given; no setting itself.
    places: dict[str, "Place"] = {}

    def placed(self, name: str, load: Callable[[], T]) -> T:
        """Load what a setting names; an error says where the setting was given, and what was wrong there."""
        try:
            return load()
        except InputError as error:
            if error.is_placed or name not in self.places:
                raise
            file, line, field = self.places[name]
            found = {"problem": error.found} if error.file else {"value": error.value, "problem": error.problem}
            raise type(error)(error.expected, file=file, line=line, field=field, **found) from error


#: The broker has its own place in a summary, without its password; where a key or a run lies tells nothing of it.
_NOT_SHOWN: Final = frozenset({"broker", "key", "runs"})

_TYPES: Final = {name: kind for name, kind in get_type_hints(Settings, include_extras=True).items() if name != "places"}
#: Of all settings.
NAMES: Final = tuple(_TYPES)


def load_settings(
    options: Mapping[str, Any], config: str | Path | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings.

    Parameters
    ----------
    options
        By field name, as a command's parser gives them (``vars(arguments)``): ``None`` where an option was not given;
        other names are no settings and are left alone.
    config
        A TOML file.
    environment
        ``EEW_`` and the field's name in capitals; an empty one is as if it were not there. Each other that
        begins so is a warning on standard error: it is a slip of the hand, and a run without it is not the one that was
        meant.

    Raises
    ------
    InputError
        If a value is not usable; names the file, variable or option.
    """
    _warn_of_unknown(environment)
    given: dict[str, _Given] = {}
    if config is not None:
        given |= _read(Path(config), _TYPES)
    for name in _TYPES:
        variable = f"{_PREFIX}{name.upper()}"
        # An empty one is none, as for a shell.
        if environment.get(variable):
            given[name] = _Given(environment[variable], Place(None, None, variable))
        if options.get(name) is not None:
            given[name] = _Given(options[name], Place(None, None, f"--{name.replace('_', '-')}"))
    values: dict[str, Any] = {name: _value(name, each) for name, each in given.items()}
    return Settings(**values, places={name: each.place for name, each in given.items()})


def _warn_of_unknown(environment: Mapping[str, str]) -> None:
    """Say on standard error which variables nobody reads."""
    known = [f"{_PREFIX}{name.upper()}" for name in _TYPES]
    for variable in sorted(environment):
        if variable.startswith(_PREFIX) and variable not in _OTHER_VARIABLES.union(known):
            likely = likely_name(variable.removeprefix(_PREFIX), _TYPES)
            meant = f"there are {', '.join(known)}" if likely is None else f"likely {_PREFIX}{likely.upper()} is meant"
            sys.stderr.write(f"eew: warning: nobody reads the variable {variable}: {meant}\n")


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Return what a run can be repeated with, as it is written to JSON; broker and key are nobody's business there."""
    shown = {name: getattr(settings, name) for name in _TYPES if name not in _NOT_SHOWN}
    return shown | {"speed": "max" if math.isinf(settings.speed) else settings.speed}


class _Given(NamedTuple):
    """A value, and where it stands."""

    value: object
    place: Place


def _value(name: str, given: _Given) -> object:
    """Return the value of one setting; raise ``InputError`` where it is not usable."""
    if name == "speed" and given.value == "max":
        return math.inf
    try:
        # Environment and command line give texts, TOML gives numbers: both are taken.
        return msgspec.convert(given.value, _TYPES[name], strict=False)
    except msgspec.ValidationError as error:
        expected = _expected(msgspec.inspect.type_info(_TYPES[name])) + (" or max" if name == "speed" else "")
        file, line, field = given.place
        raise InputError(expected, file=file, line=line, field=field, value=given.value) from error


def _expected(kind: msgspec.inspect.Type) -> str:
    """Return in plain words what a setting may be."""
    if isinstance(kind, msgspec.inspect.LiteralType):
        return " or ".join(sorted(map(str, kind.values)))
    if isinstance(kind, msgspec.inspect.StrType) and kind.pattern is not None:
        return A_WORD
    if isinstance(kind, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        noun = "a whole number" if isinstance(kind, msgspec.inspect.IntType) else "a number"
        if kind.ge is not None and kind.le is None:
            return f"{noun} of {kind.ge:,} or more"
        limits = (("above", kind.gt), ("from", kind.ge), ("to", kind.le))
        return " ".join([noun, *(f"{word} {limit:,}" for word, limit in limits if limit is not None)])
    return "a text that is not empty"


def _read(path: Path, names: Collection[str]) -> dict[str, _Given]:
    """Return the settings of a TOML file."""
    document = Document.read(path)
    for name in document.tables:
        if name not in names:
            problem, expected, _ = unknown_key(tuple(names), name)
            raise document.wrong((name,), expected, problem=problem)
    return {
        name: _Given(value, Place(path, line_of(document.text, (name,)), name))
        for name, value in document.tables.items()
    }
