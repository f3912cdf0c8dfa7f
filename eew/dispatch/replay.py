"""The whole program on one screen: broker, devices, feed, decision, fan-out and summary, in the order of the data.

feed ─▶ Dispatcher.handle ─▶ Outbox ─▶ dispatch ─▶ broker ─▶ Swarm ─▶ summary
"""

import asyncio
import math
import os
import platform
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from eew.contract.run_summary import (
    BrokerIdentity,
    DispatcherUse,
    MachineIdentity,
    PublisherFaults,
    RunFacts,
    RunSummary,
)
from eew.devices.swarm.swarm import Receipts, Swarm, SwarmSettings
from eew.dispatch.assembly import DispatchConfig, open_dispatch
from eew.dispatch.audience import CellAudience
from eew.dispatch.out_of_reach import out_of_reach
from eew.dispatch.plan_store import PlanStore
from eew.dispatch.replay_tasks import Progress, RunContext, RunInput, drain, play
from eew.dispatch.settings import Settings, shown_settings
from eew.dispatch.summary import Dispatched, summarise
from eew.model.errors import BrokerError
from eew.model.system.memory import anonymous_resident_bytes, set_mmap_threshold
from eew.mqtt.aiomqtt_client import broker_facts, mqtt_version
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.endpoint import Endpoint
from eew.mqtt.ready import wait_until_ready

__all__ = [
    "Progress",
    "RunInput",
    "RunResult",
    "run",
    "swarm_settings",
]


@dataclass(frozen=True, slots=True)
class RunResult:
    """The summary, the broker's failure if that ended the run, and what the summary was made of."""

    summary: RunSummary
    error: BrokerError | None
    dispatched: Sequence[Dispatched]
    receipts: Receipts
    #: Reports that were played.
    n_reports: int = 0
    #: It was told to stop before all was done.
    is_stopped: bool = False


async def run(
    settings: Settings, given: RunInput, progress: Progress, stopping: Callable[[], asyncio.Event] = asyncio.Event
) -> RunResult:
    """Play a run to its end.

    If cancelled, broker and devices are stopped and nothing is summarised.

    Parameters
    ----------
    settings, given, progress
        How, what, and how far it has come.
    stopping
        Asked when reports begin to be played, for what is set when the run shall end early: then no more reports are
        played, the portion in flight is sent, what waits has failed, and all that was done is summarised.

    Raises
    ------
    BrokerConnectError
        If the broker cannot be reached at the start.
    EewError
        If a worker ends by itself.
    """
    async with AsyncExitStack() as stack:
        set_mmap_threshold()
        progress.n_devices = len(given.devices)
        progress.resident_before_bytes = anonymous_resident_bytes()
        progress.stage = "starting the broker" if settings.broker is None else "waiting for the broker"
        endpoint, broker = await _broker(settings, stack)
        progress.broker = str(endpoint)
        config = DispatchConfig(
            endpoint=endpoint,
            dispatcher_id=settings.dispatcher_id,
            client_id=f"eew-publisher-{settings.dispatcher_id}-{os.getpid()}",
            mode=settings.mode,
            qos=settings.qos,
            payload=settings.payload,
            reconnect_s=settings.reconnect_s,
            profile=given.profile,
            estimator=given.estimator,
            devices=given.devices,
            shelters=given.shelters,
            key=given.key,
        )
        progress.stage = "finding the nearest shelters"
        dispatch = await stack.enter_async_context(open_dispatch(config))
        progress.stage = "connecting the devices"
        swarm = Swarm(
            swarm_settings(settings, given.profile.name, given.population, endpoint, config.keys),
            given.devices,
            given.folder,
        )
        await stack.enter_async_context(swarm)
        context = RunContext(settings, given, progress, dispatch, PlanStore(given.folder), swarm, stopping())
        try:
            error = await play(context)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        publisher, audience = dispatch.publisher, dispatch.audience
        deliveries = iter(dispatch.outbox.settle(publisher.confirmed_token, publisher.rejected))
        by_plan = {id(each.plan.report): each for each in deliveries}
        progress.stage = "collecting receipts"
        if error is None:
            await drain(context)
        is_stopped = context.stop.is_set()
        receipts: Receipts = await swarm.finish()
        dispatched = [
            Dispatched(
                each.report, each.disposition, each.received_mono_s, each.decided_mono_s, by_plan.get(id(each.report))
            )
            for each in progress.results
        ]
        summary = await asyncio.to_thread(
            summarise,
            dispatched,
            receipts,
            given.devices,
            cells=audience.table if isinstance(audience, CellAudience) else None,
            seed=settings.seed,
            facts=_facts(context, broker),
        )
        if not summary.conservation.selected:
            acted_on = (each.report for each in dispatched if each.delivery is not None)
            reach = await asyncio.to_thread(out_of_reach, acted_on, given.devices, given.estimator, given.profile)
            summary = msgspec.structs.replace(summary, out_of_reach=reach)
        return RunResult(
            summary, None if is_stopped else error, dispatched, receipts, dispatch.retained.n_reports, is_stopped
        )


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


def _facts(context: RunContext, broker: dict[str, str]) -> RunFacts:
    settings, given, progress, publisher = context.settings, context.given, context.progress, context.dispatch.publisher
    counts = publisher.counts
    return RunFacts(
        scenario=given.name,
        profile=given.profile.name,
        seed=settings.seed,
        mode=settings.mode,
        qos=settings.qos,
        payload=settings.payload,
        speed="max" if math.isinf(settings.speed) else settings.speed,
        broker=BrokerIdentity(**broker, mqtt_version=mqtt_version(publisher.version)),
        settings=shown_settings(settings),
        machine=MachineIdentity(
            cpus=os.cpu_count(),
            system=platform.system(),
            processor=platform.machine(),
            python=platform.python_version(),
        ),
        dispatcher=DispatcherUse(
            held_mib=round(progress.resident_bytes / 2**20, 1),
            bytes_a_device=round((progress.resident_bytes - progress.resident_before_bytes) / len(given.devices), 1),
            cpu_s=round(progress.cpu_s, 4),
            writing_s=round(context.dispatch.rate.writing_s, 4),
        ),
        publisher=PublisherFaults(
            reconnects=counts.n_reconnects,
            resent=counts.n_resent,
            rejected=counts.n_rejected,
        ),
    )
