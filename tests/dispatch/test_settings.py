"""Where a setting comes from, and what is said of one that is wrong."""

import argparse
import importlib
import math
from pathlib import Path
from typing import Any

import pytest

from eew.cli.bench import BENCHES
from eew.cli.main import main
from eew.devices.population import store
from eew.devices.population.population import make
from eew.dispatch.settings import NAMES, Settings, load_settings
from eew.model.errors import InputError
from eew.model.region_name import parse_region


def written(folder: Path, text: str) -> Path:
    path = folder / "eew.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_anything_the_defaults_hold() -> None:
    """A fresh machine has no file, no variables, no options."""
    assert load_settings({}, environment={}) == Settings()


def test_options_beat_the_environment_and_that_beats_the_file(tmp_path: Path) -> None:
    """Each setting from the strongest place that names it."""
    path = written(tmp_path, 'qos = 1\nmode = "cell"\nseed = 7\n')
    settings = load_settings({"seed": "9", "mode": None}, path, {"EEW_SEED": "8", "EEW_MODE": "device"})
    assert (settings.qos, settings.mode, settings.seed) == (1, "device", 9)


@pytest.mark.parametrize("value", ["max", "inf"])
def test_speed_may_be_max(value: str, tmp_path: Path) -> None:
    """From all three places; it is no waiting at all."""
    assert math.isinf(load_settings({"speed": value}, environment={}).speed)
    assert math.isinf(load_settings({}, environment={"EEW_SPEED": value}).speed)
    text = f'speed = "{value}"' if value == "max" else f"speed = {value}"
    assert math.isinf(load_settings({}, written(tmp_path, text), {}).speed)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("qos", "1", 1),
        ("speed", "2.5", 2.5),
        ("devices", "1000000", 1_000_000),
        ("reconnect_s", "0", 0.0),
        ("broker", "mqtt://h:1883", "mqtt://h:1883"),
        ("broker", "null", "null"),
        ("population", "12", "12"),
        ("connections_per_device", "1", 1),
        ("subscriptions", "each", "each"),
        ("payload", "compact", "compact"),
    ],
)
def test_texts_become_what_is_meant(name: str, text: str, value: object) -> None:
    """Command line and environment only have texts; a path that looks like a number stays a path."""
    options: dict[str, Any] = {name: text}
    for given, environment in ((options, {}), ({}, {f"EEW_{name.upper()}": text})):
        settings = load_settings(given, environment=environment)
        found = getattr(settings, name)
        assert found == value
        assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("qos", "2", "a whole number from 0 to 1"),
        ("qos", "one", "a whole number from 0 to 1"),
        ("mode", "tv", "cell or device"),
        ("subscriptions", "all", "each or wildcard"),
        ("payload", "short", "compact or full"),
        ("speed", "0", "a number above 0 or max"),
        ("speed", "-1", "a number above 0 or max"),
        ("speed", "nan", "a number above 0 or max"),
        ("speed", "MAX", "a number above 0 or max"),
        ("devices", "0", "a whole number from 1 to 100,000,000"),
        ("devices", "1.5", "a whole number from 1 to 100,000,000"),
        ("seed", "-1", "a whole number of 0 or more"),
        ("workers", "65", "a whole number from 1 to 64"),
        ("reconnect_s", "nan", "a number from 0 to 86,400"),
        ("reconnect_s", "inf", "a number from 0 to 86,400"),
        ("reconnect_s", "-0.1", "a number from 0 to 86,400"),
        ("dispatcher_id", "a b", "1 to 64 of A-Z a-z 0-9 _ -"),
    ],
)
def test_a_wrong_text_is_named_with_its_place_and_what_was_expected(name: str, value: str, expected: str) -> None:
    """An option by its dashes, a variable by its capitals."""
    places: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        (f"--{name.replace('_', '-')}", {name: value}, {}),
        (f"EEW_{name.upper()}", {}, {f"EEW_{name.upper()}": value}),
    ]
    for field, options, environment in places:
        with pytest.raises(InputError) as caught:
            load_settings(options, environment=environment)
        assert str(caught.value) == f"{field}: {value!r}: expected {expected}"
        assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "line", "field", "expected"),
    [
        ("# mine\n\nqos = 2\n", 3, "qos", "a whole number from 0 to 1"),
        ("seed = 1\nqos = true\n", 2, "qos", "a whole number from 0 to 1"),
        ("broker = 1883\n", 1, "broker", "a text"),
        ("speed = nan\n", 1, "speed", "a number above 0 or max"),
        ("seed = 1\n[speed]\nmax = true\n", 2, "speed", "a number above 0 or max"),
        ('"mode" = "TV"', 1, "mode", "cell or device"),
        ("seed = 1\n speeed = 3\n", 2, "speeed", "one of mode, qos, payload, speed, "),
        ("seed = 1\nqos = \n", 2, None, "TOML: "),
    ],
    ids=["range", "bool", "number", "nan", "table", "quoted", "unknown", "no-toml"],
)
def test_a_wrong_line_of_the_file_is_named(
    text: str, line: int, field: str | None, expected: str, tmp_path: Path
) -> None:
    """File, line, key and what was expected there."""
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_settings({}, path, {})
    assert (caught.value.file, caught.value.line, caught.value.field) == (str(path), line, field)
    assert caught.value.expected.startswith(expected)


