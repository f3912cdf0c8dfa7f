"""What a swarm received, in words and as a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from eew.devices.swarm.receiver import Counter
from eew.model.report import AlertStatus
from eew.view.grid import Column, Grid, print_grid, say
from eew.view.status import STATUS, marks

__all__ = ["counts_in_words", "figures_in_words", "print_reports"]

_COLUMNS = (
    Column("no", is_number=True),
    Column("kind", falls=2),
    STATUS,
    Column("devices", is_number=True),
    Column("critical", is_number=True, falls=1),
    Column("active", is_number=True, falls=1),
    Column("passive", is_number=True, falls=1),
    Column("harmless", is_number=True, falls=3),
    Column("first s", is_number=True, falls=5),
    Column("p50", is_number=True, falls=4),
    Column("p99", is_number=True),
    Column("max", is_number=True),
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
        line += f"; {counts[Counter.UNAFFECTED]:,} of the delivered harmless by the on-device estimate"
    return line


def figures_in_words(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each thing that is known: losses, latency, rate, and who was notified before the S wave."""
    delivery, latency, outcome = summary["delivery"], summary["latency_ms"]["issue_to_device"], summary["outcome"]
    if delivery["expected"] is not None:
        counts = summary["counts"]
        yield (
            f"expected   {delivery['expected']:,}: taken {counts['taken']:,}, overtaken by a newer report "
            f"{counts['older']:,}, lost {delivery['lost']:,}"
        )
    if latency["max"] is None:
        return
    names = {"p50": "p50", "p90": "p90", "p99": "p99", "p99_9": "p99.9", "max": "max"}
    told = ", ".join(f"{shown} {latency[name]:,.0f}" for name, shown in names.items())
    yield f"latency    issue to device: {told} ms"
    if latency["p50"] < 0:
        yield "           before they were issued: this machine's clock and the dispatcher's differ"
    if summary["alerts_a_second"] is not None:
        yield f"rate       {summary['alerts_a_second']:,.0f} alerts/s, while any were under way"
    n_by_physics, n_by_dispatch = outcome["late_by_physics"], outcome["late_by_dispatch"]
    yield (
        f"S wave     notified before it {outcome['in_time']:,}, after it {n_by_physics + n_by_dispatch:,} "
        f"(for {n_by_physics:,} of them it came before the report was issued)"
    )


def print_reports(reports: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print a table for each event, one line a report."""
    for event_id in dict.fromkeys(report["event_id"] for report in reports):
        of_event = [report for report in reports if report["event_id"] == event_id]
        grid = Grid(_COLUMNS, title=f"{marks(AlertStatus(report['status']) for report in of_event)}event {event_id}")
        # Only in cell mode devices estimate for themselves.
        has_harmless = any(report["n_unaffected"] for report in of_event)
        for report in of_event:
            grid.add(
                str(report["report_no"]),
                report["kind"],
                marks([AlertStatus(report["status"])]).rstrip(),
                f"{report['n_devices']:,}",
                *(f"{n:,}" for n in report["n_by_level"].values()),
                f"{report['n_unaffected']:,}" if has_harmless else "",
                f"{report['first_s']:.1f}",
                *(f"{report['latency_ms'][name]:,.0f}" for name in ("p50", "p99", "max")),
            )
        print_grid(console, grid)
    say(console, "first s: after the devices were ready; p50, p99, max: ms from a report's issue to the device")
