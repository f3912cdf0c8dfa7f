"""``eew scenarios``: list, check and show scenarios, and make them from an agency's telegrams."""

import argparse
import json
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eew.cli.faults import tell_all
from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus

if TYPE_CHECKING:
    from eew.feed.scenario import Scenario

__all__ = ["configure", "run"]

#: How far around the hypocentre a converted scenario looks for people, until its author knows better.
RADIUS_KM = 300


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    acts.add_parser("list", help="the scenarios that come with eew")
    check = acts.add_parser("check", help="check files of scenarios and years, and say all that is wrong")
    check.add_argument("files", nargs="+", metavar="NAME|FILE")
    show = acts.add_parser("show", help="the reports of one scenario")
    show.add_argument("scenario", metavar="NAME|FILE")
    show.add_argument("--json", action="store_true", help="as one JSON object, its reports as native EventReports")
    convert = acts.add_parser("convert", help="make a scenario of JMA XML telegrams or native .jsonl files")
    convert.add_argument("files", nargs="+", metavar="FILE")
    convert.add_argument("--out", required=True, metavar="FILE", help="the scenario file to write")
    convert.add_argument("--title", help="default: place and magnitude of the last report")
    convert.add_argument("--profile", default="japan", help="region profile (default %(default)s)")
    convert.add_argument(
        "--population", metavar="REGION|LAT,LON,KM", help=f"default: {RADIUS_KM} km around the last hypocentre"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it; return the exit code."""
    act = {"list": _list, "check": _check, "show": _show, "convert": _convert}[arguments.act]
    return act(arguments)


def _list(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from eew.feed.scenario import YEAR_FILE, load_scenario, scenario_folder
    from eew.feed.scenario_year import load_year
    from eew.view.grid import Column, Grid, print_grid, say

    folder = scenario_folder()
    grid = Grid(
        (
            Column("name"),
            Column("title", wraps=True),
            Column("events", is_number=True, falls=3),
            Column("reports", is_number=True, falls=1),
            Column("magnitude"),
            Column("profile", falls=2),
            Column("population", falls=4),
        )
    )
    for path in sorted(folder.glob("*.toml")):
        scenario = load_scenario(path)
        magnitudes = [report.magnitude for report in scenario.reports if report.magnitude is not None]
        least, most = (min(magnitudes), max(magnitudes)) if magnitudes else (None, None)
        span = _number(least) if least == most else f"{_number(least)}-{_number(most)}"
        n_events = len({(report.source, report.event_id) for report in scenario.reports})
        counts = (str(n_events), str(len(scenario.reports)))
        grid.add(scenario.name, scenario.title, *counts, span, scenario.profile, scenario.population)
    console = Console(file=arguments.streams.out, highlight=False)
    print_grid(console, grid)
    for path in sorted(folder.glob(f"*/{YEAR_FILE}")):
        year = load_year(path)
        say(console, f"\n{year.name} (played by `eew bench year`): {year.title}")
    return ExitStatus.DONE


def _check(arguments: argparse.Namespace) -> int:
    """Say of each file what it holds, or all that is wrong with it; return 2 if anything is."""
    n_bad = n_faults = 0
    for name in arguments.files:
        try:
            print(_held(name), file=arguments.streams.out, flush=True)
        except InputError as error:
            tell_all("scenarios", error, arguments.streams.err)
            n_bad, n_faults = n_bad + 1, n_faults + 1 + len(error.also)
    if n_bad and len(arguments.files) > 1:
        arguments.streams.err.write(
            f"eew scenarios: {n_bad} of {len(arguments.files)} are not usable, faults: {n_faults}\n"
        )
    return ExitStatus.BAD_INPUT if n_bad else ExitStatus.DONE


def _held(name: str) -> str:
    """Return in words what a scenario or a year holds; raise ``InputError`` with all that is wrong with it."""
    from eew.feed.scenario import is_year, load_scenario, scenario_path
    from eew.feed.scenario_year import load_year, year_path

    if is_year(name):
        path = year_path(name)
        return f"{path}: ok, {len(load_year(path).reports)} earthquakes"
    path = scenario_path(name)
    n_reports = len(load_scenario(path).reports)
    return f"{path}: ok, {n_reports} report{'s' * (n_reports > 1)}"


def _show(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from eew.feed.scenario import load_scenario, scenario_path
    from eew.model.units import iso_utc
    from eew.view.grid import Column, Grid, print_grid, say

    scenario = load_scenario(scenario_path(arguments.scenario))
    if arguments.json:
        print(json.dumps(_as_json(scenario), ensure_ascii=False), file=arguments.streams.out)
        return ExitStatus.DONE
    console = Console(file=arguments.streams.out, highlight=False)
    statuses = ", ".join(dict.fromkeys(report.status.value for report in scenario.reports))
    marks = "".join(dict.fromkeys(report.status.mark for report in scenario.reports))
    say(console, f"{marks}{scenario.title} [{scenario.name}]")
    terms = f"profile {scenario.profile}, population {scenario.population}, licence: {scenario.licence}"
    say(console, f"status {statuses}, {terms}")
    for source in scenario.sources:
        say(console, f"source: {source}")
    if scenario.notes:
        # Broken for the file's width; a terminal has its own.
        say(console, re.sub(r"(?<!\n)\n(?!\n)", " ", scenario.notes) if console.is_terminal else scenario.notes)
    zero_at = next((report.origin_at for report in scenario.reports if report.origin_at is not None), None)
    has_events = len({report.event_id for report in scenario.reports}) > 1
    has_statuses = len({report.status for report in scenario.reports}) > 1
    grid = Grid(
        (
            *([Column("event")] if has_events else []),
            Column("no", is_number=True),
            Column("issued"),
            Column("after s", is_number=True, falls=1),
            Column("kind"),
            # Where it is the same for all it stands above, too.
            Column("status", falls=0 if has_statuses else 5),
            Column("M", is_number=True),
            Column("lat", is_number=True, falls=4),
            Column("lon", is_number=True, falls=4),
            Column("depth km", is_number=True, falls=3),
            Column("place", wraps=True, falls=2),
            Column("remarks", falls=2),
        )
    )
    for report in scenario.reports:
        is_unknown = report.issue_basis == "unknown"
        remarks = (
            "assumed" if report.is_assumed else "",
            "fault" if report.fault else "",
            "issue received" if report.issue_basis == "received" else "",
        )
        grid.add(
            *([report.event_id] if has_events else []),
            str(report.report_no),
            "unknown" if is_unknown else iso_utc(report.issued_at, 3),
            _number(None if zero_at is None or is_unknown else (report.issued_at - zero_at).total_seconds()),
            report.kind.value,
            report.status.value,
            _number(report.magnitude),
            _number(report.lat_deg, 2),
            _number(report.lon_deg, 2),
            _number(report.depth_km, 0),
            report.place or "",
            " ".join(filter(None, remarks)),
        )
    print_grid(console, grid)
    return ExitStatus.DONE


def _convert(arguments: argparse.Namespace) -> int:
    from eew.feed.convert import read_reports, scenario_toml
    from eew.feed.scenario import Scenario, parse_scenario
    from eew.model.system.output import check_file, write_file

    check_file(arguments.out, "--out")
    reports = read_reports(arguments.files)
    last = next((report for report in reversed(reports) if report.lat_deg is not None), None)
    if last is None:
        raise InputError("at least one report with a hypocentre", file=arguments.files[0])
    names = sorted(Path(file).name for file in arguments.files)
    scenario = Scenario(
        name=Path(arguments.out).stem,
        title=arguments.title or f"{last.place or last.event_id}, M{_number(last.magnitude)}",
        sources=(f"{len(names)} files, {names[0]} to {names[-1]}" if len(names) > 1 else names[0],),
        licence="unknown: ask the agency before passing it on",
        profile=arguments.profile,
        population=_population(arguments.population or f"{last.lat_deg},{last.lon_deg},{RADIUS_KM}"),
        reports=reports,
    )
    text = scenario_toml(scenario)
    parse_scenario(text.encode(), arguments.out)
    write_file(arguments.out, text)
    said = f"{arguments.out}: {len(reports)} reports; fill in its sources and licence"
    print(said, file=arguments.streams.out)
    return ExitStatus.DONE


def _population(text: str) -> str:
    parts = text.strip().split(",")
    try:
        is_place = len(parts) == 3 and all(map(math.isfinite, map(float, parts)))
    except ValueError:
        is_place = False
    if not is_place and not re.fullmatch(r"[A-Za-z0-9_-]+", text.strip()):
        raise InputError("a region's name or LAT,LON,KM", field="--population", value=text.strip())
    return text.strip()


def _as_json(scenario: "Scenario") -> dict[str, Any]:
    from eew.feed.formats.native import encode_report

    return asdict(scenario) | {"reports": [json.loads(encode_report(report)) for report in scenario.reports]}


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
