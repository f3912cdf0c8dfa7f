"""The one reader of JSON from outside: bounds on size and number, and members that say what is wrong."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from eew.feed.parsed import Ignored, Parsed
from eew.feed.unusable_member import Spared, converted
from eew.model.document import Steps, spelled
from eew.model.errors import MISSING_FIELD, ReportDecodeError

__all__ = [
    "A_LOCAL_TIME",
    "Members",
    "bounded",
    "epoch_ms",
    "instant_of",
    "json_value",
    "parsed_each",
    "parsed_json",
    "parsed_objects",
    "time_text",
]

#: A day of the world's earthquakes in the wordiest format has 300 kB.
MAX_BYTES = 1_000_000
#: Of one list. Japan has 188 areas; a day of the world's earthquakes has some 300.
MAX_OBJECTS = 1_000

A_LOCAL_TIME = "a time like 2011-03-11 05:46:45"
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{0,20})?")
_INDEX = re.compile(r"\[[0-9]+\]")
_WHOLE = re.compile(r"[0-9]{1,18}")
_TIME = re.compile(
    r"(?P<y>[0-9]{4})[-/](?P<m>[0-9]{2})[-/](?P<d>[0-9]{2})[ T]"
    r"(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?)(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
)
_LISTED = "listed"
_TRUTHS: Mapping[bool, tuple[bool | int | str | None, ...]] = {
    False: (False, 0, None, "", "0", "false"),
    True: (True, 1, "1", "true"),
}
_Record = TypeVar("_Record")
_Object = TypeVar("_Object")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def bounded(
    data: bytes, *, file: str | Path | None = None, line_no: int | None = None, max_bytes: int = MAX_BYTES
) -> bytes:
    """Return a message, or a line of it, that is not too long to be looked at."""
    if len(data) > max_bytes:
        raise ReportDecodeError(f"at most {max_bytes} bytes", file=file, line=line_no, field="size", value=len(data))
    return data


def json_value(data: bytes, *, file: str | Path | None = None, line_no: int | None = None) -> object:
    """Return what a message in JSON holds; raise ``ReportDecodeError`` if it is none or too long."""
    try:
        value: object = msgspec.json.decode(bounded(data, file=file).removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        shown = data[:80].decode(errors="replace")
        raise ReportDecodeError(f"JSON ({error})", file=file, line=line_no, value=shown) from error
    return value


def parsed_json(data: bytes, *, file: str | Path | None = None) -> "Members":
    """Read a message that is one JSON object.

    Raises
    ------
    ReportDecodeError
        If it is not: no JSON in UTF-8 (NaN is none), no object, too long, or too deep for the reader.
    """
    return Members(json_value(data, file=file), file=file)


def parsed_objects(data: bytes, *, file: str | Path | None = None) -> "tuple[Members, ...]":
    """Read a message that is one JSON object or a list of them; raise ``ReportDecodeError`` if it is neither."""
    value = json_value(data, file=file)
    if not isinstance(value, list):
        return (Members(value, file=file),)
    return _objects(value, (), file)


def parsed_each(objects: Iterable[_Object], parse: Callable[[_Object], Parsed]) -> tuple[Parsed, ...]:
    """Parse each object of a list or each line; what is wrong with some costs not the rest, and is said as ignored.

    What was left out of an object is said after it.

    Raises
    ------
    ReportDecodeError
        The first, if something is wrong with every one.
    """
    parts: list[Parsed] = []
    first: ReportDecodeError | None = None
    n_wrong = 0
    for each in objects:
        try:
            parts.append(parse(each))
            if isinstance(each, Members):
                parts += each.spared.parts()
        except ReportDecodeError as error:
            n_wrong += 1
            first = first or error
            field = _INDEX.sub("", error.field or "")
            parts.append(Ignored(f"one of several is not as it should be: {field}: {error.expectation}"))
    if first is not None and n_wrong == len(parts):
        raise first
    return tuple(parts)


def time_text(at: datetime, zone: tzinfo, *, day_by: str = "-") -> str:
    """Return a time as agencies write theirs, to the second and without its zone: ``2011-03-11 14:46:45``."""
    return at.astimezone(zone).replace(tzinfo=None).isoformat(" ", "seconds").replace("-", day_by)


def instant_of(text: str, zone: tzinfo) -> datetime | None:
    """Return in UTC the time that a text says, in ``zone`` unless it says its own; ``None`` if it says none."""
    parts = _TIME.fullmatch(text)
    if parts is None:
        return None
    try:
        at = datetime.fromisoformat(f"{parts['y']}-{parts['m']}-{parts['d']}T{parts['clock']}{parts['zone'] or ''}")
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def epoch_ms(at: datetime) -> int:
    """Return a time as whole milliseconds since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


