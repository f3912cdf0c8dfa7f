"""``eew broker``."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from eew.cli.main import main

pytestmark = pytest.mark.broker


@pytest.fixture
def command() -> Iterator[subprocess.Popen[str]]:
    """Return a running ``eew broker`` that has its terminal to itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "eew", "broker", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "term"])
def test_it_runs_until_told_to_stop(command: subprocess.Popen[str], number: signal.Signals) -> None:
    """One line says where it is and how to use it; being told to stop is a success."""
    assert command.stdout is not None
    line = command.stdout.readline()
    assert line.startswith("broker mqtt://127.0.0.1:")
    assert "nats-server 2." in line
    assert "--broker mqtt://" in line
    os.killpg(command.pid, number)
    out, err = command.communicate(timeout=20)
    assert (command.returncode, out, err) == (0, "", "")


def test_an_impatient_user_does_no_harm(command: subprocess.Popen[str]) -> None:
    """Ctrl-C a hundred times a second until it has ended changes nothing."""
    assert command.stdout is not None
    command.stdout.readline()
    ended = False
    while not ended:
        os.killpg(command.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.wait(0.01)
            ended = True
    assert (command.returncode, *command.communicate()) == (0, "", "")


def test_a_port_in_use_is_one_line_and_exit_3(command: subprocess.Popen[str]) -> None:
    """The line names the address."""
    assert command.stdout is not None
    port = command.stdout.readline().split()[1].rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "eew", "broker", "--port", port], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"mqtt://127.0.0.1:{port}: " in done.stderr
    assert "address already in use" in done.stderr


def test_websocket_is_told_where_asked_for() -> None:
    """The line says where; being told to stop ends both."""
    words = [sys.executable, "-m", "eew", "broker", "--port", "0", "--websocket-port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert (*process.communicate(timeout=20), process.returncode) == ("", "", 0)
    assert re.search(r"; over WebSocket: ws://127\.0\.0\.1:\d+/mqtt; Ctrl-C stops it$", line)


def test_one_port_cannot_be_both(command: subprocess.Popen[str]) -> None:
    """The line says which door could not be opened."""
    assert command.stdout is not None
    port = command.stdout.readline().split()[1].rpartition(":")[2]
    words = [sys.executable, "-m", "eew", "broker", "--port", "0", "--websocket-port", port]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, "", 1)
    assert "Unable to listen for websocket connections" in done.stderr
    assert port in done.stderr


@pytest.mark.parametrize("option", ["--port", "--websocket-port"])
@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_cannot_be_is_bad_input(port: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 and one line naming option and value."""
    assert main(["broker", f"{option}={port}"]) == 2
    line = capsys.readouterr().err
    assert option in line
    assert port in line
    assert line.count("\n") == 1
