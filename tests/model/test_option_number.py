"""Numbers on the command line."""

import pytest

from eew.model.errors import InputError
from eew.model.option_number import number_of, whole_number_of


@pytest.mark.parametrize("text", ["", "-1", "1.5", "0", "x", "11", "٣", "1_0", "1e0", "1" * 5000])
def test_a_whole_number_out_of_bounds_is_named(text: str) -> None:
    """Option, value and bounds; a whole number is digits, of ASCII."""
    with pytest.raises(InputError, match=r"--runs: .*a whole number from 1 to 10"):
        whole_number_of(text, "--runs", 1, 10)


def test_a_whole_number_is_taken_whatever_its_size() -> None:
    """A seed may be larger than what a float holds exactly."""
    assert whole_number_of("10", "--runs", 1, 10) == 10
    assert whole_number_of(" -5 ", "--seed") == -5
    assert whole_number_of("12345678901234567891", "--seed", 0) == 12345678901234567891


@pytest.mark.parametrize(
    ("least", "most", "expected"), [(1, 100_000_000, "from 1 to 100000000"), (0, float("inf"), "of 0 or more")]
)
def test_bounds_are_spelled_out(least: int, most: float, expected: str) -> None:
    """Never as 1e+08."""
    with pytest.raises(InputError, match=f"a whole number {expected}$"):
        whole_number_of("-1", "--devices", least, most)


@pytest.mark.parametrize("text", ["nan", "inf", "-0.1", "1.1", "one", ""])
def test_a_number_is_finite_and_within_its_bounds(text: str) -> None:
    """NaN would be within any."""
    with pytest.raises(InputError, match=r"a number from 0 to 1$"):
        number_of(text, "--receipt-share", 0, 1)
    assert number_of("0.5", "--receipt-share", 0, 1) == 0.5
