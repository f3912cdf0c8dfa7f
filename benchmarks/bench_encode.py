"""How long it takes to write alerts as PUBLISH packets, in portions as the dispatcher takes them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.timing import note
from eew.contract.message import AlertCore
from eew.contract.topic import CELL_LEVEL
from eew.fanout.encode import CellEncoder, DeviceEncoder, Encoder, Wire
from eew.fanout.fixed_width import Bytes2D
from eew.fanout.shelter_text import ShelterIdText, ShelterText, cell_shelter_ids, cell_shelters
from eew.model.records import (
    AlertPlan,
    AlertStatus,
    Cells,
    Devices,
    EventReport,
    Level,
    ReportKind,
    ShelterColumns,
    Shelters,
)
from eew.mqtt.packet import V3
from eew.physics import cells

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, 100_000, UTC)
#: The dispatcher's longest portion.
PORTION = 8192
WIRE = {
    payload: Wire(qos=0, version=V3, expiry_s=300, is_compact=payload == "compact") for payload in ("full", "compact")
}


def random_plan(n: int, rng: np.random.Generator) -> AlertPlan:
    """Return a plan to ``n`` targets in random order."""
    s_arrival_s = rng.uniform(10, 300, n).astype(np.float32)
    return AlertPlan(
        report=EventReport(
            event_id="20110311144640",
            source="jma",
            report_no=9,
            kind=ReportKind.UPDATE,
            status=AlertStatus.ACTUAL,
            issued_at=ORIGIN_AT + timedelta(seconds=50),
            origin_at=ORIGIN_AT,
            lat_deg=38.1,
            lon_deg=142.9,
            depth_km=10.0,
            magnitude=7.6,
        ),
        expires_at=ORIGIN_AT + timedelta(seconds=400),
        scale="jma",
        info="jp/ja",
        target_row=rng.permutation(n).astype(np.int32),
        level=rng.integers(1, 4, n).astype(np.uint8),
        intensity=rng.uniform(3, 7, n).astype(np.float32),
        p_arrival_s=(s_arrival_s / 1.75).astype(np.float32),
        s_arrival_s=s_arrival_s,
        s_slowness_s_km=np.full(n, 0.25, dtype=np.float32),
        radius_km_by_level={},
    )


def core_of_plan(plan: AlertPlan) -> AlertCore:
    """Return the core of a plan, with a signature that is none."""
    report = plan.report
    return AlertCore(
        event_id=report.event_id,
        report_no=report.report_no,
        kind=report.kind,
        status=report.status,
        issued_at=report.issued_at,
        origin_at=report.origin_at,
        lat_deg=report.lat_deg,
        lon_deg=report.lon_deg,
        depth_km=report.depth_km,
        magnitude=report.magnitude,
        expires_at=plan.expires_at,
        key_id="a1b2c3d4",
        signature="A" * 86,
    )


def random_shelters(n: int, rng: np.random.Generator) -> Shelters:
    """Return a catalogue."""
    return Shelters(
        id=tuple(f"s{number:05d}" for number in range(n)),
        name=tuple(f"第{number}小学校" for number in range(n)),
        lat_deg=rng.uniform(34, 41, n),
        lon_deg=rng.uniform(135, 142, n),
        hazards=np.ones(n, dtype=np.uint8),
        capacity=np.full(n, np.nan, dtype=np.float32),
        title="",
        licence="",
        is_synthetic=True,
    )


def device_encoder(n: int, rng: np.random.Generator, payload: str) -> DeviceEncoder:
    """Return the encoder of alerts to ``n`` devices, each with a shelter."""
    lat_deg, lon_deg = rng.uniform(34, 41, n).astype(np.float32), rng.uniform(135, 142, n).astype(np.float32)
    devices = Devices(
        id=np.array([b"d%09d" % row for row in range(n)]),
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        cell=np.sort(cells.cell_at(lat_deg, lon_deg)),
        kind=np.zeros(n, dtype=np.uint8),
        region="japan",
        seed=None,
    )
    shelters = random_shelters(2000, rng)
    nearest = ShelterColumns(
        rng.integers(0, len(shelters), n).astype(np.int32),
        rng.uniform(0, 5000, n).astype(np.float32),
        rng.integers(0, 360, n).astype(np.uint16),
    )
    plan = random_plan(n, rng)
    text = ShelterText(shelters, nearest) if payload == "full" else ShelterIdText(shelters, nearest)
    return DeviceEncoder(plan, core_of_plan(plan), devices, text, WIRE[payload])


def cell_encoder(n: int, rng: np.random.Generator, payload: str) -> CellEncoder:
    """Return the encoder of alerts to ``n`` cells with three shelters each."""
    cell = np.sort(rng.choice(4**CELL_LEVEL, n, replace=False)).astype(np.uint32)
    shelters = random_shelters(2000, rng)
    made = cell_shelters if payload == "full" else cell_shelter_ids
    text = made(shelters, rng.integers(0, len(shelters), (n, 3)).astype(np.int32))
    plan = random_plan(n, rng)
    table = Cells(CELL_LEVEL, cell, np.arange(n + 1, dtype=np.int32))
    return CellEncoder(plan, core_of_plan(plan), table, text, WIRE[payload])


def encoder_of(mode: str, n: int, payload: str) -> DeviceEncoder | CellEncoder:
    """Return the encoder of alerts to ``n`` devices or cells."""
    rng = np.random.default_rng(20110311)
    return device_encoder(n, rng, payload) if mode == "device" else cell_encoder(n, rng, payload)


def encode_all(encoder: Encoder, n: int) -> tuple[int, Bytes2D]:
    """Encode portion by portion; return the bytes of all packets, and the packets of the last portion."""
    n_bytes = 0
    for start in range(0, n, PORTION):
        batch = encoder.encode(start, min(start + PORTION, n))
        n_bytes += batch.data.nbytes
    return n_bytes, batch.data


def published(packet: bytes) -> tuple[str, dict[str, Any]]:
    """Return topic and payload of a PUBLISH packet at QoS 0, read as [MQTT3] 3.3 has it."""
    n_left = at = 0
    while True:
        at += 1
        n_left |= (packet[at] & 0x7F) << 7 * (at - 1)
        if packet[at] < 0x80:
            break
    topic_at = at + 3
    payload_at = topic_at + int.from_bytes(packet[at + 1 : topic_at], "big")
    assert packet[0] == 0x30
    assert len(packet) == at + 1 + n_left
    return packet[topic_at:payload_at].decode(), json.loads(packet[payload_at:])


def check(encoder: DeviceEncoder | CellEncoder, row: int, packet: bytes) -> None:
    """Hold one packet, read by the standard library's JSON, against what it was made of."""
    plan = encoder._plan  # noqa: SLF001 - to compare with what it was made of
    where, alert = published(packet)
    target = int(plan.target_row[row])
    if isinstance(encoder, DeviceEncoder):
        device_id = encoder._devices.id[target].decode()  # noqa: SLF001 - likewise
        assert where.endswith(f"/{device_id}")
        assert alert["device_id"] == device_id
    else:
        digits = np.base_repr(int(encoder._table.cell[target]), 4).zfill(CELL_LEVEL)  # noqa: SLF001 - likewise
        assert where.endswith("/cell/" + "/".join(digits))
        assert alert["cell"] == digits
    assert alert["level"] == Level(plan.level[row]).name.lower()
    # Cut, not rounded.
    assert -0.001 < float(plan.intensity[row]) - alert["intensity"] < 0.101
    for name, after_s in (("p_arrival_at", plan.p_arrival_s[row]), ("s_arrival_at", plan.s_arrival_s[row])):
        at_s = (datetime.fromisoformat(alert[name]) - ORIGIN_AT).total_seconds()
        assert at_s == pytest.approx(float(after_s), abs=0.0006)


@pytest.mark.benchmark(group="encode")
@pytest.mark.parametrize("n", [10_000, 100_000])
@pytest.mark.parametrize("mode", ["device", "cell"])
@pytest.mark.parametrize("payload", ["full", "compact"])
def test_encode(benchmark: BenchmarkFixture, payload: str, mode: str, n: int) -> None:
    """The packets of the last portion are the alerts that the plan ends with."""
    encoder = encoder_of(mode, n, payload)
    n_bytes, last = benchmark(encode_all, encoder, n)
    note(benchmark, f"encode, {mode} mode, {payload} payload", n, packet_bytes=n_bytes / n)
    assert n_bytes == n * last.shape[1]
    for position in np.linspace(0, len(last) - 1, 50).astype(int):
        check(encoder, n - len(last) + int(position), last[position].tobytes())
