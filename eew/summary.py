"""The outcome of a run: who was told, when, and who was late because of the dispatch.

Everything is reckoned from what the dispatcher wrote down (plans, and when their parts were handed over) and what the
devices wrote down (receipts). A latency is in real seconds; a device's delivery time is its report's issue time plus
its measured latency.
"""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eew.decision.sequence import Verdict
from eew.devices.behaviour import LAST_MILE_SOURCE, Behaviour
from eew.devices.receiver import Counter
from eew.devices.swarm import Receipts
from eew.errors import ConservationError
from eew.model import Cells, Delivery, DeviceKind, Devices, EventReport, Level, ReportKind
from eew.people import LEVELS, People, follow_people
from eew.units import seconds_after

__all__ = ["Dispatched", "check_conservation", "percentiles", "summarise"]

_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9, "max": 100.0}
_WARNING_PERCENTILES = {"p5": 5.0, "p50": 50.0, "p95": 95.0}
_REFUSALS = (Counter.OLDER, Counter.EXPIRED, Counter.UNVERIFIED)


@dataclass(frozen=True, slots=True)
class Dispatched:
    """One report, as the dispatcher handled it; monotonic seconds."""

    report: EventReport
    verdict: Verdict
    received_mono_s: float
    decided_mono_s: float
    #: ``None`` for a report that was not acted on.
    delivery: Delivery | None


@dataclass(frozen=True, slots=True)
class _Matched:
    """The receipts of one report, beside what was sent."""

    dispatched: Dispatched
    delivery: Delivery
    lines: npt.NDArray[np.void]
    #: For each line: seconds from report to handing over, and from report to the device.
    sent_s: npt.NDArray[np.float64]
    received_s: npt.NDArray[np.float64]
    n_expected: int


