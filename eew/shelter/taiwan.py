"""Taiwan: the evacuation shelters (避難收容處所) as the National Fire Agency lists them."""

from pathlib import Path

from eew.shelter.row import Extent, ImportResult, ShelterRows, hazards_named
from eew.shelter.source_table import read_table

__all__ = ["TAIWAN", "import_taiwan"]

#: Qixingyan 21.76 N, Dongyin 26.38 N, Lesser Kinmen 118.2 E with its islets from 118.13 E, Pengjia 122.08 E.
TAIWAN = Extent(21.7, 26.5, 118.1, 122.2)

#: Sequence number, name, latitude, longitude, hazard types, people. The list also has the name and telephone number of
#: whoever is in charge (管理人姓名, 管理人電話): never read.
HEADERS = (("序號", "避難收容處所名稱", "緯度", "經度", "適用災害類別", "預計收容人數"),)


def import_taiwan(path: str | Path) -> ImportResult:
    """Read a list of Taiwan's National Fire Agency (CSV, UTF-8, may be gzipped).

    Every site is kept with its marks for earthquakes (震災) and tsunamis (海嘯); searches leave out what is not marked.
    The id of a shelter is its sequence number in the list.

    Raises
    ------
    ShelterDataError
        If the file is not such a list.

    References
    ----------
    [NFA-SITES]
    """
    rows = ShelterRows(TAIWAN)
    for line, (sequence_no, name, lat, lon, hazards, capacity) in read_table(path, HEADERS, rows):
        rows.add(line, sequence_no, name, lat, lon, hazards_named(hazards), capacity)
    return rows.result(
        title="Evacuation shelters, Taiwan",
        licence="National Fire Agency, Open Government Data License, version 1.0 (Taiwan)",
    )
