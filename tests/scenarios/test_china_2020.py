"""The year 2020 in China: its 29 earthquakes against the catalogue and the rule they were chosen by."""

import csv
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from eew.feed.scenario import load_scenario
from eew.feed.scenario_year import Year, load_year, year_path
from eew.model.errors import ScenarioError
from eew.model.records import AlertStatus, ReportKind

CHINA = timezone(timedelta(hours=8))


@pytest.fixture
def path(project: Path) -> Path:
    """Return the year's file."""
    return project / "scenarios" / "china-2020" / "year.toml"


@pytest.fixture
def year(path: Path) -> Year:
    """Return the year."""
    return load_year(path)


def is_chosen(row: dict[str, str]) -> bool:
    """Return what the rule in the file says of a row of the catalogue, written again."""
    place = row["place"].partition("(")[2].rstrip(")")
    is_in_xizang = place.startswith("西藏")
    is_in_kunlun = place.startswith("新疆") and float(row["lat_deg"]) < 37
    return float(row["magnitude"]) >= 4.4 and not is_in_xizang and not is_in_kunlun


@pytest.mark.reference_data
def test_events_are_the_catalogues_by_the_stated_rule(year: Year, reference_data: Path) -> None:
    """M 4.4 and more, outside Xizang and Xinjiang south of 37 N: exactly these 29, figure by figure."""
    with (reference_data / "catalogue" / "china_2020.csv").open(encoding="utf-8", newline="") as file:
        expected = [
            (
                datetime.fromisoformat(row["time_utc"]),
                float(row["lat_deg"]),
                float(row["lon_deg"]),
                float(row["depth_km"]),
                float(row["magnitude"]),
                row["place"],
            )
            for row in csv.DictReader(file)
            if is_chosen(row)
        ]
    assert len(expected) == 29
    found = [
        (
            report.origin_at,
            report.lat_deg,
            report.lon_deg,
            report.depth_km,
            report.magnitude,
            f"{name} ({report.place})",
        )
        for report, name in zip(year.reports, year.names, strict=True)
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("origin_at", "lat_deg", "lon_deg", "magnitude"),
    [
        # CENC, local time.
        pytest.param(datetime(2020, 2, 3, 0, 5, 41, tzinfo=CHINA), 30.74, 104.46, 5.1, id="Chengdu-Qingbaijiang"),
        pytest.param(datetime(2020, 5, 18, 21, 47, 59, tzinfo=CHINA), 27.18, 103.16, 5.0, id="Qiaojia"),
        pytest.param(datetime(2020, 7, 12, 6, 38, 25, tzinfo=CHINA), 39.78, 118.44, 5.1, id="Tangshan-Guye"),
        pytest.param(datetime(2020, 10, 21, 12, 4, 47, tzinfo=CHINA), 31.84, 104.17, 4.6, id="Beichuan-1"),
        pytest.param(datetime(2020, 10, 22, 11, 3, 37, tzinfo=CHINA), 31.83, 104.18, 4.7, id="Beichuan-2"),
    ],
)
def test_the_earthquakes_that_everybody_remembers_are_in(
    origin_at: datetime, lat_deg: float, lon_deg: float, magnitude: float, year: Year
) -> None:
    """Each is there with its place and magnitude."""
    (report,) = [each for each in year.reports if each.origin_at == origin_at]
    assert (report.lat_deg, report.lon_deg, report.magnitude) == (lat_deg, lon_deg, magnitude)


def test_reports_are_issued_as_the_stated_rule_says(year: Year) -> None:
    """P straight up at 5.8 km/s and 2.8 s more, to a tenth; 6 s at most, and never before ICL's 3 s."""
    assert len(year.reports) == len({report.event_id for report in year.reports}) == 29
    for report in year.reports:
        assert report.origin_at is not None
        assert report.depth_km is not None
        issued_s = (report.issued_at - report.origin_at).total_seconds()
        assert issued_s == pytest.approx(min(report.depth_km / 5.8 + 2.8, 6.0), abs=0.0501)
        assert 3 <= issued_s <= 6
        assert report.origin_at.astimezone(CHINA).year == 2020
        assert (report.kind, report.status, report.report_no) == (ReportKind.NEW, AlertStatus.ACTUAL, 1)


