"""Lists as they are published: the National Shelter System's, OpenStreetMap's assembly points, a city's own names."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import shapely

from eew.model.errors import InputError, ShelterDataError
from eew.shelter.csv_file import import_csv
from eew.shelter.geojson import import_geojson
from eew.shelter.nss import import_nss
from eew.shelter.row import Reason

#: Capital letters, longitude first; the first row has room for 300, of the second nobody knows. Names are invented.
NSS_CSV = (
    "X,Y,OBJECTID,ID,NAME,ADDRESS,CITY,STATE,ZIP,TYPE,STATUS,POPULATION,LATITUDE,LONGITUDE,EVAC_CAP,POST_CAP\n"
    "-79.522404018,33.50440661,1,201001,HILL SCHOOL,1 ROAD,TOWN,SC,29510,BOTH,CLOSED,0,33.5044066,-79.522404,300,150\n"
    "-118.2,34.0,2,201002,SOME HALL,1 MAIN,TOWN,CA,90001,BOTH,OPEN,0,34.0,-118.2,-999,-999\n"
)
CRS84 = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
#: A park with a bay in its southern side: its centre of gravity lies outside.
PARK = [
    [[27.9, 40.35], [27.9, 40.36], [27.91, 40.36], [27.91, 40.35], [27.909, 40.3595], [27.901, 40.3595], [27.9, 40.35]]
]


def feature(kind: str | None, coordinates: object, **properties: object) -> dict[str, Any]:
    geometry = None if kind is None else {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(folder: Path, *features: dict[str, Any], crs: object = None) -> Path:
    """Return a file of features."""
    file = folder / "list.geojson"
    members = {"type": "FeatureCollection", "features": features} | ({} if crs is None else {"crs": crs})
    file.write_text(json.dumps(members), encoding="utf-8")
    return file


NSS_FEATURE = feature(
    "Point",
    [-79.522404018, 33.50440661],
    OBJECTID=1,
    ID="201001",
    NAME="HILL SCHOOL",
    TYPE="BOTH",
    STATUS="CLOSED",
    LATITUDE=33.5044066,
    LONGITUDE=-79.522404,
    EVAC_CAP=300,
    POST_CAP=150,
)


def test_the_national_shelter_system_is_read_as_csv(tmp_path: Path) -> None:
    """Capitals, room in an evacuation, -999 unknown and no fault, CLOSED counted and kept."""
    file = tmp_path / "nss.csv"
    file.write_text(NSS_CSV)
    result = import_nss(file)
    assert result.shelters.id == ("201001", "201002")
    assert result.shelters.name == ("HILL SCHOOL", "SOME HALL")
    assert result.shelters.lat_deg.tolist() == [33.5044066, 34.0]
    assert result.shelters.lon_deg.tolist() == [-79.522404, -118.2]
    assert result.shelters.capacity[0] == 300
    assert math.isnan(result.shelters.capacity[1])
    assert (result.n_capacity_unreadable, result.n_closed, result.is_hazard_assumed) == (0, 1, True)


@pytest.mark.parametrize("import_list", [import_nss, import_geojson])
def test_the_national_shelter_system_is_read_as_geojson(tmp_path: Path, import_list: Any) -> None:
    """Its properties are known without being told, whichever importer is asked."""
    unknown = feature("Point", [-118.2, 34.0], ID="201002", NAME="SOME HALL", STATUS="OPEN", EVAC_CAP=-999)
    result = import_list(collection(tmp_path, NSS_FEATURE, unknown, crs=CRS84))
    assert result.shelters.id == ("201001", "201002")
    assert result.shelters.capacity[0] == 300
    assert math.isnan(result.shelters.capacity[1])
    assert (result.n_capacity_unreadable, result.n_closed) == (0, 1)


def test_assembly_points_of_openstreetmap_are_kept_without_a_name_and_as_ways(tmp_path: Path) -> None:
    """A nameless point has a stated name; a way lies at a point inside, also where its middle does not."""
    file = collection(
        tmp_path,
        feature("Point", [27.511, 40.978], **{"@id": "node/1", "name": "Geçici Toplanma Alanı"}),
        feature("Point", [28.9784, 41.0082], **{"@id": "node/2"}),
        feature("Polygon", PARK, **{"@id": "way/3", "name": "Park"}),
        feature("LineString", [[27.0, 38.0], [27.2, 38.0]], **{"@id": "way/4"}),
        feature("MultiPolygon", [PARK], **{"@id": "relation/5", "name": "İki park"}),
        feature("MultiPoint", [[27.3, 38.1], [27.4, 38.2]], **{"@id": "relation/6", "name": "Alan"}),
    )
    result = import_geojson(file)
    assert not result.rejected
    assert result.shelters.id == ("node/1", "node/2", "way/3", "way/4", "relation/5", "relation/6")
    assert [name for name in result.shelters.name if name == "Assembly point"] == ["Assembly point"] * 2
    assert (result.n_unnamed, result.unnamed) == (2, "Assembly point")
    assert result.n_by_shape == {"Polygon": 1, "LineString": 1, "MultiPolygon": 1, "MultiPoint": 1}
    park = shapely.Polygon(PARK[0])
    assert not park.covers(park.centroid)
    for row in (2, 4):
        assert park.covers(shapely.Point(result.shelters.lon_deg[row], result.shelters.lat_deg[row]))
    assert result.shelters.lat_deg[3] == 38.0


def test_a_way_across_the_date_line_lies_there_and_not_in_africa(tmp_path: Path) -> None:
    """As parks of Taveuni, through which it runs; what leaves the Earth has no place, and says nothing else."""
    across = [[[179.8, -16.9], [-179.9, -16.9], [-179.9, -16.8], [179.8, -16.8], [179.8, -16.9]]]
    beyond = [[[1e308, 0.5], [2.5, 2.5], [2.5, 0.5], [1e308, 0.5]]]
    file = collection(
        tmp_path,
        feature("Polygon", across, **{"@id": "way/1"}),
        feature("LineString", [[-179.7, -17.0], [179.9, -17.0]], **{"@id": "way/2"}),
        feature("Polygon", beyond, **{"@id": "way/3"}),
    )
    result = import_geojson(file)
    assert all(179.6 < abs(lon_deg) <= 180 for lon_deg in result.shelters.lon_deg)
    assert result.shelters.lat_deg.tolist() == pytest.approx([-16.85, -17.0])
    assert [row.reason for row in result.rejected] == [Reason.SHAPE]


def test_a_point_without_a_name_is_called_as_one_is_told_or_left_out(tmp_path: Path) -> None:
    """In people's own language; ``None`` leaves it out, which is what a CSV list gets unless told otherwise."""
    file = collection(tmp_path, feature("Point", [28.9, 41.0], **{"@id": "node/2"}))
    assert import_geojson(file, unnamed="Toplanma alanı").shelters.name == ("Toplanma alanı",)
    assert [row.reason for row in import_geojson(file, unnamed=None).rejected] == [Reason.NAME]
    table = tmp_path / "list.csv"
    table.write_text("id,name,lat,lon\n7,,41.0,28.9\n")
    columns = {"id": "id", "name": "name", "lat": "lat", "lon": "lon"}
    assert [row.reason for row in import_csv(table, columns).rejected] == [Reason.NAME]
    assert import_csv(table, columns, "Toplanma alanı").shelters.name == ("Toplanma alanı",)


