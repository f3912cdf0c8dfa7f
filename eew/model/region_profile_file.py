"""Region profiles: read from ``profiles/*.toml`` into ``model.Profile``."""

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from eew.model.document import Document, read_toml
from eew.model.document_faults import record_of
from eew.model.errors import ProfileError
from eew.model.region_profile import (
    DEFAULT_CAP,
    CapCertainty,
    CapSeverity,
    CapUrgency,
    CapWords,
    IssueRule,
    Level,
    LevelRule,
    Profile,
)
from eew.model.report import TopicWord

__all__ = ["load_profile", "profile_names"]

Intensity = Annotated[float, msgspec.Meta(ge=0, le=12)]
Magnitude = Annotated[float, msgspec.Meta(ge=-2, le=10.5)]
Text = Annotated[str, msgspec.Meta(min_length=1)]


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


class _CapWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ``[cap.…]`` table."""

    severity: CapSeverity
    urgency: CapUrgency
    certainty: CapCertainty


class _Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``[cap]`` table; a level it does not name has the default."""

    critical: _CapWords | None = None
    active: _CapWords | None = None
    passive: _CapWords | None = None


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
    leading: tuple[TopicWord, ...] = ()
    no_intensity_from_depth_km: Annotated[float, msgspec.Meta(gt=0, le=800)] | None = None
    cap: _Cap = _Cap()


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that come with the package, in alphabetical order."""
    folder = resources.files("eew.model") / "profiles"
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
        return _decoded((resources.files("eew.model") / "profiles" / file).read_bytes(), file)
    path = Path(name)
    if not path.is_file():
        raise ProfileError(f"one of {', '.join(profile_names())}, or a .toml file", field="profile", value=name)
    return _decoded(path.read_bytes(), str(path))


def _decoded(content: bytes, file: str) -> Profile:
    """Return the profile that a file's content says."""
    document = Document(Path(file), *read_toml(content, file, ProfileError), ProfileError)
    decoded = record_of(document, _ProfileFile)
    for index, rule in enumerate(decoded.issue):
        if rule.min_magnitude is None and rule.min_anywhere is None:
            raise document.wrong(("issue", index), "min_magnitude or min_anywhere, or both")
    levels = {
        level: tuple(LevelRule(rule.min_intensity, rule.min_magnitude, rule.min_anywhere) for rule in rules)
        for level in (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE)
        if (rules := getattr(decoded.levels, level.word))
    }
    if not levels:
        raise document.wrong(("levels",), "a rule for critical, active or passive")
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
        leading=decoded.leading,
        no_intensity_from_depth_km=decoded.no_intensity_from_depth_km,
        cap={level: _cap_words(decoded.cap, level) for level in DEFAULT_CAP},
    )


def _cap_words(table: _Cap, level: Level) -> CapWords:
    """Return what CAP says of a level."""
    said: _CapWords | None = getattr(table, level.word)
    return DEFAULT_CAP[level] if said is None else CapWords(said.severity, said.urgency, said.certainty)