class Members:
    """The members of one object, each taken by its name as what it must be; the errors say where it stands.

    Absent, null and (of texts) empty are the same: unknown. So is what may be unknown and is not as it must be; then
    that is noted in ``spared``.
    """

    def __init__(
        self, value: object, *, file: str | Path | None = None, path: Steps = (), spared: Spared | None = None
    ) -> None:
        self._file = file
        self._path = path
        #: What of it, and of the objects in it but those of lists, could not be used and need not be there.
        self.spared = Spared() if spared is None else spared
        if not isinstance(value, dict):
            raise _error("one JSON object", value, path, file)
        self._members = value

    def __contains__(self, name: str) -> bool:
        """Whether something is given under a name."""
        return self._members.get(name) is not None

    def names(self) -> tuple[str, ...]:
        """Return the names of its members, in their order."""
        return tuple(self._members)

    def text(self, name: str) -> str:
        """Return a text, which must be there; a whole number is read as its digits."""
        if (text := self._text(name)) is None:
            raise self.error(name, MISSING_FIELD)
        return text

    def text_or_none(self, name: str) -> str | None:
        """Return a text or a whole number's digits."""
        return self.spared(lambda: self._text(name))

    def _text(self, name: str) -> str | None:
        value = self._members.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is not None and not isinstance(value, str):
            raise self.error(name, "text")
        return value or None

    def is_number(self, name: str) -> bool:
        """Whether what is given under a name is a number, not one written as text."""
        value = self._members.get(name)
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    def says(self, name: str, part: str) -> bool:
        """Whether what is given under a name is a text and contains a part."""
        value = self._members.get(name)
        return isinstance(value, str) and part in value

    def number(self, name: str) -> float:
        """Return a number, also one written as text."""
        if (number := self._number(name)) is None:
            raise self.error(name, MISSING_FIELD)
        return number

    def number_or_none(self, name: str, *, unknown: float | None = None) -> float | None:
        """Return a number; ``unknown`` is the number that the agency writes where it has none."""
        number = self.spared(lambda: self._number(name))
        return None if number == unknown else number

    def number_unless(self, name: str, unknown: float) -> float | None:
        """Return a number that the report cannot be without, ``None`` where it is the agency's for unknown."""
        number = self._number(name)
        return None if number == unknown else number

    def _number(self, name: str) -> float | None:
        number = _number(self._members.get(name))
        if number is None and name in self and self._members[name] != "":
            raise self.error(name, "a number")
        return number

    def whole(self, name: str) -> int:
        """Return a whole number of at least 0, also one written as text."""
        value = self._members.get(name)
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.error(name, MISSING_FIELD if value is None else "a whole number")
        return value

    def flag(self, name: str) -> bool:
        """Return a truth; what is not given is not true."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.error(name, "true or false")
        return value or False

    def truth(self, name: str) -> bool:
        """Return a truth, also one written as 0 or 1 or as text; what is not given is not true."""
        value = self._members.get(name)
        if isinstance(value, (bool, int, str)) or value is None:
            for truth, words in _TRUTHS.items():
                if value in words:
                    return truth
        raise self.error(name, "true or false")

    def flag_or_false(self, name: str) -> bool:
        """Return a truth that a report can be without; what is none is not true, either."""
        return self.spared(lambda: self.flag(name)) or False

    def truth_or_false(self, name: str) -> bool:
        """Return a truth that a report can be without, also one written as 0 or 1 or as text."""
        return self.spared(lambda: self.truth(name)) or False

    def instant(self, name: str, zone: tzinfo) -> datetime:
        """Return a time in UTC, which must be there; ``zone`` is the agency's, for a time that does not say its own."""
        if (at := self._instant(name, zone)) is None:
            raise self.error(name, MISSING_FIELD)
        return at

    def instant_or_none(self, name: str, zone: tzinfo) -> datetime | None:
        """Return a time in UTC."""
        return self.spared(lambda: self._instant(name, zone))

    def _instant(self, name: str, zone: tzinfo) -> datetime | None:
        text = self._text(name)
        if text is None:
            return None
        at = instant_of(text, zone)
        if at is None:
            raise self.error(name, A_LOCAL_TIME)
        return at

    def epoch_ms(self, name: str) -> datetime:
        """Return a time in UTC that is given as milliseconds since 1970."""
        try:
            return _EPOCH + timedelta(milliseconds=self.whole(name))
        except OverflowError as error:
            raise self.error(name, "milliseconds since 1970") from error

    def epoch_ms_or_none(self, name: str) -> datetime | None:
        """Return a time in UTC that is given as milliseconds since 1970."""
        return self.spared(lambda: self.epoch_ms(name)) if name in self else None

    def members(self, name: str) -> "Members":
        """Return the object under a name, which must be there."""
        return Members(self._members.get(name), file=self._file, path=(*self._path, name), spared=self.spared)

    def objects(self, name: str) -> "tuple[Members, ...]":
        """Return the objects of a list; null is an empty one."""
        value = self._members.get(name)
        return _objects([] if value is None else value, (*self._path, name), self._file)

    def records(self, name: str, record: type[_Record]) -> list[_Record]:
        """Return the objects of a list as records, which is quicker where there are many; one alone is a list of one.

        What of them is not as it must be is left out, the record where it cannot be without it.

        Parameters
        ----------
        name
            Of the list; null and an empty object are an empty list.
        record
            A ``msgspec.Struct`` of what is to be read; other members are not looked at.
        """
        value = self._members.get(name)
        if not isinstance(value, list):
            value = [value] if value else []
        if len(value) > MAX_OBJECTS:
            raise _error(f"at most {MAX_OBJECTS} objects", len(value), (*self._path, name), self._file)
        form = _listing(name, cast("Hashable", record))
        optional = ((name,),)
        listed = converted({name: value}, form, self.spared, optional=optional, within=self._path, file=self._file)
        records: list[_Record] = getattr(listed, _LISTED)
        return records

    def numbers(self, name: str) -> tuple[float | None, ...]:
        """Return a list of numbers, of which some may be unknown; so is what is none."""
        value = self._members.get(name)
        if not isinstance(value, list) or len(value) > MAX_OBJECTS:
            raise self.error(name, "a list of numbers")
        numbers = tuple(map(_number, value))
        if any(number is None and each is not None for number, each in zip(numbers, value, strict=True)):
            self.spared.add(self.error(name, "a list of numbers"))
        return numbers

    def error(self, name: str, expected: str) -> ReportDecodeError:
        """Return the error for a member."""
        return _error(expected, self._members.get(name), (*self._path, name), self._file)


@cache
def _listing(name: str, record: Hashable) -> type[msgspec.Struct]:
    """Return a record of one list under a name: with it an error says the whole way."""
    return msgspec.defstruct("Listing", [(_LISTED, list[record], msgspec.field(name=name, default_factory=list))])  # type: ignore[valid-type]  # a type that is given


def _objects(value: object, path: Steps, file: str | Path | None) -> tuple[Members, ...]:
    if not isinstance(value, list):
        raise _error("a list of objects", value, path, file)
    if len(value) > MAX_OBJECTS:
        raise ReportDecodeError(f"at most {MAX_OBJECTS} objects", file=file, field=spelled(path), value=len(value))
    return tuple(Members(each, file=file, path=(*path, index)) for index, each in enumerate(value))


def _number(value: object) -> float | None:
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _error(expected: str, value: object, path: Steps, file: str | Path | None) -> ReportDecodeError:
    # What may be long or deep is named, not shown.
    shown = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else value
    return ReportDecodeError(expected, file=file, field=spelled(path) or None, value=shown)
