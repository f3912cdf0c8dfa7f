"""``eew bench connections``: every device on a connection of its own: how fast they connect, and are notified."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eew.dispatch.limit import Limit, add_fail_if, figures_of, judged, parse_limits, say_broken
from eew.model.exit_status import ExitStatus
from eew.model.option_number import whole_number_of
from eew.model.system import interrupt
from eew.model.system.cancellation import to_the_end
from eew.view.line import print_line

if TYPE_CHECKING:
    from eew.bench.load import Load, MeasuredDispatch
    from eew.dispatch.settings import Settings

__all__ = ["configure", "run"]

#: Where everybody lives within reach of the bench's earthquake: around Tokyo Bay.
_LAT_DEG, _LON_DEG, _RADIUS_KM = 35.6, 139.8, 300
#: What limits may be set on.
_FIGURES = ("p50", "p90", "p99", "p99.9", "max", "lost", "duplicated")
_PERCENTILES = {"p50": "p50", "p90": "p90", "p99": "p99", "p99_9": "p99.9", "max": "max"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--connections",
        # Not the setting of that name, which is of each worker.
        dest="n_connections",
        default="18000",
        metavar="N",
        help="devices, each on its own connection (default 18000)",
    )
    parser.add_argument("--qos", metavar="0|1", help="MQTT quality of service of alerts (default 0)")
    parser.add_argument("--workers", metavar="N", help="processes that play devices (default 2)")
    parser.add_argument("--broker", metavar="URL", help="mqtt://host:port, instead of the embedded broker")
    parser.add_argument("--seed", metavar="S", help="of the population (default 1)")
    parser.add_argument("--runs", dest="n_runs", default="3", metavar="N", help="how often (default 3)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write all figures there")
    add_fail_if(parser, _FIGURES)


def run(arguments: argparse.Namespace) -> int:
    """Measure; return 0, or 1 when something was lost, or above a limit."""
    from eew.bench.connecting import check_ports
    from eew.devices.swarm.source_host import source_host
    from eew.dispatch.settings import load_settings
    from eew.model.system.output import check_file
    from eew.mqtt.endpoint import Endpoint

    n_connections = whole_number_of(arguments.n_connections, "--connections", 1)
    n_runs = whole_number_of(arguments.n_runs, "--runs", 1)
    limits = parse_limits(arguments.fail_if, _FIGURES)
    check_file(arguments.json, "--json")
    fixed = {"devices": n_connections, "mode": "device", "connections_per_device": 1, "speed": "max"}
    settings = load_settings(vars(arguments) | fixed)
    host = "127.0.0.1"
    if settings.broker is not None:
        host = settings.placed("broker", partial(Endpoint.parse, settings.broker)).host
    has_addresses = source_host(host, 0) is not None
    check_ports(n_connections // settings.workers + 1 if has_addresses else n_connections)
    return interrupt.run(_run(settings, n_runs, arguments.json, limits))


async def _run(settings: "Settings", n_runs: int, json_path: Path | None, limits: Sequence[Limit]) -> int:
    from eew.bench.connecting import allow_files, connect
    from eew.bench.load import dispatch
    from eew.bench.result import DeliveryTally, write
    from eew.bench.setup import signing_key, warm_up_size

    n = settings.devices
    runs: list[dict[str, Any]] = []
    deliveries: list[Mapping[str, Any]] = []
    with interrupt.work_folder("eew-bench-") as folder:
        everybody = await to_the_end(_population, settings, n, folder / "all")
        few = await to_the_end(_population, settings, warm_up_size(n), folder / "few")
        allow_files(everybody.devices, settings.workers, has_own_broker=settings.broker is None)
        key = await signing_key(settings)
        print("warming up", flush=True)
        async with _with_broker(few) as (load, _):
            await dispatch(load, key)
        for number in range(1, n_runs + 1):
            # A fresh broker for each: what one measurement leaves behind is none of the other's business.
            async with _with_broker(everybody) as (load, pid):
                connected = await connect(load, pid)
            rate = connected["connections_a_second"]
            print(f"run {number}: {n:,} connected in {connected['connecting_s']:.2f} s, {rate:,}/s", flush=True)
            async with _with_broker(everybody) as (load, _):
                dispatched = await dispatch(load, key)
            print(f"run {number}: all notified {dispatched.total_s:.3f} s after the report", flush=True)
            runs.append(_figures(connected, dispatched))
            deliveries.append(dispatched.delivery)
    delivery = DeliveryTally(deliveries)
    result = _result(settings, dispatched.broker, runs, delivery)
    judgements = judged(limits, figures_of(result["latency_ms"]["report_to_device"], delivery))
    _print(settings, result)
    print_line(str(delivery))
    await asyncio.to_thread(write, result | {"limits": judgements}, json_path)
    is_lost, is_broken = delivery.say_lost(), say_broken("bench", judgements)
    return ExitStatus.FAILED if is_lost or is_broken else ExitStatus.DONE


def _population(settings: "Settings", n_devices: int, folder: Path) -> "Load":
    """Return a load whose broker is still to come."""
    from eew.bench.load import Load
    from eew.devices.population import store
    from eew.devices.population.population import make
    from eew.model.region_name import parse_region
    from eew.model.region_profile_file import load_profile
    from eew.mqtt.endpoint import Endpoint
    from eew.shelter import catalogue

    profile = settings.placed("profile", partial(load_profile, settings.profile or "japan"))
    shelters = catalogue.load(settings.shelters or catalogue.default_catalogue_path())
    store.save(make(parse_region(f"{_LAT_DEG},{_LON_DEG},{_RADIUS_KM}"), n_devices, settings.seed), folder)
    endpoint = Endpoint.parse(settings.broker or "mqtt://localhost")
    return Load(settings, endpoint, {}, store.load(folder), folder, profile, shelters, _LAT_DEG, _LON_DEG)


@asynccontextmanager
async def _with_broker(load: "Load") -> "AsyncIterator[tuple[Load, int | None]]":
    """Give the load with a broker that answers, and that broker's process where it is ours."""
    from dataclasses import replace

    import msgspec

    from eew.mqtt.aiomqtt_client import broker_facts
    from eew.mqtt.embedded import EmbeddedBroker
    from eew.mqtt.ready import wait_until_ready

    if load.settings.broker is not None:
        await wait_until_ready(load.endpoint, load.settings.reconnect_s, says_so=True)
        yield replace(load, broker=await broker_facts(load.endpoint)), None
        return
    async with EmbeddedBroker() as broker:
        settings = msgspec.structs.replace(load.settings, broker=str(broker.endpoint))
        yield replace(load, settings=settings, endpoint=broker.endpoint, broker=broker.facts), broker.pid


