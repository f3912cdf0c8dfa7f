"""``eew bench year``: the earthquakes of 2020 in China at full speed, one after the other, to all who felt them."""

import argparse
import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from eew.dispatch.limit import add_fail_if, judged, parse_limits, say_broken
from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt
from eew.model.system.output import check_file

if TYPE_CHECKING:
    from rich.console import Console

    from eew.contract.run_summary import RunSummary
    from eew.dispatch.replay import Progress, RunResult
    from eew.dispatch.settings import Settings
    from eew.feed.scenario_year import Year
    from eew.model.records import EventReport

__all__ = ["configure", "run"]

_YEAR = "china-2020"
_TICK_S = 0.02
#: Without a new alert for so long, the next earthquake comes. In cell mode nobody knows how many devices will take one;
#: in device mode it only comes to this where one was lost.
_QUIET_S = {"cell": 0.5, "device": 5.0}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--share", default="1", metavar="X", help="how many of the devices, for a quick try (default 1)"
    )
    parser.add_argument("--mode", metavar="device|cell", help="one alert a device (default) or one a populated cell")
    parser.add_argument("--qos", metavar="0|1", help="MQTT quality of service of alerts (default 0)")
    parser.add_argument("--workers", metavar="N", help="processes that play devices (default 2)")
    parser.add_argument("--connections", metavar="N", help="connections of each worker (default 5)")
    parser.add_argument("--broker", metavar="URL", help="mqtt://host:port, instead of the embedded broker")
    parser.add_argument("--seed", metavar="S", help="of the population (default 1)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write all figures there")
    add_fail_if(parser)


def run(arguments: argparse.Namespace) -> int:
    """Play it; return 0, or 1 when something was lost, or above a limit."""
    from rich.console import Console

    from eew.bench.result import DeliveryTally, write
    from eew.dispatch.settings import load_settings
    from eew.dispatch.summary import check_conservation, summary_figures
    from eew.feed.scenario_year import load_year, year_path
    from eew.mqtt.endpoint import Endpoint

    share, limits = _share(arguments.share), parse_limits(arguments.fail_if)
    check_file(arguments.json, "--json")
    settings = load_settings(vars(arguments) | {"speed": "max"})
    if settings.broker is not None:
        settings.placed("broker", partial(Endpoint.parse, settings.broker))
    year = load_year(year_path(_YEAR))
    with interrupt.work_folder("eew-bench-") as folder:
        result, n_around = _played(settings, year, share, folder)
        if result.error is not None:
            raise result.error
        document = _document(settings, year, share, result.summary, _rows(year, result, n_around))
    judgements = judged(limits, summary_figures(result.summary))
    write(document | {"limits": judgements}, arguments.json)
    console = Console(highlight=False)
    _print(document, year, console)
    check_conservation(result.summary)
    is_lost = DeliveryTally([msgspec.structs.asdict(result.summary.delivery)]).say_lost()
    is_broken = say_broken("bench", judgements)
    return ExitStatus.FAILED if is_lost or is_broken else ExitStatus.DONE


