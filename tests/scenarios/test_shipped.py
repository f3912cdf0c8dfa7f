"""The shipped scenarios against the published numbers, copied here by hand."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from eew.feed.scenario import load_scenario
from eew.model.records import AlertStatus, ReportKind

JST = timezone(timedelta(hours=9))

#: JMA, 2011-03-11: report, minute and second of the issue after 14:00 JST, magnitude.
TOHOKU = [
    (1, 46, 45.6, 4.3),
    (2, 46, 46.7, 5.9),
    (3, 46, 47.7, 6.8),
    (4, 46, 48.8, 7.2),
    (5, 46, 49.8, 6.3),
    (6, 46, 50.9, 6.6),
    (7, 46, 51.2, 6.6),
    (8, 46, 56.1, 7.2),
    (9, 47, 2.4, 7.6),
    (10, 47, 10.2, 7.7),
    (11, 47, 25.2, 7.7),
    (12, 47, 45.3, 7.9),
    (13, 48, 5.2, 8.0),
    (14, 48, 25.2, 8.1),
    (15, 48, 37.0, 8.1),
]

#: JMA's sample telegrams VXSE45: seconds after 23:14:00 JST, magnitude, depth in km.
BUNGO = [
    *((57, 4.2, 40), (58, 4.5, 30), (59, 5.1, 30), (59, 5.8, 30), (59, 5.9, 40), (61, 5.7, 40), (61, 5.8, 40)),
    *((62, 5.9, 40), (62, 6.4, 30), (63, 6.5, 40), (63, 6.6, 40), (64, 6.6, 40), (64, 6.6, 40), (65, 6.6, 40)),
    *((67, 6.6, 40), (69, 6.6, 40), (70, 6.6, 40), (71, 6.6, 40), (73, 6.6, 50), (84, 6.6, 50), (84, 6.6, 50)),
    *((85, 6.6, 40), (85, 6.6, 50), (96, 6.6, 40), (96, 6.6, 50), (98, 6.7, 50), (98, 6.7, 50), (99, 6.6, 50)),
    *((118, 6.6, 50), (138, 6.6, 50), (158, 6.6, 50), (178, 6.6, 50)),
]


@pytest.fixture
def folder(project: Path) -> Path:
    """Return the folder of the shipped scenarios."""
    return project / "scenarios"


def test_tohoku_is_what_jma_issued(folder: Path) -> None:
    """All fifteen reports carry JMA's issue times, magnitudes and hypocentres."""
    scenario = load_scenario(folder / "tohoku-2011.toml")
    assert (scenario.profile, scenario.population) == ("japan", "japan")
    assert len(scenario.reports) == len(TOHOKU)
    for report, (number, minute, second, magnitude) in zip(scenario.reports, TOHOKU, strict=True):
        issued_at = datetime(2011, 3, 11, 14, minute, tzinfo=JST) + timedelta(seconds=second)
        assert (report.report_no, report.issued_at, report.magnitude) == (number, issued_at, magnitude)
        assert (report.lat_deg, report.lon_deg) == ((38.2, 142.7) if number <= 7 else (38.1, 142.9))
        assert report.depth_km == 10
        assert report.origin_at == datetime(2011, 3, 11, 5, 46, 18, 100_000, UTC)
        assert report.detected_at == datetime(2011, 3, 11, 5, 46, 40, 200_000, UTC)
        assert (report.event_id, report.status) == ("20110311144640", AlertStatus.ACTUAL)
    kinds = [report.kind for report in scenario.reports]
    assert kinds == [ReportKind.NEW, *[ReportKind.UPDATE] * 13, ReportKind.FINAL]


def test_luding_is_issued_when_the_published_seconds_say(folder: Path) -> None:
    """The one issue time lies between 8 and 9 s; place, depth and magnitude are the catalogue's."""
    scenario = load_scenario(folder / "luding-2022.toml")
    (report,) = scenario.reports
    assert report.origin_at == datetime(2022, 9, 5, 4, 52, 18, tzinfo=UTC)
    assert 8 <= (report.issued_at - report.origin_at).total_seconds() <= 9
    assert (report.lat_deg, report.lon_deg, report.depth_km, report.magnitude) == (29.59, 102.08, 16, 6.8)
    assert (scenario.profile, scenario.population) == ("china", "sichuan")


