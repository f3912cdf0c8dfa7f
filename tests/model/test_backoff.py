"""How long is waited between attempts."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.model.backoff import HALF_TO_ONE_AND_A_HALF, HALF_TO_WHOLE, Backoff


def test_waits_double_up_to_the_longest() -> None:
    """A quarter of a second, and ten at most."""
    backoff = Backoff(0.25, 10.0)
    assert [backoff.delay_s(n) for n in range(8)] == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@pytest.mark.parametrize(
    ("jitter", "least_s", "most_s"), [(HALF_TO_WHOLE, 1.0, 2.0), (HALF_TO_ONE_AND_A_HALF, 1.0, 3.0), ((1.0, 1.0), 2, 2)]
)
def test_jitter_stretches_a_wait_between_its_bounds(jitter: tuple[float, float], least_s: float, most_s: float) -> None:
    """0 gives the least, 1 the most, a half what lies between."""
    backoff = Backoff(1.0, 60.0, jitter)
    waits = [backoff.delay_s(1, itertools.repeat(share).__next__) for share in (0.0, 0.5, 1.0)]
    assert waits == [least_s, (least_s + most_s) / 2, most_s]


@given(n_waited=st.integers(0, 10**9))
def test_however_often_it_failed_a_wait_is_a_number_within_the_bounds(n_waited: int) -> None:
    """Days of trying every few seconds overflow nothing."""
    assert 0.1 <= Backoff(0.2, 30.0, HALF_TO_WHOLE).delay_s(n_waited) <= 30.0
