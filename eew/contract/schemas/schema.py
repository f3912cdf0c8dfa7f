"""The JSON Schemas of messages and run summary as integrators get them: named, described, with units and examples."""

import copy
import json
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from eew.contract.message import MESSAGES, json_schemas
from eew.contract.run_summary import RunSummary
from eew.contract.schemas.prose import STRUCTS, about, member_comments, unit_of

__all__ = ["DOCUMENTS", "Example", "examples", "schema_id", "schemas"]

#: All that has a schema, by its name: the messages, and what is written to files.
DOCUMENTS: dict[str, type[msgspec.Struct]] = MESSAGES | {"run-summary": RunSummary}

#: ``name``, ``summary``, ``topic`` and ``payload`` of a message that the code once made; a file has no topic.
Example = dict[str, Any]


def schema_id(name: str) -> str:
    """Return the lasting name of a schema; there is nothing to be fetched under it."""
    return f"urn:eew:v1:{name}"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema (draft 2020-12) of every message and file by its name."""
    return {name: _schema(name, raw) for name, raw in json_schemas(DOCUMENTS).items()}


def examples() -> dict[str, list[Example]]:
    """Return examples of every message by the name of its schema: real ones, signed with a key known to everybody."""
    return copy.deepcopy(_examples())


@cache
def _examples() -> dict[str, list[Example]]:
    text = resources.files(__package__).joinpath("examples.json").read_text(encoding="utf-8")
    found: dict[str, list[Example]] = json.loads(text)
    return found


def _schema(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    defined = {title: _described(title, part) for title, part in raw["$defs"].items()}
    # The message itself stands at the top, not behind a reference: so every generator finds its name.
    top = defined.pop(DOCUMENTS[name].__name__)
    schema = {"$schema": raw["$schema"], "$id": schema_id(name)} | top
    schema["examples"] = [each["payload"] for each in _examples().get(name, [])]
    # As it will be read: msgspec writes some defaults as tuples.
    as_read: dict[str, Any] = json.loads(json.dumps(schema | ({"$defs": defined} if defined else {})))
    return as_read


def _described(title: str, part: dict[str, Any]) -> dict[str, Any]:
    struct = STRUCTS.get(title)
    if struct is None:
        return part
    comments = member_comments(struct)
    members = {name: member | _description(name, comments.get(name)) for name, member in part["properties"].items()}
    return part | {"description": about(struct), "properties": members}


def _description(member: str, comment: str | None) -> dict[str, str]:
    unit = unit_of(member)
    words = [comment or "", f"Unit: {unit}." if unit else ""]
    text = " ".join(word for word in words if word)
    return {"description": text} if text else {}
