"""Areas of an agency: read from GeoJSON, and where each is nearest to an epicentre."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from eew.feed.areas import Areas, load_areas
from eew.model.errors import InputError

WGS84 = Geod(ellps="WGS84")
#: A concave area: a letter L, counter-clockwise, longitude first as in GeoJSON.
LETTER = [[131.0, 33.0], [133.0, 33.0], [133.0, 33.5], [131.5, 33.5], [131.5, 35.0], [131.0, 35.0], [131.0, 33.0]]


def feature(code: str | None, rings: list[Any], *, kind: str = "Polygon", name: str = "somewhere") -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"code": code, "name": name},
        "geometry": {"type": kind, "coordinates": rings},
    }


def areas_of(tmp_path: Path, *features: dict[str, Any]) -> Areas:
    path = tmp_path / "areas.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return load_areas(path)


@pytest.fixture(scope="module")
def letter(tmp_path_factory: pytest.TempPathFactory) -> Areas:
    """Return the L alone."""
    return areas_of(tmp_path_factory.mktemp("areas"), feature("1", [LETTER]))


@given(lat_deg=st.floats(30, 38), lon_deg=st.floats(128, 136))
def test_nearest_point_is_that_of_the_edge_in_small_steps(letter: Areas, lat_deg: float, lon_deg: float) -> None:
    """No point of the edge, looked at every 500 m or so, is nearer by more than the edge's bend."""
    to_lat_deg, to_lon_deg = (float(column[0]) for column in letter.nearest_points(lat_deg, lon_deg, ["1"]))
    got_km = WGS84.inv(lon_deg, lat_deg, to_lon_deg, to_lat_deg)[2] / 1000
    corners = np.array(LETTER)
    along = np.linspace(0, 1, 400)[:, np.newaxis]
    edge = np.concatenate([start + (end - start) * along for start, end in itertools.pairwise(corners)])
    n = len(edge)
    step_km = WGS84.inv(np.full(n, lon_deg), np.full(n, lat_deg), *edge.T)[2] / 1000
    (is_up, is_foot) = (
        131 <= lon_deg <= 131.5 and 33 <= lat_deg <= 35,
        131 <= lon_deg <= 133 and 33 <= lat_deg <= 33.5,
    )
    expected_km = 0.0 if is_up or is_foot else float(step_km.min())
    # A straight edge of 2 degrees is a line of latitude here, and a geodesic there: they are 0.6 km apart midway.
    assert got_km == pytest.approx(expected_km, abs=0.8)


def test_epicentre_inside_is_its_own_nearest_point(letter: Areas) -> None:
    """Inside an area the distance is nothing; in its notch it is not inside."""
    to_lat_deg, to_lon_deg = letter.nearest_points(33.2, 132.0, ["1"])
    assert (to_lat_deg[0], to_lon_deg[0]) == pytest.approx((33.2, 132.0), abs=1e-9)
    to_lat_deg, to_lon_deg = letter.nearest_points(34.0, 132.0, ["1"])
    assert (to_lat_deg[0], to_lon_deg[0]) == pytest.approx((34.0, 131.5), abs=0.01)


def test_areas_of_one_code_are_one_and_the_date_line_is_no_edge(tmp_path: Path) -> None:
    """Two features of one code, on either side of the date line, are one area."""
    west = [[179.5, 10.0], [180.0, 10.0], [180.0, 11.0], [179.5, 11.0], [179.5, 10.0]]
    east = [[-180.0, 10.0], [-179.0, 10.0], [-179.0, 11.0], [-180.0, 11.0], [-180.0, 10.0]]
    areas = areas_of(tmp_path, feature("7", [west]), feature("7", [[east]], kind="MultiPolygon"))
    assert len(areas) == 1
    for lon_deg, expected in ((178.5, 179.5), (-178.5, -179.0), (179.9, 179.9), (-179.9, -179.9)):
        to_lat_deg, to_lon_deg = areas.nearest_points(10.5, lon_deg, ["7"])
        assert (to_lat_deg[0], to_lon_deg[0]) == pytest.approx((10.5, expected), abs=0.01)


def test_unknown_code_has_no_place(letter: Areas) -> None:
    """A code without a polygon gives NaN, the others are answered."""
    to_lat_deg, to_lon_deg = letter.nearest_points(33.2, 132.0, ["2", "1"])
    assert np.isnan(to_lat_deg).tolist() == np.isnan(to_lon_deg).tolist() == [True, False]


def test_features_without_code_or_polygon_are_left_out(tmp_path: Path) -> None:
    """Agencies' files have rocks without a code and without a polygon; heights are not looked at."""
    high = [[lon, lat, 99.0] for lon, lat in LETTER]
    rock = {"type": "Feature", "properties": {"code": "", "name": "a rock"}, "geometry": None}
    areas = areas_of(tmp_path, rock, feature(None, [LETTER]), feature("1", [high], name="L"))
    assert areas.name_by_code == {"1": "L"}
    assert areas.nearest_points(34.0, 130.0, ["1"])[1][0] == pytest.approx(131.0, abs=0.01)


@pytest.mark.reference_data
def test_all_areas_of_jma_are_read(reference_data: Path) -> None:
    """JMA divides Japan into 188 areas; what else is in its file, six rocks, has no code."""
    areas = load_areas(reference_data / "areas" / "jma_AreaForecastLocalE_20240520.geojson")
    assert len(areas) == 188
    assert areas.name_by_code["622"] == "愛媛県南予"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param("{", None, id="no JSON"),
        pytest.param("[" * 100_000, None, id="too deep"),
        pytest.param("\udcff", None, id="no UTF-8"),
        pytest.param("[]", None, id="no object"),
        pytest.param('{"features": 1}', None, id="no features"),
        pytest.param('{"features": []}', None, id="empty"),
        pytest.param('{"features": [7]}', "features[0]", id="no feature"),
        pytest.param('{"features": [{"properties": {}, "geometry": null}]}', "features[0]", id="no code"),
        pytest.param(json.dumps({"features": [feature("1", [[1]])]}), "features[0]", id="no ring"),
        pytest.param(json.dumps({"features": [feature("1", [LETTER[:2]])]}), "features[0]", id="no area"),
        pytest.param(
            json.dumps({"features": [feature("1", LETTER, kind="LineString")]}),
            "features[0].geometry.type",
            id="a line",
        ),
    ],
)
def test_unusable_file_is_named(tmp_path: Path, text: str, field: str | None) -> None:
    """The error says which file, and which feature of it."""
    path = tmp_path / "areas.geojson"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError) as caught:
        load_areas(path)
    assert (caught.value.file, caught.value.field) == (str(path), field)
