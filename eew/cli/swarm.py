"""``eew swarm``: simulated devices against any broker, until Ctrl-C."""

import argparse
import asyncio
import contextlib
import functools
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eew.dispatch.limit import add_fail_if, judged, parse_limits, say_broken
from eew.model.errors import EewError, InputError
from eew.model.exit_status import ExitStatus
from eew.model.option_number import number_of, whole_number_of
from eew.model.system import interrupt

if TYPE_CHECKING:
    from rich.console import Console

    from eew.devices.swarm.swarm import Swarm, SwarmSettings
    from eew.dispatch.limit import Limit
    from eew.model.records import Devices

__all__ = ["configure", "run"]

_DEFAULT_BROKER = "mqtt://127.0.0.1:1883"
_TICK_S = 0.2
#: Between two lines where there is no terminal.
_LINE_EVERY_S = 5.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--population", metavar="DIR", help="made by 'eew devices'; required")
    parser.add_argument("--broker", metavar="URL", help=f"mqtt://host:port (default {_DEFAULT_BROKER})")
    parser.add_argument("--mode", metavar="device|cell", help="alerts a device (default) or a populated cell")
    parser.add_argument("--subscriptions", metavar="wildcard|each", help="how devices on one connection subscribe")
    parser.add_argument("--workers", metavar="N", help="processes that play devices (default 2)")
    parser.add_argument("--connections", metavar="N", help="connections of each worker (default 5)")
    parser.add_argument("--connections-per-device", metavar="1", help="a real connection for each device")
    parser.add_argument(
        "--profile", metavar="NAME|FILE", help="region profile of the devices in cell mode (default global)"
    )
    parser.add_argument("--travel-times", metavar="NAME|FILE", help="likewise, instead of the profile's")
    parser.add_argument(
        "--public-key",
        metavar="BASE64URL",
        nargs="+",
        action="extend",
        help="whose alerts devices trust (default: your own key, made on first use)",
    )
    parser.add_argument("--reconnect-s", metavar="S", help="how long to try while the broker is not there (default 30)")
    parser.add_argument("--for-s", metavar="S", help="stop after so many seconds (default: at Ctrl-C)")
    parser.add_argument(
        "--receipt-share", metavar="X", default="0", help="share of devices that send receipts (default 0)"
    )
    parser.add_argument("--summary", metavar="PATH", help="also write all figures there, as JSON")
    parser.add_argument("--expect", metavar="N", help="how many alerts should reach devices; exit 1 if fewer did")
    add_fail_if(parser)


def run(arguments: argparse.Namespace) -> int:
    """Play the devices; return 0 when stopped, 1 when too few came or above a limit, 3 when the broker goes."""
    from eew.cli.trust import public_keys
    from eew.contract.signature import SigningKey, in_base64url
    from eew.devices.population import store
    from eew.devices.swarm.open_files import allow_connections
    from eew.devices.swarm.swarm import SwarmSettings
    from eew.dispatch.settings import load_settings, shown_settings
    from eew.model.region_profile_file import load_profile
    from eew.model.system.output import check_file
    from eew.mqtt.endpoint import Endpoint
    from eew.physics.travel_time_table import TravelTimeTable

    settings = load_settings(vars(arguments))
    for_s = number_of(arguments.for_s, "--for-s", 0) if arguments.for_s is not None else math.inf
    receipt_share = number_of(arguments.receipt_share, "--receipt-share", 0, 1)
    n_expected = None if arguments.expect is None else whole_number_of(arguments.expect, "--expect", 0)
    limits = _limits(arguments, n_expected)
    check_file(arguments.summary, "--summary")
    if settings.population is None:
        raise InputError("a folder made by 'eew devices make'", field="--population")
    devices = settings.placed("population", functools.partial(store.load, Path(settings.population)))
    broker_url = settings.broker or _DEFAULT_BROKER
    settings.placed("broker", lambda: Endpoint.parse(broker_url))
    profile_name = settings.profile or "global"
    profile = settings.placed("profile", lambda: load_profile(profile_name))
    settings.placed("travel_times", lambda: TravelTimeTable.load(settings.travel_times or profile.travel_times))
    if settings.connections_per_device:
        # The workers inherit what we may open; each takes about as many devices.
        allow_connections(math.ceil(len(devices) / settings.workers))
    if arguments.public_key is not None:
        keys = public_keys(arguments.public_key)
    else:
        own = SigningKey.load_or_create()
        keys = {own.key_id: own.public_bytes}
    swarm_settings = SwarmSettings(
        broker_url=broker_url,
        population=settings.population,
        mode=settings.mode,
        subscriptions=settings.subscriptions,
        n_workers=settings.workers,
        n_connections=0 if settings.connections_per_device else settings.connections,
        profile=profile_name,
        travel_times=settings.travel_times,
        keys={key_id: in_base64url(key) for key_id, key in keys.items()},
        reconnect_s=settings.reconnect_s,
        receipt_share=receipt_share,
    )
    # Of the settings, those that this command has.
    shown = {name: value for name, value in shown_settings(settings).items() if name in vars(arguments)}
    trial = _Trial(swarm_settings, devices, shown, for_s, n_expected, limits, arguments.summary)
    return interrupt.run(_run(trial))


def _limits(arguments: argparse.Namespace, n_expected: int | None) -> "tuple[Limit, ...]":
    limits = parse_limits(arguments.fail_if)
    for limit in limits:
        if limit.figure == "lost" and n_expected is None:
            expected = "--expect N with it: how many alerts should come is known to the dispatcher only"
            raise InputError(expected, field="--fail-if", value=limit.text)
    return limits


