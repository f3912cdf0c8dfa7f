"""A population on disk is the one that was saved, whole or not there, and nothing else is ever overwritten."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from eew.devices.population.population import make
from eew.devices.population.store import load, save
from eew.model.errors import DeviceDataError
from eew.model.records import Devices
from eew.model.region_name import parse_region

COLUMNS = ("id", "lat_deg", "lon_deg", "cell", "kind")


@pytest.fixture
def devices() -> Devices:
    """Return a small population."""
    return make(parse_region("taiwan"), 500, seed=4)


@pytest.fixture
def saved(devices: Devices, tmp_path: Path) -> Path:
    """Return the directory it was saved in."""
    directory = tmp_path / "population"
    save(devices, directory)
    return directory


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_loaded_is_what_was_saved(devices: Devices, saved: Path) -> None:
    """Every column, the region and the seed come back."""
    loaded = load(saved)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(devices, name), strict=True)
    assert (loaded.region, loaded.seed) == ("taiwan", 4)


def test_loaded_columns_are_mapped_and_read_only(saved: Path) -> None:
    """No column is copied into memory, and none can be written."""
    loaded = load(saved)
    for name in COLUMNS:
        column = getattr(loaded, name)
        assert isinstance(column.base, np.memmap)
        assert not column.flags.writeable


def test_same_seed_gives_the_same_files(saved: Path, tmp_path: Path) -> None:
    """Two directories of one population are equal to the byte."""
    save(make(parse_region("taiwan"), 500, seed=4), tmp_path / "again")
    assert files(tmp_path / "again") == files(saved)


def test_head_says_what_it_is(saved: Path) -> None:
    """devices.toml holds region, seed, counts by kind, version and GeoNames' credit."""
    head = tomllib.loads((saved / "devices.toml").read_text("utf-8"))
    by_kind = head["n_devices_by_kind"]
    assert (head["region"], head["seed"], head["n_devices"]) == ("taiwan", 4, 500)
    assert by_kind["phone"] + by_kind["tv"] == 500
    assert head["made_by"].startswith("eew ")
    assert "GeoNames" in head["credit"]
    assert "CC BY 4.0" in head["credit"]


def test_population_is_replaced_by_a_newer(saved: Path) -> None:
    """Saving over a population leaves only the new one, also from columns mapped from the old."""
    save(make(parse_region("japan"), 70, seed=1), saved)
    assert len(load(saved)) == 70
    save(load(saved), saved)
    assert load(saved).region == "japan"
    assert [path.name for path in saved.parent.iterdir()] == ["population"]


def test_anything_else_is_left_alone(devices: Devices, tmp_path: Path) -> None:
    """A directory with any file of somebody else's is refused, by the file's name, and not touched."""
    (tmp_path / "thesis.txt").write_text("five years of work")
    with pytest.raises(DeviceDataError, match=r"thesis\.txt"):
        save(devices, tmp_path)
    assert files(tmp_path) == {"thesis.txt": b"five years of work"}


def test_population_with_a_stranger_in_it_is_left_alone(devices: Devices, saved: Path) -> None:
    """Even our own directory is not replaced when something that is not ours lies in it."""
    (saved / "notes.md").write_text("mine")
    with pytest.raises(DeviceDataError, match=r"notes\.md"):
        save(devices, saved)
    assert (saved / "notes.md").exists()


def test_file_in_the_way_is_left_alone(devices: Devices, tmp_path: Path) -> None:
    """A file of the directory's name is refused."""
    (tmp_path / "population").write_text("mine")
    with pytest.raises(DeviceDataError, match="a new or empty directory"):
        save(devices, tmp_path / "population")


def test_empty_directory_is_taken(devices: Devices, tmp_path: Path) -> None:
    """An empty directory may be written into."""
    (tmp_path / "population").mkdir()
    save(devices, tmp_path / "population")
    assert len(load(tmp_path / "population")) == 500


def _interrupt(_share: float) -> None:
    raise KeyboardInterrupt


def test_interrupted_save_leaves_nothing(devices: Devices, tmp_path: Path) -> None:
    """Ctrl-C while writing leaves neither a population nor a trace of it."""
    with pytest.raises(KeyboardInterrupt):
        save(devices, tmp_path / "population", on_progress=_interrupt)
    assert list(tmp_path.iterdir()) == []


