"""The AsyncAPI document by itself: whole, with the topics that the design names, and examples that hold."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest

from eew.contract import topic
from eew.contract.message import MESSAGES
from eew.contract.schemas.asyncapi import document
from eew.contract.schemas.channels import CHANNELS
from eew.contract.schemas.prose import STRUCTS, unit_of
from eew.contract.schemas.schema import DOCUMENTS, examples, schema_id, schemas

SchemaErrors = Callable[[dict[str, Any], object], list[str]]

#: As the design page has them: action, address, QoS, retained.
TOPICS = {
    ("receive", "eew/v1/alerts/cell/{q1}/{q2}/{q3}/{q4}/{q5}/{q6}/{q7}/{q8}/{q9}/{q10}/{q11}/{q12}", 1, False),
    ("receive", "eew/v1/alerts/device/{group}/{device_id}", 1, False),
    ("receive", "eew/v1/events/{event_id}", 1, True),
    ("receive", "eew/v1/cap/{event_id}", 1, True),
    ("receive", "eew/v1/info/{region}/{lang}", 1, True),
    ("receive", "eew/v1/status/{dispatcher_id}", 1, True),
    ("send", "eew/v1/reports/{source}", 1, False),
    ("send", "eew/v1/receipts/{group}", 0, False),
}


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def at(reference: str, whole: dict[str, Any]) -> Any:
    found: Any = whole
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_the_topics_are_those_of_version_1() -> None:
    """None is missing, none was renamed, and each travels as it always has."""
    whole = document()
    found = {
        (
            each["action"],
            at(each["channel"]["$ref"], whole)["address"],
            each["bindings"]["mqtt"]["qos"],
            each["bindings"]["mqtt"]["retain"],
        )
        for each in whole["operations"].values()
    }
    assert found == TOPICS
    assert topic.CELL_LEVEL == 12


def test_the_version_is_that_of_the_topics() -> None:
    """The first number of the contract's version stands in each address."""
    major = document()["info"]["version"].split(".")[0]
    assert all(each.address.startswith(f"eew/v{major}/") for each in CHANNELS)
    assert all(each["$id"].startswith(f"urn:eew:v{major}:") for each in schemas().values())


def test_every_reference_leads_somewhere() -> None:
    """Also those inside the schemas, and nothing is there that nothing refers to."""
    whole = document()
    used = set(references(whole))
    for reference in used:
        assert at(reference, whole), reference
    for kind in ("messages", "schemas"):
        assert {f"#/components/{kind}/{name}" for name in whole["components"][kind]} <= used


def test_every_word_of_an_address_is_explained() -> None:
    """A parameter for each, and none besides."""
    for each in document()["channels"].values():
        words = {word[1:-1] for word in each["address"].split("/") if word.startswith("{")}
        assert each["parameters"].keys() == words


@pytest.mark.parametrize("name", MESSAGES)
def test_examples_hold_in_the_draft_that_asyncapi_has(name: str) -> None:
    """The same schemas in draft 7 take the same messages."""
    whole = document()
    top = whole["components"]["messages"][name]["payload"] | {"components": whole["components"]}
    validator = jsonschema.Draft7Validator(top)
    validator.check_schema(whole["components"]["schemas"])
    found = whole["components"]["messages"][name]["examples"]
    assert found
    for example in found:
        assert [error.message for error in validator.iter_errors(example["payload"])] == []


@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("report", "fault", [[[38.0, 143.0]]]),
        ("report", "fault", [[[38.0, 143.0, 10.0, 1.0]]]),
        ("report", "fault", [[[143.0, 38.0, 10.0]]]),
        ("device-alert", "level", "loud"),
        ("device-alert", "shelter", {"id": "s"}),
        ("cell-alert", "cell", "4"),
    ],
)
def test_both_drafts_refuse_the_same(name: str, member: str, value: object, schema_errors: SchemaErrors) -> None:
    """Corners have three numbers within their limits, references are followed, patterns are kept."""
    whole = document()
    wrong = examples()[name][0]["payload"] | {member: value}
    top = whole["components"]["messages"][name]["payload"] | {"components": whole["components"]}
    assert list(jsonschema.Draft7Validator(top).iter_errors(wrong))
    assert schema_errors(schemas()[name], wrong)


def test_schemas_are_named_and_described() -> None:
    """The message stands at the top under its own name, what it is made of below."""
    for name, schema in schemas().items():
        assert schema["$id"] == schema_id(name)
        assert (schema["title"], schema["type"]) == (DOCUMENTS[name].__name__, "object")
        assert schema["description"]
        assert "``" not in json.dumps(schema)
    assert set(schemas()["device-alert"]["$defs"]) == {"AlertStatus", "ReportKind", "ShelterReference"}


@pytest.mark.parametrize(
    ("member", "unit"),
    [
        ("lat_deg", "degrees"),
        ("distance_m", "m"),
        ("depth_km", "km"),
        ("radius_km_by_level", "km"),
        ("vibration_ms", "milliseconds"),
        ("offset_s", "seconds"),
        ("s_slowness_s_km", "seconds a kilometre"),
        ("issued_at", "UTC"),
        ("magnitude", None),
        ("n_reports", None),
        ("signature", None),
    ],
)
def test_a_name_tells_its_unit(member: str, unit: str | None) -> None:
    """And the description says it in words."""
    assert unit_of(member) == unit
    for schema in schemas().values():
        description = schema["properties"].get(member, {}).get("description", "")
        if member in schema["properties"] and unit:
            assert description.endswith(f"Unit: {unit}.")
        else:
            assert "Unit:" not in description


def test_comments_of_the_code_are_the_descriptions() -> None:
    """Those of a base class too; three lines are one sentence."""
    device = schemas()["device-alert"]["properties"]
    assert device["intensity"]["description"] == (
        "Expected at the device on `scale`, cut (not rounded) to one decimal; null in a cancel."
    )
    assert schemas()["status"]["properties"]["keys"]["description"].startswith("The public keys alerts are signed with")
    assert STRUCTS["DeviceAlert"] is MESSAGES["device-alert"]


def test_every_member_is_described() -> None:
    """By more than its unit."""
    for schema in schemas().values():
        for title, part in {schema["title"]: schema, **schema.get("$defs", {})}.items():
            for name, member in part.get("properties", {}).items():
                description = member.get("description", "")
                assert description, f"{title}.{name}"
                assert not description.startswith("Unit:"), f"{title}.{name}"


def test_examples_cannot_be_changed_by_their_readers() -> None:
    """Everybody gets the same."""
    examples()["status"].clear()
    assert examples()["status"]
