"""What phones and TVs make of an alert that reached them: simulated, seeded, and never mixed with what was measured.

The measured part of a delivery ends at the device's connection. Real devices lie further away, may be switched off,
or be set not to disturb; that is what is played here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eew.model.records import CodeColumn, DeviceKind, FloatColumn, Level

__all__ = ["LAST_MILE_SOURCE", "Behaviour"]

#: Phones: cell broadcast in the United States reached the first phones after 4 s and half of them after 13 s [WEA].
#: TVs: 2.5 s on top of the dispatch in Japan, 2011 [NHK11].
LAST_MILE_SOURCE: Final = {
    "phone": "[WEA] first phones 4 s, median 13 s: 4 s plus a lognormal of median 9 s, sigma 0.8",
    "tv": "[NHK11] 2.5 s: a lognormal of median 2.5 s, sigma 0.2",
}
_PHONE_FIRST_S, _PHONE_MEDIAN_S, _PHONE_SIGMA = 4.0, 9.0, 0.8
_TV_MEDIAN_S, _TV_SIGMA = 2.5, 0.2
#: Assumed shares, not measured ones: phones out of reach and TVs switched off; phones set to do-not-disturb.
PHONE_OFFLINE_SHARE: Final = 0.05
TV_OFF_SHARE: Final = 0.6
DO_NOT_DISTURB_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How each device behaves; columns have shape ``(n,)`` in the order of ``Devices``."""

    is_offline: npt.NDArray[np.bool_]
    is_do_not_disturb: npt.NDArray[np.bool_]
    #: From the device's connection to its screen.
    last_mile_s: FloatColumn

    @classmethod
    def of(cls, kind: CodeColumn, seed: int) -> "Behaviour":
        """Return the behaviour of devices of these kinds; the same seed gives the same."""
        rng = np.random.default_rng((seed, 0x1A57))
        n = len(kind)
        is_tv = np.asarray(kind) == DeviceKind.TV
        normal = rng.standard_normal(n, dtype=np.float32)
        phone_s = _PHONE_FIRST_S + _PHONE_MEDIAN_S * np.exp(_PHONE_SIGMA * normal)
        tv_s = _TV_MEDIAN_S * np.exp(_TV_SIGMA * normal)
        return cls(
            is_offline=rng.random(n, dtype=np.float32) < np.where(is_tv, TV_OFF_SHARE, PHONE_OFFLINE_SHARE),
            is_do_not_disturb=~is_tv & (rng.random(n, dtype=np.float32) < DO_NOT_DISTURB_SHARE),
            last_mile_s=np.where(is_tv, tv_s, phone_s).astype(np.float32),
        )

    def is_heard(self, level: CodeColumn) -> npt.NDArray[np.bool_]:
        """Return which devices sound or show an alert of these levels, shape ``(n,)``.

        Do-not-disturb is overridden by *critical* only; what is off stays off.
        """
        heard: npt.NDArray[np.bool_] = ~self.is_offline & (level != Level.NONE)
        heard &= ~self.is_do_not_disturb | (level == Level.CRITICAL)
        return heard

    def takes_over_screen(self, kind: CodeColumn, level: CodeColumn) -> npt.NDArray[np.bool_]:
        """Return which devices are TVs whose whole screen shows the alert, shape ``(n,)``."""
        takes: npt.NDArray[np.bool_] = self.is_heard(level) & (kind == DeviceKind.TV) & (level == Level.CRITICAL)
        return takes
