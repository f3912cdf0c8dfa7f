"""A shelter catalogue as a directory: what it is in ``shelters.toml``, its columns in ``columns.npz``.

shelters.toml   title, source, licence, is_synthetic, counts
columns.npz     id, name            UTF-8, one a line, as bytes
                lat_e7, lon_e7      32-bit integers, 1e-7 degrees
                hazards             8-bit integers, bits of Hazard
                capacity            32-bit floats, NaN where unknown
rejected.csv    line, reason and value of each row left out at import
"""

import csv
import json
import tomllib
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eew.model.errors import ShelterDataError
from eew.model.records import Hazard, Shelters
from eew.model.shipped import shipped
from eew.model.system.output import check_folder, new_folder
from eew.shelter.row import COORDINATE_DECIMALS, Rejected

__all__ = ["CatalogueFacts", "check_replaceable", "default_catalogue_path", "facts", "load", "save"]

FORMAT = 1
FACTS_FILE = "shelters.toml"
COLUMNS_FILE = "columns.npz"
REJECTED_FILE = "rejected.csv"
_FILES = {FACTS_FILE, COLUMNS_FILE, REJECTED_FILE}
#: What reading a damaged columns file may raise.
_DAMAGE = (KeyError, ValueError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
_SCALE = 10**COORDINATE_DECIMALS


@dataclass(frozen=True, slots=True)
class CatalogueFacts:
    """What a catalogue says of itself."""

    title: str
    source: str
    licence: str
    is_synthetic: bool
    n_shelters: int
    n_earthquake: int
    n_tsunami: int
    n_read: int
    n_rejected: int


def default_catalogue_path() -> Path:
    """Return the directory of the shipped catalogue."""
    return shipped("shelters/demo")


def facts(path: str | Path) -> CatalogueFacts:
    """Read what a catalogue says of itself.

    Raises
    ------
    ShelterDataError
        If the directory is not a catalogue of this format.
    """
    file = Path(path) / FACTS_FILE
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ShelterDataError(f"a shelter catalogue (a directory with {FACTS_FILE})", file=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ShelterDataError("a TOML file", file=file, value=str(error)) from error
    if table.pop("format", None) != FORMAT:
        raise ShelterDataError(f"format = {FORMAT}", file=file, field="format")
    for name, kind in CatalogueFacts.__annotations__.items():
        if type(table.get(name)) is not kind:
            raise ShelterDataError(f"a {kind.__name__}", file=file, field=name, value=table.get(name))
    return CatalogueFacts(**{name: table[name] for name in CatalogueFacts.__annotations__})


def load(path: str | Path) -> Shelters:
    """Read a catalogue.

    Raises
    ------
    ShelterDataError
        If the directory is not a catalogue, or its columns do not fit together.
    """
    known = facts(path)
    file = Path(path) / COLUMNS_FILE
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as columns:
            shelters = Shelters(
                id=_texts(columns["id"]),
                name=_texts(columns["name"]),
                lat_deg=columns["lat_e7"] / _SCALE,
                lon_deg=columns["lon_e7"] / _SCALE,
                hazards=columns["hazards"].astype(np.uint8, casting="safe", copy=False),
                capacity=columns["capacity"].astype(np.float32, casting="safe", copy=False),
                title=known.title,
                licence=known.licence,
                is_synthetic=known.is_synthetic,
            )
    except FileNotFoundError as error:
        raise ShelterDataError("the columns of the catalogue", file=file) from error
    except _DAMAGE as error:
        raise ShelterDataError("the columns of a shelter catalogue", file=file, value=str(error)) from error
    columns_read = (shelters.lat_deg, shelters.lon_deg, shelters.hazards, shelters.capacity)
    for column in columns_read:
        column.flags.writeable = False
    lengths = {len(shelters.id), len(shelters.name), *(len(column) for column in columns_read)}
    if lengths != {known.n_shelters}:
        raise ShelterDataError(f"{known.n_shelters} rows in each column", file=file, value=sorted(lengths))
    if not (np.all(np.abs(shelters.lat_deg) <= 90) and np.all(np.abs(shelters.lon_deg) <= 180)):
        raise ShelterDataError("latitudes to 90 and longitudes to 180 degrees", file=file)
    return shelters


def save(
    shelters: Shelters,
    path: str | Path,
    *,
    source: str,
    rejected: Sequence[Rejected] = (),
) -> CatalogueFacts:
    """Write a catalogue, all of it or nothing; an older catalogue in the same place gives way.

    Parameters
    ----------
    shelters
        Coordinates are kept to 1e-7 degrees (1 cm).
    path
        The directory.
    source
        Where the list came from.
    rejected
        The rows of the source that were left out.

    Raises
    ------
    ShelterDataError
        If ``path`` exists and holds anything but a catalogue.
    """
    path = Path(path).resolve()
    check_replaceable(path)
    known = CatalogueFacts(
        title=shelters.title,
        source=source,
        licence=shelters.licence,
        is_synthetic=shelters.is_synthetic,
        n_shelters=len(shelters),
        n_earthquake=int(np.count_nonzero(shelters.hazards & Hazard.EARTHQUAKE)),
        n_tsunami=int(np.count_nonzero(shelters.hazards & Hazard.TSUNAMI)),
        n_read=len(shelters) + len(rejected),
        n_rejected=len(rejected),
    )
    with new_folder(path) as fresh:
        _write(fresh, shelters, known, rejected)
    return known


def check_replaceable(path: str | Path) -> None:
    """Raise ``InputError`` where writing is not possible, or would destroy something that is not a catalogue."""
    path = Path(path)
    if not path.exists():
        check_folder(path)
        return
    names = {entry.name for entry in path.iterdir()} if path.is_dir() else {path.name}
    if names and (FACTS_FILE not in names or names - _FILES):
        foreign = min(names - _FILES, default=COLUMNS_FILE)
        raise ShelterDataError(
            "a directory that is new, empty or a shelter catalogue and nothing else", file=path, value=foreign
        )


def _write(folder: Path, shelters: Shelters, known: CatalogueFacts, rejected: Sequence[Rejected]) -> None:
    """Write the files of a catalogue into a new folder."""
    lines = [f"format = {FORMAT}"]
    # A JSON text, number or truth value is one of TOML, too, but for the delete character.
    lines += [
        f"{name} = {json.dumps(getattr(known, name), ensure_ascii=False)}".replace("\x7f", "")
        for name in CatalogueFacts.__annotations__
    ]
    (folder / FACTS_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    np.savez_compressed(
        folder / COLUMNS_FILE,
        id=_lines(shelters.id),
        name=_lines(shelters.name),
        lat_e7=np.rint(shelters.lat_deg * _SCALE).astype(np.int32),
        lon_e7=np.rint(shelters.lon_deg * _SCALE).astype(np.int32),
        hazards=shelters.hazards,
        capacity=shelters.capacity,
    )
    if rejected:
        with (folder / REJECTED_FILE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("line", "reason", "value"))
            writer.writerows((row.line, row.reason, row.value) for row in rejected)


def _lines(texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Return texts as UTF-8 bytes, each ended by a line feed; none may hold one."""
    return np.frombuffer("".join(f"{text}\n" for text in texts).encode(), dtype=np.uint8)


def _texts(lines: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    """Return the texts that ``_lines`` wrote."""
    return tuple(lines.tobytes().decode().split("\n")[:-1])
