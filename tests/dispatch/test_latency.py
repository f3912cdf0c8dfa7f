"""How many alerts came a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.dispatch.latency import rate_hz


@pytest.mark.parametrize(
    ("spans_s", "expected"),
    [
        ([(0.0, 2.0)], 50.0),
        ([(0.0, 2.0), (10.0, 12.0)], 25.0),
        ([(10.0, 12.0), (0.0, 2.0)], 25.0),
        ([(0.0, 2.0), (1.0, 5.0)], 20.0),
        ([(0.0, 4.0), (1.0, 2.0)], 25.0),
        ([(3.0, 3.0)], None),
        ([], None),
    ],
    ids=["one", "quiet between", "in any order", "overlapping", "one within the other", "no time", "none"],
)
def test_only_the_time_in_which_alerts_were_under_way_counts(
    spans_s: list[tuple[float, float]], expected: float | None
) -> None:
    """A hundred alerts over the union of the spans."""
    assert rate_hz(100, spans_s) == expected


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted), min_size=1, max_size=10))
def test_it_is_the_union_of_the_spans(spans: list[list[int]]) -> None:
    """Counted second by second."""
    seconds = {second for first, last in spans for second in range(first, last)}
    found = rate_hz(1000, [(float(first), float(last)) for first, last in spans])
    assert found == (round(1000 / len(seconds), 1) if seconds else None)
