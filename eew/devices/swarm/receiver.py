"""What a device does with an alert: refuse it, or take it. Many devices at once, as columns."""

from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from eew.client.rules import is_expired, rank
from eew.contract.message import AlertCore
from eew.devices.swarm.clock_history import CoreIssue
from eew.model.records import CodeColumn, FloatColumn, Level, ReportKind, RowColumn

__all__ = ["RECEIPT", "CoreKey", "Counter", "ReceiptLog", "Receiver", "Verify", "mapped_receipts"]

#: Says whether an alert's signature holds.
Verify = Callable[[AlertCore], bool]

#: One line of a receipt log.
RECEIPT = np.dtype(
    [
        ("received_mono_ns", "<i8"),
        ("device_row", "<i4"),
        # After the report's origin, as the device knows it; NaN in a cancel.
        ("s_arrival_s", "<f4"),
        ("core_no", "<i2"),
        ("level", "u1"),
    ]
)


class Counter(IntEnum):
    """What devices count; also the layout of a worker's shared counters."""

    TAKEN = 0
    DUPLICATE = 1
    OLDER = 2
    EXPIRED = 3
    UNVERIFIED = 4
    UNREADABLE = 5
    #: Cell mode: devices that a cell alert reached and that by their own estimate feel nothing.
    UNAFFECTED = 6
    #: Connections, not devices.
    RECONNECTED = 7


#: Event id, report number and kind: a cancel may bear the number of the report before it.
CoreKey = tuple[str, int, ReportKind]


def mapped_receipts(path: Path) -> npt.NDArray[np.void]:
    """Return the lines that a receipt log has written to a file, mapped and read-only."""
    if not path.stat().st_size:
        return np.empty(0, dtype=RECEIPT)
    return np.memmap(path, dtype=RECEIPT, mode="r").view(np.ndarray)


class ReceiptLog:
    """Every alert taken by a device: when, by which report, at which level; kept on disk, 19 bytes an alert.

    Parameters
    ----------
    file
        Where lines are appended.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._core_numbers: dict[CoreKey, int] = {}
        self._issues: list[CoreIssue] = []

    def add(
        self,
        core: AlertCore,
        device_row: RowColumn,
        level: CodeColumn,
        s_arrival_s: FloatColumn,
        received_mono_ns: int,
    ) -> None:
        """Add alerts; the columns have shape ``(n,)``."""
        key = core.event_id, core.report_no, core.kind
        number = self._core_numbers.get(key)
        if number is None:
            number = self._core_numbers[key] = len(self._core_numbers)
            self._issues.append(CoreIssue.of(core))
        part = np.empty(len(device_row), dtype=RECEIPT)
        part["received_mono_ns"] = received_mono_ns
        part["device_row"] = device_row
        part["core_no"] = number
        part["level"] = level
        part["s_arrival_s"] = s_arrival_s
        self._file.write(part.data)

    @property
    def cores(self) -> list[CoreKey]:
        """Which report each ``core_no`` stands for."""
        return list(self._core_numbers)

    @property
    def issues(self) -> list[CoreIssue]:
        """When each of them was issued."""
        return list(self._issues)


class Receiver:
    """The rows of one swarm process.

    Parameters
    ----------
    first_row, n_rows
        Which devices of the population.
    verify
        Checks a core's signature.
    counters
        Shape ``(len(Counter),)``, counted up in place.
    log
        Where what is taken is written down.
    """

    def __init__(
        self, first_row: int, n_rows: int, verify: Verify, counters: npt.NDArray[np.int64], log: ReceiptLog
    ) -> None:
        self._first_row = first_row
        self._n_rows = n_rows
        self._verify = verify
        self._counters = counters
        #: By event, the rank of what each device was last shown of it.
        self._shown: dict[str, npt.NDArray[np.int32]] = {}
        self._position = np.empty(n_rows, dtype=np.int32)
        self.log = log

    def take(
        self,
        core: AlertCore,
        device_row: RowColumn,
        level: CodeColumn,
        s_arrival_s: FloatColumn,
        *,
        now_at: datetime,
        received_mono_ns: int,
    ) -> npt.NDArray[np.bool_]:
        """Take alerts by one report, refusing what a device must refuse.

        Parameters
        ----------
        core
            Of the report.
        device_row, level, s_arrival_s
            Shape ``(n,)``: rows of the population, all of this process, codes of ``Level``, and when the S wave comes
            (after the report's origin; NaN in a cancel).
        now_at
            What time it is for the devices.
        received_mono_ns
            When the alerts were decoded.

        Returns
        -------
        is_taken
            Shape ``(n,)``. The rest was expired, did not verify, was a duplicate or older than what was shown.
        """
        n = len(device_row)
        if is_expired(core, now_at):
            return self._refused(Counter.EXPIRED, n)
        if not self._verify(core):
            return self._refused(Counter.UNVERIFIED, n)
        row = device_row - self._first_row
        shown = self._shown.get(core.event_id)
        if shown is None:
            shown = self._shown[core.event_id] = np.zeros(self._n_rows, dtype=np.int32)
        own_rank = rank(core)
        is_run = bool((np.diff(row) == 1).all())
        at = slice(int(row[0]), int(row[0]) + n) if n and is_run else row
        before = shown[at]
        is_older = own_rank < before
        is_duplicate = own_rank == before
        if not is_run:
            # Twice in one batch: only the last to write its position is the first to be taken.
            order = np.arange(n, dtype=np.int32)
            self._position[row] = order
            is_duplicate |= self._position[row] != order
        is_taken: npt.NDArray[np.bool_] = ~(is_older | is_duplicate)
        self._counters[Counter.OLDER] += np.count_nonzero(is_older)
        self._counters[Counter.DUPLICATE] += np.count_nonzero(is_duplicate & ~is_older)
        if not is_taken.all():
            at, device_row = row[is_taken], device_row[is_taken]
            level, s_arrival_s = level[is_taken], s_arrival_s[is_taken]
        shown[at] = own_rank
        self._counters[Counter.UNAFFECTED] += len(level) - np.count_nonzero(level != Level.NONE)
        self._counters[Counter.TAKEN] += len(level)
        self.log.add(core, device_row, level, s_arrival_s, received_mono_ns)
        return is_taken

    def counted(self, n_messages: int) -> None:
        """Count messages as taken without looking into them."""
        self._counters[Counter.TAKEN] += n_messages

    def reconnected(self) -> None:
        """Count a connection that was cut and is back."""
        self._counters[Counter.RECONNECTED] += 1

    def unreadable(self, n_messages: int) -> None:
        """Count messages that are no alerts."""
        self._counters[Counter.UNREADABLE] += n_messages

    def _refused(self, counter: Counter, n: int) -> npt.NDArray[np.bool_]:
        self._counters[counter] += n
        return np.zeros(n, dtype=bool)
