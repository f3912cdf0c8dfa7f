"""Alerts as PUBLISH packets, a batch at a time, written with numpy.

The payload is JSON (``wire.message``); what one report has in common, signature included, is encoded once.
"""

from typing import Protocol

import msgspec
import numpy as np

from eew.contract import topic
from eew.contract.alert_signal import level_members
from eew.contract.message import AlertCore, payload_of
from eew.fanout.fixed_width import Bytes2D, instants, padded, tenths, thousandths
from eew.fanout.publish_template import Batch, Choice, RecordTemplate, Slot
from eew.fanout.shelter_text import ShelterMembers
from eew.model.records import AlertPlan, Cells, Devices, Level
from eew.physics import cells

__all__ = ["CellEncoder", "DeviceEncoder", "Encoder", "Wire"]

_INSTANT_WIDTH, _INTENSITY_WIDTH, _SLOWNESS_WIDTH = 24, 4, 5


class Encoder(Protocol):
    """Turns positions in a plan into packets. Pure, so it may run in a thread."""

    def encode(self, start: int, end: int) -> Batch:
        """Return the packets of the alerts at ``start`` to ``end`` of the plan."""
        ...


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """How packets are written."""

    qos: int
    #: ``packet.V3`` or ``packet.V5``; with 5, expiry and user properties go into the packet too.
    version: int
    expiry_s: int
    #: Nothing that can be left out: no user properties, which repeat the payload, and no member that has its default.
    is_compact: bool = False

    def user_properties(self, core: AlertCore) -> tuple[tuple[str, str], ...]:
        """Return what a reader may sort by without parsing the payload."""
        return () if self.is_compact else (("event_id", core.event_id), ("report_no", str(core.report_no)))


class DeviceEncoder:
    """One alert a device.

    Parameters
    ----------
    plan
        Whose ``target_row`` are rows of ``devices``.
    core
        The signed part.
    devices
        The population.
    shelter
        What is said of each device's nearest shelter.
    wire
        How packets are written.
    """

    def __init__(self, plan: AlertPlan, core: AlertCore, devices: Devices, shelter: ShelterMembers, wire: Wire) -> None:
        self._plan = plan
        self._devices = devices
        self._shelter = shelter
        self._id = np.ascontiguousarray(devices.id).view(np.uint8).reshape(len(devices), devices.id.dtype.itemsize)
        self._templates: dict[int, RecordTemplate] = {}
        self._core = core
        self._wire = wire
        self._level = _level_members(core, wire)

    def encode(self, start: int, end: int) -> Batch:
        """Return the packets of the alerts at ``start`` to ``end`` of the plan."""
        plan = self._plan
        row = plan.target_row[start:end]
        ids = self._id.take(row, axis=0)
        group_cell = cells.ancestor(self._devices.cell.take(row), cells.DEVICE_LEVEL, topic.GROUP_LEVEL)
        columns = {
            "group": cells.digits(group_cell, topic.GROUP_LEVEL),
            "level": plan.level[start:end],
            **self._shelter.columns(row),
            **_arrival_columns(plan, start, end),
        }
        if ids[:, -1].all():
            return self._template(ids.shape[1]).fill(len(row), columns | {"id": ids})
        # Ids of several lengths: a shorter topic leaves room, which spaces fill, so every packet has one length.
        n_id = np.count_nonzero(ids, axis=1)
        data = np.empty((len(row), self._template(ids.shape[1]).n_bytes), dtype=np.uint8)
        id_at = np.zeros(len(row), dtype=np.intp)
        for width in np.unique(n_id).tolist():
            at = np.flatnonzero(n_id == width)
            template = self._template(width)
            part = {name: column[at] for name, column in columns.items()} | {"id": ids[at, :width]}
            data[at] = template.fill(len(at), part).data
            id_at[at] = template.id_at or 0
        return Batch(data, id_at if self._wire.qos else None)

    def _template(self, n_id: int) -> RecordTemplate:
        """Return the packet for ids of ``n_id`` bytes; all have the length of the longest."""
        if n_id not in self._templates:
            widest = self._id.shape[1]
            payload: list[bytes | Slot] = [
                payload_of(self._core)[:-1] + b',"level":',
                Choice("level", self._level.shape[1], self._level),
                b'"device_id":"',
                Slot("id", n_id),
                b'",',
                *_arrival_parts(self._plan),
                *self._shelter.parts,
                b',"info":' + msgspec.json.encode(self._plan.info) + b"}" + b" " * (2 * (widest - n_id)),
            ]
            self._templates[n_id] = RecordTemplate(
                [f"{topic.ROOT}/alerts/device/".encode(), Slot("group", topic.GROUP_LEVEL), b"/", Slot("id", n_id)],
                payload,
                qos=self._wire.qos,
                version=self._wire.version,
                expiry_s=self._wire.expiry_s,
                user_properties=self._wire.user_properties(self._core),
            )
        return self._templates[n_id]


