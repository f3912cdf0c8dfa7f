"""What a profile's [cap] table says, and how a wrong one is answered."""

from pathlib import Path

import pytest

from eew.model.errors import ProfileError
from eew.model.region_profile import DEFAULT_CAP, CapWords, Level
from eew.model.region_profile_file import load_profile, profile_names

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

[[issue]]
min_magnitude = 4.0
"""


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_says_its_words(name: str) -> None:
    """Each level has its words; the louder, the more severe."""
    words = load_profile(name).cap
    assert [words[level].severity for level in (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE)] == [
        "Extreme",
        "Moderate",
        "Minor",
    ]
    assert {each.urgency for each in words.values()} == {"Immediate"}


def test_a_profile_without_the_table_has_the_default(tmp_path: Path) -> None:
    """Profiles of before keep working; a level that is not named has the default, too."""
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    assert dict(load_profile(path).cap) == dict(DEFAULT_CAP)
    path.write_text(OWN + '\n[cap.active]\nseverity = "Severe"\nurgency = "Expected"\ncertainty = "Observed"\n')
    words = load_profile(path).cap
    assert words[Level.ACTIVE] == CapWords("Severe", "Expected", "Observed")
    assert words[Level.CRITICAL] == DEFAULT_CAP[Level.CRITICAL]


@pytest.mark.parametrize(
    ("table", "field", "expected"),
    [
        (
            'severity = "Bad"\nurgency = "Immediate"\ncertainty = "Likely"',
            "cap.critical.severity",
            "Extreme or Severe or Moderate or Minor or Unknown",
        ),
        ('severity = "Minor"\nurgency = "Immediate"', "cap.critical.certainty", "missing required field"),
    ],
)
def test_a_word_that_cap_does_not_know_is_refused(tmp_path: Path, table: str, field: str, expected: str) -> None:
    """The error names the place and the words there are."""
    path = tmp_path / "own.toml"
    path.write_text(f"{OWN}\n[cap.critical]\n{table}\n")
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert (caught.value.field, caught.value.expected) == (field, expected)
    assert caught.value.line is not None
