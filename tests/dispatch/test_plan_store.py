"""Plans put away on disk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np

from eew.dispatch.plan_store import Ledger
from eew.fanout.encode import Encoder
from eew.fanout.outbox import Job
from eew.model.records import AlertPlan, AlertStatus, EventReport, ReportKind

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
COLUMNS = ("target_row", "level", "intensity", "p_arrival_s", "s_arrival_s", "s_slowness_s_km")


def job(n: int, rng: np.random.Generator) -> Job:
    """Return a plan that is out, with an encoder still held."""
    report = EventReport(
        event_id="e1",
        source="jma",
        report_no=1,
        kind=ReportKind.NEW,
        status=AlertStatus.ACTUAL,
        issued_at=ORIGIN_AT + timedelta(seconds=28),
        origin_at=ORIGIN_AT,
        lat_deg=38.1,
        lon_deg=142.9,
    )
    plan = AlertPlan(
        report=report,
        expires_at=ORIGIN_AT + timedelta(seconds=600),
        scale="jma",
        info="jp/ja",
        target_row=rng.permutation(n).astype(np.int32),
        level=rng.integers(1, 4, n).astype(np.uint8),
        intensity=rng.random(n).astype(np.float32),
        p_arrival_s=rng.random(n).astype(np.float32),
        s_arrival_s=rng.random(n).astype(np.float32),
        s_slowness_s_km=rng.random(n).astype(np.float32),
        radius_km_by_level={"critical": 1.0},
    )
    return Job(plan, cast("Encoder", object()), lambda _plan, _start, _end: None)


def test_columns_stay_what_they_were_and_leave_the_memory(tmp_path: Path, rng: np.random.Generator) -> None:
    """Every column is mapped from its file, equal, read-only; the rest of the plan and its report stay."""
    jobs = [job(1000, rng), job(7, rng)]
    before = [each.plan for each in jobs]
    Ledger(tmp_path).put_away(jobs)
    for each, was in zip(jobs, before, strict=True):
        assert each.encoder is None
        assert each.plan.report is was.report
        assert (each.plan.expires_at, each.plan.radius_km_by_level) == (was.expires_at, was.radius_km_by_level)
        for name in COLUMNS:
            column = getattr(each.plan, name)
            assert isinstance(column, np.memmap)
            assert not column.flags.writeable
            assert column.dtype == getattr(was, name).dtype
            np.testing.assert_array_equal(column, getattr(was, name))


def test_a_plan_is_put_away_once(tmp_path: Path, rng: np.random.Generator) -> None:
    """It is asked to many times a second: what is on disk is not written again."""
    jobs = [job(10, rng)]
    ledger = Ledger(tmp_path)
    ledger.put_away(jobs)
    plan, files = jobs[0].plan, sorted(tmp_path.iterdir())
    jobs.append(job(10, rng))
    ledger.put_away(jobs)
    assert jobs[0].plan is plan
    assert len(sorted(tmp_path.iterdir())) == 2 * len(files) == 2 * len(COLUMNS)


def test_an_empty_plan_is_no_file(tmp_path: Path, rng: np.random.Generator) -> None:
    """There is nothing to map in it."""
    jobs = [job(0, rng)]
    Ledger(tmp_path).put_away(jobs)
    assert len(jobs[0].plan) == 0
    assert not list(tmp_path.iterdir())
