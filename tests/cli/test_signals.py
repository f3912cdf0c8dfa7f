"""Whatever signal ends a command, and whenever: one line at most, and nothing is left behind."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from eew.contract.run_summary import RunSummary
from eew.dispatch.summary import check_conservation
from eew.mqtt.embedded import EmbeddedBroker

pytestmark = pytest.mark.broker

PROC = Path("/proc")
WITHIN_S = 50.0
ALL = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
BENCH = ("--devices", "500", "--runs", "50")
FEED = ("feed", "serve", "false-alarm", "--as", "native", "--speed", "0.01")


def name_of(number: object) -> str | None:
    return number.name if isinstance(number, signal.Signals) else None


@dataclass
class Command:
    """A running ``eew``, with a home and a folder for temporary files of its own."""

    process: subprocess.Popen[str]
    folder: Path

    def says(self, pattern: str) -> None:
        """Read on until it says this."""
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if re.search(pattern, line):
                return
        raise AssertionError(f"it ended without {pattern!r}: {said}{self.process.communicate()[1]}")

    def heeds_signals(self) -> None:
        """Wait until it would notice a hangup, which Python does not by itself."""
        status = PROC / str(self.process.pid) / "status"
        if not status.exists():
            pytest.skip("this system does not tell which signals a process heeds")
        self.until(lambda: bool(int(re.search(r"SigCgt:\s+(\w+)", status.read_text())[1], 16) & 1))  # type: ignore[index]

    @staticmethod
    def until(is_so: Callable[[], bool]) -> None:
        until_s = time.monotonic() + WITHIN_S
        while not is_so():
            assert time.monotonic() < until_s, "it does not come to that"
            time.sleep(0.002)

    def ends(self, code: int) -> tuple[str, str]:
        """Wait for its end; see that it left nothing; return what else it said."""
        out, errors = self.process.communicate(timeout=WITHIN_S)
        assert self.process.returncode == code, errors
        assert "Traceback" not in errors
        assert "Exception ignored" not in errors
        assert list((self.folder / "tmp").iterdir()) == []
        assert self.left_running() == []
        return out, errors

    def left_running(self) -> list[str]:
        """Return the command lines of its processes."""
        return [command_line for _, command_line in self.processes()]

    def processes(self) -> list[tuple[int, str]]:
        """Return process id and command line of all that runs of it, known by their folder for temporary files."""
        mine = f"TMPDIR={self.folder / 'tmp'}".encode()
        found = []
        for process in PROC.glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mine in (process / "environ").read_bytes().split(b"\0"):
                    found.append((int(process.name), (process / "cmdline").read_text()))
        return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Return what starts a command in a session of its own."""
    started: list[subprocess.Popen[str]] = []
    (tmp_path / "tmp").mkdir()

    def begin(*words: str) -> Command:
        process = subprocess.Popen(
            [sys.executable, "-m", "eew", *words],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=os.environ
            | {"XDG_DATA_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "PYTHONUNBUFFERED": "1"},
        )
        started.append(process)
        return Command(process, tmp_path)

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def runs_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.glob("runs/*/*"))


@pytest.mark.parametrize(
    ("number", "to_all"),
    [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGTERM, True), (signal.SIGHUP, False)],
    ids=["SIGINT-group", "SIGTERM-parent", "SIGTERM-group", "SIGHUP-parent"],
)
def test_a_replay_that_is_stopped_tells_what_it_did(
    number: signal.Signals, to_all: bool, start: Callable[..., Command]
) -> None:
    """Its summary is marked as stopped, adds up, and is all that is left."""
    command = start("replay", "tohoku-2011", "--devices", "1000", "--speed", "1", "--summary", "mine.json")
    command.says("^report 1 ")
    if to_all:
        os.killpg(command.process.pid, number)
    else:
        command.process.send_signal(number)
    out, errors = command.ends(130)
    assert errors == "eew replay: interrupted\n"
    assert f"stopped    by {number.name} after " in out
    summary = json.loads((command.folder / "mine.json").read_text())
    stopped = summary["stopped"]
    assert stopped["by"] == number.name
    assert 0 < len(summary["reports"]) <= stopped["reports_played"] < stopped["reports_given"]
    check_conservation(msgspec.convert(summary, RunSummary))
    (file,) = runs_of(command.folder)
    assert file.endswith("/summary.json")
    assert json.loads((command.folder / file).read_text()) == summary


def test_a_service_manager_may_tell_all_processes_at_once(start: Callable[..., Command]) -> None:
    """The broker is gone then, but what the devices had is written down."""
    command = start("replay", "tohoku-2011", "--devices", "1000", "--speed", "1")
    command.says("^report 2 ")
    told = command.processes()
    # Itself, two workers, the broker and its guard.
    assert len(told) == 5
    for pid, _ in told:
        os.kill(pid, signal.SIGTERM)
    command.ends(130)
    (file,) = runs_of(command.folder)
    summary = json.loads((command.folder / file).read_text())
    assert summary["stopped"]["by"] == "SIGTERM"
    assert summary["delivery"]["delivered"] > 0


