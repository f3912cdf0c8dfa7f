"""One event as a device knows it: the newest messages of each kind, and what its place makes of them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

import msgspec

from eew.client.on_device_estimate import all_profiles, formula_of, on_device_estimate, profile_of
from eew.client.rules import Outcome, rank, solution_of
from eew.client.shelter import nearest_shelter, shelter_id
from eew.client.shown_alert import OwnAlert
from eew.contract.alert_signal import Signal, signal_of
from eew.contract.message import CellAlert, DeviceAlert, EventMessage, ShelterReference
from eew.model.region_profile import Level, Profile
from eew.model.report import ReportKind
from eew.model.units import seconds_after
from eew.physics.earth import epicentral_km
from eew.physics.travel_time_at_place import TravelTimes, travel_times

__all__ = ["DevicePlace", "KnownEvent", "Message"]

Message = EventMessage | CellAlert | DeviceAlert


@dataclass(frozen=True, slots=True)
class DevicePlace:
    """Where a device is, and its region profile."""

    at: tuple[float, float] | None
    #: ``None``: the one that goes with an event's scale.
    profile: Profile | None
    #: ``None``: the profile's.
    table: TravelTimes | None

    @classmethod
    def of(cls, at: tuple[float, float] | None, profile: Profile | None, table: TravelTimes | None) -> Self:
        """Return a place with which everything can be worked out; raises as ``Client`` says."""
        if at is not None and not (-90 <= at[0] <= 90 and -180 <= at[1] <= 180):
            raise ValueError(f"{at!r} is no latitude and longitude in degrees")
        if profile is not None:
            formula_of(profile)
            table = table or travel_times(profile.travel_times)
        elif at is not None:
            # Read now what any event may need: not when the ground is about to shake.
            for each in all_profiles():
                travel_times(each.travel_times)
        return cls(at, profile, table)


@dataclass(frozen=True, slots=True)
class _OwnEstimate:
    """What does not change from second to second."""

    level: Level
    intensity: float | None
    scale: str
    #: After ``origin_at``.
    origin_at: datetime | None = None
    p_arrival_s: float | None = None
    s_arrival_s: float | None = None
    epicentral_km: float | None = None
    shelter: ShelterReference | None = None


@dataclass(slots=True)
class KnownEvent:
    """The newest messages of one event."""

    _event: EventMessage | None = field(default=None, init=False)
    _cell: CellAlert | None = field(default=None, init=False)
    _device: DeviceAlert | None = field(default=None, init=False)
    #: Of the last cancel; 0 before it.
    _cancel_rank: int = field(default=0, init=False)
    #: How loud it was when it was cancelled; ``None`` where nothing was known before.
    _cancelled_level: Level | None = field(default=None, init=False)
    _own: _OwnEstimate | None = field(default=None, init=False)

    @property
    def newest(self) -> Message:
        """Of the highest rank; the event's own message before an alert of the same report."""
        return max((each for each in (self._event, self._cell, self._device) if each is not None), key=rank)

    def learn(self, message: Message, place: DevicePlace) -> Outcome:
        """Keep a message if it is news.

        An alert is sent again only where it changes, so each kind need be newer than its own kind only; but nothing
        of before a cancel counts after it.
        """
        same: Message | None
        if isinstance(message, EventMessage):
            same = self._event
        else:
            same = self._cell if isinstance(message, CellAlert) else self._device
        known_rank = 0 if same is None else rank(same)
        if rank(message) < max(known_rank, self._cancel_rank):
            return Outcome.OLDER
        if rank(message) == known_rank:
            return Outcome.DUPLICATE
        if message.kind is ReportKind.CANCEL and rank(message) > self._cancel_rank:
            self._cancelled_level = self._level(place)
            self._cancel_rank = rank(message)
            # The alerts before a cancel no longer count.
            self._cell = self._device = None
        if isinstance(message, EventMessage):
            self._event = message
        elif isinstance(message, CellAlert):
            self._cell = message
        else:
            self._device = message
        self._own = None
        return Outcome.TAKEN

    def alert_at(self, now_at: datetime, place: DevicePlace, *, is_verified: bool) -> OwnAlert:
        """Return what there is to show at an instant of the event's time."""
        newest, own = self.newest, self._owned(place)
        passed_s = 0.0 if own.origin_at is None else seconds_after(now_at, own.origin_at)
        alert = self._newest_alert
        return OwnAlert(
            event_id=newest.event_id,
            report_no=newest.report_no,
            kind=newest.kind,
            status=newest.status,
            level=own.level.word,
            intensity=own.intensity,
            scale=own.scale,
            p_in_s=None if own.p_arrival_s is None else own.p_arrival_s - passed_s,
            s_in_s=None if own.s_arrival_s is None else own.s_arrival_s - passed_s,
            epicentral_km=own.epicentral_km,
            is_verified=is_verified,
            signal=self._signal(own.level),
            shelter=own.shelter,
            shelter_id=None if alert is None else shelter_id(alert),
            message=newest,
            event=self._event,
        )

    @property
    def _newest_alert(self) -> CellAlert | DeviceAlert | None:
        """The last alert to the device, or to its cell, that is not cancelled."""
        for alert in (self._device, self._cell):
            if alert is not None and alert.kind is not ReportKind.CANCEL:
                return alert
        return None

    def _level(self, place: DevicePlace) -> Level | None:
        """Return the alert level now; ``None`` where nothing is known."""
        if self._event is None and self._cell is None and self._device is None:
            return None
        return self._owned(place).level

    def _signal(self, level: Level) -> Signal | None:
        """Return how to make it felt: as the device's own alert says, else as the level asks."""
        word, alert = level.word, self._newest_alert
        if word == "none":
            return None
        signal = signal_of(word, self.newest.kind)
        if not isinstance(alert, DeviceAlert) or alert.instruction is None:
            return signal
        return Signal(
            alert.instruction,
            signal.vibration_ms if alert.vibration_ms is None else alert.vibration_ms,
            is_flashing=signal.is_flashing if alert.is_flashing is None else alert.is_flashing,
        )

    def _owned(self, place: DevicePlace) -> _OwnEstimate:
        if self._own is None:
            newest, alert = self.newest, self._newest_alert
            away_km = None
            if place.at is not None and newest.lat_deg is not None and newest.lon_deg is not None:
                away_km = epicentral_km(newest.lat_deg, newest.lon_deg, *place.at)
            shelter = None if alert is None else nearest_shelter(alert, place.at)
            self._own = replace(self._worked_out(place), epicentral_km=away_km, shelter=shelter)
        return self._own

    def _worked_out(self, place: DevicePlace) -> _OwnEstimate:
        """Return what the newest messages mean at a place."""
        newest, alert = self.newest, self._newest_alert
        if newest.kind is ReportKind.CANCEL:
            return _OwnEstimate(self._level_before(), None, newest.scale)
        if isinstance(alert, DeviceAlert):
            return _of_device(alert)
        own = None if self._is_silent(newest) else _estimated(newest, place)
        if own is None:
            return _OwnEstimate(Level.NONE, None, newest.scale)
        if alert is None or not self._has_fault(newest):
            return own
        # The core leaves a fault out: of its shaking the cell knows more.
        return replace(own, level=Level[alert.level.upper()], intensity=alert.intensity, scale=alert.scale)

    def _level_before(self) -> Level:
        """Return the alert level before the cancel: for a late subscriber, as the cancel itself says."""
        if self._cancelled_level is not None:
            return self._cancelled_level
        cancel = self._device or self._cell
        return Level.NONE if cancel is None else Level[cancel.level.upper()]

    def _is_silent(self, newest: Message) -> bool:
        """Return whether nobody is notified, and nothing may be estimated: not issued, or a hypocentre only assumed."""
        if not isinstance(newest, EventMessage):
            return False
        is_notified = self._cell is not None and rank(self._cell) == rank(newest)
        return newest.is_assumed or (not newest.radius_km_by_level and not is_notified)

    def _has_fault(self, newest: Message) -> bool:
        return any(
            each is not None and each.has_fault and rank(each) == rank(newest) for each in (self._event, self._cell)
        )


def _estimated(message: Message, place: DevicePlace) -> _OwnEstimate | None:
    """Return what a report is at a place, worked out there; ``None`` where nothing can be."""
    if place.at is None:
        return None
    profile = place.profile or profile_of(message.scale)
    try:
        solution = solution_of(message)
    except msgspec.ValidationError:
        return None
    estimate = on_device_estimate(*place.at, solution, profile, place.table or travel_times(profile.travel_times))
    if estimate is None:
        return None
    return _OwnEstimate(
        estimate.level, estimate.intensity, profile.scale, message.origin_at, estimate.p_arrival_s, estimate.s_arrival_s
    )


def _of_device(alert: DeviceAlert) -> _OwnEstimate:
    """Return what a device's own alert says."""
    p_arrival_s, s_arrival_s = (
        None if at is None or alert.origin_at is None else seconds_after(at, alert.origin_at)
        for at in (alert.p_arrival_at, alert.s_arrival_at)
    )
    return _OwnEstimate(
        Level[alert.level.upper()], alert.intensity, alert.scale, alert.origin_at, p_arrival_s, s_arrival_s
    )
