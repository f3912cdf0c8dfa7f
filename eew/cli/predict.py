"""``eew predict``: arrival times and shaking at places for one solution, without sending anything."""

import argparse
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from eew.cli.place import place_of
from eew.cli.streams import Streams
from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.option_number import number_of

if TYPE_CHECKING:
    from eew.estimate.intensity_models import IntensityModel
    from eew.model.records import Profile

__all__ = ["configure", "run"]

#: One place of the output, in the order of its columns.
Place = dict[str, float | str | None]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--magnitude", required=True, metavar="M", help="magnitude of the earthquake")
    parser.add_argument("--depth-km", required=True, metavar="H", help="depth of its focus, km")
    parser.add_argument("--at", metavar="LAT,LON", help="epicentre, degrees; goes with --for")
    parser.add_argument(
        "--for", dest="places", nargs="+", action="extend", metavar="LAT,LON", help="places to predict for"
    )
    parser.add_argument(
        "--distance-km", nargs="+", action="extend", metavar="D", help="epicentral distances instead of places, km"
    )
    parser.add_argument(
        "--issue-s", default="6", metavar="S", help="when the report is issued, s after origin (default: 6)"
    )
    parser.add_argument("--profile", default="global", help="region profile: a name or a .toml file (default: global)")
    parser.add_argument("--travel-times", metavar="T", help="travel-time table: a name or a file (default: profile's)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Predict; return 0."""
    import numpy as np

    from eew.decision.policy import is_issued, levels
    from eew.estimate.blind import late_alert_radius_km
    from eew.estimate.intensity_models import intensity_model
    from eew.model.records import Level
    from eew.model.region_profile_file import load_profile
    from eew.physics.geodesy import hypocentral_km
    from eew.physics.travel_time_table import TravelTimeTable
    from eew.view.line import print_line

    streams: Streams = arguments.streams
    magnitude = number_of(arguments.magnitude, "--magnitude", -2, 10.5)
    depth_km = number_of(arguments.depth_km, "--depth-km", -10, 800)
    issue_s = number_of(arguments.issue_s, "--issue-s")
    distance_km = np.array(_distances_km(arguments))
    profile = load_profile(arguments.profile)
    table = TravelTimeTable.load(arguments.travel_times or profile.travel_times)
    model = intensity_model(profile.intensity_model)

    straight_km = hypocentral_km(distance_km, depth_km)
    p_arrival_s, s_arrival_s = table.travel_times(distance_km, depth_km)
    intensity = model.intensity(magnitude, straight_km, depth_km=depth_km)
    max_intensity = float(model.intensity(magnitude, abs(depth_km), depth_km=depth_km))
    would_issue = is_issued(profile, magnitude, max_intensity, depth_km)
    is_forecast = profile.forecasts_intensity(depth_km)
    codes = levels(profile, magnitude, intensity, max_intensity)
    words = [Level(int(code)).word if would_issue else Level.NONE.word for code in codes]
    columns = {
        "epicentral_km": distance_km.tolist(),
        "hypocentral_km": straight_km.tolist(),
        "p_arrival_s": p_arrival_s.tolist(),
        "s_arrival_s": s_arrival_s.tolist(),
        "intensity": intensity.tolist() if is_forecast else [None] * len(words),
        "scale": [profile.scale] * len(words),
        "level": words,
        "lead_s": (s_arrival_s - issue_s).tolist(),
    }
    places: list[Place] = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    late_radius_km = late_alert_radius_km(table, depth_km, issue_s)

    if arguments.json:
        print(json.dumps({"places": places, "late_radius_km": late_radius_km}, allow_nan=False), file=streams.out)
    else:
        named = arguments.places or [f"{place['epicentral_km']:g} km away" for place in places]
        title = f"M {magnitude:g}, {depth_km:g} km deep, report issued {issue_s:g} s after origin"
        _print_table(streams.out, [name.strip() for name in named], places, f"{title}; {profile.title}, {table.name}")
        print_line(
            f"Late-alert radius: {late_radius_km:.1f} km (nearer, the S wave arrives before the report is issued)",
            streams.out,
        )
        print_line("A calculation from formulas, not a warning: eew is not a warning service.", streams.out)
    for note in _notes(profile, model, magnitude, depth_km, max_intensity, would_issue=would_issue):
        print(f"eew predict: note: {note}", file=streams.err)
    return ExitStatus.DONE


def _distances_km(arguments: argparse.Namespace) -> list[float]:
    """Return the epicentral distances that are asked for, in their order."""
    if arguments.distance_km is not None:
        for option, value in (("--at", arguments.at), ("--for", arguments.places)):
            if value is not None:
                raise InputError("either --at and --for, or --distance-km", field=option, value=value)
        return [number_of(text, "--distance-km", 0) for text in arguments.distance_km]
    if arguments.at is None or arguments.places is None:
        missing = "--at" if arguments.at is None else "--for"
        raise InputError("--at LAT,LON and --for LAT,LON …, or --distance-km D …", field=missing)
    from eew.physics.geodesy import epicentral_km

    lat_deg, lon_deg = place_of(arguments.at, "--at")
    to_lat_deg, to_lon_deg = zip(*(place_of(text, "--for") for text in arguments.places), strict=True)
    return [float(distance) for distance in epicentral_km(lat_deg, lon_deg, to_lat_deg, to_lon_deg)]


def _notes(
    profile: "Profile",
    model: "IntensityModel",
    magnitude: float,
    depth_km: float,
    max_intensity: float,
    *,
    would_issue: bool,
) -> list[str]:
    """Return what a reader must know to read the figures right."""
    if not profile.forecasts_intensity(depth_km):
        note = (
            f"profile {profile.name} forecasts no intensity for a focus from {profile.no_intensity_from_depth_km:g} km "
            "depth on (no_intensity_from_depth_km): no one is alerted, every level is none"
        )
        return [note]
    notes = []
    if not would_issue:
        notes.append(
            f"profile {profile.name} does not issue a report of M {magnitude:g} with intensity {max_intensity:.1f} "
            "at most: no one is alerted, every level is none"
        )
    if model.magnitude_range is not None:
        least, most = model.magnitude_range
        if magnitude < least:
            notes.append(f"{model.name} is meant for M {least:.1f} and more")
        if magnitude > most:
            notes.append(f"{model.name} is meant for M {most:.1f} and less")
    return notes


def _print_table(out: TextIO, names: Sequence[str], places: Sequence[Place], title: str) -> None:
    """Print one line a place."""
    from rich.console import Console

    from eew.physics.intensity_scale import class_word
    from eew.view.grid import Column, Grid, print_grid

    scale = str(places[0]["scale"])
    columns = (
        Column("place"),
        Column("epicentre\nkm", is_number=True),
        Column("focus\nkm", is_number=True, falls=3),
        Column("P after\norigin s", is_number=True, falls=2),
        Column("S after\norigin s", is_number=True, falls=1),
        Column(f"intensity\n{scale}"),
        Column("level"),
        Column("lead\ns", is_number=True),
    )
    grid = Grid(columns, title=title)
    for name, place in zip(names, places, strict=True):
        intensity = place["intensity"]
        keys = ("epicentral_km", "hypocentral_km", "p_arrival_s", "s_arrival_s")
        grid.add(
            name,
            *(f"{place[key]:.1f}" for key in keys),
            # Cut, not rounded: a number must not look as if it had reached the next class.
            f"{math.floor(intensity * 10) / 10:.1f} ({class_word(intensity, scale)})"
            if isinstance(intensity, float)
            else "no forecast",
            str(place["level"]),
            f"{place['lead_s']:+.1f}",
        )
    print_grid(Console(file=out, highlight=False), grid)
