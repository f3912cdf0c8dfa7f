"""United States: the National Shelter System's facilities, as FEMA and HIFLD Open publish them."""

from pathlib import Path

from eew.shelter.geojson import import_geojson
from eew.shelter.row import ImportResult, ShelterRows
from eew.shelter.source_table import read_table, read_text

__all__ = ["import_nss"]

#: Capacity in an evacuation; that after an impact (POST_CAP), of more room a person, is not taken.
HEADERS = (("ID", "NAME", "LATITUDE", "LONGITUDE", "EVAC_CAP", "STATUS"),)


def import_nss(path: str | Path) -> ImportResult:
    """Read a list of the National Shelter System (CSV or GeoJSON, UTF-8, may be gzipped).

    Raises
    ------
    ShelterDataError
        If the file is not such a list.

    Notes
    -----
    Facilities that *can* be shelters: all are marked closed while nothing happens. They are kept, and counted. The list
    does not say for which hazards; all count as meant for earthquakes, none for tsunamis. A capacity of -999 is
    unknown.

    References
    ----------
    [NSS]
    """
    if read_text(path).lstrip().startswith("{"):
        return import_geojson(path)
    rows = ShelterRows()
    for line, (shelter_id, name, lat, lon, capacity, status) in read_table(path, HEADERS, rows):
        rows.add(line, shelter_id, name, lat, lon, 0, capacity, status=status)
    return rows.result(
        title="National Shelter System facilities, United States",
        licence="FEMA and American Red Cross, by way of HIFLD Open, as its publisher says",
        is_hazard_assumed=True,
    )
