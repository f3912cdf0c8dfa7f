"""What each shipped scenario comes to, against what it came to before: ``--update-goldens`` writes it anew."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.broker

GOLDENS = Path(__file__).parent / "goldens"
SCENARIOS = sorted(path.stem for path in (Path(__file__).parents[2] / "scenarios").glob("*.toml"))
N_DEVICES = 2000
#: What does not depend on how fast the machine is.
OF_THE_RUN = ("scenario", "profile", "seed", "mode", "qos", "payload", "n_devices", "n_devices_by_kind")
OF_A_REPORT = (
    *("event_id", "report_no", "kind", "status", "issued_s", "issue_basis", "magnitude"),
    *("n_selected", "n_selected_by_level", "radius_km_by_level"),
)
#: Words that are others on another machine.
OF_THE_MACHINE = {"url", "version", "system", "processor", "python"}


def summary_of(scenario: str, folder: Path, *words: str) -> dict[str, Any]:
    same = ("--speed", "max", "--workers", "1", "--summary", "s.json")
    done = subprocess.run(
        [sys.executable, "-m", "eew", "replay", scenario, *same, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env=os.environ | {"XDG_DATA_HOME": str(folder / "home")},
    )
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads((folder / "s.json").read_text(encoding="utf-8"))
    return summary


def steady(summary: dict[str, Any]) -> str:
    """Return the members that every run has alike, as JSON with a report a line."""
    head = {name: summary[name] for name in OF_THE_RUN}
    reports = [json.dumps({name: each[name] for name in OF_A_REPORT}) for each in summary["reports"]]
    tail = {
        "reports_ignored": summary["reports_ignored"],
        "n_chosen": sum(summary["outcome"].values()),
        "lost": summary["delivery"]["lost"],
        "failed": summary["conservation"]["failed"],
    }
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    lines.append(' "reports": [\n  ' + ",\n  ".join(reports) + "\n ]")
    lines += [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in tail.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def masked(value: Any, name: str = "") -> Any:
    """Return a summary, in its order, with the type in the place of a number."""
    if isinstance(value, dict):
        return {key: masked(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [masked(each) for each in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return type(value).__name__ if is_number or name in OF_THE_MACHINE else value


def held_to(name: str, made: str, config: pytest.Config) -> None:
    """Compare with a golden, or write it."""
    path = GOLDENS / name
    if config.getoption("--update-goldens", default=False):
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8"), "if it is meant: pytest tests/scenarios --update-goldens"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_comes_to_what_it_did(scenario: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """The same reports, devices chosen, levels and radii in every run, on every machine."""
    summary = summary_of(scenario, tmp_path, "--devices", str(N_DEVICES))
    held_to(f"{scenario}.json", steady(summary), pytestconfig)


def test_a_summary_has_its_members_in_their_order(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Whole, with a type where a number is: a reader that goes by the text finds what was there before."""
    summary = summary_of("false-alarm", tmp_path, "--devices", "300", "--fail-if", "lost>0")
    held_to("whole-summary.json", json.dumps(masked(summary), ensure_ascii=False, indent=1) + "\n", pytestconfig)
