"""The documentation's automations: they can be read, and ask for what there is."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from eew.bridges.home import Home, Side, state
from eew.contract.message import AlertCore
from eew.model.records import AlertStatus, ReportKind
from eew.view.countdown import Board, LocalEstimate, Seen

#: Of an automation, its triggers, conditions and actions [HAMQTT]: home-assistant.io, docs/automation/yaml and
#: docs/scripts, as far as they are used.
AUTOMATION = {"id", "alias", "description", "triggers", "conditions", "actions", "mode", "max", "variables"}
STATE_TRIGGER = {"trigger", "entity_id", "from", "to", "not_from", "not_to", "attribute", "for", "id"}
STATE_CONDITION = {"condition", "entity_id", "attribute", "state", "for", "match"}
ACTION = {"action", "target", "data", "response_variable", "continue_on_error"}

NOW = datetime(2026, 3, 11, 5, 47, 0, tzinfo=UTC)


@pytest.fixture
def text(project: Path) -> str:
    return (project / "docs" / "home-assistant.md").read_text(encoding="utf-8")


@pytest.fixture
def automations(text: str) -> list[dict[str, Any]]:
    """Return what the block of YAML says."""
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    found = yaml.safe_load(block)
    assert isinstance(found, list)
    return found


def entity_ids() -> set[str]:
    return {each["default_entity_id"] for each in json.loads(Home(38.26, 140.87).discovery())["components"].values()}


def side(kind: ReportKind) -> Side:
    """Return what the entities show of an alert of a kind."""
    seen = Seen(
        event_id="ev-1",
        report_no=4,
        kind=kind,
        status=AlertStatus.ACTUAL,
        rank=8,
        issued_at=NOW - timedelta(seconds=3),
        place="三陸沖",
        magnitude=8.1,
        magnitude_type="Mw",
        depth_km=10.0,
        is_verified=True,
        local=None if kind is ReportKind.CANCEL else LocalEstimate(179.4, "critical", 5.38, "jma", -5.0, 15.5),
        radius_km_by_level={},
        n_alerts_by_level={},
    )
    message = AlertCore(
        event_id="ev-1",
        report_no=4,
        kind=kind,
        status=AlertStatus.ACTUAL,
        issued_at=NOW,
        origin_at=NOW,
        lat_deg=38.1,
        lon_deg=142.9,
        depth_km=10.0,
        magnitude=8.1,
        expires_at=NOW,
        key_id="",
        signature="",
    )
    return state(Board([seen], [], 0, None, 0), NOW, lambda _: message).actual


def test_every_id_that_is_named_is_one_that_is_made(text: str) -> None:
    """In the tables and in the automations."""
    named = set(re.findall(r"\b(?:binary_)?sensor\.eew_\w+", text))
    assert named <= entity_ids()
    assert {each for each in entity_ids() if "_exercise_" not in each} <= named


def test_topics_in_the_text_are_those_that_are_used(text: str) -> None:
    """All three, and nothing else below the two roots."""
    home = Home(38.26, 140.87)
    named = set(re.findall(r"(?:homeassistant/device|eew/bridges/home)/[\w/]+", text))
    assert named == {home.discovery_topic, home.state_topic, home.availability_topic}


def test_attributes_in_the_text_are_those_that_there_are(text: str) -> None:
    """Of an alert at the place."""
    (table,) = re.findall(r"\| attribute \| \|\n\|---\|---\|\n(.*?)\n\n", text, re.DOTALL)
    named = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == set(side(ReportKind.UPDATE).alert)


def test_automations_are_written_as_home_assistant_reads_them(automations: list[dict[str, Any]]) -> None:
    """Known words only; states are text, which an unquoted ``on`` would not be."""
    assert len({each["id"] for each in automations}) == len(automations)
    for automation in automations:
        assert set(automation) <= AUTOMATION
        for trigger in automation["triggers"]:
            assert set(trigger) <= STATE_TRIGGER
            assert trigger["trigger"] == "state"
            assert trigger["entity_id"] in entity_ids()
            assert {trigger.get("from", "on"), trigger["to"]} <= {"on", "off"}
        for condition in automation.get("conditions", []):
            assert set(condition) <= STATE_CONDITION
            assert condition["condition"] == "state"
            assert condition["entity_id"] in entity_ids()
        for action in automation["actions"]:
            assert set(action) <= ACTION
            assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", action["action"])


def test_conditions_hold_for_the_alert_they_are_for(automations: list[dict[str, Any]]) -> None:
    """The first for an earthquake, the second for its cancel."""
    expected = {"eew_shaking_expected": ReportKind.UPDATE, "eew_cancelled": ReportKind.CANCEL}
    for automation in automations:
        for condition in automation.get("conditions", []):
            alert = side(expected[automation["id"]]).alert
            assert alert[condition["attribute"]] == condition["state"]


def test_only_the_exercise_of_the_automations_listens_to_exercises(automations: list[dict[str, Any]]) -> None:
    """And switches nothing."""
    for automation in automations:
        is_exercise = any("_exercise_" in trigger["entity_id"] for trigger in automation["triggers"])
        assert is_exercise == (automation["id"] == "eew_exercise")
        if is_exercise:
            assert {action["action"] for action in automation["actions"]} == {"notify.living_room_tv"}


def test_messages_are_whole_sentences(automations: list[dict[str, Any]]) -> None:
    """Their templates find all that they ask for."""

    def said(automation: dict[str, Any], shown: Side) -> str:
        def state_attr(entity_id: str, name: str) -> object:
            assert entity_id in entity_ids()
            return shown.alert[name]

        def states(entity_id: str) -> str:
            assert entity_id in entity_ids()
            return str(getattr(shown, entity_id.split("e140_87_")[1]))

        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
        template = environment.from_string(automation["actions"][-1]["data"]["message"])
        return template.render(state_attr=state_attr, states=states)

    by_id = {each["id"]: each for each in automations}
    assert said(by_id["eew_shaking_expected"], side(ReportKind.NEW)) == (
        "三陸沖, Mw 8.1: CRITICAL, intensity 5+ (jma 5.3). S wave in 15 s"
    )
    assert said(by_id["eew_cancelled"], side(ReportKind.CANCEL)) == "CANCELLED: this was not an earthquake (三陸沖)"
    assert said(by_id["eew_exercise"], side(ReportKind.NEW)).endswith("intensity 5+ (jma 5.3)")
