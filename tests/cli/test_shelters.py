"""The command ``eew shelters``."""

import json
from pathlib import Path

import pytest

from eew.cli.main import main
from eew.shelter.catalogue import load

GSI = (
    "common_id,name,address,earthquake,tsunami,lat,lon\n"
    "E1,North,x,1,,35.01,139.0\n"
    "E2,East,x,1,1,35.0,139.1\n"
    "E3,South,x,,1,34.999,139.0\n"
    "E4,Zero,x,1,1,0,0\n"
)
DIRTY = "no,site,lat,lon,manager,phone\n1,Gym,34.1,-118.2,Ann Mayer,555-0101\n" + "".join(
    f"{number},Hall,0,0,Ann Mayer,555-0101\n" for number in range(2, 14)
)


@pytest.fixture
def catalogue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Import a small list and return the catalogue."""
    file = tmp_path / "jp.csv"
    file.write_text(GSI)
    assert main(["shelters", "import", "gsi", str(file), "--out", str(tmp_path / "jp")]) == 0
    capsys.readouterr()
    return tmp_path / "jp"


def test_import_tells_what_became_of_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts and the first ten bad rows of a kind on screen, all in rejected.csv; personal columns nowhere."""
    file, out = tmp_path / "list.csv", tmp_path / "out"
    file.write_text(DIRTY)
    arguments = [
        "shelters",
        "import",
        "csv",
        str(file),
        "--out",
        str(out),
        "--columns",
        "id=no,name=site,lat=lat,lon=lon",
    ]
    assert main(arguments) == 0
    screen = capsys.readouterr().out
    assert "read 13, kept 1, rejected 12" in screen
    assert "zero coordinate: 12" in screen
    assert "line 12: 0, 0" in screen
    assert "line 13: 0, 0" not in screen
    assert "and 2 more" in screen
    assert (out / "rejected.csv").read_text().count("zero coordinate") == 12
    assert load(out).id == ("1",)
    written = screen.encode() + b"".join(entry.read_bytes() for entry in out.iterdir())
    assert b"".join(text.encode() for text in load(out).name) == b"Gym"
    assert b"Mayer" not in written
    assert b"555" not in written


def test_import_says_what_was_closed_nameless_or_no_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is kept, and counted on screen; the name for the nameless is the user's."""
    square = [[[28.0, 41.0], [28.1, 41.0], [28.1, 41.1], [28.0, 41.0]]]
    features = [
        {"type": "Feature", "id": 1, "properties": {"STATUS": "CLOSED"}, "geometry": {"type": kind, "coordinates": at}}
        for kind, at in (("Polygon", square),)
    ]
    file = tmp_path / "list.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    words = ["shelters", "import", "geojson", str(file), "--out", str(tmp_path / "out"), "--unnamed", "Toplanma alanı"]
    assert main(words) == 0
    screen = capsys.readouterr().out
    assert "Polygon, kept at a point inside: 1" in screen
    assert 'without a name, kept as "Toplanma alanı": 1' in screen
    assert "marked closed by the list, kept all the same: 1" in screen
    assert load(tmp_path / "out").name == ("Toplanma alanı",)


def test_nearest_lists_only_what_is_meant_for_the_hazard(catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By default for earthquakes; with --hazard tsunami for both; distances by hand from 111 km a degree."""
    assert main(["shelters", "nearest", "35.0,139.0", "--catalogue", str(catalogue), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["place"] == {"lat_deg": 35.0, "lon_deg": 139.0}
    assert [shelter["id"] for shelter in answer["shelters"]] == ["E1", "E2"]
    assert [shelter["bearing_deg"] for shelter in answer["shelters"]] == [0, 90]
    assert answer["shelters"][0]["distance_m"] == pytest.approx(1109, abs=2)
    assert answer["shelters"][0]["capacity"] is None
    assert answer["shelters"][1]["hazards"] == ["earthquake", "tsunami"]
    main(["shelters", "nearest", "35.0,139.0", "-k", "1", "--hazard", "tsunami", "--catalogue", str(catalogue)])
    screen = capsys.readouterr().out
    assert "East" in screen
    assert "90° E" in screen
    assert "North" not in screen


def test_nearest_takes_the_shipped_catalogue_and_says_it_is_made_up(capsys: pytest.CaptureFixture[str]) -> None:
    """South of the equator and west of Greenwich, too; nobody can miss that the shelters are not real."""
    assert main(["shelters", "nearest", "-33.4,-70.6"]) == 0
    screen = capsys.readouterr().out
    assert screen.startswith("These shelters are made up")
    assert screen.count("(demo)") == 3


def test_info_tells_what_a_catalogue_holds(catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, source and extent, for people and as JSON."""
    assert main(["shelters", "info", "--catalogue", str(catalogue)]) == 0
    assert "3: 2 for earthquakes, 2 for tsunamis" in capsys.readouterr().out
    assert main(["shelters", "info", "--catalogue", str(catalogue), "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert (known["n_read"], known["n_rejected"], known["is_synthetic"]) == (4, 1, False)
    assert known["south_deg"] == 34.999


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["nearest", "91,5"], "91,5"),
        (["nearest", "here"], "here"),
        (["nearest", "35,139", "-k", "0"], "-k"),
        (["nearest", "35,139", "--catalogue", "nowhere"], "nowhere"),
        (["info", "--catalogue", "nowhere"], "nowhere"),
        (["import", "csv", "list.csv", "--out", "x"], "--columns"),
        (["import", "gsi", "list.csv", "--out", "x", "--columns", "id=a"], "--columns"),
        (["import", "csv", "list.csv", "--out", "x", "--columns", "id"], "'id'"),
        (["import", "csv", "list.csv", "--out", "x", "--columns", "id=a,id=b"], "id=b"),
        (["import", "gsi", "nowhere.csv", "--out", "x"], "nowhere.csv"),
        (["import", "nss", "list.csv", "--out", "x"], "column: 'ID'"),
        (["import", "nss", "list.csv", "--out", "x", "--unnamed", "Alan"], "--unnamed"),
        (["import", "geojson", "list.csv", "--out", "x", "--unnamed", " "], "--unnamed"),
        (["import", "geojson", "list.csv", "--out", "x", "--columns", "lat=y"], "--columns"),
        (["import", "gsi", "list.csv", "--out", "x"], "list.csv:1"),
        (["import", "csv", "bad.csv", "--out", "x", "--columns", "id=a,name=b,lat=c,lon=d"], "good row"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], named: str
) -> None:
    """The line names what was wrong, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text("a,b\n1,2\n")
    (tmp_path / "bad.csv").write_text("a,b,c,d\n1,x,0,0\n")
    assert main(["shelters", *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert named in error
    assert not (tmp_path / "x").exists()
