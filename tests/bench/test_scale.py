"""``eew bench scale``: its arithmetic by hand, and small runs as a user makes them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eew.bench.scale import exponent, registered_share


def bench(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "eew", "bench", "scale", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env=os.environ | {"XDG_DATA_HOME": str(folder)},
    )


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 1.05, 2.0])
def test_a_power_law_has_its_exponent(power: float) -> None:
    """Made up exactly: 0.003 nᵇ at three sizes that are not evenly spaced."""
    sizes = [10_000, 30_000, 10_000_000]
    assert exponent(sizes, [0.003 * n**power for n in sizes]) == pytest.approx(power, abs=1e-4)


def test_a_fixed_cost_lowers_the_exponent_of_all_sizes_but_hardly_that_of_the_largest() -> None:
    """0.1 s and 1 µs a device: from 10⁶ to 10⁷ devices that is log10(10.1 / 1.1)."""
    sizes = [10_000, 100_000, 1_000_000, 10_000_000]
    times_s = [0.1 + 1e-6 * n for n in sizes]
    largest = exponent(sizes[-2:], times_s[-2:])
    assert largest == pytest.approx(0.9629, abs=1e-4)
    whole = exponent(sizes, times_s)
    assert whole is not None
    assert whole < 0.75


@pytest.mark.parametrize("sizes", [[], [5], [5, 5]])
def test_one_size_has_no_exponent(sizes: list[int]) -> None:
    """Nothing grows."""
    assert exponent(sizes, [1.0] * len(sizes)) is None


def test_a_registered_device_is_set_beside_an_affected_one() -> None:
    """100 ms for 1 000 devices are 100 µs each; 5 ms more for 50 000 others are 0.1 µs each: a thousandth."""
    assert registered_share(0.100, 0.105, 1000, 50_000) == pytest.approx(0.001)
    assert registered_share(0.100, 0.100, 1000, 50_000) == 0


@pytest.mark.broker
@pytest.mark.long(120, reason="seven dispatches, each with processes of its own and 2 s until nothing more comes")
@pytest.mark.parametrize("mode", ["device", "cell"])
def test_all_sizes_are_measured_and_nothing_is_lost(mode: str, tmp_path: Path) -> None:
    """Two sizes and a moderate earthquake among 10 000: the figures are in the JSON, and add up."""
    words = ("--sizes", "2000", "500", "--registered", "10000", "--runs", "1", "--mode", mode, "--json", "scale.json")
    done = bench(tmp_path, *words)
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads((tmp_path / "scale.json").read_text())
    assert figures["bench"] == "scale"
    assert [(each["n_devices"], each["n_affected"]) for each in figures["sizes"]] == [(500, 500), (2000, 2000)]
    # Each once, and the moderate earthquake's 100 alone and among all.
    assert figures["delivery"] == {"expected": 2700, "delivered": 2700, "lost": 0, "duplicated": 0}
    small, large = figures["sizes"]
    assert exponent([500, 2000], [small["total_s"], large["total_s"]]) == figures["exponent"]["all_sizes"]
    assert figures["exponent"]["largest_two"] == figures["exponent"]["all_sizes"]
    for each in figures["sizes"]:
        assert each["runs"] == [{"total_s": each["total_s"], "decide_ms": each["decide_ms"]}]
        if sys.platform == "linux":
            held = each["dispatcher_bytes"] + each["swarm_bytes"]
            assert each["bytes_a_device"] == pytest.approx(held / each["n_devices"], rel=1e-3)
            assert each["with_summary_bytes"] >= each["dispatcher_bytes"] > 0
    registered = figures["registered"]
    assert (registered["n_affected"], registered["n_registered_only"]) == (100, 9900)
    alone, whole = registered["alone"], registered["with_registered"]
    assert (alone["n_devices"], whole["n_devices"]) == (100, 10_000)
    expected = (whole["total_s"] - alone["total_s"]) / 9900 / (alone["total_s"] / 100)
    assert registered["total_s_share"] == pytest.approx(expected, abs=1e-5)
    assert done.stdout.endswith("delivery   expected 2,700 = delivered 2,700 + lost 0; duplicated 0\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sizes", "0"), "--sizes: '0': expected a whole number from 1 to 100000000"),
        (("--sizes", "1000", "many"), "--sizes: 'many': expected a whole number from 1 to 100000000"),
        (("--runs", "0"), "--runs: '0': expected a whole number from 1 to 1000"),
        (("--registered", "10"), "--registered: '10': expected a whole number from 200 to 100000000"),
        (("--mode", "town"), "--mode: 'town': expected cell or device"),
        (("--json", "nowhere/scale.json"), "nowhere/scale.json: --json: expected a file in a folder that exists"),
    ],
    ids=["no-devices", "no-number", "no-runs", "too-few", "no-mode", "no-folder"],
)
def test_bad_options_are_one_line_and_exit_2(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Before anything is started."""
    done = bench(tmp_path, *words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"eew bench: {said}\n")
