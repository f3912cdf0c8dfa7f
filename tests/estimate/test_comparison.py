"""Our answer beside the agency's: arrivals and classes, by hand, and on JMA's own report of 2011."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from eew.estimate.comparison import AreaComparison, compare, figures
from eew.estimate.intensity_models import IntensityModel, intensity_model
from eew.feed.areas import load_areas
from eew.model.errors import InputError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind
from eew.physics.travel_time_table import TravelTimeTable

ORIGIN_AT = datetime(2024, 4, 17, 14, 14, 47, tzinfo=UTC)
#: S waves at 3.5 km/s along straight rays.
CONSTANT = TravelTimeTable.load("constant-6.0-3.5")
DEPTH_KM = 10.0
SM99 = intensity_model("sm99")
#: [JMA] S arrivals by area in report 9 of 2011-03-11, s after 14:46:16 JST; source 38.1N 142.9E, 10 km deep.
TOHOKU_S_ARRIVAL_S = {
    "210": 47, "221": 47, "251": 48, "250": 55, "241": 59, "212": 59, "242": 59, "233": 59, "243": 63, "300": 65,
    "252": 66, "240": 71, "231": 74, "202": 76, "372": 76, "301": 77, "230": 80, "340": 83, "331": 92,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fixed(IntensityModel):
    """Shakes each place as it is told to, nearest first."""

    intensities: tuple[float, ...] = ()

    def intensity(
        self,
        magnitude: float,
        hypocentral_km: npt.ArrayLike,
        *,
        depth_km: float = 10.0,
        is_fault_distance: bool = False,
    ) -> npt.NDArray[np.float64]:
        """Return what was told."""
        assert (magnitude, depth_km, is_fault_distance) == (6.4, DEPTH_KM, False)
        return np.array(self.intensities)[: np.size(hypocentral_km)]


def report_of(*areas: AreaAnswer, **changes: object) -> EventReport:
    report = EventReport(
        event_id="20240417231454",
        source="jma",
        report_no=9,
        kind=ReportKind.UPDATE,
        status=AlertStatus.ACTUAL,
        issued_at=ORIGIN_AT + timedelta(seconds=15),
        origin_at=ORIGIN_AT,
        lat_deg=33.0,
        lon_deg=132.0,
        depth_km=DEPTH_KM,
        magnitude=6.4,
        areas=areas,
    )
    return msgspec.structs.replace(report, **changes)


def compared(report: EventReport, *intensities: float, lat_deg: float = 33.0, lon_deg: float = 132.0) -> AreaComparison:
    """Return the comparison of a report whose areas are all nearest at one place."""
    n = len(report.areas or ())
    found = compare(
        report,
        np.full(n, lat_deg),
        np.full(n, lon_deg),
        CONSTANT,
        Fixed("fixed", "jma", SM99.formula, "tests", intensities=intensities),
        DEPTH_KM,
    )
    assert found is not None
    return found


def test_arrival_right_above_the_focus_is_depth_by_speed() -> None:
    """10 km at 3.5 km/s is 2.86 s; an agency that says 5 s has us 2.14 s earlier, one that says 1 s 1.86 s later."""
    areas = [AreaAnswer(code=str(s), s_arrival_at=ORIGIN_AT + timedelta(seconds=s)) for s in (5, 1)]
    found = compared(report_of(*areas), 4, 4)
    np.testing.assert_allclose(found.our_s_arrival_s, 10 / 3.5, atol=0.001)
    np.testing.assert_allclose(found.later_s, [10 / 3.5 - 5, 10 / 3.5 - 1], atol=0.001)
    got = figures(found)
    assert (got.n_arrivals, got.n_intensities, got.share_in_time) == (2, 0, 0.5)
    assert got.max_later_s == pytest.approx(10 / 3.5 - 1, abs=0.001)
    assert got.min_later_s == pytest.approx(10 / 3.5 - 5, abs=0.001)
    assert got.median_later_s == pytest.approx(10 / 3.5 - 3, abs=0.001)


@pytest.mark.parametrize(
    ("ours", "lowest", "highest", "above"),
    [
        pytest.param(3.5, 4.0, 4.0, 0, id="class 4 begins at 3.5"),
        pytest.param(3.49, 4.0, 4.0, -1, id="below it is class 3"),
        pytest.param(4.5, 4.0, 4.0, 1, id="from 4.5 it is 5-"),
        pytest.param(4.99, 4.0, 4.5, 0, id="4 to 5-"),
        pytest.param(6.5, 4.5, 5.0, 3, id="7 is three above 5+"),
        pytest.param(0.0, 5.5, 6.0, -7, id="0 is seven below 6-"),
        pytest.param(6.9, 4.5, None, 0, id="5- or more"),
        pytest.param(4.4, 4.5, None, -1, id="less than 5- or more"),
    ],
)
def test_classes_are_counted_from_the_agencys_span(
    ours: float, lowest: float, highest: float | None, above: int
) -> None:
    """How many of JMA's ten classes ours is outside of what the agency says."""
    found = compared(report_of(AreaAnswer(code="1", intensity_from=lowest, intensity_to=highest)), ours)
    assert found.classes_above.tolist() == [above]
    got = figures(found)
    assert (got.n_above, got.n_below, got.share_within) == (int(above > 0), int(above < 0), float(above == 0))
    assert got.share_within_one_class == float(abs(above) <= 1)


