"""What a subscriber makes of the messages it gets: message in, and what to show at any instant. No clock, no socket."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from eew import cells
from eew.geodesy import epicentral_km
from eew.model import Level, ReportKind
from eew.profile import load_profile
from eew.reckoning import OwnReckoning
from eew.units import seconds_after
from eew.view.countdown import Board, Felt, Heard, Seen
from eew.wire import topic
from eew.wire.message import AlertCore, CellAlert, EventMessage, Status
from eew.wire.sign import Verifier, core_of

__all__ = ["Watch"]

NumberT = TypeVar("NumberT", float, int)

#: Which region's practice a watcher takes where it is not told: the one whose intensities these are.
PROFILE_BY_SCALE = {"jma": "japan", "csis": "china", "cwa": "taiwan", "mmi": "global"}
#: More events or dispatchers than this are not kept; the event issued longest ago goes.
MOST_KEPT = 64
LONGEST_TEXT = 60
#: A replay of what happened three centuries ago or will then, s: beyond, there may be no such date.
LONGEST_OFFSET_S = 1e10

_STATUS = msgspec.json.Decoder(Status)
_EVENT = msgspec.json.Decoder(EventMessage)
_CELL = msgspec.json.Decoder(CellAlert)


@dataclass(slots=True)
class _Known:
    """The newest messages of one event; at least one is there."""

    event: EventMessage | None = None
    alert: CellAlert | None = None

    @property
    def newest(self) -> EventMessage | CellAlert:
        """Of the higher rank; the event's own message where both tell the same report."""
        both = [each for each in (self.event, self.alert) if each is not None]
        return max(both, key=_rank)


