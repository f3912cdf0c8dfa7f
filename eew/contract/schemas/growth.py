"""The rule of a version: it may only grow. What breaks it is found by comparing schemas.

Readers and writers of two releases meet on one broker, so a change must suit both sides: an old reader must take new
messages, a new reader old ones. What is left is to add members that may be absent, and messages.
"""

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["broken_promises"]

#: Says something to people only.
_WORDS = {"$comment", "$defs", "$id", "$schema", "description", "examples", "title"}
_APART = {"$ref", "anyOf", "properties", "required", "enum"}
_ONE_SCHEMA = {"additionalProperties", "items", "propertyNames"}
_MANY_SCHEMAS = {"prefixItems"}


def broken_promises(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what a schema no longer promises of what an older one did, a line each; empty if it only grew.

    Parameters
    ----------
    old, new
        JSON Schemas of one message, as ``json_schemas`` or ``schemas`` make them.
    """
    return list(_Comparison(old, new).broken(old, new, "$"))


class _Comparison:
    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._old_top = old
        self._new_top = new

    def broken(self, old: object, new: object, at: str) -> Iterable[str]:
        """Compare two schemas at one place."""
        if not isinstance(old, Mapping) or not isinstance(new, Mapping):
            if old != new:
                yield f"{at}: {_said(old)} became {_said(new)}"
            return
        old, new = _resolved(old, self._old_top), _resolved(new, self._new_top)
        yield from self._members(old, new, at)
        yield from self._choices(old, new, at)
        for keyword in _MANY_SCHEMAS & (old.keys() | new.keys()):
            before, after = old.get(keyword, ()), new.get(keyword, ())
            if len(before) != len(after):
                yield f"{at}: {keyword} has {len(after)} schemas, was {len(before)}"
            for i, pair in enumerate(zip(before, after, strict=False)):
                yield from self.broken(*pair, f"{at}[{i}]")
        for keyword in _ONE_SCHEMA & (old.keys() | new.keys()):
            yield from self.broken(old.get(keyword), new.get(keyword), f"{at}.{keyword}")
        # Whatever else there is limits what may stand there, also what nobody here has heard of.
        rest = (old.keys() | new.keys()) - _WORDS - _APART - _ONE_SCHEMA - _MANY_SCHEMAS
        for keyword in sorted(rest):
            if _value(old, keyword) != _value(new, keyword):
                yield f"{at}: {keyword} {_said(old.get(keyword))} became {_said(new.get(keyword))}"

    def _members(self, old: Mapping[str, Any], new: Mapping[str, Any], at: str) -> Iterable[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name in after:
                yield from self.broken(before[name], after[name], f"{at}.{name}")
            else:
                yield f"{at}.{name}: removed"
        required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
        yield from (f"{at}.{name}: no longer required" for name in sorted(required_before - required_after))
        yield from (f"{at}.{name}: now required" for name in sorted(required_after - required_before))

    def _choices(self, old: Mapping[str, Any], new: Mapping[str, Any], at: str) -> Iterable[str]:
        # Words are a set, and so are the types a member may have: their order says nothing.
        if _as_set(old.get("enum")) != _as_set(new.get("enum")):
            yield f"{at}: values {_said(old.get('enum'))} became {_said(new.get('enum'))}"
        before = self._by_kind(old.get("anyOf", ()), self._old_top)
        after = self._by_kind(new.get("anyOf", ()), self._new_top)
        if before.keys() != after.keys():
            yield f"{at}: types {_said(sorted(before))} became {_said(sorted(after))}"
        for kind in before.keys() & after.keys():
            yield from self.broken(before[kind], after[kind], f"{at}<{kind}>")

    @staticmethod
    def _by_kind(choices: Iterable[Mapping[str, Any]], top: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """Return choices by what tells them apart; one that cannot be told from another keeps its place."""
        by_kind: dict[str, Mapping[str, Any]] = {}
        for choice in choices:
            schema = _resolved(choice, top)
            kind = str(schema.get("type", "enum" if "enum" in schema else "any"))
            by_kind[kind if kind not in by_kind else f"{kind} {len(by_kind)}"] = schema
        return by_kind


def _resolved(schema: Mapping[str, Any], top: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a schema refers to, with what stands beside the reference."""
    while "$ref" in schema:
        beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        schema = {**top["$defs"][schema["$ref"].removeprefix("#/$defs/")], **beside}
    return schema


def _as_set(values: Iterable[object] | None) -> set[str] | None:
    return None if values is None else {repr(value) for value in values}


def _value(schema: Mapping[str, Any], keyword: str) -> object:
    """Return what a keyword says; what is absent differs from null."""
    return (keyword in schema, schema.get(keyword))


def _said(value: object) -> str:
    return "nothing" if value is None else str(value)
