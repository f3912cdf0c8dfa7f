"""``eew bench order``: what the sending order is worth in people, against other orders of the same alerts."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eew.dispatch.loss import say_lost
from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.option_number import whole_number_of

if TYPE_CHECKING:
    from rich.console import Console

    from eew.bench.lateness import LatenessLoad
    from eew.bench.result import DeliveryTally
    from eew.feed.scenario import Scenario
    from eew.model.records import EventReport

__all__ = ["configure", "report_load", "run"]

_SCENARIOS = ("luding-2022", "qingbaijiang-2020", "tangshan-2020")
_RATES_HZ = ("2000", "5000", "20000", "100000", "300000")
_MOST_HZ = 1_000_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--scenarios",
        nargs="+",
        default=_SCENARIOS,
        metavar="NAME|FILE",
        help=f"whose first report is sent (default: {' '.join(_SCENARIOS)})",
    )
    parser.add_argument(
        "--rates", nargs="+", default=_RATES_HZ, metavar="HZ", help=f"alerts a second (default: {' '.join(_RATES_HZ)})"
    )
    parser.add_argument("--devices", default="200000", metavar="N", help="simulated devices (default: 200000)")
    parser.add_argument("--seed", default="1", metavar="S", help="of population and random order (default: 1)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write settings and results there")
    parser.add_argument("--plot", type=Path, metavar="PATH.svg", help="also draw them there")


def run(arguments: argparse.Namespace) -> int:
    """Reckon; return 0, or 1 where an order lost or doubled an alert."""
    from rich.console import Console

    from eew.bench.lateness import ORDERS, late_by_order
    from eew.bench.lateness_plot import lateness_svg
    from eew.bench.result import DeliveryTally, document, write
    from eew.feed.scenario import load_scenario, scenario_path
    from eew.model.system.output import check_file, write_file
    from eew.view.progress import progress

    rates_hz = sorted({whole_number_of(text, "--rates", 1, _MOST_HZ) for text in arguments.rates})
    n_devices = whole_number_of(arguments.devices, "--devices", 1, 100_000_000)
    seed = whole_number_of(arguments.seed, "--seed", 0)
    if arguments.plot is not None and arguments.plot.suffix != ".svg":
        raise InputError("a file that ends in .svg", field="--plot", value=str(arguments.plot))
    check_file(arguments.json, "--json")
    check_file(arguments.plot, "--plot")
    scenarios = [load_scenario(scenario_path(name)) for name in dict.fromkeys(arguments.scenarios)]

    rows: list[dict[str, Any]] = []
    with progress("reckoning") as show:
        for scenario in scenarios:
            report, load = report_load(scenario, n_devices, seed)
            for rate_hz in rates_hz:
                for outcome in late_by_order(load, rate_hz, seed):
                    given = {"scenario": scenario.name, "report_no": report.report_no, "n_alerts": len(load)}
                    rows.append(given | {"rate_hz": rate_hz} | asdict(outcome))
                show(len(rows) / (len(scenarios) * len(rates_hz) * len(ORDERS)))

    names = ("n_alerts", "n_lost", "n_duplicated")
    expected, lost, duplicated = (sum(row[name] for row in rows) for name in names)
    delivery = DeliveryTally(
        [{"expected": expected, "delivered": expected - lost, "lost": lost, "duplicated": duplicated}]
    )
    settings = {"scenarios": [scenario.name for scenario in scenarios], "rates_hz": rates_hz, "n_devices": n_devices}
    # Nothing was sent, so there is nothing to be efficient at.
    figures = {"rows": rows}
    write(
        document(
            "order", efficiency=None, broker=None, delivery=delivery, seed=seed, settings=settings, figures=figures
        ),
        arguments.json,
    )
    if arguments.plot is not None:
        write_file(arguments.plot, lateness_svg(rows))
    console = Console(highlight=False)
    _print(rows, delivery, console, f"{n_devices:,} devices a scenario, seed {seed}")
    is_wrong = say_lost("bench", delivery["expected"], {name: delivery[name] for name in ("lost", "duplicated")})
    return ExitStatus.FAILED if is_wrong else ExitStatus.DONE


def report_load(scenario: "Scenario", n_devices: int, seed: int) -> tuple["EventReport", "LatenessLoad"]:
    """Return the first report of a scenario that notifies anybody, and its alerts; the deciding takes no time.

    Raises
    ------
    InputError
        If no report notifies any of the devices.
    """
    import numpy as np

    from eew.bench.lateness import LatenessLoad
    from eew.decision.policy import is_issued, levels
    from eew.devices.population.population import make
    from eew.estimate.estimator import Estimator
    from eew.estimate.intensity_models import intensity_model
    from eew.estimate.targets import Targets
    from eew.model.region_name import parse_region
    from eew.model.region_profile_file import load_profile
    from eew.model.units import seconds_after
    from eew.physics.travel_time_table import TravelTimeTable

    profile = load_profile(scenario.profile)
    model = intensity_model(profile.intensity_model)
    estimator = Estimator(TravelTimeTable.load(profile.travel_times), model, profile.default_depth_km)
    devices = make(parse_region(scenario.population, "population"), n_devices, seed)
    targets = Targets.of(devices.lat_deg, devices.lon_deg)
    for report in scenario.reports:
        estimate = estimator.estimate(report, targets, profile.min_intensity)
        level = levels(profile, report.magnitude, estimate.intensity, estimate.max_intensity)
        notified = np.flatnonzero(level)
        if report.origin_at is None or not len(notified):
            continue
        if is_issued(profile, report.magnitude, estimate.max_intensity, report.depth_km):
            slack_s = estimate.s_arrival_s[notified] - np.float64(seconds_after(report.issued_at, report.origin_at))
            return report, LatenessLoad(slack_s, level[notified], estimate.intensity[notified])
    raise InputError("a scenario that notifies at least one device", field="--scenarios", value=scenario.name)


def _print(rows: Sequence[Mapping[str, Any]], delivery: "DeliveryTally", console: "Console", title: str) -> None:
    from eew.view.grid import Column, Grid, print_grid, say

    columns = (
        Column("scenario"),
        Column("alerts", is_number=True, falls=2),
        Column("rate/s", is_number=True),
        Column("order"),
        Column("critical", is_number=True),
        Column("active", is_number=True),
        Column("passive", is_number=True, falls=1),
    )
    grid = Grid(columns, title=f"late because of the dispatch: {title}")
    before: tuple[str, int] | None = None
    for row in rows:
        key = (row["scenario"], row["rate_hz"])
        named = ("", "", "") if key == before else (row["scenario"], f"{row['n_alerts']:,}", f"{row['rate_hz']:,}")
        grid.add(*named, row["order"], *(f"{n:,}" for n in row["n_late_by_dispatch"].values()))
        before = key
    print_grid(console, grid)
    for line in _worth(rows):
        say(console, line)
    say(console, f"{delivery} (a calculation: nothing was sent)")


def _worth(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return for each scenario what the order is worth, at the rate where it is worth most against first-come."""
    lines = []
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        late_by_rate: dict[int, dict[str, Mapping[str, int]]] = {}
        for row in rows:
            if row["scenario"] == scenario:
                late_by_rate.setdefault(row["rate_hz"], {})[row["order"]] = row["n_late_by_dispatch"]
        saved_by_rate = {
            rate_hz: {order: _saved(late, late_by["optimal"]) for order, late in late_by.items() if order != "optimal"}
            for rate_hz, late_by in late_by_rate.items()
        }
        rate_hz, saved = max(saved_by_rate.items(), key=lambda item: item[1]["first-come"])
        if not saved["first-come"][1]:
            lines.append(f"worth      {scenario}: nothing at these rates: whoever can be in time is, in row order too")
            continue
        than = "; ".join(f"{n:,} more than {order} ({critical:,} critical)" for order, (critical, n) in saved.items())
        lines.append(f"worth      {scenario}, {rate_hz:,}/s, people notified in time: {than}")
    return lines


def _saved(late: Mapping[str, int], late_optimal: Mapping[str, int]) -> tuple[int, int]:
    """Return how many fewer are late in the optimal order: critical ones, and all."""
    return late["critical"] - late_optimal["critical"], sum(late.values()) - sum(late_optimal.values())
