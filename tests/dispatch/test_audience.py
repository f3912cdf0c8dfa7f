"""To whom alerts are addressed, as the devices read them."""

import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pyproj import Geod

from eew.contract.message import AlertCore
from eew.devices.swarm.decode import cell_alerts, device_alerts
from eew.devices.swarm.subscriber_protocol import runs
from eew.dispatch import audience as module
from eew.dispatch.audience import CellAudience, DeviceAudience, Send
from eew.model.records import (
    AlertPlan,
    AlertStatus,
    DeviceKind,
    Devices,
    EventReport,
    Hazard,
    Level,
    ReportKind,
    Shelters,
    Solution,
)
from eew.mqtt.packet import V3
from eew.physics import cells
from eew.physics.geodesy import ecef_km
from tests.strategies import make_report

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
GEOD = Geod(ellps="WGS84")
SEND = Send(qos=0, version=V3, payload="full")
SHORT = Send(qos=0, version=V3, payload="compact")
N = 40
EARTHQUAKE, TSUNAMI = int(Hazard.EARTHQUAKE), int(Hazard.EARTHQUAKE | Hazard.TSUNAMI)


@pytest.fixture
def devices(rng: np.random.Generator) -> Devices:
    """Return devices around a town, some of them neighbours, with ids of two lengths."""
    lat = (38.2 + rng.normal(0, 0.15, N)).astype(np.float32)
    lon = (140.9 + rng.normal(0, 0.15, N)).astype(np.float32)
    cell = cells.cell_at(lat, lon)
    order = np.argsort(cell, kind="stable")
    return Devices(
        id=np.array([f"d{i:03d}" if i % 3 else f"tv-{i:06d}" for i in range(N)], dtype=np.bytes_),
        lat_deg=lat[order],
        lon_deg=lon[order],
        cell=cell[order],
        kind=np.full(N, DeviceKind.PHONE, dtype=np.uint8),
        region="town",
        seed=None,
    )


def shelters(rng: np.random.Generator, hazards: list[int]) -> Shelters:
    n = len(hazards)
    return Shelters(
        id=tuple(f"s{i}" for i in range(n)),
        name=tuple(f"第{i}小学校" for i in range(n)),
        lat_deg=38.2 + rng.normal(0, 0.15, n),
        lon_deg=140.9 + rng.normal(0, 0.15, n),
        hazards=np.array(hazards, dtype=np.uint8),
        capacity=np.full(n, np.nan, dtype=np.float32),
        title="test",
        licence="none",
        is_synthetic=True,
    )


def report(*, tsunami: bool | None = None, kind: ReportKind = ReportKind.NEW) -> EventReport:
    return make_report(
        1,
        28,
        7.6,
        event_id="e1",
        kind=kind,
        status=AlertStatus.EXERCISE,
        at=ORIGIN_AT,
        lat_deg=38.1,
        lon_deg=142.9,
        tsunami=tsunami,
    )


def plan_of(of: EventReport, target_row: npt.NDArray[np.int32]) -> tuple[AlertPlan, AlertCore]:
    n = len(target_row)
    after_s = np.linspace(40, 50, n).astype(np.float32)
    plan = AlertPlan(
        report=of,
        expires_at=ORIGIN_AT + timedelta(seconds=600),
        scale="jma",
        info="jp/ja",
        target_row=target_row,
        level=(1 + np.arange(n) % 3).astype(np.uint8),
        intensity=np.full(n, 4.2, dtype=np.float32),
        p_arrival_s=np.linspace(20, 25, n).astype(np.float32),
        s_arrival_s=after_s,
        s_slowness_s_km=np.full(n, 0.225, dtype=np.float32),
        radius_km_by_level={},
    )
    core = AlertCore(
        event_id=of.event_id,
        report_no=of.report_no,
        kind=of.kind,
        status=of.status,
        issued_at=of.issued_at,
        origin_at=of.origin_at,
        lat_deg=of.lat_deg,
        lon_deg=of.lon_deg,
        depth_km=of.depth_km,
        magnitude=of.magnitude,
        expires_at=plan.expires_at,
        key_id="0a1b2c3d",
        signature="s" * 86,
    )
    return plan, core


