"""One process of the swarm (``python -m eew.worker``): its devices' connections, their memory, and their reckoning.

Reads its orders from the first line of standard input, says ``ready`` on standard output once all its devices have
subscribed, and when standard input ends writes down what they received.
"""

import asyncio
import base64
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from eew.broker.endpoint import Endpoint
from eew.decision.policy import levels
from eew.devices.decode import cell_alerts, device_alerts
from eew.devices.layout import RowRange, populated_cells, topic_filters
from eew.devices.receiver import Counter, Receiver
from eew.devices.store import load
from eew.devices.subscriber import Run, Subscriber
from eew.devices.swarm import WorkerOrders
from eew.errors import BrokerConnectError, EewError
from eew.estimate.estimator import Estimator
from eew.estimate.intensity import intensity_model
from eew.estimate.targets import Targets
from eew.estimate.traveltime import TravelTimeTable
from eew.model import CodeColumn, Devices, EventReport, FloatColumn, Level, Profile, ReportKind
from eew.profile import load_profile
from eew.wire import topic
from eew.wire.message import AlertCore, CellAlert, Status
from eew.wire.sign import Verifier, core_of

__all__ = ["main"]

#: Connections opened at once.
_OPENING = 200


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What the devices of one process worked out from a report; columns have shape ``(n_rows,)``."""

    level: CodeColumn
    #: After origin time; NaN beyond the travel-time table.
    s_arrival_s: FloatColumn


class OwnReckoning:
    """Cell mode: how loud the alert is at each device, worked out by the device, with the dispatcher's own code.

    Parameters
    ----------
    devices, rows
        The population and this process's part of it.
    profile, travel_times
        What the devices are set up with.
    """

    def __init__(self, devices: Devices, rows: RowRange, profile: Profile, travel_times: str) -> None:
        part = slice(rows.first, rows.end)
        self._targets = Targets.of(devices.lat_deg[part], devices.lon_deg[part])
        self._profile = profile
        model = intensity_model(profile.intensity_model)
        self._estimator = Estimator(TravelTimeTable.load(travel_times), model, profile.default_depth_km)
        self._reckoned: dict[tuple[str, int], Reckoned] = {}

    def reckon(self, alert: CellAlert) -> Reckoned:
        """Return what every device of this process makes of the alert's report."""
        key = (alert.event_id, alert.report_no)
        if key not in self._reckoned:
            report = _report(alert)
            # Every device wants its S arrival, also one that by its own reckoning is told nothing.
            estimate = self._estimator.estimate(report, self._targets, -np.inf)
            level = np.zeros(len(self._targets), dtype=np.uint8)
            s_arrival_s = np.full(len(self._targets), np.nan, dtype=np.float32)
            level[estimate.target_row] = levels(
                self._profile, report.magnitude, estimate.intensity, estimate.max_intensity
            )
            s_arrival_s[estimate.target_row] = estimate.s_arrival_s
            self._reckoned[key] = Reckoned(level, s_arrival_s)
        return self._reckoned[key]


