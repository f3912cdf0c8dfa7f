"""The words of one language, read from ``languages/*.toml``."""

from functools import cache
from importlib import resources
from typing import Annotated

import msgspec

from eew.contract.alert_signal import AlertLevel, Instruction
from eew.model.document import place_of_complaint, read_toml, spelled
from eew.model.errors import InputError
from eew.model.report import AlertStatus

__all__ = [
    "LANGUAGES",
    "Directions",
    "Intensity",
    "Language",
    "Mark",
    "Shaking",
    "Shelter",
    "Source",
    "Unit",
    "Units",
    "Wording",
    "load_language",
]

#: BCP 47, each with a file of its own.
LANGUAGES = ("en", "es", "ja", "tr", "zh", "zh-Hant")

Words = Annotated[str, msgspec.Meta(min_length=1)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; nothing may be missing in it, and nothing unknown."""


class Mark(_Part, frozen=True):
    """What an exercise or a test begins with."""

    written: Words
    spoken: Words


class Shaking(_Part, frozen=True):
    """What is said of the shaking at one level; ``coming`` has ``{time}``."""

    coming: Words
    now: Words
    unknown: Words


class Wording(_Part, frozen=True):
    """The same for the smallest screens and for larger ones."""

    short: Words
    long: Words


class Source(_Part, frozen=True):
    """Where and how strong: ``{place}`` and ``{magnitude}``; ``{distance}``, ``{direction}`` and ``{town}``."""

    both: Wording
    magnitude: Wording
    place: Wording
    place_from: Words


class Intensity(_Part, frozen=True):
    """A sentence a scale with ``{degree}``, and how halves of a class are told apart, with ``{number}``."""

    jma: Words
    cwa: Words
    csis: Words
    mmi: Words
    plain: Words
    lower: Words
    upper: Words


class Shelter(_Part, frozen=True):
    """Where to go: ``{shelter}``, ``{distance}``, ``{direction}``."""

    full: Words
    distance: Words
    name: Words


class Directions(_Part, frozen=True):
    """The eight directions from north through east."""

    words: Annotated[tuple[Words, ...], msgspec.Meta(min_length=8, max_length=8)]


class Unit(_Part, frozen=True):
    """A unit with ``{n}``, by the plural categories of CLDR that a language tells apart in our numbers."""

    other: Words
    one: Words | None = None
    #: Abbreviated, for reading; where there is none, in full.
    written: Words | None = None


class Units(_Part, frozen=True):
    """The units that texts use."""

    second: Unit
    minute: Unit
    metre: Unit
    kilometre: Unit
    foot: Unit
    mile: Unit


class Language(_Part, frozen=True):
    """A whole file."""

    lang: Words
    #: Between two sentences.
    joiner: str
    #: Before decimals.
    decimal: Annotated[str, msgspec.Meta(min_length=1, max_length=1)]
    #: Degrees of intensity are written in Roman numerals.
    is_roman: bool
    headline: dict[AlertLevel, Words]
    cancelled: Words
    passed: Words
    #: What to do once the shaking has passed.
    after: Words
    strength_unknown: Words
    reach: Words
    marks: dict[AlertStatus, Mark]
    instructions: dict[Instruction, Words]
    shaking: dict[AlertLevel, Shaking]
    #: What to do, said to everybody.
    public: dict[AlertLevel, Words]
    source: Source
    intensity: Intensity
    shelter: Shelter
    directions: Directions
    units: Units


@cache
def load_language(name: str) -> Language:
    """Return the words of a language.

    Raises
    ------
    InputError
        If there is none of that name, or its file is not usable.
    """
    if name not in LANGUAGES:
        raise InputError(f"one of {', '.join(LANGUAGES)}", field="language", value=name)
    file = f"eew/contract/text/languages/{name}.toml"
    _, tables = read_toml((resources.files("eew.contract.text") / "languages" / f"{name}.toml").read_bytes(), file)
    try:
        return msgspec.convert(tables, Language)
    except msgspec.ValidationError as error:
        said, path = place_of_complaint(str(error))
        raise InputError(said, file=file, field=spelled(path) or None) from error
