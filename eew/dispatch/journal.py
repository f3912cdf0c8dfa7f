"""The dispatcher's memory on disk: what was heard, what the public is told, and how much of it the broker confirmed.

    STATE/journal.db      SQLite (WAL): reports heard, reports told, plans, progress
    STATE/plans/N.npy     whom plan N tells, in sending order: rows, levels, S arrivals
    STATE/lock            held while a daemon runs

All is written by one thread, in the order in which it was said. A write that fails is logged once and counted: alerts
do not wait for a disk.
"""

import asyncio
import fcntl
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Self, TypeVar

import msgspec
import numpy as np

from eew.model.errors import InputError
from eew.model.records import AlertPlan, CodeColumn, EventReport, FloatColumn, RowColumn
from eew.model.system.column_file import write_column
from eew.model.units import iso_utc

__all__ = ["History", "Journal", "JournalledReport", "NotifiedTargets", "Range", "SourceReport", "is_in_use"]

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: Positions ``start`` to ``end`` of a plan.
Range = tuple[int, int]

_VERSION = 1
_SCHEMA = """
CREATE TABLE heard (id INTEGER PRIMARY KEY, at TEXT NOT NULL, verdict TEXT NOT NULL, report BLOB NOT NULL);
CREATE INDEX heard_at ON heard (at);
CREATE TABLE reports (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, event_id TEXT NOT NULL, report_no INTEGER NOT NULL, kind TEXT NOT NULL,
    verdict TEXT NOT NULL, report BLOB NOT NULL
);
CREATE INDEX reports_at ON reports (at);
CREATE TABLE plans (
    id INTEGER PRIMARY KEY, report_id INTEGER NOT NULL REFERENCES reports, audience TEXT NOT NULL,
    n_alerts INTEGER NOT NULL, n_taken INTEGER NOT NULL DEFAULT 0, n_confirmed INTEGER NOT NULL DEFAULT 0,
    confirmed TEXT NOT NULL DEFAULT '[]', is_over INTEGER NOT NULL DEFAULT 0, is_stored INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX plans_report ON plans (report_id);
"""
#: Of these many reports acted on last it is known under which number they stand.
_MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class NotifiedTargets:
    """Targets that were notified of a report; columns have shape ``(n,)``."""

    target_row: RowColumn
    level: CodeColumn
    s_arrival_s: FloatColumn
    #: By the broker; else sent, and nobody knows whether it arrived.
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class SourceReport:
    """An agency's report by which what followed was judged: it counted in its own sequence, or was a copy of one."""

    report: EventReport
    #: When it was judged.
    at: datetime


@dataclass(frozen=True, slots=True)
class JournalledReport:
    """A report that the public is told, and whom it has reached."""

    report: EventReport
    verdict: str
    #: When it was judged.
    at: datetime
    notified: tuple[NotifiedTargets, ...]


@dataclass(frozen=True, slots=True)
class History:
    """What happened of late, each in its order."""

    source_reports: tuple[SourceReport, ...]
    journalled: tuple[JournalledReport, ...]


