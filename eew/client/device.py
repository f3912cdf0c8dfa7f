"""One device: messages in, and what to show at any instant. No clock, no socket."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from eew.client.dispatcher_clock import Clocks
from eew.client.event import DevicePlace, KnownEvent
from eew.client.rules import MOST_KEPT, Outcome, decoded, is_believed, is_expired, is_sound
from eew.client.shown_alert import OwnAlert
from eew.contract import topic
from eew.contract.message import AlertCore, CellAlert, DeviceAlert, EventMessage, InfoCard, Status
from eew.contract.signature import Verifier
from eew.model.region_profile import Level, Profile
from eew.model.report import ReportKind
from eew.physics.quadkey import quadkey_at
from eew.physics.travel_time_at_place import TravelTimes

__all__ = ["Client"]

#: The finest cell that a topic may name.
_FINEST_LEVEL = 16

_STATUS = msgspec.json.Decoder(Status)
_EVENT = msgspec.json.Decoder(EventMessage)
_CELL = msgspec.json.Decoder(CellAlert)
_DEVICE = msgspec.json.Decoder(DeviceAlert)
_INFO = msgspec.json.Decoder(InfoCard)


class Client:
    """What a device does with the messages it gets.

    Parameters
    ----------
    at
        Latitude and longitude of the device, degrees, which it sends to nobody; ``None``: nothing is worked out.
    keys
        The 32 public bytes of each key that is trusted, by key id, or what checks with them (several devices of one
        process may share it); ``None``: signatures are not checked.
    profile
        The region profile; ``None``: the one that goes with an event's scale.
    device_id
        Where the dispatcher knows the device: level, arrivals and shelter then come from its own alerts.
    languages
        Of the help cards to keep (BCP 47).
    travel_times
        ``None``: the profile's.

    Raises
    ------
    ValueError
        If the place is none on Earth, or a public key has not 32 bytes.
    InputError
        If nobody knows the profile's intensity model or travel times.
    """

    def __init__(
        self,
        at: tuple[float, float] | None = None,
        keys: Mapping[str, bytes] | Verifier | None = None,
        profile: Profile | None = None,
        *,
        device_id: str | None = None,
        languages: Sequence[str] = (),
        travel_times: TravelTimes | None = None,
    ) -> None:
        self._verifier = Verifier(keys) if isinstance(keys, Mapping) else keys
        self._place = DevicePlace.of(at, profile, travel_times)
        self._device_id = device_id
        self._languages = tuple(languages)
        self._digits = "" if at is None else quadkey_at(*at, _FINEST_LEVEL)
        self._known: dict[str, KnownEvent] = {}
        self._clocks = Clocks()
        self._cards: dict[str, InfoCard] = {}
        self._refused: AlertCore | None = None

    @property
    def is_checking(self) -> bool:
        """Whether signatures are checked."""
        return self._verifier is not None

    @property
    def topic_filters(self) -> list[str]:
        """What to subscribe to."""
        filters = [topic.status("+"), topic.event("+")]
        filters += [topic.info(f"+/{language}") for language in self._languages]
        if self._device_id is not None:
            filters.append(topic.device_alert(self._digits[: topic.GROUP_LEVEL] or "+", self._device_id))
        if self._digits:
            filters.append(topic.cell_alert(self._digits[: topic.CELL_LEVEL]))
        return filters

    @property
    def statuses(self) -> list[Status]:
        """The newest status of each dispatcher, by its id."""
        return self._clocks.statuses

    @property
    def cards(self) -> Mapping[str, InfoCard]:
        """The help cards by region and language, ``jp/ja``."""
        return self._cards

    @property
    def refused(self) -> AlertCore | None:
        """The last message that no trusted key had signed: not trusted, but to be shown as refused."""
        return self._refused

    def take(self, where: str, payload: bytes, wall_at: datetime | None = None) -> Outcome:
        """Take one message; whatever came over the wire, nothing is raised.

        Parameters
        ----------
        where
            The topic it came on.
        payload
            As it came. An empty one only says that nothing is retained any more: what is shown stays until it expires.
        wall_at
            What time it is, with a time zone; ``None``: whether the message has expired is not asked.
        """
        if not payload:
            return Outcome.NOTED
        if where.startswith(topic.status("")):
            status = decoded(_STATUS, payload)
            return Outcome.NOTED if status is not None and self._clocks.take(status) else Outcome.UNREADABLE
        if where.startswith(topic.info("")):
            return self._keep(decoded(_INFO, payload))
        message: EventMessage | CellAlert | DeviceAlert | None
        if where.startswith(topic.event("")):
            message = decoded(_EVENT, payload)
        elif where.startswith(f"{topic.ROOT}/alerts/cell/"):
            message = decoded(_CELL, payload)
        elif where.startswith(f"{topic.ROOT}/alerts/device/"):
            message = decoded(_DEVICE, payload)
        else:
            return Outcome.NOT_OURS
        return Outcome.UNREADABLE if message is None else self._learn(message, wall_at)

    def alerts(self, wall_at: datetime) -> list[OwnAlert]:
        """Return what there is to show at an instant of the wall clock, the most urgent first.

        What has expired is left out; cancelled events come last.
        """
        alerts = [
            known.alert_at(now_at, self._place, is_verified=self.is_checking)
            for known in self._known.values()
            if not is_expired(known.newest, now_at := self._clocks.now_at(wall_at, known.newest.key_id))
        ]
        return sorted(alerts, key=_urgency)

    def message(self, event_id: str) -> AlertCore | None:
        """Return the newest message of an event as it came; the event's own where several are of the same report."""
        known = self._known.get(event_id)
        return None if known is None else known.newest

    def _keep(self, card: InfoCard | None) -> Outcome:
        if card is None:
            return Outcome.UNREADABLE
        if card.lang not in self._languages:
            return Outcome.NOT_OURS
        name = f"{card.region}/{card.lang}"
        if name in self._cards or len(self._cards) < MOST_KEPT:
            self._cards[name] = card
        return Outcome.NOTED

    def _learn(self, message: EventMessage | CellAlert | DeviceAlert, wall_at: datetime | None) -> Outcome:
        """Keep a message that is newer than what is known, if it is to be believed."""
        if not self._is_ours(message):
            return Outcome.NOT_OURS
        if not is_sound(message):
            return Outcome.UNREADABLE
        if not is_believed(message, self._verifier):
            self._refused = message
            return Outcome.UNVERIFIED
        known = self._known.setdefault(message.event_id, KnownEvent())
        outcome = known.learn(message, self._place)
        if outcome is not Outcome.TAKEN:
            return outcome
        if len(self._known) > MOST_KEPT:
            del self._known[min(self._known, key=lambda event_id: self._known[event_id].newest.issued_at)]
        if wall_at is not None and is_expired(message, self._clocks.now_at(wall_at, message.key_id)):
            return Outcome.EXPIRED
        return outcome

    def _is_ours(self, message: EventMessage | CellAlert | DeviceAlert) -> bool:
        if isinstance(message, CellAlert):
            return self._digits.startswith(message.cell)
        return isinstance(message, EventMessage) or message.device_id == self._device_id


def _urgency(alert: OwnAlert) -> tuple[bool, int, float, float]:
    s_in_s = math.inf if alert.s_in_s is None else alert.s_in_s
    level = Level[alert.level.upper()]
    return alert.kind is ReportKind.CANCEL, -level, s_in_s, -alert.message.issued_at.timestamp()
