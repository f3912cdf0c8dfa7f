"""One process of the swarm (``python -m eew.devices.swarm.worker``): its devices' connections, memory and estimates.

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
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from eew.client.dispatcher_clock import Clocks
from eew.client.rules import decoded, is_believed
from eew.contract import topic
from eew.contract.message import AlertCore, Status
from eew.contract.signature import Verifier
from eew.devices.population.store import load
from eew.devices.swarm.clock_history import ClockHistory
from eew.devices.swarm.collector import Collector
from eew.devices.swarm.decode import cell_alerts, device_alerts
from eew.devices.swarm.device_estimates import OnDeviceEstimator
from eew.devices.swarm.layout import RowRange, populated_cells, topic_filters
from eew.devices.swarm.open_files import allow_connections
from eew.devices.swarm.receipts import ReceiptSender
from eew.devices.swarm.receiver import Counter, ReceiptLog, Receiver
from eew.devices.swarm.reconnecting_subscriber import ReconnectingSubscriber
from eew.devices.swarm.row_by_id import RowById
from eew.devices.swarm.source_host import source_host
from eew.devices.swarm.subscriber_protocol import PacketRun
from eew.devices.swarm.swarm import WorkerNotes, WorkerOrders
from eew.model.errors import BrokerConnectError, EewError
from eew.model.exit_status import ExitStatus
from eew.model.records import CodeColumn, Devices, FloatColumn, Level, ReportKind, RowColumn
from eew.model.region_profile_file import load_profile
from eew.model.system import interrupt
from eew.model.system.output import naming
from eew.mqtt.endpoint import Endpoint

__all__ = ["Worker", "main"]

#: Connections opened at once.
_OPENING = 200
#: How long the last receipts may take.
_LAST_RECEIPTS_S = 5.0
_BROKER_GONE = "broker"
_STATUS = msgspec.json.Decoder(Status)


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
        self._receipts_path = Path(orders.folder) / f"receipts-{orders.worker_no}.bin"
        self._receipts_file = self._receipts_path.open("wb")
        #: Why what devices receive can no longer be written down.
        self._full: asyncio.Future[OSError] = asyncio.get_running_loop().create_future()
        log = ReceiptLog(self._receipts_file)
        self._receiver = Receiver(
            self._rows.first, len(self._rows), partial(is_believed, verifier=verifier), counters, log
        )
        self._clocks = Clocks()
        self._clock_history = ClockHistory()
        self._subscribers: list[ReconnectingSubscriber] = []
        self._source_host = None if settings.n_connections else source_host(self._endpoint.host, orders.worker_no)
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._collector = Collector(self._take_devices, asyncio.get_running_loop())
        share = settings.receipt_share
        self._receipts = ReceiptSender(self._devices, self._rows, share) if share else None
        if settings.mode == "device":
            self._row_by_id = RowById(self._devices, self._rows)
        else:
            profile = load_profile(settings.profile)
            mine = _rows_of(self._devices, self._rows)
            self._on_device = OnDeviceEstimator(
                mine.lat_deg, mine.lon_deg, profile, settings.travel_times or profile.travel_times
            )
            table = populated_cells(mine)
            first_row = (table.first_row + self._rows.first).tolist()
            self._rows_by_cell = dict(zip(table.cell.tolist(), pairwise(first_row), strict=True))

    async def run(self) -> int:
        """Subscribe, receive until stopped, write down; return the exit code."""
        parent_gone = _standard_input_ends()
        opening = asyncio.create_task(self._open(), name="open")
        await asyncio.wait((opening, parent_gone, self._lost), return_when=asyncio.FIRST_COMPLETED)
        try:
            if self._lost.done():
                _say(f"{_BROKER_GONE} {self._lost.result()}")
                return ExitStatus.UNREACHABLE
            if not opening.done():
                # Nobody waits for us any more.
                return ExitStatus.DONE
            await opening
        except BrokerConnectError as error:
            _say(f"{_BROKER_GONE} {error.reason}")
            return error.exit_code
        finally:
            opening.cancel()
        _say("ready")
        sending = asyncio.create_task(self._send_receipts(), name="receipts")
        await asyncio.wait((parent_gone, self._lost, self._full), return_when=asyncio.FIRST_COMPLETED)
        self._collector.flush()
        if self._full.done():
            raise self._full.result()
        if self._receipts is not None:
            await self._receipts.finish(_LAST_RECEIPTS_S)
        sending.cancel()
        self._write()
        await asyncio.gather(*(each.close() for each in self._subscribers))
        return ExitStatus.UNREACHABLE if self._lost.done() else ExitStatus.DONE

    async def _send_receipts(self) -> None:
        if self._receipts is not None:
            await self._receipts.send()

    async def _open(self) -> None:
        """Open all connections, some at a time."""
        prefix = f"eew-swarm-{os.getpid()}"
        await self._connect(f"{prefix}-status", [topic.status("+")], self._take_status)
        if self._receipts is not None:
            await self._receipts.connect(self._endpoint, f"{prefix}-receipts", lambda _reason: None)
        gate = asyncio.Semaphore(_OPENING)

        async def open_one(client_id: str, rows: RowRange) -> None:
            filters = topic_filters(self._devices, rows, self._settings.mode, self._settings.subscriptions)
            async with gate:
                await self._connect(client_id, filters, self._taker(rows))

        if self._settings.n_connections:
            parts = [(f"{prefix}-{first}", RowRange(first, end)) for first, end in self._orders.ranges]
        else:
            ids = self._devices.id
            parts = [(ids[row].decode(), RowRange(row, row + 1)) for row in range(self._rows.first, self._rows.end)]
        allow_connections(len(parts))
        failures: list[BrokerConnectError] = []
        try:
            async with asyncio.TaskGroup() as group:
                for client_id, rows in parts:
                    group.create_task(open_one(client_id, rows))
        except* BrokerConnectError as errors:
            failures = [each for each in errors.exceptions if isinstance(each, BrokerConnectError)]
        if failures:
            raise failures[0]

    def _taker(self, rows: RowRange) -> Callable[[PacketRun], None]:
        """Return what takes the messages of a connection that stands for these rows."""
        if self._settings.only_count:
            return lambda run: self._receiver.counted(len(run))
        return partial(self._take_cells, rows) if self._settings.mode == "cell" else self._collector.add

    async def _connect(self, client_id: str, filters: list[str], take: Callable[[PacketRun], None]) -> None:
        subscriber = ReconnectingSubscriber(
            self._endpoint,
            client_id,
            filters,
            take,
            reconnect_s=self._settings.reconnect_s,
            on_back=self._receiver.reconnected,
            on_gone=self._gone,
            source_host=self._source_host,
        )
        self._subscribers.append(subscriber)
        await subscriber.open()

    def _gone(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)

    def _take_status(self, run: PacketRun) -> None:
        """Follow the dispatchers' clocks: a replay happens in the earthquake's time."""
        for row in run.payload:
            status = decoded(_STATUS, row.tobytes())
            if status is not None:
                self._clocks.take(status)
                self._clock_history.take(status, datetime.now(UTC))

    def _take_devices(self, payload: npt.NDArray[np.uint8]) -> None:
        for alerts in device_alerts(payload):
            if alerts is None:
                self._receiver.unreadable(1)
                continue
            row = self._row_by_id.rows(alerts.device_id)
            level, s_arrival_s = alerts.level, alerts.s_arrival_s
            is_mine = row >= 0
            if not is_mine.all():
                self._receiver.unreadable(int((~is_mine).sum()))
                row, level, s_arrival_s = row[is_mine], level[is_mine], s_arrival_s[is_mine]
            self._take(alerts.core, row, level, s_arrival_s)

    def _take_cells(self, rows: RowRange, run: PacketRun) -> None:
        """Take cell alerts for the devices that hang on one connection."""
        for alert in cell_alerts(run.payload):
            if alert is None:
                self._receiver.unreadable(1)
                continue
            first, end = self._rows_by_cell.get(int(alert.cell, 4), (0, 0))
            first, end = max(first, rows.first), min(end, rows.end)
            if first >= end:
                self._receiver.unreadable(1)
                continue
            row = np.arange(first, end, dtype=np.int32)
            mine = slice(first - self._rows.first, end - self._rows.first)
            if alert.kind is ReportKind.CANCEL:
                s_arrival_s = np.full(len(row), np.nan, dtype=np.float32)
                level = np.full(len(row), Level[alert.level.upper()], dtype=np.uint8)
            else:
                try:
                    own = self._on_device.estimate(alert, mine)
                except msgspec.ValidationError:
                    self._receiver.unreadable(1)
                    continue
                level, s_arrival_s = own.level, own.s_arrival_s
                if alert.has_fault:
                    level = np.full(len(row), Level[alert.level.upper()], dtype=np.uint8)
            self._take(alert, row, level, s_arrival_s)

    def _take(self, core: AlertCore, row: RowColumn, level: CodeColumn, s_arrival_s: FloatColumn) -> None:
        now_at = self._clocks.now_at(datetime.now(UTC), core.key_id)
        if self._full.done():
            return
        try:
            is_taken = self._receiver.take(
                core, row, level, s_arrival_s, now_at=now_at, received_mono_ns=time.monotonic_ns()
            )
        except OSError as error:
            error.filename = str(self._receipts_path)
            # It would try again at its end.
            self._receipts_file.raw.close()
            self._full.set_result(error)
            return
        if self._receipts is not None:
            self._receipts.note(core, row[is_taken], level[is_taken])

    def _write(self) -> None:
        with naming(self._receipts_path):
            self._receipts_file.close()
        path = Path(self._orders.folder) / f"notes-{self._orders.worker_no}.json"
        log = self._receiver.log
        notes = WorkerNotes(cores=log.cores, issues=log.issues, clocks=self._clock_history.spans)
        path.write_bytes(msgspec.json.encode(notes))


def _rows_of(devices: Devices, rows: RowRange) -> Devices:
    part = slice(rows.first, rows.end)
    columns = {name: getattr(devices, name)[part] for name in ("id", "lat_deg", "lon_deg", "cell", "kind")}
    return replace(devices, **columns)


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _standard_input_ends() -> asyncio.Future[None]:
    """Return what is done when the parent closes our standard input, or is gone."""
    loop = asyncio.get_running_loop()
    closed: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            closed.set_result(None)

    loop.add_reader(sys.stdin.fileno(), readable)
    return closed


def _say(line: str) -> None:
    """Tell the parent, if it is still there; past Python's buffer, which a parent gone would leave in a tangle."""
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), f"{line}\n".encode())


async def _main() -> int:
    line = sys.stdin.buffer.readline()
    # A parent that ended before it gave its orders wants nothing.
    return await Worker(msgspec.json.decode(line, type=WorkerOrders)).run() if line else ExitStatus.DONE


def main() -> int:
    """Run one worker; return its exit code."""
    # Whoever stops us all, by a terminal or a service manager, tells the parent too; then our standard input ends.
    for number in interrupt.SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(KeyboardInterrupt):
        try:
            return asyncio.run(_main())
        except EewError as error:
            _say(f"error {error}")
            return error.exit_code
        except OSError as error:
            # Past the start nobody reads what we say to the parent.
            sys.stderr.write(f"eew: a swarm worker: {error.filename or ''}: {error.strerror or error}\n")
            return ExitStatus.FAILED
    return ExitStatus.FAILED


if __name__ == "__main__":
    sys.exit(main())
