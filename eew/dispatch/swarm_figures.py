"""What a swarm received of whatever dispatcher: how late, how many a second, and before or after the S wave.

Open loop: a latency counts from the time of issue that the alert bears, not from when somebody came to sending it. It
is in real seconds on this machine's clock; across machines both clocks must be right.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eew.devices.swarm.clock_history import CoreIssue, issued_wall_s
from eew.devices.swarm.receiver import CoreKey, Counter
from eew.devices.swarm.swarm import Receipts
from eew.dispatch.latency import PERCENTILES, percentiles, rate_hz
from eew.dispatch.limit import figures_of
from eew.dispatch.people import LEVELS, Followed, People, follow_event
from eew.model.records import Level

__all__ = ["received", "received_figures"]

#: Devices worked on at once.
_CHUNK_ROWS = 1 << 20


@dataclass(frozen=True, slots=True)
class _Told:
    """One report, and who had it; columns have shape ``(n,)``, in ascending order of their devices."""

    core: CoreKey
    issue: CoreIssue
    #: On this machine's monotonic clock.
    issued_mono_s: float
    lines: npt.NDArray[np.void]
    received_s: npt.NDArray[np.float32]


def received(
    receipts: Receipts, n_devices: int, ready_mono_ns: int, wall_after_mono_s: float, n_expected: int | None
) -> dict[str, Any]:
    """Return what came, as it is written to JSON.

    Parameters
    ----------
    receipts
        What the devices took.
    n_devices
        How many there are.
    ready_mono_ns
        When all had subscribed, on the monotonic clock.
    wall_after_mono_s
        What the wall clock shows (seconds since 1970) when the monotonic clock shows 0.
    n_expected
        How many alerts devices should have had in time; ``None`` where nobody knows. Taken ones count, and those that
        a newer report had overtaken; what had expired or was signed by a stranger told nobody.
    """
    told = list(_told(receipts, wall_after_mono_s))
    none = np.empty(0, dtype=np.float32)
    latency_ms = 1000 * np.concatenate([none, *(each.received_s for each in told)])
    level = np.concatenate([none.astype(np.uint8), *(each.lines["level"] for each in told)])
    # Who had a newer report already was reached, and shows that one.
    n_delivered = receipts.counts[Counter.TAKEN] + receipts.counts[Counter.OLDER]
    spans_s = [(each.issued_mono_s, each.issued_mono_s + float(each.received_s.max())) for each in told]
    people = _people(told, n_devices).outcome()
    return {
        "delivery": {
            "expected": n_expected,
            "delivered": n_delivered,
            "lost": None if n_expected is None else max(n_expected - n_delivered, 0),
            "duplicated": receipts.counts[Counter.DUPLICATE],
        },
        "latency_ms": {
            "issue_to_device": percentiles(latency_ms, PERCENTILES, 3),
            "by_level": {each.word: percentiles(latency_ms[level == each], PERCENTILES, 3) for each in LEVELS},
        },
        "alerts_a_second": rate_hz(len(latency_ms), spans_s),
        # Who was not told is known to nobody but the dispatcher.
        "outcome": {name: people[name] for name in ("in_time", "late_by_physics", "late_by_dispatch")},
        "reports": _reports(told, ready_mono_ns),
    }


def received_figures(summary: dict[str, Any]) -> dict[str, float | None]:
    """Return what limits are judged by."""
    return figures_of(
        summary["latency_ms"]["issue_to_device"],
        summary["delivery"],
        summary["outcome"]["late_by_dispatch"],
        summary["alerts_a_second"],
    )


def _told(receipts: Receipts, wall_after_mono_s: float) -> Iterator[_Told]:
    for core, issue in zip(receipts.cores, receipts.issues, strict=True):
        lines = receipts.of_core(core)
        if len(lines):
            issued_mono_s = issued_wall_s(issue, receipts.clocks) - wall_after_mono_s
            # Nanoseconds of a clock that runs for years are whole in 64 bits, and not in a double.
            received_s = ((lines["received_mono_ns"] - round(issued_mono_s * 1e9)) / 1e9).astype(np.float32)
            yield _Told(core, issue, issued_mono_s, lines, received_s)


def _people(told: Sequence[_Told], n_devices: int) -> People:
    """Follow every event; who was told stands for who was chosen, since nobody here knows that."""
    people = People()
    for event_id in dict.fromkeys(each.core[0] for each in told):
        of_event = [each for each in told if each.core[0] == event_id]
        of_event.sort(key=lambda each: each.issued_mono_s)
        for first_row in range(0, n_devices, _CHUNK_ROWS):
            n_rows = min(_CHUNK_ROWS, n_devices - first_row)
            people.add(follow_event(_followed(of_event, first_row, n_rows), first_row, n_rows))
    return people


def _followed(of_event: Sequence[_Told], first_row: int, n_rows: int) -> Iterator[Followed]:
    for each in of_event:
        origin_at = each.issue.origin_at
        if origin_at is None:
            continue  # a cancel
        start, end = np.searchsorted(each.lines["device_row"], (first_row, first_row + n_rows))
        lines = each.lines[start:end]
        is_chosen = np.zeros(n_rows, dtype=bool)
        is_chosen[lines["device_row"] - first_row] = True
        yield Followed(each.issue, origin_at, is_chosen, lines, each.received_s[start:end])


def _reports(told: Sequence[_Told], ready_mono_ns: int) -> list[dict[str, Any]]:
    """Return what came of each event and report: events in the order in which they came, reports by number."""
    reports: list[dict[str, Any]] = []
    for each in told:
        event_id, report_no, kind = each.core
        n_by_code = np.bincount(each.lines["level"], minlength=len(Level))
        first_ns, last_ns = int(each.lines["received_mono_ns"].min()), int(each.lines["received_mono_ns"].max())
        reports.append(
            {
                "event_id": event_id,
                "report_no": report_no,
                "kind": kind.value,
                "status": each.issue.status.value,
                "n_devices": len(each.lines),
                "n_by_level": {level.word: int(n_by_code[level]) for level in LEVELS},
                "n_unaffected": int(n_by_code[Level.NONE]),
                # After the swarm was ready, and from the first reception to the last.
                "first_s": round((first_ns - ready_mono_ns) / 1e9, 3),
                "spread_ms": round((last_ns - first_ns) / 1e6, 1),
                "latency_ms": percentiles(1000 * each.received_s, PERCENTILES, 3),
            }
        )
    first_s: dict[str, float] = {}
    for report in reports:
        first_s[report["event_id"]] = min(report["first_s"], first_s.get(report["event_id"], math.inf))
    return sorted(reports, key=lambda report: (first_s[report["event_id"]], report["event_id"], report["report_no"]))
