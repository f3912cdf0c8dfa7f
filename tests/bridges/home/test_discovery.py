"""The discovery message against what Home Assistant documents, and its templates as Home Assistant renders them.

The names are those of Home Assistant 2026.2 (home-assistant.io: integrations mqtt, binary_sensor.mqtt, sensor.mqtt,
binary_sensor, sensor; homeassistant/components/mqtt: schemas.py, config.py, binary_sensor.py, sensor.py, entity.py).
"""

import json
import re
from typing import Any

import msgspec
import pytest
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from eew.bridges.home import Home, Side, State

#: Every option of the availability of a device or an entity.
AVAILABILITY = {
    *("availability", "availability_mode", "availability_template", "availability_topic"),
    *("payload_available", "payload_not_available"),
}
IN_AVAILABILITY = {"topic", "payload_available", "payload_not_available", "value_template"}
ROOT = AVAILABILITY | {"device", "components", "origin", "state_topic", "command_topic", "qos", "encoding"}
ROOT_REQUIRED = {"device", "components", "origin"}
DEVICE = {
    *("identifiers", "connections", "manufacturer", "model", "model_id", "name", "hw_version", "serial_number"),
    *("sw_version", "via_device", "suggested_area", "configuration_url"),
}
ORIGIN = {"name", "sw_version", "support_url"}
ENTITY = AVAILABILITY | {
    *("platform", "device", "origin", "entity_picture", "enabled_by_default", "entity_category", "icon"),
    *("json_attributes_topic", "json_attributes_template", "default_entity_id", "unique_id", "name"),
    *("qos", "encoding", "state_topic", "value_template", "device_class", "expire_after", "force_update"),
}
BY_PLATFORM = {
    "binary_sensor": ENTITY | {"off_delay", "payload_on", "payload_off"},
    "sensor": ENTITY
    | {
        *("last_reset_value_template", "options", "suggested_display_precision", "state_class"),
        "unit_of_measurement",
    },
}
BINARY_SENSOR_CLASSES = {
    *("battery", "battery_charging", "carbon_monoxide", "cold", "connectivity", "door", "garage_door", "gas", "heat"),
    *("light", "lock", "moisture", "motion", "moving", "occupancy", "opening", "plug", "power", "presence", "problem"),
    *("running", "safety", "smoke", "sound", "tamper", "update", "vibration", "window"),
}
#: Those of the sensor's device classes that are of use here, with their units.
UNITS_BY_SENSOR_CLASS: dict[str, set[str | None]] = {
    "duration": {"d", "h", "min", "s", "ms", "μs"},
    "enum": {None},
}
#: What Home Assistant takes out of an entity's attributes.
ATTRIBUTES_BLOCKED = {
    *("assumed_state", "available", "device_class", "device_info", "entity_category", "entity_picture"),
    *("entity_registry_enabled_default", "extra_state_attributes", "force_update", "icon", "friendly_name"),
    *("should_poll", "state", "supported_features", "unique_id", "unit_of_measurement", "last_reset", "state_class"),
}
DISCOVERY_TOPIC = re.compile(r"homeassistant/device/[a-zA-Z0-9_-]+/config")
ENTITY_ID = re.compile(r"(binary_sensor|sensor)\.[a-z0-9_]+")

SENDAI = Home(38.26, 140.87)
ALERT = Side(
    shaking_expected=True,
    seconds_to_s=12,
    intensity=5.3,
    magnitude=8.1,
    level="critical",
    alert={"headline": "三陸沖, <Mw> 8.1 & 'more'", "exercise": False, "depth_km": 10.0, "shelter": None},
)


def told(home: Home = SENDAI) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(home.discovery())
    return message


def entities() -> dict[str, dict[str, Any]]:
    components: dict[str, dict[str, Any]] = told()["components"]
    return components


def shown(state: State) -> dict[str, str]:
    """Return what each entity's template makes of the state that goes over the wire."""
    wire = json.loads(msgspec.json.encode(state))
    return {key: rendered(entity["value_template"], wire) for key, entity in entities().items()}