def summarise(
    dispatched: Sequence[Dispatched],
    receipts: Receipts,
    devices: Devices,
    *,
    cells: Cells | None,
    seed: int,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the run summary as it is written to JSON.

    Parameters
    ----------
    dispatched
        All reports that came in, in their order.
    receipts
        What the devices took.
    devices
        The population.
    cells
        The populated cells where alerts were addressed to cells, else ``None``.
    seed
        For what is simulated on top: last mile, do-not-disturb, devices that are off.
    facts
        What else stands at the top: scenario, mode, qos, speed, broker, machine.
    """
    matched = _match(dispatched, receipts, len(devices), cells)
    people = follow_people(
        [
            (each.dispatched.report, each.delivery.plan, each.lines, each.received_s)
            for each in matched
            if each.dispatched.report.kind is not ReportKind.CANCEL
        ],
        len(devices),
        cells,
    )
    n_expected = sum(each.n_expected for each in matched)
    n_taken = sum(len(each.lines) for each in matched)
    n_refused = sum(receipts.counts[each] for each in _REFUSALS)
    n_delivered = min(n_taken + n_refused, n_expected)
    ignored = Tally(each.verdict.value for each in dispatched if each.delivery is None)
    return dict(facts) | {
        "n_devices": len(devices),
        "n_devices_by_kind": {kind.name.lower(): int((devices.kind == kind).sum()) for kind in DeviceKind},
        "reports": [_report_line(each) for each in matched],
        "reports_ignored": dict(ignored),
        "conservation": _conservation(matched),
        "delivery": {
            "expected": n_expected,
            "delivered": n_delivered,
            "lost": n_expected - n_delivered,
            "duplicated": receipts.counts[Counter.DUPLICATE],
            "refused": {each.name.lower(): receipts.counts[each] for each in _REFUSALS},
            "unreadable": receipts.counts[Counter.UNREADABLE],
        },
        "latency_ms": _latencies(matched),
        "warning_s": _warnings(people),
        "outcome": people.outcome(),
        "simulated": _simulated(people, devices, seed),
    }


def check_conservation(summary: Mapping[str, Any]) -> None:
    """Raise ``ConservationError`` unless what was selected and what was expected is all accounted for."""
    counts = summary["conservation"]
    accounted = counts["sent"] + counts["superseded"] + counts["expired"] + counts["failed"]
    if counts["selected"] != accounted:
        raise ConservationError(
            f"selected {counts['selected']} ≠ sent {counts['sent']} + superseded {counts['superseded']} "
            f"+ expired {counts['expired']} + failed {counts['failed']}"
        )
    delivery = summary["delivery"]
    if delivery["delivered"] + delivery["lost"] != delivery["expected"] or delivery["lost"] < 0:
        raise ConservationError(
            f"expected {delivery['expected']} ≠ delivered {delivery['delivered']} + lost {delivery['lost']}"
        )


def percentiles(values: npt.NDArray[np.floating], wanted: Mapping[str, float], digits: int) -> dict[str, float | None]:
    """Return percentiles by name, ``None`` where there are no values."""
    if not len(values):
        return dict.fromkeys(wanted)
    found = np.percentile(values, list(wanted.values()))
    return {name: round(float(value), digits) for name, value in zip(wanted, found, strict=True)}


def _match(dispatched: Sequence[Dispatched], receipts: Receipts, n_devices: int, cells: Cells | None) -> list[_Matched]:
    """Put the receipts of each report beside its plan."""
    lines_by_core = _lines_by_core(receipts)
    matched = []
    for each in dispatched:
        if each.delivery is None:
            continue
        # A cancel that reuses the last number shares its receipts' key: its lines have no S arrival.
        is_cancel = each.report.kind is ReportKind.CANCEL
        lines = lines_by_core.get((each.report.event_id, each.report.report_no), receipts.lines[:0])
        lines = lines[np.isnan(lines["s_arrival_s"]) == is_cancel]
        handed_s = np.full(n_devices, np.nan)
        n_expected = 0
        for part in each.delivery.sent:
            for rows in _device_rows(each.delivery.plan.target_row[part.start : part.end], cells):
                handed_s[rows] = part.at_mono_s - each.received_mono_s
                n_expected += (rows.stop - rows.start) if isinstance(rows, slice) else len(rows)
        received_s = lines["received_mono_ns"] / 1e9 - each.received_mono_s
        matched.append(_Matched(each, each.delivery, lines, handed_s[lines["device_row"]], received_s, n_expected))
    return matched


def _lines_by_core(receipts: Receipts) -> dict[tuple[str, int], npt.NDArray[np.void]]:
    order = np.argsort(receipts.lines["core_no"], kind="stable")
    lines = receipts.lines[order]
    edges = np.searchsorted(lines["core_no"], np.arange(len(receipts.cores) + 1))
    return {core: lines[edges[i] : edges[i + 1]] for i, core in enumerate(receipts.cores)}


def _device_rows(target_row: npt.NDArray[np.int32], cells: Cells | None) -> list[slice | npt.NDArray[np.int32]]:
    """Return the devices behind targets."""
    if cells is None:
        return [target_row]
    return [slice(int(cells.first_row[row]), int(cells.first_row[row + 1])) for row in target_row]


def _report_line(each: _Matched) -> dict[str, Any]:
    report, delivery = each.dispatched.report, each.delivery
    received = each.dispatched.received_mono_s
    sent = [part.at_mono_s - received for part in delivery.sent]
    return {
        "event_id": report.event_id,
        "report_no": report.report_no,
        "kind": report.kind.value,
        "issued_s": None if report.origin_at is None else round(seconds_after(report.issued_at, report.origin_at), 3),
        "magnitude": report.magnitude,
        "n_selected": len(delivery.plan),
        "n_selected_by_level": delivery.plan.n_by_level(),
        "n_sent": delivery.n_sent,
        "radius_km_by_level": dict(delivery.plan.radius_km_by_level),
        "decide_ms": round(1000 * (each.dispatched.decided_mono_s - received), 3),
        "first_sent_ms": round(1000 * min(sent), 3) if sent else None,
        "last_sent_ms": round(1000 * max(sent), 3) if sent else None,
    }


def _conservation(matched: Sequence[_Matched]) -> dict[str, int]:
    deliveries = [each.delivery for each in matched]
    return {
        "selected": sum(len(each.plan) for each in deliveries),
        "sent": sum(each.n_sent for each in deliveries),
        "superseded": sum(each.n_superseded for each in deliveries),
        "expired": sum(each.n_expired for each in deliveries),
        "failed": sum(each.n_failed for each in deliveries),
    }


def _latencies(matched: Sequence[_Matched]) -> dict[str, Any]:
    """Return percentiles of the measured latencies, each named by its two ends."""
    empty = np.empty(0)
    sent_s = np.concatenate([empty, *(each.sent_s for each in matched)])
    received_s = np.concatenate([empty, *(each.received_s for each in matched)])
    level = np.concatenate([empty, *(each.lines["level"] for each in matched)])
    by_level = {each.word: percentiles(received_s[level == each] * 1000, _PERCENTILES, 3) for each in LEVELS}
    return {
        "report_to_sent": percentiles(sent_s * 1000, _PERCENTILES, 3),
        "sent_to_device": percentiles((received_s - sent_s) * 1000, _PERCENTILES, 3),
        "report_to_device": percentiles(received_s * 1000, _PERCENTILES, 3),
        "by_level": by_level,
    }


def _warnings(people: People) -> dict[str, Any]:
    by_level = {each.word: percentiles(people.warning_s(each), _WARNING_PERCENTILES, 2) for each in LEVELS}
    return percentiles(people.warning_s(), _WARNING_PERCENTILES, 2) | {"by_level": by_level}


def _simulated(people: People, devices: Devices, seed: int) -> dict[str, Any]:
    """Return what would happen past the devices' connections: simulated, not measured."""
    behaviour = Behaviour.of(devices.kind, seed)
    n_heard = n_kept_quiet = n_offline = n_in_time = n_tv = 0
    for event in people.events.values():
        level = event.highest_level
        is_told = level != Level.NONE
        is_heard = behaviour.is_heard(level)
        n_heard += int(is_heard.sum())
        n_offline += int((is_told & behaviour.is_offline).sum())
        n_kept_quiet += int((is_told & ~is_heard & ~behaviour.is_offline).sum())
        n_in_time += int((is_heard & (event.delivered_s + behaviour.last_mile_s < event.s_arrival_s)).sum())
        n_tv += int(behaviour.takes_over_screen(devices.kind, level).sum())
    return {
        "last_mile_source": LAST_MILE_SOURCE,
        "heard_or_shown": n_heard,
        "kept_quiet_by_do_not_disturb": n_kept_quiet,
        "off_or_out_of_reach": n_offline,
        "heard_or_shown_before_s_wave": n_in_time,
        "tv_screens_taken_over": n_tv,
    }
