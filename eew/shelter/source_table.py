"""Comma-separated files, plain or gzipped, row by row with their line numbers."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from eew.model.errors import ShelterDataError
from eew.shelter.row import Reason, ShelterRows

__all__ = ["read_table", "read_text"]


def read_text(path: str | Path) -> str:
    """Return the text of a file, unpacked where its name ends in ``.gz``.

    Bytes that are not UTF-8 become surrogates, so that only the rows they stand in are lost.

    Raises
    ------
    ShelterDataError
        If the file is not a whole gzip file although its name says so.
    OSError
        If it cannot be read.
    """
    path = Path(path)
    content = path.read_bytes()
    if path.suffix.lower() == ".gz":
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ShelterDataError("a whole gzip file", file=path, value=str(error)) from error
    return content.decode("utf-8-sig", errors="surrogateescape")


def read_table(
    path: str | Path, headers: Sequence[Sequence[str]], rows: ShelterRows
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the wanted fields of each row; rows that cannot be taken apart are noted in ``rows``.

    Parameters
    ----------
    path
        A CSV file with a header.
    headers
        Names of the wanted columns, in one or more renderings; the first that the file has wholly is taken. No other
        column is looked at.
    rows
        Where bad rows are noted.

    Raises
    ------
    ShelterDataError
        If the file is empty or has a wanted column not once.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    header = _header(reader, path)
    missing = [[column for column in columns if header.count(column) != 1] for columns in headers]
    nearest_match = min(missing, key=len)
    if nearest_match:
        listed = ", ".join(header)[:300]
        raise ShelterDataError(
            f"this column, once, among: {listed}", file=path, line=1, field="column", value=nearest_match[0]
        )
    columns = headers[missing.index([])]
    places = [header.index(column) for column in columns]
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            rows.reject(line, Reason.FIELDS, f"{error} (lines {line} to {reader.line_num})")
            continue
        if not fields:
            continue
        if len(fields) != len(header):
            rows.reject(line, Reason.FIELDS, f"{len(fields)} instead of {len(header)}")
            continue
        yield line, [fields[place] for place in places]


def _header(reader: Iterator[list[str]], path: str | Path) -> list[str]:
    """Return the names of the columns."""
    try:
        return [name.strip() for name in next(reader)]
    except (StopIteration, csv.Error) as error:
        raise ShelterDataError("a CSV file with a header", file=path, line=1) from error
