"""Rows by device ids."""

import numpy as np
import numpy.typing as npt
import pytest

from eew.devices.swarm.layout import RowRange
from eew.devices.swarm.row_by_id import RowById
from eew.model.records import Devices


def devices(ids: list[str]) -> Devices:
    n = len(ids)
    return Devices(
        id=np.array([each.encode() for each in ids]),
        lat_deg=np.zeros(n, dtype=np.float32),
        lon_deg=np.zeros(n, dtype=np.float32),
        cell=np.zeros(n, dtype=np.uint32),
        kind=np.zeros(n, dtype=np.uint8),
        region="test",
        seed=1,
    )


def encoded(*ids: str) -> npt.NDArray[np.bytes_]:
    return np.array([each.encode() for each in ids])


NUMBERED = [f"{'pt'[row % 3 == 0]}{row:09d}" for row in range(100)]
NAMED = [f"siren-{(row * 37) % 100}" for row in range(100)]


@pytest.mark.parametrize("ids", [NUMBERED, NAMED, [f"x{99 - row:09d}" for row in range(100)]], ids=str)
def test_each_id_leads_to_its_row(ids: list[str]) -> None:
    """Whatever ids look like, each row of the part is found, and none outside it."""
    rows = RowById(devices(ids), RowRange(20, 70)).rows(encoded(*ids))
    assert rows.tolist() == [row if 20 <= row < 70 else -1 for row in range(100)]


@pytest.mark.parametrize("ids", [NUMBERED, NAMED], ids=["numbered", "named"])
@pytest.mark.parametrize("strange", ["z000000030", "p-00000030", "p00000003\x2f", "p30", "siren-100", "p0000000300"])
def test_an_id_that_is_nobodys_has_no_row(ids: list[str], strange: str) -> None:
    """Also one whose number would be a row."""
    assert RowById(devices(ids), RowRange(0, 100)).rows(encoded(strange)).tolist() == [-1]
