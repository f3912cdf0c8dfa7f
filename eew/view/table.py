"""The run summary as tables for people."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

__all__ = ["NOT_A_WARNING", "print_summary"]

NOT_A_WARNING = "A simulation: this is not a warning service, and no real device was alerted."


def print_summary(summary: Mapping[str, Any], console: Console) -> None:
    """Print the final tables; whole lines are printed where there is no terminal."""
    say = partial(console.print, markup=False, highlight=False, soft_wrap=not console.is_terminal)
    say()
    _print_reports(summary, console)
    say()
    _print_outcome(summary, console)
    say()
    counts, delivery = summary["conservation"], summary["delivery"]
    say(
        f"alerts     selected {counts['selected']:,} = sent {counts['sent']:,} + superseded {counts['superseded']:,} "
        f"+ expired {counts['expired']:,} + failed {counts['failed']:,}"
    )
    say(
        f"delivery   expected {delivery['expected']:,} = delivered {delivery['delivered']:,} "
        f"+ lost {delivery['lost']:,}; duplicated {delivery['duplicated']:,}"
    )
    latency = summary["latency_ms"]["report_to_device"]
    if latency["p50"] is not None:
        say(
            f"latency    report to device, measured: half within {latency['p50']:.0f} ms, "
            f"99 % within {latency['p99']:.0f} ms, the last after {latency['max']:.0f} ms"
        )
    warning = summary["warning_s"]
    if warning["p50"] is not None:
        say(
            f"warning    before the S wave: half had {warning['p50']:.1f} s or more, "
            f"5 % less than {warning['p5']:.1f} s, 5 % more than {warning['p95']:.1f} s"
        )
    told = summary["simulated"]
    say(
        f"simulated  past the connection: {told['heard_or_shown']:,} heard or shown, "
        f"{told['heard_or_shown_before_s_wave']:,} of them before the S wave; "
        f"{told['kept_quiet_by_do_not_disturb']:,} kept quiet by do-not-disturb, "
        f"{told['off_or_out_of_reach']:,} off or out of reach; {told['tv_screens_taken_over']:,} TV screens taken over"
    )
    if summary["reports_ignored"]:
        ignored = ", ".join(f"{n} {verdict}" for verdict, n in summary["reports_ignored"].items())
        say(f"ignored    reports not acted on: {ignored}")
    if "areas_only" in summary["reports_ignored"]:
        say("           areas_only: an agency's areas without a hypocentre, of which nobody is told yet")
    say(NOT_A_WARNING)


def _print_outcome(summary: Mapping[str, Any], console: Console) -> None:
    outcome = summary["outcome"]
    n_people = sum(outcome.values())
    table = _plain_table(f"{summary['scenario']}: who was told in time")
    table.add_column("")
    table.add_column("devices", justify="right")
    table.add_column("share", justify="right")
    words = {
        "in_time": "told before the S wave came",
        "late_by_physics": "S wave came before the report was issued",
        "late_by_dispatch": "late because of the dispatch",
        "not_told": "chosen, and not told",
    }
    if "told_at_unknown_time" in outcome:
        words["told_at_unknown_time"] = "told, by a report issued nobody knows when"
    for name, meaning in words.items():
        table.add_row(meaning, f"{outcome[name]:,}", f"{outcome[name] / n_people:.1%}" if n_people else "–")
    console.print(table)


def _print_reports(summary: Mapping[str, Any], console: Console) -> None:
    table = _plain_table(f"reports ({summary['mode']} mode, QoS {summary['qos']}, {summary['broker']['name']})")
    table.add_column("no", justify="right")
    table.add_column("kind")
    for head in ("issued s", "M", "critical", "active", "passive", "sent", "out ms"):
        table.add_column(head, justify="right")
    for line in summary["reports"]:
        by_level = line["n_selected_by_level"]
        table.add_row(
            str(line["report_no"]),
            line["kind"],
            "unknown" if line.get("issue_basis") == "unknown" else _number(line["issued_s"], 1),
            _number(line["magnitude"], 1),
            *(f"{by_level[level]:,}" for level in ("critical", "active", "passive")),
            f"{line['n_sent']:,}",
            _number(line["last_sent_ms"], 0),
        )
    console.print(table)


def _plain_table(title: str) -> Table:
    """Return a table of words and columns that fits 80 characters."""
    return Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1)
    )


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"