def test_a_replay_that_is_stopped_at_full_speed_adds_up(start: Callable[..., Command]) -> None:
    """Whatever was on its way and whatever waited: each alert has one fate."""
    command = start("replay", "tohoku-2011", "--devices", "40000", "--speed", "max")
    command.says("^report 1 ")
    command.process.send_signal(signal.SIGTERM)
    command.ends(130)
    (file,) = runs_of(command.folder)
    summary = json.loads((command.folder / file).read_text())
    check_conservation(msgspec.convert(summary, RunSummary))
    assert summary["stopped"]["by"] == "SIGTERM"


@pytest.mark.parametrize(
    ("size", "said", "number"),
    [
        ("1500000", "^making", signal.SIGTERM),
        ("1500000", "^making", signal.SIGHUP),
        ("1000", "^starting the broker", signal.SIGINT),
        ("1000", "^connecting", signal.SIGTERM),
    ],
)
def test_a_replay_that_has_not_begun_leaves_nothing(
    size: str, said: str, number: signal.Signals, start: Callable[..., Command]
) -> None:
    """Nor an empty folder, and it says that the summary that was asked for is not there."""
    command = start("replay", "tohoku-2011", "--devices", size, "--summary", "mine.json")
    command.says(said)
    command.process.send_signal(number)
    missing = "eew replay: stopped before there was a summary: no summary in mine.json\n"
    assert command.ends(130)[1].endswith(f"{missing}eew replay: interrupted\n")
    assert not (command.folder / "mine.json").exists()
    assert not (command.folder / "runs").exists()


def test_a_replay_of_standard_input_that_is_quiet_can_be_stopped(start: Callable[..., Command]) -> None:
    """It waits for a line that never comes."""
    command = start("replay", "-", "--region", "35,139,50", "--devices", "100")
    command.says("waiting for reports")
    command.process.send_signal(signal.SIGTERM)
    out, _ = command.ends(130)
    assert "stopped    by SIGTERM after 0 reports" in out


def test_a_terminal_that_is_closed_loses_no_summary(tmp_path: Path) -> None:
    """A hangup comes with a screen on which nothing can be written any more."""
    ours, theirs = pty.openpty()
    (tmp_path / "tmp").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "eew", "replay", "tohoku-2011", "--devices", "500", "--speed", "1"],
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - its terminal is to hang up on it
        env=os.environ | {"XDG_DATA_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")},
    )
    os.close(theirs)
    said = b""
    while b"dispatching" not in said:
        said = said[-100:] + os.read(ours, 4096)
    os.close(ours)
    assert process.wait(WITHIN_S) == 130
    (file,) = runs_of(tmp_path)
    assert json.loads((tmp_path / file).read_text())["stopped"]["by"] == "SIGHUP"
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.skipif(not PROC.exists(), reason="this system does not list a process's children")
def test_a_worker_that_is_killed_is_one_line(start: Callable[..., Command]) -> None:
    """What its devices had is lost, and that is an error and no traceback."""
    command = start("replay", "tohoku-2011", "--devices", "500", "--speed", "1")
    command.says("^report 1 ")
    workers = [pid for pid, command_line in command.processes() if "eew.devices.swarm.worker" in command_line]
    os.kill(workers[0], signal.SIGKILL)
    assert command.ends(1)[1] == "eew replay: a swarm worker ended with code -9\n"
    assert not (command.folder / "runs").exists()


@pytest.mark.parametrize(
    ("bench", "number"),
    [("dispatch", number) for number in ALL] + [("ceiling", signal.SIGTERM), ("peers", signal.SIGHUP)],
)
def test_a_bench_leaves_nothing(bench: str, number: signal.Signals, start: Callable[..., Command]) -> None:
    """Neither its folders, nor its broker's store, nor a process."""
    command = start("bench", bench, *BENCH)
    command.says("warm")
    command.process.send_signal(number)
    assert command.ends(130)[1] == "eew bench: interrupted\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("connections", "--connections", "100", "--runs", "50"), "warming up"),
        (("scale", "--sizes", "100", "200", "--runs", "50"), "warming up"),
        (("year", "--share", "0.0005"), "devices around"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_the_other_benches_leave_nothing(words: tuple[str, ...], said: str, start: Callable[..., Command]) -> None:
    """Likewise, told by a service manager."""
    command = start("bench", *words)
    command.says(said)
    command.process.send_signal(signal.SIGTERM)
    assert command.ends(130)[1] == "eew bench: interrupted\n"


@pytest.mark.parametrize("number", ALL, ids=name_of)
@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("broker", "--port", "0"), "is ready", 0),
        ((*FEED, "--over", "mqtt"), "mqtt://", 130),
        ((*FEED, "--over", "ws"), "ws://", 130),
    ],
    ids=["broker", "feed over MQTT", "feed over WebSocket"],
)
def test_a_server_leaves_nothing(
    words: tuple[str, ...], said: str, code: int, number: signal.Signals, start: Callable[..., Command]
) -> None:
    """Nor the store of its broker."""
    command = start(*words)
    command.says(said)
    command.process.send_signal(number)
    assert command.ends(code)[1] == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=name_of)
