"""What the workers of a swarm leave behind, put together."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from eew.devices.swarm import swarm as module
from eew.devices.swarm.clock_history import CoreIssue
from eew.devices.swarm.receiver import RECEIPT, CoreKey, Counter
from eew.devices.swarm.swarm import Swarm, SwarmSettings, WorkerNotes
from eew.model.errors import BrokerLostError, EewError, WorkerStartError
from eew.model.records import AlertStatus, Devices, ReportKind

AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
Left = tuple[list[CoreKey], list[int]]


class Worker:
    """A worker that has ended."""

    stdin = None

    def __init__(self, returncode: int = 0) -> None:
        self.returncode = returncode

    async def wait(self) -> int:
        return self.returncode


def swarm(folder: Path, *workers: Left | None, returncode: int = 0) -> Swarm:
    """Return a swarm whose workers have written down reports, and a line each of these by their number; or nothing."""
    made = Swarm(SwarmSettings(broker_url="mqtt://h", population="p"), cast("Devices", None), folder)
    for worker_no, left in enumerate(workers):
        made._workers.append(cast("Any", Worker(returncode)))
        made._counters.append(np.arange(len(Counter), dtype=np.int64))
        if left is not None:
            cores, numbers = left
            lines = np.zeros(len(numbers), dtype=RECEIPT)
            lines["core_no"], lines["device_row"] = numbers, 100 * worker_no + np.arange(len(numbers))
            lines.tofile(folder / f"receipts-{worker_no}.bin")
            issues = [CoreIssue(AT + timedelta(seconds=core[1]), AT, "key", AlertStatus.ACTUAL) for core in cores]
            notes = WorkerNotes(cores=list(cores), issues=issues, clocks=[])
            (folder / f"notes-{worker_no}.json").write_bytes(msgspec.json.encode(notes))
    return made


ONE, TWO = ("e1", 3, ReportKind.UPDATE), ("e1", 3, ReportKind.CANCEL)
THREE = ("e2", 1, ReportKind.NEW)


async def test_reports_are_numbered_anew(tmp_path: Path) -> None:
    """What is report 0 to one worker is report 1 to another: every line keeps its report; counts are summed."""
    receipts = await swarm(tmp_path, ([ONE, TWO], [0, 1, 1]), ([THREE, ONE], [0, 1]), ([], [])).finish()
    told = [(int(line["device_row"]), receipts.cores[line["core_no"]]) for line in receipts.lines]
    assert told == [(0, ONE), (101, ONE), (1, TWO), (2, TWO), (100, THREE)]
    assert receipts.counts == {counter: 3 * counter for counter in Counter}
    assert [(issue.issued_at - AT).total_seconds() for issue in receipts.issues] == [core[1] for core in receipts.cores]
    rows = {core: receipts.of_core(core)["device_row"].tolist() for core in (ONE, TWO, THREE)}
    assert rows == {ONE: [0, 101], TWO: [1, 2], THREE: [100]}
    assert len(receipts.of_core(("e3", 1, ReportKind.NEW))) == 0


@pytest.mark.parametrize("n_at_once", [1, 2, 1000])
async def test_lines_are_in_order_of_report_and_device(
    n_at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    """However they came in, and however many are copied at once."""
    monkeypatch.setattr(module, "_CHUNK_LINES", n_at_once)
    made = swarm(tmp_path, ([ONE, TWO], [0] * 6 + [1] * 6))
    path = tmp_path / "receipts-0.bin"
    written = rng.permutation(np.fromfile(path, dtype=RECEIPT))
    written["received_mono_ns"] = 7 * written["device_row"]
    written.tofile(path)
    lines = (await made.finish()).lines
    assert lines["core_no"].tolist() == [0] * 6 + [1] * 6
    assert lines["device_row"].tolist() == list(range(12))
    assert lines["received_mono_ns"].tolist() == [7 * row for row in range(12)]


async def test_a_worker_that_was_killed_left_nothing(tmp_path: Path) -> None:
    """The others' receipts are there; its own are missed by whoever counts."""
    receipts = await swarm(tmp_path, None, ([ONE], [0])).finish()
    assert receipts.lines["device_row"].tolist() == [100]
    assert receipts.cores == [ONE]


async def test_no_workers_are_no_receipts(tmp_path: Path) -> None:
    """A swarm that never started has nothing to say."""
    receipts = await swarm(tmp_path).finish()
    assert (len(receipts.lines), receipts.cores, sum(receipts.counts.values())) == (0, [], 0)


def test_a_worker_that_ended_by_itself_is_an_error(tmp_path: Path) -> None:
    """With code 3 the broker was the reason, with any other something else was."""
    with pytest.raises(BrokerLostError, match="mqtt://h"):
        swarm(tmp_path, None, returncode=3).check()
    with pytest.raises(EewError, match="code 1"):
        swarm(tmp_path, None, returncode=1).check()


@pytest.mark.parametrize(
    ("said", "returncode", "exit_code", "words"),
    [
        (b"error travel_times: 'mars': expected a table\n", 2, 2, "did not start: error travel_times: 'mars'"),
        (b"", 1, 1, "ended with code 1"),
        (b"", -9, 1, "ended with code -9"),
        (b"", 0, 1, "ended with code 0"),
    ],
    ids=["bad-input", "crashed", "killed", "nothing"],
)
async def test_a_worker_that_does_not_start_hands_on_its_exit_code(
    said: bytes, returncode: int, exit_code: int, words: str, tmp_path: Path
) -> None:
    """What it was given is as wrong here as there; where a signal ended it, it is our own failure."""
    made = swarm(tmp_path, None, returncode=returncode)
    (worker,) = made._workers
    worker.stdout = asyncio.StreamReader()
    worker.stdout.feed_data(said)
    worker.stdout.feed_eof()
    with pytest.raises(WorkerStartError, match=words) as caught:
        await made._wait_until_ready(worker)
    assert caught.value.exit_code == exit_code
