"""Plans spilled to disk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from eew.dispatch.plan_store import PlanStore
from eew.model.records import AlertPlan, AlertStatus, EventReport, ReportKind

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
COLUMNS = ("target_row", "level", "intensity", "p_arrival_s", "s_arrival_s", "s_slowness_s_km")


def plan_of(n: int, rng: np.random.Generator) -> AlertPlan:
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
    return AlertPlan(
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


def test_columns_stay_what_they_were_and_leave_the_memory(tmp_path: Path, rng: np.random.Generator) -> None:
    """Every column is mapped from its file, equal, read-only; the rest of the plan and its report stay."""
    store = PlanStore(tmp_path)
    before = [plan_of(1000, rng), plan_of(7, rng)]
    for plan, was in zip([store.spill(each) for each in before], before, strict=True):
        assert plan.report is was.report
        assert (plan.expires_at, plan.radius_km_by_level) == (was.expires_at, was.radius_km_by_level)
        for name in COLUMNS:
            column = getattr(plan, name)
            assert isinstance(column, np.memmap)
            assert not column.flags.writeable
            assert column.dtype == getattr(was, name).dtype
            np.testing.assert_array_equal(column, getattr(was, name))
    assert len(list(tmp_path.iterdir())) == 2 * len(COLUMNS)
