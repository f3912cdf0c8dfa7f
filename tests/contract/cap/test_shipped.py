"""The CAP messages of every shipped scenario, as ``eew cap`` writes them."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from eew.cli.main import main

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
SCENARIOS = sorted(path.stem for path in (Path(__file__).parents[3] / "scenarios").glob("*.toml"))


def parsed(payload: bytes) -> ET.Element:
    return ET.fromstring(payload)  # noqa: S314 - a document of our own


def written(scenario: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> list[ET.Element]:
    """Return the messages in the order in which they are sent."""
    assert main(["cap", scenario, "--out", str(folder)]) == 0
    return [parsed(Path(line).read_bytes()) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_message_is_valid(
    scenario: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    cap_problems: Callable[[bytes], list[str]],
) -> None:
    """By the standard's rules; and none is actual. ``benchmarks/cap_schema.py`` asks its schema, too."""
    messages = written(scenario, tmp_path, capsys)
    assert messages
    for path in tmp_path.glob("*.xml"):
        payload = path.read_bytes()
        assert (cap_problems(payload), payload.count(b"<status>Actual")) == ([], 0)
    assert len({each.findtext(f"{CAP}identifier") for each in messages}) == len(messages)


def test_the_false_alarm_is_taken_back_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The cancel names both messages before it."""
    messages = written("false-alarm", tmp_path, capsys)
    assert [each.findtext(f"{CAP}msgType") for each in messages] == ["Alert", "Update", "Cancel"]
    assert messages[-1].findtext(f"{CAP}references") == " ".join(
        f"simulator@eew.invalid,test-false-alarm-{number},2025-06-01T03:00:0{second}-00:00"
        for number, second in ((1, 6), (2, 8))
    )


def test_a_drill_is_an_exercise_in_every_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Seven events in turn, two of them updated; status, note and each headline say that it is an exercise."""
    messages = written("drill", tmp_path, capsys)
    assert [each.findtext(f"{CAP}msgType") for each in messages] == ["Alert"] * 7 + ["Update"] * 2
    assert {each.findtext(f"{CAP}status") for each in messages} == {"Exercise"}
    assert all("Exercise drill-" in (each.findtext(f"{CAP}note") or "") for each in messages)
    headlines = [line.text or "" for each in messages for line in each.iter(f"{CAP}headline")]
    assert [line for line in headlines if not line.startswith(("【訓練", "EXERCISE"))] == []
