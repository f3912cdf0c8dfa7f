"""Places in a TOML document: how a path to a value is found, followed and spelled, and on which line it is written."""

import codecs
import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, Self, TypeVar

from eew.model.errors import InputError
from eew.model.toml_lines import Steps, lines_by_path

__all__ = [
    "Document",
    "Steps",
    "floats",
    "likely_name",
    "line_of",
    "place_of_complaint",
    "read_toml",
    "spelled",
    "unknown_key",
    "value_at",
]

T = TypeVar("T")

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
#: A word of any language; a space, a quote or a control character is seen only in quotes.
_PLAIN = re.compile(r"[\w-]+")
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+)\]")


def read_toml(
    content: bytes, file: str | Path, error_type: type[InputError] = InputError
) -> tuple[str, dict[str, Any]]:
    """Return the text and the tables of a TOML file's content.

    Raises
    ------
    InputError
        Of the type given, naming file and line, if it is not TOML.
    """
    # Some editors begin a file with a byte-order mark, which TOML 1.0 says nothing of.
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode()
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        at, found = content.count(b"\n", 0, error.start) + 1, content[error.start : error.end]
        raise error_type("TOML, which is UTF-8", file=file, line=at, value=found) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r"\(at (?:line (\d+), column \d+|end of document)\)$", str(error))
        n_lines = content.rstrip().count(b"\n") + 1
        line = None if place is None else int(place[1] or n_lines)
        raise error_type(f"TOML: {error}", file=file, line=line) from error


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
    """Return a path as a person writes it: ``reports[3].lat_deg``, counted from 0; what is no plain word is quoted."""
    words = (
        f"[{step}]" if isinstance(step, int) else f".{step if _PLAIN.fullmatch(step) else json.dumps(step)}"
        for step in path
    )
    return "".join(words).removeprefix(".")


def line_of(text: str, path: Steps) -> int | None:
    """Return the line of a TOML text on which a path begins, or the nearest table around it; counted from 1."""
    lines = lines_by_path(text)
    return next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)


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


#: What stands at the end of a name for the unit, or the kind, of its value.
_UNIT = re.compile(r"_(?:deg|km|m|ms|s|at|hz)$")
_LEAST_ABBREVIATION = 3


def likely_name(word: str, names: Iterable[str]) -> str | None:
    """Return the name that somebody meant who wrote another; ``None`` where that is not likely.

    Notes
    -----
    Likely is, in this order: the same letters in another case or order; the same name with another unit, or none; a
    quantity abbreviated or spelled out (``latitude`` for ``lat_deg``); a slip of the hand. Where two names are as
    likely, none is.
    """
    known = tuple(names)
    written = word.lower().replace("-", "_")
    stem = _UNIT.sub("", written)

    def is_spelled_out(name: str) -> bool:
        known_stem = _UNIT.sub("", name)
        short, long = sorted((stem, known_stem), key=len)
        # What is cut off must be a quantity, or be written by the one who cuts: "key" is not "keyboard".
        return len(short) >= _LEAST_ABBREVIATION and long.startswith(short) and (short == stem or name != known_stem)

    rules: tuple[Callable[[str], bool], ...] = (
        lambda name: sorted(name) == sorted(written),
        lambda name: _UNIT.sub("", name) == stem,
        is_spelled_out,
        lambda name: name in difflib.get_close_matches(written, known, n=1, cutoff=0.8),
    )
    for is_likely in rules:
        likely = sorted(filter(is_likely, known), key=len)
        if likely:
            # "mag" is magnitude rather than magnitude_type.
            return likely[0] if all(name.startswith(likely[0]) for name in likely) else None
    return None


def unknown_key(names: Sequence[str], word: str) -> tuple[str, str, str | None]:
    """Return in words what is wrong with a key that nobody reads and what was expected, and the one that is likely."""
    likely = likely_name(word, names)
    problem = "unknown key" if likely is None else f"unknown key, likely {likely}"
    return problem, f"one of {', '.join(names)}", likely


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML document as it was read, so that what turns out to be wrong with it is found in it."""

    path: Path
    text: str
    tables: dict[str, Any]
    error_type: type[InputError] = InputError
    #: Whether a value may be, or hold, a secret, by where it stands: it is told to nobody.
    is_secret: Callable[[Steps], bool] = lambda _: False

    @classmethod
    def read(
        cls,
        path: Path,
        error_type: type[InputError] = InputError,
        *,
        is_secret: Callable[[Steps], bool] = lambda _: False,
    ) -> Self:
        """Read a document's file.

        Raises
        ------
        InputError
            Of the type given, if it cannot be read or is not TOML.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise error_type("a file that can be read", file=path, value=error.strerror) from error
        return cls(path, *read_toml(content, path, error_type), error_type, is_secret)

    def wrong(self, steps: Steps, expected: str, value: object = None, problem: str | None = None) -> InputError:
        """Return the error that a value of the document is not usable; by default it shows what stands there."""
        if value is None and problem is None and not self.is_secret(steps):
            value = value_at(self.tables, steps)
        return self.error_type(
            expected,
            file=self.path,
            line=line_of(self.text, steps),
            field=spelled(steps) or None,
            # A date as it stands in the file.
            value=str(value) if isinstance(value, date | time) else value,
            problem=problem,
        )

    def placed(self, steps: Steps, load: Callable[[], T]) -> T:
        """Load what a value names; an error says where the value stands, and what was wrong there."""
        with self.placing(steps):
            return load()

    @contextmanager
    def placing(self, steps: Steps) -> Iterator[None]:
        """Let an error that is raised within the block say where the value stands; see ``placed``."""
        try:
            yield
        except InputError as error:
            if error.is_placed or error.file == str(self.path):
                raise
            if error.file is None:
                raise self.wrong(steps, error.expected, error.value) from error
            raise self.wrong(steps, error.expected, problem=error.found) from error
        except OSError as error:
            raise self.wrong(steps, "a path that can be read", f"{error.filename}: {error.strerror}") from error
