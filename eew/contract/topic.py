"""The topics of ``eew/v1``: who writes what where is told in ``docs/topics.md``.

Cells stand in topics as quadkey digits, one topic level a digit, so a map region is an MQTT wildcard. A device topic
holds the first ``GROUP_LEVEL`` digits as one word: enough to spread devices over connections, too little to find one.
"""

from eew.physics.quadkey import DEVICE_LEVEL, quadkey

__all__ = [
    "CELL_LEVEL",
    "GROUP_LEVEL",
    "ROOT",
    "cap",
    "cell_alert",
    "device_alert",
    "event",
    "group_filter",
    "group_of",
    "info",
    "receipts",
    "region_filter",
    "reports",
    "status",
]

ROOT = "eew/v1"
#: About 39 km at the equator, 30 km in Japan.
GROUP_LEVEL = 10
#: The cells that alerts are addressed to in cell mode: about 10 km at the equator.
CELL_LEVEL = 12


def reports(source: str) -> str:
    """Return where a feed puts its reports."""
    return f"{ROOT}/reports/{source}"


def event(event_id: str) -> str:
    """Return where an event stands as it is known now."""
    return f"{ROOT}/events/{event_id}"


def cap(event_id: str) -> str:
    """Return where the same stands as CAP."""
    return f"{ROOT}/cap/{event_id}"


def info(region_and_language: str) -> str:
    """Return where the help card of ``jp/ja`` stands."""
    return f"{ROOT}/info/{region_and_language}"


def status(dispatcher_id: str) -> str:
    """Return where a dispatcher says that it lives."""
    return f"{ROOT}/status/{dispatcher_id}"


def receipts(group: str) -> str:
    """Return where sampled devices say that they showed an alert."""
    return f"{ROOT}/receipts/{group}"


def device_alert(group: str, device_id: str) -> str:
    """Return the topic of one device's alerts."""
    return f"{ROOT}/alerts/device/{group}/{device_id}"


def group_filter(group: str) -> str:
    """Return the filter for the device alerts of one group."""
    return f"{ROOT}/alerts/device/{group}/+"


def cell_alert(digits: str) -> str:
    """Return the topic of one cell's alerts."""
    return "/".join((ROOT, "alerts", "cell", *digits))


def region_filter(digits: str) -> str:
    """Return the filter for the alerts of all cells inside the one with these digits."""
    return f"{cell_alert(digits)}/#"


def group_of(cell: int) -> str:
    """Return the group of a cell of ``DEVICE_LEVEL``."""
    return quadkey(int(cell) >> 2 * (DEVICE_LEVEL - GROUP_LEVEL), GROUP_LEVEL)
