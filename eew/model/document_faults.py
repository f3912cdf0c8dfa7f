"""All that is wrong with a document's tables that should be records, in plain words and with its place."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from eew.model.document import Document, Steps, floats, place_of_complaint, unknown_key, value_at
from eew.model.errors import MISSING_FIELD, InputError

__all__ = ["A_TIME", "MISSING", "Complaint", "complaints", "faults_of", "in_words", "noted", "record_of", "refuse"]

A_TIME = "a time with its zone, like 2011-03-11T05:46:45.6Z"
A_WORD = "1 to 64 of A-Z a-z 0-9 _ -"

R = TypeVar("R", bound=msgspec.Struct)

_TYPES = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_TYPE = re.compile(r"Expected `(?P<type>\w+)[^`]*`(?P<bound>.*)")
_WORD_PATTERN = "'^[A-Za-z0-9_-]{1,64}$'"
#: How msgspec, and a record's own check, says that a field is missing.
MISSING = re.compile(r"missing required field `(?P<key>\w+)`(?P<note>.*)")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong in one place of a value."""

    path: Steps
    expected: str
    problem: str | None = None


def complaints(value: object, kind: Any, path: Steps = ()) -> Iterator[Complaint]:  # noqa: ANN401 - any annotation
    """Yield all that keeps a value from being of a type, where msgspec stops at the first.

    Parameters
    ----------
    value
        Of tables, lists and scalars, as it was read.
    kind
        A record, or anything else that msgspec converts to. A record that forbids unknown fields has them named.
    path
        Where the value stands.

    Notes
    -----
    Records, and lists of them, are looked into field by field. A missing field is not complained of where another that
    nobody knows is likely meant for it.
    """
    inner = _without_none(kind)
    (of, *rest) = get_args(inner) or (None,)
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and isinstance(value, Mapping):
        found = list(_of_fields(value, inner, path))
    elif get_origin(inner) in {tuple, list} and rest in ([], [...]) and isinstance(value, list):
        found = [each for index, item in enumerate(value) for each in complaints(item, of, (*path, index))]
    else:
        found = []
    yield from found
    if not found:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            said, place = place_of_complaint(str(error))
            if missing := MISSING.search(said):
                yield Complaint((*path, *place, missing["key"]), f"{MISSING_FIELD}{missing['note']}")
            else:
                yield Complaint((*path, *place), in_words(said, kind))


def in_words(said: str, kind: Any = None) -> str:  # noqa: ANN401 - any annotation
    """Return in plain words what msgspec expected; ``kind`` is what the value should have been."""
    if said.startswith("Invalid enum value") and (choices := _choices(kind)):
        return " or ".join(choices)
    if "datetime" in said:
        return A_TIME
    if pattern := re.search(r"matching regex (.+)$", said):
        return _description(kind) or (A_WORD if pattern[1] == _WORD_PATTERN else f"text like {pattern[1]}")
    if not (parts := _TYPE.match(said)):
        return said[:1].lower() + said[1:]
    word = _TYPES.get(parts["type"], parts["type"])
    bound = parts["bound"].split(", got", maxsplit=1)[0]
    if bound == " of length >= 1":
        return f"{word} that is not empty"
    for sign, least in ((">=", "of at least"), ("<=", "of at most"), (">", "above"), ("<", "below")):
        bound = bound.replace(f" {sign} ", f" {least} ")
    return word + bound


def faults_of(document: Document, kind: type[msgspec.Struct], steps: Steps = ()) -> list[InputError]:
    """Return all that keeps the table at a place of a document from being a record; numbers must be finite."""
    value = value_at(document.tables, steps)
    found = [Complaint((*steps, *path), "a finite number") for path, number in floats(value) if not isfinite(number)]
    found += complaints(value, kind, steps)
    return [document.wrong(each.path, each.expected, problem=each.problem) for each in found]


def record_of(document: Document, kind: type[R], steps: Steps = ()) -> R:
    """Return the table at a place of a document as a record.

    Raises
    ------
    InputError
        Of the document's type, if it is none: the first fault, the others in ``also``.
    """
    refuse(faults_of(document, kind, steps))
    return msgspec.convert(value_at(document.tables, steps), kind)


def refuse(faults: list[InputError]) -> None:
    """Raise the first fault, the others in its ``also``; nothing where there is none.

    Those of one document are in the order of its lines.
    Of one place the first in the list is told: what is not finite is out of range, too.
    """
    by_place: dict[object, InputError] = {}
    for fault in faults:
        by_place.setdefault((fault.file, fault.field) if fault.field else id(fault), fault)
    if by_place:
        is_one_file = len({fault.file for fault in faults}) == 1
        first, *others = sorted(by_place.values(), key=lambda fault: (fault.line or 0) * is_one_file)
        first.also = tuple(others)
        raise first


@contextmanager
def noted(faults: list[InputError]) -> Iterator[None]:
    """Note what is raised within the block, so that what comes after is looked at, too."""
    try:
        yield
    except InputError as error:
        faults += (error, *error.also)


def _of_fields(value: Mapping[str, object], kind: type[msgspec.Struct], path: Steps) -> Iterator[Complaint]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    meant = set()
    for key in value if kind.__struct_config__.forbid_unknown_fields else ():
        if key not in fields:
            problem, expected, likely = unknown_key(tuple(fields), key)
            meant.add(likely)
            yield Complaint((*path, key), expected, problem)
    for name, field in fields.items():
        if name in value:
            yield from complaints(value[name], field.type, (*path, name))
        elif field.required and name not in meant:
            yield Complaint((*path, name), MISSING_FIELD)


def _without_none(kind: Any) -> Any:  # noqa: ANN401 - any annotation
    """Return an annotation without its bounds, and without ``None`` where it is one thing or ``None``."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in {Union, UnionType} and len(others := set(get_args(kind)) - {NoneType}) == 1:
            (kind,) = others
        else:
            return kind


def _description(kind: Any) -> str | None:  # noqa: ANN401 - any annotation
    """Return what an annotation says of itself in words."""
    parts = [part for each in (kind, *get_args(kind)) if get_origin(each) is Annotated for part in get_args(each)]
    return next((part.description for part in parts if isinstance(part, msgspec.Meta) and part.description), None)


def _choices(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - any annotation
    """Return the words that a value may be, in the order in which they are declared."""
    inner = _without_none(kind)
    if isinstance(inner, type) and issubclass(inner, Enum):
        return tuple(str(each.value) for each in inner)
    if get_origin(inner) is Literal:
        return tuple(map(str, get_args(inner)))
    return ()
