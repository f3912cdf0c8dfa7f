"""Which reports an endpoint wants to be told."""

from collections import OrderedDict
from collections.abc import Collection

from eew.bridges.webhook.webhook_event import level_of
from eew.contract.message import EventMessage
from eew.model.region_profile import Level
from eew.model.report import AlertStatus, ReportKind

__all__ = ["Interest"]

_N_EVENTS_KEPT = 1024


class Interest:
    """Decides by status and level; whoever was told of an event is told all that follows.

    Parameters
    ----------
    min_level
        The least level that must reach anybody.
    statuses
        What is wanted of actual, exercise and test.
    """

    def __init__(self, min_level: Level, statuses: Collection[AlertStatus]) -> None:
        self._min_level = min_level
        self._statuses = frozenset(statuses)
        self._told: OrderedDict[str, None] = OrderedDict()

    def wants(self, message: EventMessage) -> bool:
        """Return whether this report is to be told; if so, its event's further ones will be.

        A cancel is, even of an event that is not known here: it may have been told before a restart.
        """
        if message.event_id not in self._told:
            if message.status not in self._statuses:
                return False
            if message.kind is not ReportKind.CANCEL and level_of(message) < self._min_level:
                return False
        self._told[message.event_id] = None
        self._told.move_to_end(message.event_id)
        if len(self._told) > _N_EVENTS_KEPT:
            self._told.popitem(last=False)
        return True
