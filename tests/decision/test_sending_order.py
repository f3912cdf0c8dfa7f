"""The sending order, against every order there is."""

import itertools
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.decision.sending_order import MAX_NEAR_CODES, sending_order
from eew.model.errors import ModelRangeError
from eew.model.records import Level

#: Of comparing an instant with a due time that it meets exactly, s.
TOLERANCE_S = 1e-9
CRITICAL_TO_PASSIVE = (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE)
Counts = tuple[int, int, int]
PERMUTATIONS = {n: np.array(list(itertools.permutations(range(n))), dtype=np.intp).reshape(-1, n) for n in range(1, 8)}


def is_on_time(
    slack_s: npt.NDArray[np.float64], order: npt.NDArray[np.integer], rate_hz: float
) -> npt.NDArray[np.bool_]:
    """Send in that order (last axis) and return, by place in the order, which alerts are out by their due time."""
    sent_s = np.arange(1, order.shape[-1] + 1) / rate_hz
    on_time: npt.NDArray[np.bool_] = slack_s[order] >= sent_s - TOLERANCE_S
    return on_time


def n_on_time(
    slack_s: npt.NDArray[np.float64], level: npt.NDArray[np.uint8], order: npt.NDArray[np.integer], rate_hz: float
) -> Counts:
    """Return how many critical, active and passive alerts are on time when sent in that order."""
    on_time = is_on_time(slack_s, order, rate_hz)
    critical, active, passive = (int((on_time & (level[order] == each)).sum()) for each in CRITICAL_TO_PASSIVE)
    return critical, active, passive


def best(slack_s: npt.NDArray[np.float64], level: npt.NDArray[np.uint8], rate_hz: float) -> Counts:
    """Try all orders: the most criticals on time, among those the most actives, then passives."""
    orders = PERMUTATIONS[len(slack_s)]
    worth = np.array([0, 1, 10, 100])[level]
    value = int((is_on_time(slack_s, orders, rate_hz) * worth[orders]).sum(axis=1).max())
    return value // 100, value // 10 % 10, value % 10


def random_case(rng: np.random.Generator) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    """Return up to seven jobs: due from long ago to far out, often at the same time; levels evenly or not."""
    n = int(rng.integers(1, 8))
    slack_s = rng.uniform(-1, rng.choice([1.0, 2.0, 4.0, 8.0]), n)
    level = rng.choice([1, 2, 3], n, p=rng.dirichlet([1, 1, 1])).astype(np.uint8)
    return slack_s, level


@pytest.mark.parametrize("jobs_a_bin", [1, 2, 3])
def test_equals_the_best_of_all_orders_for_due_times_on_bin_edges(jobs_a_bin: int, rng: np.random.Generator) -> None:
    """Thousands of small cases in which bins cost nothing: exactly the optimum, and exactly as announced."""
    bin_s = 0.5
    rate_hz = jobs_a_bin / bin_s
    for _ in range(1500):
        slack_s, level = random_case(rng)
        slack_s = np.floor(slack_s / bin_s) * bin_s
        result = sending_order(slack_s, level, rate_hz, bin_s)
        expected = best(slack_s, level, rate_hz)
        assert n_on_time(slack_s, level, result.order, rate_hz) == expected
        assert tuple(result.n_on_time_by_level[each] for each in CRITICAL_TO_PASSIVE) == expected


def test_bins_lose_nobody(rng: np.random.Generator) -> None:
    """Any due times, any rate, bins much too wide: as many are on time as in the best order."""
    for _ in range(3000):
        slack_s, level = random_case(rng)
        bin_s = float(rng.choice([0.1, 0.25, 0.7]))
        rate_hz = float(rng.uniform(0.5, 6))
        result = sending_order(slack_s, level, rate_hz, bin_s)
        expected = best(slack_s, level, rate_hz)
        assert tuple(result.n_on_time_by_level[each] for each in CRITICAL_TO_PASSIVE) == expected
        assert n_on_time(slack_s, level, result.order, rate_hz) == expected