def rendered(template: str, value_json: Any) -> str:
    """Render a template; one that names what is not there is an error."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    return environment.from_string(template).render(value_json=value_json)


def test_only_documented_options_are_used_and_all_required_ones() -> None:
    """Of the device, its origin, its availability and each entity."""
    message = told()
    assert set(message) <= ROOT
    assert set(message) >= ROOT_REQUIRED
    assert set(message["device"]) <= DEVICE
    assert message["device"]["identifiers"]
    assert set(message["origin"]) <= ORIGIN
    assert message["origin"]["name"]
    for each in message["availability"]:
        assert set(each) <= IN_AVAILABILITY
        assert each["topic"]
    for entity in message["components"].values():
        assert set(entity) <= BY_PLATFORM[entity["platform"]]
        assert entity["unique_id"]
        assert entity.get("state_topic", message["state_topic"])
        assert entity["qos"] in {0, 1, 2}
        assert entity["expire_after"] > 0


def test_the_discovery_topic_is_one_that_home_assistant_reads() -> None:
    """With an id of the characters it takes, for places in all quarters of the earth."""
    for lat_deg, lon_deg in ((38.26, 140.87), (-33.45, -70.66), (0.0, 0.0), (90.0, -180.0)):
        assert DISCOVERY_TOPIC.fullmatch(Home(lat_deg, lon_deg).discovery_topic)


@pytest.mark.parametrize("key", entities())
def test_classes_units_and_options_fit_together(key: str) -> None:
    """As Home Assistant demands of sensors: options only and always with an enum, units of the class."""
    entity = entities()[key]
    if entity["platform"] == "binary_sensor":
        assert entity["device_class"] in BINARY_SENSOR_CLASSES
        return
    kind, unit = entity.get("device_class"), entity.get("unit_of_measurement")
    assert kind is None or unit in UNITS_BY_SENSOR_CLASS[kind]
    assert ("options" in entity) == (kind == "enum")
    if kind == "enum":
        assert entity["options"] == ["none", "passive", "active", "critical"]
        assert not {"state_class", "unit_of_measurement", "suggested_display_precision"} & set(entity)
    else:
        # Without one of these a sensor's state is text, and a condition on numbers does not hold.
        assert {"state_class", "unit_of_measurement", "suggested_display_precision"} & set(entity)


def test_ids_are_unique_and_tell_the_side() -> None:
    """Five entities for what is meant, five for exercises, whose ids and names say so."""
    found = entities()
    assert len(found) == 10
    assert len({entity["unique_id"] for entity in found.values()}) == 10
    assert len({entity["default_entity_id"] for entity in found.values()}) == 10
    for key, entity in found.items():
        assert ENTITY_ID.fullmatch(entity["default_entity_id"])
        assert entity["default_entity_id"].split(".")[0] == entity["platform"]
        is_exercise = key.startswith("exercise_")
        assert ("_exercise_" in entity["default_entity_id"]) == is_exercise
        assert entity["name"].startswith("Exercise: ") == is_exercise
        assert ("value_json.exercise." in entity["value_template"]) == is_exercise
        assert ("value_json.actual." in entity["value_template"]) != is_exercise


def test_two_homes_share_nothing() -> None:
    """Neither device, nor topics, nor entities."""
    other = Home(-38.26, 140.87)
    assert SENDAI.discovery_topic != other.discovery_topic
    assert SENDAI.state_topic != other.state_topic
    assert SENDAI.availability_topic != other.availability_topic
    assert told()["device"]["identifiers"] != told(other)["device"]["identifiers"]
    mine, theirs = ({entity["unique_id"] for entity in told(home)["components"].values()} for home in (SENDAI, other))
    assert not mine & theirs


def test_no_more_than_a_kilometre_of_the_place_is_told() -> None:
    """Two places a few metres apart are the same home, and their digits stand nowhere."""
    exact = Home(38.26417, 140.87399)
    assert exact.discovery_topic == Home(38.2642, 140.8740).discovery_topic
    for text in (exact.discovery_topic, exact.state_topic, exact.availability_topic, exact.discovery().decode()):
        assert not re.search(r"38[._]264|140[._]87[34]", text)


def test_the_device_says_what_it_is_not() -> None:
    """In its name and its model."""
    device = told()["device"]
    assert "simulation" in device["name"]
    assert device["model"] == "Simulation: this is not a warning service"


def test_templates_show_an_alert() -> None:
    """Each entity of the alert's side its value, the other side nothing."""
    both = shown(State(ALERT, Side()))
    assert both == {
        "shaking_expected": "ON",
        "seconds_to_s": "12",
        "intensity": "5.3",
        "magnitude": "8.1",
        "level": "critical",
        "exercise_shaking_expected": "OFF",
        # Home Assistant takes this word for: unknown.
        "exercise_seconds_to_s": "None",
        "exercise_intensity": "None",
        "exercise_magnitude": "None",
        "exercise_level": "none",
    }
    assert shown(State(Side(), ALERT)) == {
        key: both[key.removeprefix("exercise_") if key.startswith("exercise_") else f"exercise_{key}"] for key in both
    }


@pytest.mark.parametrize("alert", [ALERT, Side()])
def test_attributes_are_a_json_object_in_the_same_message(alert: Side) -> None:
    """Also where there is no alert; of names that Home Assistant leaves alone."""
    wire = json.loads(msgspec.json.encode(State(alert, Side())))
    found = [entity for key, entity in entities().items() if "json_attributes_template" in entity and key[:3] != "exe"]
    assert {entity["default_entity_id"] for entity in found} >= {"binary_sensor.eew_n38_26_e140_87_shaking_expected"}
    for entity in found:
        assert entity["json_attributes_topic"] == told()["state_topic"]
        attributes = json.loads(rendered(entity["json_attributes_template"], wire))
        assert attributes == alert.alert
        assert not set(attributes) & ATTRIBUTES_BLOCKED


def test_availability_is_read_as_it_is_said() -> None:
    """The words are those that the entities wait for."""
    (availability,) = told()["availability"]
    assert availability == {
        "topic": SENDAI.availability_topic,
        "payload_available": "online",
        "payload_not_available": "offline",
    }
