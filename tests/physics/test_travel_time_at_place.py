"""Travel times read and interpolated by number, against the table that the dispatcher uses."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.model.errors import TravelTimeError
from eew.physics.travel_time_at_place import travel_times
from eew.physics.travel_time_table import TRAVEL_TIME_NAMES, TravelTimeTable

TABLES = {name: TravelTimeTable.load(name) for name in TRAVEL_TIME_NAMES}


@given(
    name=st.sampled_from(TRAVEL_TIME_NAMES),
    distance_km=st.floats(0, 3000) | st.integers(0, 3000).map(float),
    depth_km=st.floats(0, 700) | st.integers(0, 700).map(float),
)
def test_a_device_reads_what_the_dispatcher_reads(name: str, distance_km: float, depth_km: float) -> None:
    """On nodes and between them, to the microsecond."""
    p_s, s_s = TABLES[name].travel_times(distance_km, depth_km)
    assert travel_times(name).at(distance_km, depth_km) == pytest.approx((float(p_s), float(s_s)), abs=1e-6)


def test_a_users_file_is_read_too(tmp_path: Path) -> None:
    """As ``save`` writes it; and a table of another format comes by number from who has read it."""
    rng = np.random.default_rng(1)
    distance_km, depth_km = np.array([0.0, 10.0, 400.0]), np.array([0.0, 33.0])
    s_s = np.sort(rng.uniform(1, 99, (2, 3)))
    table = TravelTimeTable.of_times("mine", distance_km, depth_km, s_s / 2, s_s, 6.0, 3.5)
    table.save(tmp_path / "mine.npz", "a test")
    for own in (travel_times(str(tmp_path / "mine.npz")), table.for_one_place()):
        assert own.at(10.0, 33.0) == pytest.approx((s_s[1, 1] / 2, s_s[1, 1]), abs=2**-11)
        assert (own.max_distance_km, own.max_depth_km) == (400, 33)


@pytest.mark.parametrize("content", [None, b"", b"no zip", "distance", "short", "text", "speed"], ids=str)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes | str | None) -> None:
    """With what was expected; nothing else is ever raised."""
    path = tmp_path / "bad.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        members = {
            "distance_km": np.array([0.0, 1.0]),
            "depth_km": np.array([0.0, 1.0]),
            "speed_km_s": np.array([6.0, 3.5]),
            "p_residual_steps": np.zeros((2, 2), dtype=np.int32),
            "s_residual_steps": np.zeros((2, 2), dtype=np.int32),
        }
        members |= {
            "distance": {"distance_km": np.array([0.0, 0.0])},
            "short": {"s_residual_steps": np.zeros((1, 2), dtype=np.int32)},
            "text": {"depth_km": np.array(["0", "1"])},
            "speed": {"speed_km_s": np.array([6.0, 0.0])},
        }[content]
        np.savez(path, allow_pickle=False, **members)
    with pytest.raises(TravelTimeError):
        travel_times(str(path))


def test_an_unknown_name_is_refused() -> None:
    """A device has no file of that name."""
    with pytest.raises(TravelTimeError, match="one of ak135"):
        travel_times("ak136")
