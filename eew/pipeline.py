"""The whole program on one screen: broker, devices, feed, decision, fan-out and summary, in the order of the road.

feed ─▶ Dispatcher.handle ─▶ Outbox ─▶ dispatch ─▶ broker ─▶ Swarm ─▶ summary
"""

import asyncio
import math
import os
import platform
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eew.announcement import Announcements, Announcer
from eew.audience import CellAudience, Send, audience_of
from eew.broker.client import broker_facts, mqtt_version
from eew.broker.embedded import EmbeddedBroker
from eew.broker.endpoint import Endpoint
from eew.broker.ready import wait_until_ready
from eew.clock import Clock, SystemClock
from eew.devices.swarm import Receipts, Swarm, SwarmSettings
from eew.dispatcher import Dispatcher, EventClock, Handled
from eew.ending import to_the_end
from eew.errors import BrokerError
from eew.estimate.estimator import Estimator
from eew.fanout.bulletin import Bulletin
from eew.fanout.dispatch import SendRate, dispatch
from eew.fanout.outbox import Outbox
from eew.fanout.publisher import MqttPublisher
from eew.feed.replay import Pace
from eew.ledger import Ledger
from eew.memory import give_back_freed, held_bytes
from eew.model import Devices, EventReport, Profile, Shelters
from eew.settings import Settings, shown_settings
from eew.summary import Dispatched, summarise
from eew.wire.message import Clock as ClockMessage
from eew.wire.sign import SigningKey, in_base64url

__all__ = [
    "FIRST_GUESS_HZ",
    "LEAST_WINDOW",
    "Progress",
    "RunInput",
    "RunResult",
    "run",
    "swarm_settings",
]

#: Alerts a second that are promised until the real rate is known, by QoS.
FIRST_GUESS_HZ = (150_000.0, 50_000.0)
#: A broker that takes fewer alerts unacknowledged would make each wait for the way there and back.
LEAST_WINDOW = 1024
#: The devices have all they will get when nothing has come for this long.
_QUIET_S = 2.0
_LONGEST_DRAIN_S = 120.0
_TICK_S = 0.05


@dataclass(frozen=True, slots=True)
class RunInput:
    """What a run works on."""

    name: str
    reports: AsyncIterator[EventReport]
    #: The instant the first report is issued, where known before it comes.
    starts_at: datetime | None
    profile: Profile
    estimator: Estimator
    key: SigningKey
    devices: Devices
    #: Where ``devices`` is stored, for the swarm's workers.
    population: Path
    shelters: Shelters
    #: An existing, empty folder for the run's own files.
    folder: Path
    #: How far the reports have come, where they are a replay.
    pace: Pace | None = None


@dataclass(slots=True)
class Progress:
    """A run as it goes on: what a view looks at."""

    broker: str = ""
    n_devices: int = 0
    handled: list[Handled] = field(default_factory=list)
    n_planned: int = 0
    n_waiting: int = 0
    n_taken: int = 0
    rate_hz: float = 0.0
    stage: str = "starting"
    event_at: datetime | None = None
    #: The most memory that this process held while it dispatched, and what it held before.
    held_bytes: int = 0
    held_before_bytes: int = 0
    #: Processor time that this process took from the first report until all was handed over and confirmed.
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RunResult:
    """The summary, the broker's failure if that ended the run, and what the summary was made of."""

    summary: dict[str, Any]
    error: BrokerError | None
    dispatched: Sequence[Dispatched]
    receipts: Receipts


@dataclass(slots=True)
class _Road:
    """What the tasks of a run share; touched on the event loop only."""

    settings: Settings
    given: RunInput
    progress: Progress
    clock: Clock
    event_clock: EventClock
    outbox: Outbox
    rate: SendRate
    publisher: MqttPublisher
    bulletin: Bulletin
    announcer: Announcer
    dispatcher: Dispatcher
    ledger: Ledger
    swarm: Swarm


