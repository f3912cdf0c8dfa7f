"""Fields of one width for a whole batch: values as columns of ASCII bytes.

JSON allows spaces between its parts, so numbers are padded to one width and every record of a batch has one length.
All functions return ``uint8`` arrays of shape ``(n, width)``.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

__all__ = ["Bytes2D", "instants", "integers", "padded", "tenths", "thousandths"]

Bytes2D = npt.NDArray[np.uint8]

_DIGITS = {
    width: np.array([list(f"{value:0{width}d}".encode()) for value in range(10**width)], dtype=np.uint8)
    for width in (2, 3)
}
_DAY_MS = 86_400_000


def integers(values: npt.NDArray[np.integer], width: int) -> Bytes2D:
    """Return whole numbers, 0 to 10^width − 1, right-aligned in spaces."""
    rest = values.astype(np.int32)
    out = np.full((len(rest), width), ord(" "), dtype=np.uint8)
    for column in range(width - 1, -1, -1):
        is_digit = (rest > 0) | (column == width - 1)
        if not is_digit.any():
            break
        rest, digit = np.divmod(rest, 10)
        out[:, column] = np.where(is_digit, digit + ord("0"), ord(" "))
    return out


def tenths(values: npt.NDArray[np.floating], width: int = 4) -> Bytes2D:
    """Return numbers cut (not rounded) to one decimal, 0 to 99.9, right-aligned in spaces.

    Cut, as JMA does with a measured intensity, so that the number shown never reaches a threshold that the value
    does not.
    """
    scaled = np.clip(np.floor(values.astype(np.float64) * 10), 0, 999).astype(np.int32)
    whole, tenth = np.divmod(scaled, 10)
    out = np.full((len(scaled), width), ord(" "), dtype=np.uint8)
    out[:, width - 1] = tenth + ord("0")
    out[:, width - 2] = ord(".")
    tens, ones = np.divmod(whole, 10)
    out[:, width - 3] = ones + ord("0")
    if width > 3:
        out[:, width - 4] = np.where(tens > 0, tens + ord("0"), ord(" "))
    return out


def thousandths(values: npt.NDArray[np.floating]) -> Bytes2D:
    """Return numbers rounded to three decimals, 0 to 9.999, five characters."""
    scaled = np.clip(np.rint(values.astype(np.float64) * 1000), 0, 9999).astype(np.int32)
    whole, rest = np.divmod(scaled, 1000)
    out = np.empty((len(scaled), 5), dtype=np.uint8)
    out[:, 0] = whole + ord("0")
    out[:, 1] = ord(".")
    out[:, 2:] = _DIGITS[3][rest]
    return out


def instants(origin_at: datetime, after_s: npt.NDArray[np.floating]) -> Bytes2D:
    """Return ISO 8601 instants in UTC to the millisecond, 24 characters, ``after_s`` seconds after ``origin_at``."""
    origin = origin_at.astimezone(UTC)
    midnight = origin.replace(hour=0, minute=0, second=0, microsecond=0)
    origin_ms = round((origin - midnight).total_seconds() * 1000)
    since_ms = np.rint(after_s.astype(np.float64) * 1000).astype(np.int64) + origin_ms
    out = np.empty((len(since_ms), 24), dtype=np.uint8)
    day, ms = np.divmod(since_ms, _DAY_MS)
    first_day, last_day = (int(day.min()), int(day.max())) if len(day) else (0, 0)
    dates = np.array(
        [list((midnight + timedelta(days=d)).strftime("%Y-%m-%dT").encode()) for d in range(first_day, last_day + 1)],
        dtype=np.uint8,
    )
    out[:, :11] = dates[0] if first_day == last_day else dates[day - first_day]
    second, ms = np.divmod(ms.astype(np.int32), 1000)
    minute, second = np.divmod(second, 60)
    hour, minute = np.divmod(minute, 60)
    two, three = _DIGITS[2], _DIGITS[3]
    for start, column in ((11, hour), (14, minute), (17, second)):
        out[:, start : start + 2] = two[column]
        out[:, start + 2] = ord(":")
    out[:, 19] = ord(".")
    out[:, 20:23] = three[ms]
    out[:, 23] = ord("Z")
    return out


def padded(texts: list[bytes]) -> Bytes2D:
    """Return texts left-aligned in spaces, as wide as the longest."""
    width = max((len(text) for text in texts), default=0)
    joined = b"".join(text.ljust(width) for text in texts)
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(texts), width)
