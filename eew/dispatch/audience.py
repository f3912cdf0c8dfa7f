"""Whom alerts are addressed to: every device, or every populated cell; and the nearest shelters of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eew.contract.message import AlertCore
from eew.devices.swarm.layout import populated_cells
from eew.estimate.targets import Targets, farthest_point_deg, nearest_point_deg
from eew.fanout.encode import CellEncoder, DeviceEncoder, Encoder, Wire
from eew.fanout.shelter_text import ShelterIdText, ShelterMembers, ShelterText, cell_shelter_ids, cell_shelters
from eew.model.records import AlertPlan, Cells, Devices, EventReport, Hazard, Shelters, Solution
from eew.model.units import seconds_after
from eew.physics import cells
from eew.shelter.nearest import nearest, nearest_k

__all__ = ["CellAudience", "DeviceAudience", "Send", "audience_of"]

_SHELTERS_A_CELL = 3
_EARTHQUAKE, _TSUNAMI = int(Hazard.EARTHQUAKE), Hazard.EARTHQUAKE | Hazard.TSUNAMI


@dataclass(frozen=True, slots=True)
class Send:
    """How alerts are sent."""

    qos: int
    version: int
    payload: Literal["full", "compact"]

    @property
    def is_compact(self) -> bool:
        """Whether alerts carry only what a device must have at once."""
        return self.payload == "compact"


def _wire(send: Send, core: AlertCore) -> Wire:
    expiry_s = max(1, int(seconds_after(core.expires_at, core.issued_at)))
    return Wire(qos=send.qos, version=send.version, expiry_s=expiry_s, is_compact=send.is_compact)


def _hazards(report: EventReport) -> int:
    """Return what a shelter must be marked for."""
    return _TSUNAMI if report.tsunami else _EARTHQUAKE


def _by_hazards(shelters: Shelters, made: Callable[[int], ShelterMembers]) -> dict[int, ShelterMembers]:
    """Return what is made of the shelters for each hazard, now: the alert path only looks it up."""
    by_hazards = {_EARTHQUAKE: made(_EARTHQUAKE)}
    is_safe = (shelters.hazards & _EARTHQUAKE) != 0
    is_same = bool(((shelters.hazards[is_safe] & _TSUNAMI) == _TSUNAMI).all())
    by_hazards[_TSUNAMI] = by_hazards[_EARTHQUAKE] if is_same else made(_TSUNAMI)
    return by_hazards


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
        self._text_by_hazards = _by_hazards(shelters, self._text)

    def __len__(self) -> int:
        """How many devices."""
        return len(self._devices)

    def targets(self, solution: Solution) -> Targets:  # noqa: ARG002 - devices stay where they are
        """Return where the devices are."""
        return self._targets

    def far_targets(self, solution: Solution) -> None:
        """Return nothing: no device is more exposed at one side than at the other."""

    def encoder(self, plan: AlertPlan, core: AlertCore) -> Encoder:
        """Return what turns the plan into packets."""
        text = self._text_by_hazards[_hazards(plan.report)]
        return DeviceEncoder(plan, core, self._devices, text, _wire(self._send, core))

    def _text(self, hazards: int) -> ShelterMembers:
        """Return the nearest shelter of each device as text."""
        columns = nearest(self._shelters, self._devices.lat_deg, self._devices.lon_deg, hazards=hazards)
        return (ShelterIdText if self._send.is_compact else ShelterText)(self._shelters, columns)


class CellAudience:
    """One alert a populated cell; parameters as of ``DeviceAudience``."""

    def __init__(self, devices: Devices, shelters: Shelters, send: Send) -> None:
        self.table: Cells = populated_cells(devices)
        self._shelters = shelters
        self._send = send
        self._text_by_hazards = _by_hazards(shelters, self._text)

    def __len__(self) -> int:
        """How many cells."""
        return len(self.table)

    def targets(self, solution: Solution) -> Targets:
        """Return the point of each cell nearest to the epicentre."""
        return Targets.of(*nearest_point_deg(self.table, solution.lat_deg, solution.lon_deg))

    def far_targets(self, solution: Solution) -> Targets:
        """Return the point of each cell farthest from the epicentre."""
        return Targets.of(*farthest_point_deg(self.table, solution.lat_deg, solution.lon_deg))

    def encoder(self, plan: AlertPlan, core: AlertCore) -> Encoder:
        """Return what turns the plan into packets."""
        text = self._text_by_hazards[_hazards(plan.report)]
        return CellEncoder(plan, core, self.table, text, _wire(self._send, core))

    def _text(self, hazards: int) -> ShelterMembers:
        """Return the shelters nearest to the middle of each cell as text."""
        edges = cells.bounds(self.table.cell, self.table.level)
        lat_deg = (edges.south_deg + edges.north_deg) / 2
        lon_deg = (edges.west_deg + edges.east_deg) / 2
        rows = nearest_k(self._shelters, lat_deg, lon_deg, _SHELTERS_A_CELL, hazards=hazards).shelter_row
        return (cell_shelter_ids if self._send.is_compact else cell_shelters)(self._shelters, np.asarray(rows))


def audience_of(mode: str, devices: Devices, shelters: Shelters, send: Send) -> CellAudience | DeviceAudience:
    """Return whom alerts are addressed to in a mode."""
    make: type[CellAudience | DeviceAudience] = CellAudience if mode == "cell" else DeviceAudience
    return make(devices, shelters, send)
