"""What a ratio of measurements in pairs is worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.bench.ratio import Ratio, in_words

RATIOS = st.lists(st.floats(0.01, 100), min_size=2, max_size=20)


def test_the_interval_is_students_of_the_logarithms() -> None:
    """By hand: t is 4.303 for two degrees of freedom at 0.975 in the printed tables; logs -0.1054, 0, 0.0953."""
    ratio = Ratio.of([1.1, 0.9, 1.0])
    assert (ratio.median, ratio.least, ratio.most, ratio.n_runs) == (1.0, 0.9, 1.1, 3)
    # Mean -0.00335, deviation 0.10038, half 4.303 · 0.10038 / √3 = 0.2494.
    assert ratio.interval == pytest.approx((0.7767, 1.2789), abs=2e-4)
    assert not ratio.is_distinguishable
    assert in_words(ratio.spread()) == "0.9 to 1.1 in 3 runs: not distinguishable from 1"


def test_runs_that_agree_can_be_told_from_1() -> None:
    """Half the speed, to a hundredth, is slower."""
    ratio = Ratio.of([0.5, 0.505, 0.495])
    assert ratio.is_distinguishable
    assert in_words(ratio.spread()) == "0.495 to 0.505 in 3 runs"
    assert ratio.spread() | {"interval_95": None} == {
        "least": 0.495,
        "most": 0.505,
        "interval_95": None,
        "n_runs": 3,
        "is_distinguishable_from_1": True,
    }


@pytest.mark.parametrize("value", [1.23, 1.8, 0.5])
def test_one_run_tells_nothing_of_its_spread(value: float) -> None:
    """However far from 1 it is."""
    ratio = Ratio.of([value])
    assert (ratio.median, ratio.interval) == (value, None)
    assert in_words(ratio.spread()) == "one run, too few to tell it from 1"


@given(RATIOS)
def test_the_other_way_round_is_the_inverse(ratios: list[float]) -> None:
    """Who is compared with whom does not matter to whether they can be told apart."""
    there, back = Ratio.of(ratios), Ratio.of([1 / each for each in ratios])
    assert there.interval is not None
    assert back.interval is not None
    assert back.interval == pytest.approx((1 / there.interval[1], 1 / there.interval[0]), rel=1e-6)
    assert there.least <= there.median <= there.most
