"""How much memory processes are seen to take."""

import subprocess
import sys
from pathlib import Path

import pytest

from eew.bench import footprint
from eew.bench.footprint import Footprint

MIB = 1 << 20
#: A stand-in for a swarm's process: it takes some memory, says so, and waits to be told to end.
SCRIPT = "held = bytearray(80 << 20); print('ready', flush=True); input()"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_and_the_process_itself_are_told_apart() -> None:
    """80 MiB in a process called as a worker is the swarm's; what is taken after it has ended is the summary's."""
    with Footprint() as watched:
        command = [sys.executable, "-c", SCRIPT, "eew.devices.swarm.worker"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
            assert worker.stdout is not None
            assert worker.stdin is not None
            assert worker.stdout.readline() == b"ready\n"
            while watched.peak is None or watched.peak.swarm_bytes < 80 * MIB:
                pass
            worker.stdin.write(b"\n")
        before = watched.peak
        taken = bytearray(200 * MIB)
        while watched.peak.with_summary_bytes < before.with_summary_bytes + 100 * MIB:
            pass
        del taken
    peak = watched.peak
    assert 80 * MIB <= peak.swarm_bytes <= peak.swarm_resident_bytes < 300 * MIB
    assert peak.dispatcher_bytes + 100 * MIB <= peak.with_summary_bytes


def test_where_nothing_can_be_seen_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without /proc there is no figure, and no failure."""
    monkeypatch.setattr(footprint, "_PROC", tmp_path)
    with Footprint() as watched:
        pass
    assert watched.peak is None
