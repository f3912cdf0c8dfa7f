"""``eew replay``: a scenario, or a file of reports, to simulated devices over a real broker."""

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eew.dispatch.limit import add_fail_if, judged, parse_limits, say_broken
from eew.dispatch.loss import say_lost
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from rich.console import Console

    from eew.contract.run_summary import FeedSummary, RunStop
    from eew.contract.signature import SigningKey
    from eew.dispatch.dispatcher import DispatchResult
    from eew.dispatch.limit import Limit
    from eew.dispatch.replay import Progress, RunInput, RunResult
    from eew.dispatch.settings import Settings
    from eew.estimate.estimator import Estimator
    from eew.feed.playback import FeedCounter, Pace
    from eew.model.records import Devices, EventReport, Profile, Shelters
    from eew.model.region_name import Region
    from eew.view.live import Line, Shown

__all__ = ["configure", "run"]

#: Where devices live when only reports are given: within this distance of the first epicentre.
_RADIUS_KM = 300


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = (
        "Options may also stand in a TOML file (--config: devices = 500) and in the environment (EEW_DEVICES=500); "
        "options beat the environment, and that the file. See docs/settings.md."
    )
    parser.add_argument(
        "scenario", metavar="SCENARIO|FILE.jsonl|-", help="a scenario's name or file, or native reports"
    )
    parser.add_argument("--speed", metavar="X|max", help="how much faster the waits between reports pass (default 10)")
    parser.add_argument("--mode", metavar="device|cell", help="one alert a device (default) or one a populated cell")
    parser.add_argument("--qos", metavar="0|1", help="MQTT quality of service of alerts (default 0)")
    parser.add_argument(
        "--payload", metavar="full|compact", help="alerts with all there is (default), or short: shelters by their id"
    )
    parser.add_argument("--devices", metavar="N", help="how many simulated devices (default 100000)")
    parser.add_argument("--seed", metavar="S", help="of everything random (default 1)")
    parser.add_argument("--population", metavar="DIR", help="made by 'eew devices', instead of making one")
    parser.add_argument("--region", metavar="NAME|LAT,LON,KM", help="where devices live, if not as the scenario says")
    parser.add_argument("--shelters", metavar="DIR", help="shelter catalogue (default: the shipped synthetic one)")
    parser.add_argument("--broker", metavar="URL", help="mqtt://host:port, instead of the embedded broker")
    parser.add_argument("--profile", metavar="NAME|FILE", help="region profile, instead of the scenario's")
    parser.add_argument("--travel-times", metavar="NAME|FILE", help="ak135, iasp91, or a table such as JMA's own")
    parser.add_argument("--subscriptions", metavar="wildcard|each", help="how devices on one connection subscribe")
    parser.add_argument("--workers", metavar="N", help="processes that play devices (default 2)")
    parser.add_argument("--connections", metavar="N", help="connections of each worker (default 5)")
    parser.add_argument("--connections-per-device", metavar="1", help="a real connection for each device")
    parser.add_argument("--reconnect-s", metavar="S", help="how long to try while the broker is not there (default 30)")
    parser.add_argument("--key", metavar="FILE", help="a key made by 'eew key new' (default: your own)")
    parser.add_argument("--runs", metavar="DIR", help="where each run gets a folder (default: runs)")
    parser.add_argument("--config", metavar="FILE", help="the same settings as TOML, named as the options with _ for -")
    parser.add_argument("--summary", metavar="PATH", help="also write the run summary there")
    add_fail_if(parser)


def run(arguments: argparse.Namespace) -> int:
    """Play it; return 0, 1 when something was lost or failed, 3 when the broker went away, 130 when stopped."""
    from rich.console import Console

    from eew.cli.run_folder import run_folder
    from eew.dispatch.settings import load_settings
    from eew.model.system.output import check_file

    settings = load_settings(vars(arguments), config=arguments.config)
    console = Console(highlight=False)
    limits = parse_limits(arguments.fail_if)
    check_file(arguments.summary, "--summary")
    play = _play(arguments, settings)
    with run_folder(settings.runs, "stdin" if play.reports is None else Path(arguments.scenario).stem) as folders:
        folder, work = folders
        paths = [folder / "summary.json", *([Path(arguments.summary)] if arguments.summary else [])]
        try:
            given = _given(settings, play, work, console)
            return interrupt.run(_run(settings, given, play, paths, console, limits))
        except KeyboardInterrupt:
            if arguments.summary and not paths[0].exists():
                sys.stderr.write(f"eew replay: stopped before there was a summary: no summary in {paths[1]}\n")
            raise


