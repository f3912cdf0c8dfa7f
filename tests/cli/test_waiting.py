"""Whatever needs a broker waits for one that is not up yet, and says so in one line."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiomqtt
import pytest

from eew.cli.main import main
from eew.contract import topic
from eew.contract.signature import SigningKey, in_base64url
from eew.devices.population import store
from eew.devices.population.population import make
from eew.model.region_name import parse_region
from eew.mqtt.embedded import EmbeddedBroker

KEY = in_base64url(SigningKey.from_seed(b"w" * 32).public_bytes)
REPORT = (
    b'{"event_id":"waited-for","source":"hand","report_no":1,"kind":"cancel","status":"test",'
    b'"issued_at":"2011-03-11T05:46:48Z"}'
)
#: By command: its words, and what it says once it has its broker.
COMMANDS = {
    "watch": ("--broker URL --public-key=KEY", "listening"),
    "swarm": ("--broker URL --public-key=KEY --population population", "ready"),
    "webhook": ("--config webhook.toml", "broker.listening"),
    "dispatch": ("--config dispatch.toml", "dispatch.ready"),
    "feed": ("listen URL", "waited-for"),
    "replay": ("false-alarm --population population --speed max --broker URL", "lost 0"),
}


def written(folder: Path, url: str) -> None:
    """Write down what the commands are told."""
    store.save(make(parse_region("35,139,100"), 50, 1), folder / "population")
    (folder / "webhook.secret").touch(mode=0o600)
    (folder / "webhook.secret").write_text("whsec_" + "c2VjcmV0" * 4)
    (folder / "webhook.toml").write_text(
        f'broker = "{url}"\npublic_keys = ["{KEY}"]\n[[endpoints]]\nname = "lamp"\nurl = "http://127.0.0.1:9/"\n'
        'secret_file = "webhook.secret"\n'
    )
    (folder / "dispatch.toml").write_text(
        f'broker = "{url}"\npopulation = "population"\nstate = "state"\n[[feeds]]\nname = "local"\nurl = "{url}"\n'
    )


@pytest.mark.broker
@pytest.mark.long(60, reason="a replay, with broker and swarm, is one of them")
@pytest.mark.parametrize("command", COMMANDS)
async def test_a_broker_may_come_up_later(command: str, tmp_path: Path) -> None:
    """One line on standard error says that it is waited for; once it is there the command does its work."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    url = f"mqtt://127.0.0.1:{port}"
    written(tmp_path, url)
    words, said = COMMANDS[command]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "eew", command, *words.replace("URL", url).replace("KEY", KEY).split()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
        env=os.environ | {"XDG_DATA_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        waiting = await line_with(process.stdout, url)
        assert "broker.waiting" in waiting or command == "feed"
        assert f"{url}: connection refused; trying " in waiting
        async with EmbeddedBroker(port=port), aiomqtt.Client("127.0.0.1", port) as client:
            await client.publish(topic.reports("hand"), REPORT, qos=1, retain=True)
            line = await line_with(process.stdout, said)
            assert "broker.waiting" not in line
            process.kill()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_with(stream: asyncio.StreamReader, words: str) -> str:
    """Return the first line that holds the words."""
    lines = []
    while line := (await stream.readline()).decode():
        lines.append(line)
        if words in line:
            return line
    raise AssertionError(f"no {words!r} in {''.join(lines)}")


@pytest.mark.broker
@pytest.mark.parametrize("command", ["swarm", "watch", "dispatch"])
async def test_waiting_ends_when_it_is_told_to(command: str, tmp_path: Path) -> None:
    """At once, not when the broker is given up."""
    written(tmp_path, "mqtt://127.0.0.1:9")
    words, _ = COMMANDS[command]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "eew", command),
        *words.replace("URL", "mqtt://127.0.0.1:9").replace("KEY", KEY).split(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
        env=os.environ | {"XDG_DATA_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        await line_with(process.stdout, "broker.waiting")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.broker
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--expect", "5"), "nothing to judge --expect and --fail-if by"),
        (("--fail-if", "p99>1s"), "nothing to judge --expect and --fail-if by"),
        (("--expect", "0"), ""),
        (("--summary", "s.json"), "no summary in s.json"),
        (("--summary", "s.json", "--expect", "5"), "nothing to judge --expect and --fail-if by, no summary in s.json"),
    ],
)
async def test_a_swarm_that_is_stopped_while_it_waits_has_not_passed(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """What was asked of it was not measured, nor is there anything to write; one line says so."""
    written(tmp_path, "mqtt://127.0.0.1:9")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "eew", "swarm", "--broker", "mqtt://127.0.0.1:9", f"--public-key={KEY}"),
        *("--population", "population", *words),
        stderr=asyncio.subprocess.PIPE,
        cwd=tmp_path,
        env=os.environ | {"XDG_DATA_HOME": str(tmp_path)},
    )
    try:
        assert process.stderr is not None
        await line_with(process.stderr, "broker.waiting")
        process.send_signal(signal.SIGINT)
        rest = (await process.stderr.read()).decode()
    finally:
        if process.returncode is None and process.stderr is not None and not process.stderr.at_eof():
            process.kill()
        await process.wait()
    assert process.returncode == (1 if said else 0)
    assert rest == (f"eew swarm: stopped before the devices were ready: {said}\n" if said else "")


def test_a_replay_starts_no_broker_where_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it says that it does is what it does: it waits for that one."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "mqtt://127.0.0.1:9")
    words = ("--population", "population", "--broker", "mqtt://127.0.0.1:9", "--reconnect-s", "0")
    assert main(["replay", "false-alarm", *words]) == 3
    said = capsys.readouterr().out
    assert "waiting for the broker" in said
    assert "starting the broker" not in said
