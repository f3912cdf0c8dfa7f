"""``eew bench scale``: how time and memory grow with the devices, affected ones and those that are only registered."""

import argparse
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eew.bench.ratio import Ratio, in_words
from eew.bench.setup import load_options, open_loads, signing_key, warm_up_size
from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.option_number import whole_number_of
from eew.model.system import interrupt
from eew.model.system.cancellation import to_the_end
from eew.view.line import print_line

if TYPE_CHECKING:
    from eew.bench.footprint import Peak
    from eew.bench.load import Load, MeasuredDispatch
    from eew.contract.signature import SigningKey
    from eew.dispatch.settings import Settings
    from eew.model.records import EventReport

__all__ = ["configure", "exponent", "registered_share", "run"]

_SIZES = {"device": (10_000, 100_000, 1_000_000), "cell": (10_000, 100_000, 1_000_000, 10_000_000)}
_MAX_DEVICES = 100_000_000
_REGISTERED = 10_000_000
#: Of the registered devices, one in so many is affected: 10⁵ of 10⁷.
_ONE_IN = 100
#: A moderate earthquake: who lives around its epicentre is notified, and nobody in the other region, 750 km away.
_MAGNITUDE = 5.0
_NEAR, _FAR = "35.6,139.8,100", "33.5,131.5,150"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--sizes", nargs="+", metavar="N", help="devices (default 10000 100000 1000000; in cell mode also 10000000)"
    )
    parser.add_argument("--mode", metavar="device|cell", help="one alert a device (default) or one a populated cell")
    parser.add_argument("--runs", dest="n_runs", metavar="N", default="3", help="alternated runs a size (default 3)")
    parser.add_argument(
        "--registered",
        nargs="?",
        const=str(_REGISTERED),
        metavar="N",
        help=f"also: N devices of whom one in {_ONE_IN} is affected, against these alone (without N: {_REGISTERED})",
    )
    parser.add_argument("--seed", metavar="S", help="of the population (default 1)")
    parser.add_argument("--broker", metavar="URL", help="mqtt://host:port, instead of the embedded broker")
    parser.add_argument("--json", metavar="PATH", type=Path, help="also write all figures there")


def run(arguments: argparse.Namespace) -> int:
    """Measure; return 0, or 1 when something was lost."""
    measured = load_options(arguments)
    given = arguments.sizes or map(str, _SIZES[measured.settings.mode])
    sizes = sorted({whole_number_of(text, "--sizes", 1, _MAX_DEVICES) for text in given})
    n_registered = None
    if arguments.registered is not None:
        n_registered = whole_number_of(arguments.registered, "--registered", 2 * _ONE_IN, _MAX_DEVICES)
    return interrupt.run(_run(measured.settings, measured.n_runs, sizes, n_registered, measured.json_path))


def exponent(n: Sequence[float], time_s: Sequence[float]) -> float | None:
    """Return b of the power law time = a nᵇ that lies nearest, by least squares of the logarithms.

    Parameters
    ----------
    n, time_s
        Shape ``(m,)``, positive.

    Returns
    -------
    exponent
        ``None`` where there are not two different ``n``.
    """
    import numpy as np

    if len(set(n)) < 2:
        return None
    log_n, log_time = np.log(n), np.log(time_s)
    away = log_n - log_n.mean()
    return round(float((away * (log_time - log_time.mean())).sum() / (away**2).sum()), 4)


def registered_share(alone: float, with_registered: float, n_affected: int, n_registered_only: int) -> float:
    """Return what a device costs that is only registered, as a share of what an affected one does.

    Parameters
    ----------
    alone, with_registered
        Time for the affected devices without and with the others.
    n_affected, n_registered_only
        How many are notified, and how many are not.
    """
    return (with_registered - alone) / n_registered_only / (alone / n_affected)


