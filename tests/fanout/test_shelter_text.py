"""The shelter member of alerts, read back as JSON."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from eew.contract.message import ShelterReference
from eew.fanout.shelter_text import ShelterIdText, ShelterMembers, ShelterText, cell_shelter_ids, cell_shelters
from eew.model.records import ShelterColumns, Shelters


def columns_of(rows: list[int], distance_m: list[float], bearing_deg: list[int]) -> ShelterColumns:
    return ShelterColumns(
        np.array(rows, dtype=np.int32), np.array(distance_m, dtype=np.float32), np.array(bearing_deg, dtype=np.uint16)
    )


def said(text: ShelterMembers, target_row: list[int]) -> list[dict[str, Any]]:
    """Return the members of each target, their parts put together behind another member."""
    columns = text.columns(np.array(target_row, dtype=np.int32))
    alerts = [b'{"x":1'] * len(target_row)
    for part in text.parts:
        if isinstance(part, bytes):
            alerts = [alert + part for alert in alerts]
        else:
            column = columns[part.name]
            assert column.shape == (len(target_row), part.width)
            alerts = [alert + row.tobytes() for alert, row in zip(alerts, column, strict=True)]
    assert len({len(alert) for alert in alerts}) <= 1
    found = [json.loads(alert + b"}") for alert in alerts]
    return [{name: value for name, value in alert.items() if name != "x"} for alert in found]


def test_each_device_has_its_nearest(shelters: Shelters) -> None:
    """Id, name, place to five decimals, distance to the metre, bearing; null where there is none."""
    text = ShelterText(shelters, columns_of([0, 3, -1, 2], [419.6, 20_003_932.0, np.nan, 0.2], [135, 0, 65535, 359]))
    alerts = said(text, [3, 2, 1, 0, 3])
    assert {name for alert in alerts for name in alert} == {"shelter"}
    found = [msgspec.convert(alert["shelter"], ShelterReference | None) for alert in alerts]
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
    (alert,) = said(ShelterText(shelters, columns_of([1], [1], [1])), [0])
    assert alert["shelter"]["name"] == shelters.name[1][:16]
    assert len(shelters.name[1][:16].encode()) == 48


@pytest.mark.parametrize("device_row", [[0, 1], []])
@pytest.mark.parametrize("kind", [ShelterText, ShelterIdText])
def test_nobody_has_a_shelter(
    kind: type[ShelterText | ShelterIdText], shelters: Shelters, device_row: list[int]
) -> None:
    """No row of the catalogue is near enough: null for everybody."""
    text = kind(shelters, columns_of([-1, -1], [np.nan, np.nan], [0, 0]))
    assert said(text, device_row) == [{"shelter": None}] * len(device_row)


def test_an_id_stands_for_each_devices_nearest(shelters: Shelters) -> None:
    """The id alone, whatever characters it has; null for those without a shelter."""
    odd = replace(shelters, id=('a"b\\c', "避難所", *shelters.id[2:]))
    text = ShelterIdText(odd, columns_of([0, 4, -1, 1], [419.6, 1.0, np.nan, 0.2], [135, 0, 65535, 359]))
    alerts = said(text, [3, 2, 1, 0, 3])
    assert [alert["shelter"] for alert in alerts] == [None] * 5
    assert [alert["shelter_id"] for alert in alerts] == ["避難所", None, "s0000", 'a"b\\c', "避難所"]


def test_cells_have_up_to_three(shelters: Shelters) -> None:
    """Without distance and bearing, which are the device's to know."""
    nearest_row = np.array([[0, 3, 4], [3, -1, -1], [-1, -1, -1]], dtype=np.int32)
    found = [alert["shelters"] for alert in said(cell_shelters(shelters, nearest_row), [0, 1, 2])]
    assert [[each["id"] for each in cell] for cell in found] == [["s", "s000", "s0000"], ["s000"], []]
    assert found[1] == [{"id": "s000", "name": "x", "lat_deg": 40.5, "lon_deg": 141.0}]


def test_cells_have_up_to_three_ids(shelters: Shelters) -> None:
    """Nearest first; nothing is said of them where no cell has any."""
    nearest_row = np.array([[4, 3, 0], [3, -1, -1], [-1, -1, -1]], dtype=np.int32)
    assert said(cell_shelter_ids(shelters, nearest_row), [1, 0, 2]) == [
        {"shelters": [], "shelter_ids": ["s000"]},
        {"shelters": [], "shelter_ids": ["s0000", "s000", "s"]},
        {"shelters": [], "shelter_ids": []},
    ]
    assert said(cell_shelter_ids(shelters, nearest_row[2:]), [0]) == [{"shelters": []}]


@pytest.mark.parametrize("made", [cell_shelters, cell_shelter_ids])
def test_no_cells_are_no_rows(
    made: Callable[[Shelters, npt.NDArray[np.int32]], ShelterMembers], shelters: Shelters
) -> None:
    """An empty population is no error."""
    assert said(made(shelters, np.empty((0, 3), dtype=np.int32)), []) == []
