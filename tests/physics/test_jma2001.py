"""Reading JMA's travel-time table, in the agency's layout and as csv."""

from pathlib import Path

import numpy as np
import pytest

from eew.model.errors import TravelTimeError
from eew.physics.jma2001 import read_jma2001
from eew.physics.travel_time_table import TravelTimeTable

#: Four nodes of the real table, in both layouts.
OFFICIAL = """\
P   0.000 S   0.000   0      0
P   0.416 S   0.703   0      2
P   0.416 S   0.703   2      0
P   0.586 S   0.991   2      2
"""
CSV = "0.000,0.000,0,0\n0.416,0.703,0,2\n0.416,0.703,2,0\n0.586,0.991,2,2\n"


@pytest.mark.parametrize("text", [OFFICIAL, CSV, "\n" + CSV, "\r\n".join(reversed(CSV.split()))])
def test_both_layouts_in_any_order_are_read(tmp_path: Path, text: str) -> None:
    """The agency's words or commas, any order, empty lines and line ends give the same grid."""
    path = tmp_path / "tjma2001"
    path.write_text(text, encoding="ascii")
    grid = read_jma2001(path)
    np.testing.assert_array_equal(grid.distance_km, [0, 2])
    np.testing.assert_array_equal(grid.depth_km, [0, 2])
    np.testing.assert_array_equal(grid.p_travel_s, [[0, 0.416], [0.416, 0.586]])
    np.testing.assert_array_equal(grid.s_travel_s, [[0, 0.703], [0.703, 0.991]])


def test_table_from_file_answers_at_nodes_and_has_its_range(tmp_path: Path) -> None:
    """A loaded table is named after its file, ends where the file ends, and says at nodes what the file says."""
    path = tmp_path / "tjma2001.txt"
    path.write_text(OFFICIAL, encoding="ascii")
    table = TravelTimeTable.load(path)
    assert (table.name, table.max_distance_km, table.max_depth_km) == ("tjma2001", 2, 2)
    p_travel_s, s_travel_s = table.travel_times([0, 2, 0, 2], [0, 0, 2, 2])
    np.testing.assert_allclose(p_travel_s, [0, 0.416, 0.416, 0.586], atol=1e-6)
    np.testing.assert_allclose(s_travel_s, [0, 0.703, 0.703, 0.991], atol=1e-6)


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        ("0.416,0.703,0", "line", "P s"),
        ("P 0.416 Q 0.703 0 2", "line", "P <s>"),
        ("P 0.416 S x 0 2", "s_travel_s", "a number from 0"),
        ("-0.416,0.703,0,2", "p_travel_s", "a number from 0"),
        ("0.416,0.703,nan,2", "depth_km", "a number from 0"),
        ("0.416,0.703,0,inf", "distance_km", "a number from 0"),
        ("0.703,0.416,0,2", "s_travel_s", "at least the P time, 0.703"),
        ("0.000,0.000,0,0", "node", "first in line 1"),
    ],
)
def test_bad_line_is_named(tmp_path: Path, line: str, field: str, expected: str) -> None:
    """File, line, field and what was expected stand in the error."""
    path = tmp_path / "tjma2001"
    path.write_text(CSV.replace("0.416,0.703,0,2", line), encoding="ascii")
    with pytest.raises(TravelTimeError, match=expected) as error:
        TravelTimeTable.load(path)
    assert (error.value.file, error.value.line, error.value.field) == (str(path), 2, field)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "two or more nodes, from 0 km on"),
        (CSV.replace("0.586,0.991,2,2\n", ""), r"depth 2 km, distance 2 km.*1 missing"),
        (CSV.replace(",2\n", ",3\n").replace(",0\n", ",2\n"), "from 0 km on"),
        (CSV.replace("0.416,0.703,0,2", "0,0.703,0,2"), "more than 0 at depth 0 km, distance 2 km"),
    ],
    ids=["empty", "hole", "not from zero", "no time"],
)
def test_incomplete_grid_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    """A table with a node missing or without a beginning is not usable."""
    path = tmp_path / "tjma2001"
    path.write_text(text, encoding="ascii")
    with pytest.raises(TravelTimeError, match=expected):
        TravelTimeTable.load(path)


def test_binary_file_is_refused_by_its_first_line(tmp_path: Path) -> None:
    """A file that is no text at all is a bad line, not a crash."""
    path = tmp_path / "tjma2001.zip"
    path.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(TravelTimeError, match=r"tjma2001\.zip:1"):
        TravelTimeTable.load(path)


@pytest.mark.reference_data
def test_real_table_is_met_at_every_node_in_both_layouts(reference_data: Path, tmp_path: Path) -> None:
    """All 25 016 lines are answered to the millisecond they are printed to."""
    source = reference_data / "traveltime" / "tjma2001.csv"
    rows = np.loadtxt(source, delimiter=",")
    official = tmp_path / "tjma2001"
    official.write_text(
        "".join(f"P {p:7.3f} S {s:7.3f} {depth:3.0f} {distance:6.0f}\n" for p, s, depth, distance in rows),
        encoding="ascii",
    )
    assert len(rows) == 25016
    for path in (source, official):
        table = TravelTimeTable.load(path)
        assert (table.max_distance_km, table.max_depth_km) == (2000, 700)
        p_travel_s, s_travel_s = table.travel_times(rows[:, 3], rows[:, 2])
        np.testing.assert_allclose(p_travel_s, rows[:, 0], rtol=0, atol=0.0005)
        np.testing.assert_allclose(s_travel_s, rows[:, 1], rtol=0, atol=0.0005)


@pytest.mark.reference_data
def test_arrivals_of_the_real_table_grow_with_distance(reference_data: Path) -> None:
    """Between the nodes, too, no wave arrives earlier further out, and P is never after S."""
    table = TravelTimeTable.load(reference_data / "traveltime" / "tjma2001.csv")
    distance_km = np.arange(0, 2000, 0.3)
    for depth_km in (0, 1, 5.5, 10, 37, 120, 455, 700):
        p_travel_s, s_travel_s = table.travel_times(distance_km, depth_km)
        # Times are printed to 0.001 s.
        assert (np.diff(p_travel_s) >= -0.0005).all()
        assert (np.diff(s_travel_s) >= -0.0005).all()
        assert (p_travel_s <= s_travel_s).all()
