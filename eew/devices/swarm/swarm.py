"""A swarm: worker processes that play the devices, started, watched and read out by one parent.

The parent holds each worker's standard input: when that ends, for whatever reason, the worker writes down what it
received and ends too. So no worker outlives its parent.
"""

import asyncio
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt

from eew.devices.swarm.clock_history import ClockSpan, CoreIssue
from eew.devices.swarm.layout import Mode, RowRange, Subscriptions, row_ranges
from eew.devices.swarm.receiver import RECEIPT, CoreKey, Counter, mapped_receipts
from eew.model.errors import BrokerConnectError, BrokerLostError, EewError, WorkerStartError
from eew.model.exit_status import ExitStatus
from eew.model.records import Devices
from eew.model.system.cancellation import to_the_end
from eew.model.system.output import naming

__all__ = ["Receipts", "Swarm", "SwarmSettings", "WorkerNotes", "WorkerOrders"]

_STOP_WITHIN_S = 30.0
_READY, _BROKER_GONE = "ready", "broker"
#: Receipts copied at once.
_CHUNK_LINES = 1 << 20


class SwarmSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the devices are played."""

    broker_url: str
    population: str
    mode: Mode = "device"
    subscriptions: Subscriptions = "wildcard"
    n_workers: int = 2
    #: Connections of each worker; 0 gives each device its own.
    n_connections: int = 5
    profile: str = "global"
    travel_times: str | None = None
    #: Base64url public keys by key id; a device refuses what none of them signed.
    keys: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: Count messages and look into none: what the broker can do at all.
    only_count: bool = False
    #: How long a device tries when its connection is cut.
    reconnect_s: float = 30.0
    #: Share of the devices that send receipts.
    receipt_share: float = 0.0


class WorkerOrders(msgspec.Struct, frozen=True, kw_only=True):
    """The command of one worker, on the first line of its standard input."""

    settings: SwarmSettings
    worker_no: int
    #: First row and end of each connection.
    ranges: list[tuple[int, int]]
    folder: str


class WorkerNotes(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker writes down beside its receipts."""

    #: Which report each ``core_no`` stands for, and when it was issued.
    cores: list[CoreKey]
    issues: list[CoreIssue]
    clocks: list[ClockSpan]


@dataclass(frozen=True, slots=True)
class Receipts:
    """All that a swarm's devices took; a device takes a report once."""

    #: As in ``receiver.RECEIPT``, mapped from the swarm's folder; in ascending order of ``core_no`` and ``device_row``.
    lines: npt.NDArray[np.void]
    #: Which report each ``core_no`` stands for.
    cores: Sequence[CoreKey]
    counts: Mapping[Counter, int]
    #: When each of ``cores`` was issued, as the alerts say, and what dispatchers said of their clocks.
    issues: Sequence[CoreIssue] = ()
    clocks: Sequence[ClockSpan] = ()

    def of_core(self, core: CoreKey) -> npt.NDArray[np.void]:
        """Return the lines of one report, in ascending order of ``device_row``."""
        if core not in self.cores:
            return self.lines[:0]
        core_no = self.cores.index(core)
        # Not numpy's search: it copies a column first.
        numbers = self.lines["core_no"]
        return self.lines[bisect_left(numbers, core_no) : bisect_right(numbers, core_no)]


