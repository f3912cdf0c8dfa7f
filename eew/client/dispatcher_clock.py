"""What time it is for an event: dispatchers say in their status whether they live in the present or replay the past."""

from datetime import datetime, timedelta

from eew.client.rules import LONGEST_OFFSET_S, MOST_KEPT
from eew.contract.message import Status

__all__ = ["Clocks"]


class Clocks:
    """The newest status of each dispatcher, and the time it is by them."""

    def __init__(self) -> None:
        self._statuses: dict[str, Status] = {}

    @property
    def statuses(self) -> list[Status]:
        """The newest status of each dispatcher, by its id."""
        return [status for _, status in sorted(self._statuses.items())]

    def take(self, status: Status) -> bool:
        """Keep a status; return whether it was any use: there is no such date as some clocks say."""
        if status.clock is not None and abs(status.clock.offset_s) > LONGEST_OFFSET_S:
            return False
        if status.dispatcher_id in self._statuses or len(self._statuses) < MOST_KEPT:
            self._statuses[status.dispatcher_id] = status
        return True

    def now_at(self, wall_at: datetime, key_id: str) -> datetime:
        """Return the event's time at an instant of the wall clock, as the dispatcher that signs with a key says.

        Where none says that it does, the one heard last; where none was heard, the wall clock.
        """
        statuses = self._statuses.values()
        signing = [status for status in statuses if key_id in status.keys] or statuses
        if not signing:
            return wall_at
        clock = max(signing, key=lambda status: status.at).clock
        return wall_at if clock is None else wall_at + timedelta(seconds=clock.offset_s)
