"""What phones and TVs make of an alert."""

import numpy as np
import numpy.typing as npt
import pytest

from eew.devices.swarm import behaviour as module
from eew.devices.swarm.behaviour import Behaviour
from eew.model.records import DeviceKind, Level

N = 400_000
NONE, PASSIVE, ACTIVE, CRITICAL = (int(level) for level in Level)


@pytest.fixture(scope="module")
def kind() -> npt.NDArray[np.uint8]:
    """Return four phones and a TV, many times."""
    return np.tile([DeviceKind.PHONE] * 4 + [DeviceKind.TV], N // 5).astype(np.uint8)


@pytest.fixture(scope="module")
def played(kind: npt.NDArray[np.uint8]) -> Behaviour:
    return Behaviour.of(kind, seed=1)


def of_three(*, is_offline: list[bool], is_do_not_disturb: list[bool]) -> Behaviour:
    return Behaviour(np.array(is_offline), np.array(is_do_not_disturb), np.ones(len(is_offline), dtype=np.float32))


def test_phones_are_as_fast_as_cell_broadcast_was_measured(kind: npt.NDArray[np.uint8], played: Behaviour) -> None:
    """The first after 4 s, half of them after 13 s, as the wireless emergency alerts' test found [WEA]."""
    phone_s = played.last_mile_s[kind == DeviceKind.PHONE]
    assert 4.0 <= float(phone_s.min()) < 4.5
    assert float(np.median(phone_s)) == pytest.approx(13.0, abs=0.1)
    # A lognormal with sigma 0.8: 84 % within 4 + 9 e^0.8 s.
    assert float((phone_s <= 24.03).mean()) == pytest.approx(0.8413, abs=0.004)


def test_tvs_are_as_fast_as_in_2011(kind: npt.NDArray[np.uint8], played: Behaviour) -> None:
    """2.5 s on top of the dispatch [NHK11], within a narrow band."""
    tv_s = played.last_mile_s[kind == DeviceKind.TV]
    assert float(np.median(tv_s)) == pytest.approx(2.5, abs=0.02)
    assert 0.8 < float(tv_s.min()) < float(tv_s.max()) < 8
    assert float((tv_s <= 2.5 * np.exp(0.2)).mean()) == pytest.approx(0.8413, abs=0.006)


def test_every_figure_is_named_with_its_source() -> None:
    """The summary tells where the distribution is from and what it is."""
    assert module.LAST_MILE_SOURCE["phone"].startswith("[WEA] first phones 4 s, median 13 s")
    assert module.LAST_MILE_SOURCE["tv"].startswith("[NHK11] 2.5 s")


def test_shares_are_as_stated(kind: npt.NDArray[np.uint8], played: Behaviour) -> None:
    """Phones out of reach, TVs off and phones told not to disturb are as many as the assumptions say."""
    is_tv = kind == DeviceKind.TV
    assert float(played.is_offline[~is_tv].mean()) == pytest.approx(module.PHONE_OFFLINE_SHARE, abs=0.003)
    assert float(played.is_offline[is_tv].mean()) == pytest.approx(module.TV_OFF_SHARE, abs=0.006)
    assert float(played.is_do_not_disturb[~is_tv].mean()) == pytest.approx(module.DO_NOT_DISTURB_SHARE, abs=0.004)
    assert not played.is_do_not_disturb[is_tv].any()


def test_the_same_seed_plays_the_same(kind: npt.NDArray[np.uint8], played: Behaviour) -> None:
    """And another seed does not."""
    again, other = Behaviour.of(kind, seed=1), Behaviour.of(kind, seed=2)
    for name in ("is_offline", "is_do_not_disturb", "last_mile_s"):
        np.testing.assert_array_equal(getattr(played, name), getattr(again, name))
        assert (getattr(played, name) != getattr(other, name)).any()


def test_what_is_independent_is_independent(kind: npt.NDArray[np.uint8], played: Behaviour) -> None:
    """A phone told not to disturb is neither slower than another nor more often out of reach."""
    is_phone = kind == DeviceKind.PHONE
    quiet, loud = is_phone & played.is_do_not_disturb, is_phone & ~played.is_do_not_disturb
    assert float(played.is_offline[quiet].mean()) == pytest.approx(float(played.is_offline[loud].mean()), abs=0.004)
    medians = [float(np.median(played.last_mile_s[each])) for each in (quiet, loud)]
    assert medians[0] == pytest.approx(medians[1], abs=0.2)


@pytest.mark.parametrize(
    ("level", "heard"),
    [(NONE, [False, False, False]), (PASSIVE, [True, False, False]), (ACTIVE, [True, False, False]),
     (CRITICAL, [True, True, False])],
    ids=["none", "passive", "active", "critical"],
)  # fmt: skip
def test_only_critical_overrides_do_not_disturb(level: int, heard: list[bool]) -> None:
    """The first device is as usual, the second must not be disturbed, the third is off and stays so."""
    devices = of_three(is_offline=[False, False, True], is_do_not_disturb=[False, True, True])
    assert devices.is_heard(np.full(3, level, dtype=np.uint8)).tolist() == heard


@pytest.mark.parametrize("level", [NONE, PASSIVE, ACTIVE, CRITICAL])
def test_only_a_tv_that_is_on_and_only_critical_takes_over_the_screen(level: int) -> None:
    """A phone, a TV and a TV that is off."""
    devices = of_three(is_offline=[False, False, True], is_do_not_disturb=[False, False, False])
    kind = np.array([DeviceKind.PHONE, DeviceKind.TV, DeviceKind.TV], dtype=np.uint8)
    takes = devices.takes_over_screen(kind, np.full(3, level, dtype=np.uint8))
    assert takes.tolist() == [False, level == CRITICAL, False]


def test_nobody_is_nobody() -> None:
    """An empty population has empty columns."""
    assert len(Behaviour.of(np.empty(0, dtype=np.uint8), seed=1).last_mile_s) == 0
