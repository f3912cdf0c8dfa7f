"""Region profiles: what ships, what is read from a file, and how a wrong file is answered."""

from pathlib import Path
from typing import get_args

import pytest

from eew.estimate.intensity_models import intensity_model, intensity_model_names
from eew.model import region_profile_file as profile_module
from eew.model.errors import ProfileError
from eew.model.records import IssueRule, Level, LevelRule
from eew.model.region_profile_file import load_profile, profile_names
from eew.physics.travel_time_table import TravelTimeTable

#: The project's table of practices: levels as (intensity, magnitude, anywhere), issue as (magnitude, anywhere).
PRACTICE: dict[str, tuple[str, str, dict[Level, list[LevelRule]], list[IssueRule]]] = {
    "china": (
        "csis",
        "icl",
        {Level.CRITICAL: [LevelRule(5)], Level.ACTIVE: [LevelRule(3)], Level.PASSIVE: [LevelRule(2)]},
        [IssueRule(4.0)],
    ),
    "japan": (
        "jma",
        "sm99",
        {
            Level.CRITICAL: [LevelRule(3.5, min_anywhere=4.5)],
            Level.ACTIVE: [LevelRule(2.5)],
            Level.PASSIVE: [LevelRule(0.5)],
        },
        [IssueRule(min_anywhere=2.5), IssueRule(3.5)],
    ),
    "us": (
        "mmi",
        "aww12",
        {Level.CRITICAL: [LevelRule(5)], Level.ACTIVE: [LevelRule(3)], Level.PASSIVE: [LevelRule(2)]},
        [IssueRule(4.5)],
    ),
    "taiwan": (
        "cwa",
        "sm99",
        {
            Level.CRITICAL: [LevelRule(3.5, 5.0), LevelRule(2.5, 6.5)],
            Level.ACTIVE: [LevelRule(2.5)],
            Level.PASSIVE: [LevelRule(1.5)],
        },
        [IssueRule(5.0)],
    ),
    "global": (
        "mmi",
        "aww12",
        {Level.CRITICAL: [LevelRule(5)], Level.ACTIVE: [LevelRule(3)], Level.PASSIVE: [LevelRule(2)]},
        [IssueRule(4.5)],
    ),
}

OWN = """\
name = "own"
title = "My town"
scale = "mmi"
intensity_model = "aw07"
travel_times = "iasp91"
default_depth_km = 8
validity_s = 60
info = "own/en"
sources = ["me"]

[[levels.critical]]
min_intensity = 6
min_magnitude = 5.5

[[levels.critical]]
min_intensity = 7

[[issue]]
min_magnitude = 4.0
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return the path of a good profile file."""
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


def test_exactly_the_documented_profiles_ship() -> None:
    """Five regions, by name."""
    assert profile_names() == ("china", "global", "japan", "taiwan", "us")


@pytest.mark.parametrize("name", PRACTICE)
def test_shipped_profiles_say_what_agencies_do(name: str) -> None:
    """Scale, formula and thresholds are those of the table of practices."""
    profile = load_profile(name)
    scale, model_name, levels, issue = PRACTICE[name]
    assert (profile.name, profile.scale, profile.intensity_model) == (name, scale, model_name)
    assert {level: sorted(rules, key=str) for level, rules in profile.levels.items()} == {
        level: sorted(rules, key=str) for level, rules in levels.items()
    }
    assert sorted(profile.issue, key=str) == sorted(issue, key=str)
    assert profile.sources


@pytest.mark.parametrize("name", PRACTICE)
def test_shipped_profiles_name_what_is_there(name: str) -> None:
    """Their formula speaks their scale (CWA's classes are cut from JMA's) and their table exists."""
    profile = load_profile(name)
    spoken = intensity_model(profile.intensity_model).scale
    assert profile.scale == spoken or (profile.scale, spoken) == ("cwa", "jma")
    assert TravelTimeTable.load(profile.travel_times).max_distance_km > 0


def test_files_may_name_every_intensity_model() -> None:
    """The names a file may give are the names there are."""
    field = profile_module._ProfileFile.__annotations__["intensity_model"]
    assert set(get_args(field)) == set(intensity_model_names())


def test_own_file_is_read(own: Path) -> None:
    """A path works like a name, whole numbers too."""
    profile = load_profile(own)
    assert profile.name == "own"
    assert profile.default_depth_km == 8.0
    assert profile.levels == {Level.CRITICAL: (LevelRule(6.0, 5.5), LevelRule(7.0))}
    assert profile.issue == (IssueRule(4.0),)
    assert profile.min_intensity == 6.0


@pytest.mark.parametrize(
    ("right", "wrong", "line", "field", "value", "expected"),
    [
        ('scale = "mmi"', 'scale = "richter"', 3, "scale", "richter", "jma or mmi or csis or cwa"),
        ("aw07", "ab99", 4, "intensity_model", "ab99", "icl or sm99 or aww12 or aw07"),
        ("default_depth_km = 8", 'default_depth_km = "8"', 6, "default_depth_km", "8", "a number"),
        ("validity_s = 60", "validity_s = 0", 7, "validity_s", 0, "above 0"),
        ("validity_s = 60", "validity_s = nan", 7, "validity_s", None, "finite"),
        ("own/en", "own", 8, "info", "own", "text like"),
        ("min_intensity = 7", "min_intensity = 13", 16, "levels.critical[1].min_intensity", 13, "at most 12"),
        ("min_intensity = 7", "min_intensty = 7", 16, "levels.critical[1].min_intensty", None, "one of min_intensity,"),
        ("min_intensity = 6\n", "", 11, "levels.critical[0].min_intensity", None, "missing required field"),
        ('title = "My town"\n', "", None, "title", None, "missing required field"),
        ("min_magnitude = 4.0", "", 18, "issue[0]", None, "min_magnitude or min_anywhere"),
        ("levels.critical", "levels.loud", 11, "levels.loud", None, "one of critical,"),
        ("validity_s = 60", "validity_s 60", 7, None, None, "TOML"),
    ],
)
def test_a_wrong_file_is_named_with_its_place(
    own: Path, right: str, wrong: str, line: int | None, field: str | None, value: object, expected: str
) -> None:
    """The error carries file, line, field, value and what was expected."""
    assert right in OWN
    own.write_text(OWN.replace(right, wrong))
    with pytest.raises(ProfileError) as caught:
        load_profile(own)
    error = caught.value
    assert (error.file, error.line, error.field) == (str(own), line, field)
    assert expected in error.expected
    if value is not None:
        assert error.value == value
    assert "\n" not in str(error)


def test_a_profile_without_levels_is_refused(own: Path) -> None:
    """No rule for any level would alert no one, ever."""
    head, _, rest = OWN.partition("[[levels.critical]]")
    own.write_text(f"{head}[levels]\n\n[[issue]]{rest.partition('[[issue]]')[2]}")
    with pytest.raises(ProfileError, match="levels"):
        load_profile(own)


def test_an_unknown_profile_is_answered_with_the_names() -> None:
    """A wrong name is told which are right."""
    with pytest.raises(ProfileError, match=r"'atlantis'.*china, global, japan, taiwan, us"):
        load_profile("atlantis")
