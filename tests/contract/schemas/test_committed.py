"""The files that integrators read are what the code makes; ``make contract`` writes them anew."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from eew.contract import topic
from eew.contract.card.card import load_card
from eew.contract.message import payload_of
from eew.contract.schemas import schema
from eew.contract.schemas.asyncapi import document
from eew.feed.scenario import Scenario
from eew.model.records import Devices

HEAD = "# Made from the code by `make contract`. What is written here is written in eew/contract.\n"
#: When the examples' dispatcher was running, in the time of its own clock.
NOW = "2026-01-01T00:00:00.000Z"
#: Of the travel times, which another processor may round to another millisecond.
TOLERANCE_S = 0.002
ARRIVALS = {"expires_at", "p_arrival_at", "s_arrival_at"}
#: Over what may differ; that the committed ones hold is tested elsewhere.
SIGNATURE = "signature"
#: Example, what it shows, scenario, report, mode, payload, part of the topic.
WANTED = {
    "cell-alert": [
        ("tohoku", "Sendai's cell, by report 4", "tohoku-2011", 4, "cell", "full", ""),
        (
            "compact",
            "The same, with what a device can find for itself left out",
            "tohoku-2011",
            4,
            "cell",
            "compact",
            "",
        ),
        ("exercise", "A drill: `status` says so", "drill", 1, "cell", "full", ""),
        ("cancel", "It was nothing", "false-alarm", 3, "cell", "full", ""),
    ],
    "device-alert": [
        ("tohoku", "A television in Sendai", "tohoku-2011", 4, "device", "full", "sendai"),
        ("compact", "The same, compact", "tohoku-2011", 4, "device", "compact", "sendai"),
        ("cancel", "It was nothing", "false-alarm", 3, "device", "full", "tokyo"),
    ],
    "event": [
        ("tohoku", "The event after report 4", "tohoku-2011", 4, "device", "full", ""),
        ("cancel", "It was nothing", "false-alarm", 3, "device", "full", ""),
    ],
    "report": [
        ("tohoku", "JMA's report 4", "tohoku-2011", 4, "device", "full", ""),
        ("cancel", "A cancel knows no source", "false-alarm", 3, "device", "full", ""),
    ],
    "receipt": [("tohoku", "A television in Sendai showed it", "tohoku-2011", 4, "device", "full", "")],
    "status": [("replay", "Alive, and replaying", "tohoku-2011", 4, "device", "full", "")],
}


@pytest.fixture
async def made_examples(
    play: Callable[..., Any], scenario: Callable[[str], Scenario], towns: Devices
) -> dict[str, list[schema.Example]]:
    """Return examples of all messages, made by playing scenarios to four televisions."""
    played: dict[tuple[str, str, str], list[Any]] = {}
    for name, mode, payload in {each[2:3] + each[4:6] for wanted in WANTED.values() for each in wanted}:
        played[name, mode, payload] = [each async for each in play(scenario(name), towns, mode, payload)]
    made = {
        kind: [
            _example(
                name,
                summary,
                next(
                    sent
                    for sent in played[title, mode, payload]
                    if sent.name == kind and sent.report.report_no == report_no and part in sent.topic
                ),
            )
            for name, summary, title, report_no, mode, payload, part in wanted
        ]
        for kind, wanted in WANTED.items()
    }
    card = json.loads(payload_of(load_card("jp/en")))
    made["info"] = [{"name": "japan", "summary": "Japan, in English", "topic": topic.info("jp/en"), "payload": card}]
    # A real run's, whole: what is measured cannot be made twice.
    summary = json.loads((Path(__file__).parent / "run-summary.json").read_text(encoding="utf-8"))
    made["run-summary"] = [{"name": "false-alarm", "summary": "A false alarm, to 300 devices", "payload": summary}]
    return made


def _example(name: str, summary: str, sent: Any) -> schema.Example:
    payload = json.loads(sent.payload)
    if sent.name == "status":
        issued_at = sent.report.issued_at
        payload["at"] = payload["last_dispatch_at"] = NOW
        payload["clock"]["offset_s"] = (issued_at - datetime.fromisoformat(NOW)).total_seconds()
    return {"name": name, "summary": summary, "topic": sent.topic, "payload": payload}


def _rounded(value: Any) -> Any:
    """Return an example without what may differ from one processor to the next."""
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, dict):
        apart = ARRIVALS | {SIGNATURE}
        return {key: "apart" if key in apart and each else _rounded(each) for key, each in value.items()}
    return value


def _arrivals(value: Any) -> list[float]:
    if isinstance(value, list):
        return [found for each in value for found in _arrivals(each)]
    if isinstance(value, dict):
        at_top = [datetime.fromisoformat(value[key]).timestamp() for key in sorted(ARRIVALS) if value.get(key)]
        return at_top + [found for key, each in value.items() for found in _arrivals(each)]
    return []


def as_yaml(content: dict[str, Any]) -> str:
    """Return a document as YAML a person likes to read: in its order, long texts as blocks."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML calls it so
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    dumped: str = yaml.dump(content, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return HEAD + dumped


def as_json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def test_committed_files_are_what_the_code_makes(
    made_examples: dict[str, list[schema.Example]], project: Path, pytestconfig: pytest.Config
) -> None:
    """Whoever changes a message sees in the diff what integrators will see; ``make contract`` writes it."""
    is_writing = pytestconfig.getoption("--write-contract", default=False)
    kept = project / "eew" / "contract" / "schemas" / "examples.json"
    if is_writing:
        kept.write_text(as_json(made_examples), encoding="utf-8")
        schema._examples.cache_clear()
    files = {
        project / "docs" / "asyncapi.yaml": as_yaml(document()),
        **{
            project / "docs" / "schemas" / f"{name}.schema.json": as_json(each)
            for name, each in schema.schemas().items()
        },
    }
    if is_writing:
        (project / "docs" / "schemas").mkdir(exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    committed = json.loads(kept.read_text(encoding="utf-8"))
    assert _rounded(committed) == _rounded(made_examples), "run: make contract"
    assert _arrivals(committed) == pytest.approx(_arrivals(made_examples), abs=TOLERANCE_S, rel=0)
    for path, text in files.items():
        assert path.read_text(encoding="utf-8") == text, "run: make contract"
    assert {path.name for path in (project / "docs" / "schemas").iterdir()} == {
        path.name for path in files if path.parent.name == "schemas"
    }


def test_the_yaml_says_what_the_command_prints(project: Path) -> None:
    """A YAML reader finds the same document as a JSON reader does."""
    committed = yaml.safe_load((project / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(document()))