def test_an_empty_variable_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    """Whatever its setting is; the file's value then holds."""
    environment = {f"EEW_{name.upper()}": "" for name in NAMES}
    assert load_settings({}, environment=environment) == Settings()
    assert load_settings({}, written(tmp_path, "qos = 1\n"), environment).qos == 1


@pytest.mark.parametrize("name", ["population", "broker", "profile", "travel_times", "shelters", "key", "runs"])
def test_an_empty_text_that_was_given_is_refused(name: str, tmp_path: Path) -> None:
    """An option or a line of a file that says nothing is a slip, and not the default."""
    field = f"--{name.replace('_', '-')}"
    with pytest.raises(InputError) as caught:
        load_settings({name: ""}, environment={})
    assert str(caught.value) == f"{field}: '': expected a text that is not empty"
    with pytest.raises(InputError) as caught:
        load_settings({}, written(tmp_path, f'{name} = ""'), {})
    assert (caught.value.line, caught.value.field) == (1, name)


def test_a_wrong_line_that_is_overruled_is_not_asked_about(tmp_path: Path) -> None:
    """What does not count need not be right; what nobody knows is a mistake all the same."""
    assert load_settings({"qos": "1"}, written(tmp_path, "qos = 7"), {}).qos == 1
    with pytest.raises(InputError):
        load_settings({"qos": "1"}, written(tmp_path, "quos = 1"), {})


