"""Alerts read by the thousand: what a run of messages has in common is decoded once.

Nothing is assumed of a dispatcher but the contract: where messages are not laid out alike, each is decoded by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import msgspec
import numpy as np
import numpy.typing as npt

from eew.client.rules import decoded
from eew.contract.alert_signal import AlertLevel, level_members
from eew.contract.message import AlertCore, CellAlert, DeviceAlert
from eew.model.records import FloatColumn, Level
from eew.model.units import seconds_after

__all__ = ["Alerts", "cell_alerts", "device_alerts"]

_LEVEL_KEY = b',"level":'
_ID_KEY = b'"device_id":"'
_NULL = b"null"
_S_KEY = b'"s_arrival_at":'
#: ISO 8601 to the millisecond in UTC: where its digits of hour, minute, second and millisecond stand, and what comes
#: before and between them, which is the same in all alerts of one day.
_CLOCK_AT = (11, 12, 14, 15, 17, 18, 20, 21, 22)
_CLOCK_MS = np.array([36_000_000, 3_600_000, 600_000, 60_000, 10_000, 1000, 100, 10, 1], dtype=np.int32)
_FIXED_AT = (13, 16, 19, 23, 24)
_DATE_LENGTH = len("2011-03-11T")
_INSTANT_LENGTH = len("2011-03-11T05:46:48.800Z")
_LEVEL_WORDS: tuple[AlertLevel, ...] = get_args(AlertLevel)

_DEVICE = msgspec.json.Decoder(DeviceAlert)
_CELL = msgspec.json.Decoder(CellAlert)


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alerts to devices by one report; columns have shape ``(n,)``."""

    core: AlertCore
    device_id: npt.NDArray[np.bytes_]
    #: Codes of ``Level``.
    level: npt.NDArray[np.uint8]
    #: After the report's origin; NaN in a cancel.
    s_arrival_s: FloatColumn


