"""The configuration: what is wrong with it is one line that names file, line and field, and no secret."""

import base64
import os
import re
from pathlib import Path

import pytest

from eew.bridges.webhook.config import read_config
from eew.cli.main import main
from eew.contract.signature import SigningKey, in_base64url
from eew.model.report import AlertStatus

KEY = in_base64url(SigningKey.from_seed(b"h" * 32).public_bytes)
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
GOOD = f"""\
broker = "mqtt://127.0.0.1:1883"
public_keys = ["{KEY}"]
reconnect_s = 5

[[endpoints]]
name = "siren"
url = "https://example.org/hook?token=hush"
secret_file = "siren.secret"
min_level = "active"
statuses = ["actual", "test"]
timeout_s = 2
breaker_failures = 5
breaker_open_s = 5
"""


def written(folder: Path, text: str = GOOD, secret: str = SECRET, mode: int = 0o600) -> Path:
    path = folder / "siren.secret"
    path.write_text(secret + "\n", encoding="ascii")
    path.chmod(mode)
    (folder / "webhook.toml").write_text(text, encoding="utf-8")
    return folder / "webhook.toml"


def refusal(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that a configuration is refused with."""
    assert main(["webhook", "--config", str(path), "--check"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert line.startswith("eew webhook: ")
    assert "hush" not in line
    return line.removeprefix("eew webhook: ").rstrip("\n")


def test_a_good_configuration_is_said_to_be_usable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whose alerts it believes and whom it tells, without URL and secret."""
    assert main(["webhook", "--config", str(written(tmp_path)), "--check"]) == 0
    said = capsys.readouterr().out
    assert "endpoint siren: actual, test; least level active" in said
    assert "hush" not in said
    assert SECRET not in said


def test_drills_are_not_sent_unless_asked_for(tmp_path: Path) -> None:
    """The safe side of leaving it out."""
    path = written(tmp_path, GOOD.replace('statuses = ["actual", "test"]\n', ""))
    assert read_config(path).config.endpoints[0].statuses == (AlertStatus.ACTUAL,)


@pytest.mark.parametrize(
    ("old", "new", "place", "expected"),
    [
        ('"mqtt://127.0.0.1:1883"', '"http://x"', ":1: broker", "mqtt://"),
        ('"mqtt://127.0.0.1:1883"', "7", ":1: broker", "text"),
        ('broker = "mqtt://127.0.0.1:1883"\n', "", ": broker", "missing required field"),
        (KEY, "abc", ":2: public_keys", "43 characters"),
        (f'["{KEY}"]', "[]", ":2: public_keys", "not empty"),
        ("reconnect_s = 5", "reconnect_s = -1", ":3: reconnect_s", "at least 0"),
        ("reconnect_s = 5", "reconect_s = 5", ":3: reconect_s: unknown key, likely reconnect_s", "public_keys"),
        ("reconnect_s = 5", "reconnect_s =", ":3", "TOML"),
        ('name = "siren"', 'name = "a siren"', ":6: endpoints[0].name", "1 to 64"),
        ('name = "siren"\n', "", ":5: endpoints[0].name", "missing required field"),
        ("https://example.org/hook?token=hush", "http://example.org/?hush", ":7: endpoints[0].url", "this machine"),
        ("https://example.org/hook?token=hush", "ftp://example.org/hush", ":7: endpoints[0].url", "https://"),
        ("https://example.org/hook?token=hush", "https:///hush", ":7: endpoints[0].url", "https://"),
        ("https://example.org/hook?token=hush", "https://u:hush@example.org/", ":7: endpoints[0].url", "without name"),
        ("https://example.org/hook?token=hush", "https://example.org:99999/hush", ":7: endpoints[0].url", "https://"),
        ("https://example.org/hook?token=hush", "https://[::1/hush", ":7: endpoints[0].url", "https://"),
        ("https://example.org/hook?token=hush", "https://127.0.0.1.evil/ hush", ":7: endpoints[0].url", "https://"),
        ("https://example.org/hook?token=hush", "http://127.0.0.1.hush.org/", ":7: endpoints[0].url", "this machine"),
        ('"siren.secret"', '"no.secret"', ":8: endpoints[0].secret_file", "can be read"),
        ('secret_file = "siren.secret"\n', "", ":5: endpoints[0]", "secret_file or secret_env"),
        ('min_level = "active"', 'secret_env = "X"', ":5: endpoints[0]", "either"),
        ('secret_file = "siren.secret"', 'secret = "hush"', ":8: endpoints[0].secret", "no secret in this file"),
        ('secret_file = "siren.secret"', 'secret_env = "whsec_hush="', ":8: endpoints[0].secret_env", "not the secret"),
        ('secret_file = "siren.secret"', 'secret_env = "NOT_SET_X"', ":8: endpoints[0].secret_env", "NOT_SET_X"),
        ('secret_file = "siren.secret"', 'token = "hush"', ":8: endpoints[0].token: unknown key: ", "one of"),
        ('"active"', '"loud"', ":9: endpoints[0].min_level", "none or passive or active or critical"),
        ('["actual", "test"]', '["real"]', ":10: endpoints[0].statuses", "actual or exercise or test"),
        ('["actual", "test"]', "[]", ":10: endpoints[0].statuses", "not empty"),
        ('["actual", "test"]', '"actual"', ":10: endpoints[0].statuses", "list"),
        ("timeout_s = 2", "timeout_s = 0", ":11: endpoints[0].timeout_s", "at least 0.1"),
        ("timeout_s = 2", "timeout_s = nan", ":11: endpoints[0].timeout_s", "number"),
        ("breaker_failures = 5", "breaker_failures = 0", ":12: endpoints[0].breaker_failures", "at least 1"),
        ("breaker_failures = 5", "breaker_failures = 1.5", ":12: endpoints[0].breaker_failures", "whole number"),
        ("breaker_open_s = 5", 'breaker_open_s = "5"', ":13: endpoints[0].breaker_open_s", "number"),
        (
            "breaker_open_s = 5\n",
            '[[endpoints]]\nname = "siren"\nurl = "https://b.org/"\nsecret_file = "siren.secret"\n',
            ":14: endpoints[1].name",
            "no other endpoint",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, place: str, expected: str
) -> None:
    """File, line, field and what was expected, for every field."""
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    line = refusal(path, capsys)
    assert line.startswith(f"{path}{place}")
    assert expected in line


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_secret_that_others_may_read_or_write_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int
) -> None:
    """As it is of the signing key."""
    path = written(tmp_path, mode=mode)
    place = re.escape(f"{path}:8: endpoints[0].secret_file: {tmp_path}")
    assert re.match(rf"{place}/siren\.secret: permissions: '0\d+': expected permissions 0600", refusal(path, capsys))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "hush",
        SECRET.removeprefix("whsec_"),
        "whsec_" + base64.b64encode(b"s" * 23).decode(),
        "whsec_" + base64.b64encode(b"s" * 65).decode(),
        "whsec_hush!" + "A" * 40,
        f"{SECRET}\n{SECRET}\n{SECRET}",
        f"{SECRET} hush",
    ],
)
def test_what_is_no_secret_is_refused_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    """24 to 64 bytes as base64 after whsec_, as the specification has it."""
    path = written(tmp_path, secret=secret)
    line = refusal(path, capsys)
    assert line.startswith(f"{path}:8: endpoints[0].secret_file: {tmp_path}/siren.secret: expected ")
    assert "whsec_ and base64 of 24 to 64 bytes" in line
    assert SECRET not in line