def test_an_assembly_point_without_a_mark_is_for_any_emergency(tmp_path: Path) -> None:
    """Where others in the file are marked it is one for earthquakes still; one for fires is not."""
    points = [
        {"@id": "node/1", "assembly_point:earthquake": "yes"},
        {"@id": "node/2"},
        {"@id": "node/3", "assembly_point:fire": "yes"},
        {"@id": "node/4", "assembly_point:earthquake": "no"},
    ]
    given = [feature("Point", [28.9, 41.0], emergency="assembly_point", **each) for each in points]
    assert import_geojson(collection(tmp_path, *given)).shelters.hazards.tolist() == [1, 1, 0, 0]
    result = import_geojson(collection(tmp_path, given[2]))
    assert (result.shelters.hazards.tolist(), result.is_hazard_assumed) == ([0], False)


def test_another_publishers_properties_are_named_by_columns(tmp_path: Path) -> None:
    """As with CSV; what is not named is looked for as ever."""
    file = collection(
        tmp_path, feature("Point", [28.9, 41.0], KOD="34-1", ad="Meydan", kisi="1,200", Tur="earthquake tsunami")
    )
    result = import_geojson(file, {"id": "kod", "name": "ad", "capacity": "kisi", "hazards": "Tur"})
    assert (result.shelters.id, result.shelters.name) == (("34-1",), ("Meydan",))
    assert (result.shelters.capacity.tolist(), result.shelters.hazards.tolist()) == ([1200.0], [3])


