"""Scenario files: what is read, and that a fault is named with file, line, field, value and what was expected."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from eew.feed.scenario import load_scenario, scenario_path
from eew.model.errors import ScenarioError
from eew.model.records import AlertStatus, ReportKind

GOOD = """\
title = "A title"
sources = ["someone", "someone else"]
licence = "none"
profile = "japan"
notes = \"\"\"
[[reports]]
kind = "not a key"
\"\"\"

[population]
region = "japan"

[event]
event_id = "e-1"
source = "agency"
status = "exercise"
origin_at = 2024-01-01T16:10:22.5+09:00
depth_km = 16
place = "能登"

[[reports]]  # the first
report_no = 1
issued_s = -1.5
kind = "new"
lat_deg = 37.5
lon_deg = 137.3

[[reports]]
report_no = 2
issued_s = 8.25
kind = "update"
lat_deg = 37.5
lon_deg = 137.3
depth_km = 10
magnitude = 7.4
origin_s = -2
fault = [
  [[37.1, 136.6, 0], [37.9, 138.3, 0], [37.8, 138.4, 15]],
  [[37.1, 136.6, 0.5], [37.0, 136.5, 0.5]],
]

[[reports]]
report_no = 2
issued_s = 60
kind = "cancel"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def line_no(text: str, key: str) -> int:
    """Return the only line that begins with a text."""
    (found,) = [number for number, line in enumerate(text.splitlines(), start=1) if line.startswith(key)]
    return found


def test_good_file_is_read(tmp_path: Path) -> None:
    """Everything written is in the scenario, in absolute times."""
    scenario = load_scenario(written(tmp_path, GOOD))
    assert (scenario.name, scenario.title, scenario.sources) == ("mine", "A title", ("someone", "someone else"))
    assert (scenario.licence, scenario.profile, scenario.population) == ("none", "japan", "japan")
    assert scenario.notes == '[[reports]]\nkind = "not a key"'
    first, second, cancel = scenario.reports
    assert first.origin_at == datetime(2024, 1, 1, 7, 10, 22, 500_000, UTC)
    assert first.issued_at == datetime(2024, 1, 1, 7, 10, 21, tzinfo=UTC)
    assert (first.event_id, first.source, first.status) == ("e-1", "agency", AlertStatus.EXERCISE)
    assert (first.depth_km, first.magnitude, first.place) == (16.0, None, "能登")
    assert (second.depth_km, second.magnitude) == (10.0, 7.4)
    assert second.issued_at == datetime(2024, 1, 1, 7, 10, 30, 750_000, UTC)
    assert second.origin_at == datetime(2024, 1, 1, 7, 10, 20, 500_000, UTC)
    assert second.fault is not None
    assert second.fault[1] == ((37.1, 136.6, 0.5), (37.0, 136.5, 0.5))
    assert (cancel.kind, cancel.report_no, cancel.event_id) == (ReportKind.CANCEL, 2, "e-1")
    assert (cancel.origin_at, cancel.lat_deg, cancel.depth_km, cancel.place) == (None, None, None, None)


def test_circle_is_spelled_as_a_place(tmp_path: Path) -> None:
    """Centre and radius become what the maker of devices takes."""
    text = GOOD.replace('region = "japan"', "lat_deg = -33.25\nlon_deg = 132\nradius_km = 300")
    assert load_scenario(written(tmp_path, text)).population == "-33.25,132,300"


def test_events_in_any_order_are_played_by_issue(tmp_path: Path) -> None:
    """Reports of a second event further down in the file come out where their issue time puts them."""
    more = '\n[[reports]]\nevent_id = "e-2"\nreport_no = 1\nissued_s = 1\nkind = "new"\nlat_deg = 1\nlon_deg = 2\n'
    reports = load_scenario(written(tmp_path, GOOD + more)).reports
    assert [(report.event_id, report.report_no) for report in reports] == [
        ("e-1", 1),
        ("e-2", 1),
        ("e-1", 2),
        ("e-1", 2),
    ]


A_TIME = "a time with its zone, like 2011-03-11T05:46:45.6Z"
TOO_FEW = "a list of segments, each a list of 2 or more [lat, lon, depth_km]"

