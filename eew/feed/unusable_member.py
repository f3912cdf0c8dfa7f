"""What a message says that cannot be used, and that its report can be without: left out and told, not the end of it."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from eew.feed.parsed import Ignored
from eew.feed.refusal import refusal_of
from eew.model.document import Steps, spelled, value_at
from eew.model.errors import ReportDecodeError

__all__ = ["Spared", "converted"]

T = TypeVar("T")

#: With more faults than this in it, a member is left out whole: a message of nothing else is soon done with.
_MOST_FAULTS = 16
#: With more than these a message is refused: to find each takes a reading.
_MOST_PLACES = 32
#: Of kinds that are told.
_MOST_TOLD = 8
_LONGEST_VALUE = 40
_INDEX = re.compile(r"\[[0-9]+\]")


class Spared:
    """Collects what is left out of one message."""

    def __init__(self) -> None:
        self._errors: list[ReportDecodeError] = []

    def __call__(self, read: Callable[[], T]) -> T | None:
        """Return what ``read`` returns; ``None`` where that cannot be used."""
        try:
            return read()
        except ReportDecodeError as error:
            self.add(error)
            return None

    def add(self, error: ReportDecodeError) -> None:
        """Note one thing that was left out."""
        self._errors.append(error)

    def parts(self) -> tuple[Ignored, ...]:
        """Return what was left out, each kind once."""
        n_by_kind = Counter(_kind(error) for error in self._errors)
        first = {_kind(error): error for error in reversed(self._errors)}
        return tuple(
            Ignored(_reason(first[kind]) + (f" ({n} times)" if n > 1 else ""))
            for kind, n in n_by_kind.most_common(_MOST_TOLD)
        )


def converted(
    value: Mapping[str, Any],
    form: type[T],
    spared: Spared,
    *,
    optional: Collection[Steps],
    whole: Collection[str] = (),
    within: Steps = (),
    file: str | Path | None = None,
    line_no: int | None = None,
) -> T:
    """Return a value as what it is to be, without those of its optional members that cannot be so.

    Parameters
    ----------
    value
        Of dictionaries and lists; not changed.
    form
        What ``msgspec.convert`` is to make of it.
    spared
        Takes what is left out.
    optional
        Paths of names to what may be left out, and whatever is below them.
    whole
        Names of what is left out as a whole where a part of it is wrong.
    within
        Where the value stands.
    file, line_no
        Where it came from, for the error.

    Raises
    ------
    ReportDecodeError
        The first that concerns what must be there.
    """
    left: Any = value
    error_by_path: dict[Steps, ReportDecodeError] = {}
    n_faults: Counter[Steps] = Counter()
    while True:
        try:
            return msgspec.convert(left, form)
        except msgspec.ValidationError as complaint:
            refusal = refusal_of(complaint)
            path = refusal.path
            found = value_at(left, path)
            field = spelled((*within, *path)) or None
            error = ReportDecodeError(refusal.expected, file=file, line=line_no, field=field, value=_shown(found))
            is_missing = _is_missing(left, path)
            member = _member(path, optional)
            if member is None or (is_missing and path == member) or len(error_by_path) > _MOST_PLACES:
                # Where it was given, the complaint about what was given says more.
                raise error_by_path.get(path, error) from complaint
            if not (is_missing and path in error_by_path):
                # Else it was given, left out and told, and what cannot be without it goes, too.
                spared.add(error)
            error_by_path.setdefault(path, error)
            n_faults[member] += 1
            if n_faults[member] > _MOST_FAULTS or path[0] in whole:
                left = _without(left, member)
            else:
                left = _without(left, path[:-1] if is_missing else path)


def _is_missing(value: object, path: Steps) -> bool:
    around = value_at(value, path[:-1])
    return bool(path) and isinstance(around, Mapping) and path[-1] not in around


def _member(path: Steps, optional: Collection[Steps]) -> Steps | None:
    """Return the path to the optional member at or above a path; ``None`` where there is none."""
    for end in range(1, len(path) + 1):
        if isinstance(path[end - 1], str) and tuple(step for step in path[:end] if isinstance(step, str)) in optional:
            return path[:end]
    return None


def _without(value: object, path: Steps) -> Any:  # noqa: ANN401 - what is left of anything
    """Return a value without what stands at a path; what lies beside the path is not copied."""
    step, *rest = path
    if isinstance(value, Mapping):
        if rest and isinstance(value[step], (Mapping, list, tuple)):
            return {**value, step: _without(value[step], tuple(rest))}
        return {key: inner for key, inner in value.items() if key != step}
    if not isinstance(value, (list, tuple)) or not isinstance(step, int):
        raise TypeError("a path leads through tables and lists")
    if rest and isinstance(value[step], (Mapping, list, tuple)):
        return [*value[:step], _without(value[step], tuple(rest)), *value[step + 1 :]]
    return [*value[:step], *value[step + 1 :]]


def _shown(value: object) -> object:
    # What may be long or deep is named, not shown.
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, (list, tuple)) else value


def _kind(error: ReportDecodeError) -> tuple[str, str]:
    return _INDEX.sub("", error.field or ""), error.expected


def _reason(error: ReportDecodeError) -> str:
    shown = "" if error.value is None else f" {str(error.value)[:_LONGEST_VALUE]!r}:"
    return f"{_kind(error)[0]}:{shown} {error.expectation}; left out"
