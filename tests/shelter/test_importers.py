"""Lists of shelters, clean and dirty."""

import gzip
import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from eew.model.errors import InputError, ShelterDataError
from eew.model.records import Hazard
from eew.shelter.csv_file import import_csv
from eew.shelter.geojson import import_geojson
from eew.shelter.gsi import import_gsi
from eew.shelter.row import ImportResult, Reason
from eew.shelter.taiwan import import_taiwan

COLUMNS = {"id": "no", "name": "site", "lat": "lat", "lon": "lon", "capacity": "people", "hazards": "for"}

#: Each kind of dirt once; beside each row its line and what must become of it.
TAIWAN_HEADER = (
    "序號,縣市及鄉鎮市區,村里,避難收容處所地址,經度,緯度,避難收容處所名稱,預計收容村里,預計收容人數,適用災害類別,"
    "管理人姓名,管理人電話,室內,室外,適合避難弱者安置"
)
TAIWAN_ROWS: list[tuple[str, Reason | None]] = [
    ('1,臺北市,甲里,一號,121.5,25.0,甲小學,甲里,110,"水災,震災,土石流",王小明,0912-345-678,是,否,是', None),
    ('2,臺北市,甲里,一號,0,25.0,乙小學,甲里,110,"水災,震災",王小明,0912-345-678,是,否,是', Reason.ZERO),
    ('3,臺北市,甲里,一號,25.0,121.5,丙小學,甲里,110,"水災,震災",王小明,0912-345-678,是,否,是', Reason.SWAPPED),
    ('4,臺北市,甲里,一號,121.5,27.0,丁小學,甲里,110,"水災,震災",王小明,0912-345-678,是,否,是', Reason.RANGE),
    ('5,臺北市,甲里,一號,一二一,25.0,戊小學,甲里,110,"水災,震災",王小明,0912-345-678,是,否,是', Reason.NUMBER),
    ('6,臺北市,甲里,一號,nan,25.0,戊小學,甲里,110,"水災,震災",王小明,0912-345-678,是,否,是', Reason.NUMBER),
    ('7,臺北市,甲里,一號,,25.0,戊小學,甲里,110,"水災,震災",王小明,0912-345-678,是,否,是', Reason.NUMBER),
    ('1,臺北市,甲里,一號,121.6,25.1,己小學,甲里,110,"水災,震災",王小明,0912-345-678,是,否,是', Reason.DUPLICATE),
    ('9,臺北市,甲里,一號,121.5,25.0,,甲里,110,"水災,震災",王小明,0912-345-678,是,否,是', Reason.NAME),
    (',臺北市,甲里,一號,121.5,25.0,庚小學,甲里,110,"水災,震災",王小明,0912-345-678,是,否,是', Reason.ID),
    ("11,臺北市,甲里,一號,121.5,25.0,辛小學,甲里,110,水災,震災,王小明,0912-345-678,是,否,是", Reason.FIELDS),
    ('12,臺北市,甲里,一號,121.7,25.2,壬小學,甲里,,"水災,震災,海嘯",王小明,0912-345-678,是,否,是', None),
    ("13,臺北市,甲里,一號,121.8,25.3,癸小學,甲里,很多,,王小明,0912-345-678,是,否,是", None),
]


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def where(result: ImportResult) -> list[tuple[int, Reason]]:
    return [(row.line, row.reason) for row in result.rejected]


def test_taiwan_each_kind_of_dirt_is_listed_with_its_line(tmp_path: Path) -> None:
    """Every bad row is left out and noted with line and reason; good rows around it are kept."""
    text = "\n".join([TAIWAN_HEADER, *(row for row, _ in TAIWAN_ROWS)])
    result = import_taiwan(write(tmp_path, "tw.csv", "\ufeff" + text))
    assert where(result) == [(line, reason) for line, (_, reason) in enumerate(TAIWAN_ROWS, start=2) if reason]
    assert result.n_read == 13
    assert result.shelters.id == ("1", "12", "13")
    assert result.shelters.name == ("甲小學", "壬小學", "癸小學")
    assert result.shelters.lat_deg.tolist() == [25.0, 25.2, 25.3]
    assert result.shelters.lon_deg.tolist() == [121.5, 121.7, 121.8]
    assert result.shelters.hazards.tolist() == [Hazard.EARTHQUAKE, Hazard.EARTHQUAKE | Hazard.TSUNAMI, 0]
    assert str(result.shelters.capacity.tolist()) == "[110.0, nan, nan]"
    assert result.n_capacity_unreadable == 1
    assert result.n_by_reason[Reason.NUMBER] == 3


