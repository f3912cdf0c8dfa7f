"""The messages of ``eew/v1`` as types: the JSON Schemas are made from these, and every reader decodes with them.

Version 1 may only grow. Readers ignore members they do not know.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from eew.model import AlertStatus, EventReport, ReportKind, TopicWord
from eew.units import iso_utc

__all__ = [
    "MESSAGES",
    "AlertCore",
    "AlertLevel",
    "CellAlert",
    "Clock",
    "DeviceAlert",
    "EventMessage",
    "Receipt",
    "ShelterReference",
    "Status",
    "StatusState",
    "json_schemas",
    "payload_of",
]

AlertLevel = Literal["critical", "active", "passive"]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class AlertCore(msgspec.Struct, frozen=True, kw_only=True):
    """What one report says of its event, and the signature over it."""

    v: Literal[1] = 1
    event_id: TopicWord
    report_no: Annotated[int, msgspec.Meta(ge=1, le=30000)]
    kind: ReportKind
    status: AlertStatus
    issued_at: Instant
    origin_at: Instant | None
    lat_deg: float | None
    lon_deg: float | None
    depth_km: float | None
    magnitude: float | None
    expires_at: Instant
    key_id: str
    signature: str


class ShelterReference(msgspec.Struct, frozen=True, kw_only=True):
    """A place to go to after the shaking; distance and bearing are from the device, absent in a cell alert."""

    id: str
    name: str
    lat_deg: float
    lon_deg: float
    distance_m: int | None = None
    bearing_deg: Annotated[int, msgspec.Meta(ge=0, lt=360)] | None = None


class DeviceAlert(AlertCore, frozen=True, kw_only=True):
    """``alerts/device/{group}/{device_id}``: everything worked out for one device."""

    level: AlertLevel
    device_id: str
    #: Expected at the device on ``scale``, cut (not rounded) to one decimal; null in a cancel.
    intensity: float | None
    scale: str
    p_arrival_at: Instant | None
    s_arrival_at: Instant | None
    shelter: ShelterReference | None
    #: In place of ``shelter``, for devices that hold the catalogue (compact alerts).
    shelter_id: str | None = None
    info: str


class CellAlert(AlertCore, frozen=True, kw_only=True):
    """``alerts/cell/…``: one for all devices in a cell; intensity and arrivals are those of its most exposed point."""

    level: AlertLevel
    cell: Annotated[str, msgspec.Meta(pattern="^[0-3]{1,16}$")]
    intensity: float | None
    scale: str
    p_arrival_at: Instant | None
    s_arrival_at: Instant | None
    #: How much later the S wave arrives each km further from the epicentre.
    s_slowness_s_km: float | None
    #: The report has a finite fault, which the core leaves out: take the cell's level, not one of your own.
    has_fault: bool = False
    shelters: Annotated[tuple[ShelterReference, ...], msgspec.Meta(max_length=3)]
    #: In place of ``shelters``, nearest first, for devices that hold the catalogue (compact alerts).
    shelter_ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=3)] = ()
    info: str


class EventMessage(AlertCore, frozen=True, kw_only=True):
    """``events/{event_id}``: the event as it stands."""

    magnitude_type: str | None
    place: str | None
    scale: str
    #: How far out each level reaches, km.
    radius_km_by_level: dict[str, float]
    #: Alerts by level in this report.
    n_alerts_by_level: dict[str, int]


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay's time relates to the wall clock: event time = wall clock + ``offset_s``."""

    offset_s: float
    speed: float | None


StatusState = Literal["starting", "running", "stopped", "lost"]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """``status/{dispatcher_id}``: a heartbeat."""

    v: Literal[1] = 1
    dispatcher_id: TopicWord
    version: str
    state: StatusState
    at: Instant
    n_reports: int
    last_dispatch_at: Instant | None
    #: Absent when the dispatcher lives in the present.
    clock: Clock | None
    #: The public keys alerts are signed with, base64url by key id.
    keys: dict[str, str]
    #: How each feed is, by its name: listening, silent, lost, …
    feeds: dict[str, str] = {}


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """``receipts/{group}``: a sampled device showed an alert."""

    v: Literal[1] = 1
    device_id: str
    event_id: TopicWord
    report_no: int
    level: AlertLevel
    #: Wall clock of the device.
    received_at: Instant
    is_shown: bool


#: Every payload of the contract, by the name of its schema.
MESSAGES: dict[str, type[msgspec.Struct]] = {
    "report": EventReport,
    "device-alert": DeviceAlert,
    "cell-alert": CellAlert,
    "event": EventMessage,
    "status": Status,
    "receipt": Receipt,
}


def payload_of(message: msgspec.Struct) -> bytes:
    """Return a message as JSON, its instants in UTC with the milliseconds cut off: as ``sign.core_time`` signs them."""
    members = msgspec.structs.asdict(message)
    return msgspec.json.encode(
        {name: iso_utc(value) if isinstance(value, datetime) else value for name, value in members.items()}
    )


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema (draft 2020-12) of every message by its name."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: dialect | msgspec.json.schema(message) for name, message in MESSAGES.items()}