JOBS = st.lists(st.tuples(st.floats(-5, 30, width=32), st.sampled_from([1, 2, 3])), max_size=60)
RATES = st.sampled_from([0.5, 1.0, 3.0, 7.5, 40.0, 1e6])


def columns(jobs: list[tuple[float, int]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    return np.array([job[0] for job in jobs], dtype=np.float64), np.array([job[1] for job in jobs], dtype=np.uint8)


@given(JOBS, RATES)
def test_sends_everything_once_and_what_it_announces_on_time(jobs: list[tuple[float, int]], rate_hz: float) -> None:
    """The order is a permutation; the announced are on time when sent at that rate; inputs stay as they were."""
    slack_s, level = columns(jobs)
    before = slack_s.copy(), level.copy()
    result = sending_order(slack_s, level, rate_hz)
    assert result.order.dtype == np.int32
    assert sorted(result.order.tolist()) == list(range(len(jobs)))
    announced = result.order[: result.n_on_time]
    assert is_on_time(slack_s, announced, rate_hz).all()
    assert {each: int((level[announced] == each).sum()) for each in Level} == result.n_on_time_by_level
    np.testing.assert_array_equal(slack_s, before[0])
    np.testing.assert_array_equal(level, before[1])


@given(JOBS, RATES)
def test_the_rest_goes_by_level_and_then_by_due_time(jobs: list[tuple[float, int]], rate_hz: float) -> None:
    """What is late or cannot be saved follows, the loudest first, of these the soonest first."""
    slack_s, level = columns(jobs)
    result = sending_order(slack_s, level, rate_hz, 0.004)
    rest = result.order[result.n_on_time :]
    assert (np.diff(level[rest].astype(int)) <= 0).all()
    for each in CRITICAL_TO_PASSIVE:
        due_s = slack_s[rest[level[rest] == each]]
        assert (np.maximum.accumulate(due_s) - due_s <= 0.004 + TOLERANCE_S).all()


@given(JOBS)
def test_is_plain_earliest_due_first_where_the_rate_suffices(jobs: list[tuple[float, int]]) -> None:
    """With time enough for all, levels do not matter; equal bins go by position."""
    slack_s, level = columns(jobs)
    slack_s = np.abs(slack_s) + 1.0
    result = sending_order(slack_s, level, 1000.0, 0.004)
    assert result.n_on_time == len(jobs)
    assert result.order.tolist() == np.argsort(np.floor(slack_s / 0.004), kind="stable").tolist()


@given(JOBS, RATES, RATES)
def test_a_higher_rate_never_loses_critical_alerts(
    jobs: list[tuple[float, int]], one_hz: float, other_hz: float
) -> None:
    """More capacity puts at least as many criticals on time."""
    slack_s, level = columns(jobs)
    slow, fast = (
        sending_order(slack_s, level, rate_hz).n_on_time_by_level[Level.CRITICAL]
        for rate_hz in sorted((one_hz, other_hz))
    )
    assert slow <= fast


@given(
    st.lists(st.integers(-400, 4000), unique=True, max_size=25),
    st.randoms(use_true_random=False),
    RATES,
)
def test_the_order_of_jobs_does_not_depend_on_where_they_stand(
    due_bin: list[int], random: Random, rate_hz: float
) -> None:
    """Priority is a total order: shuffled jobs, all in bins of their own, go out in the same order."""
    jobs = [(each * 0.004 + 0.002, random.choice([1, 2, 3])) for each in due_bin]
    shuffled = random.sample(jobs, len(jobs))
    first, second = ([each[job] for job in sending_order(*columns(each), rate_hz).order] for each in (jobs, shuffled))
    assert first == second


def test_equal_jobs_go_by_position() -> None:
    """Ties are stable, on time or not."""
    slack_s = np.tile([9.0, -1.0], 500)
    level = np.full(1000, Level.ACTIVE, dtype=np.uint8)
    assert sending_order(slack_s, level, 1000.0).order.tolist() == [*range(0, 1000, 2), *range(1, 1000, 2)]


def test_criticals_that_are_due_later_are_not_lost_to_passives_due_now() -> None:
    """One a second: two criticals due at 2 s fill the first two seconds; the passive due at 1 s cannot be saved."""
    result = sending_order(np.array([1.0, 2.0, 2.0, 3.0]), np.array([1, 3, 3, 2], dtype=np.uint8), 1.0, 0.5)
    assert result.order.tolist() == [1, 2, 3, 0]
    assert result.n_on_time_by_level == {Level.CRITICAL: 2, Level.ACTIVE: 1, Level.PASSIVE: 0, Level.NONE: 0}


def test_an_unknown_due_time_is_taken_as_just_missed() -> None:
    """It is never counted as on time, and no due time however far out upsets the sort."""
    slack_s = np.array([np.nan, np.inf, -np.inf, 1e9, -1e9, 5.0], dtype=np.float32)
    result = sending_order(slack_s, np.full(6, Level.CRITICAL, dtype=np.uint8), 100.0)
    assert result.order.tolist() == [5, 1, 3, 2, 4, 0]
    assert result.n_on_time == 3


@pytest.mark.parametrize("rate_hz", [20.0, 2000.0, 250_000.0])
def test_many_jobs_keep_what_counting_each_second_allows(rate_hz: float, rng: np.random.Generator) -> None:
    """A hundred thousand jobs, also where sending takes longer than there are fine bins: announced is on time."""
    n = 100_000
    slack_s = rng.uniform(-20, 300, n)
    level = rng.integers(1, 4, n).astype(np.uint8)
    result = sending_order(slack_s.astype(np.float32), level, rate_hz)
    assert np.array_equal(np.sort(result.order), np.arange(n))
    # Single precision rounds a due time by up to 2e-5 s.
    announced = result.order[: result.n_on_time]
    assert (slack_s[announced] + 2e-5 >= np.arange(1, len(announced) + 1) / rate_hz).all()
    # An independent optimum in real time: Moore and Hodgson's rule for unit jobs, on the criticals alone.
    due = np.sort(slack_s[level == Level.CRITICAL])
    n_best = 0
    for due_s in due:
        n_best += (n_best + 1) / rate_hz <= due_s
    width_s = max(0.004, n / rate_hz / MAX_NEAR_CODES)
    n_announced = result.n_on_time_by_level[Level.CRITICAL]
    # What bins can cost: the jobs that one bin of sending takes.
    assert n_best - np.ceil(width_s * rate_hz) - 1 <= n_announced <= n_best


def test_far_due_times_keep_their_order_to_the_stated_resolution(rng: np.random.Generator) -> None:
    """Eight minutes out at full rate: neighbours are swapped only within 0.02 s."""
    slack_s = rng.uniform(0.5, 480, 50_000)
    result = sending_order(slack_s, rng.integers(1, 4, 50_000).astype(np.uint8), 250_000.0)
    backwards_s = np.maximum.accumulate(slack_s[result.order]) - slack_s[result.order]
    assert backwards_s.max() <= 0.02


def test_nothing_to_send_is_an_empty_order() -> None:
    """No jobs, no order."""
    result = sending_order(np.empty(0), np.empty(0, dtype=np.uint8), 100.0)
    assert (len(result.order), result.n_on_time) == (0, 0)


@pytest.mark.parametrize(("rate_hz", "bin_s"), [(0, 0.004), (-1, 0.004), (np.nan, 0.004), (np.inf, 0.004), (1, 0)])
def test_a_rate_or_bin_that_is_no_positive_number_is_refused(rate_hz: float, bin_s: float) -> None:
    """A broken measurement must not pass for a rate."""
    with pytest.raises(ModelRangeError):
        sending_order(np.ones(1), np.ones(1, dtype=np.uint8), rate_hz, bin_s)
