"""A population on disk: a directory of one ``.npy`` file a column, and ``devices.toml``.

    DIR/devices.toml    format, region, seed, how many of each kind, credit
    DIR/id.npy lat_deg.npy lon_deg.npy cell.npy kind.npy
    DIR/rejected.csv    of an import: the rows left out

A population is written beside its place and then renamed into it, so that what was broken off never looks like one. An
existing population is replaced; anything else in the way is refused.
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from eew import __version__
from eew.model.errors import DeviceDataError
from eew.model.records import DeviceKind, Devices
from eew.model.system.column_file import write_column
from eew.model.system.output import check_folder, new_folder

__all__ = ["CREDIT", "check_replaceable", "load", "save"]

#: What GeoNames' licence asks to be said wherever its data goes.
CREDIT = "Places and populations: GeoNames, https://www.geonames.org, CC BY 4.0, thinned and spread by eew"
FORMAT = 1
TOML_NAME = "devices.toml"
REJECTED_NAME = "rejected.csv"
#: Kind and size of each column; ids have a width of their own.
COLUMN_TYPES = {"id": "S", "lat_deg": "<f4", "lon_deg": "<f4", "cell": "<u4", "kind": "|u1"}
MAX_ID_BYTES = 32
OWN_NAMES = frozenset({TOML_NAME, REJECTED_NAME, *(f"{name}.npy" for name in COLUMN_TYPES)})

Progress = Callable[[float], None]


class _Head(msgspec.Struct, kw_only=True):
    """What ``devices.toml`` says; what it says besides is ignored."""

    format: int
    region: str
    n_devices: int
    seed: int | None = None


def save(
    devices: Devices, directory: Path, rejected_csv: str | None = None, on_progress: Progress | None = None
) -> None:
    """Write a population, in place of the one that may be there.

    Parameters
    ----------
    devices
        What to write; its columns may be memory-mapped from ``directory`` itself.
    directory
        Made where it is missing, with its parents.
    rejected_csv
        Written to ``rejected.csv`` where given.
    on_progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    DeviceDataError
        If ``directory`` holds anything but a population; nothing is touched then.
    """
    check_replaceable(directory)
    with new_folder(directory) as fresh:
        _write_columns(devices, fresh, on_progress or (lambda _: None))
        if rejected_csv is not None:
            (fresh / REJECTED_NAME).write_text(rejected_csv, encoding="utf-8")
        (fresh / TOML_NAME).write_text(_toml(devices), encoding="utf-8")


def load(directory: Path) -> Devices:
    """Return the population in a directory; its columns are read-only and mapped from their files as they are used.

    Raises
    ------
    DeviceDataError
        If a file is missing, cut short, of another type or length, or the rows are out of order; names the file.
    """
    head = _head(directory)
    column = {name: _column(directory / f"{name}.npy", dtype, head.n_devices) for name, dtype in COLUMN_TYPES.items()}
    cell = column["cell"]
    if np.any(cell[1:] < cell[:-1]):
        raise DeviceDataError("cells that never fall from row to row", file=directory / "cell.npy")
    if int(column["kind"].max()) >= len(DeviceKind):
        raise DeviceDataError(f"codes below {len(DeviceKind)}", file=directory / "kind.npy")
    return Devices(
        id=column["id"],
        lat_deg=column["lat_deg"],
        lon_deg=column["lon_deg"],
        cell=cell,
        kind=column["kind"],
        region=head.region,
        seed=head.seed,
    )


def check_replaceable(directory: Path) -> None:
    """Raise ``DeviceDataError`` unless a population may be written here: nothing there, or one of ours."""
    expected = "a new or empty directory, or a population to replace"
    if not directory.exists():
        check_folder(directory)
        return
    if not directory.is_dir():
        raise DeviceDataError(expected, file=directory, value="a file")
    names = {path.name for path in directory.iterdir()}
    foreign = sorted(names - OWN_NAMES)
    if foreign or (names and TOML_NAME not in names):
        raise DeviceDataError(expected, file=directory, value=(foreign or sorted(names))[0])


def _write_columns(devices: Devices, directory: Path, report: Progress) -> None:
    """Write one file a column."""
    n_written = 0

    def written(n_rows: int) -> None:
        nonlocal n_written
        n_written += n_rows
        report(n_written / (len(devices) * len(COLUMN_TYPES)))

    for name, dtype in COLUMN_TYPES.items():
        with (directory / f"{name}.npy").open("wb") as file:
            write_column(file, getattr(devices, name), None if name == "id" else dtype, written)


def _toml(devices: Devices) -> str:
    """Return the text of ``devices.toml``, without a date: the same population gives the same bytes."""
    n_by_kind = np.bincount(devices.kind, minlength=len(DeviceKind))
    lines = [
        "# A population of simulated devices, made by eew. Not of anyone real unless it was imported.",
        f"format = {FORMAT}",
        f'made_by = "eew {__version__}"',
        f"region = {_quoted(devices.region)}",
        *([] if devices.seed is None else [f"seed = {devices.seed}", f"credit = {_quoted(CREDIT)}"]),
        f"n_devices = {len(devices)}",
        "",
        "[n_devices_by_kind]",
        *(f"{kind.name.lower()} = {n_by_kind[kind]}" for kind in DeviceKind),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a TOML basic string: what JSON writes is one, but for the delete character."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def _head(directory: Path) -> _Head:
    """Return what ``devices.toml`` says."""
    path = directory / TOML_NAME
    try:
        head = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Head)
    except FileNotFoundError:
        raise DeviceDataError("a population: make one with `eew devices make`", file=path, value="missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise DeviceDataError("the head of a population", file=path, value=str(error)) from error
    if head.format != FORMAT:
        raise DeviceDataError(f"{FORMAT}", file=path, field="format", value=head.format)
    return head


def _column(path: Path, dtype: str, n_rows: int) -> npt.NDArray[Any]:
    """Return one column, mapped and read-only."""
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise DeviceDataError("a column of the population", file=path, value="missing") from None
    except (ValueError, EOFError, OSError) as error:
        raise DeviceDataError("a whole .npy column", file=path, value=str(error)) from error
    if not isinstance(mapped, np.ndarray):
        raise DeviceDataError("one .npy column", file=path)
    if dtype == "S":
        expected = f"text of at most {MAX_ID_BYTES} bytes"
        is_right = mapped.dtype.kind == "S" and mapped.dtype.itemsize <= MAX_ID_BYTES
    else:
        expected = np.dtype(dtype).name
        is_right = mapped.dtype == dtype
    if not is_right:
        raise DeviceDataError(expected, file=path, field="dtype", value=mapped.dtype.str)
    if mapped.shape != (n_rows,):
        raise DeviceDataError(f"{n_rows} rows, as {TOML_NAME} says", file=path, field="shape", value=mapped.shape)
    # A plain view: the memmap class makes every small slice dear.
    return mapped.view(np.ndarray)