async def run(settings: Settings, given: RunInput, progress: Progress) -> RunResult:
    """Play a run to its end.

    If cancelled, broker and devices are stopped and nothing is summarised.

    Raises
    ------
    BrokerConnectError
        If the broker cannot be reached at the start.
    """
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        give_back_freed()
        progress.n_devices = len(given.devices)
        progress.held_before_bytes = held_bytes()
        progress.stage = "starting the broker"
        endpoint, broker = await _broker(settings, stack)
        progress.broker = str(endpoint)
        keys = {given.key.key_id: in_base64url(given.key.public_bytes)}

        event_clock = EventClock()
        bulletin = await stack.enter_async_context(Bulletin(endpoint, settings.dispatcher_id, keys))
        announcer = Announcer(bulletin, Announcements(given.profile, given.estimator))
        await stack.enter_async_context(announcer)
        progress.stage = "connecting the devices"
        swarm = Swarm(
            swarm_settings(settings, given.profile.name, given.population, endpoint, keys), given.devices, given.folder
        )
        await stack.enter_async_context(swarm)

        progress.stage = "finding the nearest shelters"
        publisher = MqttPublisher(
            endpoint,
            f"eew-publisher-{settings.dispatcher_id}-{os.getpid()}",
            qos=settings.qos,
            clock=clock,
            reconnect_s=settings.reconnect_s,
            least_window=LEAST_WINDOW,
        )
        await publisher.open()
        stack.push_async_callback(publisher.close)
        send = Send(settings.qos, publisher.version, settings.payload)
        audience = await asyncio.to_thread(audience_of, settings.mode, given.devices, given.shelters, send)
        outbox, rate = Outbox(), SendRate(FIRST_GUESS_HZ[settings.qos])
        dispatcher = Dispatcher(
            given.profile,
            given.estimator,
            audience,
            outbox,
            rate,
            given.key,
            clock=clock,
            event_clock=event_clock,
        )
        road = _Road(
            settings,
            given,
            progress,
            clock,
            event_clock,
            outbox,
            rate,
            publisher,
            bulletin,
            announcer,
            dispatcher,
            Ledger(given.folder),
            swarm,
        )
        error = await _travel(road)
        deliveries = iter(outbox.settle(publisher.confirmed_ticket, publisher.rejected))
        by_plan = {id(each.plan.report): each for each in deliveries}
        progress.stage = "collecting receipts"
        if error is None:
            await _drain(road)
        receipts: Receipts = await swarm.finish()
        dispatched = [
            Dispatched(each.report, each.fate, each.received_mono_s, each.decided_mono_s, by_plan.get(id(each.report)))
            for each in progress.handled
        ]
        summary = await asyncio.to_thread(
            summarise,
            dispatched,
            receipts,
            given.devices,
            cells=audience.table if isinstance(audience, CellAudience) else None,
            seed=settings.seed,
            facts=_facts(road, broker),
        )
        return RunResult(summary, error, dispatched, receipts)


