"""The outcome of a run: who was told, when, and who was late because of the dispatch.

Everything is reckoned from what the dispatcher wrote down (plans, and when their parts were handed over) and what the
devices wrote down (receipts). A latency is in real seconds; a device's delivery time is its report's issue time plus
its measured latency.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np
import numpy.typing as npt

from eew.contract.measured_times import (
    LatencyPercentiles,
    LatencyPercentilesByLevel,
    RunLatency,
    RunWarning,
    WarningPercentiles,
    WarningPercentilesByLevel,
)
from eew.contract.run_summary import (
    DeliveryCounts,
    DeviceCounts,
    LevelCounts,
    OutcomeCounts,
    PlannedCounts,
    RefusedCounts,
    ReportSummary,
    RunFacts,
    RunSummary,
    SimulatedCounts,
)
from eew.devices.swarm.behaviour import LAST_MILE_SOURCE, Behaviour
from eew.devices.swarm.receiver import Counter
from eew.devices.swarm.swarm import Receipts
from eew.dispatch.latency import PERCENTILES, percentiles, rate_hz
from eew.dispatch.limit import figures_of
from eew.dispatch.people import LEVELS, EventPeople, Followed, People, chosen_devices, follow_event
from eew.model.disposition import Disposition
from eew.model.errors import ConservationError
from eew.model.records import Cells, Delivery, DeviceKind, Devices, EventReport, FloatColumn, Level

__all__ = ["Dispatched", "check_conservation", "summarise", "summary_figures"]

_WARNING_PERCENTILES = {"p5": 5.0, "p50": 50.0, "p95": 95.0}
_REFUSALS = (Counter.OLDER, Counter.EXPIRED, Counter.UNVERIFIED)
_SIMULATED = (
    "heard_or_shown",
    "kept_quiet_by_do_not_disturb",
    "off_or_out_of_reach",
    "heard_or_shown_before_s_wave",
    "tv_screens_taken_over",
)
#: Devices, or receipts, worked on at once; a multiple of 8.
_CHUNK_ROWS = 1 << 20


@dataclass(frozen=True, slots=True)
class Dispatched:
    """One report, as the dispatcher handled it; monotonic seconds."""

    report: EventReport
    #: What became of it, in one word.
    disposition: Disposition
    received_mono_s: float
    decided_mono_s: float
    #: ``None`` for a report that was not acted on.
    delivery: Delivery | None


@dataclass(frozen=True, slots=True)
class _Matched:
    """The receipts of one report, beside what was sent; columns have shape ``(n,)``."""

    dispatched: Dispatched
    delivery: Delivery
    #: In ascending order of their devices, mapped.
    lines: npt.NDArray[np.void]
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
    facts: RunFacts,
) -> RunSummary:
    """Return the run summary.

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
        What the run was made with.
    """
    matched = _match(dispatched, receipts, len(devices), cells)
    people, simulated = _people(matched, devices, cells, seed)
    n_expected = sum(each.n_expected for each in matched)
    n_taken = sum(int(np.isfinite(each.sent_s).sum()) for each in matched)
    n_refused = sum(receipts.counts[each] for each in _REFUSALS)
    # A refused alert was delivered; what strangers sent was refused too, and hides no loss beyond its own number.
    n_delivered = n_taken + min(n_refused, max(n_expected - n_taken, 0))
    ignored = Tally(each.disposition.value for each in dispatched if each.delivery is None)
    return RunSummary(
        **msgspec.structs.asdict(facts),
        n_devices=len(devices),
        n_devices_by_kind=DeviceCounts(
            phone=int((devices.kind == DeviceKind.PHONE).sum()), tv=int((devices.kind == DeviceKind.TV).sum())
        ),
        reports=[_report_line(each) for each in matched],
        reports_ignored=dict(ignored),
        conservation=_conservation(matched),
        delivery=DeliveryCounts(
            expected=n_expected,
            delivered=n_delivered,
            lost=n_expected - n_delivered,
            duplicated=receipts.counts[Counter.DUPLICATE],
            refused=RefusedCounts(
                older=receipts.counts[Counter.OLDER],
                expired=receipts.counts[Counter.EXPIRED],
                unverified=receipts.counts[Counter.UNVERIFIED],
            ),
            unreadable=receipts.counts[Counter.UNREADABLE],
        ),
        latency_ms=_latencies(matched),
        alerts_a_second=_rate_hz(matched),
        warning_s=_warnings(people),
        outcome=OutcomeCounts(**people.outcome()),
        simulated=simulated,
    )


def check_conservation(summary: RunSummary) -> None:
    """Raise ``ConservationError`` unless what was selected and what was expected is all accounted for."""
    counts, delivery = summary.conservation, summary.delivery
    if counts.selected != counts.sent + counts.superseded + counts.expired + counts.failed:
        raise ConservationError(
            f"selected {counts.selected} ≠ sent {counts.sent} + superseded {counts.superseded} "
            f"+ expired {counts.expired} + failed {counts.failed}"
        )
    if delivery.delivered + delivery.lost != delivery.expected or delivery.lost < 0:
        raise ConservationError(f"expected {delivery.expected} ≠ delivered {delivery.delivered} + lost {delivery.lost}")


def summary_figures(summary: RunSummary) -> dict[str, float | None]:
    """Return what limits on a run are judged by."""
    delivery = summary.delivery
    return figures_of(
        msgspec.structs.asdict(summary.latency_ms.report_to_device),
        {"lost": delivery.lost, "duplicated": delivery.duplicated},
        summary.outcome.late_by_dispatch,
        summary.alerts_a_second,
    )


def _match(dispatched: Sequence[Dispatched], receipts: Receipts, n_devices: int, cells: Cells | None) -> list[_Matched]:
    """Put the receipts of each report beside its plan."""
    n_by_target = np.ones(n_devices, dtype=np.int32) if cells is None else np.diff(cells.first_row)
    matched = []
    for each in dispatched:
        if each.delivery is None:
            continue
        report = each.report
        lines = receipts.of_core((report.event_id, report.report_no, report.kind))
        handed_s = np.full(len(n_by_target), np.nan, dtype=np.float32)
        n_expected = 0
        for part in each.delivery.sent:
            target_row = each.delivery.plan.target_row[part.start : part.end]
            handed_s[target_row] = part.at_mono_s - each.received_mono_s
            n_expected += int(n_by_target[target_row].sum())
        sent_s, received_s = (np.empty(len(lines), dtype=np.float32) for _ in range(2))
        for first in range(0, len(lines), _CHUNK_ROWS):
            chunk = slice(first, first + _CHUNK_ROWS)
            device_row = lines["device_row"][chunk]
            at = device_row if cells is None else np.searchsorted(cells.first_row, device_row, "right") - 1
            sent_s[chunk] = handed_s[at]
            received_s[chunk] = lines["received_mono_ns"][chunk] / 1e9 - each.received_mono_s
        matched.append(_Matched(each, each.delivery, lines, sent_s, received_s, n_expected))
    return matched


def _people(
    matched: Sequence[_Matched], devices: Devices, cells: Cells | None, seed: int
) -> tuple[People, SimulatedCounts]:
    """Follow every event for some devices after the other; return the outcomes, and what is simulated on top."""
    people, simulated = People(), _Simulated(devices, seed)
    for event_id in dict.fromkeys(each.dispatched.report.event_id for each in matched):
        of_event = [
            (each, solution.origin_at, np.packbits(chosen_devices(each.delivery.plan, len(devices), cells)))
            for each in matched
            if each.dispatched.report.event_id == event_id and (solution := each.dispatched.report.solution) is not None
        ]
        for first_row in range(0, len(devices), _CHUNK_ROWS):
            n_rows = min(_CHUNK_ROWS, len(devices) - first_row)
            event = follow_event(_followed(of_event, first_row, n_rows), first_row, n_rows)
            people.add(event)
            simulated.add(event, first_row, n_rows)
    return people, simulated.result()


def _followed(
    of_event: Sequence[tuple[_Matched, datetime, npt.NDArray[np.uint8]]], first_row: int, n_rows: int
) -> Iterator[Followed]:
    """Yield the solutions of one event as they were for some rows."""
    for each, origin_at, chosen_bits in of_event:
        rows = each.lines["device_row"]
        part = slice(bisect_left(rows, first_row), bisect_left(rows, first_row + n_rows))
        is_chosen = np.unpackbits(chosen_bits[first_row // 8 :], count=n_rows).view(bool)
        yield Followed(each.dispatched.report, origin_at, is_chosen, np.array(each.lines[part]), each.received_s[part])


def _report_line(each: _Matched) -> ReportSummary:
    report, delivery = each.dispatched.report, each.delivery
    received = each.dispatched.received_mono_s
    sent = [part.at_mono_s - received for part in delivery.sent]
    issued_s = report.issued_after_s
    return ReportSummary(
        event_id=report.event_id,
        report_no=report.report_no,
        kind=report.kind,
        status=report.status,
        issued_s=None if issued_s is None else round(issued_s, 3),
        issue_basis=report.issue_basis,
        magnitude=report.magnitude,
        n_selected=len(delivery.plan),
        n_selected_by_level=LevelCounts(**delivery.plan.n_by_level()),
        n_sent=delivery.n_sent,
        radius_km_by_level=dict(delivery.plan.radius_km_by_level),
        decide_ms=round(1000 * (each.dispatched.decided_mono_s - received), 3),
        first_sent_ms=round(1000 * min(sent), 3) if sent else None,
        last_sent_ms=round(1000 * max(sent), 3) if sent else None,
    )


def _conservation(matched: Sequence[_Matched]) -> PlannedCounts:
    deliveries = [each.delivery for each in matched]
    return PlannedCounts(
        selected=sum(len(each.plan) for each in deliveries),
        sent=sum(each.n_sent for each in deliveries),
        superseded=sum(each.n_superseded for each in deliveries),
        expired=sum(each.n_expired for each in deliveries),
        failed=sum(each.n_failed for each in deliveries),
    )


def _latencies(matched: Sequence[_Matched]) -> RunLatency:
    """Return percentiles of the measured latencies in ms, each named by its two ends."""
    none = np.empty(0, dtype=np.float32)
    sent_ms = np.concatenate([none, *(each.sent_s for each in matched)])
    received_ms = np.concatenate([none, *(each.received_s for each in matched)])
    sent_ms *= 1000
    received_ms *= 1000
    level = np.concatenate([none.astype(np.uint8), *(each.lines["level"] for each in matched)])
    from_report = _latency(sent_ms)
    np.subtract(received_ms, sent_ms, out=sent_ms)
    return RunLatency(
        report_to_sent=from_report,
        sent_to_device=_latency(sent_ms),
        report_to_device=_latency(received_ms),
        by_level=LatencyPercentilesByLevel(**{each.word: _latency(received_ms[level == each]) for each in LEVELS}),
    )


def _latency(values_ms: FloatColumn) -> LatencyPercentiles:
    return LatencyPercentiles(**percentiles(values_ms, PERCENTILES, 3))


def _rate_hz(matched: Sequence[_Matched]) -> float | None:
    """Return how many alerts came a second while any were under way."""
    spans_s = [
        (each.dispatched.received_mono_s, each.dispatched.received_mono_s + float(each.received_s.max()))
        for each in matched
        if len(each.lines)
    ]
    return rate_hz(sum(len(each.lines) for each in matched), spans_s)


def _warnings(people: People) -> RunWarning:
    by_level = {
        each.word: WarningPercentiles(**percentiles(people.warning_s(each), _WARNING_PERCENTILES, 2)) for each in LEVELS
    }
    of_all = percentiles(people.warning_s(), _WARNING_PERCENTILES, 2)
    return RunWarning(**of_all, by_level=WarningPercentilesByLevel(**by_level))


class _Simulated:
    """What would happen past the devices' connections: simulated, not measured."""

    def __init__(self, devices: Devices, seed: int) -> None:
        self._kind = devices.kind
        self._behaviour = Behaviour.of(devices.kind, seed)
        self._n: Tally[str] = Tally()

    def add(self, event: EventPeople, first_row: int, n_rows: int) -> None:
        """Play an event for some rows of the population."""
        part = slice(first_row, first_row + n_rows)
        whole, kind = self._behaviour, self._kind[part]
        behaviour = Behaviour(whole.is_offline[part], whole.is_do_not_disturb[part], whole.last_mile_s[part])
        row = event.device_row - first_row
        level = np.zeros(n_rows, dtype=np.uint8)
        level[row] = event.highest_level
        is_told = level != Level.NONE
        is_heard = behaviour.is_heard(level)
        is_off = is_told & behaviour.is_offline
        shown_s = event.delivered_s + behaviour.last_mile_s[row]
        self._n.update(
            {
                "heard_or_shown": int(is_heard.sum()),
                "kept_quiet_by_do_not_disturb": int((is_told & ~is_heard & ~behaviour.is_offline).sum()),
                "off_or_out_of_reach": int(is_off.sum()),
                "heard_or_shown_before_s_wave": int((is_heard[row] & (shown_s < event.s_arrival_s)).sum()),
                "tv_screens_taken_over": int(behaviour.takes_over_screen(kind, level).sum()),
            }
        )

    def result(self) -> SimulatedCounts:
        """Return the counts of all that was added."""
        return SimulatedCounts(last_mile_source=dict(LAST_MILE_SOURCE), **{name: self._n[name] for name in _SIMULATED})