class Worker:
    """The devices of one process."""

    def __init__(self, orders: WorkerOrders) -> None:
        self._orders = orders
        settings = orders.settings
        self._settings = settings
        self._devices = load(Path(settings.population))
        self._rows = RowRange(orders.ranges[0][0], orders.ranges[-1][1])
        self._endpoint = Endpoint.parse(settings.broker_url)
        counters = np.memmap(
            Path(orders.folder) / f"counters-{orders.worker_no}.bin", dtype=np.int64, mode="r+", shape=(len(Counter),)
        )
        verifier = Verifier({key_id: _base64url(key) for key_id, key in settings.keys.items()})

        def verify(core: AlertCore) -> bool:
            return verifier.verify(core.key_id, core_of(core), core.signature)

        self._receiver = Receiver(self._rows.first, len(self._rows), verify, counters)
        self._offset = timedelta(0)
        self._links: list[Subscriber] = []
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._row_by_id = _RowById(self._devices, self._rows)
        if settings.mode == "cell":
            profile = load_profile(settings.profile)
            self._reckoning = OwnReckoning(
                self._devices, self._rows, profile, settings.travel_times or profile.travel_times
            )
            table = populated_cells(self._devices)
            self._first_row_by_cell = {
                int(cell): (int(a), int(b))
                for cell, a, b in zip(table.cell, table.first_row[:-1], table.first_row[1:], strict=True)
            }

    async def run(self) -> int:
        """Subscribe, receive until told to stop, write down; return the exit code."""
        stop = await _standard_input_ends()
        try:
            await self._open()
        except BrokerConnectError as error:
            print(f"broker {error.reason}", flush=True)  # noqa: T201 - the parent reads it
            return BrokerConnectError.exit_code
        print("ready", flush=True)  # noqa: T201 - the parent reads it
        await asyncio.wait((asyncio.ensure_future(stop.wait()), self._lost), return_when=asyncio.FIRST_COMPLETED)
        self._write()
        for link in self._links:
            await link.close()
        return BrokerConnectError.exit_code if self._lost.done() else 0

    async def _open(self) -> None:
        """Open all connections, some at a time."""
        prefix = f"eew-swarm-{os.getpid()}"
        await self._connect(f"{prefix}-status", [topic.status("+")], self._take_status)
        take = self._take_cells if self._settings.mode == "cell" else self._take_devices
        gate = asyncio.Semaphore(_OPENING)

        async def open_one(client_id: str, rows: RowRange) -> None:
            filters = topic_filters(self._devices, rows, self._settings.mode, self._settings.subscriptions)
            async with gate:
                await self._connect(client_id, filters, take)

        if self._settings.n_connections:
            parts = [(f"{prefix}-{first}", RowRange(first, end)) for first, end in self._orders.ranges]
        else:
            ids = self._devices.id
            parts = [(ids[row].decode(), RowRange(row, row + 1)) for row in range(self._rows.first, self._rows.end)]
        async with asyncio.TaskGroup() as group:
            for client_id, rows in parts:
                group.create_task(open_one(client_id, rows))

    async def _connect(self, client_id: str, filters: list[str], take: Callable[[Run], None]) -> None:
        link = Subscriber(take, self._link_lost)
        await link.connect(self._endpoint, client_id)
        await link.subscribe(self._endpoint, filters)
        self._links.append(link)

    def _link_lost(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def _take_status(self, run: Run) -> None:
        """Follow the dispatcher's clock: a replay happens in the earthquake's time."""
        for row in run.payload:
            try:
                status = msgspec.json.decode(row.tobytes(), type=Status)
            except msgspec.DecodeError:
                continue
            self._offset = timedelta(seconds=status.clock.offset_s if status.clock else 0.0)

    def _take_devices(self, run: Run) -> None:
        for alerts in device_alerts(run.payload):
            if alerts is None:
                self._receiver.unreadable(1)
                continue
            row = self._row_by_id.rows(alerts.device_id)
            level, s_arrival_s = alerts.level, alerts.s_arrival_s
            is_mine = row >= 0
            if not is_mine.all():
                self._receiver.unreadable(int((~is_mine).sum()))
                row, level, s_arrival_s = row[is_mine], level[is_mine], s_arrival_s[is_mine]
            self._receiver.take(
                alerts.core, row, level, s_arrival_s, now_at=self._now(), received_mono_ns=time.monotonic_ns()
            )

    def _take_cells(self, run: Run) -> None:
        for alert in cell_alerts(run.payload):
            if alert is None:
                self._receiver.unreadable(1)
                continue
            first, end = self._first_row_by_cell.get(int(alert.cell, 4), (0, 0))
            first, end = max(first, self._rows.first), min(end, self._rows.end)
            if first >= end:
                self._receiver.unreadable(1)
                continue
            row = np.arange(first, end, dtype=np.int32)
            mine = slice(first - self._rows.first, end - self._rows.first)
            if alert.kind is ReportKind.CANCEL:
                s_arrival_s = np.full(len(row), np.nan, dtype=np.float32)
                level = np.full(len(row), Level[alert.level.upper()], dtype=np.uint8)
            else:
                own = self._reckoning.reckon(alert)
                level, s_arrival_s = own.level[mine], own.s_arrival_s[mine]
                if alert.has_fault:
                    level = np.full(len(row), Level[alert.level.upper()], dtype=np.uint8)
            self._receiver.take(
                alert, row, level, s_arrival_s, now_at=self._now(), received_mono_ns=time.monotonic_ns()
            )

    def _write(self) -> None:
        folder, number = Path(self._orders.folder), self._orders.worker_no
        np.save(folder / f"receipts-{number}.npy", self._receiver.log.receipts())
        (folder / f"cores-{number}.json").write_bytes(msgspec.json.encode(self._receiver.log.cores))


class _RowById:
    """Finds rows by device ids: read from the id where a population numbers its devices, else by search."""

    def __init__(self, devices: Devices, rows: RowRange) -> None:
        ids = np.asarray(devices.id[rows.first : rows.end])
        self._rows = rows
        self._width = ids.dtype.itemsize
        self._is_numbered = _are_numbered(ids, rows)
        if not self._is_numbered:
            self._order = np.argsort(ids, kind="stable")
            self._sorted = ids[self._order]

    def rows(
        self, device_id: "np.ndarray[tuple[int], np.dtype[np.bytes_]]"
    ) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        """Return the row of each id, −1 where it is not of this process."""
        if self._is_numbered:
            row = _numbers(device_id)
            return np.where((row >= self._rows.first) & (row < self._rows.end), row, -1).astype(np.int32)
        at = np.minimum(np.searchsorted(self._sorted, device_id), len(self._sorted) - 1)
        is_found = self._sorted[at] == device_id
        return np.where(is_found, self._order[at] + self._rows.first, -1).astype(np.int32)


def _are_numbered(ids: "np.ndarray[tuple[int], np.dtype[np.bytes_]]", rows: RowRange) -> bool:
    if ids.dtype.itemsize != 10:
        return False
    digits = ids.view(np.uint8).reshape(-1, 10)[:, 1:]
    is_digits = bool(((digits >= ord("0")) & (digits <= ord("9"))).all())
    return is_digits and bool((_numbers(ids) == np.arange(rows.first, rows.end)).all())


def _numbers(ids: "np.ndarray[tuple[int], np.dtype[np.bytes_]]") -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return the number in ids of a letter and nine digits; −1 where the length is another."""
    if ids.dtype.itemsize != 10:
        return np.full(len(ids), -1, dtype=np.int64)
    digits = ids.view(np.uint8).reshape(-1, 10)[:, 1:].astype(np.int64) - ord("0")
    return digits @ (10 ** np.arange(8, -1, -1, dtype=np.int64))


def _report(core: AlertCore) -> EventReport:
    return EventReport(
        event_id=core.event_id,
        source="wire",
        report_no=core.report_no,
        kind=core.kind,
        status=core.status,
        issued_at=core.issued_at,
        origin_at=core.origin_at,
        lat_deg=core.lat_deg,
        lon_deg=core.lon_deg,
        depth_km=core.depth_km,
        magnitude=core.magnitude,
    )


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def _standard_input_ends() -> asyncio.Event:
    """Return an event that is set when the parent closes our standard input, or is gone."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            ended.set()

    loop.add_reader(sys.stdin.fileno(), readable)
    return ended


async def _main() -> int:
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=WorkerOrders)
    return await Worker(orders).run()


def main() -> int:
    """Run one worker; return its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(KeyboardInterrupt):
        try:
            return asyncio.run(_main())
        except EewError as error:
            print(f"error {error}", flush=True)  # noqa: T201 - the parent reads it
            return error.exit_code
    return 1


if __name__ == "__main__":
    sys.exit(main())
