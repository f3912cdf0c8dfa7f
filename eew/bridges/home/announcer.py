"""What is to be published of a place, and when: on a change, each second of a countdown, and as a sign of life."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import msgspec

from eew.bridges.home.discovery import EXPIRE_S, OFFLINE, ONLINE, Home
from eew.bridges.home.state import State, state
from eew.contract.message import AlertCore
from eew.view.countdown import Board

__all__ = ["HomeAnnouncer", "HomeMessage"]

_REPEAT_S = EXPIRE_S / 3


class HomeMessage(NamedTuple):
    """One message for the broker."""

    topic: str
    payload: bytes
    is_retained: bool


class HomeAnnouncer:
    """Knows what was said on one connection, and says what is new."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._is_discovered = False
        self._said_available: bool | None = None
        self._said: State | None = None
        self._said_at_s = 0.0

    @property
    def farewell(self) -> HomeMessage:
        """The message that all is unavailable: when it stops, and as the last will."""
        return HomeMessage(self._home.availability_topic, OFFLINE.encode(), is_retained=True)

    def messages(
        self, board: Board, wall_at: datetime, now_s: float, message_of: Callable[[str], AlertCore | None]
    ) -> list[HomeMessage]:
        """Return what is to be said now, in order.

        The state is not retained: an alert of the past must not be found by whoever comes later.

        Parameters
        ----------
        board, wall_at, message_of
            As for ``state``.
        now_s
            The same instant by a clock that never goes back, s.
        """
        home = self._home
        messages = []
        if not self._is_discovered:
            self._is_discovered = True
            messages.append(HomeMessage(home.discovery_topic, home.discovery(), is_retained=True))
        now = state(board, wall_at, message_of)
        # A dispatcher that ends does not end an alert: a notified device counts down by itself.
        is_available = now.is_shaking_expected or any(dispatcher.state == "running" for dispatcher in board.dispatchers)
        if is_available is not self._said_available:
            self._said_available = is_available
            word = ONLINE if is_available else OFFLINE
            messages.append(HomeMessage(home.availability_topic, word.encode(), is_retained=True))
        if now != self._said or now_s - self._said_at_s >= _REPEAT_S:
            self._said, self._said_at_s = now, now_s
            messages.append(HomeMessage(home.state_topic, msgspec.json.encode(now), is_retained=False))
        return messages