async def _run(
    settings: "Settings",
    given: "RunInput",
    play: "_Play",
    paths: "Sequence[Path]",
    console: "Console",
    limits: "Sequence[Limit]",
) -> int:
    import msgspec

    from eew.cli.stop import install_stop_signals
    from eew.contract.run_summary import summary_json
    from eew.dispatch.replay import Progress, run
    from eew.dispatch.summary import check_conservation, summary_figures
    from eew.model.errors import EewError
    from eew.model.system.output import write_file
    from eew.view.live import show
    from eew.view.table import print_summary

    progress = Progress()
    async with show(console, lambda: _shown(progress, settings.speed, given.pace)):
        result = await run(settings, given, progress, install_stop_signals)
        judgements = judged(limits, summary_figures(result.summary))
        summary = msgspec.structs.replace(
            result.summary, stopped=_stopped(result, play), feed=_feed(result, play), limits=judgements
        )
        # Before the screen is left, which may be gone; and what cannot be written is seen there all the same.
        text, failures = summary_json(summary), []
        for path in paths:
            try:
                write_file(path, text)
            except OSError as error:
                failures.append(error)
    print_summary(summary, console)
    console.print(f"summary   {paths[0]}", soft_wrap=True)
    if failures:
        raise failures[0]
    if result.is_stopped:
        sys.stderr.write("eew replay: interrupted\n")
        return ExitStatus.INTERRUPTED
    if result.error is not None:
        sys.stderr.write(f"eew replay: {result.error}\n")
        return result.error.exit_code
    try:
        check_conservation(summary)
    except EewError as error:
        sys.stderr.write(f"eew replay: {error}\n")
        return error.exit_code
    delivery = summary.delivery
    faults = {"lost": delivery.lost, "unreadable": delivery.unreadable, "failed": summary.conservation.failed}
    is_lost, is_broken = say_lost("replay", delivery.expected, faults), say_broken("replay", judgements)
    return ExitStatus.FAILED if is_lost or is_broken else ExitStatus.DONE


@dataclass(frozen=True, slots=True)
class _Play:
    """What is played, checked before anything is started."""

    name: str
    #: ``None``: they come on standard input.
    reports: "tuple[EventReport, ...] | None"
    profile: "Profile"
    estimator: "Estimator"
    key: "SigningKey"
    shelters: "Shelters"
    #: What was wrong with the reports.
    counter: "FeedCounter"
    #: One of the two: where to make a population, or the one that is there.
    region: "Region | None"
    devices: "Devices | None"


def _play(arguments: argparse.Namespace, settings: "Settings") -> _Play:
    """Read all that is given; everything that can be wrong with the input is found here."""
    from eew.contract.signature import SigningKey
    from eew.devices.population import store
    from eew.estimate.estimator import Estimator
    from eew.estimate.intensity_models import intensity_model
    from eew.feed.formats.native import load_reports
    from eew.feed.playback import FeedCounter
    from eew.feed.scenario import load_scenario, scenario_path
    from eew.model.errors import InputError
    from eew.model.region_name import parse_region
    from eew.model.region_profile_file import load_profile
    from eew.mqtt.endpoint import Endpoint
    from eew.physics.travel_time_table import TravelTimeTable
    from eew.shelter import catalogue

    where, profile_name = arguments.region, settings.profile
    counter = FeedCounter()
    reports: tuple[EventReport, ...] | None
    if arguments.scenario == "-":
        name, reports = "standard input", None
    elif arguments.scenario.endswith(".jsonl"):
        name, reports = Path(arguments.scenario).stem, load_reports(arguments.scenario, counter.n_unknown)
        where = where or _around(reports)
    else:
        scenario = load_scenario(scenario_path(arguments.scenario))
        name, reports = scenario.name, scenario.reports
        where = where or scenario.population
        profile_name = profile_name or scenario.profile
    if where is None and settings.population is None:
        expected = "where the devices live (or --population): these reports do not say"
        raise InputError(expected, field="--region")
    if settings.broker is not None:
        settings.placed("broker", partial(Endpoint.parse, settings.broker))
    profile = settings.placed("profile", lambda: load_profile(profile_name or "global"))
    return _Play(
        name=name,
        reports=reports,
        counter=counter,
        profile=profile,
        estimator=Estimator(
            settings.placed(
                "travel_times", lambda: TravelTimeTable.load(settings.travel_times or profile.travel_times)
            ),
            intensity_model(profile.intensity_model),
            profile.default_depth_km,
        ),
        key=settings.placed("key", lambda: SigningKey.named_or_own(Path(settings.key) if settings.key else None)),
        shelters=settings.placed(
            "shelters", lambda: catalogue.load(settings.shelters or catalogue.default_catalogue_path())
        ),
        region=None if settings.population or where is None else parse_region(where),
        devices=settings.placed("population", partial(store.load, Path(settings.population)))
        if settings.population
        else None,
    )


