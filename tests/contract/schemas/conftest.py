"""What goes over the wire when the shipped scenarios are played to a few devices, made by the real code."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from eew.contract import topic
from eew.contract.message import Clock, payload_of
from eew.contract.signature import SigningKey, in_base64url
from eew.devices.population.population import make
from eew.devices.swarm.layout import RowRange
from eew.devices.swarm.receipts import ReceiptSender
from eew.dispatch.announcement import Announcements
from eew.dispatch.audience import Send, audience_of
from eew.dispatch.dispatcher import ActedOn, Dispatcher, EventClock
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.fanout.outbox import Outbox
from eew.fanout.retained_publisher import MqttRetainedPublisher
from eew.fanout.send_loop import SendRate
from eew.feed.formats.native import render
from eew.feed.scenario import Scenario, load_scenario
from eew.model.clock import SystemClock
from eew.model.records import DeviceKind, Devices, EventReport, Level, Profile, Shelters
from eew.model.region_name import parse_region
from eew.model.region_profile_file import load_profile
from eew.mqtt import packet
from eew.mqtt.endpoint import Endpoint
from eew.physics.cells import cell_at
from eew.physics.travel_time_table import TravelTimeTable
from eew.shelter import catalogue

#: Known to everybody, so that whoever reads the examples can sign and check as we do.
KEY = SigningKey.from_seed(bytes(range(32)))


@dataclass(frozen=True, slots=True)
class Sent:
    """One message on its way."""

    #: The name of its schema.
    name: str
    topic: str
    payload: bytes
    report: EventReport


#: Scenario, devices, mode, payload → all its messages.
Play = Callable[[Scenario, Devices, str, Literal["full", "compact"]], AsyncIterator[Sent]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the contract's files be written: ``make contract``."""
    parser.addoption("--write-contract", action="store_true", help="write the contract's files anew")


@pytest.fixture
def play() -> Play:
    """Return what plays a scenario without broker, clock and sockets."""
    return _played


@pytest.fixture
def towns() -> Devices:
    """Return four televisions, where nothing was drawn: Sendai, Mito, Tokyo, Sapporo."""
    lat_deg = np.array([43.06, 38.27, 36.37, 35.68], dtype=np.float32)
    lon_deg = np.array([141.35, 140.87, 140.47, 139.77], dtype=np.float32)
    cell = cell_at(lat_deg, lon_deg)
    row = np.argsort(cell)
    return Devices(
        id=np.array([b"sapporo", b"sendai", b"mito", b"tokyo"])[row],
        lat_deg=lat_deg[row],
        lon_deg=lon_deg[row],
        cell=cell[row],
        kind=np.full(4, DeviceKind.TV, dtype=np.uint8),
        region="towns",
        seed=1,
    )


@pytest.fixture(scope="session")
def scenario_devices() -> Callable[[Scenario, int], Devices]:
    """Return what makes a few devices where a scenario wants them."""
    return lambda scenario, n_devices: make(parse_region(scenario.population), n_devices, seed=1)


@pytest.fixture
def scenario(project: Path) -> Callable[[str], Scenario]:
    """Return what loads a shipped scenario."""
    return lambda name: load_scenario(project / "scenarios" / f"{name}.toml")


@cache
def _practice(name: str) -> tuple[Profile, Estimator]:
    profile = load_profile(name)
    table, model = TravelTimeTable.load(profile.travel_times), intensity_model(profile.intensity_model)
    return profile, Estimator(table, model, profile.default_depth_km)


@cache
def _shelters() -> Shelters:
    return catalogue.load(catalogue.default_catalogue_path())


async def _played(
    scenario: Scenario, devices: Devices, mode: str, payload: Literal["full", "compact"]
) -> AsyncIterator[Sent]:
    """Hand each report to a dispatcher, encode all it plans, and let the devices and the retained publisher speak."""
    profile, estimator = _practice(scenario.profile)
    audience = audience_of(mode, devices, _shelters(), Send(0, packet.V3, payload))
    outbox, event_clock = Outbox(), EventClock()
    dispatcher = Dispatcher(
        profile, estimator, audience, outbox, SendRate(100_000.0), KEY, clock=SystemClock(), event_clock=event_clock
    )
    announcements = Announcements(profile, estimator)
    retained = MqttRetainedPublisher(Endpoint("127.0.0.1", 1883), "eew-1", {KEY.key_id: in_base64url(KEY.public_bytes)})
    sender = ReceiptSender(devices, RowRange(0, len(devices)), 1.0)
    for state in ("starting", "running"):
        yield Sent("status", topic.status("eew-1"), retained._status(state), scenario.reports[0])
    for report in scenario.reports:
        event_clock.anchor(report.issued_at)
        yield Sent("report", topic.reports(report.source), render(report), report)
        retained.n_reports += 1
        retained.last_dispatch_at = report.issued_at
        retained.clock = Clock(offset_s=-1.5, speed=1.0)
        retained.feeds = {report.source: "listening"}
        yield Sent("status", topic.status("eew-1"), retained._status("running"), report)
        for handled in await dispatcher.handle(report):
            if not isinstance(handled, ActedOn):
                continue
            message = announcements.event(handled)
            yield Sent("event", topic.event(message.event_id), payload_of(message), report)
            while (portion := outbox.take(event_clock.now(), 10_000)) is not None:
                batch = portion.encoder.encode(portion.start, portion.end)
                for row in batch.data:
                    where, text = _read(row.tobytes())
                    yield Sent(f"{mode}-alert", where, text, report)
                if mode == "device":
                    part = slice(portion.start, portion.end)
                    plan = portion.plan
                    for row, code in zip(plan.target_row[part].tolist(), plan.level[part].tolist(), strict=True):
                        told = sender._packet(handled.core, row, Level(code), handled.core.issued_at)
                        yield Sent("receipt", *_read(told), report)
    yield Sent("status", topic.status("eew-1"), retained._status("stopped"), scenario.reports[-1])
    yield Sent("status", topic.status("eew-1"), retained._status("lost"), scenario.reports[-1])


def _read(data: bytes) -> tuple[str, bytes]:
    """Return topic and payload of a PUBLISH packet of MQTT 3.1.1 at QoS 0."""
    at = 1
    while data[at] & 0x80:
        at += 1
    at += 1
    end = at + 2 + int.from_bytes(data[at : at + 2])
    return data[at + 2 : end].decode(), data[end:]
