"""Read a list of devices from a CSV file: bad rows are listed apart, never fatal and never silently kept."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from eew.devices.population.population import frozen
from eew.model.errors import DeviceDataError
from eew.model.records import DeviceKind, Devices
from eew.physics.cells import cell_at

__all__ = ["RejectReason", "RejectedRow", "import_csv", "n_rejected_by_reason", "rejected_csv"]

NEEDED_FIELDS = ("id", "lat_deg", "lon_deg")
ROWS_A_REPORT = 10_000
#: How much of a bad value is kept.
SHOWN_LENGTH = 80

_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_KIND_BY_WORD = {"": DeviceKind.PHONE, **{kind.name.lower(): kind for kind in DeviceKind}}

Progress = Callable[[float], None]


class RejectReason(StrEnum):
    """Why a row is left out."""

    SHORT = "too few fields"
    BAD_ID = "not an id (1 to 32 of A-Z a-z 0-9 _ -)"
    DUPLICATE_ID = "id already seen"
    NOT_A_NUMBER = "not a number"
    OUT_OF_RANGE = "out of range"
    ZERO = "latitude and longitude both 0"
    BAD_KIND = "neither phone nor tv"


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was left out."""

    #: Where it stands in the file, from 1.
    line: int
    reason: RejectReason
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class _Device:
    """A row that is usable."""

    id: str
    lat_deg: float
    lon_deg: float
    kind: DeviceKind


def import_csv(path: Path, on_progress: Progress | None = None) -> tuple[Devices, list[RejectedRow]]:
    """Return the devices of a CSV file, and the rows that were left out.

    Parameters
    ----------
    path
        UTF-8, comma-separated, one line a device. The first line names the columns: ``id``, ``lat_deg``, ``lon_deg``
        in any order, ``kind`` (phone or tv; phone where empty or absent), and any others, which are not read.
    on_progress
        Called with the share that is done, 0 to 1.

    Returns
    -------
    devices
        In Morton order, of region ``imported``, without a seed. Of two rows with one id the first counts.
    rejected
        In the order of the file.

    Raises
    ------
    DeviceDataError
        If a needed column is missing or nothing remains.
    """
    kept: dict[str, _Device] = {}
    rejected: list[RejectedRow] = []
    for line, row in _lines(path, on_progress or (lambda _: None)):
        outcome = _read(line, row)
        if isinstance(outcome, _Device) and outcome.id in kept:
            outcome = RejectedRow(line, RejectReason.DUPLICATE_ID, "id", outcome.id)
        if isinstance(outcome, _Device):
            kept[outcome.id] = outcome
        else:
            rejected.append(outcome)
    if not kept:
        first = f", {rejected[0].reason} in line {rejected[0].line}" if rejected else ""
        found = f"{len(rejected)} rows, none usable{first}"
        raise DeviceDataError("at least one usable device", file=path, value=found)
    return _in_morton_order(list(kept.values())), rejected


def n_rejected_by_reason(rejected: list[RejectedRow]) -> dict[RejectReason, int]:
    """Return how many rows were left out for each reason, the most frequent first."""
    return dict(Counter(row.reason for row in rejected).most_common())


def rejected_csv(rejected: list[RejectedRow]) -> str:
    """Return rejected rows as a CSV text of line, reason, field and value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("line", "reason", "field", "value"))
    writer.writerows((row.line, row.reason.value, row.field, row.value) for row in rejected)
    return text.getvalue()


def _lines(path: Path, report: Progress) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the number and the fields by name of each line that is not blank."""
    size = max(path.stat().st_size, 1)
    with path.open("rb") as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace")
        names = [name.strip().lower() for name in _fields(text.readline())]
        missing = [name for name in NEEDED_FIELDS if name not in names]
        if missing:
            expected = f"a header with {','.join(NEEDED_FIELDS)}[,kind]"
            raise DeviceDataError(expected, file=path, line=1, field=missing[0], value="missing")
        for line, row in enumerate(text, start=2):
            if not row.isspace():
                yield line, dict(zip(names, _fields(row), strict=False))
            if line % ROWS_A_REPORT == 0:
                report(min(file.tell() / size, 1))


def _fields(row: str) -> list[str]:
    """Return the fields of one line; a quote left open ends with its line, not with the file."""
    row = row.rstrip("\r\n")
    if '"' not in row and len(row) < csv.field_size_limit():
        return row.split(",")
    try:
        return next(csv.reader((row,)), [])
    except csv.Error:
        return []


def _read(line: int, row: Mapping[str, str]) -> _Device | RejectedRow:
    """Return the device that a row describes, or why it does not."""
    missing = next((field for field in NEEDED_FIELDS if field not in row), None)
    if missing is not None:
        return RejectedRow(line, RejectReason.SHORT, missing, "")
    device_id = row["id"].strip()
    lat_deg, lon_deg = _degrees(row["lat_deg"], 90), _degrees(row["lon_deg"], 180)
    kind = _KIND_BY_WORD.get(row.get("kind", "").strip().lower())
    if not _ID.fullmatch(device_id):
        reason, field = RejectReason.BAD_ID, "id"
    elif isinstance(lat_deg, RejectReason):
        reason, field = lat_deg, "lat_deg"
    elif isinstance(lon_deg, RejectReason):
        reason, field = lon_deg, "lon_deg"
    elif lat_deg == 0 and lon_deg == 0:
        reason, field = RejectReason.ZERO, "lat_deg"
    elif kind is None:
        reason, field = RejectReason.BAD_KIND, "kind"
    else:
        return _Device(device_id, lat_deg, lon_deg, kind)
    return RejectedRow(line, reason, field, row[field][:SHOWN_LENGTH])


def _degrees(text: str, limit: float) -> float | RejectReason:
    """Return the degrees that a text says, or why it says none."""
    # float() alone would take "nan", "1_0" and digits of other scripts.
    if not _NUMBER.fullmatch(text.strip()):
        return RejectReason.NOT_A_NUMBER
    degrees = float(text)
    return degrees if -limit <= degrees <= limit else RejectReason.OUT_OF_RANGE


def _in_morton_order(rows: list[_Device]) -> Devices:
    """Return devices as columns."""
    lat_deg = np.array([row.lat_deg for row in rows], dtype=np.float32)
    lon_deg = np.array([row.lon_deg for row in rows], dtype=np.float32)
    cell = cell_at(lat_deg, lon_deg)
    order = np.argsort(cell, kind="stable")
    return Devices(
        id=frozen(np.array([row.id.encode() for row in rows], dtype=np.bytes_)[order]),
        lat_deg=frozen(lat_deg[order]),
        lon_deg=frozen(lon_deg[order]),
        cell=frozen(cell[order]),
        kind=frozen(np.array([row.kind for row in rows], dtype=np.uint8)[order]),
        region="imported",
        seed=None,
    )
