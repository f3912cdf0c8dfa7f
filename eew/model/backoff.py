"""How long to wait before something that failed is tried again: twice as long from try to try, up to a bound."""

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["HALF_TO_ONE_AND_A_HALF", "HALF_TO_WHOLE", "Backoff"]

#: Bounds of jitter, as factors of a wait: so that many who lost the same server do not come back in one instant.
HALF_TO_WHOLE, HALF_TO_ONE_AND_A_HALF = (0.5, 1.0), (0.5, 1.5)
#: From here on any wait is at its bound; a power of any size would overflow.
_MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with jitter. Keeps no state and waits for nothing: its user counts, on its own clock."""

    #: The wait after the first failure, without jitter, s.
    first_s: float
    #: The longest one, without jitter, s.
    longest_s: float
    #: The least and the largest factor that each wait is multiplied by at random.
    jitter: tuple[float, float] = (1.0, 1.0)

    def delay_s(self, n_waited: int, uniform: Callable[[], float] = random.random) -> float:
        """Return how long to wait now, s.

        Parameters
        ----------
        n_waited
            How many times it was waited before, since it last went well: 0 for the first wait.
        uniform
            Returns a number from 0 to 1, for the jitter.
        """
        low, high = self.jitter
        return min(self.first_s * 2.0 ** min(n_waited, _MOST_DOUBLINGS), self.longest_s) * (
            low + (high - low) * uniform()
        )
