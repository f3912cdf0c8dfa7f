"""The tasks of a run while its reports are played: feed, decide, send, watch; and the end, early or not."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from eew.contract.message import Clock as ClockMessage
from eew.contract.signature import SigningKey
from eew.dispatch.assembly import DispatchContext
from eew.dispatch.dispatcher import ActedOn, DispatchResult
from eew.dispatch.plan_store import PlanStore
from eew.dispatch.settings import Settings
from eew.estimate.estimator import Estimator
from eew.feed.playback import Pace, until
from eew.model.errors import BrokerError
from eew.model.records import Devices, EventReport, Profile, Shelters
from eew.model.system.cancellation import cancel_and_wait, to_the_end
from eew.model.system.memory import anonymous_resident_bytes

__all__ = ["Progress", "Receivers", "RunContext", "RunInput", "drain", "play"]

#: The devices have all they will get when nothing has come for this long.
_QUIET_S = 2.0
_LONGEST_DRAIN_S = 120.0
#: Of a run that was told to stop: until its broker has confirmed what is on its way, and until the devices have it.
_STOP_WITHIN_S, _STOPPED_DRAIN_S = 3.0, 10.0
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
    results: list[DispatchResult] = field(default_factory=list)
    n_planned: int = 0
    n_waiting: int = 0
    n_taken: int = 0
    rate_hz: float = 0.0
    stage: str = "starting"
    event_at: datetime | None = None
    #: The most memory that this process held while it dispatched, and what it held before.
    resident_bytes: int = 0
    resident_before_bytes: int = 0
    #: Processor time that this process took from the first report until all was handed over and confirmed.
    cpu_s: float = 0.0


class Receivers(Protocol):
    """Who gets the alerts of a run: a swarm, as its tasks see it."""

    @property
    def n_taken(self) -> int:
        """How many alerts devices have taken so far."""
        ...

    def check(self) -> None:
        """Raise if it has come to an end by itself."""
        ...


@dataclass(slots=True)
class RunContext:
    """What the tasks of a run share; touched on the event loop only."""

    settings: Settings
    given: RunInput
    progress: Progress
    dispatch: DispatchContext
    plan_store: PlanStore
    swarm: Receivers
    #: Set when the run shall end early.
    stop: asyncio.Event


async def play(context: RunContext) -> BrokerError | None:
    """Feed, decide and send until all reports are out; return the broker's failure if it ended that."""
    sending = asyncio.create_task(context.dispatch.send(), name="dispatch")
    failures: list[BrokerError] = []
    cpu_before_s = time.process_time()
    try:
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(_watch(context), name="watch")
            halting = tasks.create_task(_halt_when_told(context, sending), name="halt")
            deciding = tasks.create_task(_decide(context, sending), name="decide")
            await asyncio.wait((deciding, sending), return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not sending.cancelled() and sending.exception() is not None:
                deciding.cancel()
            else:
                await deciding
            await asyncio.wait((sending,))
            halting.cancel()
            watching.cancel()
            if not sending.cancelled():
                sending.result()
    except* BrokerError as group:
        failures = [each for each in group.exceptions if isinstance(each, BrokerError)]
    finally:
        await cancel_and_wait(sending)
        context.progress.cpu_s = time.process_time() - cpu_before_s
    return failures[0] if failures else None


async def _halt_when_told(context: RunContext, sending: asyncio.Task[None]) -> None:
    """Send nothing more than what is on its way when told to stop, and do not wait long for the broker's word."""
    await context.stop.wait()
    context.progress.stage = "stopping"
    context.dispatch.outbox.halt()
    await asyncio.wait((sending,), timeout=_STOP_WITHIN_S)
    await cancel_and_wait(sending)


async def _decide(context: RunContext, sending: asyncio.Task[None]) -> None:
    """Take each report as it comes, decide, and tell the event's subscribers."""
    progress = context.progress
    progress.stage = "waiting for reports"
    if context.given.starts_at is not None:
        await _set_clock(context, context.given.starts_at)
    async with aclosing(until(context.given.reports, context.stop)) as reports:
        async for report in reports:
            if math.isinf(context.settings.speed):
                # Without waits, each report would overtake the last before it is out: one after the other instead.
                await _until_out(context, sending)
                if context.stop.is_set():
                    continue
            await _set_clock(context, report.issued_at)
            context.dispatch.retained.n_reports += 1
            progress.stage = "dispatching"
            for result in await context.dispatch.dispatcher.handle(report):
                progress.results.append(result)
                if isinstance(result, ActedOn):
                    progress.n_planned += result.n_alerts
                    context.dispatch.retained.last_dispatch_at = datetime.now(UTC)
                    context.dispatch.announcer.tell(result)
    context.dispatch.outbox.close()


async def _until_out(context: RunContext, sending: asyncio.Task[None]) -> None:
    """Wait until nothing waits in the outbox, or nobody takes anything from it any more."""
    emptied = asyncio.create_task(context.dispatch.outbox.emptied(), name="emptied")
    try:
        await asyncio.wait((emptied, sending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_and_wait(emptied)


async def _set_clock(context: RunContext, issued_at: datetime) -> None:
    """Let the replay's time be that of the report, here and for everybody who follows the status."""
    is_first = context.dispatch.retained.clock is None
    context.dispatch.event_clock.anchor(issued_at)
    speed = context.settings.speed
    context.dispatch.retained.clock = ClockMessage(
        offset_s=context.dispatch.event_clock.offset_s, speed=None if math.isinf(speed) else speed
    )
    if is_first:
        await context.dispatch.retained.publish_status()
    else:
        context.dispatch.retained.request_publish()


async def _watch(context: RunContext) -> None:
    """Keep the progress true, and what is out of memory."""
    while True:
        _note(context)
        context.swarm.check()
        outbox = context.dispatch.outbox
        for plan_id, plan in outbox.to_spill:
            outbox.spilled(plan_id, await to_the_end(context.plan_store.spill, plan))
        await asyncio.sleep(_TICK_S)


def _note(context: RunContext) -> None:
    progress = context.progress
    progress.n_waiting = context.dispatch.outbox.n_waiting
    progress.n_taken = context.swarm.n_taken
    progress.rate_hz = context.dispatch.rate.hz
    progress.resident_bytes = max(progress.resident_bytes, anonymous_resident_bytes())
    progress.event_at = context.dispatch.event_clock.now()


async def drain(context: RunContext) -> None:
    """Wait until nothing more comes to the devices."""
    quiet_s, n_before, started_s = 0.0, -1, context.dispatch.clock.mono_s()
    while quiet_s < _QUIET_S:
        if context.dispatch.clock.mono_s() - started_s > (
            _STOPPED_DRAIN_S if context.stop.is_set() else _LONGEST_DRAIN_S
        ):
            return
        _note(context)
        quiet_s = quiet_s + _TICK_S if context.progress.n_taken == n_before else 0.0
        n_before = context.progress.n_taken
        await asyncio.sleep(_TICK_S)
