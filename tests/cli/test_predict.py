"""``eew predict`` as a user runs it."""

import json
import math
from typing import Any

import pytest
from pyproj import Geod

from eew.cli.main import main

WGS84 = Geod(ellps="WGS84")
KEYS = ["epicentral_km", "hypocentral_km", "p_arrival_s", "s_arrival_s", "intensity", "scale", "level", "lead_s"]


def predicted(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Return what ``eew predict … --json`` prints."""
    assert main(["predict", *words, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_places_come_in_the_order_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """``--for`` takes several places at once and may be repeated, southern and western ones too."""
    at = (-33.0, -71.5)
    places = [(-33.4, -70.6), (-36.8, -73.0), (-29.9, -71.2)]
    words = [f"{lat},{lon}" for lat, lon in places]
    answer = predicted(
        capsys, "--magnitude", "7", "--depth-km", "30", "--at", "-33.0,-71.5", "--for", *words[:2], "--for", words[2]
    )
    assert list(answer) == ["places", "late_radius_km"]
    assert [list(place) for place in answer["places"]] == [KEYS] * 3
    expected = [WGS84.inv(at[1], at[0], lon, lat)[2] / 1000 for lat, lon in places]
    assert [place["epicentral_km"] for place in answer["places"]] == pytest.approx(expected, rel=0.0005)


def test_distances_are_taken_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """``--distance-km`` needs no places and may be repeated too."""
    answer = predicted(
        capsys, "--magnitude", "5", "--depth-km", "10", "--distance-km", "100", "0", "--distance-km", "50"
    )
    assert [place["epicentral_km"] for place in answer["places"]] == [100.0, 0.0, 50.0]
    assert answer["places"][1]["hypocentral_km"] == pytest.approx(10.0)


def test_figures_are_those_of_constant_speed_and_the_formula(capsys: pytest.CaptureFixture[str]) -> None:
    """With straight rays every figure can be worked out on paper."""
    answer = predicted(
        capsys,
        *("--magnitude", "7", "--depth-km", "10", "--distance-km", "50", "--issue-s", "8"),
        *("--travel-times", "constant-6.1-3.5"),
    )
    (place,) = answer["places"]
    straight_km = math.hypot(50, 10)
    assert place["hypocentral_km"] == pytest.approx(straight_km, rel=0.001)
    assert place["p_arrival_s"] == pytest.approx(straight_km / 6.1, rel=0.001)
    assert place["s_arrival_s"] == pytest.approx(straight_km / 3.5, rel=0.001)
    assert place["lead_s"] == pytest.approx(straight_km / 3.5 - 8, abs=0.02)
    near_km = -0.209 + 2.042 * math.exp(2)
    expected = 2.085 + 1.428 * 7 - 1.402 * math.log(math.hypot(straight_km, near_km)) + 0.078 * math.log(51 / 50)
    assert place["intensity"] == pytest.approx(expected, abs=0.005)
    assert (place["scale"], place["level"]) == ("mmi", "critical")


@pytest.mark.parametrize(("issue_s", "radius_km"), [(6, 18.5), (8, 26.2), (11, 37.2), (19, 65.7), (2, 0.0)])
def test_late_radius_is_that_of_the_check(capsys: pytest.CaptureFixture[str], issue_s: float, radius_km: float) -> None:
    """The constant-speed check holds from the command line, and is zero before the S wave surfaces (2.9 s)."""
    answer = predicted(
        capsys,
        *("--magnitude", "6", "--depth-km", "10", "--distance-km", "50", "--issue-s", str(issue_s)),
        *("--travel-times", "constant-6.1-3.5"),
    )
    assert answer["late_radius_km"] == pytest.approx(radius_km, rel=0.002, abs=0.05)


def test_levels_follow_all_rules_of_the_profile(capsys: pytest.CaptureFixture[str]) -> None:
    """Class 4 is critical in Japan only when 5- is expected somewhere; Taiwan asks for the magnitude."""
    shallow = predicted(
        capsys, *("--magnitude", "7", "--depth-km", "10", "--distance-km", "20", "150", "400", "--profile", "japan")
    )
    assert [place["level"] for place in shallow["places"]] == ["critical", "active", "passive"]
    weaker = predicted(capsys, *("--magnitude", "5.3", "--depth-km", "20", "--distance-km", "0", "--profile", "japan"))
    assert 3.5 <= weaker["places"][0]["intensity"] < 4.5
    assert weaker["places"][0]["level"] == "active"
    taiwan = predicted(
        capsys, *("--magnitude", "7", "--depth-km", "10", "--distance-km", "20", "150", "--profile", "taiwan")
    )
    assert [(place["scale"], place["level"]) for place in taiwan["places"]] == [("cwa", "critical")] * 2


def test_a_report_the_profile_does_not_issue_alerts_no_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Every level is none then, and a note on standard error says why; 4.45 counts as 4.5."""
    words = ("--depth-km", "5", "--distance-km", "2")
    assert main(["predict", "--magnitude", "4.4", *words, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["places"][0]["level"] == "none"
    assert "does not issue" in err
    assert predicted(capsys, "--magnitude", "4.45", *words)["places"][0]["level"] != "none"


def test_of_a_focus_deeper_than_the_agency_forecasts_no_intensity_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """M 5.1 at 602 km: JMA says when, and not how strong; a note says why. At 149.9 km it is an estimate like any."""
    words = ("--magnitude", "5.1", "--distance-km", "0", "200", "--profile", "japan")
    assert main(["predict", *words, "--depth-km", "602", "--json"]) == 0
    out, err = capsys.readouterr()
    assert [(place["intensity"], place["level"]) for place in json.loads(out)["places"]] == [(None, "none")] * 2
    assert "forecasts no intensity for a focus from 150 km depth on" in err
    assert main(["predict", *words, "--depth-km", "150"]) == 0
    assert capsys.readouterr().out.count("no forecast") == 2
    assert main(["predict", *words, "--depth-km", "149.9", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["places"][0]["level"] == "passive"
    assert err == ""


def test_a_magnitude_beyond_the_formula_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """The figures come all the same, with a note beside them."""
    words = ("--depth-km", "20", "--distance-km", "100", "--profile", "japan")
    assert main(["predict", "--magnitude", "9.0", *words]) == 0
    assert "sm99 is meant for M 8.5 and less" in capsys.readouterr().err


def test_table_has_units_and_says_what_it_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads places, units, classes, the late radius, and that this is not a warning."""
    words = [*("--magnitude", "7.2", "--depth-km", "10", "--profile", "japan"), "--at", "38.2,142.7"]
    assert main(["predict", *words, "--for", "38.268,140.869", "38.434,141.303"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for text in ("38.268,140.869", "km", "origin s", "jma", "lead", "Late-alert radius: ", "not a warning service"):
        assert text in out


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--magnitude", "big", "--depth-km", "10", "--distance-km", "5"], "--magnitude"),
        (["--magnitude", "nan", "--depth-km", "10", "--distance-km", "5"], "--magnitude"),
        (["--magnitude", "5", "--depth-km", "900", "--distance-km", "5"], "--depth-km"),
        (["--magnitude", "5", "--depth-km", "10", "--distance-km", "-5"], "--distance-km"),
        (["--magnitude", "5", "--depth-km", "10", "--distance-km", "5", "--issue-s", "soon"], "--issue-s"),
        (["--magnitude", "5", "--depth-km", "10"], "--at"),
        (["--magnitude", "5", "--depth-km", "10", "--at", "1,2"], "--for"),
        (["--magnitude", "5", "--depth-km", "10", "--for", "1,2"], "--at"),
        (["--magnitude", "5", "--depth-km", "10", "--at", "91,2", "--for", "1,2"], "--at"),
        (["--magnitude", "5", "--depth-km", "10", "--at", "1,2", "--for", "1;2"], "--for"),
        (["--magnitude", "5", "--depth-km", "10", "--at", "1,2", "--distance-km", "5"], "--at"),
        (["--magnitude", "5", "--depth-km", "10", "--distance-km", "5", "--profile", "mars"], "profile"),
        (["--magnitude", "5", "--depth-km", "10", "--distance-km", "5", "--travel-times", "mars"], "travel_times"),
        (["--magnitude", "5", "--depth-km", "10", "--distance-km", "30000"], "epicentral_km"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], words: list[str], option: str
) -> None:
    """The line names what was wrong and what was expected."""
    assert main(["predict", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"eew predict: {option}: ")
    assert "expected" in err
    assert err.count("\n") == 1
