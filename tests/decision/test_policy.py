"""How a profile's thresholds become levels."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.decision.policy import is_issued, levels, magnitude_tenths
from eew.model.records import IssueRule, Level, LevelRule, Profile

# science.md, "Levels by profile".
JAPAN: Mapping[Level, tuple[LevelRule, ...]] = {
    Level.CRITICAL: (LevelRule(min_intensity=3.5, min_anywhere=4.5),),
    Level.ACTIVE: (LevelRule(min_intensity=2.5),),
    Level.PASSIVE: (LevelRule(min_intensity=0.5),),
}
TAIWAN: Mapping[Level, tuple[LevelRule, ...]] = {
    Level.CRITICAL: (LevelRule(min_intensity=4, min_magnitude=5.0), LevelRule(min_intensity=3, min_magnitude=6.5)),
    Level.ACTIVE: (LevelRule(min_intensity=3),),
    Level.PASSIVE: (LevelRule(min_intensity=2),),
}


def profile(levels_: Mapping[Level, tuple[LevelRule, ...]], *issue: IssueRule) -> Profile:
    return Profile(
        name="demo",
        title="Demo",
        scale="jma",
        intensity_model="SM99",
        travel_times="ak135",
        default_depth_km=10,
        levels=levels_,
        issue=issue,
        info="jp/ja",
        validity_s=60,
        sources=(),
    )


@pytest.mark.parametrize(
    ("magnitude", "expected"),
    [(4.44, 44), (4.45, 45), (4.35, 44), (0.05, 1), (-0.05, -1), (-0.25, -3), (6.95, 70), (7.0, 70)],
)
def test_magnitudes_are_rounded_as_written_with_halves_away_from_zero(magnitude: float, expected: int) -> None:
    """The decimal figure counts, not the binary number next to it (4.35 is stored as 4.3499…)."""
    assert magnitude_tenths(magnitude) == expected


@pytest.mark.parametrize("magnitude", [None, float("nan")])
def test_an_unknown_magnitude_has_no_tenths(magnitude: float | None) -> None:
    """Unknown stays unknown."""
    assert magnitude_tenths(magnitude) is None


def test_a_threshold_is_reached_exactly_and_the_highest_level_wins() -> None:
    """Each level begins at its threshold."""
    intensity = np.array([0.4, 0.5, 2.4, 2.5, 3.4, 3.5, 6.5, np.nan], dtype=np.float32)
    level = levels(profile(JAPAN), 7.2, intensity, 6.5)
    assert level.dtype == np.uint8
    assert level.tolist() == [0, 1, 1, 2, 2, 3, 3, 0]


@pytest.mark.parametrize("max_intensity", [4.4, None])
def test_a_rule_on_the_greatest_intensity_fails_where_it_is_lower_or_unknown(max_intensity: float | None) -> None:
    """Below 5 lower anywhere in Japan nobody gets the critical level."""
    level = levels(profile(JAPAN), 7.2, np.array([3.5, 4.4], dtype=np.float32), max_intensity)
    assert level.tolist() == [Level.ACTIVE, Level.ACTIVE]


@pytest.mark.parametrize(
    ("magnitude", "expected"),
    [
        (None, [1, 2, 2, 2]),
        (4.94, [1, 2, 2, 2]),
        (4.95, [1, 2, 2, 3]),
        (6.44, [1, 2, 2, 3]),
        (6.45, [1, 3, 3, 3]),
    ],
)
def test_any_of_several_rules_reaches_a_level(magnitude: float | None, expected: list[int]) -> None:
    """Taiwan: 4 and M ≥ 5.0, or 3 and M ≥ 6.5; magnitudes compared after rounding to 0.1."""
    intensity = np.array([2.0, 3.0, 3.9, 4.0], dtype=np.float32)
    assert levels(profile(TAIWAN), magnitude, intensity, None).tolist() == expected


def test_a_report_is_issued_by_any_rule_whose_every_part_holds() -> None:
    """Japan: greatest intensity 3 or M ≥ 3.5; a rule with two parts asks for both."""
    either = profile(JAPAN, IssueRule(min_anywhere=2.5), IssueRule(min_magnitude=3.5))
    both = profile(JAPAN, IssueRule(min_anywhere=2.5, min_magnitude=3.5))
    cases = [(3.45, None), (3.44, None), (None, 2.5), (None, 2.4), (3.5, 2.5)]
    assert [is_issued(either, *case, 10.0) for case in cases] == [True, False, True, False, True]
    assert [is_issued(both, *case, 10.0) for case in cases] == [False, False, False, False, True]


@given(
    st.lists(st.floats(-2, 12, width=32), max_size=30),
    st.none() | st.floats(0, 9),
    st.none() | st.floats(0, 9),
)
def test_levels_equal_the_rules_read_one_by_one(
    intensity: list[float], magnitude: float | None, max_intensity: float | None
) -> None:
    """A million rows at once say what one row alone says, and the intensities stay as they were."""
    column = np.array(intensity, dtype=np.float32)
    before = column.copy()
    for rules in (JAPAN, TAIWAN):
        expected = []
        for value in column:
            reached = [
                level
                for level, alternatives in rules.items()
                for rule in alternatives
                if value >= rule.min_intensity
                and (
                    rule.min_magnitude is None
                    or (magnitude is not None and (magnitude_tenths(magnitude) or 0) >= round(10 * rule.min_magnitude))
                )
                and (rule.min_anywhere is None or (max_intensity is not None and max_intensity >= rule.min_anywhere))
            ]
            expected.append(max(reached, default=Level.NONE))
        assert levels(profile(rules), magnitude, column, max_intensity).tolist() == expected
    np.testing.assert_array_equal(column, before)
