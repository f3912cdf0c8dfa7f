"""Run one server so that it never outlives its parent; started by ``eew.mqtt.embedded`` as a script of its own.

    parent ──stdin: one JSON command, then nothing until it wants the end──▶ supervisor ──▶ server
           ◀──stdout: JSON lines "ready", then "ended" if the server dies by itself──

The end of stdin is the command to stop. It comes when the parent leaves, and also when the parent is killed.
Standard library only: it starts in isolated mode, without the environment's packages.
"""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["main", "run_supervised"]

#: How often to look whether the parent is still ours: only matters where a fork of it holds our stdin open.
_LOOK_EVERY_S = 0.5
_TERMINATE_WITHIN_S = 5.0
_LISTENING = re.compile(r"Listening for (MQTT|websocket) clients on \w+://.*:(\d+)$")
_LOG_PREFIX = re.compile(r"^\[\d+\] (?:\S+ \S+ )?\[\w{3}\] ")


def run_supervised(command: dict[str, Any]) -> int:
    """Start the server, report its port, and stop it when the parent has gone or asks for it.

    Parameters
    ----------
    command
        ``binary``, ``folder`` (made here, removed at the end), ``settings`` (text of the server's configuration file),
        ``listeners`` (what it must listen for to be ready: ``MQTT``, ``websocket``) and ``parent_pid``.
    """
    folder = Path(command["folder"])
    folder.mkdir(mode=0o700)
    server = None
    try:
        configuration = folder / "server.conf"
        configuration.write_text(command["settings"])
        server = subprocess.Popen(
            [command["binary"], "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        _watch(server, set(command["listeners"]), command["parent_pid"])
    except OSError as error:
        _write_event({"event": "ended", "last_line": str(error)})
    finally:
        # A second command to end must not cut this short.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if server is not None:
            _stop(server)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _watch(server: subprocess.Popen[bytes], listeners: set[str], parent_pid: int) -> None:
    """Read the server's log until it ends or the parent has gone."""
    assert server.stdout is not None  # noqa: S101 - asked for above, for the type checker
    log = server.stdout.fileno()
    rest = b""
    last_line = "it said nothing"
    port_by_listener: dict[str, int] = {}
    while os.getppid() == parent_pid:
        readable, _, _ = select.select([log, sys.stdin], [], [], _LOOK_EVERY_S)
        if sys.stdin in readable:
            return
        if log not in readable:
            continue
        piece = os.read(log, 65536)
        if not piece:
            _write_event({"event": "ended", "last_line": last_line})
            return
        *lines, rest = (rest + piece).split(b"\n")
        for raw in lines:
            line = _LOG_PREFIX.sub("", raw.decode(errors="replace")).strip()
            last_line = line or last_line
            if found := _LISTENING.search(line):
                port_by_listener[found[1]] = int(found[2])
                if port_by_listener.keys() == listeners:
                    _write_event({"event": "ready", "ports": port_by_listener, "server_pid": server.pid})


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server, by force if it does not listen; its log is read on, or it might block on it."""
    server.terminate()
    reading = threading.Thread(target=lambda: server.stdout and server.stdout.read(), daemon=True)
    reading.start()
    try:
        server.wait(_TERMINATE_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _write_event(event: dict[str, Any]) -> None:
    """Write one line to the parent, which may have gone."""
    try:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()
    except OSError:
        # The end of stdin says the same; nobody is left to hear it.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - lives as long as the process


def _end(_number: int, _frame: FrameType | None) -> None:
    """Leave through the ``finally`` of ``run_supervised``."""
    sys.exit(0)


def main() -> int:
    """Take the command from standard input and carry it out."""
    # Ctrl-C and a closed terminal are the parent's business: we end after it. A plain kill of us ends the server.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    line = sys.stdin.readline()
    return run_supervised(json.loads(line)) if line else 0


if __name__ == "__main__":
    sys.exit(main())