async def _run(
    settings: "Settings", n_runs: int, sizes: Sequence[int], n_registered: int | None, json_path: Path | None
) -> int:
    from eew.bench.footprint import COUNTED
    from eew.bench.result import DeliveryTally, document, write
    from eew.dispatch.settings import shown_settings

    key = await signing_key(settings)
    print(f"{settings.mode} mode, {n_runs} runs of each size; making {sum(sizes):,} devices", flush=True)
    async with open_loads(settings, [*sizes, warm_up_size(sizes[-1])]) as (*loads, small):
        runs_by_name = await _alternated({f"{len(load.devices):,}": load for load in loads}, small, key, n_runs)
    (broker, *_) = (each.dispatched.broker for runs in runs_by_name.values() for each in runs)
    growth = [_figures(len_, runs) for len_, runs in zip(sizes, runs_by_name.values(), strict=True)]
    deliveries = [each.dispatched.delivery for runs in runs_by_name.values() for each in runs]
    registered = None
    if n_registered is not None:
        registered, more = await _registered(settings, key, n_runs, n_registered)
        deliveries += more
    n_affected, total_s = ([each[name] for each in growth] for name in ("n_affected", "total_s"))
    exponents = {
        "all_sizes": exponent(n_affected, total_s),
        "largest_two": exponent(n_affected[-2:], total_s[-2:]),
    }
    delivery = DeliveryTally(deliveries)
    figures = {"exponent": exponents, "sizes": growth, "memory_counted": COUNTED, "registered": registered}
    write(
        document(
            "scale",
            efficiency=None,
            broker=broker,
            delivery=delivery,
            seed=settings.seed,
            settings=shown_settings(settings)
            | {"devices": list(sizes), "n_registered": n_registered, "n_runs": n_runs},
            figures=figures,
        ),
        json_path,
    )
    _print(figures, n_runs)
    print_line(str(delivery))
    return ExitStatus.FAILED if delivery.say_lost() else ExitStatus.DONE


@dataclasses.dataclass(frozen=True, slots=True)
class _ScaleRun:
    """One dispatch, and the most memory that it took; ``None`` where the system does not tell."""

    dispatched: "MeasuredDispatch"
    peak: "Peak | None"


async def _alternated(
    loads: Mapping[str, "Load"], small: "Load", key: "SigningKey", n_runs: int
) -> "dict[str, list[_ScaleRun]]":
    """Dispatch one load after the other, several times over; return what each run gave, by the load's name."""
    from eew.bench.footprint import Footprint
    from eew.bench.load import dispatch

    print("warming up", flush=True)
    await dispatch(small, key)
    runs: dict[str, list[_ScaleRun]] = {name: [] for name in loads}
    for number in range(1, n_runs + 1):
        for name, load in loads.items():
            with Footprint() as footprint:
                dispatched = await dispatch(load, key)
            runs[name].append(_ScaleRun(dispatched, footprint.peak))
            print(f"run {number} {name:>16} devices: {dispatched.total_s:.3f} s", flush=True)
    return runs


def _figures(n_devices: int, runs: "Sequence[_ScaleRun]") -> dict[str, Any]:
    """Return the medians of time, and the most memory, of the runs of one size."""
    from eew.bench.result import medians

    times = [
        {"total_s": each.dispatched.total_s, "decide_ms": each.dispatched.summary.reports[0].decide_ms} for each in runs
    ]
    peaks = [each.peak for each in runs if each.peak is not None]
    figures = {
        "n_devices": n_devices,
        # In time, late or not notified: all whom the report concerned.
        "n_affected": runs[0].dispatched.summary.outcome.total,
        **medians(times),
        "dispatcher_bytes": max((each.dispatcher_bytes for each in peaks), default=None),
        "swarm_bytes": max((each.swarm_bytes for each in peaks), default=None),
        "swarm_resident_bytes": max((each.swarm_resident_bytes for each in peaks), default=None),
        "with_summary_bytes": max((each.with_summary_bytes for each in peaks), default=None),
        "bytes_a_device": None,
        "runs": times,
    }
    if peaks:
        held = max(each.dispatcher_bytes + each.swarm_bytes for each in peaks)
        figures["bytes_a_device"] = round(held / n_devices, 1)
    return figures


