"""The messages of ``eew/v1`` as types: the JSON Schemas are made from these, and every reader decodes with them.

Version 1 may only grow. Readers ignore members they do not know.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from eew.contract.alert_signal import AlertLevel, Instruction
from eew.model.report import AlertStatus, EventReport, ReportKind, TopicWord
from eew.model.units import iso_utc

__all__ = [
    "MESSAGES",
    "AlertCore",
    "AlertLevel",
    "CellAlert",
    "Clock",
    "DeviceAlert",
    "EventMessage",
    "EventText",
    "HelpNumber",
    "InfoCard",
    "Receipt",
    "ShelterReference",
    "Status",
    "StatusState",
    "json_schemas",
    "payload_of",
]

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class AlertCore(msgspec.Struct, frozen=True, kw_only=True):
    """What one report says of its event, and the signature over it."""

    #: Version of the contract.
    v: Literal[1] = 1
    #: The earthquake; the same in all its reports.
    event_id: TopicWord
    #: Counted within the event; a cancel may bear the number of the report it takes back, and counts for more.
    report_no: Annotated[int, msgspec.Meta(ge=1, le=30000)]
    #: What the report does to its event.
    kind: ReportKind
    #: Whether it is meant: show ``exercise`` and ``test`` as such, always.
    status: AlertStatus
    #: The agency's report, in the event's own time.
    issued_at: Instant
    #: When the rupture began; null in a cancel.
    origin_at: Instant | None
    #: Epicentre; null in a cancel.
    lat_deg: float | None
    #: Epicentre; null in a cancel.
    lon_deg: float | None
    #: Of the focus, below sea level.
    depth_km: float | None
    #: As the agency gives it; null: unknown.
    magnitude: float | None
    #: From then on it is not to be shown.
    expires_at: Instant
    #: Which key signed: first eight hexadecimal digits of the SHA-256 of the public key.
    key_id: str
    #: Ed25519 over the twelve lines of the core, base64url without padding.
    signature: str


class ShelterReference(msgspec.Struct, frozen=True, kw_only=True):
    """A place to go to after the shaking; distance and bearing are from the device, absent in a cell alert."""

    #: In its catalogue.
    id: str
    #: As its catalogue writes it, cut at 48 bytes.
    name: str
    #: North.
    lat_deg: float
    #: East.
    lon_deg: float
    #: From the device, as the crow flies.
    distance_m: int | None = None
    #: From the device, clockwise from north.
    bearing_deg: Annotated[int, msgspec.Meta(ge=0, lt=360)] | None = None


class DeviceAlert(AlertCore, frozen=True, kw_only=True):
    """``alerts/device/{group}/{device_id}``: everything worked out for one device."""

    #: How loud: take over the screen, notify with sound, or be silent.
    level: AlertLevel
    #: What to do now; absent (compact alerts, old dispatchers): as ``wire.signal`` says for the level.
    instruction: Instruction | None = None
    #: Flash the screen and the lamp.
    is_flashing: bool | None = None
    #: Vibrate and rest in turn, ms; empty: not at all.
    vibration_ms: tuple[Annotated[int, msgspec.Meta(ge=1, le=10000)], ...] | None = None
    #: The device that it is for, as in the topic.
    device_id: str
    #: Expected at the device on ``scale``, cut (not rounded) to one decimal; null in a cancel.
    intensity: float | None
    #: What an intensity number means: ``jma``, ``mmi``, ``csis`` or ``cwa``.
    scale: str
    #: First, weak shaking at the device; null in a cancel.
    p_arrival_at: Instant | None
    #: Strong shaking at the device; null in a cancel.
    s_arrival_at: Instant | None
    #: The nearest one, for after the shaking; null: none known, or see ``shelter_id``.
    shelter: ShelterReference | None
    #: In place of ``shelter``, for devices that hold the catalogue (compact alerts).
    shelter_id: str | None = None
    #: Region and language of the help card, ``jp/ja``.
    info: str


class CellAlert(AlertCore, frozen=True, kw_only=True):
    """``alerts/cell/…``: one for all devices in a cell; intensity and arrivals are those of its most exposed point."""

    #: How loud at the cell's most exposed point; what a device works out for itself counts for more.
    level: AlertLevel
    #: What to do now; absent (compact alerts, old dispatchers): as ``wire.signal`` says for the level.
    instruction: Instruction | None = None
    #: Flash the screen and the lamp.
    is_flashing: bool | None = None
    #: Vibrate and rest in turn, ms; empty: not at all.
    vibration_ms: tuple[Annotated[int, msgspec.Meta(ge=1, le=10000)], ...] | None = None
    #: The digits of the topic as one word.
    cell: Annotated[str, msgspec.Meta(pattern="^[0-3]{1,16}$")]
    #: At the most exposed point on ``scale``, cut (not rounded) to one decimal; null in a cancel.
    intensity: float | None
    #: What an intensity number means: ``jma``, ``mmi``, ``csis`` or ``cwa``.
    scale: str
    #: First, weak shaking at the point nearest to the epicentre; null in a cancel.
    p_arrival_at: Instant | None
    #: Strong shaking at the point nearest to the epicentre; null in a cancel.
    s_arrival_at: Instant | None
    #: How much later the S wave arrives each km further from the epicentre.
    s_slowness_s_km: float | None
    #: The report has a finite fault, which the core leaves out: take the cell's level, not one of your own.
    has_fault: bool = False
    #: The nearest to the cell's middle, nearest first, for after the shaking.
    shelters: Annotated[tuple[ShelterReference, ...], msgspec.Meta(max_length=3)]
    #: In place of ``shelters``, nearest first, for devices that hold the catalogue (compact alerts).
    shelter_ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=3)] = ()
    #: Region and language of the help card, ``jp/ja``.
    info: str


class EventText(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of an event in one language; an exercise or a test says so first in each."""

    #: At most 90 characters, for the smallest screens.
    short: Annotated[str, msgspec.Meta(max_length=90)]
    #: At most 360 characters.
    long: Annotated[str, msgspec.Meta(max_length=360)]
    #: To be read aloud: words instead of signs and abbreviations.
    spoken: str


