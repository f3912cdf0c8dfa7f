"""``eew scenarios`` as a user meets it."""

import json
from pathlib import Path

import msgspec
import pytest

from eew.cli.main import main
from eew.feed.scenario import load_scenario, scenario_path
from eew.model.records import EventReport
from eew.model.region_name import parse_region


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


def test_check_looks_at_all_files_and_shows_all_faults(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, project: Path
) -> None:
    """Each fault is one line on the error stream: file, line, field, value, expected; exit 2 at the end."""
    text = (project / "scenarios/tohoku-2011.toml").read_text()
    path = tmp_path / "bad.toml"
    path.write_text(text.replace("magnitude = 7.2", 'magnitude = "7.2"', 1))
    line_no = path.read_text().splitlines().index('magnitude = "7.2"') + 1
    worse = tmp_path / "worse.toml"
    worse.write_text(text.replace("depth_km = 10", "depth_m = 10000", 1).replace('region = "japan"', 'region = "japn"'))
    files = [str(path), "nowhere", str(worse), str(tmp_path), "drill", "china-2020"]
    assert main(["scenarios", "check", *files]) == 2
    captured = capsys.readouterr()
    scenario, year = captured.out.splitlines()
    assert scenario.endswith("drill.toml: ok, 9 reports")
    assert year.endswith("year.toml: ok, 29 earthquakes")
    said = captured.err.splitlines()
    assert said[0] == f"eew scenarios: {path}:{line_no}: reports[3].magnitude: '7.2': expected a number"
    assert said[1].startswith("eew scenarios: scenario: 'nowhere': expected the path of a scenario file")
    assert "population.region: 'japn': expected one of california, " in said[2]
    assert "depth_m: unknown key, likely depth_km: expected one of " in said[3]
    assert said[4].startswith(f"eew scenarios: scenario: '{tmp_path}': expected")
    assert said[5:] == ["eew scenarios: 4 of 6 are not usable, faults: 5"]


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("lat_deg = 33\nlon_deg = 132\nradius_km = 8000", "population.radius_km"),
        ("lat_deg = 33\nlon_deg = 132\nradius_km = 0", "population.radius_km"),
        ('region = "atlantis"', "population.region"),
        ("lat_deg = 33\nlon_deg = 132\nradius_km = 5000", None),
        ("lat_deg = 33\nlon_deg = 132\nradius_km = 0.5", None),
        ('region = "Japan"', None),
    ],
)
def test_check_accepts_what_a_replay_takes_and_nothing_else(
    place: str, field: str | None, capsys: pytest.CaptureFixture[str], tmp_path: Path, project: Path
) -> None:
    """Where people live is one rule, the one that ``eew devices make --region`` goes by."""
    path = tmp_path / "mine.toml"
    text = (project / "scenarios/tohoku-2011.toml").read_text()
    assert 'region = "japan"' in text
    path.write_text(text.replace('region = "japan"', place))
    if field is None:
        assert main(["scenarios", "check", str(path)]) == 0
        parse_region(load_scenario(path).population)
        return
    for command in (["scenarios", "check"], ["replay", "--speed", "max", "--devices", "10"]):
        assert main([*command, str(path)]) == 2
        assert f": {field}: " in capsys.readouterr().err


def test_show_prints_each_report(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a row a report with its issue time and magnitude."""
    assert main(["scenarios", "show", "tohoku-2011"]) == 0
    out = capsys.readouterr().out
    (fourth,) = [line for line in out.splitlines() if line.split()[:1] == ["4"]]
    assert fourth.split()[1:6] == ["2011-03-11T05:46:48.800Z", "30.7", "update", "actual", "7.2"]


def test_an_exercise_is_marked_in_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Before its title; what happened has no mark."""
    for name, begins in (("drill", "EXERCISE National drill"), ("tohoku-2011", "Tohoku")):
        assert main(["scenarios", "show", name]) == 0
        assert capsys.readouterr().out.startswith(begins)


def test_show_says_what_is_known_of_the_issue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not the earliest time that is possible as if it were one."""
    text = Path(scenario_path("false-alarm")).read_text(encoding="utf-8")
    for basis, said in (("unknown", "unknown"), ("received", "issue received")):
        path = tmp_path / f"{basis}.toml"
        path.write_text(text.replace("[event]", f'[event]\nissue_basis = "{basis}"', 1), encoding="utf-8")
        assert main(["scenarios", "show", str(path)]) == 0
        out = capsys.readouterr().out
        first = next(line for line in out.splitlines() if " new " in line)
        assert said in first
        assert ("Z" in first.split()[1]) is (basis == "received")


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
