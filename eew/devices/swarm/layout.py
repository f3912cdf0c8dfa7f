"""Which device hangs on which connection of which process, and what each subscribes to."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from eew.contract import topic
from eew.model.records import Cells, Devices
from eew.physics import cells
from eew.physics.quadkey import quadkey

__all__ = ["Mode", "RowRange", "Subscriptions", "populated_cells", "row_ranges", "topic_filters"]

Mode = Literal["device", "cell"]
Subscriptions = Literal["wildcard", "each"]


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows ``first`` to ``end`` of a population."""

    first: int
    end: int

    def __len__(self) -> int:
        """How many rows."""
        return self.end - self.first


def populated_cells(devices: Devices, level: int = topic.CELL_LEVEL) -> Cells:
    """Return the cells in which there are devices."""
    cell = cells.ancestor(devices.cell, cells.DEVICE_LEVEL, level)
    # In Morton order: where a cell differs from the one before, it begins.
    first_row = np.flatnonzero(np.concatenate(([True], cell[1:] != cell[:-1])))
    return Cells(level, cell[first_row], np.append(first_row, len(devices)).astype(np.int32))


def row_ranges(devices: Devices, n_ranges: int) -> list[RowRange]:
    """Return up to ``n_ranges`` ranges of about equal size; no topic group is in two of them."""
    groups = populated_cells(devices, topic.GROUP_LEVEL).first_row
    wanted = np.linspace(0, len(devices), n_ranges + 1)
    after = np.searchsorted(groups, wanted).clip(1, len(groups) - 1)
    is_nearer_before = wanted - groups[after - 1] <= groups[after] - wanted
    edges = np.unique(groups[after - is_nearer_before])
    return [RowRange(int(a), int(b)) for a, b in pairwise(edges.tolist())]


def topic_filters(devices: Devices, rows: RowRange, mode: Mode, subscriptions: Subscriptions) -> list[str]:
    """Return what the devices in ``rows`` subscribe to.

    A device alone on its connection subscribes to nothing but its own, whatever ``subscriptions`` says.
    """
    is_each = subscriptions == "each" or len(rows) == 1
    cell = devices.cell[rows.first : rows.end]
    if mode == "cell" and is_each:
        return [topic.cell_alert(quadkey(int(each), topic.CELL_LEVEL)) for each in _ancestors(cell, topic.CELL_LEVEL)]
    if is_each:
        ids = devices.id[rows.first : rows.end]
        return [topic.device_alert(topic.group_of(int(at)), each.decode()) for at, each in zip(cell, ids, strict=True)]
    digits = [quadkey(int(each), topic.GROUP_LEVEL) for each in _ancestors(cell, topic.GROUP_LEVEL)]
    return [topic.region_filter(each) if mode == "cell" else topic.group_filter(each) for each in digits]


def _ancestors(cell: npt.NDArray[np.uint32], level: int) -> list[int]:
    """Return the coarser cells that hold these, each once, ascending."""
    return [int(each) for each in np.unique(cells.ancestor(cell, cells.DEVICE_LEVEL, level))]