@pytest.mark.parametrize(
    ("name", "origin_at", "solution"),
    [
        # CENC's speed-report catalogue, UTC: lat, lon, depth, magnitude.
        ("qingbaijiang-2020", datetime(2020, 2, 2, 16, 5, 41, tzinfo=UTC), (30.74, 104.46, 21, 5.1)),
        ("tangshan-2020", datetime(2020, 7, 11, 22, 38, 25, tzinfo=UTC), (39.78, 118.44, 10, 5.1)),
    ],
)
def test_china_2020_is_the_catalogue_and_issued_as_fast_as_icl_says(
    name: str, origin_at: datetime, solution: tuple[float, ...], folder: Path
) -> None:
    """Origin, place, depth and magnitude are the catalogue's; issued within ICL's 3 to 6 s, and said to be assumed."""
    scenario = load_scenario(folder / f"{name}.toml")
    (report,) = scenario.reports
    assert report.origin_at == origin_at
    assert (report.lat_deg, report.lon_deg, report.depth_km, report.magnitude) == solution
    assert 3 <= (report.issued_at - origin_at).total_seconds() <= 6
    assert scenario.notes.strip().startswith("Assumed.")
    assert (scenario.profile, scenario.population) == ("china", f"{solution[0]},{solution[1]},200")


def test_turkiye_is_upgraded_from_4_5_to_7_4(folder: Path) -> None:
    """The first estimate came 7.1 s after the origin, the re-simulated one at 24 s."""
    first, second = load_scenario(folder / "turkiye-2023.toml").reports
    origin_at = datetime(2023, 2, 6, 1, 17, 34, tzinfo=UTC)
    assert first.origin_at == second.origin_at == origin_at
    assert (first.issued_at - origin_at, first.magnitude) == (timedelta(seconds=7.1), 4.5)
    assert (second.issued_at - origin_at, second.magnitude) == (timedelta(seconds=24), 7.4)
    assert {(report.lat_deg, report.lon_deg) for report in (first, second)} == {(37.17, 37.03)}


def test_bungo_is_what_the_telegrams_say(folder: Path) -> None:
    """32 reports with the telegrams' issue times, magnitudes and depths, then the cancel with the last number."""
    *found, cancel = load_scenario(folder / "bungo-2024.toml").reports
    start_at = datetime(2024, 4, 17, 23, 14, tzinfo=JST)
    said = [((report.issued_at - start_at).total_seconds(), report.magnitude, report.depth_km) for report in found]
    assert said == BUNGO
    assert [report.report_no for report in found] == list(range(1, 33))
    assert (cancel.kind, cancel.report_no) == (ReportKind.CANCEL, 32)
    assert cancel.issued_at == start_at + timedelta(seconds=180)


def test_false_alarm_ends_in_a_cancel_and_is_no_actual_alert(folder: Path) -> None:
    """What is invented is never marked actual."""
    reports = load_scenario(folder / "false-alarm.toml").reports
    assert [report.kind for report in reports] == [ReportKind.NEW, ReportKind.UPDATE, ReportKind.CANCEL]
    assert {report.status for report in reports} == {AlertStatus.TEST}


def test_drill_has_seven_events_at_once_and_says_so(folder: Path) -> None:
    """Seven events are issued within six seconds, all marked as an exercise."""
    reports = load_scenario(folder / "drill.toml").reports
    firsts = [report for report in reports if report.report_no == 1]
    assert len({report.event_id for report in firsts}) == len(firsts) == 7
    assert firsts[-1].issued_at - firsts[0].issued_at == timedelta(seconds=6)
    assert {report.status for report in reports} == {AlertStatus.EXERCISE}


def test_every_scenario_names_its_sources(folder: Path) -> None:
    """No scenario is without source and licence, and the page about them names each."""
    page = (folder / "README.md").read_text(encoding="utf-8")
    paths = sorted(folder.glob("*.toml"))
    assert len(paths) >= 6
    for path in paths:
        scenario = load_scenario(path)
        assert all(scenario.sources)
        assert scenario.licence
        assert f"`{scenario.name}`" in page
