"""Places in a TOML document: how a path to a value is found, followed and spelled, and on which line it is written."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eew.errors import InputError

__all__ = ["Steps", "floats", "line_of", "place_of_complaint", "read_toml", "spelled", "value_at"]

#: Keys and indices from the top of a document down to a value.
Steps = tuple[str | int, ...]

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+)\]")
_HEADER = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<keys>[\w.\s\"'-]+?)\s*\]")
_ASSIGNMENT = re.compile(r"\s*(?P<keys>[\w.\s\"'-]+?)\s*=")


def read_toml(
    content: bytes, file: str | Path, error_type: type[InputError] = InputError
) -> tuple[str, dict[str, Any]]:
    """Return the text and the tables of a TOML file's content.

    Raises
    ------
    InputError
        Of the type given, naming file and line, if it is not TOML.
    """
    try:
        text = content.decode()
        return text, tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r"at line (\d+)", str(error))
        raise error_type(f"TOML: {error}", file=file, line=int(place[1]) if place else None) from error


def place_of_complaint(message: str) -> tuple[str, Steps]:
    """Take a message of msgspec apart: what it says, and of which place."""
    place = _PLACE.search(message)
    if place is None:
        return message, ()
    return message[: place.start()], tuple(step["key"] or int(step["index"]) for step in _STEP.finditer(place["path"]))


def value_at(document: object, path: Steps) -> object:
    """Return what stands at a path, ``None`` where nothing does."""
    for step in path:
        if isinstance(step, str) and isinstance(document, Mapping):
            document = document.get(step)
        elif isinstance(step, int) and isinstance(document, Sequence) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def spelled(path: Steps) -> str:
    """Return a path as a person writes it: ``reports[3].lat_deg``, counted from 0."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def line_of(text: str, path: Steps) -> int | None:
    """Return the line of a TOML text on which a path begins, or the nearest table around it; counted from 1."""
    n_tables: Counter[Steps] = Counter()
    table: Steps = ()
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
        n_shared = min(len(here), len(path))
        if here[:n_shared] == path[:n_shared] and n_shared > found[0]:
            found = (n_shared, number)
    return found[1]


def floats(value: object, path: Steps = ()) -> Iterator[tuple[Steps, float]]:
    """Yield every float of nested tables and lists, and where it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from floats(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from floats(inner, (*path, index))
    elif isinstance(value, float):
        yield path, value


def _keys(dotted: str) -> Steps:
    return tuple(key.strip().strip("\"'") for key in dotted.split("."))