class Swarm:
    """Worker processes as one async context: ready on entering, gone on leaving.

    Parameters
    ----------
    settings
        How the devices are played.
    devices
        The population, as at ``settings.population``.
    folder
        An empty folder for what the workers write.
    """

    def __init__(self, settings: SwarmSettings, devices: Devices, folder: Path) -> None:
        self._settings = settings
        self._devices = devices
        self._folder = folder
        self._workers: list[asyncio.subprocess.Process] = []
        self._counters: list[npt.NDArray[np.int64]] = []

    async def __aenter__(self) -> Self:
        """Start the workers and wait until all have subscribed.

        Raises
        ------
        BrokerConnectError
            If the broker does not let them.
        WorkerStartError
            If a worker ends instead.
        """
        settings = self._settings
        n_connections = max(settings.n_connections, 1)
        ranges = row_ranges(self._devices, settings.n_workers * n_connections)
        n_workers = min(settings.n_workers, len(ranges))
        try:
            for worker_no in range(n_workers):
                mine = ranges[worker_no * len(ranges) // n_workers : (worker_no + 1) * len(ranges) // n_workers]
                await self._start(worker_no, mine)
            await asyncio.gather(*(self._wait_until_ready(worker) for worker in self._workers))
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what still runs."""
        await self._stop()

    def counts(self) -> dict[Counter, int]:
        """Return what all devices counted so far."""
        total = np.sum(self._counters, axis=0) if self._counters else np.zeros(len(Counter), dtype=np.int64)
        return {counter: int(total[counter]) for counter in Counter}

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [worker.pid for worker in self._workers]

    @property
    def n_taken(self) -> int:
        """How many alerts devices have taken so far."""
        return int(sum(counters[Counter.TAKEN] for counters in self._counters))

    def check(self) -> None:
        """Raise if a worker has ended by itself: ``BrokerLostError`` where the broker was the reason."""
        for worker in self._workers:
            if worker.returncode == ExitStatus.UNREACHABLE:
                reason, after_s = "the devices' connections were cut", self._settings.reconnect_s
                raise BrokerLostError(self._settings.broker_url, reason, after_s=after_s)
            if worker.returncode is not None:
                raise EewError(f"a swarm worker ended with code {worker.returncode}")

    async def finish(self) -> Receipts:
        """Stop the workers and return what they received.

        A worker that was killed left nothing: what its devices received counts as lost.
        """
        await self._stop()
        return await to_the_end(self._merged)

    def _merged(self) -> Receipts:
        """Put the workers' receipts together on disk, in order, numbering their reports anew."""
        parts_by_core: dict[CoreKey, list[tuple[npt.NDArray[np.void], npt.NDArray[np.int32]]]] = {}
        issue_by_core: dict[CoreKey, CoreIssue] = {}
        clocks: list[ClockSpan] = []
        n_lines = 0
        for worker_no in range(len(self._workers)):
            notes_path = self._folder / f"notes-{worker_no}.json"
            if not notes_path.exists():
                continue
            notes = msgspec.json.decode(notes_path.read_bytes(), type=WorkerNotes)
            mine = notes.cores
            issue_by_core = dict(zip(mine, notes.issues, strict=True)) | issue_by_core
            clocks += notes.clocks
            lines = mapped_receipts(self._folder / f"receipts-{worker_no}.bin")
            n_lines += len(lines)
            # Workers come in ascending order of their rows.
            for core, line_no in zip(mine, _line_no_by_core(lines, len(mine)), strict=True):
                parts_by_core.setdefault(core, []).append((lines, line_no))
        cores = list(parts_by_core)
        issues = [issue_by_core[core] for core in cores]
        if not n_lines:
            return Receipts(np.empty(0, dtype=RECEIPT), cores, self.counts(), issues, clocks)
        path = self._folder / "receipts.bin"
        # Not through a mapping, where a full disk would kill the process.
        with naming(path), path.open("wb") as file:
            for core_no, parts in enumerate(parts_by_core.values()):
                for lines, line_no in parts:
                    for start in range(0, len(line_no), _CHUNK_LINES):
                        chunk = lines[line_no[start : start + _CHUNK_LINES]]
                        chunk["core_no"] = core_no
                        file.write(chunk.data)
        return Receipts(mapped_receipts(path), cores, self.counts(), issues, clocks)

    async def _start(self, worker_no: int, ranges: Sequence[RowRange]) -> None:
        path = self._folder / f"counters-{worker_no}.bin"
        counters = np.memmap(path, dtype=np.int64, mode="w+", shape=(len(Counter),))
        orders = WorkerOrders(
            settings=self._settings,
            worker_no=worker_no,
            ranges=[(each.first, each.end) for each in ranges],
            folder=str(self._folder),
        )
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "eew.devices.swarm.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C goes to the parent, which ends the workers when it has their receipts.
            start_new_session=True,
        )
        self._workers.append(worker)
        self._counters.append(counters)
        if worker.stdin is not None:
            worker.stdin.write(msgspec.json.encode(orders) + b"\n")
            await worker.stdin.drain()

    async def _wait_until_ready(self, worker: asyncio.subprocess.Process) -> None:
        if worker.stdout is None:
            raise AssertionError("workers are started with a pipe")
        said = (await worker.stdout.readline()).decode().strip()
        word, _, reason = said.partition(" ")
        if word == _BROKER_GONE:
            raise BrokerConnectError(self._settings.broker_url, reason)
        if word != _READY:
            # Having said so, or nothing, it ends.
            raise WorkerStartError(said, await worker.wait())

    async def _stop(self) -> None:
        """End standard inputs, wait, and kill what does not end."""
        for worker in self._workers:
            if worker.stdin is not None and not worker.stdin.is_closing():
                worker.stdin.close()
        for worker in self._workers:
            try:
                async with asyncio.timeout(_STOP_WITHIN_S):
                    await worker.wait()
            except TimeoutError:
                worker.kill()
                await worker.wait()


def _line_no_by_core(lines: npt.NDArray[np.void], n_cores: int) -> list[npt.NDArray[np.int32]]:
    """Return which lines are of each report, in ascending order of device row."""
    core_no = np.ascontiguousarray(lines["core_no"])
    line_no = np.lexsort((np.ascontiguousarray(lines["device_row"]), core_no)).astype(np.int32)
    ends = np.cumsum(np.bincount(core_no, minlength=n_cores)).tolist()
    return [line_no[first:end] for first, end in pairwise([0, *ends])]
