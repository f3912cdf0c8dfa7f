"""What a report says of the rupture, and whether attenuation may be applied to it."""

from datetime import UTC, datetime

import msgspec
import pytest

from eew.model.report import AlertStatus, AreaAnswer, EventReport, ReportKind

REPORT = EventReport(
    event_id="e1",
    source="jma",
    report_no=1,
    kind=ReportKind.NEW,
    status=AlertStatus.ACTUAL,
    issued_at=datetime(2024, 1, 1, 7, 10, 20, tzinfo=UTC),
    origin_at=datetime(2024, 1, 1, 7, 10, 8, tzinfo=UTC),
    lat_deg=37.5,
    lon_deg=137.2,
    magnitude=7.4,
    fault=(((37.5, 137.2, 1.0), (37.6, 137.4, 1.0)), ()),
)


def test_a_solution_says_what_the_report_says() -> None:
    """Member by member; what is unknown stays unknown."""
    solution = REPORT.solution
    assert solution is not None
    for name in solution.__struct_fields__:
        assert getattr(solution, name) == getattr(REPORT, name)
    assert solution.depth_km is None


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": ReportKind.CANCEL},
        {"kind": ReportKind.CANCEL, "origin_at": None, "lat_deg": None, "lon_deg": None},
        {"origin_at": None},
        {"lat_deg": None},
        {"lon_deg": None},
    ],
)
def test_a_cancel_and_a_report_of_areas_alone_have_no_solution(changes: dict[str, object]) -> None:
    """A cancel takes back, whatever it repeats; one coordinate is no place."""
    report = msgspec.structs.replace(REPORT, areas=(AreaAnswer(code="9910"),), **changes)
    assert (report.solution, report.rupture) == (None, None)


@pytest.mark.parametrize("changes", [{"magnitude": None}, {"is_assumed": True}])
def test_without_a_magnitude_and_from_an_assumed_hypocentre_nothing_is_attenuated(changes: dict[str, object]) -> None:
    """The solution stands, the rupture does not."""
    report = msgspec.structs.replace(REPORT, **changes)
    assert report.solution is not None
    assert report.rupture is None


def test_a_rupture_has_the_fault_s_segments_that_are_somewhere() -> None:
    """A segment without a vertex is nowhere."""
    assert REPORT.rupture is not None
    assert REPORT.rupture.magnitude == 7.4
    assert REPORT.rupture.fault == (((37.5, 137.2, 1.0), (37.6, 137.4, 1.0)),)
    assert msgspec.structs.replace(REPORT, fault=None).rupture != REPORT.rupture
