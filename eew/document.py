"""Places in a TOML document: how a path to a value is found, followed and spelled, and on which line it is written."""

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from eew.errors import InputError

__all__ = [
    "Document",
    "Steps",
    "floats",
    "line_of",
    "place_of_complaint",
    "read_toml",
    "refuse_unknown",
    "spelled",
    "value_at",
]

T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration file as it was read, so that what turns out to be wrong with it is found in it."""

    path: Path
    text: str

    def wrong(self, steps: Steps, expected: str, value: object = None) -> InputError:
        """Return the error that a value of the file is not usable."""
        return InputError(
            expected, file=self.path, line=line_of(self.text, steps), field=spelled(steps) or None, value=value
        )

    def placed(self, steps: Steps, load: Callable[[], T]) -> T:
        """Load what a value names; an error that knows no file says where the value stands."""
        try:
            return load()
        except InputError as error:
            if error.file is not None:
                raise
            raise self.wrong(steps, error.expected, error.value) from error
        except OSError as error:
            raise self.wrong(steps, "a path that can be read", f"{error.filename}: {error.strerror}") from error


def refuse_unknown(
    places: Iterable[tuple[Steps, object, Sequence[str]]], wrong: Callable[[Steps, str], InputError]
) -> None:
    """Refuse a key that nobody reads: it is a slip of the hand.

    Parameters
    ----------
    places
        Where tables stand, what stands there, and which keys each may have.
    wrong
        Returns the error for a key.
    """
    for steps, table, names in places:
        for key in table if isinstance(table, dict) else ():
            if key not in names:
                close = difflib.get_close_matches(key, names, n=1)
                raise wrong((*steps, key), close[0] if close else f"one of {', '.join(names)}")
