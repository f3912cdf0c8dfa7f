"""``eew bench ceiling``: what a broker can do at all with packets that are there already."""

import argparse
from collections.abc import Sequence
from typing import Any

from eew.bench.setup import Measured, add_load_options, load_options, open_loads, signing_key
from eew.dispatch.limit import Limit, add_fail_if, figures_of, judged, parse_limits, say_broken
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt
from eew.view.line import print_line

__all__ = ["configure", "run"]

#: What limits may be set on: receivers that only count know no latency.
_FIGURES = ("lost", "duplicated", "rate")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_load_options(parser)
    add_fail_if(parser, _FIGURES)


def run(arguments: argparse.Namespace) -> int:
    """Measure; return 0, or 1 when the receivers did not get all, or above a limit."""
    return interrupt.run(_run(load_options(arguments), parse_limits(arguments.fail_if, _FIGURES)))


async def _run(measured: Measured, limits: Sequence[Limit]) -> int:
    from eew.bench.load import ceiling
    from eew.bench.result import DeliveryTally, document, medians, write
    from eew.dispatch.settings import shown_settings

    settings = measured.settings
    key = await signing_key(settings)
    runs: list[dict[str, Any]] = []
    async with open_loads(settings, [settings.devices]) as (load,):
        for number in range(measured.n_runs + 1):
            most = await ceiling(load, key)
            broker = most.pop("broker")
            what = f"run {number} of {measured.n_runs}" if number else "warm-up"
            print(f"{what}: {most['rate_hz']:,.0f} alerts/s, {most['total_s']:.3f} s", flush=True)
            if number:
                runs.append(most)
    delivery = DeliveryTally([each["delivery"] for each in runs])
    median = medians([{name: each[name] for name in ("rate_hz", "total_s", "packet_bytes")} for each in runs])
    judgements = judged(limits, figures_of({}, delivery, rate_hz=median["rate_hz"]))
    write(
        document(
            "ceiling",
            efficiency=1.0,
            broker=broker,
            delivery=delivery,
            seed=settings.seed,
            settings=shown_settings(settings),
            figures={
                "ceiling_a_second": round(median["rate_hz"]),
                "total_s": median["total_s"],
                "packet_bytes": median["packet_bytes"],
                "limits": judgements,
                "runs": runs,
            },
        ),
        measured.json_path,
    )
    print_line(f"\nbroker {broker['name']} {broker['version']}, MQTT {broker['mqtt_version']}")
    megabytes_hz = median["rate_hz"] * median["packet_bytes"] / 1e6
    print_line(
        f"median of {len(runs)} runs: {median['rate_hz']:,.0f} packets/s of {median['packet_bytes']} bytes "
        f"({megabytes_hz:,.0f} MB/s), from the first byte written to the last packet counted\n{delivery}"
    )
    is_lost, is_broken = delivery.say_lost(), say_broken("bench", judgements)
    return ExitStatus.FAILED if is_lost or is_broken else ExitStatus.DONE
