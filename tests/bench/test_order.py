"""``eew bench order``: what the sending order is worth, against a simulation one alert at a time."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.bench import lateness
from eew.bench.lateness import ORDERS, LatenessLoad, late_by_order
from eew.bench.order import report_load
from eew.cli.main import main
from eew.feed.scenario import load_scenario
from eew.model.errors import ConservationError

WORDS = ("critical", "active", "passive")
SHIPPED = ("luding-2022", "qingbaijiang-2020", "tangshan-2020")


@st.composite
def loads(draw: st.DrawFn) -> LatenessLoad:
    """Draw a load due at half seconds, where the sending order's bins round nothing."""
    job = st.tuples(st.integers(-6, 30), st.integers(1, 3), st.floats(2, 12, width=32))
    jobs = draw(st.lists(job, min_size=1, max_size=60))
    half_s, level, intensity = zip(*jobs, strict=True)
    return LatenessLoad(np.array(half_s) / 2, np.array(level, dtype=np.uint8), np.array(intensity, dtype=np.float32))


def simulated(load: LatenessLoad, order: list[int], rate_hz: float) -> dict[str, dict[str, int]]:
    """Send one alert after the other and look at each."""
    counts = {fate: dict.fromkeys(WORDS, 0) for fate in ("in_time", "dispatch", "physics")}
    for place, position in enumerate(order, start=1):
        slack_s = float(load.slack_s[position])
        fate = "physics" if slack_s <= 0 else "dispatch" if slack_s < place / rate_hz else "in_time"
        counts[fate][WORDS[3 - int(load.level[position])]] += 1
    return counts


def by_urgency(late: dict[str, int]) -> tuple[int, ...]:
    """Return counts so that tuples compare as they matter: critical first."""
    return tuple(late[word] for word in WORDS)


@given(loads(), st.integers(1, 12), st.integers(0, 99))
def test_counts_are_those_of_sending_one_after_the_other(load: LatenessLoad, rate_hz: int, seed: int) -> None:
    """Every order's counts are found again alert by alert."""
    for outcome in late_by_order(load, rate_hz, seed):
        order = ORDERS[outcome.order](load, rate_hz, seed).tolist()
        assert sorted(order) == list(range(len(load)))
        counts = simulated(load, order, rate_hz)
        assert outcome.n_in_time == counts["in_time"]
        assert outcome.n_late_by_dispatch == counts["dispatch"]
        assert outcome.n_late_by_physics == counts["physics"]
        assert (outcome.n_lost, outcome.n_duplicated) == (0, 0)


@given(loads(), st.integers(1, 12), st.integers(0, 99))
def test_optimal_order_is_never_worse(load: LatenessLoad, rate_hz: int, seed: int) -> None:
    """No order has fewer late critical alerts, nor as many and fewer active ones, nor fewer late in all."""
    optimal, *others = (dict(each.n_late_by_dispatch) for each in late_by_order(load, rate_hz, seed))
    for other in others:
        assert by_urgency(optimal) <= by_urgency(other)
        assert sum(optimal.values()) <= sum(other.values())


def test_orders_are_what_they_are_called() -> None:
    """Row order, strongest first with ties by row, and a random one that only the seed decides."""
    load = LatenessLoad(np.array([9.0, 9, 9, 9]), np.array([2, 2, 2, 2], np.uint8), np.array([3, 4, 5, 4], np.float32))
    assert ORDERS["first-come"](load, 1, 0).tolist() == [0, 1, 2, 3]
    assert ORDERS["strongest-first"](load, 1, 0).tolist() == [2, 1, 3, 0]
    drawn = {tuple(ORDERS["random"](load, 1, seed).tolist()) for seed in (1, 1, 2, 3, 4)}
    assert ORDERS["random"](load, 1, 1).tolist() == ORDERS["random"](load, 2, 1).tolist()
    assert len(drawn) > 1


@pytest.mark.parametrize("name", SHIPPED)
def test_optimal_order_is_never_worse_on_shipped_scenarios(name: str, project: Path) -> None:
    """At every rate, critical alerts first; and who is late by physics is so in every order."""
    _, load = report_load(load_scenario(project / f"scenarios/{name}.toml"), 20_000, 7)
    for rate_hz in (200, 500, 2_000, 10_000, 30_000):
        optimal, *others = late_by_order(load, rate_hz, 7)
        for other in others:
            assert by_urgency(dict(optimal.n_late_by_dispatch)) <= by_urgency(dict(other.n_late_by_dispatch))
            assert optimal.n_late_by_physics == other.n_late_by_physics


