"""Region profiles: read from ``profiles/*.toml`` into ``model.Profile``."""

import math
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from eew.errors import ProfileError
from eew.model import IssueRule, Level, LevelRule, Profile, TopicWord

__all__ = ["load_profile", "profile_names"]

Intensity = Annotated[float, msgspec.Meta(ge=0, le=12)]
Magnitude = Annotated[float, msgspec.Meta(ge=-2, le=10.5)]
Text = Annotated[str, msgspec.Meta(min_length=1)]

#: One step of msgspec's path to a wrong value: ``.key``, ``[3]`` or ``[...]`` (some value of a table).
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")
_HEADER = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<keys>[^\]]+?)\s*\]")
_ASSIGNMENT = re.compile(r"\s*\"?(?P<key>[A-Za-z0-9_-]+)\"?\s*=")

#: Keys and indices from the top of a file down to a value.
Steps = tuple[str | int, ...]


class _LevelRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ``[[levels.…]]`` table."""

    min_intensity: Intensity
    min_magnitude: Magnitude | None = None
    min_anywhere: Intensity | None = None


class _IssueRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ``[[issue]]`` table."""

    min_magnitude: Magnitude | None = None
    min_anywhere: Intensity | None = None


class _Levels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``[levels]`` table."""

    critical: tuple[_LevelRule, ...] = ()
    active: tuple[_LevelRule, ...] = ()
    passive: tuple[_LevelRule, ...] = ()


class _ProfileFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole profile file."""

    name: TopicWord
    title: Text
    scale: Literal["jma", "mmi", "csis", "cwa"]
    intensity_model: Literal["icl", "sm99", "aww12", "aw07"]
    travel_times: Text
    default_depth_km: Annotated[float, msgspec.Meta(ge=0, le=700)]
    validity_s: Annotated[float, msgspec.Meta(gt=0, le=3600)]
    info: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9-]+$")]
    levels: _Levels
    issue: Annotated[tuple[_IssueRule, ...], msgspec.Meta(min_length=1)]
    sources: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that come with the package, in alphabetical order."""
    folder = resources.files("eew") / "profiles"
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_profile(name_or_path: str | Path) -> Profile:
    """Return a profile by its name or from a file.

    Parameters
    ----------
    name_or_path
        One of ``profile_names()``, or the path of a ``.toml`` file of the same form.

    Raises
    ------
    ProfileError
        If there is no such profile, or its file is not usable.
    """
    name = str(name_or_path).strip()
    if name in profile_names():
        file = f"{name}.toml"
        return _decoded((resources.files("eew") / "profiles" / file).read_bytes(), file)
    path = Path(name)
    if not path.is_file():
        raise ProfileError(f"one of {', '.join(profile_names())}, or a .toml file", field="profile", value=name)
    return _decoded(path.read_bytes(), str(path))


def _decoded(content: bytes, file: str) -> Profile:
    """Return the profile that a file's content says."""
    try:
        text = content.decode()
        tables = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        place = re.search(r"at line (\d+)", str(error))
        raise ProfileError(f"TOML: {error}", file=file, line=int(place[1]) if place else None) from error
    for path, value in _numbers(tables):
        if not math.isfinite(value):
            raise _wrong("a finite number", path, tables, text, file)
    try:
        decoded = msgspec.convert(tables, _ProfileFile)
    except msgspec.ValidationError as error:
        expected, path = _understood(str(error))
        raise _wrong(expected, path, tables, text, file) from error
    for index, rule in enumerate(decoded.issue):
        if rule.min_magnitude is None and rule.min_anywhere is None:
            raise _wrong("min_magnitude or min_anywhere, or both", ("issue", index), tables, text, file)
    levels = {
        level: tuple(LevelRule(rule.min_intensity, rule.min_magnitude, rule.min_anywhere) for rule in rules)
        for level in (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE)
        if (rules := getattr(decoded.levels, level.word))
    }
    if not levels:
        raise _wrong("a rule for critical, active or passive", ("levels",), tables, text, file)
    return Profile(
        name=decoded.name,
        title=decoded.title,
        scale=decoded.scale,
        intensity_model=decoded.intensity_model,
        travel_times=decoded.travel_times,
        default_depth_km=decoded.default_depth_km,
        levels=levels,
        issue=tuple(IssueRule(rule.min_magnitude, rule.min_anywhere) for rule in decoded.issue),
        info=decoded.info,
        validity_s=decoded.validity_s,
        sources=decoded.sources,
    )


def _numbers(value: object, path: Steps = ()) -> Iterator[tuple[Steps, float]]:
    """Yield every number of a tree of tables and arrays, and where it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _numbers(inner, (*path, index))
    elif isinstance(value, float):
        yield path, value


def _understood(message: str) -> tuple[str, Steps]:
    """Return what msgspec expected, and where."""
    said, _, place = message.partition(" - at `$")
    steps = tuple(match["key"] or int(match["index"]) for match in _STEP.finditer(place.rstrip("`")))
    if unknown := re.search(r"unknown field `(.+)`", said):
        return "no such key", (*steps, unknown[1])
    if missing := re.search(r"missing required field `(.+)`", said):
        return "this key", (*steps, missing[1])
    if said.startswith("Invalid enum value"):
        model_field = _ProfileFile.__annotations__.get(str(steps[-1]) if steps else "")
        return f"one of {', '.join(model_field.__args__)}" if model_field else said, steps
    expected = re.sub(r", got .*$", "", said.removeprefix("Expected ")).replace("`", "")
    return expected, steps


def _wrong(expected: str, path: Steps, tables: dict[str, Any], text: str, file: str) -> ProfileError:
    """Return the error for a value at a path."""
    value: Any = tables
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
            break
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    return ProfileError(expected, file=file, line=_line_of(path, text), field=field or None, value=value)


def _line_of(path: Steps, text: str) -> int | None:
    """Return the number of the line on which a path, or the last table of it that is there, is written."""
    counts: dict[tuple[str, ...], int] = {}
    table: Steps = ()
    found: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            keys = tuple(key.strip().strip('"') for key in header["keys"].split("."))
            table = keys
            if header["open"] == "[[":
                table = (*keys, counts.get(keys, 0))
                counts[keys] = counts.get(keys, 0) + 1
            here: Steps = table
        elif assignment := _ASSIGNMENT.match(line):
            here = (*table, assignment["key"])
        else:
            continue
        shared = min(len(here), len(path))
        if here[:shared] == path[:shared] and (found is None or shared > found[0]):
            found = (shared, number)
    return found[1] if found else None
