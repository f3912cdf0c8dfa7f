"""One frozen ``Settings`` from TOML, environment and options; read at the edge and nowhere deeper."""

import math
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from eew.errors import InputError

__all__ = ["Settings", "load_settings"]

_PREFIX = "EEW_"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run is made. ``eew.toml`` (``--config``) < environment (``EEW_QOS=1``) < options."""

    mode: Literal["device", "cell"] = "device"
    qos: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    #: How many times faster than real the waiting between reports is; infinite for none.
    speed: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    devices: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)] = 100_000
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    #: A population made before; else one is made where the scenario says.
    population: str | None = None
    #: URL of a broker; else the embedded one is started.
    broker: str | None = None
    profile: str | None = None
    travel_times: str | None = None
    #: Directory of a shelter catalogue; else the demo one that is shipped.
    shelters: str | None = None
    subscriptions: Literal["wildcard", "each"] = "wildcard"
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    #: Connections of each worker, each standing for many devices.
    connections: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 5
    #: 1: a real connection each.
    connections_per_device: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    reconnect_s: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    #: PEM file of the signing key; else the user's own, made on first use.
    key: str | None = None
    dispatcher_id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,64}$")] = "eew-1"


def load_settings(
    options: Mapping[str, Any], config: str | Path | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings.

    Parameters
    ----------
    options
        By field name; ``None`` where an option was not given.
    config
        A TOML file.
    environment
        ``EEW_`` and the field's name in capitals.

    Raises
    ------
    InputError
        If a value is not usable; names the file, variable or option.
    """
    fields = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    merged: dict[str, Any] = {}
    came_from: dict[str, tuple[str | None, str]] = {}
    if config is not None:
        for name, value in _read(Path(config)).items():
            if name not in fields:
                raise InputError(f"one of {', '.join(fields)}", file=config, field=name)
            merged[name], came_from[name] = value, (str(config), name)
    for name in fields:
        variable = f"{_PREFIX}{name.upper()}"
        if variable in environment:
            merged[name], came_from[name] = environment[variable], (None, variable)
        if options.get(name) is not None:
            merged[name], came_from[name] = options[name], (None, f"--{name.replace('_', '-')}")
    if merged.get("speed") == "max":
        merged["speed"] = math.inf
    for name, value in merged.items():
        try:
            # Environment and command line give texts, TOML gives numbers: both are taken.
            merged[name] = msgspec.convert(value, fields[name], strict=not isinstance(value, str))
        except msgspec.ValidationError as error:
            file, field = came_from[name]
            expected = str(error).removeprefix("Expected ").split(", got")[0]
            hint = " or max" if name == "speed" else ""
            raise InputError(f"{expected}{hint}", file=file, field=field, value=value) from error
    return Settings(**merged)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("a TOML file", file=path, value=str(error)) from error
