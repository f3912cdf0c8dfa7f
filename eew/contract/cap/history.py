"""What CAP messages an event has, so that each one names those it takes the place of."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime

from eew.contract.alert_signal import AlertLevel
from eew.contract.cap.area import AlertPolygon
from eew.contract.cap.cap_message import SENDER, CapMessage, CapPlace, MessageType, cap_time, written
from eew.contract.message import AlertCore, EventMessage, InfoCard
from eew.model.region_profile import Profile
from eew.model.report import ReportKind

__all__ = ["CapHistory"]


@dataclass(frozen=True, slots=True)
class _Said:
    """One message of an event."""

    identifier: str
    report_no: int
    issued_at: datetime
    expires_at: datetime
    is_cancel: bool
    #: Of the widest level; ``None`` in a cancel.
    reach: CapPlace | None

    @property
    def reference(self) -> str:
        """How a later message names it."""
        return f"{SENDER},{self.identifier},{cap_time(self.issued_at)}"


@dataclass(slots=True)
class CapHistory:
    """Writes each event's CAP messages in turn. Pure: no sockets, no clock.

    What a message refers to follows from the reports alone, so a dispatcher that starts anew and recalls those it acted
    on goes on with the same identifiers and references.
    """

    profile: Profile
    #: By language (BCP 47): where the instructions are taken from; without a card, from the alert texts.
    cards: Mapping[str, InfoCard]
    _said: dict[str, list[_Said]] = field(default_factory=dict, init=False)

    def message(
        self, event: EventMessage, polygons: Mapping[AlertLevel, AlertPolygon], likelihood: float | None = None
    ) -> CapMessage | None:
        """Return the next message of an event; the same once more where its report was recalled or written before.

        Parameters
        ----------
        event
            As it stands after a report that was acted on.
        polygons
            Where each level ends by this report; empty for a cancel. A level without a polygon reaches nobody.
        likelihood
            The report's own, 0 to 1: it can make the profile's certainty less, never more.

        Returns
        -------
        message
            ``None`` where there is nothing to say: the report notifies nobody, and what was said before stands until it
            expires, as on the devices; or a cancel has nothing to take back.
        """
        said = self._entered(event, polygons)
        if said is None:
            return None
        earlier = self._earlier(event.event_id, said)
        references, cancelled = self._referred(said, earlier)
        kind: MessageType = "Alert"
        if said.is_cancel:
            kind = "Cancel"
        elif references:
            kind = "Update"
        places: dict[AlertLevel, tuple[CapPlace, ...]] = {
            level: (self._place(event, polygon),) for level, polygon in polygons.items() if polygon.polygons
        }
        if said.is_cancel:
            reaches = dict.fromkeys(each.reach for each in cancelled if each.reach is not None)
            places = {"passive": tuple(reaches)}
        return written(
            event,
            said.identifier,
            kind,
            [each.reference for each in references],
            places,
            self.profile,
            self.cards,
            likelihood,
        )

    def recall(self, core: AlertCore | EventMessage, polygons: Mapping[AlertLevel, AlertPolygon]) -> None:
        """Note a report that was acted on before this history began, in the order of the reports."""
        self._entered(core, polygons)

    def keep(self, event_ids: AbstractSet[str]) -> None:
        """Forget all events but these: the ones of which there may be another report."""
        for event_id in self._said.keys() - event_ids:
            del self._said[event_id]

    def _entered(self, core: AlertCore, polygons: Mapping[AlertLevel, AlertPolygon]) -> _Said | None:
        """Return a report's place in its event, a new one at the end; ``None`` where it has none."""
        said = self._said.get(core.event_id, [])
        is_cancel = core.kind is ReportKind.CANCEL
        key = (core.report_no, core.issued_at, is_cancel)
        for each in said:
            if (each.report_no, each.issued_at, each.is_cancel) == key:
                return each
        reach: CapPlace | None = None
        if is_cancel:
            if all(each.is_cancel for each in said):
                return None
        else:
            widest = [polygons[level] for level in _WIDEST_FIRST if level in polygons and polygons[level].polygons]
            if not widest:
                return None
            reach = self._place(core, widest[0])
        entered = _Said(self._identifier(core, said), core.report_no, core.issued_at, core.expires_at, is_cancel, reach)
        self._said.setdefault(core.event_id, []).append(entered)
        return entered

    def _identifier(self, core: AlertCore, said: list[_Said]) -> str:
        """Return ``event-number``; a cancel may reuse the number of what it takes back, and numbers may restart."""
        plain = f"{core.event_id}-{core.report_no}" + ("-cancel" if core.kind is ReportKind.CANCEL else "")
        if all(each.identifier != plain for each in said):
            return plain
        return f"{plain}-at-{core.issued_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}"

    def _earlier(self, event_id: str, said: _Said) -> list[_Said]:
        history = self._said[event_id]
        return history[: history.index(said)]

    def _referred(self, said: _Said, earlier: list[_Said]) -> tuple[list[_Said], list[_Said]]:
        """Return the earlier messages that a receiver may still hold, and those of them that are taken back.

        A cancel names no other cancel, and the last alert even where it has expired: without any it would be invalid.
        """
        if said.is_cancel:
            earlier = [each for each in earlier if not each.is_cancel]
        held = [each for each in earlier if each.expires_at > said.issued_at]
        if said.is_cancel and not held:
            held = earlier[-1:]
        return held, held if said.is_cancel else []

    def _place(self, core: AlertCore, polygon: AlertPolygon) -> CapPlace:
        return CapPlace(polygon, core.place if isinstance(core, EventMessage) else None)


_WIDEST_FIRST: tuple[AlertLevel, ...] = ("passive", "active", "critical")
