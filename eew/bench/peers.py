"""``eew bench peers``: the same alerts published by loops of other clients, and arrivals asked of obspy one by one."""

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eew.bench.ratio import Ratio, in_words
from eew.bench.setup import Measured, add_load_options, load_options, open_loads, signing_key, warm_up_size
from eew.model.errors import BrokerConnectError, InputError
from eew.model.exit_status import ExitStatus
from eew.model.option_number import whole_number_of
from eew.model.system import interrupt
from eew.model.system.extras import how_to_install
from eew.view.line import print_line

if TYPE_CHECKING:
    from eew.bench.load import Load
    from eew.bench.peer_clients import Alert, Arrivals, Peer
    from eew.contract.signature import SigningKey
    from eew.devices.swarm.swarm import Swarm
    from eew.fanout.publish_template import Batch
    from eew.view.grid import Grid

__all__ = ["alerts_of", "configure", "run"]

_WHOLE, _PUBLISHER = "eew, report to last device", "eew, publisher alone"
#: A client has delivered what it will when nothing has come for this long.
_QUIET_S = 2.0
_POLL_S = 0.002


#: By name, ``rate_hz`` and ``delivery`` of whoever published, ``rate_hz`` and ``differs_s`` of who told arrivals.
_Run = dict[str, Mapping[str, Any]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_load_options(parser)
    parser.add_argument(
        "--peer-alerts", metavar="N", default="20000", help="how many of the alerts other clients send (default 20000)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure; return 0, or 1 when eew lost something: what others lose is their figure."""
    n_peer_alerts = whole_number_of(arguments.peer_alerts, "--peer-alerts", 1, 100_000_000)
    measured = load_options(arguments)
    if (measured.settings.broker or "").startswith("mqtts:"):
        raise InputError("mqtt://…, this bench speaks no TLS", field="--broker", value=measured.settings.broker)
    return interrupt.run(_run(measured, n_peer_alerts))


async def _run(measured: Measured, n_peer_alerts: int) -> int:
    from eew.bench.load import dispatch
    from eew.bench.peer_clients import PUBLISHERS, TAUP, Arrivals, installed_version
    from eew.bench.result import DeliveryTally, document, write
    from eew.dispatch.settings import shown_settings

    settings = measured.settings
    installed = {peer.name: installed_version(peer) for peer in (*PUBLISHERS, TAUP)}
    key = await signing_key(settings)
    runs: list[_Run] = []
    async with open_loads(settings, [settings.devices, warm_up_size(settings.devices)]) as (load, small):
        print("warming up", flush=True)
        await dispatch(small, key)
        arrivals = await asyncio.to_thread(Arrivals, load, has_taup=installed[TAUP.name] is not None)
        for number in range(1, measured.n_runs + 1):
            found = [peer for peer in PUBLISHERS if installed[peer.name] is not None]
            runs.append(await _measured(load, key, found, n_peer_alerts, arrivals, f"run {number}"))
    delivery = DeliveryTally([each[name]["delivery"] for each in runs for name in (_WHOLE, _PUBLISHER)])
    figures = _figures(runs, installed)
    write(
        document(
            "peers",
            efficiency=Ratio.of([each[_WHOLE]["rate_hz"] / each[_PUBLISHER]["rate_hz"] for each in runs]),
            broker=runs[-1][_WHOLE]["broker"],
            delivery=delivery,
            seed=settings.seed,
            settings=shown_settings(settings) | {"peer_alerts": n_peer_alerts},
            figures=figures,
        ),
        measured.json_path,
    )
    _print(figures, f"QoS {settings.qos}, medians of {len(runs)} alternated runs")
    print_line(str(delivery))
    return ExitStatus.FAILED if delivery.say_lost() else ExitStatus.DONE


async def _measured(
    load: "Load",
    key: "SigningKey",
    peers: Sequence["Peer"],
    n_peer_alerts: int,
    arrivals: "Arrivals",
    title: str,
) -> _Run:
    """Return one run of each, in turn."""
    from eew.bench.load import ceiling, dispatch
    from eew.bench.peer_clients import TAUP

    def print_line(name: str) -> None:
        print(f"{title} {name}: {measured[name]['rate_hz']:,.0f}/s", flush=True)

    told = await dispatch(load, key)
    measured: _Run = {_WHOLE: {"rate_hz": told.rate_hz, "delivery": told.delivery, "broker": told.broker}}
    print_line(_WHOLE)
    measured[_PUBLISHER] = await ceiling(load, key)
    print_line(_PUBLISHER)
    alerts = await _alerts(load, key, n_peer_alerts)
    for peer in peers:
        measured[peer.name] = await _published(load, peer, alerts)
        print_line(peer.name)
    measured["arrivals"], taup = await asyncio.to_thread(arrivals.measure)
    print_line("arrivals")
    if taup is not None:
        measured[TAUP.name] = taup
        print_line(TAUP.name)
    return measured


async def _alerts(load: "Load", key: "SigningKey", n_alerts: int) -> list["Alert"]:
    """Return the first of the alerts of one report, in sending order, as the dispatcher encodes them."""
    from eew.bench.load import only_alerts, packets

    async with only_alerts(load, key, "eew-peers") as context:
        batches, version = await packets(load, context), context.publisher.version
    alerts: list[Alert] = []
    for batch in batches:
        alerts += alerts_of(batch, n_alerts - len(alerts), version)
    return alerts


def alerts_of(batch: "Batch", n_alerts: int, mqtt_version: int) -> list["Alert"]:
    """Return topic and payload of the first so many packets of a batch.

    Parameters
    ----------
    batch
        Encoded PUBLISH packets.
    n_alerts
        Fewer come where the batch has no more.
    mqtt_version
        In which they are encoded.
    """
    from eew.mqtt import packet

    def alert(data: bytes) -> "Alert":
        _, topic_at, end = packet.packet_at(data, 0, len(data)) or (0, 0, 0)
        topic_end = topic_at + 2 + int.from_bytes(data[topic_at : topic_at + 2], "big")
        payload_at = topic_end + (0 if batch.id_at is None else 2)
        if mqtt_version == packet.V5:
            # The properties have their length before them, as a packet's rest has after its first byte.
            _, _, payload_at = packet.packet_at(data, payload_at - 1, end) or (0, 0, end)
        return data[topic_at + 2 : topic_end].decode(), data[payload_at:end]

    return [alert(row.tobytes()) for row in batch.data[:n_alerts]]


async def _published(load: "Load", peer: "Peer", alerts: Sequence["Alert"]) -> dict[str, Any]:
    """Let a client publish alerts to receivers that count, and return how that went."""
    from eew.bench.peer_clients import PUBLISHERS
    from eew.devices.swarm.swarm import Swarm
    from eew.dispatch.replay import swarm_settings

    how = swarm_settings(load.settings, load.profile.name, load.population, load.endpoint, {}, only_count=True)
    with interrupt.work_folder("eew-bench-") as folder:
        async with (
            Swarm(how, load.devices, folder) as swarm,
            PUBLISHERS[peer](load.endpoint, load.settings.qos) as publish,
        ):
            started_s = time.monotonic()
            try:
                await publish(alerts)
            except BrokerConnectError as error:
                print(f"{peer.name} gave up: {error.reason}", flush=True)
            last_s = await _last_received_s(swarm, len(alerts))
            n_received = swarm.n_taken
    n_delivered = min(n_received, len(alerts))
    return {
        "rate_hz": n_delivered / (last_s - started_s),
        "delivery": {
            "expected": len(alerts),
            "delivered": n_delivered,
            "lost": len(alerts) - n_delivered,
            "duplicated": n_received - n_delivered,
        },
    }


async def _last_received_s(swarm: "Swarm", n_due: int) -> float:
    """Wait until receivers have counted so many, or nothing comes any more; return when the last came, monotonic."""
    n_before, last_s = -1, 0.0
    while True:
        now_s, n_received = time.monotonic(), swarm.n_taken
        if n_received != n_before:
            n_before, last_s = n_received, now_s
        if n_received >= n_due or now_s - last_s > _QUIET_S:
            return last_s
        await asyncio.sleep(_POLL_S)


def _figures(runs: Sequence[_Run], installed: Mapping[str, str | None]) -> dict[str, Any]:
    """Return what stands in the JSON; ratios are medians of those within a run."""
    from eew.bench.peer_clients import MODEL, PUBLISHERS, TAUP
    from eew.bench.result import DeliveryTally

    def rate_hz(name: str) -> float:
        return float(statistics.median(run[name]["rate_hz"] for run in runs))

    def ratio(name: str, ours: str, peer: "Peer") -> dict[str, Any]:
        """Return the median of the ratios within a run, and their spread beside it."""
        ratios = [run[ours]["rate_hz"] / run[peer.name]["rate_hz"] for run in runs if run[peer.name]["rate_hz"]]
        found = Ratio.of(ratios) if ratios else None
        return {
            name: None if found is None else round(found.median, 2),
            f"{name}_spread": None if found is None else found.spread(),
        }

    publishing: dict[str, Any] = {}
    for peer in PUBLISHERS:
        publishing[peer.name] = installed[peer.name] and {
            "version": installed[peer.name],
            "alerts_a_second": round(rate_hz(peer.name)),
            **ratio("ratio", _WHOLE, peer),
            **ratio("publisher_ratio", _PUBLISHER, peer),
            "aim": peer.aim,
            "delivery": DeliveryTally([run[peer.name]["delivery"] for run in runs]),
        }
    taup = installed[TAUP.name] and {
        "version": installed[TAUP.name],
        "devices_a_second": round(rate_hz(TAUP.name), 1),
        **ratio("ratio", "arrivals", TAUP),
        "aim": TAUP.aim,
        "differs_s": max(run[TAUP.name]["differs_s"] for run in runs),
    }
    return {
        "alerts_a_second": round(rate_hz(_WHOLE)),
        "publisher_alerts_a_second": round(rate_hz(_PUBLISHER)),
        "publishing": publishing,
        "arrivals_a_second": round(rate_hz("arrivals")),
        "travel_times": MODEL,
        "arrivals": {TAUP.name: taup},
        "runs": [{name: round(each["rate_hz"], 1) for name, each in run.items()} for run in runs],
    }


def _print(figures: Mapping[str, Any], how: str) -> None:
    from rich.console import Console

    from eew.view.grid import print_grid, say

    console = Console(highlight=False)
    tables = (
        (f"publishing the same alerts, {how}", _publishing_grid(figures), figures["publishing"]),
        (f"P and S arrivals, {figures['travel_times']}", _arrivals_grid(figures), figures["arrivals"]),
    )
    for title, grid, rows in tables:
        say(console, f"\n{title}")
        print_grid(console, grid)
        for name, row in rows.items():
            if row is None:
                say(console, f"{name} not installed: {how_to_install('peers')}")
        for line in _spread_lines(rows):
            say(console, line)
    say(console, "")


def _publishing_grid(figures: Mapping[str, Any]) -> "Grid":
    from eew.view.grid import Column, Grid

    grid = Grid(
        (
            Column(""),
            Column("alerts/s", is_number=True),
            Column("eew is", is_number=True),
            Column("aim", is_number=True, falls=1),
            Column("publisher", is_number=True, falls=2),
            Column("delivered", falls=3),
        )
    )
    grid.add(_WHOLE, f"{figures['alerts_a_second']:,}", "", "", "", "")
    grid.add(_PUBLISHER, f"{figures['publisher_alerts_a_second']:,}", "", "", "", "")
    for name, row in figures["publishing"].items():
        if row is not None:
            delivery, times = row["delivery"], (_times(row["ratio"]), _aim(row["aim"]), _times(row["publisher_ratio"]))
            arrived = f"{delivery['delivered']:,} of {delivery['expected']:,}"
            grid.add(f"{name} {row['version']}", f"{row['alerts_a_second']:,}", *times, arrived)
    return grid


def _arrivals_grid(figures: Mapping[str, Any]) -> "Grid":
    from eew.view.grid import Column, Grid

    grid = Grid(
        (
            Column(""),
            Column("devices/s", is_number=True),
            Column("eew is", is_number=True),
            Column("aim", is_number=True, falls=1),
            Column("answers", falls=2),
        )
    )
    grid.add("eew", f"{figures['arrivals_a_second']:,}", "", "", "")
    for name, row in figures["arrivals"].items():
        if row is not None:
            compared = (_times(row["ratio"]), _aim(row["aim"]), f"within {1000 * row['differs_s']:.1f} ms")
            grid.add(f"{name} {row['version']}", f"{row['devices_a_second']:,.1f}", *compared)
    return grid


def _spread_lines(rows: Mapping[str, Mapping[str, Any] | None]) -> Iterator[str]:
    """Say how far the runs lie apart, for each that was compared with."""
    for name, row in rows.items():
        for ratio, title in (("ratio", "eew is"), ("publisher_ratio", "publisher")):
            spread = None if row is None else row.get(f"{ratio}_spread")
            if spread is not None:
                yield f"  {title}, against {name}: {in_words(spread)}"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:{',.0f' if ratio >= 1000 else '.1f'}} ×"


def _aim(aim: int | None) -> str:
    return "–" if aim is None else f"≥ {aim:,}"
