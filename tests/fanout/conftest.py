"""Plans and populations of a few rows, and a reader of PUBLISH packets that shares nothing with the writer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from eew.contract.message import AlertCore
from eew.contract.signature import SigningKey, core_of
from eew.fanout.publish_template import Batch
from eew.model.records import AlertPlan, AlertStatus, Devices, EventReport, Hazard, ReportKind, Shelters
from eew.mqtt.endpoint import Endpoint
from eew.physics import cells

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, 100_000, UTC)
KEY = SigningKey.from_seed(bytes(range(32)))


@dataclass(frozen=True)
class Published:
    """One PUBLISH packet as a broker would read it."""

    topic: str
    payload: bytes
    qos: int
    is_duplicate: bool
    is_retained: bool
    packet_id: int | None
    #: By paho-mqtt's names.
    properties: dict[str, Any]


def whole_packets(data: bytes) -> list[tuple[int, bytes]]:
    """Return first byte and body of each packet ([MQTT3] 2.2); one that is cut off at the end is left out."""
    found = []
    at = 0
    while at < len(data):
        first, at = data[at], at + 1
        length, factor = 0, 1
        while at < len(data):
            length += (data[at] & 127) * factor
            factor *= 128
            at += 1
            if data[at - 1] < 128:
                break
        else:
            break
        if at + length > len(data):
            break
        found.append((first, data[at : at + length]))
        at += length
    return found


@pytest.fixture
def packets_in() -> Callable[[bytes], list[tuple[int, bytes]]]:
    """Return ``whole_packets(data)``."""
    return whole_packets


def as_published(first: int, body: bytes, version: int) -> Published:
    """Return what a PUBLISH says ([MQTT3] 3.3)."""
    assert first >> 4 == 3
    n_topic = int.from_bytes(body[:2], "big")
    rest = body[2 + n_topic :]
    qos = first >> 1 & 3
    packet_id = int.from_bytes(rest[:2], "big") if qos else None
    rest = rest[2:] if qos else rest
    properties: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has no types here
    if version == 5:
        _, n_properties = properties.unpack(rest)
        rest = rest[n_properties:]
    topic = body[2 : 2 + n_topic].decode()
    return Published(topic, rest, qos, bool(first & 8), bool(first & 1), packet_id, properties.json())


def read_published(data: bytes, version: int = 4, *, is_mixed: bool = False) -> list[Published]:
    """Return the PUBLISH packets in bytes that are nothing else, or that are ``is_mixed`` and may be cut off."""
    packets = whole_packets(data)
    if is_mixed:
        packets = [(first, body) for first, body in packets if first >> 4 == 3]
    else:
        n_bytes = sum(1 + (1 if len(body) < 128 else 2 if len(body) < 16384 else 3) + len(body) for _, body in packets)
        assert n_bytes == len(data)
    return [as_published(first, body, version) for first, body in packets]


@pytest.fixture
def published() -> Callable[..., list[Published]]:
    """Return ``read_published(data, version=4, is_mixed=False)``."""
    return read_published


def make_batch(topics: list[str], payload: bytes = b"{}", *, qos: int = 0, version: int = 4) -> Batch:
    """Return packets of one length, written by hand; topics have one length."""
    (n_topic,) = {len(topic) for topic in topics}
    properties = b"\x00" if version == 5 else b""
    rest = [
        n_topic.to_bytes(2, "big") + topic.encode() + bytes(2 if qos else 0) + properties + payload for topic in topics
    ]
    assert len(rest[0]) < 128
    packets = b"".join(bytes((0x30 | qos << 1, len(each))) + each for each in rest)
    data = np.frombuffer(packets, dtype=np.uint8).reshape(len(topics), -1).copy()
    return Batch(data, 4 + n_topic if qos else None)


@pytest.fixture
def batch_of() -> Callable[..., Batch]:
    """Return ``make_batch(topics, payload=b"{}", qos=0, version=4)``."""
    return make_batch


def make_plan(n: int = 3, **changes: Any) -> AlertPlan:
    """Return a plan of ``n`` alerts to rows 0, 1, …; ``changes`` to it, or to its report by ``report_…``."""
    report = {
        "event_id": "20110311144640",
        "source": "jma",
        "report_no": 4,
        "kind": ReportKind.UPDATE,
        "status": AlertStatus.ACTUAL,
        "issued_at": ORIGIN_AT + timedelta(seconds=30),
        "origin_at": ORIGIN_AT,
        "lat_deg": 38.2,
        "lon_deg": 142.7,
        "depth_km": 10.0,
        "magnitude": 7.2,
    } | {name.removeprefix("report_"): changes.pop(name) for name in list(changes) if name.startswith("report_")}
    s_arrival_s = np.linspace(60, 90, n, dtype=np.float32)
    columns = {
        "target_row": np.arange(n, dtype=np.int32),
        "level": np.full(n, 2, dtype=np.uint8),
        "intensity": np.full(n, 5.3, dtype=np.float32),
        "p_arrival_s": s_arrival_s / np.float32(1.75),
        "s_arrival_s": s_arrival_s,
        "s_slowness_s_km": np.full(n, 0.25, dtype=np.float32),
    }
    rest = {
        "expires_at": ORIGIN_AT + timedelta(seconds=300),
        "scale": "jma",
        "info": "jp/ja",
        "radius_km_by_level": {},
    }
    return AlertPlan(report=EventReport(**report), **(columns | rest | changes))  # type: ignore[arg-type]  # as the fields


@pytest.fixture
def plan_of() -> Callable[..., AlertPlan]:
    """Return ``make_plan(n=3, **changes)``."""
    return make_plan


def make_core(plan: AlertPlan) -> AlertCore:
    """Return the signed core of a plan."""
    report = plan.report
    core = AlertCore(
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
        key_id=KEY.key_id,
        signature="",
    )
    members = {name: getattr(core, name) for name in core.__struct_fields__}
    return AlertCore(**members | {"signature": KEY.sign(core_of(core))})


@pytest.fixture
def core_for() -> Callable[[AlertPlan], AlertCore]:
    """Return ``make_core(plan)``."""
    return make_core


def make_devices(ids: list[str], rng: np.random.Generator) -> Devices:
    """Return devices in northern Japan."""
    lat_deg = rng.uniform(36, 41, len(ids)).astype(np.float32)
    lon_deg = rng.uniform(138, 142, len(ids)).astype(np.float32)
    cell = cells.cell_at(lat_deg, lon_deg)
    order = np.argsort(cell)
    return Devices(
        id=np.array([each.encode() for each in ids]),
        lat_deg=lat_deg[order],
        lon_deg=lon_deg[order],
        cell=cell[order],
        kind=np.zeros(len(ids), dtype=np.uint8),
        region="japan",
        seed=None,
    )


@pytest.fixture
def devices_of(rng: np.random.Generator) -> Callable[[list[str]], Devices]:
    """Return ``make_devices(ids)``."""
    return lambda ids: make_devices(ids, rng)


@pytest.fixture
def shelters() -> Shelters:
    """Return five places, of which one has a long name and one a name that JSON must escape."""
    names = ("第一小学校", "非常に長い名前の避難場所" * 5, 'The "Old" \\ Mill', "x", "公民館")
    return Shelters(
        id=tuple(f"s{'0' * number}" for number in range(len(names))),
        name=names,
        lat_deg=np.array([38.1234567, 39.0, -0.000001, 40.5, 36.25]),
        lon_deg=np.array([140.9876543, -179.99999, 0.0, 141.0, 139.5]),
        hazards=np.full(len(names), Hazard.EARTHQUAKE, dtype=np.uint8),
        capacity=np.full(len(names), np.nan, dtype=np.float32),
        title="five",
        licence="none",
        is_synthetic=True,
    )


class Proxy:
    """Stands between a client and a broker, writes down what the client says, and cuts connections.

    Parameters
    ----------
    broker
        Where connections go on to.
    cut_after_bytes
        For the first connections in turn: after how many bytes from the client both ends are cut.
    """

    def __init__(self, broker: Endpoint, cut_after_bytes: Sequence[int] = ()) -> None:
        self._broker = broker
        self._cut_after_bytes = list(cut_after_bytes)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        #: What the client wrote, by connection.
        self.heard: list[bytearray] = []

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.port)

    async def start(self) -> None:
        """Accept connections, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Cut every connection there is."""
        for writer in self._writers:
            writer.transport.abort()

    async def stop(self) -> None:
        """Accept no more, and cut every connection."""
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        heard = bytearray()
        self.heard.append(heard)
        left = self._cut_after_bytes.pop(0) if self._cut_after_bytes else None
        there_reader, there = await asyncio.open_connection(self._broker.host, self._broker.port)
        self._writers |= {writer, there}
        back = asyncio.create_task(self._carry(there_reader, writer))
        try:
            while data := await reader.read(65536):
                data = data if left is None else data[:left]
                heard += data
                there.write(data)
                await there.drain()
                if left is not None:
                    left -= len(data)
                    if left == 0:
                        break
        except OSError:
            pass
        finally:
            for each in (writer, there):
                # What was forwarded shall arrive; the client is cut hard.
                each.close() if each is there and left is None else each.transport.abort()
            await asyncio.gather(back, return_exceptions=True)
            self._writers -= {writer, there}

    @staticmethod
    async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture
async def proxy_to() -> AsyncIterator[Callable[..., Awaitable[Proxy]]]:
    """Return what starts ``Proxy(broker, cut_after_bytes=())``."""
    proxies: list[Proxy] = []

    async def start(broker: Endpoint, cut_after_bytes: Sequence[int] = ()) -> Proxy:
        proxies.append(Proxy(broker, cut_after_bytes))
        await proxies[-1].start()
        return proxies[-1]

    yield start
    for proxy in proxies:
        await proxy.stop()