class CellEncoder:
    """One alert a populated cell; each device works out its own arrival.

    Parameters
    ----------
    plan
        Whose ``target_row`` are rows of ``table``.
    core
        The signed part.
    table
        The populated cells.
    shelters
        What is said of the shelters of each cell.
    wire
        How packets are written.
    """

    def __init__(self, plan: AlertPlan, core: AlertCore, table: Cells, shelters: ShelterMembers, wire: Wire) -> None:
        self._plan = plan
        self._table = table
        self._shelters = shelters
        self._level = _level_members(core, wire)
        parts: list[bytes | Slot] = [f"{topic.ROOT}/alerts/cell".encode()]
        for i in range(table.level):
            parts += [b"/", Slot(f"digit{i}", 1)]
        payload: list[bytes | Slot] = [
            payload_of(core)[:-1] + b',"level":',
            Choice("level", self._level.shape[1], self._level),
            b'"cell":"',
            Slot("cell", table.level),
            b'",',
            *_arrival_parts(plan),
            b',"s_slowness_s_km":',
            Slot("slowness", _SLOWNESS_WIDTH) if plan.report.solution is not None else b"null",
            _fault_part(plan, wire),
            *shelters.parts,
            b',"info":' + msgspec.json.encode(plan.info) + b"}",
        ]
        self._template = RecordTemplate(
            parts,
            payload,
            qos=wire.qos,
            version=wire.version,
            expiry_s=wire.expiry_s,
            user_properties=wire.user_properties(core),
        )

    def encode(self, start: int, end: int) -> Batch:
        """Return the packets of the alerts at ``start`` to ``end`` of the plan."""
        plan = self._plan
        row = plan.target_row[start:end]
        digits = cells.digits(self._table.cell.take(row), self._table.level)
        columns = {
            "cell": digits,
            "level": plan.level[start:end],
            **self._shelters.columns(row),
            **_arrival_columns(plan, start, end),
        }
        columns |= {f"digit{i}": digits[:, i : i + 1] for i in range(self._table.level)}
        if plan.report.solution is not None:
            columns["slowness"] = thousandths(plan.s_slowness_s_km[start:end])
        return self._template.fill(len(row), columns)


def _level_members(core: AlertCore, wire: Wire) -> Bytes2D:
    """Return the value of ``level`` and the members that follow from it, a row a level; nobody is sent the first."""
    words = [word for level in Level if (word := level.word) != "none"]
    return padded([b"", *(level_members(word, core.kind, is_compact=wire.is_compact) for word in words)])


def _fault_part(plan: AlertPlan, wire: Wire) -> bytes:
    if plan.report.fault:
        return b',"has_fault":true'
    return b"" if wire.is_compact else b',"has_fault":false'


def _arrival_parts(plan: AlertPlan) -> list[bytes | Slot]:
    scale = b',"scale":' + msgspec.json.encode(plan.scale) + b","
    if plan.report.solution is None:
        return [b'"intensity":null' + scale + b'"p_arrival_at":null,"s_arrival_at":null']
    return [
        b'"intensity":',
        Slot("intensity", _INTENSITY_WIDTH),
        scale + b'"p_arrival_at":"',
        Slot("p_arrival", _INSTANT_WIDTH),
        b'","s_arrival_at":"',
        Slot("s_arrival", _INSTANT_WIDTH),
        b'"',
    ]


def _arrival_columns(plan: AlertPlan, start: int, end: int) -> dict[str, Bytes2D]:
    solution = plan.report.solution
    if solution is None:
        return {}
    return {
        "intensity": tenths(plan.intensity[start:end]),
        "p_arrival": instants(solution.origin_at, plan.p_arrival_s[start:end]),
        "s_arrival": instants(solution.origin_at, plan.s_arrival_s[start:end]),
    }
