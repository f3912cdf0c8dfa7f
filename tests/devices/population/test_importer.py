"""Every row of an imported list is either a device or listed with its line and reason."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.devices.population.importer import RejectReason, import_csv, n_rejected_by_reason, rejected_csv
from eew.model.errors import DeviceDataError
from eew.model.records import DeviceKind, Devices
from eew.physics.cells import cell_at

HEADER = "id,lat_deg,lon_deg,kind\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a list may be written."""
    return tmp_path / "devices.csv"


def by_id(devices: Devices) -> dict[str, tuple[float, float, DeviceKind]]:
    columns = zip(devices.id, devices.lat_deg, devices.lon_deg, devices.kind, strict=True)
    return {name.decode(): (float(lat), float(lon), DeviceKind(kind)) for name, lat, lon, kind in columns}


def test_devices_are_read(path: Path) -> None:
    """Id, place and kind of each row are those of the file, in Morton order and read-only."""
    path.write_text(HEADER + "hall-1,38.5,141.25,tv\nanna,-33.5,-70.75,phone\n")
    devices, rejected = import_csv(path)
    assert by_id(devices) == {"hall-1": (38.5, 141.25, DeviceKind.TV), "anna": (-33.5, -70.75, DeviceKind.PHONE)}
    assert rejected == []
    assert (devices.region, devices.seed) == ("imported", None)
    assert np.all(devices.cell[1:] >= devices.cell[:-1])
    assert not any(getattr(devices, name).flags.writeable for name in ("id", "lat_deg", "lon_deg", "cell", "kind"))


def test_kind_may_be_left_out(path: Path) -> None:
    """A device of no kind is a phone, with or without the column."""
    path.write_text("id,lat_deg,lon_deg\na,1,2\n")
    assert by_id(import_csv(path)[0])["a"][2] is DeviceKind.PHONE
    path.write_text(HEADER + "a,1,2,\nb,1,2\nc,1,2, TV \n")
    kinds = {name: kind for name, (_, _, kind) in by_id(import_csv(path)[0]).items()}
    assert kinds == {"a": DeviceKind.PHONE, "b": DeviceKind.PHONE, "c": DeviceKind.TV}


def test_columns_may_stand_in_any_order(path: Path) -> None:
    """Columns are found by name, in any order and case; others, byte order mark and CRLF are of no matter."""
    path.write_bytes('\ufeffOwner,LON_DEG, Lat_deg ,id\r\n"Li, Na",2.5,1.5,a\r\n\r\n"O""Hara",4.5,3.5,"b"\r\n'.encode())
    devices, rejected = import_csv(path)
    assert by_id(devices) == {"a": (1.5, 2.5, DeviceKind.PHONE), "b": (3.5, 4.5, DeviceKind.PHONE)}
    assert rejected == []


@pytest.mark.parametrize(
    ("row", "reason", "field", "value"),
    [
        pytest.param("a,1", RejectReason.SHORT, "lon_deg", "", id="short"),
        pytest.param("bad id,1,2", RejectReason.BAD_ID, "id", "bad id", id="id-with-space"),
        pytest.param(",1,2", RejectReason.BAD_ID, "id", "", id="id-empty"),
        pytest.param("a/b,1,2", RejectReason.BAD_ID, "id", "a/b", id="id-with-topic-slash"),
        pytest.param("x" * 33 + ",1,2", RejectReason.BAD_ID, "id", "x" * 33, id="id-too-long"),
        pytest.param("é,1,2", RejectReason.BAD_ID, "id", "é", id="id-not-ascii"),
        pytest.param("good,1,2", RejectReason.DUPLICATE_ID, "id", "good", id="id-twice"),
        pytest.param("a,north,2", RejectReason.NOT_A_NUMBER, "lat_deg", "north", id="latitude-word"),
        pytest.param("a,,2", RejectReason.NOT_A_NUMBER, "lat_deg", "", id="latitude-empty"),
        pytest.param("a,1,nan", RejectReason.NOT_A_NUMBER, "lon_deg", "nan", id="nan"),
        pytest.param("a,1,inf", RejectReason.NOT_A_NUMBER, "lon_deg", "inf", id="infinite"),
        pytest.param("a,1_0,2", RejectReason.NOT_A_NUMBER, "lat_deg", "1_0", id="underscore"),
        pytest.param("a,３５,2", RejectReason.NOT_A_NUMBER, "lat_deg", "３５", id="full-width-digits"),
        pytest.param("a,90.1,2", RejectReason.OUT_OF_RANGE, "lat_deg", "90.1", id="latitude-too-great"),
        pytest.param("a,139.7,35.7", RejectReason.OUT_OF_RANGE, "lat_deg", "139.7", id="swapped"),
        pytest.param("a,1,-180.5", RejectReason.OUT_OF_RANGE, "lon_deg", "-180.5", id="longitude-too-small"),
        pytest.param("a,1,1e999", RejectReason.OUT_OF_RANGE, "lon_deg", "1e999", id="overflow"),
        pytest.param("a,0,0.0", RejectReason.ZERO, "lat_deg", "0", id="zero-zero"),
        pytest.param("a,1,2,radio", RejectReason.BAD_KIND, "kind", "radio", id="unknown-kind"),
        pytest.param('a,1,"2', None, "", "", id="open-quote-ends-with-its-line"),
        pytest.param("a,1,2,tv,more", None, "", "", id="field-too-many"),
        pytest.param("a,0,2", None, "", "", id="equator"),
        pytest.param("a,90,-180", None, "", "", id="pole-and-date-line"),
    ],
)
def test_bad_rows_are_told_apart(path: Path, row: str, reason: RejectReason | None, field: str, value: str) -> None:
    """A bad row is left out with its line, reason, field and value; the rows around it are kept."""
    path.write_text(f"{HEADER}good,35.5,139.5,tv\n{row}\nlast,1,2,phone\n", encoding="utf-8")
    devices, rejected = import_csv(path)
    found = [(bad.line, bad.reason, bad.field, bad.value) for bad in rejected]
    assert found == ([] if reason is None else [(3, reason, field, value)])
    assert set(by_id(devices)) == {"good", "last"} | ({"a"} if reason is None else set())
    assert by_id(devices)["good"] == (35.5, 139.5, DeviceKind.TV)


