"""The dispatcher assembled, in process and without a broker: reports in, plans, portions, confirmations."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from eew.contract.message import DeviceAlert
from eew.contract.signature import SigningKey, Verifier, core_of
from eew.devices.population.population import make
from eew.dispatch.assembly import DispatchConfig, DispatchContext, open_dispatch
from eew.dispatch.plan_store import PlanStore
from eew.dispatch.planner import Planner
from eew.dispatch.replay_tasks import Progress, RunContext, RunInput, play
from eew.dispatch.settings import Settings
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.fanout.encode import DeviceEncoder
from eew.fanout.memory_publisher import MemoryPublisher, MemoryRetainedPublisher, PublisherFault
from eew.fanout.publish_template import Batch
from eew.model.clock import SystemClock
from eew.model.errors import BrokerLostError
from eew.model.records import AlertStatus, Delivery, EventReport, ReportKind
from eew.model.region_name import parse_region
from eew.model.region_profile_file import load_profile
from eew.mqtt.endpoint import Endpoint
from eew.physics.travel_time_table import TravelTimeTable
from eew.shelter import catalogue

JAPAN = load_profile("japan")
KEY = SigningKey.from_seed(bytes(range(32)))
N = 3000
#: All of them feel the earthquake below, in portions of 512, 1024 and the rest.
DEVICES = make(parse_region("35,139,60"), N, 1)
CONFIG = DispatchConfig(
    endpoint=Endpoint("127.0.0.1", 1),
    dispatcher_id="test",
    client_id="test",
    mode="device",
    qos=1,
    payload="full",
    reconnect_s=0.0,
    profile=JAPAN,
    estimator=Estimator(TravelTimeTable.load("ak135"), intensity_model("sm99"), 10.0),
    devices=DEVICES,
    shelters=catalogue.load(catalogue.default_catalogue_path()),
    key=KEY,
)
NOW = datetime(2026, 11, 28, tzinfo=UTC)


def report(report_no: int = 1, magnitude: float | None = 7.4) -> EventReport:
    is_cancel = magnitude is None
    return EventReport(
        event_id="ev",
        source="jma",
        report_no=report_no,
        kind=ReportKind.CANCEL if is_cancel else ReportKind.NEW if report_no == 1 else ReportKind.UPDATE,
        status=AlertStatus.TEST,
        issued_at=NOW + timedelta(seconds=2 + report_no),
        origin_at=None if is_cancel else NOW,
        lat_deg=None if is_cancel else 35.0,
        lon_deg=None if is_cancel else 139.0,
        depth_km=None if is_cancel else 10.0,
        magnitude=magnitude,
    )


CANCEL = report(3, None)


@dataclass(slots=True)
class GatedPublisher(MemoryPublisher):
    """Waits, when it was handed so many batches, until the test lets it go on; or in its last flush."""

    stops_at_batch: int = 0
    stops_in_flush: bool = False
    n_batches: int = 0
    is_there: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, batch: Batch) -> int:
        self.n_batches += 1
        if self.n_batches == self.stops_at_batch:
            self.is_there.set()
            await self.may_go_on.wait()
        return await MemoryPublisher.send(self, batch)

    async def flush(self) -> None:
        if self.stops_in_flush:
            self.is_there.set()
            await self.may_go_on.wait()
        await MemoryPublisher.flush(self)


@dataclass
class Memory:
    """Receivers that have what the publisher has."""

    publisher: MemoryPublisher

    @property
    def n_taken(self) -> int:
        return len(self.publisher.packets)

    def check(self) -> None:
        pass


@dataclass
class Station:
    """A dispatcher whose edges are in memory."""

    folder: Path
    publisher: MemoryPublisher
    retained: MemoryRetainedPublisher = field(default_factory=MemoryRetainedPublisher)
    config: DispatchConfig = CONFIG

    def opened(self) -> AbstractAsyncContextManager[DispatchContext]:
        return open_dispatch(self.config, publisher=self.publisher, retained=self.retained)

    def run_of(self, context: DispatchContext, reports: AsyncIterator[EventReport], speed: float = 1.0) -> RunContext:
        given = RunInput(
            name="test",
            reports=reports,
            starts_at=None,
            profile=self.config.profile,
            estimator=self.config.estimator,
            key=self.config.key,
            devices=self.config.devices,
            population=self.folder,
            shelters=self.config.shelters,
            folder=self.folder,
        )
        settings, swarm = Settings(speed=speed), Memory(self.publisher)
        return RunContext(settings, given, Progress(), context, PlanStore(self.folder), swarm, asyncio.Event())

    def settled(self, context: DispatchContext) -> list[Delivery]:
        """Return what became of each plan; every alert is sent, superseded, expired or failed, and none is two."""
        deliveries = context.outbox.settle(self.publisher.confirmed_token, self.publisher.rejected)
        for each in deliveries:
            parts = (each.n_sent, each.n_superseded, each.n_expired, each.n_failed)
            assert min(parts) >= 0
            assert sum(parts) == len(each.plan)
        n_rejected = self.publisher.counts.n_rejected
        assert sum(each.n_sent for each in deliveries) == len(self.publisher.packets) - n_rejected
        return deliveries


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path, MemoryPublisher(SystemClock()))


async def played(*reports: EventReport) -> AsyncIterator[EventReport]:
    for each in reports:
        yield each


@pytest.mark.parametrize("mode", ["device", "cell"])
async def test_a_report_goes_through_to_the_last_confirmation(
    mode: Literal["device", "cell"], station: Station
) -> None:
    """Everybody in reach gets one signed alert, the event and its CAP stand, and all of it counts as sent."""
    station.config = replace(CONFIG, mode=mode)
    async with station.opened() as context:
        run = station.run_of(context, played(report()))
        assert await play(run) is None
        (handled,) = run.progress.results
        (delivery,) = station.settled(context)
        assert delivery.n_sent == handled.n_alerts == len(context.audience)
    assert station.retained.n_reports == 1
    assert list(station.retained.events) == list(station.retained.caps) == ["ev"]
    assert station.retained.cards


async def test_what_is_sent_can_be_verified(station: Station) -> None:
    """What lies in memory is what a device would be sent: a PUBLISH with a payload that verifies."""
    async with station.opened() as context:
        await play(station.run_of(context, played(report())))
    verifier = Verifier({KEY.key_id: KEY.public_bytes})
    for packet in station.publisher.packets:
        alert = msgspec.json.decode(packet[packet.index(b"{") :], type=DeviceAlert)
        assert verifier.verify(alert.key_id, core_of(alert), alert.signature)


async def test_what_a_newer_report_overtakes_is_superseded(tmp_path: Path) -> None:
    """While the first portion is being written comes a stronger report, and then a cancel."""
    publisher = GatedPublisher(SystemClock(), stops_at_batch=1)
    station = Station(tmp_path, publisher)

    async def overtaking() -> AsyncIterator[EventReport]:
        yield report()
        await publisher.is_there.wait()
        yield report(2, 7.9)
        yield CANCEL
        publisher.may_go_on.set()

    async with station.opened() as context:
        run = station.run_of(context, overtaking())
        assert await play(run) is None
        first, second, cancel = station.settled(context)
        selected = [each.n_alerts for each in run.progress.results]
    assert [len(each.plan) for each in (first, second, cancel)] == selected
    # The encoder works one portion ahead of the writer.
    assert first.n_sent + first.n_superseded == N
    assert first.n_superseded > 0
    assert second.n_superseded > 0
    assert cancel.n_sent == len(cancel.plan) > 0


async def test_a_broker_that_refuses_and_goes_away_is_counted(tmp_path: Path) -> None:
    """One packet of the first portion is refused, the second portion is lost: the run ends with the broker's error."""
    station = Station(
        tmp_path, MemoryPublisher(SystemClock(), faults=(PublisherFault(7, "refuse"), PublisherFault(600, "lose")))
    )
    async with station.opened() as context:
        assert isinstance(await play(station.run_of(context, played(report()))), BrokerLostError)
        (delivery,) = station.settled(context)
    assert (delivery.n_sent, delivery.n_failed) == (511, N - 511)


