"""One report to every device over a real broker, and the same packets from memory to compare it with.

dispatch   report ─ feed topic ─ decide ─ encode ─ publish ─▶ broker ─▶ devices that decode
ceiling    packets encoded beforehand ─ publish ────────────▶ broker ─▶ receivers that only count
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from eew.bench.urgency import urgency_ms
from eew.contract import topic
from eew.contract.run_summary import RunSummary
from eew.contract.signature import SigningKey
from eew.devices.swarm.swarm import Swarm
from eew.dispatch.assembly import DispatchConfig, DispatchContext, open_dispatch
from eew.dispatch.replay import Progress, RunInput, run, swarm_settings
from eew.dispatch.settings import Settings
from eew.estimate import TravelTimeTable, intensity_model
from eew.estimate.estimator import Estimator
from eew.fanout.memory_publisher import MemoryRetainedPublisher
from eew.fanout.publish_template import Batch
from eew.feed.formats.native import decode_report, encode_report
from eew.model.clock import SystemClock
from eew.model.errors import BrokerConnectError, EewError
from eew.model.records import AlertStatus, Devices, EventReport, Profile, ReportKind, Shelters
from eew.model.system import interrupt
from eew.mqtt.aiomqtt_client import client_of, mqtt_version, translated
from eew.mqtt.endpoint import Endpoint

__all__ = ["Load", "MeasuredDispatch", "ceiling", "dispatch", "only_alerts", "packets"]

#: One that every device within 300 km of the place feels.
_MAGNITUDE, _DEPTH_KM = 7.6, 10.0
_POLL_S = 0.002
_GIVE_UP_S = 300.0


@dataclass(frozen=True, slots=True)
class Load:
    """What both are measured with."""

    settings: Settings
    endpoint: Endpoint
    #: ``name``, ``version`` and ``url``.
    broker: Mapping[str, str]
    devices: Devices
    population: Path
    profile: Profile
    shelters: Shelters
    lat_deg: float
    lon_deg: float

    def report(self) -> EventReport:
        """Return a test report that was issued just now."""
        now = datetime.now(UTC)
        return EventReport(
            event_id="bench",
            source="bench",
            report_no=1,
            kind=ReportKind.NEW,
            status=AlertStatus.TEST,
            issued_at=now,
            origin_at=now,
            lat_deg=self.lat_deg,
            lon_deg=self.lon_deg,
            depth_km=_DEPTH_KM,
            magnitude=_MAGNITUDE,
        )

    def estimator(self) -> Estimator:
        """Return the profile's estimator."""
        table = TravelTimeTable.load(self.settings.travel_times or self.profile.travel_times)
        return Estimator(table, intensity_model(self.profile.intensity_model), self.profile.default_depth_km)


@dataclass(frozen=True, slots=True)
class MeasuredDispatch:
    """One report, dispatched from the feed topic to the last device."""

    summary: RunSummary
    #: ``name``, ``version``, ``url`` and ``mqtt_version``.
    broker: Mapping[str, str]
    #: From the report's publication until the dispatcher had it.
    feed_ms: float
    #: From the report's publication until the last device had decoded its alert.
    total_s: float
    #: Alerts over that time.
    rate_hz: float
    #: As ``urgency.urgency_ms`` returns it.
    urgency_ms: Mapping[str, float | None]
    #: Of ``total_s``, what the dispatcher spent writing under back-pressure and what was left after its last byte.
    broker_share: float
    #: Processor time of the dispatcher's process.
    cpu_us_an_alert: float

    @property
    def delivery(self) -> dict[str, Any]:
        """What became of the alerts, by name."""
        return msgspec.structs.asdict(self.summary.delivery)