@pytest.mark.parametrize(
    ("columns", "error", "named"),
    [
        ({"lat": "y"}, InputError, "the place is the geometry"),
        ({"id": "no"}, ShelterDataError, "among: ad, kod"),
    ],
)
def test_a_slip_in_columns_is_said(
    tmp_path: Path, columns: dict[str, str], error: type[InputError], named: str
) -> None:
    """A word nobody knows, or a property that no feature has."""
    file = collection(tmp_path, feature("Point", [28.9, 41.0], ad="Meydan", kod="1"))
    with pytest.raises(error, match=named):
        import_geojson(file, columns)


@pytest.mark.parametrize(
    "name",
    ["EPSG:4326", "urn:ogc:def:crs:EPSG::4326", "urn:ogc:def:crs:EPSG:9.8.15:4258", "urn:ogc:def:crs:OGC:1.3:CRS83"],
)
def test_degrees_by_another_name_are_taken(tmp_path: Path, name: str) -> None:
    """WGS 84, NAD 83 and ETRS 89 are one within a few metres."""
    crs = {"type": "name", "properties": {"name": name}}
    assert len(import_geojson(collection(tmp_path, NSS_FEATURE, crs=crs)).shelters) == 1


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}},
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:4326"}},
        {"type": "link", "properties": {"href": "data.crs"}},
        "EPSG:3857",
    ],
)
def test_coordinates_of_another_system_are_refused_with_the_reason(tmp_path: Path, crs: object) -> None:
    """Metres read as degrees would be anywhere, or nowhere."""
    with pytest.raises(ShelterDataError, match="longitude and latitude on WGS 84"):
        import_geojson(collection(tmp_path, NSS_FEATURE, crs=crs))


def test_what_is_no_place_is_counted_by_what_it_is(tmp_path: Path) -> None:
    """Foreign types, empty ones and nonsense cost their feature only."""
    wrong = [
        feature("Circle", [28.9, 41.0], id="1"),
        feature(None, None, id="2"),
        feature("Polygon", [], id="3"),
        feature("Polygon", [[[28.9, 41.0]]], id="4"),
        feature("LineString", "28.9 41.0", id="5"),
        feature("MultiPolygon", [[[["a", "b"]]]], id="6"),
        feature("Point", [28.9], id="7"),
    ]
    bow = [[[28.0, 41.0], [28.2, 41.2], [28.2, 41.0], [28.0, 41.2], [28.0, 41.0]]]
    result = import_geojson(collection(tmp_path, *wrong, feature("Polygon", bow, id="8")))
    assert [row.reason for row in result.rejected] == [Reason.SHAPE] * 7
    assert [row.value for row in result.rejected][:3] == ["Circle", "no geometry", "Polygon"]
    assert result.shelters.id == ("8",)
    assert 41.0 < result.shelters.lat_deg[0] < 41.2


@pytest.mark.parametrize("name", ["nss.csv", "nss.geojson", "osm-tr.geojson"])
def test_the_handed_cases_are_read_whole(name: str) -> None:
    """No row of the recorded lists is lost."""
    file = Path(__file__).parents[3] / "shared" / "cases" / "shelters-geojson" / name
    if not file.is_file():
        pytest.skip("the handed cases are not here")
    result = import_geojson(file) if name.startswith("osm") else import_nss(file)
    assert len(result.shelters) == result.n_read > 0