class Watch:
    """The state of one subscriber.

    Parameters
    ----------
    place
        Latitude and longitude, degrees, for which to count down; ``None`` for none.
    profile
        Name or file of the region profile to reckon with; ``None``: the one that goes with an event's scale.
    verifier
        Checks signatures; ``None``: they are not checked.
    """

    def __init__(self, place: tuple[float, float] | None, profile: str | None, verifier: Verifier | None) -> None:
        self._place = place
        self._profile = profile
        self._verifier = verifier
        self._cell = (
            "" if place is None else cells.quadkey(int(cells.cell_at(*place, topic.CELL_LEVEL)), topic.CELL_LEVEL)
        )
        self._known: dict[str, _Known] = {}
        self._statuses: dict[str, Status] = {}
        self._reckonings: dict[str, OwnReckoning] = {}
        self._n_refused = 0
        self._refusal: str | None = None
        self._n_unreadable = 0

    @property
    def is_checking(self) -> bool:
        """Whether signatures are checked."""
        return self._verifier is not None

    @property
    def topic_filters(self) -> list[str]:
        """What to subscribe to."""
        own_cell = [topic.cell_alert(self._cell)] if self._cell else []
        return [topic.status("+"), topic.event("+"), *own_cell]

    def take(self, where: str, payload: bytes) -> None:
        """Take one message; whatever came over the wire, nothing is raised.

        An empty payload only says that nothing is retained any more: what was shown stays until it expires.
        """
        if not payload:
            return
        try:
            if where.startswith(topic.status("")):
                self._hear(_STATUS.decode(payload))
            elif where.startswith(topic.event("")):
                self._learn(_EVENT.decode(payload))
            else:
                self._learn(_CELL.decode(payload))
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._n_unreadable += 1

    def board(self, wall_at: datetime) -> Board:
        """Return what to show at an instant of the wall clock; what has expired is left out."""
        shown = []
        for known in self._known.values():
            newest = known.newest
            now_at = wall_at + self._offset(newest.key_id)
            if now_at < newest.expires_at:
                shown.append(self._seen(known, newest, now_at))
        return Board(
            sorted(shown, key=_urgency),
            [
                Heard(status.dispatcher_id, status.state, status.clock is not None)
                for _, status in sorted(self._statuses.items())
            ],
            self._n_refused,
            self._refusal,
            self._n_unreadable,
        )

    def _hear(self, status: Status) -> None:
        """Follow a dispatcher's state, and its clock: a replay happens in the earthquake's time."""
        if status.clock is not None and abs(status.clock.offset_s) > LONGEST_OFFSET_S:
            self._n_unreadable += 1
        elif status.dispatcher_id in self._statuses or len(self._statuses) < MOST_KEPT:
            self._statuses[status.dispatcher_id] = status

    def _learn(self, message: EventMessage | CellAlert) -> None:
        """Keep a message that is newer than what is known, if it is to be believed."""
        if not self._is_sound(message):
            self._n_unreadable += 1
            return
        if not self._is_trusted(message):
            self._n_refused += 1
            self._refusal = (
                f"report {message.report_no} of {message.event_id}, not signed with a trusted key "
                f"(key {_printable(message.key_id)})"
            )
            return
        known = self._known.setdefault(message.event_id, _Known())
        is_event = isinstance(message, EventMessage)
        same = known.event if is_event else known.alert
        other = known.alert if is_event else known.event
        # The two kinds tell one report twice, in any order; of one kind, and than the other, older ones come too late.
        if (same is not None and _rank(message) <= _rank(same)) or (
            other is not None and _rank(message) < _rank(other)
        ):
            return
        if isinstance(message, EventMessage):
            known.event = message
        else:
            known.alert = message
        if len(self._known) > MOST_KEPT:
            del self._known[min(self._known, key=lambda event_id: self._known[event_id].newest.issued_at)]

    def _is_sound(self, message: EventMessage | CellAlert) -> bool:
        """Return whether a message says what it must, and is for us."""
        if isinstance(message, CellAlert) and message.cell != self._cell:
            return False
        if message.kind is ReportKind.CANCEL:
            return True
        if message.origin_at is None or message.lat_deg is None or message.lon_deg is None:
            return False
        return -90 <= message.lat_deg <= 90 and -180 <= message.lon_deg <= 180

    def _is_trusted(self, core: AlertCore) -> bool:
        if self._verifier is None:
            return True
        try:
            return self._verifier.verify(core.key_id, core_of(core), core.signature)
        except ValueError:
            # A number that is none cannot have been signed.
            return False

    def _offset(self, key_id: str) -> timedelta:
        """Return how far the event's time is from the wall clock, as the dispatcher that signs with this key says."""
        statuses = list(self._statuses.values())
        signing = [status for status in statuses if key_id in status.keys] or statuses
        if not signing:
            return timedelta(0)
        clock = max(signing, key=lambda status: status.at).clock
        return timedelta(seconds=0.0 if clock is None else clock.offset_s)

    def _seen(self, known: _Known, newest: EventMessage | CellAlert, now_at: datetime) -> Seen:
        event, alert = known.event, known.alert
        if alert is not None and _rank(alert) < _rank(newest):
            alert = None
        is_told = event is not None and _rank(event) == _rank(newest)
        name = None if event is None else event.place
        return Seen(
            event_id=newest.event_id,
            report_no=newest.report_no,
            kind=newest.kind,
            status=newest.status,
            rank=_rank(newest),
            issued_at=newest.issued_at,
            place=_coordinates(newest) if name is None else _printable(name),
            magnitude=newest.magnitude,
            magnitude_type=None if event is None or event.magnitude_type is None else _printable(event.magnitude_type),
            depth_km=newest.depth_km,
            is_verified=self._verifier is not None,
            felt=self._felt(known, newest, alert, now_at),
            radius_km_by_level=_by_level(event.radius_km_by_level) if event is not None and is_told else {},
            n_alerts_by_level=_by_level(event.n_alerts_by_level) if event is not None and is_told else {},
            shelter=None if alert is None else _shelter(alert),
        )

    def _felt(
        self, known: _Known, newest: EventMessage | CellAlert, alert: CellAlert | None, now_at: datetime
    ) -> Felt | None:
        """Return what the newest report means at the watcher's place."""
        if self._place is None or newest.kind is ReportKind.CANCEL:
            return None
        if newest.origin_at is None or newest.lat_deg is None or newest.lon_deg is None:
            raise AssertionError("such a message is not kept")
        away_km = float(epicentral_km(newest.lat_deg, newest.lon_deg, *self._place))
        nothing = Felt(away_km, "none", math.nan, newest.scale, math.nan, math.nan)
        if alert is None and known.event is not None and not known.event.radius_km_by_level:
            # Not issued, or its hypocentre is only assumed: nobody is told, and nothing may be worked out from it.
            return nothing
        reckoning = self._reckoning(newest.scale)
        try:
            reckoned = reckoning.reckon(newest)
        except msgspec.ValidationError:
            return nothing
        after_s = seconds_after(now_at, newest.origin_at)
        level, intensity = Level(int(reckoned.level[0])).word, float(reckoned.intensity[0])
        if alert is not None and alert.has_fault:
            level, intensity = alert.level, math.nan if alert.intensity is None else alert.intensity
        return Felt(
            away_km,
            level,
            intensity,
            reckoning.scale,
            float(reckoned.p_arrival_s[0]) - after_s,
            float(reckoned.s_arrival_s[0]) - after_s,
        )

    def _reckoning(self, scale: str) -> OwnReckoning:
        """Return what works out arrivals and shaking at the watcher's place."""
        if self._place is None:
            raise AssertionError("only for a place")
        name = self._profile or PROFILE_BY_SCALE.get(scale, "global")
        if name not in self._reckonings:
            lat_deg, lon_deg = self._place
            profile = load_profile(name)
            self._reckonings[name] = OwnReckoning([lat_deg], [lon_deg], profile, profile.travel_times)
        return self._reckonings[name]


def _rank(core: AlertCore) -> int:
    """Return what orders the messages of an event: a cancel may bear the number of the report it takes back."""
    return 2 * core.report_no + (core.kind is ReportKind.CANCEL)


def _urgency(seen: Seen) -> tuple[bool, int, float]:
    if seen.felt is None:
        return seen.is_cancelled, 0, -seen.issued_at.timestamp()
    return False, -Level[seen.felt.level.upper()], math.inf if math.isnan(seen.felt.s_in_s) else seen.felt.s_in_s


def _by_level(values: Mapping[str, NumberT]) -> dict[str, NumberT]:
    """Return the values of the levels we know, from the loudest."""
    words = (level.word for level in (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE))
    return {word: values[word] for word in words if word in values}


def _shelter(alert: CellAlert) -> str | None:
    """Return the nearest shelter's name, or its id where the alert says no more: a watcher holds no catalogue."""
    if alert.shelters:
        return _printable(alert.shelters[0].name)
    return f"id {_printable(alert.shelter_ids[0])}" if alert.shelter_ids else None


def _coordinates(core: AlertCore) -> str:
    if core.lat_deg is None or core.lon_deg is None:
        return "place unknown"
    north, east = "N" if core.lat_deg >= 0 else "S", "E" if core.lon_deg >= 0 else "W"
    return f"{abs(core.lat_deg):.2f}° {north} {abs(core.lon_deg):.2f}° {east}"


def _printable(text: str) -> str:
    """Return a text from the wire that a terminal may be shown: no control characters, no page of it."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:LONGEST_TEXT])
