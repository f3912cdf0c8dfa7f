"""Fields of one width for a whole batch: values as columns of ASCII bytes.

JSON allows spaces between its parts, so numbers are padded to one width and every record of a batch has one length.
All functions return ``uint8`` arrays of shape ``(n, width)``. Digits are looked up, not worked out.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["Bytes2D", "instants", "integers", "padded", "tenths", "thousandths"]

Bytes2D = npt.NDArray[np.uint8]

_DAY_S = 86_400
#: ``2011-03-11T05:46:48.`` and ``800Z``.
_SECOND_WIDTH, _MS_WIDTH = 20, 4
_INSTANT = np.dtype([("second", f"V{_SECOND_WIDTH}"), ("ms", f"V{_MS_WIDTH}")])


def padded(texts: Iterable[bytes]) -> Bytes2D:
    """Return texts left-aligned in spaces, as wide as the longest."""
    texts = list(texts)
    width = max((len(text) for text in texts), default=0)
    joined = b"".join(text.ljust(width) for text in texts)
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(texts), width)


_TENTHS = padded(b"%2d.%d" % divmod(value, 10) for value in range(1000))
_THOUSANDTHS = padded(b"%d.%03d" % divmod(value, 1000) for value in range(10_000))
_MS = padded(b"%03dZ" % value for value in range(1000))
#: 0 to 9999 with four digits each, and right-aligned in spaces.
_FOUR_DIGITS = padded(b"%04d" % value for value in range(10_000))
_RIGHT_ALIGNED = padded(b"%4d" % value for value in range(10_000))
#: The first digits of a number of more than four, its last four when there are no others, and when there are.
_FIRST = np.concatenate([padded([b" " * 4]), _RIGHT_ALIGNED[1:]])
_LAST = np.concatenate([_RIGHT_ALIGNED, _FOUR_DIGITS])


def integers(values: npt.NDArray[np.integer], width: int) -> Bytes2D:
    """Return whole numbers, 0 to 10^width − 1, right-aligned in spaces; ``width`` is 1 to 8."""
    if width <= 4:
        return _RIGHT_ALIGNED[:, -width:].take(values, axis=0)
    high, low = np.divmod(values.astype(np.int32, copy=False), np.int32(10_000))
    out = np.empty((len(values), width), dtype=np.uint8)
    out[:, :-4] = _FIRST[:, 8 - width :].take(high, axis=0)
    out[:, -4:] = _LAST.take(low + np.int32(10_000) * (high > 0), axis=0)
    return out


def tenths(values: npt.NDArray[np.floating]) -> Bytes2D:
    """Return numbers cut (not rounded) to one decimal, 0 to 99.9, right-aligned in four characters.

    Cut, as JMA does with a measured intensity, so that the number shown never reaches a threshold that the value
    does not.
    """
    scaled = np.floor(values.astype(np.float64) * 10)
    return _TENTHS.take(np.clip(scaled, 0, 999).astype(np.intp), axis=0)


def thousandths(values: npt.NDArray[np.floating]) -> Bytes2D:
    """Return numbers rounded to three decimals, 0 to 9.999, five characters."""
    scaled = np.rint(values.astype(np.float64) * 1000)
    return _THOUSANDTHS.take(np.clip(scaled, 0, 9999).astype(np.intp), axis=0)


def instants(origin_at: datetime, after_s: npt.NDArray[np.floating]) -> Bytes2D:
    """Return ISO 8601 instants in UTC to the millisecond, 24 characters, ``after_s`` seconds after ``origin_at``."""
    origin = origin_at.astimezone(UTC)
    midnight = origin.replace(hour=0, minute=0, second=0, microsecond=0)
    origin_ms = (origin - midnight) / timedelta(milliseconds=1)
    since_ms = np.rint(after_s.astype(np.float64) * 1000 + origin_ms).astype(np.int64)
    second = since_ms // 1000
    ms = since_ms - second * 1000
    first_minute, last_minute = (int(second.min()) // 60, int(second.max()) // 60) if len(second) else (0, 0)
    seconds = np.concatenate([_seconds(midnight, minute) for minute in range(first_minute, last_minute + 1)])
    out = np.empty(len(second), dtype=_INSTANT)
    out["second"] = seconds.take(second - 60 * first_minute)
    out["ms"] = _MS.view(f"V{_MS_WIDTH}")[:, 0].take(ms)
    return out.view(np.uint8).reshape(-1, _INSTANT.itemsize)


@lru_cache(maxsize=2 * _DAY_S // 60)
def _seconds(midnight: datetime, minute: int) -> npt.NDArray[np.void]:
    """Return the text of each second of a minute, shape ``(60,)``."""
    start = (midnight + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:")
    return padded(f"{start}{second:02d}.".encode() for second in range(60)).view(f"V{_SECOND_WIDTH}")[:, 0]
