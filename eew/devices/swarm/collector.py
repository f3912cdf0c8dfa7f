"""Messages of many connections, gathered for some milliseconds: decoding a thousand costs little more than one."""

import asyncio
from collections.abc import Callable
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt

from eew.devices.swarm.subscriber_protocol import PacketRun

__all__ = ["Collector"]

#: Handed on at once when so many have come, or when none came for so long before.
N_AT_ONCE: Final = 1024
WAIT_S: Final = 0.01


class Collector:
    """Hands payloads on in the order they came, those of one length that follow each other as one array.

    The first message after a pause is handed on in the same turn of the loop: only a stream is gathered.

    Parameters
    ----------
    take
        Takes payloads of one length, shape ``(n, length)``.
    loop
        Whose time passes.
    """

    def __init__(self, take: Callable[[npt.NDArray[np.uint8]], None], loop: asyncio.AbstractEventLoop) -> None:
        self._take = take
        self._loop = loop
        self._payloads: list[npt.NDArray[np.uint8]] = []
        self._n_waiting = 0
        self._handed_on_s = -WAIT_S
        self._timer: asyncio.TimerHandle | None = None

    def add(self, run: PacketRun) -> None:
        """Gather one connection's messages."""
        self._payloads.append(run.payload)
        self._n_waiting += len(run)
        if self._n_waiting >= N_AT_ONCE:
            self.flush()
        elif self._timer is None:
            due_s = max(self._handed_on_s + WAIT_S, self._loop.time())
            self._timer = self._loop.call_at(due_s, self.flush)

    def flush(self) -> None:
        """Hand on what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._payloads, self._n_waiting = self._payloads, [], 0
        for _, alike in groupby(waiting, key=lambda payload: payload.shape[1]):
            parts = list(alike)
            self._take(parts[0] if len(parts) == 1 else np.concatenate(parts))
        self._handed_on_s = self._loop.time()
