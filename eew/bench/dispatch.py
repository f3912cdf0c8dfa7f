"""``eew bench dispatch``: report to last device, beside what the broker can do at all with the same packets."""

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eew.bench.load import Load
    from eew.settings import Settings

__all__ = ["configure", "run"]

#: Where everybody lives within reach of the bench's earthquake: around Tokyo Bay.
_LAT_DEG, _LON_DEG, _RADIUS_KM = 35.6, 139.8, 300
_WARM_UP_SHARE = 0.05


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--devices", metavar="N", help="how many simulated devices (default 100000)")
    parser.add_argument("--mode", metavar="device|cell", help="one alert a device (default) or one a populated cell")
    parser.add_argument("--qos", metavar="0|1", help="MQTT quality of service of alerts (default 0)")
    parser.add_argument("--subscriptions", metavar="wildcard|each", help="how devices on one connection subscribe")
    parser.add_argument("--workers", metavar="N", help="processes that play devices (default 2)")
    parser.add_argument("--connections", metavar="N", help="connections of each worker (default 5)")
    parser.add_argument("--broker", metavar="URL", help="mqtt://host:port, instead of the embedded broker")
    parser.add_argument("--seed", metavar="S", help="of the population (default 1)")
    parser.add_argument("--runs", metavar="N", type=int, default=3, help="alternated runs of both (default 3)")
    parser.add_argument("--json", metavar="PATH", help="also write all figures there")


def run(arguments: argparse.Namespace) -> int:
    """Measure; return 0, or 1 when something was lost."""
    from eew.errors import InputError
    from eew.settings import Settings, load_settings

    if arguments.runs < 1:
        raise InputError("1 or more", field="--runs", value=arguments.runs)
    options = {name: getattr(arguments, name, None) for name in Settings.__struct_fields__}
    return asyncio.run(_run(load_settings(options | {"speed": "max"}), arguments.runs, arguments.json))


async def _run(settings: "Settings", n_runs: int, json_path: str | None) -> int:
    from eew.bench.load import ceiling, dispatch
    from eew.wire.sign import SigningKey

    key = await asyncio.to_thread(SigningKey.load_or_create, Path(settings.key) if settings.key else None)
    runs: list[tuple[dict[str, Any], dict[str, Any]]] = []
    async with AsyncExitStack() as stack:
        load, small = await _loads(settings, stack)
        print("warming up", flush=True)
        await dispatch(small, key)
        for number in range(1, n_runs + 1):
            summary = await dispatch(load, key)
            print(f"run {number} dispatch: {_rate(summary):,.0f} alerts/s, {summary['total_s']:.3f} s", flush=True)
            most = await ceiling(load, key)
            print(f"run {number} ceiling:  {_ceiling_rate(most):,.0f} alerts/s, {most['total_s']:.3f} s", flush=True)
            runs.append((summary, most))
    result = _result(settings, runs)
    _print(result)
    if json_path is not None:
        await asyncio.to_thread(Path(json_path).write_text, json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if result["delivery"]["lost"] else 0


async def _loads(settings: "Settings", stack: AsyncExitStack) -> "tuple[Load, Load]":
    """Return the load and a small one to warm up with, over one broker."""
    import msgspec

    from eew.bench.load import Load
    from eew.broker.embedded import EmbeddedBroker
    from eew.broker.endpoint import Endpoint
    from eew.devices import store
    from eew.devices.population import make
    from eew.devices.region import parse_region
    from eew.profile import load_profile
    from eew.shelter import catalogue

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eew-bench-")))
    if settings.broker is None:
        endpoint = (await stack.enter_async_context(EmbeddedBroker())).endpoint
    else:
        endpoint = Endpoint.parse(settings.broker)
    settings = msgspec.structs.replace(settings, broker=settings.broker or str(endpoint))
    profile = load_profile(settings.profile or "japan")
    shelters = await asyncio.to_thread(catalogue.load, settings.shelters or catalogue.default_catalogue_path())
    region = parse_region(f"{_LAT_DEG},{_LON_DEG},{_RADIUS_KM}")

    def loaded(name: str, n_devices: int) -> Load:
        store.save(make(region, n_devices, settings.seed), folder / name)
        return Load(settings, endpoint, store.load(folder / name), folder / name, profile, shelters, _LAT_DEG, _LON_DEG)

    n_small = max(1, int(settings.devices * _WARM_UP_SHARE))
    return await asyncio.to_thread(loaded, "all", settings.devices), await asyncio.to_thread(loaded, "few", n_small)


def _rate(summary: dict[str, Any]) -> float:
    sent: int = summary["conservation"]["sent"]
    total_s: float = summary["total_s"]
    return sent / total_s


def _ceiling_rate(most: dict[str, Any]) -> float:
    n_received: int = most["n_received"]
    total_s: float = most["total_s"]
    return n_received / total_s


def _result(settings: "Settings", runs: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    from eew import __version__

    # Each dispatch beside the ceiling that was measured right after it: the machine's moods fall on both.
    efficiency = statistics.median(_rate(summary) / _ceiling_rate(most) for summary, most in runs)
    deliveries = [summary["delivery"] for summary, _ in runs]
    last = sorted(runs, key=lambda pair: pair[0]["total_s"])[len(runs) // 2][0]
    return {
        "version": __version__,
        "settings": {name: getattr(settings, name) for name in ("devices", "mode", "qos", "subscriptions", "seed")},
        "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "efficiency": round(efficiency, 4),
        "delivery": {
            name: sum(each[name] for each in deliveries) for name in ("expected", "delivered", "lost", "duplicated")
        },
        "conservation": last["conservation"],
        "alerts_a_second": round(statistics.median(_rate(summary) for summary, _ in runs)),
        "ceiling_a_second": round(statistics.median(_ceiling_rate(most) for _, most in runs)),
        "report_to_last_device_s": last["total_s"],
        "feed_ms": last["feed_ms"],
        "decide_ms": last["reports"][0]["decide_ms"],
        "first_sent_ms": last["reports"][0]["first_sent_ms"],
        "last_sent_ms": last["reports"][0]["last_sent_ms"],
        "latency_ms": last["latency_ms"],
        "packet_bytes": runs[0][1]["packet_bytes"],
        "runs": [{"dispatch_s": summary["total_s"], "ceiling_s": most["total_s"]} for summary, most in runs],
    }


def _print(result: dict[str, Any]) -> None:
    latency = result["latency_ms"]["report_to_device"]
    print(
        f"\nmedian of {len(result['runs'])} alternated runs: {result['alerts_a_second']:,} alerts/s of "
        f"{result['ceiling_a_second']:,} that the broker can do: efficiency {result['efficiency']:.2f}\n"
        f"report to last device {result['report_to_last_device_s']:.3f} s: feed {result['feed_ms']:.1f} ms, decided "
        f"after {result['decide_ms']:.1f} ms, first handed over after {result['first_sent_ms']:.1f} ms, last after "
        f"{result['last_sent_ms']:.1f} ms\n"
        f"report to device: p50 {latency['p50']:.0f}, p90 {latency['p90']:.0f}, p99 {latency['p99']:.0f}, "
        f"p99.9 {latency['p99_9']:.0f}, max {latency['max']:.0f} ms; packets of {result['packet_bytes']} bytes\n"
        f"expected {result['delivery']['expected']:,} = delivered {result['delivery']['delivered']:,} + lost "
        f"{result['delivery']['lost']:,}; duplicated {result['delivery']['duplicated']:,}"
    )