def test_interrupted_save_keeps_the_former(saved: Path) -> None:
    """Ctrl-C while writing leaves the population that was there."""
    before = files(saved)
    with pytest.raises(KeyboardInterrupt):
        save(make(parse_region("japan"), 70, seed=1), saved, on_progress=_interrupt)
    assert files(saved) == before
    assert [path.name for path in saved.parent.iterdir()] == ["population"]


def test_failed_rename_keeps_the_former(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new one cannot take its place, the former is put back."""
    before = files(saved)
    rename = Path.rename

    def refuse_new(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError(5, "Input/output error", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with pytest.raises(OSError, match="Input/output"):
        save(make(parse_region("japan"), 70, seed=1), saved)
    assert files(saved) == before


@pytest.mark.parametrize("name", COLUMNS)
def test_missing_column_is_named(saved: Path, name: str) -> None:
    """Loading without a column names its file."""
    (saved / f"{name}.npy").unlink()
    with pytest.raises(DeviceDataError, match=rf"{name}\.npy: 'missing'"):
        load(saved)


@pytest.mark.parametrize("name", COLUMNS)
def test_column_cut_short_is_named(saved: Path, name: str) -> None:
    """Loading a file that lost its end names it."""
    path = saved / f"{name}.npy"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DeviceDataError, match=rf"{name}\.npy"):
        load(saved)


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("n_bytes", [0, 5, 40])
def test_column_without_its_header_is_named(saved: Path, name: str, n_bytes: int) -> None:
    """Loading a file cut within its header names it."""
    path = saved / f"{name}.npy"
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(DeviceDataError, match=rf"{name}\.npy"):
        load(saved)


@pytest.mark.parametrize("name", COLUMNS)
def test_column_of_another_length_is_named(saved: Path, name: str) -> None:
    """Loading a column with a row less names it and the rows expected."""
    path = saved / f"{name}.npy"
    np.save(path, np.load(path)[:-1])
    with pytest.raises(DeviceDataError, match=rf"{name}\.npy: shape.*500 rows"):
        load(saved)


@pytest.mark.parametrize("name", COLUMNS)
def test_column_of_another_type_is_named(saved: Path, name: str) -> None:
    """Loading a column of another type names it."""
    np.save(saved / f"{name}.npy", np.zeros(500, dtype=np.float64))
    with pytest.raises(DeviceDataError, match=rf"{name}\.npy: dtype"):
        load(saved)


def test_column_of_pickled_objects_is_refused(saved: Path) -> None:
    """Nothing in a population is ever unpickled."""
    np.save(saved / "id.npy", np.array([b"a"] * 500, dtype=object), allow_pickle=True)
    with pytest.raises(DeviceDataError, match=r"id\.npy"):
        load(saved)


def test_ids_too_long_are_refused(saved: Path) -> None:
    """An id has at most 32 bytes."""
    np.save(saved / "id.npy", np.zeros(500, dtype="S33"))
    with pytest.raises(DeviceDataError, match="at most 32 bytes"):
        load(saved)


def test_rows_out_of_order_are_refused(saved: Path) -> None:
    """Cells that fall from row to row are no population."""
    np.save(saved / "cell.npy", np.load(saved / "cell.npy")[::-1].copy())
    with pytest.raises(DeviceDataError, match=r"cell\.npy: expected cells that never fall"):
        load(saved)


def test_unknown_kind_is_refused(saved: Path) -> None:
    """A code that no kind has is no population."""
    np.save(saved / "kind.npy", np.full(500, 2, dtype=np.uint8))
    with pytest.raises(DeviceDataError, match=r"kind\.npy"):
        load(saved)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("region = 'x'\nn_devices = 500\n", "format", id="no-format"),
        pytest.param("format = 2\nregion = 'x'\nn_devices = 500\n", "format: 2: expected 1", id="later-format"),
        pytest.param("format = 1\nregion = 'x'\nn_devices = 'many'\n", "n_devices", id="no-number"),
        pytest.param("format = ", "Invalid value", id="no-toml"),
        pytest.param("\ud800", "utf-8", id="no-text"),
    ],
)
def test_bad_head_is_named(saved: Path, text: str, said: str) -> None:
    """A head that is not one names devices.toml and what is wrong."""
    (saved / "devices.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DeviceDataError, match=rf"devices\.toml.*{said}"):
        load(saved)


def test_what_is_no_population_says_how_to_make_one(tmp_path: Path) -> None:
    """Loading an empty directory says how a population is made."""
    with pytest.raises(DeviceDataError, match="eew devices make"):
        load(tmp_path)
