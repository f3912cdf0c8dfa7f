"""Japan: the designated emergency evacuation sites (指定緊急避難場所) as the national list (GSI) has them."""

from pathlib import Path

from eew.model.records import Hazard
from eew.shelter.row import Extent, ImportResult, ShelterRows
from eew.shelter.source_table import read_table

__all__ = ["JAPAN", "import_gsi"]

#: Okinotorishima 20.42 N, Etorofu 45.56 N, Yonaguni 122.93 E, Minamitorishima 153.99 E.
JAPAN = Extent(20.4, 45.6, 122.9, 154.0)

#: id, name, latitude, longitude, earthquake, tsunami: in the national file, and in its rendering with English headers.
HEADERS = (
    ("共通ID", "施設・場所名", "緯度", "経度", "地震", "津波"),
    ("common_id", "name", "lat", "lon", "earthquake", "tsunami"),
)
_MARKS = {"1": True, "": False, "0": False}


def import_gsi(path: str | Path) -> ImportResult:
    """Read a list of the Geospatial Information Authority of Japan (CSV, UTF-8, may be gzipped).

    Every site is kept with its marks for earthquakes and tsunamis; searches leave out what is not marked.

    Raises
    ------
    ShelterDataError
        If the file is not such a list.

    References
    ----------
    [GSI-SITES]
    """
    rows = ShelterRows(JAPAN)
    for line, (shelter_id, name, lat, lon, earthquake, tsunami) in read_table(path, HEADERS, rows):
        rows.add(line, shelter_id, name, lat, lon, _hazards(earthquake, tsunami))
    return rows.result(
        title="Designated emergency evacuation sites, Japan",
        licence="Geospatial Information Authority of Japan, its terms of use",
    )


def _hazards(earthquake: str, tsunami: str) -> int | None:
    """Return the bits of the two marks, ``None`` where one is neither 1 nor empty."""
    is_earthquake, is_tsunami = _MARKS.get(earthquake.strip()), _MARKS.get(tsunami.strip())
    if is_earthquake is None or is_tsunami is None:
        return None
    return Hazard.EARTHQUAKE * is_earthquake | Hazard.TSUNAMI * is_tsunami
