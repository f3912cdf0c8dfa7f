"""The outcome of a run: who was told, when, and who was late because of the dispatch.

Everything is reckoned from what the dispatcher wrote down (plans, and when their parts were handed over) and what the
devices wrote down (receipts). A latency is in real seconds; a device's delivery time is its report's issue time plus
its measured latency.
"""

from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eew.decision.sequence import Verdict
from eew.devices.behaviour import LAST_MILE_SOURCE, Behaviour
from eew.devices.receiver import Counter
from eew.devices.swarm import Receipts
from eew.errors import ConservationError
from eew.model import Cells, Delivery, DeviceKind, Devices, EventReport, FloatColumn, Level, ReportKind
from eew.people import LEVELS, Followed, People, follow_event
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
    """The receipts of one report, beside what was sent; columns have shape ``(n,)``."""

    dispatched: Dispatched
    delivery: Delivery
    #: Which lines of the receipts.
    line_no: npt.NDArray[np.int32]
    #: Seconds from report to handing over (NaN where the broker did not confirm that), and from report to the device.
    sent_s: FloatColumn
    received_s: FloatColumn
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
    people = People(
        {
            event_id: follow_event(_followed(event_id, matched, receipts), len(devices), cells)
            for event_id in dict.fromkeys(each.dispatched.report.event_id for each in matched)
        }
    )
    n_expected = sum(each.n_expected for each in matched)
    n_taken = sum(int(np.isfinite(each.sent_s).sum()) for each in matched)
    n_refused = sum(receipts.counts[each] for each in _REFUSALS)
    # A refused alert was delivered; what strangers sent was refused too, and hides no loss beyond its own number.
    n_delivered = n_taken + min(n_refused, max(n_expected - n_taken, 0))
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
        "latency_ms": _latencies(matched, receipts),
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
    """Return percentiles by name, ``None`` where there are no values; what is not known (NaN) is no value."""
    is_known = ~np.isnan(values)
    if not is_known.any():
        return dict.fromkeys(wanted)
    found = np.percentile(values if is_known.all() else values[is_known], list(wanted.values()))
    return {name: round(float(value), digits) for name, value in zip(wanted, found, strict=True)}


def _match(dispatched: Sequence[Dispatched], receipts: Receipts, n_devices: int, cells: Cells | None) -> list[_Matched]:
    """Put the receipts of each report beside its plan."""
    lines = receipts.lines
    order = np.argsort(lines["core_no"], kind="stable").astype(np.int32)
    edges = np.searchsorted(lines["core_no"], np.arange(len(receipts.cores) + 1), sorter=order)
    line_no_by_core = {core: order[edges[i] : edges[i + 1]] for i, core in enumerate(receipts.cores)}
    n_by_target = np.ones(n_devices, dtype=np.int32) if cells is None else np.diff(cells.first_row)
    cell_of_device = None if cells is None else np.repeat(np.arange(len(cells), dtype=np.int32), n_by_target)
    matched = []
    for each in dispatched:
        if each.delivery is None:
            continue
        report = each.report
        line_no = line_no_by_core.get((report.event_id, report.report_no, report.kind), order[:0])
        handed_s = np.full(len(n_by_target), np.nan, dtype=np.float32)
        n_expected = 0
        for part in each.delivery.sent:
            target_row = each.delivery.plan.target_row[part.start : part.end]
            handed_s[target_row] = part.at_mono_s - each.received_mono_s
            n_expected += int(n_by_target[target_row].sum())
        device_row = lines["device_row"][line_no]
        received_s = lines["received_mono_ns"][line_no] / 1e9 - each.received_mono_s
        matched.append(
            _Matched(
                each,
                each.delivery,
                line_no,
                handed_s[device_row if cell_of_device is None else cell_of_device[device_row]],
                received_s.astype(np.float32),
                n_expected,
            )
        )
    return matched


def _followed(event_id: str, matched: Sequence[_Matched], receipts: Receipts) -> Iterator[Followed]:
    """Yield the solutions of one event; their receipts are copied one report at a time."""
    for each in matched:
        report = each.dispatched.report
        if report.event_id == event_id and report.kind is not ReportKind.CANCEL:
            yield Followed(report, each.delivery.plan, receipts.lines[each.line_no], each.received_s)


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


def _latencies(matched: Sequence[_Matched], receipts: Receipts) -> dict[str, Any]:
    """Return percentiles of the measured latencies in ms, each named by its two ends."""
    none = np.empty(0, dtype=np.float32)
    sent_ms = 1000 * np.concatenate([none, *(each.sent_s for each in matched)])
    received_ms = 1000 * np.concatenate([none, *(each.received_s for each in matched)])
    levels = receipts.lines["level"]
    level = np.concatenate([levels[:0], *(levels[each.line_no] for each in matched)])
    return {
        "report_to_sent": percentiles(sent_ms, _PERCENTILES, 3),
        "sent_to_device": percentiles(received_ms - sent_ms, _PERCENTILES, 3),
        "report_to_device": percentiles(received_ms, _PERCENTILES, 3),
        "by_level": {each.word: percentiles(received_ms[level == each], _PERCENTILES, 3) for each in LEVELS},
    }


def _warnings(people: People) -> dict[str, Any]:
    by_level = {each.word: percentiles(people.warning_s(each), _WARNING_PERCENTILES, 2) for each in LEVELS}
    return percentiles(people.warning_s(), _WARNING_PERCENTILES, 2) | {"by_level": by_level}


def _simulated(people: People, devices: Devices, seed: int) -> dict[str, Any]:
    """Return what would happen past the devices' connections: simulated, not measured."""
    behaviour = Behaviour.of(devices.kind, seed)
    n_heard = n_kept_quiet = n_offline = n_in_time = n_tv = 0
    for event in people.events.values():
        row = event.device_row
        level = np.zeros(len(devices), dtype=np.uint8)
        level[row] = event.highest_level
        is_told = level != Level.NONE
        is_heard = behaviour.is_heard(level)
        n_heard += int(is_heard.sum())
        n_offline += int((is_told & behaviour.is_offline).sum())
        n_kept_quiet += int((is_told & ~is_heard & ~behaviour.is_offline).sum())
        shown_s = event.delivered_s + behaviour.last_mile_s[row]
        n_in_time += int((is_heard[row] & (shown_s < event.s_arrival_s)).sum())
        n_tv += int(behaviour.takes_over_screen(devices.kind, level).sum())
    return {
        "last_mile_source": LAST_MILE_SOURCE,
        "heard_or_shown": n_heard,
        "kept_quiet_by_do_not_disturb": n_kept_quiet,
        "off_or_out_of_reach": n_offline,
        "heard_or_shown_before_s_wave": n_in_time,
        "tv_screens_taken_over": n_tv,
    }
