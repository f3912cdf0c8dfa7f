"""``eew init``: what it writes is usable as it is, and nothing that was there is touched."""

import stat
from pathlib import Path

import pytest

from eew.bridges.webhook.secret import secrets_in_file
from eew.cli.main import main

FILES = {"dispatch.toml", "my-quake.toml", "population", "webhook.secret", "webhook.toml"}


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where this user's key will be: there is none yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "eew" / "signing-key.pem"


def test_what_it_writes_is_usable_as_it_is(tmp_path: Path, own_key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both configurations and the scenario pass their checks, in a folder that it makes."""
    folder = tmp_path / "a" / "mine"
    assert main(["init", str(folder)]) == 0
    assert {path.name for path in folder.iterdir()} == FILES
    assert own_key.is_file()
    capsys.readouterr()
    assert main(["dispatch", "--config", str(folder / "dispatch.toml"), "--check"]) == 0
    assert main(["webhook", "--config", str(folder / "webhook.toml"), "--check"]) == 0
    assert main(["scenarios", "check", str(folder / "my-quake.toml")]) == 0
    said = capsys.readouterr().out
    assert "is usable: 1,000 devices" in said
    assert "endpoint local: actual" in said
    assert "ok, 2 reports" in said


def test_the_secret_is_new_and_its_owners_alone(tmp_path: Path) -> None:
    """Two folders have two secrets of 32 bytes; nobody else may read them."""
    for name in ("a", "b"):
        assert main(["init", str(tmp_path / name)]) == 0
    (one,), (other,) = (secrets_in_file(tmp_path / name / "webhook.secret") for name in ("a", "b"))
    assert one != other
    assert len(one) == len(other) == 32
    assert stat.S_IMODE((tmp_path / "a" / "webhook.secret").stat().st_mode) == 0o600


def test_nothing_that_was_there_is_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What somebody has written stays, byte by byte; what is missing is added."""
    kept = {"dispatch.toml": "mine", "webhook.secret": "mine too", "notes.txt": "and this"}
    for name, text in kept.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "population").mkdir()
    assert main(["init", str(tmp_path)]) == 0
    assert {name: (tmp_path / name).read_text() for name in kept} == kept
    assert list((tmp_path / "population").iterdir()) == []
    assert (tmp_path / "my-quake.toml").is_file()
    said = capsys.readouterr().out
    assert said.count("was there and stays as it is") == 3
    assert main(["init", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("was there and stays as it is") == len(FILES)


def test_a_file_in_the_way_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that a file has already, and a folder that cannot be made, are one line each."""
    (tmp_path / "taken").write_text("")
    for place in (tmp_path / "taken", tmp_path / "taken" / "below"):
        assert main(["init", str(place)]) == 2
        err = capsys.readouterr().err
        assert str(place) in err
        assert err.count("\n") == 1


def test_the_scenario_is_the_one_of_the_documentation(project: Path) -> None:
    """``docs/scenarios.md`` shows the file that is written."""
    shown = (project / "docs" / "scenarios.md").read_text(encoding="utf-8")
    assert f"```toml\n{(project / 'examples' / 'my-quake.toml').read_text(encoding='utf-8')}```" in shown
