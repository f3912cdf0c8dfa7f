"""A population as a list for other programs: where each device is, and on which topics its alerts come."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from eew.contract import topic
from eew.model.errors import DeviceDataError
from eew.model.records import DeviceKind, Devices
from eew.physics import cells

__all__ = ["FIELDS", "Form", "exported"]

Form = Literal["csv", "geojson"]
Progress = Callable[[float], None]

#: The first four are what ``eew devices import`` reads.
FIELDS = ("id", "lat_deg", "lon_deg", "kind", "cell", "device_topic", "cell_topic")
#: Rows written at once: so much memory is taken, however large the population.
CHUNK_ROWS = 1 << 15

_IDS = re.compile(r"(?:[A-Za-z0-9_-]{1,32}\n)*")
_WORD_BY_KIND = {int(kind): kind.name.lower() for kind in DeviceKind}

_Row = tuple[str, ...]


def exported(
    devices: Devices, form: Form, *, credit: str | None = None, on_progress: Progress | None = None
) -> Iterator[str]:
    """Yield the text of a list of devices, part by part.

    Parameters
    ----------
    devices
        In their order; columns may be mapped from a file.
    form
        ``csv``: a header and one line a device; or ``geojson``: a FeatureCollection with one feature a line.
    credit
        Of whoever made the places; said in GeoJSON.
    on_progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    DeviceDataError
        If an id is none.

    Notes
    -----
    Degrees have as many digits as give the same number again. ``cell`` has the digits of the cell that is alerted in
    cell mode (docs/topics.md).
    """
    if form == "csv":
        yield ",".join(FIELDS) + "\n"
    else:
        head: dict[str, Any] = {"type": "FeatureCollection", "region": devices.region}
        head |= {} if credit is None else {"credit": credit}
        yield json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [\n'
    for start in range(0, len(devices), CHUNK_ROWS):
        rows = _rows(devices, slice(start, start + CHUNK_ROWS))
        if form == "csv":
            yield "".join(f"{','.join(row)}\n" for row in rows)
        else:
            yield ("" if start == 0 else ",\n") + ",\n".join(map(_feature, rows))
        if on_progress is not None:
            on_progress(min(start + CHUNK_ROWS, len(devices)) / len(devices))
    if form == "geojson":
        yield "\n]}\n"


def _rows(devices: Devices, rows: slice) -> Iterator[_Row]:
    """Yield the fields of some devices, as text."""
    try:
        ids: list[str] = devices.id[rows].astype(np.str_).tolist()
    except UnicodeDecodeError as error:
        raise DeviceDataError("ids in ASCII", field="id", value=str(error)) from error
    if not _IDS.fullmatch("".join(f"{each}\n" for each in ids)):
        wrong = next(each for each in ids if not _IDS.fullmatch(f"{each}\n"))
        raise DeviceDataError("1 to 32 of A-Z a-z 0-9 _ -", field="id", value=wrong)
    # As text a 32-bit float has the fewest digits that give it again.
    lat_deg, lon_deg = (column[rows].astype(np.str_).tolist() for column in (devices.lat_deg, devices.lon_deg))
    cell = cells.ancestor(devices.cell[rows], cells.DEVICE_LEVEL, topic.CELL_LEVEL)
    digits = cells.digits(cell, topic.CELL_LEVEL)
    words: list[str] = np.ascontiguousarray(digits).view(f"S{topic.CELL_LEVEL}")[:, 0].astype(np.str_).tolist()
    cell_topics = {word: topic.cell_alert(word) for word in set(words)}
    columns = zip(ids, lat_deg, lon_deg, devices.kind[rows].tolist(), words, strict=True)
    for device_id, lat, lon, kind, word in columns:
        device_topic = topic.device_alert(word[: topic.GROUP_LEVEL], device_id)
        yield device_id, lat, lon, _WORD_BY_KIND[kind], word, device_topic, cell_topics[word]


def _feature(row: _Row) -> str:
    """Return a device as a feature of GeoJSON; none of its texts needs escaping."""
    device_id, lat, lon, kind, cell, device_topic, cell_topic = row
    return (
        f'{{"type": "Feature", "id": "{device_id}", "geometry": {{"type": "Point", "coordinates": [{lon}, {lat}]}}, '
        f'"properties": {{"id": "{device_id}", "kind": "{kind}", "cell": "{cell}", '
        f'"device_topic": "{device_topic}", "cell_topic": "{cell_topic}"}}}}'
    )
