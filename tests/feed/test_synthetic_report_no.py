"""Numbers for solutions that have none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.feed.synthetic_report_no import synthetic_report_no

ORIGIN_AT = datetime(2024, 1, 1, 7, 10, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age_s", "report_no"),
    [(-60, 1), (0, 1), (1.9, 1), (2, 2), (14_400, 14_400), (14_459, 14_400), (14_460, 14_401), (86_400 * 30, 30_000)],
)
def test_number_is_the_age(age_s: float, report_no: int) -> None:
    """By the second for four hours, then by the minute, and at most 30 000."""
    assert synthetic_report_no(ORIGIN_AT, ORIGIN_AT + timedelta(seconds=age_s)) == report_no


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_later_solution_never_has_a_lesser_number(age_s: float, later_s: float) -> None:
    """Numbers of an event never fall."""
    first_at = ORIGIN_AT + timedelta(seconds=age_s)
    second_at = first_at + timedelta(seconds=later_s)
    assert synthetic_report_no(ORIGIN_AT, first_at) <= synthetic_report_no(ORIGIN_AT, second_at)