def sent(packets: npt.NDArray[np.uint8]) -> list[tuple[str, dict[str, Any]]]:
    """Return topic and members of each packet, taken apart by hand (MQTT 3.1.1, 3.3)."""
    out = []
    for row in packets:
        data = row.tobytes()
        at = 1
        while data[at] & 0x80:
            at += 1
        (n_topic,) = struct.unpack_from(">H", data, at + 1)
        start = at + 3
        out.append((data[start : start + n_topic].decode(), json.loads(data[start + n_topic :])))
    return out


def nearest_by_hand(of: Shelters, lat_deg: float, lon_deg: float, hazards: int, k: int = 1) -> list[tuple[str, float]]:
    """Return ids and distances of the nearest shelters that are marked for the hazards."""
    distance_m = [
        (GEOD.inv(lon_deg, lat_deg, lon, lat)[2], name)
        for name, lat, lon, marks in zip(of.id, of.lat_deg, of.lon_deg, of.hazards, strict=True)
        if int(marks) & hazards == hazards
    ]
    return [(name, distance) for distance, name in sorted(distance_m)[:k]]


@pytest.mark.parametrize(("tsunami", "hazards"), [(None, EARTHQUAKE), (False, EARTHQUAKE), (True, TSUNAMI)])
def test_each_device_is_sent_its_nearest_shelter(
    tsunami: bool | None, hazards: int, devices: Devices, rng: np.random.Generator
) -> None:
    """After a tsunami flag only those marked for it count, too; distance as the geodesic says."""
    places = shelters(rng, [EARTHQUAKE, TSUNAMI, EARTHQUAKE, TSUNAMI, int(Hazard.TSUNAMI), EARTHQUAKE])
    town = DeviceAudience(devices, places, SEND)
    row = rng.permutation(N).astype(np.int32)
    plan, core = plan_of(report(tsunami=tsunami), row)
    messages = sent(town.encoder(plan, core).encode(0, N).data)
    assert len(town) == N
    for at, (topic, alert) in zip(row.tolist(), messages, strict=True):
        device_id = devices.id[at].decode()
        assert topic.split("/")[-1] == alert["device_id"] == device_id
        ((name, distance_m),) = nearest_by_hand(places, float(devices.lat_deg[at]), float(devices.lon_deg[at]), hazards)
        assert alert["shelter"]["id"] == name
        assert alert["shelter"]["distance_m"] == pytest.approx(distance_m, abs=0.51)
        assert alert["status"] == "exercise"


@pytest.mark.parametrize(("tsunami", "hazards"), [(None, EARTHQUAKE), (True, TSUNAMI)])
def test_short_alerts_name_the_same_shelters_by_their_ids(
    tsunami: bool | None, hazards: int, devices: Devices, rng: np.random.Generator
) -> None:
    """To devices the nearest, to cells the three nearest to the middle; nothing else is said of them."""
    places = shelters(rng, [EARTHQUAKE, TSUNAMI, EARTHQUAKE, TSUNAMI, TSUNAMI, TSUNAMI])
    town, region = DeviceAudience(devices, places, SHORT), CellAudience(devices, places, SHORT)
    row = rng.permutation(N).astype(np.int32)
    for at, (_, alert) in zip(
        row.tolist(), sent(town.encoder(*plan_of(report(tsunami=tsunami), row)).encode(0, N).data), strict=True
    ):
        ((name, _),) = nearest_by_hand(places, float(devices.lat_deg[at]), float(devices.lon_deg[at]), hazards)
        assert (alert["shelter"], alert["shelter_id"]) == (None, name)
    row = np.arange(len(region), dtype=np.int32)
    edges = cells.bounds(region.table.cell, 12)
    lat, lon = (edges.south_deg + edges.north_deg) / 2, (edges.west_deg + edges.east_deg) / 2
    messages = sent(region.encoder(*plan_of(report(tsunami=tsunami), row)).encode(0, len(row)).data)
    for at, (_, alert) in enumerate(messages):
        wanted = nearest_by_hand(places, float(lat[at]), float(lon[at]), hazards, k=3)
        assert (alert["shelters"], alert["shelter_ids"]) == ([], [name for name, _ in wanted])