FAULTS = [
    # what is replaced, by what, begin of the line it is on, field, value, expected
    pytest.param('title = "A title"\n', "", None, "title", None, "missing required field", id="no title"),
    pytest.param('"A title"', "7", "title", "title", 7, "text", id="title is a number"),
    pytest.param('"A title"', '""', "title", "title", "", "text that is not empty", id="empty title"),
    pytest.param(
        '["someone", "someone else"]', "[]", "sources", "sources", [], "a list that is not empty", id="no sources"
    ),
    pytest.param('["someone", ', "[5, ", "sources", "sources[0]", 5, "text", id="source is a number"),
    pytest.param("licence", "license", "license", "license", None, None, id="misspelled key"),
    pytest.param(
        'profile = "japan"',
        'profile = "mars"',
        "profile",
        "profile",
        "mars",
        "china or global or japan or taiwan or us",
        id="no such profile",
    ),
    pytest.param(
        '[population]\nregion = "japan"', "", None, "population", None, "missing required field", id="no population"
    ),
    pytest.param(
        'region = "japan"',
        "",
        "[population]",
        "population.region",
        None,
        "missing required field, or lat_deg, lon_deg and radius_km",
        id="empty population",
    ),
    pytest.param(
        'region = "japan"',
        "lat_deg = 91\nlon_deg = 1\nradius_km = 5",
        "lat_deg = 91",
        "population.lat_deg",
        91,
        "a number of at most 90.0",
        id="centre off the earth",
    ),
    pytest.param(
        'region = "japan"',
        "lat_deg = 9\nlon_deg = 1",
        "[population]",
        "population.radius_km",
        None,
        "missing required field",
        id="no radius",
    ),
    pytest.param(
        "2024-01-01T16:10:22.5+09:00",
        "2024-01-01T16:10:22",
        "origin_at",
        "event.origin_at",
        "2024-01-01 16:10:22",
        A_TIME,
        id="origin without zone",
    ),
    pytest.param(
        "origin_at = 2024-01-01T16:10:22.5+09:00",
        "",
        "[event]",
        "event.origin_at",
        None,
        "missing required field",
        id="no origin",
    ),
    pytest.param('"exercise"', '"drill"', "status", "event.status", "drill", "actual or exercise or test", id="status"),
    pytest.param(
        "depth_km = 16",
        "depth_km = 900",
        "depth_km = 900",
        "event.depth_km",
        900,
        "a number of at most 800.0",
        id="depth",
    ),
    pytest.param(
        "depth_km = 16", "issued_s = 16", "issued_s = 16", "event.issued_s", None, None, id="own key in event"
    ),
    pytest.param(
        "report_no = 1\n", "", "[[reports]]  #", "reports[0].report_no", None, "missing required field", id="no number"
    ),
    pytest.param("issued_s = 8.25\n", "", "magnitude", None, None, "missing required field", id="no issue time"),
    pytest.param("8.25", "nan", "issued_s = nan", "reports[1].issued_s", None, "a finite number", id="nan"),
    pytest.param("7.4", "inf", "magnitude", "reports[1].magnitude", float("inf"), "a finite number", id="infinite"),
    pytest.param("8.25", '"8"', 'issued_s = "8"', "reports[1].issued_s", "8", "a number", id="text for seconds"),
    pytest.param("8.25", "true", "issued_s = true", "reports[1].issued_s", True, "a number", id="truth for seconds"),
    pytest.param("8.25", "1e6", "issued_s = 1e6", "reports[1].issued_s", 1e6, "a number of at most 86400.0", id="far"),
    pytest.param(
        '"update"',
        '"revise"',
        'kind = "revise"',
        "reports[1].kind",
        "revise",
        "new or update or final or cancel",
        id="kind",
    ),
    pytest.param("7.4", "11", "magnitude", "reports[1].magnitude", 11, "a number of at most 10.5", id="magnitude"),
    pytest.param(
        "origin_s = -2", "orign_s = -2", "orign_s", "reports[1].orign_s", None, None, id="misspelled in report"
    ),
    pytest.param(
        "0], [37.8, 138.4, 15]",
        "0], [37.8, 138.4]",
        "  [[37.1, 136.6, 0], ",
        "reports[1].fault[0][2]",
        [37.8, 138.4],
        "a list of length 3",
        id="corner",
    ),
    pytest.param(", [37.0, 136.5, 0.5]", "", "fault", "reports[1].fault", None, TOO_FEW, id="one corner"),
    pytest.param(
        "8.25",
        "-1.6",
        "issued_s = -1.6",
        "reports[1].issued_s",
        -1.6,
        "not before report 1 of the event",
        id="goes back",
    ),
    pytest.param(
        "report_no = 2\nissued_s = 8.25",
        "report_no = 1\nissued_s = 8.25",
        None,
        "reports[1].report_no",
        1,
        "2 or more, after report 1 of the event",
        id="number again",
    ),
    pytest.param(
        "report_no = 2\nissued_s = 60",
        "report_no = 1\nissued_s = 60",
        None,
        "reports[2].report_no",
        1,
        "2 or more, after report 2 of the event",
        id="cancel of an older number",
    ),
]


@pytest.mark.parametrize(("old", "new", "on_line", "field", "value", "expected"), FAULTS)
def test_fault_is_named(
    old: str, new: str, on_line: str | None, field: str | None, value: object, expected: str | None, tmp_path: Path
) -> None:
    """A file with one fault is refused: file, line, field, value, expected."""
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    path = written(tmp_path, text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    error = caught.value
    assert error.file == str(path)
    if field is not None:
        assert error.field == field
        if on_line is not None:
            assert error.line == line_no(text, on_line)
    if value is not None:
        assert error.value == value
    if expected is not None:
        assert error.expected == expected


def test_toml_fault_names_its_line(tmp_path: Path) -> None:
    """What is not TOML at all is refused with its line."""
    with pytest.raises(ScenarioError, match="TOML") as caught:
        load_scenario(written(tmp_path, 'title = "x"\nsources = [\nlicence\n'))
    assert caught.value.line == 3


def test_other_than_utf8_is_refused(tmp_path: Path) -> None:
    """A file in another encoding is refused by name."""
    path = tmp_path / "mine.toml"
    path.write_bytes('title = "能登"'.encode("shift-jis"))
    with pytest.raises(ScenarioError, match="TOML") as caught:
        load_scenario(path)
    assert caught.value.file == str(path)


def test_unknown_name_lists_the_shipped_ones() -> None:
    """Someone who mistypes a name sees the names."""
    with pytest.raises(ScenarioError, match=r"bungo-2024.*tohoku-2011"):
        scenario_path("tohuku-2011")


def test_name_and_path_are_both_taken(project: Path, tmp_path: Path) -> None:
    """A shipped scenario goes by its name, any file by its path."""
    assert scenario_path("drill") == project / "scenarios" / "drill.toml"
    path = written(tmp_path, GOOD)
    assert scenario_path(path) == path
