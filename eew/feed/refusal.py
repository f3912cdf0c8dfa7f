"""Why a document was refused: where in it, on which line, and what would have been right, in plain words."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from eew.model import AlertStatus, ReportKind

__all__ = ["A_TIME", "Path", "Refusal", "line_of", "refusal_of", "spelled", "value_at"]

#: Keys and indices from the top of a document down to a value.
Path = tuple[str | int, ...]

A_TIME = "a time with its zone, like 2011-03-11T05:46:45.6Z"
A_WORD = "1 to 64 of A-Z a-z 0-9 _ -"

_CHOICES: Mapping[str, type[StrEnum]] = {"kind": ReportKind, "status": AlertStatus}
_TYPES = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+)\]")
_MISSING = re.compile(r"missing required field `(?P<key>\w+)`(?P<note>.*)")
_TYPE = re.compile(r"Expected `(?P<type>\w+)[^`]*`(?P<bound>.*)")
_HEADER = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<keys>[\w.\s\"-]+?)\s*\]")
_ASSIGNMENT = re.compile(r"\s*(?P<keys>[\w.\s\"-]+?)\s*=")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where a document is wrong, and what was expected there."""

    path: Path
    expected: str


def refusal_of(error: msgspec.ValidationError) -> Refusal:
    """Take a validation error's message apart into place and expectation."""
    message = str(error)
    path: Path = ()
    if place := _PLACE.search(message):
        message = message[: place.start()]
        path = tuple(step["key"] or int(step["index"]) for step in _STEP.finditer(place["path"]))
    if missing := _MISSING.search(message):
        return Refusal((*path, missing["key"]), f"it to be given{missing['note']}")
    return Refusal(path, _in_words(message, path[-1] if path else ""))


def value_at(document: object, path: Path) -> object:
    """Return what stands at a path, ``None`` where nothing does."""
    for step in path:
        if isinstance(step, str) and isinstance(document, Mapping):
            document = document.get(step)
        elif isinstance(step, int) and isinstance(document, Sequence) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def spelled(path: Path) -> str:
    """Return a path as a person writes it: ``reports[3].lat_deg``, counted from 0."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def line_of(text: str, path: Path) -> int | None:
    """Return the line of a TOML text on which a path, or the nearest table around it, is written; counted from 1."""
    n_tables: Counter[Path] = Counter()
    table: Path = ()
    found: tuple[int, int | None] = (0, None)
    is_in_text = False
    for number, line in enumerate(text.splitlines(), start=1):
        was_in_text = is_in_text
        is_in_text ^= (line.count('"""') + line.count("'''")) % 2 == 1
        if was_in_text:
            continue
        if header := _HEADER.match(line):
            table = _keys(header["keys"])
            if header["open"] == "[[":
                n_tables[table] += 1
                table = (*table, n_tables[table] - 1)
            here = table
        elif assignment := _ASSIGNMENT.match(line):
            here = (*table, *_keys(assignment["keys"]))
        else:
            continue
        if here == path[: len(here)] and len(here) > found[0]:
            found = (len(here), number)
    return found[1]


def _keys(dotted: str) -> Path:
    return tuple(key.strip().strip('"') for key in dotted.split("."))


def _in_words(message: str, key: str | int) -> str:
    if message.startswith("Invalid enum value") and (choices := _CHOICES.get(str(key))):
        return " or ".join(choices)
    if "datetime" in message:
        return A_TIME
    if "matching regex" in message:
        return A_WORD
    if not (parts := _TYPE.match(message)):
        return message[:1].lower() + message[1:]
    word = _TYPES.get(parts["type"], parts["type"])
    bound = parts["bound"].split(", got", maxsplit=1)[0]
    if bound == " of length >= 1":
        return f"{word} that is not empty"
    return word + bound.replace(" >=", " of at least").replace(" <=", " of at most")
