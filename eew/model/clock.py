"""Where the time comes from: the machine's clock, or one that a test moves by hand."""

import asyncio
import heapq
import itertools
import time
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """A monotonic clock one can wait on."""

    def mono_s(self) -> float:
        """Return seconds since some fixed instant; never goes back."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Wait that long; cancelled like any coroutine."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def mono_s(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        """Wait that long."""
        await asyncio.sleep(delay_s)


class ManualClock:
    """A clock that stands still until ``advance``; sleepers wake in the order of their time."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []

    def mono_s(self) -> float:
        """Return where the clock stands."""
        return self._now_s

    @property
    def n_sleeping(self) -> int:
        """How many wait on this clock."""
        return len(self._sleepers)

    async def sleep(self, delay_s: float) -> None:
        """Wait until the clock was moved that far."""
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        entry = (self._now_s + delay_s, next(self._order), woken)
        heapq.heappush(self._sleepers, entry)
        try:
            await woken.wait()
        finally:
            if entry in self._sleepers:
                self._sleepers.remove(entry)
                heapq.heapify(self._sleepers)

    async def advance(self, by_s: float) -> None:
        """Move the clock, waking every sleeper at its own instant and letting it run before the next."""
        until_s = self._now_s + by_s
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= until_s:
            at_s, _, woken = heapq.heappop(self._sleepers)
            self._now_s = at_s
            woken.set()
            await _settle()
        self._now_s = until_s
        await _settle()


async def _settle(n_turns: int = 20) -> None:
    """Give the loop enough turns for what was woken to reach its next wait."""
    for _ in range(n_turns):
        await asyncio.sleep(0)
