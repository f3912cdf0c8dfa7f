"""How long it takes to write alerts as PUBLISH packets, in portions as the dispatcher takes them."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from eew import cells
from eew.fanout.encode import CellEncoder, DeviceEncoder, Encoder, Wire
from eew.fanout.shelter_text import ShelterText, cell_shelters
from eew.model import AlertPlan, AlertStatus, Cells, Devices, EventReport, ReportKind, ShelterColumns, Shelters
from eew.wire.message import AlertCore, CellAlert, DeviceAlert
from eew.wire.packet import V3
from eew.wire.topic import CELL_LEVEL

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, 100_000, UTC)
#: The dispatcher's longest portion.
PORTION = 8192
WIRE = Wire(qos=0, version=V3, expiry_s=300)


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


def device_encoder(n: int, rng: np.random.Generator) -> DeviceEncoder:
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
    return DeviceEncoder(plan, core_of_plan(plan), devices, ShelterText(shelters, nearest), WIRE)


def cell_encoder(n: int, rng: np.random.Generator) -> CellEncoder:
    """Return the encoder of alerts to ``n`` cells with three shelters each."""
    cell = np.sort(rng.choice(4**CELL_LEVEL, n, replace=False)).astype(np.uint32)
    shelters = random_shelters(2000, rng)
    text = cell_shelters(shelters, rng.integers(0, len(shelters), (n, 3)).astype(np.int32))
    plan = random_plan(n, rng)
    table = Cells(CELL_LEVEL, cell, np.arange(n + 1, dtype=np.int32))
    return CellEncoder(plan, core_of_plan(plan), table, text, WIRE)


def encode_all(encoder: Encoder, n: int) -> tuple[int, bytes]:
    """Encode portion by portion; return the bytes of all packets, and the last packet."""
    n_bytes = 0
    for start in range(0, n, PORTION):
        batch = encoder.encode(start, min(start + PORTION, n))
        n_bytes += batch.data.nbytes
    return n_bytes, batch.data[-1].tobytes()


@pytest.mark.benchmark(group="codec")
@pytest.mark.parametrize("n", [10_000, 100_000])
@pytest.mark.parametrize("mode", ["device", "cell"])
def test_encode(benchmark: "BenchmarkFixture", mode: str, n: int) -> None:
    """The last packet is the alert that the plan ends with."""
    rng = np.random.default_rng(20110311)
    encoder = device_encoder(n, rng) if mode == "device" else cell_encoder(n, rng)
    n_bytes, last = benchmark(encode_all, encoder, n)
    benchmark.extra_info |= {"n": n, "bytes": n_bytes}
    kind: type[DeviceAlert | CellAlert] = DeviceAlert if mode == "device" else CellAlert
    alert = msgspec.json.decode(last[last.index(b'{"v":1') :], type=kind)
    plan = encoder._plan  # noqa: SLF001 - to compare with what it was made of
    assert n_bytes == n * len(last)
    assert alert.s_arrival_at is not None
    assert (alert.s_arrival_at - ORIGIN_AT).total_seconds() == pytest.approx(float(plan.s_arrival_s[-1]), abs=0.0006)
