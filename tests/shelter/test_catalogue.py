"""Catalogues on disk."""

from dataclasses import fields, replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from eew.model.errors import ShelterDataError
from eew.model.records import Hazard, Shelters
from eew.shelter.catalogue import default_catalogue_path, facts, load, save
from eew.shelter.row import Reason, Rejected

LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20)
DEGREES_E7 = st.integers(-900_000_000, 900_000_000)


def town(n: int = 3, title: str = "Town") -> Shelters:
    return Shelters(
        id=tuple(f"t{number}" for number in range(n)),
        name=tuple(f"学校 {number}" for number in range(n)),
        lat_deg=np.linspace(35, 35.5, n),
        lon_deg=np.linspace(139, 139.5, n),
        hazards=np.full(n, Hazard.EARTHQUAKE, dtype=np.uint8),
        capacity=np.full(n, np.nan, dtype=np.float32),
        title=title,
        licence="none",
        is_synthetic=False,
    )


def assert_same(first: Shelters, second: Shelters) -> None:
    for field in fields(Shelters):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype
        else:
            assert one == other


@given(
    rows=st.lists(
        st.tuples(LINE, LINE, DEGREES_E7, DEGREES_E7, st.integers(0, 3), st.floats(0, 1e6, width=32) | st.just(np.nan)),
        max_size=8,
    ),
    title=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f")),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_what_is_saved_is_loaded(tmp_path: Path, rows: list[tuple[str, str, int, int, int, float]], title: str) -> None:
    """Every column, in every script, comes back as it was; a newer catalogue takes the place of the older."""
    ids, names, lat_e7, lon_e7, hazards, capacity = zip(*rows, strict=True) if rows else ((), (), (), (), (), ())
    shelters = Shelters(
        id=ids,
        name=names,
        lat_deg=np.array(lat_e7, dtype=np.float64) / 1e7,
        lon_deg=np.array(lon_e7, dtype=np.float64) / 1e7,
        hazards=np.array(hazards, dtype=np.uint8),
        capacity=np.array(capacity, dtype=np.float32),
        title=title,
        licence="none",
        is_synthetic=True,
    )
    save(shelters, tmp_path / "here", source="test")
    assert_same(load(tmp_path / "here"), shelters)


def test_facts_count_what_is_there(tmp_path: Path) -> None:
    """The TOML file tells how many rows were read, kept and marked."""
    shelters = replace(town(), hazards=np.array([1, 3, 2], dtype=np.uint8))
    save(shelters, tmp_path / "a", source="list", rejected=[Rejected(7, Reason.ZERO, "0, 5")])
    known = facts(tmp_path / "a")
    assert (known.n_shelters, known.n_earthquake, known.n_tsunami) == (3, 2, 2)
    assert (known.n_read, known.n_rejected, known.source) == (4, 1, "list")
    assert (tmp_path / "a" / "rejected.csv").read_text() == 'line,reason,value\n7,zero coordinate,"0, 5"\n'


def test_same_catalogue_gives_the_same_bytes(tmp_path: Path) -> None:
    """No clock and no path is in the files."""
    save(town(), tmp_path / "a", source="x")
    save(town(), tmp_path / "b", source="x")
    for name in ("shelters.toml", "columns.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_nothing_but_the_catalogue_is_left_behind(tmp_path: Path) -> None:
    """Saving over an older catalogue leaves neither temporary folders nor the older rejected rows."""
    save(town(), tmp_path / "a", source="x", rejected=[Rejected(2, Reason.NAME, "")])
    save(town(5), tmp_path / "a", source="x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]
    assert sorted(entry.name for entry in (tmp_path / "a").iterdir()) == ["columns.npz", "shelters.toml"]
    assert len(load(tmp_path / "a")) == 5


def test_failed_write_leaves_the_older_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up while writing costs the new catalogue only."""
    save(town(title="old"), tmp_path / "a", source="x")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="space"):
        save(town(title="new"), tmp_path / "a", source="x")
    assert load(tmp_path / "a").title == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("names", [("letter.txt",), ("shelters.toml", "columns.npz", "letter.txt")])
def test_directory_with_anything_else_is_not_overwritten(tmp_path: Path, names: tuple[str, ...]) -> None:
    """What is not a catalogue, or holds more than one, is left as it is."""
    for name in names:
        (tmp_path / name).write_text("mine")
    with pytest.raises(ShelterDataError, match=r"letter\.txt"):
        save(town(), tmp_path, source="x")
    assert {entry.name: entry.read_text() for entry in tmp_path.iterdir()} == dict.fromkeys(names, "mine")


def test_file_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    """A file of the same name is left as it is."""
    file = tmp_path / "a"
    file.write_text("mine")
    with pytest.raises(ShelterDataError):
        save(town(), file, source="x")
    assert file.read_text() == "mine"


def test_empty_directory_may_be_taken(tmp_path: Path) -> None:
    """A folder made beforehand is fine."""
    (tmp_path / "a").mkdir()
    save(town(), tmp_path / "a", source="x")
    assert len(load(tmp_path / "a")) == 3


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("format = 1", "format = 2", "format"),
        ("n_shelters = 3", 'n_shelters = "3"', "n_shelters"),
        ("is_synthetic = false\n", "", "is_synthetic"),
        ("title =", "title", "shelters.toml"),
        ("n_shelters = 3", "n_shelters = 4", "4 rows"),
    ],
)
def test_wrong_facts_are_refused(tmp_path: Path, old: str, new: str, field: str) -> None:
    """The error names the file and what is wrong in it."""
    save(town(), tmp_path / "a", source="x")
    file = tmp_path / "a" / "shelters.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(ShelterDataError, match=field):
        load(tmp_path / "a")


def test_damaged_columns_are_refused(tmp_path: Path) -> None:
    """A file cut short, and one that is missing, are errors of that file."""
    save(town(), tmp_path / "a", source="x")
    file = tmp_path / "a" / "columns.npz"
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(ShelterDataError, match=r"columns\.npz"):
        load(tmp_path / "a")
    file.unlink()
    with pytest.raises(ShelterDataError, match=r"columns\.npz"):
        load(tmp_path / "a")


def test_what_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    """An empty folder and a path to nowhere are not catalogues."""
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ShelterDataError, match="a shelter catalogue"):
            load(place)


def test_shipped_catalogue_says_that_it_is_synthetic() -> None:
    """The default is found, marked as synthetic in facts and in every name, and small."""
    place = default_catalogue_path()
    shelters = load(place)
    assert facts(place).is_synthetic
    assert shelters.is_synthetic
    assert "ynthetic" in shelters.title
    assert all(name.startswith("Synthetic shelter ") and name.endswith(" (demo)") for name in shelters.name)
    assert (shelters.hazards & Hazard.EARTHQUAKE).all()
    assert sum(file.stat().st_size for file in place.iterdir()) < 1_500_000


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "within_km"),
    [
        (38.27, 140.87, 10),  # Sendai
        (35.68, 139.76, 10),  # Tokyo
        (29.91, 102.23, 40),  # Luding
        (37.58, 36.94, 10),  # Kahramanmaraş
        (25.04, 121.56, 10),  # Taipei
        (34.05, -118.24, 10),  # Los Angeles
        (19.43, -99.13, 10),  # Mexico City
        (25.04, 102.71, 10),  # Kunming
        (39.63, 118.18, 10),  # Tangshan
        (39.47, 75.99, 10),  # Kashgar
    ],
)
def test_shipped_catalogue_covers_the_regions(lat_deg: float, lon_deg: float, within_km: float) -> None:
    """There is a shelter near the middle of every region that scenarios play in."""
    shelters = load(default_catalogue_path())
    apart_deg = np.hypot(shelters.lat_deg - lat_deg, (shelters.lon_deg - lon_deg) * np.cos(np.radians(lat_deg)))
    assert apart_deg.min() * 111.2 < within_km
