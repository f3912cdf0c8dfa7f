"""Why a document was refused: where in it, and what would have been right, in plain words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from eew.document import Steps, place_of_complaint
from eew.model import AlertStatus, ReportKind

__all__ = ["A_TIME", "Refusal", "refusal_of"]

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
_MISSING = re.compile(r"missing required field `(?P<key>\w+)`(?P<note>.*)")
_TYPE = re.compile(r"Expected `(?P<type>\w+)[^`]*`(?P<bound>.*)")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where a document is wrong, and what was expected there."""

    path: Steps
    expected: str


def refusal_of(error: msgspec.ValidationError) -> Refusal:
    """Take a validation error's message apart into place and expectation."""
    message, path = place_of_complaint(str(error))
    if missing := _MISSING.search(message):
        return Refusal((*path, missing["key"]), f"it to be given{missing['note']}")
    return Refusal(path, _in_words(message, path[-1] if path else ""))


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