async def dispatch(load: Load, key: SigningKey) -> MeasuredDispatch:
    """Publish one report on the feed topic and return the run summary with what was measured from there."""
    published_mono_s: list[float] = []
    clock = SystemClock()

    async def feed() -> AsyncIterator[EventReport]:
        where = topic.reports("bench")
        with translated(functools.partial(BrokerConnectError, str(load.endpoint))):
            async with client_of(load.endpoint, "bench-feed") as client:
                await client.subscribe(where, qos=1)
                published_mono_s.append(clock.mono_s())
                await client.publish(where, encode_report(load.report()), qos=1)
                async for message in client.messages:
                    yield decode_report(bytes(message.payload))
                    return

    progress = Progress()
    with interrupt.work_folder("eew-bench-") as folder:
        given = RunInput(
            name="bench",
            reports=feed(),
            starts_at=None,
            profile=load.profile,
            estimator=load.estimator(),
            key=key,
            devices=load.devices,
            population=load.population,
            shelters=load.shelters,
            folder=folder,
        )
        result = await run(load.settings, given, progress)
    if result.error is not None:
        raise result.error
    summary = result.summary
    last_ms = summary.latency_ms.report_to_device.max
    last_sent_ms = summary.reports[0].last_sent_ms if summary.reports else None
    if last_ms is None or last_sent_ms is None:
        raise EewError(f"none of {summary.delivery.expected:,} alerts came to its device")
    started_s = published_mono_s[0]
    feed_s = progress.results[0].received_mono_s - started_s
    total_s = feed_s + last_ms / 1000
    behind_s = total_s - feed_s - last_sent_ms / 1000
    n_sent = summary.conservation.sent
    return MeasuredDispatch(
        summary=summary,
        broker=msgspec.structs.asdict(summary.broker) | dict(load.broker),
        feed_ms=round(1000 * feed_s, 3),
        total_s=round(total_s, 4),
        rate_hz=round(n_sent / total_s, 1),
        urgency_ms=urgency_ms(result.receipts, started_s),
        broker_share=round((summary.dispatcher.writing_s + behind_s) / total_s, 4),
        cpu_us_an_alert=round(1e6 * summary.dispatcher.cpu_s / n_sent, 3),
    )


async def ceiling(load: Load, key: SigningKey) -> dict[str, Any]:
    """Blast the packets of the same alerts from memory to receivers that count, and return how long it took."""
    settings, clock = load.settings, SystemClock()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(interrupt.work_folder("eew-bench-"))
        context = await stack.enter_async_context(only_alerts(load, key, "eew-ceiling"))
        publisher, batches = context.publisher, await packets(load, context)
        n_due = sum(len(batch) for batch in batches)
        how = swarm_settings(settings, load.profile.name, load.population, load.endpoint, {}, only_count=True)
        swarm = await stack.enter_async_context(Swarm(how, load.devices, folder))
        started_s = clock.mono_s()
        for batch in batches:
            await publisher.send(batch)
        written_s = clock.mono_s()
        await _until_received(swarm, n_due)
        total_s, n_received = clock.mono_s() - started_s, swarm.n_taken
        n_missed = max(n_due - n_received, 0)
        return {
            "rate_hz": round(n_received / total_s, 1),
            "total_s": round(total_s, 4),
            "last_written_s": round(written_s - started_s, 4),
            "packet_bytes": batches[0].data.shape[1],
            "broker": dict(load.broker) | {"mqtt_version": mqtt_version(publisher.version)},
            "delivery": {
                "expected": n_due,
                "delivered": n_due - n_missed,
                "lost": n_missed,
                "duplicated": max(n_received - n_due, 0),
            },
        }


async def _until_received(swarm: Swarm, n_due: int) -> None:
    """Wait until the receivers have counted so many, or for long enough: their counters are shared memory."""
    until_s = SystemClock().mono_s() + _GIVE_UP_S
    for _ in iter(lambda: swarm.n_taken < n_due and SystemClock().mono_s() < until_s, False):
        await asyncio.sleep(_POLL_S)


def only_alerts(load: Load, key: SigningKey, client_id: str) -> AbstractAsyncContextManager[DispatchContext]:
    """Open the dispatcher of a load, which publishes alerts and nothing that is retained."""
    settings = load.settings
    config = DispatchConfig(
        endpoint=load.endpoint,
        dispatcher_id=settings.dispatcher_id,
        client_id=client_id,
        mode=settings.mode,
        qos=settings.qos,
        payload=settings.payload,
        reconnect_s=settings.reconnect_s,
        profile=load.profile,
        estimator=load.estimator(),
        devices=load.devices,
        shelters=load.shelters,
        key=key,
    )
    return open_dispatch(config, retained=MemoryRetainedPublisher())


async def packets(load: Load, context: DispatchContext) -> list[Batch]:
    """Return the packets of all alerts of one report, as the dispatcher encodes them."""
    await context.dispatcher.handle(load.report())
    batches = []
    while (portion := context.outbox.take(context.event_clock.now(), context.publisher.max_batch)) is not None:
        batches.append(await asyncio.to_thread(portion.encoder.encode, portion.start, portion.end))
    return batches
