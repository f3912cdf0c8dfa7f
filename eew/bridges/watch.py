"""What ``eew watch`` makes of the messages it gets: a device's ``Client``, with the board that a terminal shows."""

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from msgspec.structs import asdict

from eew.client import Client, Outcome, OwnAlert
from eew.client.rules import MOST_KEPT, rank
from eew.contract.message import AlertCore, EventText
from eew.contract.signature import Verifier
from eew.contract.text.length import clean
from eew.model.region_profile import Level
from eew.model.region_profile_file import load_profile
from eew.model.report import ReportKind
from eew.model.units import printable
from eew.physics.travel_time_at_place import CONSTANT_SPEEDS_KM_S, SHIPPED_NAMES, TravelTimes
from eew.view.countdown import Board, DispatcherStatus, LocalEstimate, Seen

__all__ = ["MOST_KEPT", "Watch"]

NumberT = TypeVar("NumberT", float, int)

LONGEST_TEXT = 60
_USELESS = {Outcome.UNREADABLE, Outcome.NOT_OURS}


class Watch:
    """The state of one subscriber.

    Parameters
    ----------
    place
        Latitude and longitude, degrees, for which to count down; ``None`` for none.
    profile
        Name or file of the region profile to estimate with; ``None``: the one that goes with an event's scale.
    verifier
        Checks signatures; ``None``: they are not checked.
    language
        Of ``eew.contract.text.LANGUAGES``, for alert texts; ``None`` for none.
    """

    def __init__(
        self,
        place: tuple[float, float] | None,
        profile: str | None,
        verifier: Verifier | None,
        language: str | None = None,
    ) -> None:
        region_profile = None if profile is None else load_profile(profile)
        self._client = Client(
            place,
            verifier,
            region_profile,
            travel_times=None if region_profile is None else _own_table(region_profile.travel_times),
        )
        self._has_place = place is not None
        self._language = language
        self._n_refused = 0
        self._n_unreadable = 0

    @property
    def is_checking(self) -> bool:
        """Whether signatures are checked."""
        return self._client.is_checking

    @property
    def topic_filters(self) -> list[str]:
        """What to subscribe to."""
        return self._client.topic_filters

    def take(self, where: str, payload: bytes) -> None:
        """Take one message; whatever came over the wire, nothing is raised.

        An empty payload only says that nothing is retained any more: what was shown stays until it expires.
        """
        outcome = self._client.take(where, payload)
        self._n_refused += outcome is Outcome.UNVERIFIED
        self._n_unreadable += outcome in _USELESS

    def message(self, event_id: str) -> AlertCore | None:
        """Return the newest message of an event as it came; the event's own where an alert is of the same report."""
        return self._client.message(event_id)

    def board(self, wall_at: datetime) -> Board:
        """Return what to show at an instant of the wall clock; what has expired is left out."""
        refused = self._client.refused
        return Board(
            [self._seen(alert) for alert in self._client.alerts(wall_at)],
            [
                DispatcherStatus(status.dispatcher_id, status.state, status.clock is not None)
                for status in self._client.statuses
            ],
            self._n_refused,
            None if refused is None else _refusal(refused),
            self._n_unreadable,
        )

    def _seen(self, alert: OwnAlert) -> Seen:
        message, event = alert.message, alert.event
        is_told = event is not None and rank(event) == rank(message)
        name = None if event is None else event.place
        return Seen(
            event_id=alert.event_id,
            report_no=alert.report_no,
            kind=alert.kind,
            status=alert.status,
            rank=rank(message),
            issued_at=message.issued_at,
            place=_coordinates(message) if name is None else _printable(name),
            magnitude=message.magnitude,
            magnitude_type=None if event is None or event.magnitude_type is None else _printable(event.magnitude_type),
            depth_km=message.depth_km,
            is_verified=alert.is_verified,
            local=self._local(alert),
            radius_km_by_level=_by_level(event.radius_km_by_level) if event is not None and is_told else {},
            n_alerts_by_level=_by_level(event.n_alerts_by_level) if event is not None and is_told else {},
            shelter=_shelter(alert),
            text=self._text(alert),
        )

    def _text(self, alert: OwnAlert) -> EventText | None:
        """Return what is said to the watcher: with the seconds where there is a place, else what is said to all."""
        if self._language is None:
            return None
        if self._has_place:
            text = alert.text(self._language)
        else:
            text = None if alert.event is None else alert.event.texts.get(self._language)
        return None if text is None else EventText(**{name: clean(words) for name, words in asdict(text).items()})

    def _local(self, alert: OwnAlert) -> LocalEstimate | None:
        """Return what the newest report means at the watcher's place."""
        if not self._has_place or alert.kind is ReportKind.CANCEL:
            return None
        away_km, intensity, p_in_s, s_in_s = (
            math.nan if value is None else value
            for value in (alert.epicentral_km, alert.intensity, alert.p_in_s, alert.s_in_s)
        )
        return LocalEstimate(away_km, alert.level, intensity, alert.scale, p_in_s, s_in_s)


def _own_table(name: str) -> TravelTimes | None:
    """Return travel times that a device cannot read by itself: a user's file in another format than ours."""
    if name in {*SHIPPED_NAMES, *CONSTANT_SPEEDS_KM_S} or Path(name).suffix == ".npz":
        return None
    from eew.physics.travel_time_table import TravelTimeTable

    return TravelTimeTable.load(name).for_one_place()


def _refusal(core: AlertCore) -> str:
    said = f"{core.status.mark}report {core.report_no} of {core.event_id}"
    return f"{said}, not signed with a trusted key (key {_printable(core.key_id)})"


def _by_level(values: Mapping[str, NumberT]) -> dict[str, NumberT]:
    """Return the values of the levels we know, from the highest."""
    words = (level.word for level in (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE))
    return {word: values[word] for word in words if word in values}


def _shelter(alert: OwnAlert) -> str | None:
    """Return the nearest shelter's name, or its id where the alert says no more: a watcher holds no catalogue."""
    if alert.shelter is not None:
        return _printable(alert.shelter.name)
    return None if alert.shelter_id is None else f"id {_printable(alert.shelter_id)}"


def _coordinates(core: AlertCore) -> str:
    if core.lat_deg is None or core.lon_deg is None:
        return "place unknown"
    north, east = "N" if core.lat_deg >= 0 else "S", "E" if core.lon_deg >= 0 else "W"
    return f"{abs(core.lat_deg):.2f}° {north} {abs(core.lon_deg):.2f}° {east}"


def _printable(text: str) -> str:
    """Return a text from the wire that a terminal may be shown: no control characters, no page of it."""
    return printable(text[:LONGEST_TEXT])