class EventMessage(AlertCore, frozen=True, kw_only=True):
    """``events/{event_id}``: the event as it stands."""

    #: Such as ``Mj`` or ``Mw``.
    magnitude_type: str | None
    #: The agency's name of the region, in its language.
    place: str | None
    #: What an intensity number means: ``jma``, ``mmi``, ``csis`` or ``cwa``.
    scale: str
    #: How far out each level reaches, km.
    radius_km_by_level: dict[str, float]
    #: Alerts by level in this report.
    n_alerts_by_level: dict[str, int]
    #: What is said of it to everybody, by language (BCP 47); without anybody's own seconds.
    texts: dict[str, EventText] = {}
    #: The agency only assumed the hypocentre: nothing may be worked out from it.
    is_assumed: bool = False
    #: The report has a finite fault, which the core leaves out.
    has_fault: bool = False


HelpPurpose = Literal[
    "emergency", "police", "fire", "ambulance", "medical", "rescue", "coast_guard", "message", "information", "support"
]


class HelpNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number to call."""

    #: Whom it is for.
    purpose: HelpPurpose
    #: As it is dialled: digits, ``#`` and ``*``.
    number: Annotated[str, msgspec.Meta(pattern=r"^[0-9#*+]{2,15}$")]
    #: Whom one reaches, in the card's language.
    name: str
    #: When to call it or how, in the card's language.
    note: str | None = None
    #: Where the number was read.
    source: str


class InfoCard(msgspec.Struct, frozen=True, kw_only=True):
    """``info/{region}/{lang}``: help that stands since before the earthquake, for devices to keep."""

    #: Version of the contract.
    v: Literal[1] = 1
    #: Country, as in ISO 3166 but in lower case; ``int`` for anywhere.
    region: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}$")]
    #: BCP 47.
    lang: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
    #: The card's heading.
    title: str
    #: The most urgent first.
    numbers: tuple[HelpNumber, ...]
    #: What to do now, by the alert's instruction code.
    instructions: dict[Instruction, str]
    #: Short sentences, in the order in which they are needed: when shaking has stopped, for the hurt, for the trapped.
    after_shaking: tuple[str, ...]
    #: For who is hurt.
    medical: tuple[str, ...]
    #: For who is trapped.
    rescue: tuple[str, ...]
    #: That this is a simulation and no warning service, in the card's language.
    notice: str


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay's time relates to the wall clock: event time = wall clock + ``offset_s``."""

    #: Add it to the wall clock to have the event's time.
    offset_s: float
    #: How many times faster than life; null: without waits.
    speed: float | None


StatusState = Literal["starting", "running", "stopped", "lost"]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """``status/{dispatcher_id}``: a heartbeat."""

    #: Version of the contract.
    v: Literal[1] = 1
    #: As in the topic.
    dispatcher_id: TopicWord
    #: Of the software.
    version: str
    #: ``lost`` is its last will: nobody said goodbye.
    state: StatusState
    #: Wall clock of the dispatcher.
    at: Instant
    #: Taken in since it started.
    n_reports: int
    #: Wall clock; null: nothing yet.
    last_dispatch_at: Instant | None
    #: Absent when the dispatcher lives in the present.
    clock: Clock | None
    #: The public keys alerts are signed with, base64url by key id.
    keys: dict[str, str]
    #: How each feed is, by its name: listening, silent, lost, …
    feeds: dict[str, str] = {}


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """``receipts/{group}``: a sampled device showed an alert."""

    #: Version of the contract.
    v: Literal[1] = 1
    #: Who tells.
    device_id: str
    #: As in the alert.
    event_id: TopicWord
    #: As in the alert.
    report_no: int
    #: As shown; in cell mode what the device worked out.
    level: AlertLevel
    #: Wall clock of the device.
    received_at: Instant
    #: False: the device is set not to disturb.
    is_shown: bool


#: Every payload of the contract, by the name of its schema.
MESSAGES: dict[str, type[msgspec.Struct]] = {
    "report": EventReport,
    "device-alert": DeviceAlert,
    "cell-alert": CellAlert,
    "event": EventMessage,
    "info": InfoCard,
    "status": Status,
    "receipt": Receipt,
}


def payload_of(message: msgspec.Struct) -> bytes:
    """Return a message as JSON, its instants in UTC with the milliseconds cut off: as ``sign.core_time`` signs them."""
    members = msgspec.structs.asdict(message)
    return msgspec.json.encode(
        {name: iso_utc(value) if isinstance(value, datetime) else value for name, value in members.items()}
    )


def json_schemas(types: Mapping[str, type[msgspec.Struct]] = MESSAGES) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema (draft 2020-12) of every type by its name."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: dialect | msgspec.json.schema(each) for name, each in types.items()}
