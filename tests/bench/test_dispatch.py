"""``eew bench dispatch`` and ``eew bench ceiling`` as a user runs them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def check_head(figures: dict[str, Any], **settings: object) -> None:
    """Which broker it was, how it was spoken to, and with what settings."""
    broker = figures["broker"]
    assert broker["name"] == "nats-server"
    assert re.fullmatch(r"\d+\.\d+\.\d+", broker["version"])
    assert broker["url"].startswith("mqtt://127.0.0.1:")
    assert broker["mqtt_version"] == "3.1.1"
    assert figures["settings"] == figures["settings"] | settings
    assert not {"broker", "key"} & set(figures["settings"])


@pytest.mark.broker
@pytest.mark.long(60, reason="three swarms, one after the other, and 2 s until nothing more comes for each")
@pytest.mark.parametrize("mode", ["device", "cell"])
def test_both_sides_are_measured_and_nothing_is_lost(mode: str, tmp_path: Path) -> None:
    """The figures that others read are in the JSON, and add up."""
    words = ["--devices", "2000", "--runs", "1", "--mode", mode, "--json", "bench.json"]
    words += ["--fail-if", "p99>10s", "--fail-if", "rate>1/s"]
    done = subprocess.run(
        [sys.executable, "-m", "eew", "bench", "dispatch", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
        env=os.environ | {"XDG_DATA_HOME": str(tmp_path)},
    )
    figures = json.loads((tmp_path / "bench.json").read_text())
    rate = f"{figures['alerts_a_second']:,}"
    assert done.stderr == f"eew bench: --fail-if 'rate>1/s': rate was {rate}/s\n"
    assert done.returncode == 1
    assert [each["is_broken"] for each in figures["limits"]] == [False, True]
    assert sum(figures["runs"][0]["outcome"].values()) == 2000
    delivery = figures["delivery"]
    assert delivery["expected"] == delivery["delivered"] == 2000
    assert delivery["lost"] == delivery["duplicated"] == 0
    assert figures["efficiency"] > 0
    assert figures["efficiency_spread"]["n_runs"] == 1
    assert f"efficiency {figures['efficiency']:.2f} (one run, too few to tell it from 1)" in done.stdout
    check_head(figures, mode=mode, devices=2000, reconnect_s=30.0)
    assert figures["conservation"]["selected"] == figures["conservation"]["sent"] > 0
    assert figures["feed_ms"] > 0
    assert figures["first_sent_ms"] >= figures["decide_ms"] > 0
    assert figures["report_to_last_device_s"] * 1000 >= figures["latency_ms"]["report_to_device"]["max"]
    assert 0 < figures["first_critical_ms"] <= figures["most_urgent_1pct_ms"]
    assert figures["most_urgent_1pct_ms"] <= figures["latency_ms"]["report_to_device"]["max"] + figures["feed_ms"] + 1
    assert 0 < figures["broker_share"] <= 1
    assert figures["cpu_us_an_alert"] > 0
    assert "delivery   expected 2,000 = delivered 2,000 + lost 0; duplicated 0" in done.stdout


@pytest.mark.broker
@pytest.mark.parametrize("qos", ["0", "1"])
def test_the_ceiling_counts_every_packet(qos: str, tmp_path: Path) -> None:
    """A warm-up, then as many runs as asked for."""
    words = ("--devices", "2000", "--runs", "2", "--qos", qos, "--payload", "compact", "--json", "most.json")
    done = subprocess.run(
        [sys.executable, "-m", "eew", "bench", "ceiling", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
        env=os.environ | {"XDG_DATA_HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads((tmp_path / "most.json").read_text())
    assert figures["delivery"] == {"expected": 4000, "delivered": 4000, "lost": 0, "duplicated": 0}
    assert len(figures["runs"]) == 2
    assert figures["ceiling_a_second"] > 0
    check_head(figures, payload="compact", qos=int(qos))


def test_bad_options_are_one_line_and_exit_2(tmp_path: Path) -> None:
    """No runs are no measurement."""
    done = subprocess.run(
        [sys.executable, "-m", "eew", "bench", "dispatch", "--runs", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "eew bench: --runs: '0': expected a whole number from 1 to 1000\n"