class Journal:
    """The journal of one dispatcher; made by ``open``.

    Parameters
    ----------
    folder
        Where it is.
    audience
        Names whom rows mean: rows told to another audience are worth nothing.
    """

    def __init__(self, folder: Path, audience: str) -> None:
        self._folder = folder
        self._audience = audience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        #: Each counted by one thread only.
        self._n_said, self._n_written = 0, 0
        self._next_report, self._next_plan = 1, 1
        self._report_ids: dict[EventReport, int] = {}
        self._database: sqlite3.Connection
        self._opened: ExitStack
        #: How many writes failed.
        self.n_failed = 0

    @classmethod
    async def open(cls, folder: Path, audience: str) -> Self:
        """Open a journal, made if there is none.

        Raises
        ------
        InputError
            If the folder cannot be used, is used by another daemon, or holds something else.
        """
        journal = cls(folder, audience)
        try:
            await journal._run(journal._open)
        except BaseException:
            journal._thread.shutdown(wait=False)
            raise
        return journal

    @property
    def is_busy(self) -> bool:
        """Whether something waits to be written."""
        return self._n_said > self._n_written

    def judged(self, report: EventReport, verdict: str, at: datetime) -> None:
        """Write down an agency's report as it came."""
        values = (iso_utc(at, 6), verdict, msgspec.json.encode(report))
        self._submit(lambda: self._write("INSERT INTO heard (at, verdict, report) VALUES (?, ?, ?)", values))

    def accepted(self, report: EventReport, verdict: str, at: datetime) -> None:
        """Write down a report that the public is told."""
        number, self._next_report = self._next_report, self._next_report + 1
        self._report_ids[report] = number
        if len(self._report_ids) > _MOST_REMEMBERED:
            del self._report_ids[next(iter(self._report_ids))]
        row = (number, iso_utc(at, 6), report.event_id, report.report_no, report.kind.value, verdict)
        content = msgspec.json.encode(report)
        self._submit(lambda: self._write("INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, content)))

    def plan(self, plan: AlertPlan) -> int:
        """Write down whom a plan tells, in which order; return the plan's number."""
        number, self._next_plan = self._next_plan, self._next_plan + 1
        report_no = self._report_ids.get(plan.report, 0)

        def write() -> None:
            self._store(number, plan)
            self._write(
                "INSERT INTO plans (id, report_id, audience, n_alerts) VALUES (?, ?, ?, ?)",
                (number, report_no, self._audience, len(plan)),
            )

        self._submit(write)
        return number

    def extend(self, number: int, plan: AlertPlan) -> None:
        """Write down the whole of a plan of which the beginning was there."""

        def write() -> None:
            self._store(number, plan)
            self._write("UPDATE plans SET n_alerts = ? WHERE id = ?", (len(plan), number))

        self._submit(write)

    def progress(self, number: int, n_taken: int, confirmed: Sequence[Range], *, is_over: bool) -> None:
        """Write down how much of a plan was taken and which positions the broker has confirmed."""
        ranges, n_confirmed = json.dumps(confirmed), sum(end - start for start, end in confirmed)
        values = (n_taken, n_confirmed, ranges, int(is_over), number)
        sql = "UPDATE plans SET n_taken = ?, n_confirmed = ?, confirmed = ?, is_over = ? WHERE id = ?"
        self._submit(lambda: self._write(sql, values))

    async def history(self, now_at: datetime, within_s: float) -> History:
        """Return what happened of late, and forget whom older reports were told to.

        Parameters
        ----------
        now_at
            The present.
        within_s
            How far back.
        """
        since = iso_utc(now_at - timedelta(seconds=within_s), 6)
        return await self._run(lambda: self._history(since))

    def forget(self, now_at: datetime, within_s: float) -> None:
        """Delete whom reports older than that were told to; the reports stay."""
        since = iso_utc(now_at - timedelta(seconds=within_s), 6)
        self._submit(lambda: self._forget(since))

    async def written(self) -> None:
        """Wait until all that was said is written."""
        await self._run(lambda: None)

    async def close(self) -> None:
        """Write what waits, and let others at it."""
        await self._run(self._opened.close)
        self._thread.shutdown(wait=False)

    async def _run(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def _submit(self, write: Callable[[], None]) -> None:
        self._n_said += 1
        self._thread.submit(self._try, write)

    def _try(self, write: Callable[[], None]) -> None:
        """Write; in the thread."""
        try:
            write()
        except (sqlite3.Error, OSError, ValueError) as error:
            self.n_failed += 1
            if self.n_failed == 1:
                logger.error("journal.failed folder=%s error=%s: alerts go on without it", self._folder, error)  # noqa: TRY400 - one line for an operator
        finally:
            self._n_written += 1

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        self._database.execute(sql, values)

    def _open(self) -> None:
        path = self._folder / "journal.db"
        try:
            (self._folder / "plans").mkdir(parents=True, exist_ok=True)
            with ExitStack() as stack:
                lock = stack.enter_context((self._folder / "lock").open("ab"))
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._database = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
                self._prepare(path)
                self._opened = stack.pop_all()
        except BlockingIOError as error:
            raise InputError("a folder of its own: another dispatcher uses this one", file=self._folder) from error
        except sqlite3.Error as error:
            raise InputError("a journal of eew dispatch", file=path, value=str(error)) from error
        except OSError as error:
            raise InputError("a folder that can be written", file=self._folder, value=error.strerror) from error

    def _prepare(self, path: Path) -> None:
        """Make the tables where there are none."""
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT")
        elif version != _VERSION:
            raise InputError(f"a journal of version {_VERSION}", file=path, field="version", value=version)
        self._next_report = 1 + self._largest("reports")
        self._next_plan = 1 + self._largest("plans")

    def _largest(self, table: Literal["reports", "plans"]) -> int:
        (largest,) = self._database.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()  # noqa: S608 - one of two words
        return int(largest)

    def _store(self, number: int, plan: AlertPlan) -> None:
        """Write a plan's columns beside their place, then rename: half a file is never read."""
        path = self._file(number)
        beside = path.with_suffix(".new")
        with beside.open("wb") as file:
            for column in (plan.target_row, plan.level, plan.s_arrival_s):
                write_column(file, column)
        beside.replace(path)

    def _file(self, number: int) -> Path:
        return self._folder / "plans" / f"{number}.npy"

    def _history(self, since: str) -> History:
        rows = self._database.execute("SELECT at, report FROM heard WHERE at >= ? ORDER BY id", (since,)).fetchall()
        source_reports = tuple(SourceReport(_report(content), datetime.fromisoformat(at)) for at, content in rows)
        journalled = []
        rows = self._database.execute(
            "SELECT id, at, verdict, report FROM reports WHERE at >= ? ORDER BY id", (since,)
        ).fetchall()
        for number, at, verdict, content in rows:
            report = _report(content)
            self._report_ids[report] = number
            journalled.append(
                JournalledReport(report, verdict, datetime.fromisoformat(at), tuple(self._notified(number)))
            )
        self._forget(since)
        return History(source_reports, tuple(journalled))

    def _notified(self, report_id: int) -> Iterator[NotifiedTargets]:
        """Yield whom the plans of a report have reached."""
        rows = self._database.execute(
            "SELECT id, audience, n_taken, confirmed FROM plans WHERE report_id = ? AND n_taken > 0 ORDER BY id",
            (report_id,),
        ).fetchall()
        for number, audience, n_taken, confirmed in rows:
            if audience != self._audience:
                logger.warning(
                    "journal.other_audience plan=%d: devices or mode have changed; all are told again", number
                )
                continue
            try:
                with self._file(number).open("rb") as file:
                    target_row, level, s_arrival_s = (np.load(file, allow_pickle=False) for _ in range(3))
            except (OSError, ValueError, EOFError) as error:
                logger.warning("journal.unreadable plan=%d error=%s: its alerts are sent again", number, error)
                continue
            at = 0
            for start, end in [*json.loads(confirmed), (n_taken, n_taken)]:
                for first, last, is_confirmed in ((at, start, False), (start, end, True)):
                    if last > first:
                        part = slice(first, last)
                        yield NotifiedTargets(target_row[part], level[part], s_arrival_s[part], is_confirmed)
                at = end

    def _forget(self, since: str) -> None:
        rows = self._database.execute(
            "SELECT plans.id FROM plans LEFT JOIN reports ON reports.id = report_id "
            "WHERE is_stored AND (at IS NULL OR at < ?)",
            (since,),
        ).fetchall()
        for (number,) in rows:
            self._file(number).unlink(missing_ok=True)
            self._database.execute("UPDATE plans SET is_stored = 0 WHERE id = ?", (number,))


def is_in_use(folder: Path) -> bool:
    """Return whether a daemon runs with this journal."""
    try:
        with (folder / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _report(content: bytes) -> EventReport:
    return msgspec.json.decode(content, type=EventReport)
