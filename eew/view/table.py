"""The run summary as tables for people."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from rich.console import Console

from eew.view.grid import Column, Grid, print_grid
from eew.view.status import STATUS, marks

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
    for line in _remarks(summary):
        say(line)
    if summary["reports_ignored"]:
        ignored = ", ".join(f"{n} {verdict}" for verdict, n in summary["reports_ignored"].items())
        say(f"ignored    reports not acted on: {ignored}")
    if "areas_only" in summary["reports_ignored"]:
        say("           areas_only: an agency's areas without a hypocentre, of which nobody is told yet")
    say(NOT_A_WARNING)


def _remarks(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is to be known of this run before its figures are believed."""
    if stopped := summary.get("stopped"):
        of_all = "" if stopped["reports_given"] is None else f" of {stopped['reports_given']:,}"
        yield f"stopped    by {stopped['by']} after {stopped['reports_played']:,}{of_all} reports: what was done so far"
    feed = summary.get("feed", {})
    if refused := feed.get("refused"):
        n, kinds = sum(refused.values()), ", ".join(f"{kind or 'the whole'} {n:,}" for kind, n in refused.items())
        lines = "1 line that is no report" if n == 1 else f"{n:,} lines that are no report"
        yield f"refused    {lines}, by the member that was wrong: {kinds}"
    if unknown := feed.get("unknown_members"):
        names = ", ".join(f"{name} {n:,}" for name, n in unknown.items())
        yield f"unknown    members that nobody knows, ignored: {names}"
    if "out_of_reach" in summary:
        why = _out_of_reach(summary["out_of_reach"], summary["profile"]) if summary["reports"] else "was told anything"
        yield f"nobody     {why}"


def _out_of_reach(found: Mapping[str, Any] | None, profile: str) -> str:
    """Say why nobody was told."""
    if found is None:
        return "was told: no report says where and how strong"
    report = f"report {found['report_no']} (M {found['magnitude']:.1f})"
    if not found["is_issued"]:
        return f"was told: profile {profile} issues no alert for the strongest, {report}"
    felt_km, nearest_km = found["felt_radius_km"], found["nearest_device_km"]
    if felt_km < nearest_km:
        return (
            f"lives within reach: the strongest, {report}, is felt up to {felt_km:,.0f} km from its epicentre "
            f"(intensity {found['min_intensity']:g}), and the nearest device is {nearest_km:,.0f} km away"
        )
    return (
        f"was told: the strongest, {report}, is felt up to {felt_km:,.0f} km from its epicentre, the nearest device is "
        f"{nearest_km:,.0f} km away, and none reaches a level of profile {profile}"
    )


def _print_outcome(summary: Mapping[str, Any], console: Console) -> None:
    outcome = summary["outcome"]
    n_people = sum(outcome.values())
    columns = (Column("", wraps=True), Column("devices", is_number=True), Column("share", is_number=True))
    grid = Grid(columns, title=f"{marks(summary['reports'])}{summary['scenario']}: who was told in time")
    words = {
        "in_time": "told before the S wave came",
        "late_by_physics": "S wave came before the report was issued",
        "late_by_dispatch": "late because of the dispatch",
        "not_told": "chosen, and not told",
    }
    if "told_at_unknown_time" in outcome:
        words["told_at_unknown_time"] = "told, by a report issued nobody knows when"
    for name, meaning in words.items():
        grid.add(meaning, f"{outcome[name]:,}", f"{outcome[name] / n_people:.1%}" if n_people else "–")
    print_grid(console, grid)


def _print_reports(summary: Mapping[str, Any], console: Console) -> None:
    columns = (
        Column("no", is_number=True),
        Column("kind"),
        STATUS,
        Column("issued s", is_number=True, falls=3),
        Column("M", is_number=True, falls=2),
        Column("critical", is_number=True),
        Column("active", is_number=True),
        Column("passive", is_number=True),
        Column("sent", is_number=True, falls=1),
        Column("out ms", is_number=True, falls=4),
    )
    title = f"reports ({summary['mode']} mode, QoS {summary['qos']}, {summary['broker']['name']})"
    grid = Grid(columns, title=title)
    for line in summary["reports"]:
        by_level = line["n_selected_by_level"]
        grid.add(
            str(line["report_no"]),
            line["kind"],
            marks([line]).rstrip(),
            "unknown" if line.get("issue_basis") == "unknown" else _number(line["issued_s"], 1),
            _number(line["magnitude"], 1),
            *(f"{by_level[level]:,}" for level in ("critical", "active", "passive")),
            f"{line['n_sent']:,}",
            _number(line["last_sent_ms"], 0),
        )
    print_grid(console, grid)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"