async def _registered(
    settings: "Settings", key: "SigningKey", n_runs: int, n_registered: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Measure a moderate earthquake among many devices, and among those alone that it affects."""
    n_near = n_registered // _ONE_IN
    print(f"\nM{_MAGNITUDE:g} that affects {n_near:,} devices of {n_registered:,}: making them", flush=True)
    async with _registered_loads(settings, n_near, n_registered - n_near) as loads:
        runs = await _alternated(loads, loads["alone"], key, n_runs)
    alone, whole = (_figures(len(load.devices), runs[name]) for name, load in loads.items())
    n_affected = alone["n_affected"]
    if not 0 < n_affected == whole["n_affected"]:
        expected = f"one by which a M{_MAGNITUDE:g} concerns who lives within 100 km, and nobody 600 km away"
        raise InputError(expected, field="profile", value=settings.profile)
    n_only = n_registered - n_affected
    shares = {
        f"{name}_share": round(registered_share(alone[name], whole[name], n_affected, n_only), 6)
        for name in ("total_s", "decide_ms")
    }
    pairs = zip(runs["alone"], runs["with the registered"], strict=True)
    slower = Ratio.of([both.dispatched.total_s / alone_.dispatched.total_s for alone_, both in pairs])
    figures = {
        "magnitude": _MAGNITUDE,
        "n_affected": n_affected,
        "n_registered_only": n_only,
        **shares,
        "with_registered_to_alone": round(slower.median, 4),
        "with_registered_to_alone_spread": slower.spread(),
    }
    deliveries = [each.dispatched.delivery for of_load in runs.values() for each in of_load]
    return figures | {"alone": alone, "with_registered": whole}, deliveries


@asynccontextmanager
async def _registered_loads(settings: "Settings", n_near: int, n_far: int) -> "AsyncIterator[dict[str, Load]]":
    """Make the devices around an epicentre alone, and with others far away."""
    import msgspec

    from eew.bench.load import Load
    from eew.devices.population import store
    from eew.devices.population.population import make, merged
    from eew.model.region_name import parse_region

    class ModerateLoad(Load):
        """With a report that only its surroundings feel."""

        def report(self) -> "EventReport":
            return msgspec.structs.replace(Load.report(self), magnitude=_MAGNITUDE)

    def saved(folder: Path) -> dict[str, Path]:
        near = make(parse_region(_NEAR), n_near, settings.seed)
        store.save(near, folder / "alone")
        store.save(merged([near, make(parse_region(_FAR), n_far, settings.seed)], "registered"), folder / "whole")
        return {"alone": folder / "alone", "with the registered": folder / "whole"}

    with interrupt.work_folder("eew-bench-") as folder:
        paths = await to_the_end(saved, folder)
        async with open_loads(settings, [1]) as (load,):
            fields = {each.name: getattr(load, each.name) for each in dataclasses.fields(load)}
            yield {
                name: ModerateLoad(**fields | {"devices": store.load(path), "population": path})
                for name, path in paths.items()
            }


def _print(figures: Mapping[str, Any], n_runs: int) -> None:
    from rich.console import Console

    from eew.view.grid import Column, Grid, print_grid, say

    console = Console(highlight=False)
    say(console, f"\nmedians of {n_runs} alternated runs; memory of the greatest run")
    grid = Grid(
        (
            Column("devices", is_number=True),
            Column("report to last", is_number=True),
            Column("decided", is_number=True),
            Column("dispatcher", is_number=True),
            Column("swarm", is_number=True, falls=1),
            Column("a device", is_number=True, falls=2),
            Column("with summary", is_number=True, falls=3),
        )
    )
    for each in figures["sizes"]:
        grid.add(
            f"{each['n_devices']:,}",
            f"{each['total_s']:.3f} s",
            f"{each['decide_ms']:.1f} ms",
            _mib(each["dispatcher_bytes"]),
            _mib(each["swarm_bytes"]),
            "–" if each["bytes_a_device"] is None else f"{each['bytes_a_device']:,.0f} B",
            _mib(each["with_summary_bytes"]),
        )
    print_grid(console, grid)
    say(console, f"  memory: the {figures['memory_counted']}")
    grown = figures["exponent"]
    if grown["all_sizes"] is not None:
        say(
            console,
            f"time grows with the affected devices to the power of {grown['all_sizes']:.2f}, between the largest two "
            f"sizes of {grown['largest_two']:.2f}; small sizes are mostly fixed cost, which lowers the first",
        )
    registered = figures["registered"]
    if registered is None:
        return
    alone, whole = registered["alone"], registered["with_registered"]
    say(
        console,
        f"M{registered['magnitude']:g}: {registered['n_affected']:,} affected devices alone take "
        f"{alone['total_s']:.3f} s (decided in {alone['decide_ms']:.1f} ms), among {whole['n_devices']:,} registered "
        f"ones {whole['total_s']:.3f} s ({whole['decide_ms']:.1f} ms): one that is only registered costs "
        f"{registered['total_s_share']:.3%} of an affected one, {registered['decide_ms_share']:.3%} of its deciding\n"
        f"  run by run {registered['with_registered_to_alone']:.3g} times as long "
        f"({in_words(registered['with_registered_to_alone_spread'])})",
    )


def _mib(n_bytes: int | None) -> str:
    return "–" if n_bytes is None else f"{n_bytes / 2**20:,.0f} MiB"
