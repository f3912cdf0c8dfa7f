"""The run summary as tables for people."""

from collections.abc import Iterator
from functools import partial

import msgspec
from rich.console import Console

from eew.contract.run_summary import OutOfReach, RunSummary
from eew.model.report import IssueBasis
from eew.view.grid import Column, Grid, print_grid
from eew.view.status import STATUS, marks

__all__ = ["NOT_A_WARNING", "print_summary"]

NOT_A_WARNING = "A simulation: this is not a warning service, and no real device was alerted."


def print_summary(summary: RunSummary, console: Console) -> None:
    """Print the final tables; whole lines are printed where there is no terminal."""
    say = partial(console.print, markup=False, highlight=False, soft_wrap=not console.is_terminal)
    say()
    _print_reports(summary, console)
    say()
    _print_outcome(summary, console)
    say()
    counts, delivery = summary.conservation, summary.delivery
    say(
        f"alerts     selected {counts.selected:,} = sent {counts.sent:,} + superseded {counts.superseded:,} "
        f"+ expired {counts.expired:,} + failed {counts.failed:,}"
    )
    say(
        f"delivery   expected {delivery.expected:,} = delivered {delivery.delivered:,} "
        f"+ lost {delivery.lost:,}; duplicated {delivery.duplicated:,}"
    )
    latency = summary.latency_ms.report_to_device
    if latency.p50 is not None:
        say(
            f"latency    report to device, measured: half within {latency.p50:.0f} ms, "
            f"99 % within {latency.p99:.0f} ms, the last after {latency.max:.0f} ms"
        )
    warning = summary.warning_s
    if warning.p50 is not None:
        say(
            f"warning    before the S wave: half had {warning.p50:.1f} s or more, "
            f"5 % less than {warning.p5:.1f} s, 5 % more than {warning.p95:.1f} s"
        )
    simulated = summary.simulated
    say(
        f"simulated  past the connection: {simulated.heard_or_shown:,} heard or shown, "
        f"{simulated.heard_or_shown_before_s_wave:,} of them before the S wave; "
        f"{simulated.kept_quiet_by_do_not_disturb:,} kept quiet by do-not-disturb, "
        f"{simulated.off_or_out_of_reach:,} off or out of reach; "
        f"{simulated.tv_screens_taken_over:,} TV screens taken over"
    )
    for line in _remarks(summary):
        say(line)
    if summary.reports_ignored:
        ignored = ", ".join(f"{n} {verdict}" for verdict, n in summary.reports_ignored.items())
        say(f"ignored    reports not acted on: {ignored}")
    if "areas_only" in summary.reports_ignored:
        say("           areas_only: an agency's areas without a hypocentre, of which nobody is notified yet")
    say(NOT_A_WARNING)


def _remarks(summary: RunSummary) -> Iterator[str]:
    """Yield what is to be known of this run before its figures are believed."""
    if (stopped := summary.stopped) is not None:
        of_all = "" if stopped.reports_given is None else f" of {stopped.reports_given:,}"
        yield f"stopped    by {stopped.by} after {stopped.reports_played:,}{of_all} reports: what was done so far"
    feed = summary.feed
    if feed is not None and (refused := feed.refused):
        n, kinds = sum(refused.values()), ", ".join(f"{kind or 'the whole'} {n:,}" for kind, n in refused.items())
        lines = "1 line that is no report" if n == 1 else f"{n:,} lines that are no report"
        yield f"refused    {lines}, by the member that was wrong: {kinds}"
    if feed is not None and (unknown := feed.unknown_members):
        names = ", ".join(f"{name} {n:,}" for name, n in unknown.items())
        yield f"unknown    members that nobody knows, ignored: {names}"
    if summary.out_of_reach is not msgspec.UNSET:
        why = _out_of_reach(summary.out_of_reach, summary.profile) if summary.reports else "was notified"
        yield f"nobody     {why}"


def _out_of_reach(found: OutOfReach | None, profile: str) -> str:
    """Say why nobody was notified."""
    if found is None:
        return "was notified: no report says where and how strong"
    report = f"report {found.report_no} (M {found.magnitude:.1f})"
    if not found.is_issued:
        return f"was notified: profile {profile} issues no alert for the strongest, {report}"
    felt_km, nearest_km = found.felt_radius_km, found.nearest_device_km
    if felt_km < nearest_km:
        return (
            f"lives within reach: the strongest, {report}, is felt up to {felt_km:,.0f} km from its epicentre "
            f"(intensity {found.min_intensity:g}), and the nearest device is {nearest_km:,.0f} km away"
        )
    return (
        f"was notified: the strongest, {report}, is felt up to {felt_km:,.0f} km from its epicentre, and "
        f"the nearest device is {nearest_km:,.0f} km away; none reaches a level of profile {profile}"
    )


def _print_outcome(summary: RunSummary, console: Console) -> None:
    outcome = summary.outcome
    columns = (Column("", wraps=True), Column("devices", is_number=True), Column("share", is_number=True))
    grid = Grid(
        columns,
        title=f"{marks(report.status for report in summary.reports)}{summary.scenario}: who was notified in time",
    )
    rows = [
        ("notified before the S wave came", outcome.in_time),
        ("S wave came before the report was issued", outcome.late_by_physics),
        ("late because of the dispatch", outcome.late_by_dispatch),
        ("chosen, and not notified", outcome.not_told),
    ]
    if outcome.told_at_unknown_time:
        rows.append(("notified, by a report of unknown issue time", outcome.told_at_unknown_time))
    for meaning, n in rows:
        grid.add(meaning, f"{n:,}", f"{n / outcome.total:.1%}" if outcome.total else "–")
    print_grid(console, grid)


def _print_reports(summary: RunSummary, console: Console) -> None:
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
    title = f"reports ({summary.mode} mode, QoS {summary.qos}, {summary.broker.name})"
    grid = Grid(columns, title=title)
    for report in summary.reports:
        by_level = report.n_selected_by_level
        grid.add(
            str(report.report_no),
            report.kind.value,
            marks([report.status]).rstrip(),
            "unknown" if report.issue_basis is IssueBasis.UNKNOWN else _number(report.issued_s, 1),
            _number(report.magnitude, 1),
            f"{by_level.critical:,}",
            f"{by_level.active:,}",
            f"{by_level.passive:,}",
            f"{report.n_sent:,}",
            _number(report.last_sent_ms, 0),
        )
    print_grid(console, grid)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"
