"""Columns of text against Python's own formatting."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.fanout.fixed_width import Bytes2D, instants, integers, padded, tenths, thousandths

HALF_MS = Fraction(1, 2)
#: A float64 of milliseconds since midnight is good to this.
ROUNDING_MS = Fraction(1, 10**6)


def lines(column: Bytes2D) -> list[str]:
    assert column.dtype == np.uint8
    return [row.tobytes().decode() for row in column]


@given(st.integers(1, 8), st.data())
def test_integers_are_right_aligned(width: int, data: st.DataObject) -> None:
    """As ``%8d`` prints them."""
    values = data.draw(st.lists(st.integers(0, 10**width - 1), max_size=20))
    assert lines(integers(np.array(values, dtype=np.int32), width)) == [f"{value:{width}d}" for value in values]


@pytest.mark.parametrize("value", [0, 9, 10, 9999, 10_000, 10_001, 100_000, 99_999_999])
def test_integers_at_the_seams(value: int) -> None:
    """Where the number of digits changes."""
    assert lines(integers(np.array([value]), 8)) == [f"{value:8d}"]


@given(st.lists(st.floats(0, 99.875, width=32), max_size=20))
def test_tenths_are_cut(values: list[float]) -> None:
    """The exact decimal value of the number, cut after one digit."""
    expected = [f"{Decimal(value).quantize(Decimal('0.1'), ROUND_DOWN):>4}" for value in values]
    assert lines(tenths(np.array(values, dtype=np.float32))) == expected


def test_no_intensity_reaches_a_threshold_that_its_value_does_not() -> None:
    """Just below JMA's 5 lower (4.5), and there; a negative one is zero, a tall one ends at 99.9."""
    below = np.nextafter(np.float32(4.5), np.float32(0))
    values = np.array([below, 4.5, -0.3, 1000.0], dtype=np.float32)
    assert lines(tenths(values)) == [" 4.4", " 4.5", " 0.0", "99.9"]


@given(st.lists(st.floats(0, 9.9990234375, width=32), max_size=20))
def test_thousandths_are_rounded(values: list[float]) -> None:
    """As near as three decimals can be."""
    for value, line in zip(values, lines(thousandths(np.array(values, dtype=np.float32))), strict=True):
        assert len(line) == 5
        assert abs(Fraction(line) - Fraction(value)) <= Fraction(1, 2000) + Fraction(1, 10**12)


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001 - hypothesis wants them so
    st.integers(-720, 840),
    st.lists(st.floats(-60, 7200, width=32), max_size=20),
)
def test_instants_are_right_to_the_millisecond(naive: datetime, zone_min: int, after_s: list[float]) -> None:
    """Read back, each is the nearest millisecond to the exact sum, in UTC whatever the zone of the origin."""
    origin_at = naive.replace(tzinfo=UTC)
    column = instants(origin_at.astimezone(timezone(timedelta(minutes=zone_min))), np.array(after_s, dtype=np.float32))
    assert column.shape == (len(after_s), 24)
    for value, line in zip(after_s, lines(column), strict=True):
        assert line[-1] == "Z"
        shown = datetime.strptime(line, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        since_us = (shown - origin_at) // timedelta(microseconds=1)
        assert abs(Fraction(since_us, 1000) - Fraction(value) * 1000) <= HALF_MS + ROUNDING_MS


def test_instants_cross_midnight_and_the_year() -> None:
    """Before and after in one batch, and a leap day."""
    after_s = np.array([-0.001, 0.0, 0.4994, 0.5, 60.5, 86400.5], dtype=np.float64)
    assert lines(instants(datetime(2023, 12, 31, 23, 59, 59, 500_000, UTC), after_s)) == [
        "2023-12-31T23:59:59.499Z",
        "2023-12-31T23:59:59.500Z",
        "2023-12-31T23:59:59.999Z",
        "2024-01-01T00:00:00.000Z",
        "2024-01-01T00:01:00.000Z",
        "2024-01-02T00:00:00.000Z",
    ]
    leap = instants(datetime(2024, 2, 28, 23, 59, 59, tzinfo=UTC), np.array([1.0, 86401.0]))
    assert lines(leap) == ["2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z"]


def test_texts_are_padded_to_the_longest() -> None:
    """Left-aligned; nothing gives nothing."""
    assert lines(padded([b"null", b"", "駅".encode()])) == ["null", "    ", "駅 "]
    assert padded([]).shape == (0, 0)