def test_personal_columns_are_never_read(tmp_path: Path) -> None:
    """Neither the name nor the telephone number of a manager is anywhere in what an import returns."""
    text = "\n".join([TAIWAN_HEADER, *(row for row, _ in TAIWAN_ROWS)])
    result = repr(import_taiwan(write(tmp_path, "tw.csv", text)))
    assert "甲小學" in result
    assert "王小明" not in result
    assert "0912" not in result


@pytest.mark.parametrize(
    "header",
    [
        "共通ID,都道府県名及び市町村名,施設・場所名,住所,洪水,地震,津波,緯度,経度,備考",
        "common_id,municipality,name,address,flood,earthquake,tsunami,lat,lon,note",
    ],
    ids=["japanese", "english"],
)
def test_gsi_marks_and_dirt(tmp_path: Path, header: str) -> None:
    """Marks become hazards, a name over two lines becomes one, and lines are counted as an editor counts them."""
    rows = [
        "E1,北海道,もみじ台中学校　,x,1,1,,43.03806,141.48471,",
        '"E2",北海道,"高台\n※建設予定",x,,,1,43.1,141.5,',
        "E3,北海道,公園,x,1,,,43.2,141.6,",
        "E4,北海道,公園,x,1,○,,43.2,141.6,",
        "E5,北海道,公園,x,1,1,1,141.6,43.2,",
        "E6,北海道,公園,x,1,1,1,50.2,141.6,",
        "",
        "E7,北海道,海岸,x,,1,1,43.3,141.7,",
    ]
    result = import_gsi(write(tmp_path, "jp.csv", "\r\n".join([header, *rows]) + "\r\n"))
    assert where(result) == [(6, Reason.HAZARD), (7, Reason.SWAPPED), (8, Reason.RANGE)]
    assert result.shelters.id == ("E1", "E2", "E3", "E7")
    assert result.shelters.name == ("もみじ台中学校", "高台 ※建設予定", "公園", "海岸")
    assert result.shelters.hazards.tolist() == [1, 2, 0, 3]


def test_csv_takes_the_columns_it_is_told(tmp_path: Path) -> None:
    """Column names are the user's; only ids, names, places, capacities and hazards come through."""
    text = (
        "site,phone,lon,lat,no,people,for\n"
        "Gym,555,-118.2,34.1,a1,1 200,earthquake\n"
        'Hall,555,-118.3,34.2,a2,"1,200",Earthquake;Tsunami\n'
        "Park,555,34.2,-118.3,a3,,flood\n"
        "Field,555,-118.3,34.3,a4,-5,flood/tsunami\n"
    )
    result = import_csv(write(tmp_path, "list.csv", text), COLUMNS)
    assert where(result) == [(4, Reason.SWAPPED)]
    assert result.shelters.id == ("a1", "a2", "a4")
    assert result.shelters.hazards.tolist() == [1, 3, 2]
    assert str(result.shelters.capacity.tolist()) == "[nan, 1200.0, nan]"
    assert result.n_capacity_unreadable == 2
    assert not result.is_hazard_assumed
    assert "555" not in repr(result)


def test_list_that_names_no_hazards_is_one_for_earthquakes(tmp_path: Path) -> None:
    """Who imports a plain list means it for earthquakes, not for tsunamis, and is told so."""
    text = "no,site,lat,lon\n1,Gym,34.1,-118.2\n"
    columns = {word: COLUMNS[word] for word in ("id", "name", "lat", "lon")}
    result = import_csv(write(tmp_path, "list.csv", text), columns)
    assert result.is_hazard_assumed
    assert result.shelters.hazards.tolist() == [Hazard.EARTHQUAKE]