@pytest.mark.parametrize("make", [DeviceAudience, CellAudience])
def test_a_short_packet_has_no_user_properties(
    make: type[DeviceAudience | CellAudience], devices: Devices, rng: np.random.Generator
) -> None:
    """In MQTT 5 the expiry alone stands before the payload: five bytes of properties (MQTT 5, 3.3.2.3)."""
    row = np.arange(4, dtype=np.int32)
    for payload in ("full", "compact"):
        town = make(devices, shelters(rng, [EARTHQUAKE]), Send(qos=1, version=5, payload=payload))
        for packet in town.encoder(*plan_of(report(), row)).encode(0, 4).data:
            before = packet.tobytes().partition(b'{"v":1')[0]
            assert before.endswith(b"\x05\x02" + struct.pack(">I", 572)) == (payload == "compact")


@pytest.mark.parametrize("hazards", [[EARTHQUAKE, TSUNAMI], [TSUNAMI, TSUNAMI]], ids=["some", "all"])
@pytest.mark.parametrize("make", [DeviceAudience, CellAudience])
def test_shelters_are_found_before_the_first_report(
    make: type[DeviceAudience | CellAudience],
    hazards: list[int],
    devices: Devices,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first tsunami flag makes nobody wait; where it changes nothing, nothing is looked for twice."""
    n_searches = 0

    def counted(find: Any) -> Any:
        def search(*arguments: Any, **options: Any) -> Any:
            nonlocal n_searches
            n_searches += 1
            return find(*arguments, **options)

        return search

    for name in ("nearest", "nearest_k"):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))
    town = make(devices, shelters(rng, hazards), SEND)
    assert n_searches == (2 if EARTHQUAKE in hazards else 1)
    for tsunami in (None, True):
        town.encoder(*plan_of(report(tsunami=tsunami), np.arange(3, dtype=np.int32))).encode(0, 3)
    assert n_searches == (2 if EARTHQUAKE in hazards else 1)


def solution_of(report: EventReport) -> Solution:
    assert report.solution is not None
    return report.solution


def test_devices_are_told_apart_by_place(devices: Devices, rng: np.random.Generator) -> None:
    """The places that are estimated are those of the devices, for every report the same."""
    town = DeviceAudience(devices, shelters(rng, [EARTHQUAKE]), SEND)
    targets = town.targets(solution_of(report()))
    np.testing.assert_allclose(targets.coordinates_km, ecef_km(devices.lat_deg, devices.lon_deg), atol=0.001)
    assert town.targets(solution_of(report(tsunami=True))) is targets


@pytest.mark.parametrize("send", [SEND, SHORT], ids=["full", "compact"])
@pytest.mark.parametrize("is_mixed", [False, True], ids=["one-length", "two-lengths"])
def test_what_is_encoded_is_what_devices_read(
    is_mixed: bool, send: Send, devices: Devices, rng: np.random.Generator
) -> None:
    """Device, level and S arrival come back; alerts to ids of one length are one run, and read at once."""
    town = DeviceAudience(devices, shelters(rng, [EARTHQUAKE, TSUNAMI]), send)
    row = np.arange(N, dtype=np.int32)
    plan, core = plan_of(report(), row if is_mixed else row[row % 3 != 0])
    stream = bytearray(town.encoder(plan, core).encode(0, len(plan)).data.tobytes())
    bundles = [alerts for run, _ in runs(stream) for alerts in device_alerts(run.payload)]
    assert is_mixed or len(bundles) == 1
    read: dict[bytes, tuple[int, float]] = {}
    for bundle in bundles:
        assert bundle is not None
        for each, level, s_arrival_s in zip(bundle.device_id.tolist(), bundle.level, bundle.s_arrival_s, strict=True):
            read[each] = int(level), round(float(s_arrival_s), 2)
    assert list(read) == devices.id[plan.target_row].tolist()
    assert [level for level, _ in read.values()] == plan.level.tolist()
    assert [s for _, s in read.values()] == pytest.approx(plan.s_arrival_s.tolist(), abs=0.006)


def test_a_cell_is_addressed_once_and_names_three_shelters(devices: Devices, rng: np.random.Generator) -> None:
    """Every populated cell, its digits in the topic, and the shelters nearest to its middle."""
    places = shelters(rng, [EARTHQUAKE] * 5)
    town = CellAudience(devices, places, SEND)
    n_cells = len({int(cell) >> 6 for cell in devices.cell})
    assert len(town) == len(town.table) == n_cells
    plan, core = plan_of(report(), np.arange(n_cells, dtype=np.int32))
    batch = town.encoder(plan, core).encode(0, n_cells)
    messages = sent(batch.data)
    edges = cells.bounds(town.table.cell, 12)
    for at, (topic, alert) in enumerate(messages):
        assert topic == f"eew/v1/alerts/cell/{'/'.join(alert['cell'])}"
        assert int(alert["cell"], 4) == town.table.cell[at]
        lat, lon = (edges.south_deg + edges.north_deg)[at] / 2, (edges.west_deg + edges.east_deg)[at] / 2
        wanted = nearest_by_hand(places, float(lat), float(lon), EARTHQUAKE, k=3)
        assert [each["id"] for each in alert["shelters"]] == [name for name, _ in wanted]
    ((run, _),) = runs(bytearray(batch.data.tobytes()))
    read = [each.level if each is not None else None for each in cell_alerts(run.payload)]
    assert read == [Level(level).word for level in plan.level.tolist()]


def test_a_cell_is_between_its_nearest_and_its_farthest_point(devices: Devices, rng: np.random.Generator) -> None:
    """No device is nearer to the epicentre than its cell's target, none farther than its far target."""
    town = CellAudience(devices, shelters(rng, [EARTHQUAKE]), SEND)
    of = solution_of(report())
    source_km = ecef_km(38.1, 142.9)

    def chord_km(coordinates_km: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        return np.asarray(np.sqrt(((coordinates_km - source_km[:, np.newaxis]) ** 2).sum(axis=0)))

    near_km = chord_km(town.targets(of).coordinates_km)
    far_km = chord_km(town.far_targets(of).coordinates_km)
    device_km = chord_km(ecef_km(devices.lat_deg, devices.lon_deg))
    cell_of_device = np.repeat(np.arange(len(town)), np.diff(town.table.first_row))
    assert (device_km >= near_km[cell_of_device] - 0.01).all()
    assert (device_km <= far_km[cell_of_device] + 0.01).all()


def test_a_message_expires_when_the_alert_does(devices: Devices, rng: np.random.Generator) -> None:
    """MQTT 5 counts whole seconds from the sending on: 572 from the issue to the expiry."""
    town = DeviceAudience(devices, shelters(rng, [EARTHQUAKE]), Send(qos=1, version=5, payload="full"))
    plan, core = plan_of(report(), np.arange(4, dtype=np.int32))
    for row in town.encoder(plan, core).encode(0, 4).data:
        # Message expiry interval: identifier 2, four bytes (MQTT 5, 3.3.2.3.3).
        assert b"\x02" + struct.pack(">I", 572) in row.tobytes()
