"""Which devices tell of alerts, and what they put on the wire."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from eew.contract.message import AlertCore, Receipt
from eew.devices.swarm.layout import RowRange
from eew.devices.swarm.receipts import ReceiptSender
from eew.model.records import AlertStatus, CodeColumn, DeviceKind, Devices, Level, ReportKind
from eew.mqtt import packet
from eew.physics import cells
from eew.physics.quadkey import quadkey

AT = datetime(2026, 3, 1, tzinfo=UTC)
CORE = AlertCore(
    event_id="ev-1",
    report_no=2,
    kind=ReportKind.UPDATE,
    status=AlertStatus.ACTUAL,
    issued_at=AT,
    origin_at=AT,
    lat_deg=35.0,
    lon_deg=139.0,
    depth_km=10.0,
    magnitude=7.0,
    expires_at=AT + timedelta(seconds=60),
    key_id="",
    signature="",
)
N = 20_000


class Wire:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    async def write(self, data: memoryview) -> bool:
        self.data += bytes(data)
        return True

    async def close(self) -> None:
        """Nothing is left open."""


@pytest.fixture(scope="module")
def devices() -> Devices:
    lon = np.sort(np.random.default_rng(3).uniform(139, 139.01, N)).astype(np.float32)
    lat = np.full(N, 35.0, dtype=np.float32)
    kind = (np.arange(N) % 5 == 0).astype(np.uint8) * np.uint8(DeviceKind.TV)
    return Devices(
        id=np.array([f"p{row:09d}".encode() for row in range(N)]),
        lat_deg=lat,
        lon_deg=lon,
        cell=cells.cell_at(lat, lon),
        kind=kind,
        region="test",
        seed=11,
    )


def published(data: bytes) -> Iterator[tuple[str, Receipt]]:
    at = 0
    while at < len(data):
        found = packet.packet_at(data, at, len(data))
        assert found is not None
        kind, body, end = found
        assert kind == packet.PUBLISH
        topic_end = body + 2 + int.from_bytes(data[body : body + 2], "big")
        yield data[body + 2 : topic_end].decode(), msgspec.json.decode(data[topic_end:end], type=Receipt)
        at = end


async def told(devices: Devices, rows: RowRange, share: float, level: CodeColumn) -> list[tuple[str, Receipt]]:
    sender = ReceiptSender(devices, rows, share)
    wire = Wire()
    sender._protocol = wire  # type: ignore[assignment] # stands for a connection
    sending = asyncio.create_task(sender.send())
    sender.note(CORE, np.arange(rows.first, rows.end, dtype=np.int32), level)
    await sender.finish(5)
    sending.cancel()
    return list(published(wire.data))


def all_of(level: Level, n: int = N) -> CodeColumn:
    return np.full(n, level, dtype=np.uint8)


async def test_the_sample_is_of_the_share_asked_for(devices: Devices) -> None:
    """Of those that are on: 95 % of the phones and 40 % of the TVs; five standard deviations are allowed."""
    is_on = 0.8 * 0.95 + 0.2 * 0.4
    share = 0.1
    n = len(await told(devices, RowRange(0, N), share, all_of(Level.CRITICAL)))
    assert abs(n - N * is_on * share) < 5 * (N * is_on * share) ** 0.5


async def test_who_is_sampled_does_not_depend_on_the_processes(devices: Devices) -> None:
    """One worker, or three, tell of the same devices."""
    whole = {each.device_id for _, each in await told(devices, RowRange(0, N), 0.05, all_of(Level.ACTIVE))}
    parts = set()
    for first, end in ((0, 1), (1, 7001), (7001, N)):
        receipts = await told(devices, RowRange(first, end), 0.05, all_of(Level.ACTIVE, end - first))
        parts |= {each.device_id for _, each in receipts}
    assert whole == parts
    assert whole


async def test_a_receipt_says_what_was_taken(devices: Devices) -> None:
    """On the topic of the device's group, which is the first ten digits of its cell."""
    receipts = await told(devices, RowRange(0, 300), 1.0, all_of(Level.PASSIVE, 300))
    for where, receipt in receipts:
        row = int(receipt.device_id[1:])
        assert where == "eew/v1/receipts/" + quadkey(int(devices.cell[row]), 15)[:10]
        assert (receipt.event_id, receipt.report_no, receipt.level) == ("ev-1", 2, "passive")


async def test_do_not_disturb_gives_way_to_critical_only(devices: Devices) -> None:
    """A quiet alert is told as not shown by some; a critical one is shown by all who tell."""
    quiet = await told(devices, RowRange(0, N), 1.0, all_of(Level.ACTIVE))
    loud = await told(devices, RowRange(0, N), 1.0, all_of(Level.CRITICAL))
    assert all(each.is_shown for _, each in loud)
    assert len(quiet) == len(loud)
    assert 0 < sum(not each.is_shown for _, each in quiet) < len(quiet) / 2


async def test_what_a_device_finds_harmless_is_not_told(devices: Devices) -> None:
    """Cell mode: the cell was told, the device feels nothing."""
    assert await told(devices, RowRange(0, N), 1.0, all_of(Level.NONE)) == []