def _around(reports: "Sequence[EventReport]") -> str | None:
    """Return a disc around the first epicentre that is known."""
    known = (each for each in reports if each.lat_deg is not None and each.lon_deg is not None)
    first = next(known, None)
    return None if first is None else f"{first.lat_deg},{first.lon_deg},{_RADIUS_KM}"


def _given(settings: "Settings", play: _Play, work: Path, console: "Console") -> "RunInput":
    """Make or load the population, and put together what the run works on."""
    from eew.devices.population import store
    from eew.devices.population.population import make
    from eew.dispatch.replay import RunInput
    from eew.feed.playback import Pace, decoded, lines_of, replay
    from eew.model.clock import SystemClock
    from eew.view.progress import progress

    population, devices = Path(settings.population or work / "population"), play.devices
    if play.region is not None:
        console.print(f"making {settings.devices:,} simulated devices in {play.region.name}")
        with progress("making devices") as on_progress:
            store.save(make(play.region, settings.devices, settings.seed, on_progress=on_progress), population)
    source: AsyncIterator[EventReport]
    pace = None
    if play.reports is None:
        source = decoded(lines_of(sys.stdin.fileno()), play.counter)
    else:
        pace = Pace(settings.speed, len(play.reports))
        source = replay(play.reports, SystemClock(), settings.speed, pace)
    return RunInput(
        name=play.name,
        reports=source,
        starts_at=play.reports[0].issued_at if play.reports else None,
        profile=play.profile,
        estimator=play.estimator,
        key=play.key,
        devices=store.load(population) if devices is None else devices,
        population=population,
        shelters=play.shelters,
        folder=work,
        pace=pace,
    )


def _stopped(result: "RunResult", play: _Play) -> "RunStop | None":
    """Return how far a run came that was stopped; ``None`` for one that came to its end."""
    from eew.contract.run_summary import RunStop

    by = interrupt.stopped_by()
    if not result.is_stopped or by is None:
        return None
    n_given = None if play.reports is None else len(play.reports)
    return RunStop(by=by.name, reports_played=result.n_reports, reports_given=n_given)


def _feed(result: "RunResult", play: _Play) -> "FeedSummary":
    """Return what came in, and what of it was left out."""
    from eew.contract.run_summary import FeedSummary

    counter = play.counter
    return FeedSummary(
        played=result.n_reports, refused=dict(counter.n_refused), unknown_members=dict(counter.n_unknown)
    )


def _shown(progress: "Progress", speed: float, pace: "Pace | None") -> "Shown":
    import time

    from eew.view.live import Shown, pace_words

    counts = ""
    if progress.results:
        counts = (
            f"– {progress.n_planned:,} alerts planned, {progress.n_waiting:,} waiting, "
            f"{progress.n_taken:,} taken by devices"
        )
    elif progress.broker:
        counts = f"({progress.broker}, {progress.n_devices:,} devices)"
    words, now_mono_s = "", time.monotonic()
    if progress.results:
        between = None if pace is None else pace.event_at(now_mono_s)
        words = pace_words(
            event_at=between or progress.event_at,
            # After the last report, and without a pace of ours, the event's time passes as ours does.
            speed=1.0 if between is None else speed,
            n_out=len(progress.results) if pace is None else pace.n_out,
            n_reports=None if pace is None else pace.n_reports,
            next_in_s=None if pace is None else pace.next_in_s(now_mono_s),
        )
    return Shown(progress.stage, counts, [_line(each) for each in progress.results], words)


def _line(result: "DispatchResult") -> "Line":
    from eew.dispatch.dispatcher import ActedOn
    from eew.model.records import IssueBasis
    from eew.view.live import Line

    report, is_acted_on = result.report, isinstance(result, ActedOn)
    issued_s = report.issued_after_s
    issued = "" if issued_s is None else f"{issued_s:.1f}"
    is_unknown = report.issue_basis is IssueBasis.UNKNOWN
    said = "issue time unknown" if is_unknown else f"{issued or '?'} s after origin"
    magnitude = "?" if report.magnitude is None else f"{report.magnitude:.1f}"
    n_by_level = result.n_alerts_by_level if isinstance(result, ActedOn) else {}
    numbers = tuple(f"{n:,}" for n in n_by_level.values()) or ("–",) * 3
    word = report.status.value if is_acted_on else result.disposition.value
    # What became of it must not hide what it is.
    status = word if is_acted_on else f"{report.status.mark}{word}"
    words = (
        f"{report.status.mark}report {report.report_no} {report.kind.value} ({word}): M {magnitude}, "
        f"{said}: critical {numbers[0]}, active {numbers[1]}, passive {numbers[2]}"
    )
    shown = "unknown" if is_unknown else issued
    return Line(words, (str(report.report_no), report.kind.value, shown, magnitude, status, *numbers))