@pytest.mark.parametrize("name", ["missing.toml", ""], ids=["missing", "folder"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    """A folder, or nothing at all, is no settings file."""
    with pytest.raises(InputError, match="a file that can be read") as caught:
        load_settings({}, tmp_path / name, {})
    assert caught.value.file == str(tmp_path / name)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """Latin-1 in a comment is no UTF-8, and TOML is."""
    path = tmp_path / "eew.toml"
    path.write_bytes(b"# caf\xe9\nqos = 1\n")
    with pytest.raises(InputError, match="TOML"):
        load_settings({}, path, {})


def test_the_machines_own_variables_are_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that are nobody's setting are left alone."""
    monkeypatch.setenv("EEW_DEVICES", "123")
    monkeypatch.setenv("EEW_REFERENCE_DATA", "/nowhere")
    assert load_settings({}).devices == 123


def test_a_variable_that_nobody_reads_is_one_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """With the one that is likely meant, or with all there are; what tests and examples use is none."""
    load_settings(
        {}, environment={"EEW_QSO": "1", "EEW_REFERENCE_DATA": "/x", "EEW_WEBHOOK_SECRET": "hush", "QSO": "1"}
    )
    assert capsys.readouterr().err == ("eew: warning: nobody reads the variable EEW_QSO: likely EEW_QOS is meant\n")
    load_settings({}, environment={"EEW_COLOUR": "red", "EEW_QOS": "1"})
    said = capsys.readouterr().err
    assert said.startswith("eew: warning: nobody reads the variable EEW_COLOUR: there are EEW_MODE, EEW_QOS, ")
    assert said.count("\n") == 1


def read_by_command() -> dict[str, set[str]]:
    """Return which commands have an option for each setting."""
    commands = {name: f"eew.cli.{name}" for name in ("replay", "swarm", "watch")}
    commands |= {f"bench {name}": f"eew.bench.{name}" for name in BENCHES if name != "order"}
    read: dict[str, set[str]] = {name: set() for name in NAMES}
    for command, module in commands.items():
        parser = argparse.ArgumentParser()
        importlib.import_module(module).configure(parser)
        for name in read.keys() & {action.dest for action in parser._actions}:
            read[name].add(command)
    read["dispatcher_id"].add("replay")
    return read


def test_the_page_of_settings_has_each_with_its_default_and_who_reads_it(project: Path) -> None:
    """docs/settings.md has one row a setting."""
    text = (project / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    assert [row[0].strip("`") for row in rows] == list(NAMES)
    for (name, default, _, readers), expected in zip(rows, read_by_command().values(), strict=True):
        alone, _, benches = readers.partition("bench ")
        names = {each for each in alone.split(", ") if each} | {f"bench {each}" for each in benches.split(", ") if each}
        assert names == expected, name
        value = getattr(Settings(), name.strip("`"))
        if value is not None:
            assert default.strip("`") == (f"{value:g}" if isinstance(value, float) else str(value)), name


def test_the_help_of_replay_tells_of_file_and_environment(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody looks for what no help mentions."""
    with pytest.raises(SystemExit):
        main(["replay", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "EEW_DEVICES=500" in said
    assert "docs/settings.md" in said


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("replay false-alarm", "broker", "http://h"),
        ("replay false-alarm", "profile", "jpan"),
        ("replay false-alarm", "travel_times", "ak136"),
        ("swarm", "broker", "http://h"),
        ("swarm", "profile", "jpan"),
        ("swarm", "travel_times", "ak136"),
        ("watch", "broker", "http://h"),
        ("watch", "profile", "jpan"),
        ("bench dispatch --devices 10", "broker", "http://h"),
        ("bench connections", "broker", "http://h"),
        ("bench year", "broker", "http://h"),
    ],
)
def test_what_a_setting_names_is_told_with_the_place_of_the_setting(
    command: str,
    name: str,
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where it is found out only when it is loaded: the variable, or the line of the file."""
    monkeypatch.chdir(tmp_path)
    store.save(make(parse_region("35,139,100"), 10, 1), tmp_path / "devices")
    words = [*command.split(), *(["--population", "devices"] if command == "swarm" else [])]
    monkeypatch.setenv(f"EEW_{name.upper()}", value)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"eew {words[0]}: EEW_{name.upper()}: {value!r}: expected ")
    assert said.count("\n") == 1
    if words[0] == "replay":
        monkeypatch.delenv(f"EEW_{name.upper()}")
        written(tmp_path, f'qos = 1\n{name} = "{value}"\n')
        assert main([*words, "--config", "eew.toml"]) == 2
        assert f"eew replay: eew.toml:2: {name}: {value!r}: expected " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "name", "said"),
    [
        ("replay false-alarm", "population", "nowhere/devices.toml: 'missing': expected a population"),
        ("replay false-alarm", "shelters", "nowhere: expected a shelter catalogue"),
        ("replay false-alarm", "key", "nowhere: 'missing': expected a key that is there"),
        ("swarm", "population", "nowhere/devices.toml: 'missing': expected a population"),
    ],
)
def test_a_path_that_is_wrong_is_told_with_the_place_of_its_setting(
    command: str,
    name: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Variable, option, or line of the file; and what is wrong with what is there."""
    monkeypatch.chdir(tmp_path)
    words = command.split()
    option = [f"--{name}", "nowhere"]
    if words[0] == "replay":
        written(tmp_path, f'qos = 1\n{name} = "nowhere"\n')
        assert main([*words, "--config", "eew.toml"]) == 2
        assert capsys.readouterr().err.startswith(f"eew replay: eew.toml:2: {name}: {said}")
    assert main([*words, *option]) == 2
    assert capsys.readouterr().err.startswith(f"eew {words[0]}: --{name}: {said}")
    monkeypatch.setenv(f"EEW_{name.upper()}", "nowhere")
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(f"eew {words[0]}: EEW_{name.upper()}: {said}")