def _figures(connected: Mapping[str, Any], dispatched: "MeasuredDispatch") -> dict[str, Any]:
    """Return what one run has shown."""
    import msgspec

    return {
        **connected,
        "last_sent_ms": dispatched.summary.reports[0].last_sent_ms,
        "report_to_last_device_s": dispatched.total_s,
        "latency_ms": {"report_to_device": msgspec.structs.asdict(dispatched.summary.latency_ms.report_to_device)},
    }


def _result(
    settings: "Settings", broker: Mapping[str, str], runs: Sequence[Mapping[str, Any]], delivery: Mapping[str, int]
) -> dict[str, Any]:
    from eew.bench.result import document, medians
    from eew.dispatch.settings import shown_settings

    return document(
        "connections",
        efficiency=None,
        broker=broker,
        delivery=delivery,
        seed=settings.seed,
        settings=shown_settings(settings)
        | {
            # Here one a device, not so many of each worker.
            "connections": settings.devices,
            "broker": "embedded" if settings.broker is None else "external",
            "runs": len(runs),
        },
        figures=medians(runs) | {"runs": list(runs)},
    )


def _print(settings: "Settings", result: Mapping[str, Any]) -> None:
    n_runs, cpu_s, held = len(result["runs"]), result["cpu_s"], result["bytes_a_connection"]
    broker_kib, devices_kib = (None if held[name] is None else held[name] / 1024 for name in ("broker", "devices"))
    latency = result["latency_ms"]["report_to_device"]
    percentiles = ", ".join(f"{shown} {latency[name]:.0f}" for name, shown in _PERCENTILES.items())
    print_line(
        f"\n{settings.devices:,} connections, {settings.workers} worker{'s' * (settings.workers > 1)}, "
        f"QoS {settings.qos}: {f'medians of {n_runs} runs' if n_runs > 1 else 'one run'}\n"
        f"connect    {result['connections_a_second']:,.0f}/s: all subscribed in {result['connecting_s']:.2f} s, "
        f"besides {result['start_up_s']:.2f} s for starting the workers\n"
        f"processor  while connecting: broker {_known(cpu_s['broker'], 's')}, devices {_known(cpu_s['devices'], 's')}\n"
        f"memory     a connection: broker {_known(broker_kib, 'KiB')}, devices {_known(devices_kib, 'KiB')}; "
        "what the kernel holds is not in it\n"
        f"latency    report to device: {percentiles} ms; the last alert was handed to the broker after "
        f"{result['last_sent_ms']:.0f} ms\n"
        f"last       {result['report_to_last_device_s']:.3f} s after the report was published"
    )


def _known(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:,.1f} {unit}"