@pytest.mark.parametrize(
    ("columns", "named"),
    [({"id": "no", "name": "site", "lat": "lat"}, "lon"), (COLUMNS | {"phone": "phone"}, "phone")],
    ids=["one missing", "one unknown"],
)
def test_csv_refuses_wrong_column_words(tmp_path: Path, columns: dict[str, str], named: str) -> None:
    """A missing or unknown word is an error of the option, naming the word."""
    with pytest.raises(InputError, match=named):
        import_csv(tmp_path / "unread.csv", columns)


def test_file_without_a_wanted_column_is_refused(tmp_path: Path) -> None:
    """The error names file, line, the column, and what columns there are."""
    file = write(tmp_path, "list.csv", "no,title,lat,lon\n1,Gym,34.1,-118.2\n")
    with pytest.raises(ShelterDataError) as caught:
        import_csv(file, {word: COLUMNS[word] for word in ("id", "name", "lat", "lon")})
    assert str(caught.value).startswith(f"{file}:1: column: 'site'")
    assert "title" in str(caught.value)


def test_bytes_that_are_not_utf8_cost_only_their_row(tmp_path: Path) -> None:
    """A Big5 name among UTF-8 rows is left out, and the rest is kept."""
    file = tmp_path / "list.csv"
    file.write_bytes(
        b"no,site,lat,lon\n1,Gym,34.1,-118.2\n2," + "學校".encode("big5") + b",34.1,-118.2\n3,Hall,35,139\n"
    )
    result = import_csv(file, {word: COLUMNS[word] for word in ("id", "name", "lat", "lon")})
    assert where(result) == [(3, Reason.TEXT)]
    assert result.shelters.id == ("1", "3")


def test_quote_that_never_closes_is_noted_with_its_line(tmp_path: Path) -> None:
    """An open quote swallows what follows; that is said, not raised."""
    text = 'no,site,lat,lon\n1,Gym,34.1,-118.2\n2,"Hall,34.1,-118.2\n3,Park,34.3,-118.3\n'
    result = import_csv(
        write(tmp_path, "list.csv", text), {word: COLUMNS[word] for word in ("id", "name", "lat", "lon")}
    )
    assert where(result) == [(3, Reason.FIELDS)]
    assert result.shelters.id == ("1",)


def test_field_too_long_for_the_reader_is_noted(tmp_path: Path) -> None:
    """A field of megabytes costs its row only."""
    text = f"no,site,lat,lon\n1,{'x' * 200_000},34.1,-118.2\n2,Hall,34.1,-118.2\n"
    result = import_csv(
        write(tmp_path, "list.csv", text), {word: COLUMNS[word] for word in ("id", "name", "lat", "lon")}
    )
    assert where(result)[0] == (2, Reason.FIELDS)
    assert result.shelters.id == ("2",)


def test_broken_gzip_is_an_error_of_the_file(tmp_path: Path) -> None:
    """A download that was cut short is refused with its name."""
    file = tmp_path / "list.csv.gz"
    file.write_bytes(gzip.compress(b"no,site\n" * 5000)[:-20])
    with pytest.raises(ShelterDataError, match=r"list\.csv\.gz.*whole gzip"):
        import_csv(file, COLUMNS)


def test_empty_file_is_refused(tmp_path: Path) -> None:
    """A file without a header is no list."""
    with pytest.raises(ShelterDataError, match="header"):
        import_gsi(write(tmp_path, "jp.csv", ""))


