"""The shelter member of alerts, read back as JSON."""

import json

import msgspec
import numpy as np
import pytest

from eew.fanout.shelter_text import ShelterText, cell_shelters
from eew.model import ShelterColumns, Shelters
from eew.wire.message import ShelterReference


def columns_of(rows: list[int], distance_m: list[float], bearing_deg: list[int]) -> ShelterColumns:
    return ShelterColumns(
        np.array(rows, dtype=np.int32), np.array(distance_m, dtype=np.float32), np.array(bearing_deg, dtype=np.uint16)
    )


def members(text: ShelterText, device_row: list[int]) -> list[bytes]:
    """Return the member of each device, its slots put together."""
    columns = text.columns(np.array(device_row, dtype=np.int32))
    parts = [columns[slot.name] for slot in text.slots]
    assert [part.shape for part in parts] == [(len(device_row), slot.width) for slot in text.slots]
    return [b"".join(part[row].tobytes() for part in parts) for row in range(len(device_row))]


def test_each_device_has_its_nearest(shelters: Shelters) -> None:
    """Id, name, place to five decimals, distance to the metre, bearing; null where there is none."""
    text = ShelterText(shelters, columns_of([0, 3, -1, 2], [419.6, 20_003_932.0, np.nan, 0.2], [135, 0, 65535, 359]))
    found = [msgspec.json.decode(member, type=ShelterReference | None) for member in members(text, [3, 2, 1, 0, 3])]
    mill = ShelterReference(id="s00", name='The "Old" \\ Mill', lat_deg=0.0, lon_deg=0.0, distance_m=0, bearing_deg=359)
    assert found == [
        mill,
        None,
        ShelterReference(id="s000", name="x", lat_deg=40.5, lon_deg=141.0, distance_m=20_003_932, bearing_deg=0),
        ShelterReference(
            id="s", name="第一小学校", lat_deg=38.12346, lon_deg=140.98765, distance_m=420, bearing_deg=135
        ),
        mill,
    ]


def test_a_long_name_is_cut_between_letters(shelters: Shelters) -> None:
    """At most 48 bytes of UTF-8, and never half a letter."""
    (member,) = members(ShelterText(shelters, columns_of([1], [1], [1])), [0])
    assert json.loads(member)["name"] == shelters.name[1][:16]
    assert len(shelters.name[1][:16].encode()) == 48


@pytest.mark.parametrize("device_row", [[0, 1], []])
def test_nobody_has_a_shelter(shelters: Shelters, device_row: list[int]) -> None:
    """No row of the catalogue is near enough: null for everybody."""
    text = ShelterText(shelters, columns_of([-1, -1], [np.nan, np.nan], [0, 0]))
    assert [json.loads(member) for member in members(text, device_row)] == [None] * len(device_row)


def test_cells_have_up_to_three(shelters: Shelters) -> None:
    """Without distance and bearing, which are the device's to know."""
    nearest_row = np.array([[0, 3, 4], [3, -1, -1], [-1, -1, -1]], dtype=np.int32)
    column = cell_shelters(shelters, nearest_row)
    found = [json.loads(row.tobytes()) for row in column]
    assert [[each["id"] for each in cell] for cell in found] == [["s", "s000", "s0000"], ["s000"], []]
    assert found[1] == [{"id": "s000", "name": "x", "lat_deg": 40.5, "lon_deg": 141.0}]


def test_no_cells_are_no_rows(shelters: Shelters) -> None:
    """An empty population is no error."""
    assert len(cell_shelters(shelters, np.empty((0, 3), dtype=np.int32))) == 0
