"""How long it takes simulated devices to read alerts, in runs as their connections hand them on."""

import json
from datetime import datetime

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.bench_encode import ORIGIN_AT, encoder_of
from benchmarks.timing import note
from eew.contract.message import CellAlert
from eew.devices.swarm.collector import N_AT_ONCE
from eew.devices.swarm.decode import Alerts, cell_alerts, device_alerts
from eew.fanout.fixed_width import Bytes2D
from eew.model.records import Level

N_CHECKED = 50


def payloads(mode: str, n: int, payload: str = "full") -> Bytes2D:
    """Return the payloads of ``n`` alerts, shape ``(n, length)``."""
    encoder = encoder_of(mode, n, payload)
    packets = encoder.encode(0, n).data
    return np.ascontiguousarray(packets[:, packets[0].tobytes().index(b'{"v":1') :])


def decode_devices(rows: Bytes2D, n_run: int = N_AT_ONCE) -> list[Alerts | None]:
    """Read device alerts run by run."""
    return [each for start in range(0, len(rows), n_run) for each in device_alerts(rows[start : start + n_run])]


def decode_cells(rows: Bytes2D, n_run: int = N_AT_ONCE) -> list[CellAlert | None]:
    """Read cell alerts run by run."""
    return [each for start in range(0, len(rows), n_run) for each in cell_alerts(rows[start : start + n_run])]


@pytest.mark.benchmark(group="decode")
@pytest.mark.parametrize("n", [N_AT_ONCE, 100_000])
@pytest.mark.parametrize("payload", ["full", "compact"])
def test_decode_device_alerts(benchmark: BenchmarkFixture, payload: str, n: int) -> None:
    """Every alert is read once; some are held against the standard library's JSON."""
    rows = payloads("device", n, payload)
    found = benchmark(decode_devices, rows)
    note(benchmark, f"decode, device mode, {payload} payload", n, payload_bytes=rows.shape[1])
    alerts = [each for each in found if each is not None]
    device_id = np.concatenate([each.device_id for each in alerts])
    level = np.concatenate([each.level for each in alerts])
    s_arrival_s = np.concatenate([each.s_arrival_s for each in alerts])
    assert len(alerts) == len(found)
    assert len(np.unique(device_id)) == len(device_id) == n
    for row in np.linspace(0, n - 1, N_CHECKED).astype(int):
        expected = json.loads(rows[row].tobytes())
        (at,) = np.flatnonzero(device_id == expected["device_id"].encode())
        assert Level(level[at]).name.lower() == expected["level"]
        s_arrival_at = datetime.fromisoformat(expected["s_arrival_at"])
        assert float(s_arrival_s[at]) == pytest.approx((s_arrival_at - ORIGIN_AT).total_seconds(), abs=0.0005)


@pytest.mark.benchmark(group="decode")
@pytest.mark.parametrize("n", [1000, 10_000])
@pytest.mark.parametrize("payload", ["full", "compact"])
def test_decode_cell_alerts(benchmark: BenchmarkFixture, payload: str, n: int) -> None:
    """Every alert is read, in its order; some are held against the standard library's JSON."""
    rows = payloads("cell", n, payload)
    found = benchmark(decode_cells, rows)
    note(benchmark, f"decode, cell mode, {payload} payload", n, payload_bytes=rows.shape[1])
    assert len(found) == n
    assert all(each is not None for each in found)
    for row in np.linspace(0, n - 1, N_CHECKED).astype(int):
        expected = json.loads(rows[row].tobytes())
        alert = found[row]
        assert (alert.cell, alert.level, alert.intensity) == tuple(
            expected[name] for name in ("cell", "level", "intensity")
        )
        assert alert.s_arrival_at == datetime.fromisoformat(expected["s_arrival_at"])
