"""A population as a list: exactly the devices there are, each with the topics that the contract gives it."""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eew.devices.population import exporter
from eew.devices.population.exporter import FIELDS, Form, exported
from eew.devices.population.importer import import_csv
from eew.devices.population.population import make
from eew.model.errors import DeviceDataError
from eew.model.records import DeviceKind, Devices
from eew.model.region_name import parse_region

COLUMNS = ("id", "lat_deg", "lon_deg", "cell", "kind")


@pytest.fixture(params=["taiwan", "-18,179.9,300", "-33.45,-70.66,30"], ids=["taiwan", "date line", "south and west"])
def devices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Devices:
    """Return 500 devices; they are written in parts of 64."""
    monkeypatch.setattr(exporter, "CHUNK_ROWS", 64)
    return make(parse_region(request.param), 500, 7)


def quadkey(lat_deg: float, lon_deg: float, level: int) -> str:
    """Return the digits as docs/topics.md has them to be worked out."""
    x = math.floor((lon_deg / 360 + 0.5) * 2**level)
    y = math.floor((0.5 - math.asinh(math.tan(math.radians(lat_deg))) / (2 * math.pi)) * 2**level)
    return "".join(str((x >> bit & 1) + 2 * (y >> bit & 1)) for bit in reversed(range(level)))


def listed(devices: Devices, form: Form) -> Sequence[dict[str, Any]]:
    """Return the rows of a list, read by the standard library."""
    text = "".join(exported(devices, form))
    if form == "csv":
        return list(csv.DictReader(io.StringIO(text)))
    rows = []
    for feature in json.loads(text)["features"]:
        lon_deg, lat_deg = feature["geometry"]["coordinates"]
        assert feature["id"] == feature["properties"]["id"]
        rows.append({"lat_deg": lat_deg, "lon_deg": lon_deg, **feature["properties"]})
    return rows


@pytest.mark.parametrize("form", ["csv", "geojson"])
def test_each_device_is_listed_once_in_order_with_its_exact_place(devices: Devices, form: Form) -> None:
    """Ids, kinds and 32-bit degrees as they are, across the parts."""
    rows = listed(devices, form)
    assert [row["id"].encode() for row in rows] == devices.id.tolist()
    assert [row["kind"] for row in rows] == [DeviceKind(kind).name.lower() for kind in devices.kind]
    for name in ("lat_deg", "lon_deg"):
        found = np.array([float(row[name]) for row in rows]).astype(np.float32)
        np.testing.assert_array_equal(found, getattr(devices, name))
    assert set(rows[0]) == set(FIELDS)


@pytest.mark.parametrize("form", ["csv", "geojson"])
def test_topics_are_those_that_the_contract_has_worked_out(devices: Devices, form: Form) -> None:
    """From the place alone, by the formula of the topics page."""
    for row in listed(devices, form):
        digits = quadkey(float(row["lat_deg"]), float(row["lon_deg"]), 12)
        assert row["cell"] == digits
        assert row["cell_topic"] == f"eew/v1/alerts/cell/{'/'.join(digits)}"
        assert row["device_topic"] == f"eew/v1/alerts/device/{digits[:10]}/{row['id']}"


def test_what_is_exported_is_imported_as_the_same_population(devices: Devices, tmp_path: Path) -> None:
    """All columns, in the same order, and no row left out."""
    file = tmp_path / "devices.csv"
    file.write_text("".join(exported(devices, "csv")))
    again, rejected = import_csv(file)
    assert rejected == []
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(again, name), getattr(devices, name))


def test_one_feature_a_line_and_the_credit_beside_them(devices: Devices) -> None:
    """So that it can be read line by line, too; progress ends at all."""
    shares: list[float] = []
    text = "".join(exported(devices, "geojson", credit="GeoNames", on_progress=shares.append))
    lines = text.splitlines()
    assert len(lines) == 502
    assert all(json.loads(line.rstrip(","))["type"] == "Feature" for line in lines[1:-1])
    assert (json.loads(text)["credit"], json.loads(text)["region"]) == ("GeoNames", devices.region)
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("wrong", ['a"b', "a,b", "", "é"])
def test_an_id_that_is_none_is_refused(devices: Devices, wrong: str) -> None:
    """A population that somebody wrote by hand: no list with broken lines."""
    ids = devices.id.copy()
    ids[70] = wrong.encode()
    with pytest.raises(DeviceDataError, match="id"):
        list(exported(replace(devices, id=ids), "csv"))
