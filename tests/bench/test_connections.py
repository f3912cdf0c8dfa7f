"""``eew bench connections`` as a user runs it, and what it reads from the system."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eew.bench import connections
from eew.bench.connecting import Usage, check_ports
from eew.bench.load import MeasuredDispatch
from eew.contract.run_summary import RunSummary
from eew.model.errors import InputError

_PERCENTILES = ("p50", "p90", "p99", "p99_9", "max")


def bench(folder: Path, *words: str, most_files: int | None = None) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "eew", "bench", "connections", *words)
    if most_files is not None:
        command = ("sh", "-c", f'ulimit -n {most_files}; exec "$@"', "sh", *command)
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
        env=os.environ | {"XDG_DATA_HOME": str(folder)},
    )


@pytest.mark.broker
@pytest.mark.long(60, reason="three brokers and four swarms, one after the other")
def test_each_device_is_told_on_its_own_connection(tmp_path: Path) -> None:
    """The figures that others read are in the JSON, and nothing is lost."""
    done = bench(tmp_path, "--connections", "200", "--runs", "1", "--json", "bench.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "delivery   expected 200 = delivered 200 + lost 0; duplicated 0"
    figures = json.loads((tmp_path / "bench.json").read_text())
    assert figures["efficiency"] is None
    assert figures["delivery"] == {"expected": 200, "delivered": 200, "lost": 0, "duplicated": 0}
    assert figures["settings"]["connections"] == 200
    assert figures["connections_a_second"] > 0
    latency = figures["latency_ms"]["report_to_device"]
    assert [latency[name] for name in _PERCENTILES] == sorted(latency.values())
    assert figures["report_to_last_device_s"] * 1000 >= latency["max"] > 0
    assert len(figures["runs"]) == 1
    if sys.platform == "linux":
        # Some KiB of buffers and stacks each, and not the whole broker.
        assert 4 * 1024 < figures["bytes_a_connection"]["broker"] < 1024 * 1024
        assert figures["cpu_s"]["broker"] > 0


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--connections", "0", "a whole number of 1 or more"),
        ("--connections", "many", "a whole number of 1 or more"),
        ("--runs", "0", "a whole number of 1 or more"),
        ("--qos", "2", "a whole number from 0 to 1"),
        ("--broker", "here", "mqtt://[user:password@]host[:port] or mqtts://…"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(option: str, value: str, expected: str, tmp_path: Path) -> None:
    """Each says which option, what was given and what would have been right."""
    done = bench(tmp_path, option, value)
    assert (done.returncode, done.stdout) == (2, "")
    place = f"{value}: {option}" if option == "--json" else f"{option}: {value!r}"
    assert done.stderr == f"eew bench: {place}: expected {expected}\n"


def test_a_folder_that_is_not_there_is_said_before_the_work(tmp_path: Path) -> None:
    """With the whole path."""
    done = bench(tmp_path, "--json", "nowhere/bench.json")
    expected = "eew bench: nowhere/bench.json: --json: expected a file in a folder that exists\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "at most 236 for the broker, one process that may have 300 files open"),
        (("--workers", "1", "--broker", "mqtt://127.0.0.1:9"), "at most 236 for a worker, one process that may have"),
    ],
    ids=["embedded broker", "worker"],
)
def test_more_connections_than_open_files_are_refused_at_once(
    words: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    """Before anything is started, the error says whose limit it is and how to raise it."""
    done = bench(tmp_path, "--connections", "500", *words, most_files=300)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"eew bench: --connections: 500: expected {expected}")
    assert "ulimit -Hn" in done.stderr
    assert done.stderr.count("\n") == 1


def test_more_connections_than_ports_are_refused(tmp_path: Path) -> None:
    """Of 100 ports some are left for what connects besides."""
    port_range = tmp_path / "ip_local_port_range"
    port_range.write_text("40000\t40099\n")
    check_ports(68, port_range)
    with pytest.raises(InputError, match=r"--connections: 69: expected at most 68, .* ports 40000 to 40099 .*sysctl"):
        check_ports(69, port_range)


def test_without_a_port_range_there_are_still_no_more_than_16_bits(tmp_path: Path) -> None:
    """Where the system does not tell its range, the protocol's own bound holds."""
    with pytest.raises(InputError, match="from ports 1024 to 65535"):
        check_ports(65_000, tmp_path / "absent")


def test_usage_is_memory_of_its_own_and_both_processor_times(tmp_path: Path) -> None:
    """Fields as in proc(5): RssAnon in KiB, user and system time in ticks as 14th and 15th, name in brackets."""
    for pid, n_kib, ticks in ((7, 1000, (150, 50)), (8, 24, (0, 100))):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "status").write_text(f"Name:\tnats\nVmRSS:\t 9999 kB\nRssAnon:\t    {n_kib} kB\n")
        between = " ".join(["S", *"1" * 10])
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a ) 1 2 name) {between} {ticks[0]} {ticks[1]} 5 5\n")
    a_second = os.sysconf("SC_CLK_TCK")
    both = Usage.of([7, 8], tmp_path)
    assert both == Usage(1024 * 1024, 300 / a_second)
    assert both is not None
    assert both.since(Usage.of([8], tmp_path)) == Usage(1000 * 1024, 200 / a_second)


def test_usage_is_unknown_where_the_system_does_not_tell(tmp_path: Path) -> None:
    """Neither for a broker elsewhere, nor on a system without /proc."""
    assert Usage.of([], tmp_path) is None
    assert Usage.of([7], tmp_path) is None
    assert Usage(1, 1.0).since(None) is None


@pytest.mark.broker
def test_loss_is_exit_1_and_unknown_memory_is_said(
    run_summary: RunSummary, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One lost alert in one of three runs is enough; medians are over the runs."""
    lost = iter((0, 0, 1, 0))
    totals_s = iter((9.0, 1.0, 4.0, 2.0))

    async def dispatch(_load: object, _key: object) -> MeasuredDispatch:
        n_lost = next(lost)
        delivery = msgspec.structs.replace(
            run_summary.delivery, expected=10, delivered=10 - n_lost, lost=n_lost, duplicated=0
        )
        summary = msgspec.structs.replace(run_summary, delivery=delivery)
        broker = {"name": "fake", "version": "1", "url": "", "mqtt_version": "5"}
        return MeasuredDispatch(summary, broker, 1.0, next(totals_s), 10.0, {}, 0.5, 20.0)

    async def connect(_load: object, _pid: int | None) -> dict[str, Any]:
        unknown = dict.fromkeys(("broker", "devices"))
        return {
            "start_up_s": 0.5,
            "connecting_s": 0.1,
            "connections_a_second": 100,
            "cpu_s": unknown,
            "bytes_a_connection": unknown,
        }

    monkeypatch.setattr("eew.bench.load.dispatch", dispatch)
    monkeypatch.setattr("eew.bench.connecting.connect", connect)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    parser = argparse.ArgumentParser()
    connections.configure(parser)
    path = tmp_path / "bench.json"
    assert connections.run(parser.parse_args(["--connections", "10", "--json", str(path)])) == 1
    out = capsys.readouterr().out
    assert out.endswith("delivery   expected 30 = delivered 29 + lost 1; duplicated 0\n")
    assert "memory     a connection: broker unknown, devices unknown" in out
    figures = json.loads(path.read_text())
    assert figures["report_to_last_device_s"] == 2.0
    assert figures["bytes_a_connection"] == {"broker": None, "devices": None}