def test_bytes_that_are_no_text_spoil_only_their_row(path: Path) -> None:
    """A row that is not UTF-8 is left out for its id."""
    path.write_bytes(HEADER.encode() + b"\xff\xfe,1,2\nb,1,2\n")
    devices, rejected = import_csv(path)
    assert [(bad.line, bad.reason) for bad in rejected] == [(2, RejectReason.BAD_ID)]
    assert set(by_id(devices)) == {"b"}


def test_absurdly_long_line_spoils_only_itself(path: Path) -> None:
    """A line of a megabyte is one bad row whose value is kept short."""
    path.write_text(HEADER + "x" * 1_000_000 + ",1,2\nb,1,2\n")
    _, rejected = import_csv(path)
    assert [bad.line for bad in rejected] == [2]
    assert len(rejected[0].value) <= 80


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", r"devices\.csv:1: id: 'missing': expected a header", id="empty"),
        pytest.param("id,lat,lon\na,1,2\n", r":1: lat_deg: 'missing'", id="column-missing"),
        pytest.param(HEADER, "0 rows, none usable", id="no-rows"),
        pytest.param(HEADER + "a,0,0\nb,x,1\n", "2 rows, none usable, .* both 0 in line 2", id="none-usable"),
    ],
)
def test_nothing_left_is_an_error(path: Path, text: str, said: str) -> None:
    """Only a list without one usable row is fatal, and says why."""
    path.write_text(text)
    with pytest.raises(DeviceDataError, match=said):
        import_csv(path)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.from_regex(r"[a-z0-9_-]{1,4}", fullmatch=True), st.floats(-89, 89), st.floats(-179, 179)).map(
                lambda row: f"{row[0]},{row[1]!r},{row[2]!r}"
            ),
            st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1),
        )
    )
)
def test_every_row_is_either_kept_or_listed(tmp_path_factory: pytest.TempPathFactory, rows: list[str]) -> None:
    """Kept and rejected rows add up to the rows that are not blank, whatever stands in them."""
    path = tmp_path_factory.mktemp("import") / "devices.csv"
    path.write_text(HEADER + "always-there,1,2,tv\n" + "".join(row + "\n" for row in rows), encoding="utf-8")
    devices, rejected = import_csv(path)
    assert len(devices) + len(rejected) == 1 + sum(not row.isspace() for row in rows)
    assert sum(n_rejected_by_reason(rejected).values()) == len(rejected)
    assert len(set(devices.id.tolist())) == len(devices)
    np.testing.assert_array_equal(devices.cell, cell_at(devices.lat_deg, devices.lon_deg))


def test_rejected_rows_are_written_as_csv(path: Path) -> None:
    """The list of rejected rows reads back with commas and quotes in its values."""
    path.write_text(HEADER + 'a,1,2\n"b,""c""",1,2\na,3,4\n')
    rows = list(csv.reader(io.StringIO(rejected_csv(import_csv(path)[1]))))
    assert rows == [
        ["line", "reason", "field", "value"],
        ["3", RejectReason.BAD_ID.value, "id", 'b,"c"'],
        ["4", RejectReason.DUPLICATE_ID.value, "id", "a"],
    ]


def test_progress_is_told_on_long_lists(path: Path) -> None:
    """Shares done rise and stay within 1."""
    path.write_text(HEADER + "".join(f"d{n},1,2,tv\n" for n in range(30_000)))
    said: list[float] = []
    import_csv(path, said.append)
    assert len(said) == 3
    assert said == sorted(said)
    assert 0 < said[-1] <= 1
