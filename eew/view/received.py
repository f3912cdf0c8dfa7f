"""What a swarm received, in words, as a table and as JSON."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.console import Console

from eew.devices.receiver import Counter
from eew.devices.swarm import Receipts
from eew.model import Level
from eew.view.grid import Column, Grid, print_grid, say

__all__ = ["counts_in_words", "print_reports", "reports_received"]

_LEVELS = (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE)
_COLUMNS = (
    Column("no", is_number=True),
    Column("kind"),
    Column("devices", is_number=True),
    Column("critical", is_number=True, falls=1),
    Column("active", is_number=True, falls=1),
    Column("passive", is_number=True, falls=1),
    Column("harmless", is_number=True, falls=3),
    Column("first s", is_number=True, falls=2),
    Column("span ms", is_number=True),
)
#: Why devices refuse alerts, in words.
_REFUSALS = {
    Counter.OLDER: "older",
    Counter.EXPIRED: "expired",
    Counter.UNVERIFIED: "not verified",
    Counter.UNREADABLE: "unreadable",
}


def counts_in_words(counts: Mapping[Counter, int]) -> str:
    """Return one line: delivered, duplicates, refused by reason."""
    refused = {word: counts[counter] for counter, word in _REFUSALS.items()}
    reasons = ", ".join(f"{n:,} {word}" for word, n in refused.items() if n)
    line = f"delivered {counts[Counter.TAKEN]:,}, duplicates {counts[Counter.DUPLICATE]:,}, refused "
    line += f"{sum(refused.values()):,}" + (f" ({reasons})" if reasons else "")
    if counts[Counter.UNAFFECTED]:
        line += f"; {counts[Counter.UNAFFECTED]:,} of the delivered harmless by the device's own reckoning"
    return line


def reports_received(receipts: Receipts, ready_mono_ns: int) -> list[dict[str, Any]]:
    """Return what was delivered of each event and report: events in the order in which they came, reports by number.

    Times are this machine's: the first reception after the swarm was ready, and how long after the first the last
    came. When an alert was sent is not known here.
    """
    reports: list[dict[str, Any]] = []
    order = np.argsort(receipts.lines["core_no"], kind="stable")
    lines = receipts.lines[order]
    edges = np.searchsorted(lines["core_no"], np.arange(len(receipts.cores) + 1))
    for (event_id, report_no, kind), first, end in zip(receipts.cores, edges[:-1], edges[1:], strict=True):
        mine = lines[first:end]
        if not len(mine):
            continue
        n_by_code = np.bincount(mine["level"], minlength=len(Level))
        first_ns, last_ns = int(mine["received_mono_ns"].min()), int(mine["received_mono_ns"].max())
        reports.append(
            {
                "event_id": event_id,
                "report_no": report_no,
                "kind": kind.value,
                "n_devices": len(np.unique(mine["device_row"])),
                "n_by_level": {level.word: int(n_by_code[level]) for level in _LEVELS},
                "n_unaffected": int(n_by_code[Level.NONE]),
                "first_s": round((first_ns - ready_mono_ns) / 1e9, 3),
                "spread_ms": round((last_ns - first_ns) / 1e6, 1),
            }
        )
    first_s: dict[str, float] = {}
    for report in reports:
        first_s[report["event_id"]] = min(report["first_s"], first_s.get(report["event_id"], math.inf))
    return sorted(reports, key=lambda report: (first_s[report["event_id"]], report["event_id"], report["report_no"]))


def print_reports(reports: list[dict[str, Any]], console: Console) -> None:
    """Print a table for each event, one line a report."""
    for event_id in dict.fromkeys(report["event_id"] for report in reports):
        grid = Grid(_COLUMNS, title=f"event {event_id}")
        for report in reports:
            if report["event_id"] == event_id:
                grid.add(
                    str(report["report_no"]),
                    report["kind"],
                    f"{report['n_devices']:,}",
                    *(f"{n:,}" for n in report["n_by_level"].values()),
                    f"{report['n_unaffected']:,}",
                    f"{report['first_s']:.1f}",
                    f"{report['spread_ms']:,.0f}",
                )
        print_grid(console, grid)
    say(console, "first s: after the devices were ready; span ms: from a report's first reception to its last")
