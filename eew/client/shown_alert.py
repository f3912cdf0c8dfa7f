"""What a device shows, of one event at one instant."""

from dataclasses import dataclass

from eew.contract.alert_signal import Signal
from eew.contract.message import AlertCore, CellAlert, DeviceAlert, EventMessage, EventText, ShelterReference
from eew.contract.text import own_text
from eew.model.region_profile import LevelWord
from eew.model.report import AlertStatus, ReportKind

__all__ = ["OwnAlert"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAlert:
    """One event as it stands at an instant; ``None`` where nothing can be said."""

    event_id: str
    report_no: int
    kind: ReportKind
    #: An exercise must be marked as such wherever a person sees it.
    status: AlertStatus
    #: Of a cancel: the level until then.
    level: LevelWord
    #: On ``scale``.
    intensity: float | None
    scale: str
    #: From now; negative once it is past.
    p_in_s: float | None
    s_in_s: float | None
    epicentral_km: float | None
    #: A trusted key signed it; if not, nobody checked.
    is_verified: bool
    #: How to make it felt and seen; ``None`` where there is nothing to show.
    signal: Signal | None
    #: With distance and bearing from the device, where it knows its place.
    shelter: ShelterReference | None
    #: In its place, for devices that hold the catalogue (compact alerts).
    shelter_id: str | None
    #: The newest message as it came, and the event's own, with its name and texts.
    message: AlertCore
    event: EventMessage | None

    def text(self, language: str) -> EventText | None:
        """Return what to say now, in a language of ``eew.contract.text.LANGUAGES``; ``None`` where there is no alert.

        It counts down: ask anew for each drawing.
        """
        if self.level == "none":
            return None
        info = self.message.info if isinstance(self.message, CellAlert | DeviceAlert) else ""
        return own_text(
            language,
            level=self.level,
            kind=self.kind,
            status=self.status,
            s_in_s=self.s_in_s,
            intensity=self.intensity,
            scale=self.scale,
            place=None if self.event is None else self.event.place,
            magnitude=self.message.magnitude,
            shelter=self.shelter,
            region=info.partition("/")[0] or "int",
        )