def test_two_secrets_are_read_newest_first_from_file_or_environment(tmp_path: Path) -> None:
    """So that a secret is changed without a gap."""
    both = f"{SECRET} whsec_{base64.b64encode(b'o' * 24).decode()}"
    secrets = (b"s" * 32, b"o" * 24)
    assert read_config(written(tmp_path, secret=both)).secrets(0, os.environ) == secrets
    by_name = GOOD.replace('secret_file = "siren.secret"', 'secret_env = "SIREN"')
    assert read_config(written(tmp_path, by_name)).secrets(0, {"SIREN": both}) == secrets


def test_without_anybody_to_believe_it_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signatures are not optional where something hangs on them."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nobody"))
    monkeypatch.setattr("platformdirs.user_data_path", lambda _name: tmp_path / "nobody")
    path = written(tmp_path, GOOD.replace(f'public_keys = ["{KEY}"]\n', ""))
    assert "public_keys: expected whose alerts to believe" in refusal(path, capsys)


def test_the_example_is_usable(tmp_path: Path, project: Path) -> None:
    """All that it names but the secret, which everybody makes for themselves."""
    text = (project / "examples" / "webhook.toml").read_text(encoding="utf-8")
    file = read_config(written(tmp_path, text))
    assert file.config.endpoints[0].name == "local"


def test_check_shows_all_that_a_start_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broker, keys and each endpoint's secret, a line each; a start says the first of them."""
    monkeypatch.delenv("NOT_SET_X", raising=False)
    more = '[[endpoints]]\nname = "lamp"\nurl = "https://b.org/"\nsecret_env = "NOT_SET_X"\n'
    text = GOOD.replace('"mqtt://127.0.0.1:1883"', '"http://x"').replace(KEY, "abc") + more
    path = written(tmp_path, text, mode=0o640)
    assert main(["webhook", "--config", str(path), "--check"]) == 2
    lines = capsys.readouterr().err.splitlines()
    expected = (
        ":1: broker: ",
        ":2: public_keys: ",
        "siren.secret: permissions: '0640'",
        ":17: endpoints[1].secret_env: ",
    )
    assert all(part in line for part, line in zip(expected, lines, strict=True)), lines
    assert main(["webhook", "--config", str(path)]) == 2
    assert capsys.readouterr().err.splitlines() == lines[:1]


def test_a_file_with_several_slips_is_told_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown keys and wrong values of each table, in the order of the lines."""
    text = GOOD.replace("reconnect_s = 5", "reconnect = 5").replace('name = "siren"', 'name = "a siren"')
    assert main(["webhook", "--config", str(written(tmp_path, text)), "--check"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert ":3: reconnect: unknown key, likely reconnect_s: expected one of broker, " in first
    assert ":6: endpoints[0].name: 'a siren': expected 1 to 64 of " in second
