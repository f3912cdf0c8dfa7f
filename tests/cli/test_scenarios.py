"""``eew scenarios`` as a user meets it."""

import json
from pathlib import Path

import msgspec
import pytest

from eew.cli.main import main
from eew.feed.scenario import load_scenario
from eew.model import EventReport


def test_list_shows_each_scenario(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    """Each file of the folder has a line with its counts."""
    assert main(["scenarios", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for path in (project / "scenarios").glob("*.toml"):
        assert any(line.split()[:1] == [path.stem] for line in lines)
    (tohoku,) = [line for line in lines if "tohoku-2011" in line]
    assert tohoku.split()[-5:] == ["1", "15", "4.3-8.1", "japan", "japan"]


def test_check_passes_what_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    """Each good file has its line."""
    assert main(["scenarios", "check", "tohoku-2011", "luding-2022"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("tohoku-2011.toml: ok, 15 reports")
    assert second.endswith("luding-2022.toml: ok, 1 report")


def test_check_stops_with_exit_2_at_the_first_fault(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, project: Path
) -> None:
    """A fault is one line on the error stream: file, line, field, value, expected."""
    text = (project / "scenarios/tohoku-2011.toml").read_text()
    path = tmp_path / "bad.toml"
    path.write_text(text.replace("magnitude = 7.2", 'magnitude = "7.2"', 1))
    line_no = path.read_text().splitlines().index('magnitude = "7.2"') + 1
    assert main(["scenarios", "check", "drill", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out.endswith("drill.toml: ok, 9 reports\n")
    assert captured.err == f"eew scenarios: {path}:{line_no}: reports[3].magnitude: '7.2': expected a number\n"


def test_show_prints_each_report(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a row a report with its issue time and magnitude."""
    assert main(["scenarios", "show", "tohoku-2011"]) == 0
    out = capsys.readouterr().out
    (fourth,) = [line for line in out.splitlines() if line.split()[:1] == ["4"]]
    assert fourth.split()[1:6] == ["2011-03-11T05:46:48.800Z", "30.7", "update", "actual", "7.2"]


def test_show_json_is_one_object_with_native_reports(capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON holds the scenario, its reports as any feed would send them."""
    assert main(["scenarios", "show", "bungo-2024", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    scenario = load_scenario(_path("bungo-2024"))
    assert (shown["name"], shown["profile"]) == ("bungo-2024", "japan")
    assert tuple(msgspec.convert(shown["reports"], list[EventReport])) == scenario.reports


def _path(name: str) -> Path:
    return Path(__file__).resolve().parents[2] / "scenarios" / f"{name}.toml"


def test_unknown_scenario_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is none is refused with the names there are."""
    assert main(["scenarios", "show", "nowhere"]) == 2
    assert "tohoku-2011" in capsys.readouterr().err


@pytest.mark.reference_data
def test_convert_makes_the_shipped_numbers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, reference_data: Path
) -> None:
    """JMA's telegrams converted again are the reports of the shipped scenario."""
    files = sorted((reference_data / "reports/jma_xml_bungo_2024").glob("77_*.xml"))
    out = tmp_path / "again.toml"
    assert main(["scenarios", "convert", *map(str, files), "--out", str(out)]) == 0
    assert "33 reports" in capsys.readouterr().out
    again = load_scenario(out)
    assert again.reports == load_scenario(_path("bungo-2024")).reports
    assert again.population == "33.2,132.4,300"


@pytest.mark.parametrize(
    ("option", "value"), [("--population", "33.2,x,300"), ("--population", "1,2"), ("--profile", "mars")]
)
def test_convert_refuses_bad_options_and_writes_nothing(
    option: str, value: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A bad option is exit 2 with its value, and no file is left behind."""
    source = tmp_path / "in.jsonl"
    source.write_text(
        '{"event_id":"e","source":"s","report_no":1,"kind":"new","status":"test","issued_at":"2011-03-11T05:46:45Z",'
        '"origin_at":"2011-03-11T05:46:18Z","lat_deg":38,"lon_deg":142}\n'
    )
    out = tmp_path / "out.toml"
    assert main(["scenarios", "convert", str(source), "--out", str(out), option, value]) == 2
    assert value in capsys.readouterr().err
    assert not out.exists()