def test_shortfall_is_to_where_the_agencys_lowest_class_begins() -> None:
    """Ours 3.2 lacks 0.3 to class 4, 4.4 lacks 0.1 to class 5-; what is within or above lacks nothing."""
    spans = ((4.0, 4.0), (4.5, 5.0), (3.0, 3.0), (0.0, 1.0))
    areas = [AreaAnswer(code=str(row), intensity_from=a, intensity_to=b) for row, (a, b) in enumerate(spans)]
    found = compared(report_of(*areas), 3.2, 4.4, 3.2, 0.4)
    assert found.shortfall[:2].tolist() == pytest.approx([0.3, 0.1])
    assert figures(found).median_shortfall == pytest.approx(0.2)
    assert figures(found.taken(found.shortfall < 0)).median_shortfall is None


def test_what_either_side_does_not_say_is_not_compared() -> None:
    """An area without polygon, time or class, and a report without magnitude, count for nothing."""
    told = AreaAnswer(code="1", intensity_from=4, intensity_to=4, s_arrival_at=ORIGIN_AT + timedelta(seconds=9))
    found = compared(report_of(told, AreaAnswer(code="2")), 4, 4, lat_deg=np.nan, lon_deg=np.nan)
    got = figures(found)
    assert (got.n_arrivals, got.median_later_s, got.max_later_s, got.min_later_s, got.share_in_time) == (0,) + (
        None,
    ) * 4
    assert (got.n_intensities, got.share_within, got.share_within_one_class) == (0, None, None)
    assert np.isnan(found.our_intensity).all()
    unknown = compared(report_of(told, AreaAnswer(code="2"), magnitude=None))
    assert figures(unknown).n_arrivals == 1
    assert figures(unknown).n_intensities == 0


def test_beyond_the_table_there_is_no_arrival() -> None:
    """A place further than the table reaches has an intensity and no arrival; a missing depth is the profile's."""
    told = AreaAnswer(code="1", s_arrival_at=ORIGIN_AT + timedelta(seconds=9), intensity_from=0, intensity_to=0)
    found = compared(report_of(told, depth_km=None), 0.1, lat_deg=-10)
    assert float(found.epicentral_km[0]) > CONSTANT.max_distance_km
    assert (figures(found).n_arrivals, figures(found).share_within) == (0, 1.0)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"is_assumed": True}, id="assumed hypocentre"),
        pytest.param({"areas": None}, id="no areas"),
        pytest.param({"areas": ()}, id="empty areas"),
        pytest.param({"kind": ReportKind.CANCEL, "lat_deg": None, "lon_deg": None, "origin_at": None}, id="cancel"),
    ],
)
def test_reports_that_say_nothing_of_waves_are_left_out(changes: dict[str, object]) -> None:
    """There is nothing to compare with."""
    report = report_of(AreaAnswer(code="1"), **changes)
    assert compare(report, np.zeros(1), np.zeros(1), CONSTANT, SM99, DEPTH_KM) is None


def test_another_scale_is_refused() -> None:
    """Classes of JMA are not compared with Mercalli's degrees."""
    with pytest.raises(InputError, match="scale jma"):
        compare(report_of(), np.zeros(0), np.zeros(0), CONSTANT, intensity_model("aww12"), DEPTH_KM)


def test_several_reports_come_together_in_their_order() -> None:
    """Rows of one report follow those of the other, and can be taken by area."""
    parts = [compared(report_of(AreaAnswer(code="1"), AreaAnswer(code="2"), report_no=no), 3, 3) for no in (1, 2)]
    together = AreaComparison.together(parts)
    assert (together.report_no.tolist(), together.code.tolist()) == ([1, 1, 2, 2], ["1", "2", "1", "2"])
    assert together.taken(together.code == "2").report_no.tolist() == [1, 2]


@pytest.mark.reference_data
def test_jmas_arrivals_of_tohoku_are_met(reference_data: Path) -> None:
    """Within 4.5 s of JMA's own arrivals in 16 of 19 areas, within 2.8 s in the median, never more than 1 s later."""
    origin_at = datetime(2011, 3, 11, 5, 46, 16, tzinfo=UTC)
    answers = [
        AreaAnswer(code=code, s_arrival_at=origin_at + timedelta(seconds=after_s))
        for code, after_s in TOHOKU_S_ARRIVAL_S.items()
    ]
    report = report_of(*answers, origin_at=origin_at, lat_deg=38.1, lon_deg=142.9, magnitude=7.6)
    areas = load_areas(reference_data / "areas" / "jma_AreaForecastLocalE_20240520.geojson")
    places = areas.nearest_points(38.1, 142.9, list(TOHOKU_S_ARRIVAL_S))
    jma2001 = TravelTimeTable.load(reference_data / "traveltime" / "tjma2001.csv")
    found = compare(report, *places, jma2001, SM99, DEPTH_KM)
    assert found is not None
    assert (np.abs(found.later_s) <= 4.5).sum() >= 16
    assert np.median(np.abs(found.later_s)) <= 2.8
    assert found.later_s.max() <= 1