def bench(path: Path, *words: str) -> dict[str, Any]:
    """Run it small, and return what it wrote."""
    small = ("--devices", "3000", "--rates", "3000", "300", "--scenarios", "tangshan-2020")
    assert main(["bench", "order", *small, "--json", str(path), *words]) == 0
    written: dict[str, Any] = json.loads(path.read_text())
    return written


def test_json_says_all_that_a_rerun_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings, seed, machine and rows; the same seed gives the same rows; the table ends in what it is worth."""
    first = bench(tmp_path / "a.json", "--seed", "5")
    assert first["settings"] == {"scenarios": ["tangshan-2020"], "rates_hz": [300, 3000], "n_devices": 3000}
    assert first["seed"] == 5
    assert set(first) >= {"machine", "versions", "commit", "efficiency", "delivery"}
    assert [(row["rate_hz"], row["order"]) for row in first["rows"]] == [
        (rate_hz, order) for rate_hz in (300, 3000) for order in ORDERS
    ]
    n_alerts = sum(row["n_alerts"] for row in first["rows"])
    assert first["delivery"] == {"expected": n_alerts, "delivered": n_alerts, "lost": 0, "duplicated": 0}
    fates = ("n_in_time", "n_late_by_dispatch", "n_late_by_physics")
    assert all(sum(sum(row[fate].values()) for fate in fates) == row["n_alerts"] for row in first["rows"])
    assert bench(tmp_path / "b.json", "--seed", "5")["rows"] == first["rows"]
    out = capsys.readouterr().out
    assert "worth      tangshan-2020" in out
    assert "lost 0; duplicated 0" in " ".join(out.split())


def test_plot_is_svg_with_a_line_an_order_in_each_panel(tmp_path: Path) -> None:
    """Well-formed, both axes labelled, and orders are told apart by dashes and markers without their colours."""
    path = tmp_path / "order.svg"
    bench(tmp_path / "a.json", "--plot", str(path))
    root = ET.fromstring(path.read_text())  # noqa: S314 - our own file
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"alerts sent a second", "late devices", "tangshan-2020: critical", *ORDERS} <= set(words)
    dashes = [each.get("stroke-dasharray") for each in root.iter("{http://www.w3.org/2000/svg}path")]
    drawn = [each for each in dashes if each is not None]
    # In the legend, and in the panels of critical and of all.
    assert len(drawn) == 3 * len(ORDERS)
    assert len(set(drawn)) == len(ORDERS)


def test_an_order_that_loses_alerts_is_exit_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an order leaves out is lost, what it names twice is doubled, and the run fails."""
    broken = dict(ORDERS)
    broken["optimal"] = lambda load, _rate_hz, _seed: np.zeros(len(load), np.int32)
    monkeypatch.setattr(lateness, "ORDERS", broken)
    path = tmp_path / "a.json"
    words = ["--devices", "100", "--rates", "10", "--scenarios", "tangshan-2020", "--json", str(path)]
    assert main(["bench", "order", *words]) == 1
    delivery = json.loads(path.read_text())["delivery"]
    assert delivery["lost"] == delivery["duplicated"] > 0
    assert delivery["delivered"] + delivery["lost"] == delivery["expected"]
    counts = f"of {delivery['expected']:,} alerts expected: lost {delivery['lost']:,}, duplicated {delivery['lost']:,}"
    assert capsys.readouterr().err == f"eew bench: {counts}\n"


def test_a_load_with_a_level_that_is_not_sent_does_not_add_up() -> None:
    """Whoever is told nothing has no place in a load."""
    load = LatenessLoad(np.array([1.0, 2.0]), np.array([0, 3], np.uint8), np.array([1, 6], np.float32))
    with pytest.raises(ConservationError, match="selected 2"):
        late_by_order(load, 1, 0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--rates", "0"),
        ("--rates", "many"),
        ("--rates", "1e3"),
        ("--devices", "0"),
        ("--devices", "1.5"),
        ("--seed", "x"),
        ("--scenarios", "nowhere"),
        ("--plot", "order.png"),
    ],
)
def test_bad_options_are_exit_2_with_their_value(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says which option, and what was found."""
    assert main(["bench", "order", option, value]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert value in captured.err


def test_without_or_with_an_unknown_bench_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    """The sub-commands are named."""
    for words in ([], ["nothing"]):
        with pytest.raises(SystemExit) as stopped:
            main(["bench", *words])
        assert stopped.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
