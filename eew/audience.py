"""Whom alerts are addressed to: every device, or every populated cell; and the nearest shelters of each."""

from dataclasses import dataclass

import numpy as np

from eew import cells
from eew.devices.layout import populated_cells
from eew.estimate.targets import Targets, nearest_point_deg
from eew.fanout.encode import CellEncoder, DeviceEncoder, Encoder, Wire
from eew.fanout.shelter_text import ShelterText, cell_shelters
from eew.fanout.slot import Bytes2D
from eew.model import AlertPlan, Cells, Devices, EventReport, Hazard, Shelters
from eew.shelter.nearest import nearest, nearest_k
from eew.units import seconds_after
from eew.wire.message import AlertCore

__all__ = ["CellAudience", "DeviceAudience", "Send"]

_SHELTERS_A_CELL = 3


@dataclass(frozen=True, slots=True)
class Send:
    """How alerts are sent."""

    qos: int
    version: int


def _wire(send: Send, core: AlertCore) -> Wire:
    expiry_s = max(1, int(seconds_after(core.expires_at, core.issued_at)))
    return Wire(qos=send.qos, version=send.version, expiry_s=expiry_s)


def _hazards(report: EventReport) -> int:
    """Return what a shelter must be marked for."""
    return Hazard.EARTHQUAKE | Hazard.TSUNAMI if report.tsunami else Hazard.EARTHQUAKE


class DeviceAudience:
    """One alert a device.

    Parameters
    ----------
    devices
        The population.
    shelters
        The catalogue.
    send
        How alerts are sent.
    """

    def __init__(self, devices: Devices, shelters: Shelters, send: Send) -> None:
        self._devices = devices
        self._shelters = shelters
        self._send = send
        self._targets = Targets.of(devices.lat_deg, devices.lon_deg)
        self._text_by_hazards: dict[int, ShelterText] = {}
        self._text(Hazard.EARTHQUAKE)

    def __len__(self) -> int:
        """How many devices."""
        return len(self._devices)

    def targets(self, report: EventReport) -> Targets:  # noqa: ARG002 - devices stay where they are
        """Return where the devices are."""
        return self._targets

    def encoder(self, plan: AlertPlan, core: AlertCore) -> Encoder:
        """Return what turns the plan into packets."""
        text = self._text(_hazards(plan.report))
        return DeviceEncoder(plan, core, self._devices, text, _wire(self._send, core))

    def _text(self, hazards: int) -> ShelterText:
        """Return the nearest shelter of each device as text; for tsunamis worked out when the first one comes."""
        if hazards not in self._text_by_hazards:
            columns = nearest(self._shelters, self._devices.lat_deg, self._devices.lon_deg, hazards=hazards)
            self._text_by_hazards[hazards] = ShelterText(self._shelters, columns)
        return self._text_by_hazards[hazards]


class CellAudience:
    """One alert a populated cell; parameters as of ``DeviceAudience``."""

    def __init__(self, devices: Devices, shelters: Shelters, send: Send) -> None:
        self.table: Cells = populated_cells(devices)
        self._shelters = shelters
        self._send = send
        self._text_by_hazards: dict[int, Bytes2D] = {}
        self._text(Hazard.EARTHQUAKE)

    def __len__(self) -> int:
        """How many cells."""
        return len(self.table)

    def targets(self, report: EventReport) -> Targets:
        """Return the point of each cell nearest to the epicentre."""
        if report.lat_deg is None or report.lon_deg is None:
            raise AssertionError("only a cancel has no epicentre")
        return Targets.of(*nearest_point_deg(self.table, report.lat_deg, report.lon_deg))

    def encoder(self, plan: AlertPlan, core: AlertCore) -> Encoder:
        """Return what turns the plan into packets."""
        return CellEncoder(plan, core, self.table, self._text(_hazards(plan.report)), _wire(self._send, core))

    def _text(self, hazards: int) -> Bytes2D:
        if hazards not in self._text_by_hazards:
            edges = cells.bounds(self.table.cell, self.table.level)
            lat_deg = (edges.south_deg + edges.north_deg) / 2
            lon_deg = (edges.west_deg + edges.east_deg) / 2
            rows = nearest_k(self._shelters, lat_deg, lon_deg, _SHELTERS_A_CELL, hazards=hazards).shelter_row
            self._text_by_hazards[hazards] = cell_shelters(self._shelters, np.asarray(rows))
        return self._text_by_hazards[hazards]