@dataclass(frozen=True, slots=True)
class _Trial:
    """What is played, for how long, and what is asked of it."""

    settings: "SwarmSettings"
    devices: "Devices"
    #: As they are written to JSON.
    shown: dict[str, Any]
    for_s: float
    n_expected: int | None
    limits: "tuple[Limit, ...]"
    summary_path: str | None


async def _run(trial: _Trial) -> int:
    from eew.cli.stop import install_stop_signals
    from eew.devices.swarm.swarm import Swarm
    from eew.mqtt.aiomqtt_client import DEVICES_SPEAK, broker_facts
    from eew.mqtt.endpoint import Endpoint
    from eew.mqtt.ready import wait_until_ready

    stop = install_stop_signals()
    endpoint = Endpoint.parse(trial.settings.broker_url)
    with interrupt.work_folder("eew-swarm-") as folder:
        swarm = Swarm(trial.settings, trial.devices, folder)
        async with contextlib.AsyncExitStack() as stack:

            async def enter() -> dict[str, str]:
                await wait_until_ready(endpoint, trial.settings.reconnect_s, says_so=True)
                telling = asyncio.create_task(broker_facts(endpoint), name="broker facts")
                await stack.enter_async_context(swarm)
                return await telling

            entering = asyncio.create_task(enter())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait((entering, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not entering.done():
                entering.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await entering
                return _unjudged(trial)
            broker = await entering | {"mqtt_version": DEVICES_SPEAK}
            return await _play(trial, swarm, broker, stopping)


def _unjudged(trial: _Trial) -> int:
    """Return the exit code of a trial that was stopped before its devices were ready, and say what is missing."""
    missing = []
    if trial.n_expected or trial.limits:
        missing.append("nothing to judge --expect and --fail-if by")
    if trial.summary_path is not None:
        missing.append(f"no summary in {trial.summary_path}")
    if missing:
        sys.stderr.write(f"eew swarm: stopped before the devices were ready: {', '.join(missing)}\n")
    return ExitStatus.FAILED if missing else ExitStatus.DONE


async def _play(trial: _Trial, swarm: "Swarm", broker: dict[str, str], stopping: "asyncio.Task[bool]") -> int:
    """Show what comes until it is time to stop, then what came."""
    import time

    import msgspec
    from rich.console import Console

    from eew.dispatch.swarm_figures import received, received_figures
    from eew.model.system.output import write_file
    from eew.view.grid import say
    from eew.view.swarm_table import counts_in_words, figures_in_words, print_reports

    console = Console(highlight=False)
    ready_ns, wall_after_mono_s = time.monotonic_ns(), time.time() - time.monotonic()
    where = f"{len(trial.devices):,} simulated devices on {broker['url']}, {trial.settings.mode} mode"
    print(f"{where}: ready; Ctrl-C stops them", flush=True)
    failure: EewError | None = None
    try:
        async with asyncio.timeout(trial.for_s if math.isfinite(trial.for_s) else None):
            await _follow(swarm, stopping, console)
    except TimeoutError:
        pass
    except EewError as error:
        failure = error
    receipts = await swarm.finish()
    came = await asyncio.to_thread(
        received, receipts, len(trial.devices), ready_ns, wall_after_mono_s, trial.n_expected
    )
    judgements = judged(trial.limits, received_figures(came))
    by = interrupt.stopped_by() if stopping.done() else None
    summary = {
        "stopped": None if by is None else {"by": by.name},
        "broker": broker,
        "mode": trial.settings.mode,
        "n_devices": len(trial.devices),
        "settings": trial.shown,
        "ran_s": round((time.monotonic_ns() - ready_ns) / 1e9, 3),
        "counts": {counter.name.lower(): n for counter, n in receipts.counts.items()},
        **came,
        "limits": judgements,
    }
    if trial.summary_path is not None:
        text = json.dumps(summary, indent=1, default=msgspec.to_builtins) + "\n"
        await asyncio.to_thread(write_file, trial.summary_path, text)
    for line in (counts_in_words(receipts.counts), *figures_in_words(summary)):
        say(console, line)
    if summary["reports"]:
        print_reports(summary["reports"], console)
    is_broken = say_broken("swarm", judgements)
    n_expected, n_lost = summary["delivery"]["expected"], summary["delivery"]["lost"]
    if n_lost:
        sys.stderr.write(f"eew swarm: --expect: {n_expected - n_lost:,} of {n_expected:,} alerts reached devices\n")
    if failure is not None:
        sys.stderr.write(f"eew swarm: {failure}\n")
        return failure.exit_code
    return ExitStatus.FAILED if is_broken or n_lost else ExitStatus.DONE


async def _follow(swarm: "Swarm", stopping: asyncio.Task[bool], console: "Console") -> None:
    """Keep a line true on a terminal, say a new one now and then elsewhere; raise if the devices were cut off."""
    from rich.live import Live
    from rich.text import Text

    from eew.view.swarm_table import counts_in_words

    if console.is_terminal:
        with Live(console=console, transient=True, get_renderable=lambda: Text(counts_in_words(swarm.counts()))):
            while not stopping.done():
                swarm.check()
                await asyncio.wait((stopping,), timeout=_TICK_S)
        return
    said, n_ticks = counts_in_words(swarm.counts()), 1
    while not stopping.done():
        swarm.check()
        line = counts_in_words(swarm.counts())
        if line != said and n_ticks % round(_LINE_EVERY_S / _TICK_S) == 0:
            print(line, flush=True)
            said = line
        n_ticks += 1
        await asyncio.wait((stopping,), timeout=_TICK_S)