def test_a_swarm_leaves_nothing(
    number: signal.Signals, embedded_broker: EmbeddedBroker, start: Callable[..., Command]
) -> None:
    """It says what it got, in its summary also what stopped it, and its workers are gone."""
    start("devices", "make", "--region", "35,139,50", "--devices", "100", "--seed", "1", "--out", "pop").ends(0)
    words = ("--population", "pop", "--broker", str(embedded_broker.endpoint), "--summary", "mine.json")
    command = start("swarm", *words)
    command.says("ready")
    os.killpg(command.process.pid, number)
    assert command.ends(0)[1] == ""
    assert json.loads((command.folder / "mine.json").read_text())["stopped"] == {"by": number.name}


@pytest.mark.parametrize("number", ALL, ids=name_of)
def test_a_population_is_whole_or_not_there(number: signal.Signals, start: Callable[..., Command]) -> None:
    """Broken off while it is written, it leaves the folder as it was."""
    command = start("devices", "make", "--region", "japan", "--devices", "2000000", "--seed", "1", "--out", "pop")
    command.until(lambda: any(command.folder.glob(".pop.*")))
    command.process.send_signal(number)
    assert command.ends(130)[1].endswith("eew devices: interrupted\n")
    assert sorted(path.name for path in command.folder.iterdir()) == ["tmp"]


def test_three_interrupts_of_a_replay_are_one(start: Callable[..., Command]) -> None:
    """In the middle of it, where much is to be ended."""
    command = start("replay", "tohoku-2011", "--devices", "1000", "--speed", "1")
    command.says("^report 1 ")
    for _ in range(3):
        command.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert command.ends(130)[1] == "eew replay: interrupted\n"
    assert len(runs_of(command.folder)) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "--magnitude", "7", "--depth-km", "10", "--distance-km", "100"),
        ("devices", "make", "--region", "japan", "--devices", "300000", "--seed", "1", "--out", "pop"),
        ("replay", "tohoku-2011", "--devices", "1000"),
        ("bench", "order", "--devices", "100000"),
        ("bench", "dispatch"),
        ("scenarios", "list"),
        ("cap", "tohoku-2011", "--out", "cap"),
        ("watch", "--broker", "mqtt://127.0.0.1:9"),
        ("feed", "listen", "ws://127.0.0.1:9/"),
        ("broker", "--port", "0"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.parametrize("after_s", [0.0, 0.4])
def test_three_interrupts_in_a_row_are_one(
    words: tuple[str, ...], after_s: float, start: Callable[..., Command]
) -> None:
    """Whoever is impatient sees one line, and no traceback."""
    command = start(*words)
    command.heeds_signals()
    time.sleep(after_s)
    for _ in range(3):
        command.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    errors = command.process.communicate(timeout=WITHIN_S)[1]
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
    assert errors.count("interrupted") <= 1
    assert command.process.returncode in {0, 3, 130}, errors
    assert command.left_running() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
@pytest.mark.parametrize("words", [("scenarios", "list"), ("predict", "--magnitude", "7", "--depth-km", "9")])
def test_an_output_that_is_full_is_one_line(words: tuple[str, ...]) -> None:
    """Standard output is named like a file."""
    with Path("/dev/full").open("w") as full:
        more = ("--distance-km", "100") if words[0] == "predict" else ()
        done = subprocess.run(
            [sys.executable, "-m", "eew", *words, *more],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=WITHIN_S,
        )
    assert done.returncode == 2
    expected = "standard output: 'No space left on device': expected a readable and writable path"
    assert done.stderr == f"eew {words[0]}: {expected}\n"


def test_an_interrupt_within_a_text_that_is_executed_is_130_too(tmp_path: Path) -> None:
    """Python itself would end by the signal then; dataclasses are made in such texts."""
    (tmp_path / "interrupted.py").write_text(
        # Numerical libraries have threads.
        "import sys, threading; threading.Thread(target=threading.Event().wait, daemon=True).start(); "
        "from eew.cli import main as m; m._run = lambda *_: exec('raise KeyboardInterrupt'); "
        "sys.exit(m.main())"
    )
    words = [sys.executable, "-m", "interrupted", "x"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "eew x: interrupted\n")
