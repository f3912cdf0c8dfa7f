"""The dispatcher's memory on disk: what is written comes back, and what is damaged costs no more than a repetition."""

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from eew.dispatch.journal import Journal, JournalledReport
from eew.model.errors import InputError
from eew.model.records import AlertPlan, AlertStatus, EventReport, ReportKind

NOW = datetime(2011, 3, 11, 5, 46, 45, 123456, tzinfo=UTC)
ROW = np.array([7, 3, 9, 1, 4], dtype=np.int32)
LEVEL = np.array([3, 3, 2, 2, 1], dtype=np.uint8)
S_ARRIVAL_S = np.array([10.5, 11.0, 20.0, 30.0, 40.0], dtype=np.float32)


def report(report_no: int = 1, kind: ReportKind = ReportKind.NEW) -> EventReport:
    return EventReport(
        event_id="ev",
        source="jma",
        report_no=report_no,
        kind=kind,
        status=AlertStatus.ACTUAL,
        issued_at=NOW,
        origin_at=NOW - timedelta(seconds=8),
        lat_deg=38.1,
        lon_deg=142.9,
        depth_km=10.0,
        magnitude=7.2,
        place="三陸沖",
    )


def plan(of: EventReport, n: int = len(ROW)) -> AlertPlan:
    unknown = np.full(n, np.nan, dtype=np.float32)
    return AlertPlan(
        report=of,
        expires_at=NOW,
        scale="jma",
        info="jp/ja",
        target_row=ROW[:n],
        level=LEVEL[:n],
        intensity=unknown,
        p_arrival_s=unknown,
        s_arrival_s=S_ARRIVAL_S[:n],
        s_slowness_s_km=unknown,
        radius_km_by_level={},
    )


async def reopened(
    journal: Journal, folder: Path, audience: str = "device 10"
) -> tuple[Journal, list[JournalledReport]]:
    await journal.close()
    journal = await Journal.open(folder, audience)
    return journal, list((await journal.history(NOW, 86_400)).journalled)


def rows(kept: JournalledReport, *, is_confirmed: bool = True) -> list[int]:
    return [int(row) for told in kept.notified if told.is_confirmed == is_confirmed for row in told.target_row]


async def test_reports_come_back_in_their_order_with_verdict_and_instant(tmp_path: Path) -> None:
    """What was accepted is read again exactly, to the microsecond."""
    journal = await Journal.open(tmp_path, "device 10")
    journal.accepted(report(1), "accepted", NOW)
    journal.accepted(report(1, ReportKind.CANCEL), "cancelled", NOW + timedelta(microseconds=1))
    journal, kept = await reopened(journal, tmp_path)
    assert [(each.report, each.verdict, each.at) for each in kept] == [
        (report(1), "accepted", NOW),
        (report(1, ReportKind.CANCEL), "cancelled", NOW + timedelta(microseconds=1)),
    ]
    journal.accepted(report(2), "corrected", NOW)
    journal, kept = await reopened(journal, tmp_path)
    assert [each.report.report_no for each in kept] == [1, 1, 2]
    await journal.close()


async def test_confirmed_ranges_come_back_as_the_targets_at_those_positions(tmp_path: Path) -> None:
    """Of five alerts, four were taken and the second is not confirmed: it comes back as sent, not as told."""
    journal = await Journal.open(tmp_path, "device 10")
    journal.accepted(report(), "accepted", NOW)
    number = journal.plan(plan(report(), 2))
    journal.extend(number, plan(report()))
    journal.progress(number, 4, ((0, 1), (2, 3)), is_over=False)
    journal, (kept,) = await reopened(journal, tmp_path)
    assert rows(kept) == [7, 9]
    assert rows(kept, is_confirmed=False) == [3, 1]
    first = kept.notified[0]
    assert (first.level.tolist(), first.s_arrival_s.tolist()) == ([3], [10.5])
    await journal.close()


async def test_rows_of_another_audience_mean_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After a change of the population, what rows were told is not believed; the reports are."""
    journal = await Journal.open(tmp_path, "device 10")
    journal.accepted(report(), "accepted", NOW)
    journal.progress(journal.plan(plan(report())), 5, ((0, 5),), is_over=True)
    journal, (kept,) = await reopened(journal, tmp_path, "cell 4")
    assert kept.notified == ()
    assert "journal.other_audience" in caplog.text
    await journal.close()


@pytest.mark.parametrize("damage", ["cut", "gone"])
async def test_a_damaged_plan_is_sent_again(damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A plan file that is cut or gone costs its marks, not the report."""
    journal = await Journal.open(tmp_path, "device 10")
    journal.accepted(report(), "accepted", NOW)
    journal.progress(journal.plan(plan(report())), 5, ((0, 5),), is_over=True)
    await journal.written()
    path = tmp_path / "plans" / "1.npy"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    else:
        path.unlink()
    journal, (kept,) = await reopened(journal, tmp_path)
    assert kept.notified == ()
    assert "journal.unreadable" in caplog.text
    await journal.close()


async def test_old_plans_are_deleted_and_their_reports_stay(tmp_path: Path) -> None:
    """What is too old to matter keeps a line, not a file, and does not come back."""
    journal = await Journal.open(tmp_path, "device 10")
    journal.accepted(report(), "accepted", NOW - timedelta(seconds=100))
    journal.plan(plan(report()))
    journal.forget(NOW, 99)
    await journal.written()
    assert list((tmp_path / "plans").iterdir()) == []
    assert (await journal.history(NOW, 99)).journalled == ()
    assert len((await journal.history(NOW, 101)).journalled) == 1
    await journal.close()


async def test_a_folder_serves_one_daemon_at_a_time(tmp_path: Path) -> None:
    """A second one is refused while the first is there, and welcome afterwards."""
    journal = await Journal.open(tmp_path, "device 10")
    with pytest.raises(InputError, match="another dispatcher uses this one"):
        await Journal.open(tmp_path, "device 10")
    await journal.close()
    await (await Journal.open(tmp_path, "device 10")).close()


async def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    """Neither a file that is no database, nor a journal of a later version, nor a file in place of the folder."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "journal.db").write_bytes(b"x" * 5000)
    with pytest.raises(InputError, match="a journal of eew dispatch"):
        await Journal.open(tmp_path / "a", "device 10")
    (tmp_path / "b").mkdir()
    with closing(sqlite3.connect(tmp_path / "b" / "journal.db")) as database:
        database.execute("PRAGMA user_version = 9")
    with pytest.raises(InputError, match="a journal of version 1"):
        await Journal.open(tmp_path / "b", "device 10")
    (tmp_path / "c").write_text("")
    with pytest.raises(InputError, match="a folder that can be written"):
        await Journal.open(tmp_path / "c", "device 10")


async def test_a_write_that_fails_is_counted_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without its folder the journal fails, and nobody who writes notices."""
    journal = await Journal.open(tmp_path, "device 10")
    (tmp_path / "plans").rmdir()
    with caplog.at_level(logging.ERROR):
        journal.plan(plan(report()))
        journal.plan(plan(report()))
        await journal.written()
    assert journal.n_failed == 2
    assert caplog.text.count("journal.failed") == 1
    assert not journal.is_busy
    await journal.close()