def point(lon: object, lat: object, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": properties}


def test_geojson_takes_points_and_notes_the_rest(tmp_path: Path) -> None:
    """Features are counted from 1; ids may stand in the properties or at the feature."""
    features = [
        point(37.3, 37.5, id="p1", name="Park", capacity=300, earthquake=True, phone="555"),
        point(37.4, 37.6, **{"@id": "node/7", "name": "Okul", "assembly_point:earthquake": "yes"}),
        point(37.4, 37.6, name="Saha", hazards=["earthquake", "tsunami"]) | {"id": 9},
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}, "properties": {"id": "x"}},
        {"type": "Feature", "geometry": None, "properties": None},
        point(0, 37.6, id="p6", name="Null", earthquake=True),
        point(37.4, 97.6, id="p7", name="Far", earthquake=True),
        point("37.4 E", 37.6, id="p8", name="Text", earthquake=True),
        point(37.4, 37.6, id="p1", name="Again", earthquake=True),
        point(37.4, 37.6, id="p10", earthquake=True),
        point(37.4, 37.6, id="p11", name="Unmarked"),
        "not a feature",
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    file = tmp_path / "list.geojson.gz"
    file.write_bytes(gzip.compress(text.encode()))
    result = import_geojson(file)
    assert where(result) == [
        (4, Reason.SHAPE),
        (5, Reason.SHAPE),
        (6, Reason.ZERO),
        (7, Reason.SWAPPED),
        (8, Reason.NUMBER),
        (9, Reason.DUPLICATE),
        (12, Reason.SHAPE),
    ]
    assert result.counted == "feature"
    assert result.shelters.id == ("p1", "node/7", "9", "p10", "p11")
    assert result.shelters.name[3] == "Assembly point"
    assert result.shelters.hazards.tolist() == [1, 1, 3, 1, 0]
    assert result.shelters.lat_deg.tolist() == [37.5, 37.6, 37.6, 37.6, 37.6]
    assert result.shelters.capacity[0] == 300
    assert "555" not in repr(result)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"features": 5}', '{"features": [', "[" * 100_000], ids=["empty", "list", "5", "cut", "deep"]
)
def test_what_is_no_feature_collection_is_refused(tmp_path: Path, text: str) -> None:
    """Anything but a FeatureCollection is an error of the file."""
    with pytest.raises(ShelterDataError, match="FeatureCollection"):
        import_geojson(write(tmp_path, "list.geojson", text))


@given(text=st.text(st.sampled_from('12,."\n-xé'), max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_rows_say_each_is_kept_or_noted(tmp_path: Path, text: str) -> None:
    """No content of a row raises, and what is kept lies on Earth under an id of its own."""
    file = write(tmp_path, "list.csv", "no,site,lat,lon\n" + text)
    result = import_csv(file, {word: COLUMNS[word] for word in ("id", "name", "lat", "lon")})
    assert result.n_read == len(result.shelters) + len(result.rejected)
    assert len(set(result.shelters.id)) == len(result.shelters)
    assert (abs(result.shelters.lat_deg) <= 90).all()
    assert (abs(result.shelters.lon_deg) <= 180).all()


@pytest.mark.reference_data
def test_national_list_of_japan_is_read_whole(reference_data: Path) -> None:
    """All 115 402 sites are kept; 87 857 carry the mark for earthquakes and 40 505 the one for tsunamis.

    The marks were counted in the file with `csv.DictReader`, apart from the importer.
    """
    result = import_gsi(reference_data / "shelters" / "jp_emergency_sites_all.csv.gz")
    assert (result.n_read, len(result.shelters), result.rejected) == (115_402, 115_402, ())
    assert int((result.shelters.hazards & Hazard.EARTHQUAKE).astype(bool).sum()) == 87_857
    assert int((result.shelters.hazards & Hazard.TSUNAMI).astype(bool).sum()) == 40_505
    assert "\n" not in "".join(result.shelters.name)


@pytest.mark.reference_data
def test_list_of_taiwan_loses_only_its_dirt(reference_data: Path) -> None:
    """Of 5 973 rows 3 have a zero coordinate and 26 lie outside Taiwan, one of these because it is swapped."""
    result = import_taiwan(reference_data / "shelters" / "tw_emergency_shelters.csv.gz")
    assert result.n_read == 5973
    assert result.n_by_reason == {Reason.RANGE: 25, Reason.ZERO: 3, Reason.SWAPPED: 1}
    assert [row.line for row in result.rejected if row.reason is Reason.ZERO] == [694, 793, 811]
    assert [row.line for row in result.rejected if row.reason is Reason.SWAPPED] == [3736]
    assert len(result.shelters) == 5944
    assert result.n_capacity_unreadable == 0
