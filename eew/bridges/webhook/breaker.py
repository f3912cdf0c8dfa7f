"""A circuit breaker: an endpoint that fails again and again is left alone for a while, then asked once."""

from typing import Literal

__all__ = ["Breaker", "BreakerState"]

BreakerState = Literal["closed", "open", "half-open"]


class Breaker:
    """Counts failures in a row. No clock: instants are handed in, s on any clock that never goes back.

    Parameters
    ----------
    most_failures
        So many in a row open it.
    open_s
        How long it then stays open; the first attempt after that is the probe.
    """

    def __init__(self, most_failures: int, open_s: float) -> None:
        self._most_failures = most_failures
        self._open_s = open_s
        self._n_failures = 0
        self._opens_until_s: float | None = None

    def state(self, now_s: float) -> BreakerState:
        """Return whether attempts are free, forbidden, or one is to be made as a probe."""
        if self._opens_until_s is None:
            return "closed"
        return "open" if now_s < self._opens_until_s else "half-open"

    @property
    def until_s(self) -> float:
        """From when on an attempt may be made; long ago if it is closed."""
        return float("-inf") if self._opens_until_s is None else self._opens_until_s

    def succeed(self) -> None:
        """Note that the endpoint answered."""
        self._n_failures = 0
        self._opens_until_s = None

    def fail(self, now_s: float) -> bool:
        """Note that it did not; return whether this opened the breaker, a failed probe included."""
        self._n_failures += 1
        if self._n_failures < self._most_failures:
            return False
        self._opens_until_s = now_s + self._open_s
        return True
