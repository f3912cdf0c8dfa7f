"""Version 1 may only grow: today's schemas against those of each release, and the rule itself, broken once a line."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eew.contract.schemas.growth import broken_promises
from eew.contract.schemas.schema import schemas

#: A folder a release, with the schemas as it had them.
RELEASES = Path(__file__).resolve().parent / "v1"
SUFFIX = ".schema.json"
COMMITTED = sorted(RELEASES.glob(f"*/*{SUFFIX}"))
MESSAGES_OF_0_1_0 = {"report", "device-alert", "cell-alert", "event", "status", "receipt"}

Schema = dict[str, Any]
Change = Callable[[Schema], object]

#: One of everything that the messages' schemas are made of.
OLD: Schema = {
    "title": "Old",
    "type": "object",
    "properties": {
        "word": {"type": "string", "pattern": "^a$"},
        "number": {"type": "number", "minimum": 0, "maximum": 1},
        "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        "level": {"enum": ["high", "low"]},
        "part": {"anyOf": [{"$ref": "#/$defs/Part"}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}, "maxItems": 3},
        "corner": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "items": False},
        "by_level": {"type": "object", "additionalProperties": {"type": "number"}},
    },
    "required": ["word", "number"],
    "$defs": {
        "Part": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "at": {"type": "string", "format": "date-time"}},
            "required": ["id"],
        }
    },
}


def members(schema: Schema) -> Schema:
    found: Schema = schema["properties"]
    return found


def part(schema: Schema) -> Schema:
    found: Schema = schema["$defs"]["Part"]
    return found


BREAKING: dict[str, Change] = {
    "a member is removed": lambda new: members(new).pop("maybe"),
    "a member is renamed": lambda new: members(new).update(word2=members(new).pop("word")),
    "a type changes": lambda new: members(new)["word"].update(type="integer"),
    "a number becomes whole": lambda new: members(new)["number"].update(type="integer"),
    "null is no longer taken": lambda new: members(new)["maybe"]["anyOf"].pop(),
    "null is taken, too": lambda new: members(new).update(word={"anyOf": [members(new)["word"], {"type": "null"}]}),
    "a word is taken away": lambda new: members(new)["level"]["enum"].pop(),
    "a word is added": lambda new: members(new)["level"]["enum"].append("higher"),
    "words become any text": lambda new: members(new).update(level={"type": "string"}),
    "a pattern changes": lambda new: members(new)["word"].update(pattern="^[ab]$"),
    "a pattern goes": lambda new: members(new)["word"].pop("pattern"),
    "a limit is narrowed": lambda new: members(new)["number"].update(minimum=0.5),
    "a limit is widened": lambda new: members(new)["number"].update(maximum=2),
    "a limit comes": lambda new: members(new)["word"].update(maxLength=9),
    "a list may be longer": lambda new: members(new)["parts"].update(maxItems=4),
    "a format changes": lambda new: part(new)["properties"]["at"].update(format="date"),
    "a default changes": lambda new: members(new)["maybe"].update(default=0),
    "a default of null goes": lambda new: members(new)["maybe"].pop("default"),
    "a member is required": lambda new: new["required"].append("maybe"),
    "a member is no longer required": lambda new: new["required"].remove("word"),
    "nothing is required": lambda new: new.pop("required"),
    "a new member is required": lambda new: (
        members(new).update(more={"type": "string"}),
        new["required"].append("more"),
    ),
    "a member of a part is removed": lambda new: part(new)["properties"].pop("at"),
    "a member of a part is required": lambda new: part(new)["required"].append("at"),
    "a part becomes a word": lambda new: part(new).update(type="string"),
    "a list of parts becomes one of words": lambda new: members(new)["parts"].update(items={"type": "string"}),
    "a corner has a third number": lambda new: members(new)["corner"]["prefixItems"].append({"type": "number"}),
    "a corner's number changes": lambda new: members(new)["corner"]["prefixItems"][1].update(maximum=180),
    "a corner may have more": lambda new: members(new)["corner"].pop("items"),
    "numbers by level become words": lambda new: members(new)["by_level"].update(
        additionalProperties={"type": "string"}
    ),
    "levels are limited": lambda new: members(new)["by_level"].update(propertyNames={"enum": ["high"]}),
    "new members are refused": lambda new: new.update(additionalProperties=False),
    "a keyword nobody here knows": lambda new: members(new)["number"].update(multipleOf=0.1),
}
GROWING: dict[str, Change] = {
    "nothing changes": lambda _: None,
    "a member that may be absent": lambda new: members(new).update(more={"type": "string"}),
    "a member that may be absent, in a part": lambda new: part(new)["properties"].update(more={"type": "string"}),
    "words for people": lambda new: (
        new.update(title="New", description="words", examples=[{}]),
        members(new)["word"].update(description="a word"),
    ),
    "another order": lambda new: (
        members(new)["level"]["enum"].reverse(),
        new["required"].reverse(),
        members(new)["maybe"]["anyOf"].reverse(),
    ),
    "a part stands where it is used": lambda new: members(new)["parts"].update(items=part(new)),
    "a part that nobody uses goes": lambda new: (
        members(new)["parts"].update(items=part(new)),
        members(new)["part"]["anyOf"].__setitem__(0, part(new)),
        new.pop("$defs"),
    ),
}


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_what_breaks_an_integrator_is_found(change: Change) -> None:
    """Each is one line that names the place; it is found in either direction."""
    new = copy.deepcopy(OLD)
    change(new)
    found = broken_promises(OLD, new)
    assert found
    assert all(line.startswith("$") for line in found)


@pytest.mark.parametrize("change", GROWING.values(), ids=GROWING)
def test_growing_is_no_breach(change: Change) -> None:
    """What old and new readers and writers can live with."""
    new = copy.deepcopy(OLD)
    change(new)
    assert broken_promises(OLD, new) == []


def test_a_breach_says_what_was_and_what_is() -> None:
    """So that whoever reads it need not look it up."""
    new = copy.deepcopy(OLD)
    part(new)["properties"]["at"]["format"] = "date"
    del members(new)["word"]
    assert broken_promises(OLD, new) == [
        "$.word: removed",
        "$.part<object>.at: format date-time became date",
        "$.parts.items.at: format date-time became date",
    ]


@pytest.mark.parametrize(
    "path", COMMITTED, ids=[f"{path.parent.name} {path.name[: -len(SUFFIX)]}" for path in COMMITTED]
)
def test_version_1_has_only_grown(path: Path) -> None:
    """Every message of every release is still there, and still what it was."""
    name = path.name.removesuffix(SUFFIX)
    released = json.loads(path.read_text(encoding="utf-8"))
    assert name in schemas()
    assert broken_promises(released, schemas()[name]) == []


def test_the_first_release_is_held() -> None:
    """Its six schemas are here, so nobody can make the rule hold by deleting a file."""
    assert {path.name.removesuffix(SUFFIX) for path in (RELEASES / "0.1.0").iterdir()} == MESSAGES_OF_0_1_0