def _played(settings: "Settings", year: "Year", share: float, folder: Path) -> "tuple[RunResult, Mapping[str, int]]":
    """Make the devices and play the year to its end; return the run, and how many devices were around by event id."""
    from eew.bench.year_population import circles, year_devices
    from eew.contract.signature import SigningKey
    from eew.devices.population import store
    from eew.dispatch.replay import Progress, RunInput, run
    from eew.estimate.estimator import Estimator
    from eew.estimate.intensity_models import intensity_model
    from eew.model.region_profile_file import load_profile
    from eew.physics.travel_time_table import TravelTimeTable
    from eew.shelter import catalogue
    from eew.view.progress import progress

    profile = load_profile(year.profile)
    model = intensity_model(profile.intensity_model)
    table = settings.placed("travel_times", lambda: TravelTimeTable.load(settings.travel_times or profile.travel_times))
    key = SigningKey.named_or_own(Path(settings.key) if settings.key else None)
    shelters = catalogue.load(settings.shelters or catalogue.default_catalogue_path())
    population, files = folder / "population", folder / "run"
    files.mkdir()
    with progress("making devices") as show:
        around = circles(year, model, profile.min_intensity)
        made = year_devices(year, around, share, settings.seed, on_progress=show)
        store.save(made.devices, population)
    n_around = made.n_around
    del made
    devices = store.load(population)
    print(f"{len(devices):,} devices around {len(year.reports)} earthquakes", flush=True)
    so_far = Progress()
    with progress("playing the year") as show:
        given = RunInput(
            name=year.name,
            reports=_one_after_another(year.reports, so_far, settings.mode, show),
            starts_at=year.reports[0].issued_at,
            profile=profile,
            estimator=Estimator(table, model, profile.default_depth_km),
            key=key,
            devices=devices,
            population=population,
            shelters=shelters,
            folder=files,
        )
        return interrupt.run(run(settings, given, so_far)), n_around


async def _one_after_another(
    reports: "Sequence[EventReport]", so_far: "Progress", mode: str, show: Callable[[float], None]
) -> "AsyncIterator[EventReport]":
    """Yield each report when the devices have all alerts of the one before."""
    for number, report in enumerate(reports, start=1):
        yield report
        n_before, quiet_s = so_far.n_taken, 0.0
        is_known = mode == "device"
        while quiet_s < _QUIET_S[mode] and not (is_known and so_far.n_taken >= so_far.n_planned):
            await asyncio.sleep(_TICK_S)
            is_quiet = so_far.n_taken == n_before and not so_far.n_waiting
            n_before, quiet_s = so_far.n_taken, quiet_s + _TICK_S if is_quiet else 0.0
        show(number / len(reports))