@pytest.mark.parametrize("name", ["qingbaijiang-2020", "tangshan-2020"])
def test_the_year_and_the_scenarios_of_two_of_its_earthquakes_say_the_same(
    name: str, year: Year, project: Path
) -> None:
    """The very same report stands in both."""
    (report,) = load_scenario(project / "scenarios" / f"{name}.toml").reports
    assert report in year.reports


def test_what_is_assumed_is_said(year: Year, project: Path) -> None:
    """Sources, licence, the rule, the one free number and what was published of the real year are in the file."""
    assert (year.name, year.profile, year.country) == ("china-2020", "china", "CN")
    assert (year.n_events_reported, year.n_alerts_reported) == (29, 9_400_000)
    assert len(year.sources) >= 4
    assert year.licence
    for words in ("never published", "M 4.4 or more", "西藏", "37 N", "Assumed", "One number is free"):
        assert words in " ".join(year.notes.split())
    assert "`china-2020`" in (project / "scenarios" / "README.md").read_text(encoding="utf-8")


def test_a_share_of_the_people_is_near_that_of_the_makers_users(year: Year) -> None:
    """One free number, next to 109.7 million users (124 million less the 13.0 % they grew by) of 1411.78 million."""
    n_users_2020 = 124e6 / 1.130
    assert year.devices_per_inhabitant == pytest.approx(n_users_2020 / 1411.78e6, rel=0.05)


def test_a_year_is_found_by_name_folder_and_file(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From anywhere in a checkout."""
    monkeypatch.chdir(tmp_path)
    assert year_path("china-2020") == path
    assert year_path(path.parent) == path
    assert year_path(path) == path


def test_no_year_of_that_name_names_those_there_are() -> None:
    """The error says what would have been right."""
    with pytest.raises(ScenarioError, match=r"'china-1976'.*china-2020"):
        year_path("china-1976")


@pytest.mark.parametrize(
    ("good", "bad", "field", "expected"),
    [
        ("depth_km = 16", "depth_km = -3", "events[0].depth_km", "0"),
        ("depth_km = 16", "depht_km = 16", "events[0].depht_km", "depth_km"),
        ("magnitude = 5.6, ", "", "events[0].magnitude", "missing required field"),
        ("magnitude = 5.6", "magnitude = nan", "events[0].magnitude", "finite"),
        ("T16:32:38+08:00", "T16:32:38", "events[0].origin_at", "zone"),
        ("2020-01-18T", "2020-01-10T", "events[1].origin_at", "after"),
        ("issued_s = 5.6", "issued_s = -1", "events[0].issued_s", "0"),
        ('profile = "china"', 'profile = "chine"', "profile", "china"),
        ('country = "CN"', 'country = "China"', "population.country", "A-Z"),
        ("inhabitant = 0.08", "inhabitant = 0.2", "population.devices_per_inhabitant", "0.1"),
        ("alerts = 9_400_000", "alarms = 9_400_000", "reported.alarms", "alerts"),
    ],
)
def test_what_is_wrong_in_a_year_is_named(
    good: str, bad: str, field: str, expected: str, path: Path, tmp_path: Path
) -> None:
    """File, line, field and what was expected."""
    text = path.read_text(encoding="utf-8")
    assert good in text
    wrong = tmp_path / "year.toml"
    wrong.write_text(text.replace(good, bad), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_year(wrong)
    assert caught.value.file == str(wrong)
    assert caught.value.field == field
    assert caught.value.line is not None
    assert expected in caught.value.expected


def test_times_are_told_as_on_the_clocks_there(year: Year) -> None:
    """Event ids are the origin in local time, as the catalogue's are, and reports have an instant."""
    assert year.reports[6].event_id == "20200203000541"
    assert year.reports[6].issued_at.astimezone(UTC) == datetime(2020, 2, 2, 16, 5, 47, tzinfo=UTC)