def device_alerts(payload: npt.NDArray[np.uint8]) -> Iterator[Alerts | None]:
    """Yield the alerts in payloads of one length, shape ``(n, length)``; ``None`` for each that is no alert.

    Alerts that are alike come together, so alerts may change places.
    """
    left = payload
    while len(left):
        first = left[0].tobytes()
        alert = decoded(_DEVICE, first)
        if alert is None:
            yield None
            left = left[1:]
            continue
        layout = _Layout.of(first, alert) if len(left) > 1 else None
        is_alike = None if layout is None else layout.fits(left)
        # The first may be laid out as one of ours and yet not be: then it does not even fit itself.
        if layout is None or is_alike is None or not is_alike[0]:
            yield _one(alert)
            left = left[1:]
        elif is_alike.all():
            yield layout.alerts(alert, left)
            return
        else:
            yield layout.alerts(alert, left[is_alike])
            left = left[~is_alike]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where in one payload stands what differs from device to device."""

    level_at: int
    #: What stands there, by level, with the spaces behind it.
    levels: tuple[tuple[Level, npt.NDArray[np.uint8]], ...]
    id_start: int
    id_end: int
    #: Of the instant, or of ``null`` in its place.
    s_at: int
    has_s: bool

    @classmethod
    def of(cls, payload: bytes, alert: DeviceAlert) -> "_Layout | None":
        """Return the layout of a payload as the dispatcher of this project writes it; ``None`` for any other."""
        # A name that stands twice, or in a member that nobody knows, would lead astray.
        if any(payload.count(key) != 1 for key in (_LEVEL_KEY, _ID_KEY, _S_KEY)):
            return None
        level_at = payload.index(_LEVEL_KEY) + len(_LEVEL_KEY)
        id_start = payload.index(_ID_KEY) + len(_ID_KEY)
        device_id = alert.device_id.encode()
        id_end = id_start + len(device_id)
        s_at = payload.index(_S_KEY) + len(_S_KEY)
        if not level_at < id_start < s_at or payload[id_start : id_end + 1] != device_id + b'"':
            return None
        n_level = id_start - len(_ID_KEY) - level_at
        levels = tuple(
            (Level[word.upper()], np.frombuffer(text.ljust(n_level), dtype=np.uint8))
            for word in _LEVEL_WORDS
            if len(text := level_members(word, alert.kind, is_compact=alert.instruction is None)) <= n_level
        )
        if payload[s_at : s_at + len(_NULL)] == _NULL:
            return cls(level_at, levels, id_start, id_end, s_at, has_s=False)
        s_at += 1
        if payload[s_at + _INSTANT_LENGTH - 1 :][:2] != b'Z"' or alert.origin_at is None:
            return None
        return cls(level_at, levels, id_start, id_end, s_at, has_s=True)

    def fits(self, rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Return which payloads have the first one's core and day, and their members at the same places."""
        parts = [slice(0, self.level_at), slice(self.id_start - len(_ID_KEY), self.id_start)]
        fits: npt.NDArray[np.bool_] = self._levels(rows) != Level.NONE
        ids = rows[:, self.id_start : self.id_end]
        # An id that is shorter here ends with a quote, and one that JSON escapes has a backslash.
        fits &= ((ids != ord('"')) & (ids != ord("\\"))).all(axis=1) & (rows[:, self.id_end] == ord('"'))
        parts.append(slice(self.s_at - len(_S_KEY) - 1, self.s_at + (_DATE_LENGTH if self.has_s else len(_NULL))))
        if self.has_s:
            parts.extend(slice(self.s_at + at, self.s_at + at + 1) for at in _FIXED_AT)
            fits &= (self._clock(rows) <= 9).all(axis=1)
        for part in parts:
            fits &= (rows[:, part] == rows[0, part]).all(axis=1)
        return fits

    def alerts(self, core: DeviceAlert, rows: npt.NDArray[np.uint8]) -> Alerts:
        """Return what payloads of this layout say."""
        device_id = np.ascontiguousarray(rows[:, self.id_start : self.id_end]).view(f"S{self.id_end - self.id_start}")
        if core.s_arrival_at is None or core.origin_at is None:
            s_arrival_s = np.full(len(rows), np.nan, dtype=np.float32)
        else:
            clock_ms = self._clock(rows).astype(np.int32) @ _CLOCK_MS
            # The first alert was decoded in full, and all are of one day.
            first_s = seconds_after(core.s_arrival_at, core.origin_at)
            s_arrival_s = (first_s + (clock_ms - clock_ms[0]) / 1000).astype(np.float32)
        return Alerts(core, device_id[:, 0], self._levels(rows), s_arrival_s)

    def _levels(self, rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the codes of the levels; ``NONE`` where not just what belongs to one stands before the id."""
        written = rows[:, self.level_at : self.id_start - len(_ID_KEY)]
        code = np.zeros(len(rows), dtype=np.uint8)
        for level, text in self.levels:
            code[(written == text).all(axis=1)] = level
        return code

    def _clock(self, rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the digits of the S arrivals, shape ``(n, 9)``; above 9 where there is none."""
        return rows[:, [self.s_at + at for at in _CLOCK_AT]] - np.uint8(ord("0"))


def _one(alert: DeviceAlert) -> Alerts:
    """Return one decoded alert as columns."""
    after_s = np.nan
    if alert.s_arrival_at is not None and alert.origin_at is not None:
        after_s = seconds_after(alert.s_arrival_at, alert.origin_at)
    return Alerts(
        alert,
        np.array([alert.device_id.encode()]),
        np.array([Level[alert.level.upper()]], dtype=np.uint8),
        np.array([after_s], dtype=np.float32),
    )


def cell_alerts(payload: npt.NDArray[np.uint8]) -> Iterator[CellAlert | None]:
    """Yield the cell alerts in payloads, shape ``(n, length)``; ``None`` for each that is no alert."""
    for row in payload:
        yield decoded(_CELL, row.tobytes())
