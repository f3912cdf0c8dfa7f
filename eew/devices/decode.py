"""Alerts read by the thousand: what a run of messages has in common is decoded once.

Nothing is assumed of a dispatcher but the contract: where messages are not laid out alike, each is decoded by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from eew.model import FloatColumn, Level
from eew.units import seconds_after
from eew.wire.message import AlertCore, CellAlert, DeviceAlert

__all__ = ["Alerts", "cell_alerts", "device_alerts"]

_LEVEL_KEY = b',"level":"'
_ID_KEY = b'"device_id":"'
_S_KEY = b'"s_arrival_at":"'
#: ISO 8601 to the millisecond in UTC: where its digits of hour, minute, second and millisecond stand.
_CLOCK_AT = (11, 12, 14, 15, 17, 18, 20, 21, 22)
_CLOCK_S = np.array([36000, 3600, 600, 60, 10, 1, 0.1, 0.01, 0.001])
_INSTANT_LENGTH = len("2011-03-11T05:46:48.800Z")
_DAY_S = 86400.0
_CODE_BY_LETTER = np.zeros(256, dtype=np.uint8)
for _level in (Level.PASSIVE, Level.ACTIVE, Level.CRITICAL):
    _CODE_BY_LETTER[ord(_level.word[0])] = _level

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
    """Yield the alerts in payloads of one length, shape ``(n, length)``; ``None`` for each that is no alert."""
    left = payload
    while len(left):
        first = left[0].tobytes()
        try:
            alert = _DEVICE.decode(first)
        except msgspec.DecodeError:
            yield None
            left = left[1:]
            continue
        layout = _Layout.of(first, alert)
        is_alike = np.zeros(len(left), dtype=bool) if layout is None else layout.fits(left)
        is_alike[0] = True
        if layout is None or len(left) == 1:
            yield _one(alert)
        else:
            yield layout.alerts(alert, left if is_alike.all() else left[is_alike])
        left = left[:0] if is_alike.all() else left[~is_alike]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where in one payload stands what differs from device to device."""

    level_at: int
    id_start: int
    id_end: int
    #: ``None`` in a cancel.
    s_at: int | None

    @classmethod
    def of(cls, payload: bytes, alert: DeviceAlert) -> "_Layout | None":
        """Return the layout of a payload as the dispatcher of this project writes it; ``None`` for any other."""
        level_at, id_at, s_at = (payload.find(key) for key in (_LEVEL_KEY, _ID_KEY, _S_KEY))
        id_start = id_at + len(_ID_KEY)
        id_end = id_start + len(alert.device_id.encode())
        is_known = 0 <= level_at < id_at and payload[id_start:id_end] == alert.device_id.encode()
        if alert.s_arrival_at is None:
            return cls(level_at, id_start, id_end, None) if is_known else None
        s_at += len(_S_KEY)
        is_instant = payload[s_at + _INSTANT_LENGTH - 1 : s_at + _INSTANT_LENGTH + 1] == b'Z"'
        return cls(level_at, id_start, id_end, s_at) if is_known and is_instant else None

    def fits(self, rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Return which payloads have the first one's core, and its members at the same places."""
        parts = [slice(0, self.level_at + len(_LEVEL_KEY)), slice(self.id_start - len(_ID_KEY), self.id_start)]
        parts.append(slice(self.id_end, self.id_end + 1))
        if self.s_at is not None:
            parts += [slice(self.s_at - len(_S_KEY), self.s_at), slice(self.s_at + _INSTANT_LENGTH - 1, self.s_at + 25)]
        fits = np.ones(len(rows), dtype=bool)
        for part in parts:
            fits &= (rows[:, part] == rows[0, part]).all(axis=1)
        return fits

    def alerts(self, core: DeviceAlert, rows: npt.NDArray[np.uint8]) -> Alerts:
        """Return what payloads of this layout say."""
        device_id = np.ascontiguousarray(rows[:, self.id_start : self.id_end]).view(f"S{self.id_end - self.id_start}")
        level = _CODE_BY_LETTER[rows[:, self.level_at + len(_LEVEL_KEY)]]
        if self.s_at is None or core.origin_at is None:
            s_arrival_s = np.full(len(rows), np.nan, dtype=np.float32)
        else:
            digits = rows[:, [self.s_at + at for at in _CLOCK_AT]].astype(np.float64) - ord("0")
            origin = core.origin_at
            origin_s = origin.hour * 3600 + origin.minute * 60 + origin.second + origin.microsecond / 1e6
            after_s = digits @ _CLOCK_S - origin_s
            # Past midnight; no S wave is on its way for half a day.
            after_s[after_s < -_DAY_S / 2] += _DAY_S
            s_arrival_s = after_s.astype(np.float32)
        return Alerts(core, device_id[:, 0], level, s_arrival_s)


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
        try:
            yield _CELL.decode(row.tobytes())
        except msgspec.DecodeError:
            yield None