async def _travel(road: _Road) -> BrokerError | None:
    """Feed, decide and send until all reports are out; return the broker's failure if it ended that."""
    sending = asyncio.create_task(
        dispatch(
            road.outbox,
            road.publisher,
            max_batch=road.publisher.max_batch // 2,
            clock=road.clock,
            event_now=road.event_clock.now,
            rate=road.rate,
        ),
        name="dispatch",
    )
    failures: list[BrokerError] = []
    cpu_before_s = time.process_time()
    try:
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(_watch(road), name="watch")
            deciding = tasks.create_task(_decide(road, sending), name="decide")
            await asyncio.wait((deciding, sending), return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and sending.exception() is not None:
                deciding.cancel()
            else:
                await deciding
            await sending
            watching.cancel()
    except* BrokerError as group:
        failures = [each for each in group.exceptions if isinstance(each, BrokerError)]
    finally:
        sending.cancel()
        road.progress.cpu_s = time.process_time() - cpu_before_s
    return failures[0] if failures else None


async def _decide(road: _Road, sending: asyncio.Task[None]) -> None:
    """Take each report as it comes, decide, and tell the event's subscribers."""
    progress = road.progress
    progress.stage = "waiting for reports"
    if road.given.starts_at is not None:
        await _set_clock(road, road.given.starts_at)
    async for report in road.given.reports:
        if math.isinf(road.settings.speed):
            # Without waits, each report would overtake the last before it is out: one after the other instead.
            emptied = asyncio.ensure_future(road.outbox.emptied())
            await asyncio.wait((emptied, sending), return_when=asyncio.FIRST_COMPLETED)
            emptied.cancel()
        await _set_clock(road, report.issued_at)
        road.bulletin.n_reports += 1
        progress.stage = "dispatching"
        for handled in await road.dispatcher.handle(report):
            progress.handled.append(handled)
            if handled.core is not None:
                progress.n_planned += handled.n_alerts
                road.bulletin.last_dispatch_at = datetime.now(UTC)
                road.announcer.tell(handled)
    road.outbox.close()


async def _set_clock(road: _Road, issued_at: datetime) -> None:
    """Let the replay's time be that of the report, here and for everybody who follows the status."""
    is_first = road.bulletin.clock is None
    road.event_clock.anchor(issued_at)
    speed = road.settings.speed
    road.bulletin.clock = ClockMessage(offset_s=road.event_clock.offset_s, speed=None if math.isinf(speed) else speed)
    if is_first:
        await road.bulletin.say()
    else:
        road.bulletin.say_soon()


async def _watch(road: _Road) -> None:
    """Keep the progress true, and what is out of memory."""
    while True:
        _note(road)
        road.swarm.check()
        await to_the_end(road.ledger.put_away, list(road.outbox.done))
        await asyncio.sleep(_TICK_S)


def _note(road: _Road) -> None:
    progress = road.progress
    progress.n_waiting = road.outbox.n_waiting
    progress.n_taken = road.swarm.n_taken
    progress.rate_hz = road.rate.hz
    progress.held_bytes = max(progress.held_bytes, held_bytes())
    progress.event_at = road.event_clock.now()


async def _drain(road: _Road) -> None:
    """Wait until nothing more comes to the devices."""
    quiet_s, n_before, started_s = 0.0, -1, road.clock.mono_s()
    while quiet_s < _QUIET_S and road.clock.mono_s() - started_s < _LONGEST_DRAIN_S:
        _note(road)
        quiet_s = quiet_s + _TICK_S if road.progress.n_taken == n_before else 0.0
        n_before = road.progress.n_taken
        await asyncio.sleep(_TICK_S)


async def _broker(settings: Settings, stack: AsyncExitStack) -> tuple[Endpoint, dict[str, str]]:
    """Return where the broker is, and what it is called; start the embedded one if none was named."""
    if settings.broker is not None:
        endpoint = Endpoint.parse(settings.broker)
        await wait_until_ready(endpoint, settings.reconnect_s, says_so=True)
        return endpoint, await broker_facts(endpoint)
    embedded = await stack.enter_async_context(EmbeddedBroker())
    return embedded.endpoint, embedded.facts


def swarm_settings(
    settings: Settings,
    profile_name: str,
    population: Path,
    endpoint: Endpoint,
    keys: dict[str, str],
    *,
    only_count: bool = False,
) -> SwarmSettings:
    """Return how a run's devices are played."""
    return SwarmSettings(
        broker_url=settings.broker or str(endpoint),
        population=str(population),
        mode=settings.mode,
        subscriptions=settings.subscriptions,
        n_workers=settings.workers,
        n_connections=0 if settings.connections_per_device else settings.connections,
        profile=profile_name,
        travel_times=settings.travel_times,
        keys=keys,
        only_count=only_count,
        reconnect_s=settings.reconnect_s,
    )


def _facts(road: _Road, broker: dict[str, str]) -> dict[str, Any]:
    settings, given, progress, publisher = road.settings, road.given, road.progress, road.publisher
    counts = publisher.counts
    return {
        "scenario": given.name,
        "profile": given.profile.name,
        "seed": settings.seed,
        "mode": settings.mode,
        "qos": settings.qos,
        "payload": settings.payload,
        "speed": "max" if math.isinf(settings.speed) else settings.speed,
        "broker": broker | {"mqtt_version": mqtt_version(publisher.version)},
        "settings": shown_settings(settings),
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.system(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
        "dispatcher": {
            "held_mib": round(progress.held_bytes / 2**20, 1),
            "bytes_a_device": round((progress.held_bytes - progress.held_before_bytes) / len(given.devices), 1),
            "cpu_s": round(progress.cpu_s, 4),
            "writing_s": round(road.rate.writing_s, 4),
        },
        "publisher": {
            "reconnects": counts.n_reconnects,
            "resent": counts.n_resent,
            "rejected": counts.n_rejected,
        },
    }
