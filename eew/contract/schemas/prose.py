"""What the code says of its messages, read from the code itself, so that it is written down once."""

import inspect
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import msgspec

from eew.contract import measured_times, message, run_summary
from eew.model import report

__all__ = ["STRUCTS", "about", "member_comments", "unit_of"]

_MODULES = (report, message, measured_times, run_summary)
#: Every type with members that may stand in a message or a file of the contract, by its name.
STRUCTS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {
        name: each
        for module in _MODULES
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, msgspec.Struct)
    }
)

_COMMENT = re.compile(r"^    #: (.+)$")
_MEMBER = re.compile(r"^    (\w+): ")
#: The longer ending first.
_UNITS = (
    ("_s_km", "seconds a kilometre"),
    ("_km_by_level", "km"),
    ("_ms", "milliseconds"),
    ("_mib", "MiB"),
    ("_deg", "degrees"),
    ("_km", "km"),
    ("_m", "m"),
    ("_s", "seconds"),
    ("_at", "UTC"),
)


def about(struct: type[msgspec.Struct]) -> str:
    """Return the first paragraph of a type's docstring."""
    return _plain(" ".join((inspect.getdoc(struct) or "").split("\n\n")[0].split()))


@cache
def member_comments(struct: type[msgspec.Struct]) -> Mapping[str, str]:
    """Return the ``#:`` comments of a type's members and of those it inherits, by their names.

    Where the source was not shipped nothing is known: descriptions are for people, and nothing rests on them.
    """
    found: dict[str, str] = {}
    for each in reversed(struct.__mro__):
        if each.__module__ not in {module.__name__ for module in _MODULES}:
            continue
        try:
            lines = inspect.getsource(each).splitlines()
        except OSError:
            continue
        said: list[str] = []
        for line in lines:
            if comment := _COMMENT.match(line):
                said.append(comment[1])
            elif (member := _MEMBER.match(line)) and said:
                found[member[1]] = _plain(" ".join(said))
                said = []
    return MappingProxyType(found)


def unit_of(member: str) -> str | None:
    """Return the unit that a member's name ends in."""
    return next((unit for ending, unit in _UNITS if member.endswith(ending)), None)


def _plain(text: str) -> str:
    """Return reST as Markdown, which JSON Schema and AsyncAPI want."""
    return text.replace("``", "`")
