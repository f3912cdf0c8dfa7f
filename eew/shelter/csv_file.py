"""Any comma-separated list, by the names of its columns."""

from collections.abc import Mapping
from pathlib import Path

from eew.model.errors import InputError
from eew.shelter.row import ImportResult, ShelterRows, hazards_named
from eew.shelter.source_table import read_table

__all__ = ["OPTIONAL", "REQUIRED", "import_csv"]

REQUIRED = ("id", "name", "lat", "lon")
OPTIONAL = ("capacity", "hazards", "status")


def import_csv(path: str | Path, columns: Mapping[str, str], unnamed: str | None = None) -> ImportResult:
    """Read a list of shelters (CSV with a header, UTF-8, may be gzipped).

    Parameters
    ----------
    path
        The file.
    columns
        Which column of the file holds what: ``id``, ``name``, ``lat`` and ``lon`` (degrees), and where it has them
        ``capacity``, ``hazards`` (words such as ``earthquake;tsunami``) and ``status`` (``closed`` is counted). Without
        a column of hazards every shelter counts as meant for earthquakes and none for tsunamis.
    unnamed
        What a row without a name is called; ``None``: it is left out.

    Raises
    ------
    InputError
        If ``columns`` lacks one of the four, or has a word nobody knows.
    ShelterDataError
        If the file has no such columns.
    """
    for word in REQUIRED:
        if not columns.get(word):
            raise InputError("id=…,name=…,lat=…,lon=… with the file's own column names", field="--columns", value=word)
    for word in columns:
        if word not in REQUIRED + OPTIONAL:
            raise InputError(f"one of {', '.join(REQUIRED + OPTIONAL)}", field="--columns", value=word)
    rows = ShelterRows(unnamed=unnamed)
    named = [word for word in REQUIRED + OPTIONAL if word in columns]
    for line, fields in read_table(path, [[columns[word] for word in named]], rows):
        row = dict(zip(named, fields, strict=True))
        rows.add(
            line,
            row["id"],
            row["name"],
            row["lat"],
            row["lon"],
            hazards_named(row.get("hazards", "")),
            row.get("capacity", ""),
            status=row.get("status", ""),
        )
    return rows.result(
        title=Path(path).name, licence="as its publisher says", is_hazard_assumed="hazards" not in columns
    )
