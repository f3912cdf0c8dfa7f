"""``eew key``."""

import stat
from pathlib import Path

import pytest

from eew.cli.main import main
from eew.contract.signature import SigningKey, in_base64url


def test_a_new_key_is_for_its_owner_and_says_what_devices_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mode 0600, and on the screen its id and public half, and nothing of the secret."""
    path = tmp_path / "key.pem"
    assert main(["key", "new", str(path)]) == 0
    said = capsys.readouterr().out
    key = SigningKey.named_or_own(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key.key_id in said
    assert f"--public-key={in_base64url(key.public_bytes)}" in said
    assert path.read_text().splitlines()[1] not in said


def test_it_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second one of that name is refused in one line."""
    path = tmp_path / "key.pem"
    assert main(["key", "new", str(path)]) == 0
    content = path.read_bytes()
    assert main(["key", "new", str(path)]) == 2
    assert path.read_bytes() == content
    errors = capsys.readouterr().err
    assert str(path) in errors
    assert errors.count("\n") == 1


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """None is made."""
    assert main(["key", "new", str(tmp_path / "nowhere" / "key.pem")]) == 2
    assert "nowhere/key.pem" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