class Gate:
    """Where a thread waits until the test lets it go on."""

    def __init__(self) -> None:
        self.is_there = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._may_go_on = threading.Event()

    def wait(self) -> None:
        self._loop.call_soon_threadsafe(self.is_there.set)
        assert self._may_go_on.wait(10)

    def open(self) -> None:
        self._may_go_on.set()


def gated(monkeypatch: pytest.MonkeyPatch, of: type, name: str, gate: Gate, *, at_call: int = 1) -> None:
    """Let one call of a method that runs in a thread wait at the gate."""
    real, n_calls = getattr(of, name), 0

    def method(*arguments: object) -> object:
        nonlocal n_calls
        n_calls += 1
        if n_calls == at_call:
            gate.wait()
        return real(*arguments)

    monkeypatch.setattr(of, name, method)


#: By stage: how many alerts are sent, and how many have failed.
STAGES = {
    "waiting for a report": (0, 0),
    "working out how far it reaches": (0, 0),
    "estimating": (0, 0),
    "encoding": (0, N),
    "encoding while writing": (0, N),
    "writing the first portion": (0, N),
    "writing the second portion": (512, N - 512),
    "waiting until a report is out": (0, N),
    "waiting for the last confirmation": (N, 0),
}


@pytest.mark.parametrize("stage", STAGES)
async def test_cancelled_at_each_stage_all_tasks_end_and_the_counts_add_up(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it was at, nothing of it goes on, and every alert that was selected is accounted for."""
    publisher, gate = GatedPublisher(SystemClock()), Gate()
    station, before = Station(tmp_path, publisher), asyncio.all_tasks()
    is_there = gate.is_there
    in_thread: dict[str, Callable[[], None]] = {
        "working out how far it reaches": lambda: gated(monkeypatch, Planner, "outlook", gate),
        "estimating": lambda: gated(monkeypatch, Planner, "estimate", gate),
        "encoding": lambda: gated(monkeypatch, DeviceEncoder, "encode", gate),
        "encoding while writing": lambda: gated(monkeypatch, DeviceEncoder, "encode", gate, at_call=2),
    }
    if stage in in_thread:
        in_thread[stage]()
    elif stage != "waiting for a report":
        is_there = publisher.is_there
    is_one_after_the_other = stage == "waiting until a report is out"
    n_batches = {"writing the second portion": 2, "writing the first portion": 1, "encoding while writing": 1}
    publisher.stops_at_batch = n_batches.get(stage, int(is_one_after_the_other))
    publisher.stops_in_flush = stage == "waiting for the last confirmation"

    async def reports() -> AsyncIterator[EventReport]:
        if stage == "waiting for a report":
            is_there.set()
            await asyncio.Event().wait()
        yield report()
        if is_one_after_the_other:
            yield report(2, 7.9)

    contexts: list[DispatchContext] = []
    left: list[asyncio.Task[Any]] = []

    async def whole() -> None:
        async with station.opened() as context:
            contexts.append(context)
            try:
                await play(station.run_of(context, reports(), speed=math.inf if is_one_after_the_other else 1.0))
            finally:
                left.extend(asyncio.all_tasks() - before)

    running = asyncio.create_task(whole())
    await asyncio.wait_for(is_there.wait(), 10)
    for _ in range(1000 * is_one_after_the_other):
        if "emptied" in {each.get_name() for each in asyncio.all_tasks()}:
            break
        await asyncio.sleep(0)
    running.cancel()
    # A thread cannot be cancelled: it is let go once its task was told to end.
    asyncio.get_running_loop().call_soon(gate.open)
    await asyncio.wait((running,), timeout=10)
    assert running.cancelled()
    # The announcer is the context's, not the run's.
    assert sorted({each.get_name() for each in left} - {running.get_name()}) == ["announce"]
    assert asyncio.all_tasks() == before
    deliveries = station.settled(contexts[0])
    n_sent, n_failed = STAGES[stage]
    assert sum(each.n_sent for each in deliveries) == n_sent
    assert sum(each.n_failed for each in deliveries) == n_failed
