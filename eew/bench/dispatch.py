"""``eew bench dispatch``: report to last device, beside what the broker can do at all with the same packets."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eew.bench.ratio import Ratio, in_words
from eew.bench.setup import Measured, add_load_options, load_options, open_loads, signing_key, warm_up_size
from eew.dispatch.limit import Limit, add_fail_if, figures_of, judged, parse_limits, say_broken
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt
from eew.view.line import print_line

if TYPE_CHECKING:
    from eew.bench.load import MeasuredDispatch

__all__ = ["configure", "run"]

_IMPOSSIBLE = "no dispatch is faster than its ceiling: with so few devices, starting is what was measured; take more\n"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_load_options(parser)
    add_fail_if(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure; return 0, or 1 when something was lost, or above a limit."""
    return interrupt.run(_run(load_options(arguments), parse_limits(arguments.fail_if)))


async def _run(measured: Measured, limits: Sequence[Limit]) -> int:
    from eew.bench.load import ceiling, dispatch
    from eew.bench.result import DeliveryTally, document, medians, write
    from eew.dispatch.settings import shown_settings

    settings = measured.settings
    key = await signing_key(settings)
    runs: list[dict[str, Any]] = []
    deliveries: list[dict[str, int]] = []
    async with open_loads(settings, [settings.devices, warm_up_size(settings.devices)]) as (load, small):
        print("warming up", flush=True)
        await dispatch(small, key)
        for number in range(1, measured.n_runs + 1):
            dispatched = await dispatch(load, key)
            print(f"run {number} dispatch: {dispatched.rate_hz:,.0f} alerts/s, {dispatched.total_s:.3f} s", flush=True)
            most = await ceiling(load, key)
            print(f"run {number} ceiling:  {most['rate_hz']:,.0f} alerts/s, {most['total_s']:.3f} s", flush=True)
            runs.append(_figures(dispatched, most))
            deliveries.append(dispatched.delivery)
    delivery, median = DeliveryTally(deliveries), medians(runs)
    efficiency = Ratio.of([each["efficiency"] for each in runs])
    n_late = sum(each["outcome"]["late_by_dispatch"] for each in runs)
    latency_ms = median["latency_ms"]["report_to_device"]
    judgements = judged(limits, figures_of(latency_ms, delivery, n_late, median["alerts_a_second"]))
    write(
        document(
            "dispatch",
            efficiency=efficiency,
            broker=dispatched.broker,
            delivery=delivery,
            seed=settings.seed,
            settings=shown_settings(settings),
            # The head has the efficiency, to more digits than its runs.
            figures={name: value for name, value in median.items() if name != "efficiency"}
            | {"conservation": dispatched.summary.conservation, "limits": judgements, "runs": runs},
        ),
        measured.json_path,
    )
    _print(median, efficiency, dispatched.broker)
    print_line(str(delivery))
    is_lost, is_broken = delivery.say_lost(), say_broken("bench", judgements)
    return ExitStatus.FAILED if is_lost or is_broken else ExitStatus.DONE


def _figures(dispatched: "MeasuredDispatch", most: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of one dispatch, and of the ceiling that was measured right after it.

    The machine's moods fall on both, so each efficiency is of such a pair.
    """
    import msgspec

    summary = dispatched.summary
    report = summary.reports[0]
    return {
        "efficiency": round(dispatched.rate_hz / most["rate_hz"], 4),
        "alerts_a_second": round(dispatched.rate_hz),
        "ceiling_a_second": round(most["rate_hz"]),
        "report_to_last_device_s": dispatched.total_s,
        "feed_ms": dispatched.feed_ms,
        "decide_ms": report.decide_ms,
        "first_sent_ms": report.first_sent_ms,
        "last_sent_ms": report.last_sent_ms,
        **dispatched.urgency_ms,
        "broker_share": dispatched.broker_share,
        "cpu_us_an_alert": dispatched.cpu_us_an_alert,
        "latency_ms": msgspec.to_builtins(summary.latency_ms),
        "outcome": msgspec.to_builtins(summary.outcome),
        "packet_bytes": most["packet_bytes"],
    }


def _print(median: Mapping[str, Any], efficiency: Ratio, broker: Mapping[str, str]) -> None:
    from rich.console import Console

    from eew.view.grid import Column, Grid, print_grid, say

    console = Console(highlight=False)
    say(
        console,
        f"\nmedian of {efficiency.n_runs} alternated runs: {median['alerts_a_second']:,.0f} alerts/s of "
        f"{median['ceiling_a_second']:,.0f} that the broker can do: efficiency {efficiency.median:.2f} "
        f"({in_words(efficiency.spread())})\n"
        f"{_IMPOSSIBLE if efficiency.interval is not None and efficiency.interval[0] > 1 else ''}"
        f"broker {broker['name']} {broker['version']}, MQTT {broker['mqtt_version']}\n"
        f"report to last device {median['report_to_last_device_s']:.3f} s, waiting for the broker "
        f"{median['broker_share']:.0%} of it; the dispatcher takes {median['cpu_us_an_alert']:.2f} µs of processor "
        f"time an alert\n"
        f"  feed {median['feed_ms']:.1f} ms, then first byte after {_ms(median['first_sent_ms'])}, all decided after "
        f"{_ms(median['decide_ms'])}, last byte after {_ms(median['last_sent_ms'])}\n"
        f"  first critical alert on its device {_ms(median['first_critical_ms'])} after the report, the 1 % most "
        f"urgent {_ms(median['most_urgent_1pct_ms'])}",
    )
    columns = (Column(name, is_number=True) for name in ("p50", "p90", "p99", "p99.9", "max"))
    grid = Grid((Column("report to device, ms"), *columns))
    latency = median["latency_ms"]
    for name, row in {"all": latency["report_to_device"], **latency["by_level"]}.items():
        if row["max"] is not None:
            grid.add(name, *(f"{value:,.0f}" for value in row.values()))
    print_grid(console, grid)
    say(console, f"packets of {median['packet_bytes']:,.0f} bytes")


def _ms(duration_ms: float | None) -> str:
    return "–" if duration_ms is None else f"{duration_ms:.1f} ms"
