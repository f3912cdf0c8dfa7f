"""The run summary as a table for people, and one line a report where there is no terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["NOT_A_WARNING", "print_summary", "report_line"]

NOT_A_WARNING = "A simulation: this is not a warning service, and no real device was alerted."


def report_line(line: Mapping[str, Any]) -> str:
    """Return one report of a summary as one line of text."""
    magnitude = "M ?" if line["magnitude"] is None else f"M {line['magnitude']:.1f}"
    issued = "" if line["issued_s"] is None else f" issued {line['issued_s']:.1f} s after origin,"
    return f"report {line['report_no']} {line['kind']}, {magnitude},{issued} {line['n_selected']} alerts"


def print_summary(summary: Mapping[str, Any], console: Console) -> None:
    """Print the final table."""
    _print_reports(summary, console)
    outcome = summary["outcome"]
    n_people = sum(outcome.values())
    table = Table(title=f"{summary['scenario']}: who was told in time", title_justify="left", min_width=60)
    for head in ("", "devices", "share"):
        table.add_column(head, justify="left" if not head else "right")
    words = {
        "in_time": "told before the S wave",
        "late_by_physics": "S wave came before the report was issued",
        "late_by_dispatch": "late because of the dispatch",
        "not_told": "chosen, and not told",
    }
    for name, words_for in words.items():
        share = f"{outcome[name] / n_people:.1%}" if n_people else "–"
        table.add_row(words_for, f"{outcome[name]:,}", share)
    console.print(table)
    counts, delivery = summary["conservation"], summary["delivery"]
    console.print(
        f"alerts    selected {counts['selected']:,} = sent {counts['sent']:,} + superseded {counts['superseded']:,} "
        f"+ expired {counts['expired']:,} + failed {counts['failed']:,}"
    )
    console.print(
        f"delivery  expected {delivery['expected']:,} = delivered {delivery['delivered']:,} + lost {delivery['lost']:,}"
        f"; duplicated {delivery['duplicated']:,}"
    )
    latency = summary["latency_ms"]["report_to_device"]
    if latency["p50"] is not None:
        console.print(
            f"latency   report to device, measured: median {latency['p50']:.0f} ms, "
            f"99 % {latency['p99']:.0f} ms, last {latency['max']:.0f} ms"
        )
    warning = summary["warning_s"]
    if warning["p50"] is not None:
        console.print(
            f"warning   before the S wave: median {warning['p50']:.1f} s, 5 % had less than {warning['p5']:.1f} s, "
            f"5 % more than {warning['p95']:.1f} s"
        )
    told = summary["simulated"]
    console.print(
        f"simulated beyond the connection: {told['heard_or_shown']:,} heard or shown, "
        f"{told['heard_or_shown_before_s_wave']:,} of them before the S wave; "
        f"{told['kept_quiet_by_do_not_disturb']:,} kept quiet by do-not-disturb, "
        f"{told['off_or_out_of_reach']:,} off or out of reach, {told['tv_screens_taken_over']:,} TV screens taken over"
    )
    console.print(NOT_A_WARNING)


def _print_reports(summary: Mapping[str, Any], console: Console) -> None:
    table = Table(title="reports", title_justify="left", min_width=60)
    heads = ("no", "kind", "issued s", "M", "critical", "active", "passive", "sent", "decided ms", "last sent ms")
    for head in heads:
        table.add_column(head, justify="left" if head == "kind" else "right", no_wrap=True)
    for line in summary["reports"]:
        by_level = line["n_selected_by_level"]
        table.add_row(
            str(line["report_no"]),
            line["kind"],
            _number(line["issued_s"], 1),
            _number(line["magnitude"], 1),
            *(f"{by_level[level]:,}" for level in ("critical", "active", "passive")),
            f"{line['n_sent']:,}",
            _number(line["decide_ms"], 0),
            _number(line["last_sent_ms"], 0),
        )
    console.print(table)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"
