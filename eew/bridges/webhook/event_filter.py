"""Which reports an endpoint is notified of."""

from collections import OrderedDict
from collections.abc import Collection

from eew.bridges.webhook.webhook_event import level_of
from eew.contract.message import EventMessage
from eew.model.region_profile import Level
from eew.model.report import AlertStatus, ReportKind

__all__ = ["EventFilter"]

_N_EVENTS_KEPT = 1024


class EventFilter:
    """Decides by status and level; an endpoint notified of an event gets all its further reports.

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
        self._notified: OrderedDict[str, None] = OrderedDict()

    def wants(self, message: EventMessage) -> bool:
        """Return whether the endpoint is notified of this report; if so, also of the event's further ones.

        Of a cancel it is, even if the event is not known here: it may have been notified before a restart.
        """
        if message.event_id not in self._notified:
            if message.status not in self._statuses:
                return False
            if message.kind is not ReportKind.CANCEL and level_of(message) < self._min_level:
                return False
        self._notified[message.event_id] = None
        self._notified.move_to_end(message.event_id)
        if len(self._notified) > _N_EVENTS_KEPT:
            self._notified.popitem(last=False)
        return True