def _rows(year: "Year", result: "RunResult", n_around: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return what became of each earthquake, in their order."""
    import numpy as np

    from eew.dispatch.people import LEVELS
    from eew.model.records import Level

    lines = result.receipts.lines
    number_by_event = {core[0]: number for number, core in enumerate(result.receipts.cores)}
    handled_by_event = {each.report.event_id: each for each in result.dispatched}
    rows = []
    for report, name in zip(year.reports, year.names, strict=True):
        handled = handled_by_event[report.event_id]
        # What a device itself found harmless, notified through its cell, is no alert.
        is_alert = (lines["core_no"] == number_by_event.get(report.event_id, -1)) & (lines["level"] != Level.NONE)
        of_event = lines[is_alert]
        n_by_code = np.bincount(of_event["level"], minlength=len(LEVELS) + 1)
        n_by_level = {str(level.word): int(n_by_code[level]) for level in LEVELS}
        last_s = float(of_event["received_mono_ns"].max()) / 1e9 - handled.received_mono_s if len(of_event) else None
        rows.append(
            {
                "event_id": report.event_id,
                "name": name,
                "magnitude": report.magnitude,
                "n_around": n_around[report.event_id],
                "n_alerts": sum(n_by_level.values()),
                "n_alerts_by_level": n_by_level,
                "decide_ms": round(1000 * (handled.decided_mono_s - handled.received_mono_s), 3),
                "report_to_last_device_s": None if last_s is None else round(last_s, 4),
            }
        )
    return rows


def _document(
    settings: "Settings", year: "Year", share: float, summary: "RunSummary", rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    from eew.bench.result import DeliveryTally, document
    from eew.dispatch.settings import shown_settings

    took_s = [row["report_to_last_device_s"] for row in rows if row["report_to_last_device_s"] is not None]
    figures = {
        "reported": {"n_events": year.n_events_reported, "n_alerts": year.n_alerts_reported},
        "devices_per_inhabitant": year.devices_per_inhabitant,
        "n_devices": summary.n_devices,
        "n_devices_by_kind": summary.n_devices_by_kind,
        "n_events": len(rows),
        "n_alerts": sum(row["n_alerts"] for row in rows),
        "n_alerts_by_level": {
            word: sum(row["n_alerts_by_level"][word] for row in rows) for word in rows[0]["n_alerts_by_level"]
        },
        "dispatch_s": round(sum(took_s), 4),
        "worst_report_to_last_device_s": max(took_s, default=None),
        "outcome": summary.outcome,
        "conservation": summary.conservation,
        "latency_ms": summary.latency_ms,
        "dispatcher": summary.dispatcher,
        "events": list(rows),
    }
    # How many devices there are follows from the towns.
    shown = {name: value for name, value in shown_settings(settings).items() if name != "devices"}
    return document(
        "year",
        efficiency=None,
        broker=msgspec.structs.asdict(summary.broker),
        delivery=DeliveryTally([msgspec.structs.asdict(summary.delivery)]),
        seed=settings.seed,
        settings={"year": year.name, "share": share} | shown,
        figures=figures,
    )


def _share(text: str) -> float:
    """Return the share of the devices; raise ``InputError`` where it is none."""
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        raise InputError("a number above 0, up to 1", field="--share", value=text)
    return share


def _print(result: Mapping[str, Any], year: "Year", console: "Console") -> None:
    from eew.view.grid import Column, Grid, print_grid, say

    columns = (
        Column("origin (local)"),
        Column("place", wraps=True),
        Column("M", is_number=True),
        Column("devices around", is_number=True, falls=4),
        Column("critical", is_number=True, falls=1),
        Column("active", is_number=True, falls=2),
        Column("passive", is_number=True, falls=3),
        Column("alerts", is_number=True),
        Column("last device", is_number=True),
    )
    grid = Grid(columns, title=year.title)
    for report, row in zip(year.reports, result["events"], strict=True):
        last_s = row["report_to_last_device_s"]
        grid.add(
            f"{report.origin_at:%m-%d %H:%M}",
            row["name"],
            f"{row['magnitude']:.1f}",
            f"{row['n_around']:,}",
            *(f"{n:,}" for n in row["n_alerts_by_level"].values()),
            f"{row['n_alerts']:,}",
            "–" if last_s is None else f"{last_s:.3f} s",
        )
    print_grid(console, grid)
    for line in _totals(result, year):
        say(console, line)


def _totals(result: Mapping[str, Any], year: "Year") -> list[str]:
    from eew.bench.result import DeliveryTally

    outcome, reported = result["outcome"], result["reported"]
    by_level = ", ".join(f"{word} {n:,}" for word, n in result["n_alerts_by_level"].items())
    share = result["settings"]["share"]
    part = "" if share == 1 else f"; this is {share:g} of its devices"
    worst = max(result["events"], key=lambda row: row["report_to_last_device_s"] or 0.0)
    worst_s = result["worst_report_to_last_device_s"]
    slowest = "–" if worst_s is None else f"{worst_s:.3f} s ({worst['name']}, M {worst['magnitude']:.1f})"
    alerts = f"{result['n_alerts']:,} at {result['n_events']} earthquakes: {by_level}"
    real = f"of the real year {reported['n_events']} and more than {reported['n_alerts']:,} were published{part}"
    free = f"{year.devices_per_inhabitant:g} devices an inhabitant, everywhere: the one number that was chosen"
    dispatch = f"{result['dispatch_s']:.3f} s in all, from report to last device; worst {slowest}"
    late = f"late by dispatch {outcome.late_by_dispatch:,}, late by physics {outcome.late_by_physics:,}"
    return [
        f"alerts     {alerts} ({real})",
        f"free       {free}; the rest is towns, intensities and thresholds",
        f"dispatch   {dispatch}",
        f"people     in time {outcome.in_time:,}, {late}, not notified {outcome.not_told:,}",
        str(DeliveryTally([result["delivery"]])),
    ]
