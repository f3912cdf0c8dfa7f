"""``eew feed compare``: our S arrivals and intensities beside an agency's own, area by area."""

import argparse
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus

if TYPE_CHECKING:
    from rich.console import Console

    from eew.estimate.comparison import AreaComparison, Figures, FloatColumn
    from eew.feed.areas import Areas
    from eew.model.records import EventReport

__all__ = ["configure", "run"]

TO_KNOW = """\
Later is our S arrival less the agency's: negative is earlier. Ours is that of the area's point nearest to the
epicentre. JMA reckons to its reference points and not to the polygon's edge, and tells whole seconds: ours is
expected to be 3 to 5 s earlier in the median, and never more than 1 s later.
Intensity is ours at the same point, a point source on firm ground. JMA's comes from its reference points on their
own ground and, where that is more, from shaking already measured nearby (PLUM)."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="messages of an agency that answers by area")
    parser.add_argument("--format", default="jma-xml", metavar="F", help="their wire format (default: jma-xml)")
    parser.add_argument("--areas", required=True, metavar="GEOJSON", help="polygons of the agency's areas, by code")
    parser.add_argument("--profile", default="japan", help="region profile: a name or a .toml file (default: japan)")
    parser.add_argument("--travel-times", metavar="T", help="travel-time table: a name or a file (default: profile's)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Compare; return 0."""
    from eew.estimate.comparison import AreaComparison, compare, figures
    from eew.estimate.intensity_models import intensity_model
    from eew.feed.areas import load_areas
    from eew.model.region_profile_file import load_profile
    from eew.physics.travel_time_table import TravelTimeTable

    profile = load_profile(arguments.profile)
    table = TravelTimeTable.load(arguments.travel_times or profile.travel_times)
    model = intensity_model(profile.intensity_model)
    areas = load_areas(arguments.areas)
    reports = _reports(arguments.files, arguments.format)
    parts = []
    for report in reports:
        if report.lat_deg is None or report.lon_deg is None or not report.areas:
            continue
        places = areas.nearest_points(report.lat_deg, report.lon_deg, [area.code for area in report.areas])
        part = compare(report, *places, table, model, profile.default_depth_km)
        if part is not None:
            parts.append(part)
    if not parts:
        raise InputError("at least one report with an hypocentre and areas", field="FILE", value=arguments.files[0])
    compared = AreaComparison.together(parts)
    head: dict[str, Any] = {
        "travel_times": table.name,
        "intensity_model": model.name,
        "n_reports": len(reports),
        "n_compared": len(parts),
        "unknown_codes": sorted(set(compared.code) - areas.polygon_by_code.keys()),
    }
    by_area = _by_area(compared, areas)
    if arguments.json:
        lists = {"areas": by_area, "rows": _rows(compared)}
        print(json.dumps(head | {"figures": asdict(figures(compared))} | lists, ensure_ascii=False, allow_nan=False))
        return ExitStatus.DONE
    from rich.console import Console

    console = Console(highlight=False)
    _print_table(head, by_area, console)
    _print_figures(figures(compared), console)
    if head["unknown_codes"]:
        print(f"eew feed compare: note: no polygon for area {', '.join(head['unknown_codes'])}", file=sys.stderr)
    return ExitStatus.DONE


def _reports(files: list[str], format_name: str) -> "list[EventReport]":
    """Return the reports in the files, in their order; heartbeats and what is no report are left out."""
    from eew.feed.format_detection import with_likeness
    from eew.feed.wire_format import wire_format
    from eew.model.errors import ReportDecodeError
    from eew.model.records import EventReport

    wire = wire_format(format_name)
    reports: list[EventReport] = []
    for file in files:
        data = Path(file).read_bytes()
        try:
            reports += (part for part in wire.parse(data, file=file) if isinstance(part, EventReport))
        except ReportDecodeError as error:
            raise with_likeness(error, format_name, data, hint="choose it with --format") from error
    return reports


def _by_area(compared: "AreaComparison", areas: "Areas") -> list[dict[str, Any]]:
    """Return what each area comes to over all reports, the nearest first; medians where there are several."""
    import numpy as np

    from eew.estimate.comparison import figures

    found = []
    for code in dict.fromkeys(compared.code.tolist()):
        part = compared.taken(compared.code == code)
        is_timed = np.isfinite(part.later_s)
        lowest, highest = (
            (function(column) if np.isfinite(column).any() else math.nan)
            for function, column in ((np.nanmin, part.agency_class_from), (np.nanmax, part.agency_class_to))
        )
        found.append(
            {
                "code": code,
                "name": areas.name_by_code.get(code),
                "n_reports": len(part),
                "epicentral_km": _median(part.epicentral_km),
                "our_s_arrival_s": _median(part.our_s_arrival_s[is_timed]),
                "agency_s_arrival_s": _median(part.agency_s_arrival_s[is_timed]),
                "our_intensity": _median(part.our_intensity),
                "agency_class_from": _class_word(lowest),
                "agency_class_to": _class_word(highest),
            }
            | asdict(figures(part))
        )
    return sorted(found, key=lambda area: (area["epicentral_km"] is None, area["epicentral_km"]))


def _rows(compared: "AreaComparison") -> list[dict[str, Any]]:
    """Return both answers for each area of each report."""
    columns: dict[str, list[Any]] = {
        "report_no": compared.report_no.tolist(),
        "code": compared.code.tolist(),
        **{
            name: [None if math.isnan(value) else value for value in getattr(compared, name).tolist()]
            for name in ("epicentral_km", "our_s_arrival_s", "agency_s_arrival_s", "later_s", "our_intensity")
        },
        **{
            name: [_class_word(value) for value in getattr(compared, name).tolist()]
            for name in ("our_class", "agency_class_from", "agency_class_to")
        },
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _print_table(head: dict[str, Any], by_area: list[dict[str, Any]], console: "Console") -> None:
    """Print one line an area."""
    from eew.view.grid import Column, Grid, print_grid

    figures = f"{head['n_compared']} reports; {head['travel_times']}, {head['intensity_model']}"
    columns = (
        Column("area", wraps=True),
        Column("reports", is_number=True, falls=3),
        Column("km", is_number=True, falls=2),
        Column("our S\ns", is_number=True, falls=1),
        Column("agency's\ns", is_number=True, falls=1),
        Column("later\ns", is_number=True),
        Column("latest\ns", is_number=True, falls=4),
        Column("our\nintensity", is_number=True),
        Column("agency's", is_number=True),
        Column("within", is_number=True, falls=3),
    )
    grid = Grid(columns, title=f"{figures}; medians over reports")
    for area in by_area:
        grid.add(
            f"{area['code']} {area['name'] or '?'}",
            str(area["n_reports"]),
            _number(area["epicentral_km"]),
            _number(area["our_s_arrival_s"]),
            _number(area["agency_s_arrival_s"]),
            _number(area["median_later_s"], "+"),
            _number(area["max_later_s"], "+"),
            _number(area["our_intensity"]),
            _range(area["agency_class_from"], area["agency_class_to"]),
            _share(area["share_within"]),
        )
    print_grid(console, grid)


def _print_figures(total: "Figures", console: "Console") -> None:
    """Print what all areas of all reports come to, and what must be known to read it right."""
    from eew.view.grid import say

    median_s, least_s, most_s = (
        _number(value, "+") for value in (total.median_later_s, total.min_later_s, total.max_later_s)
    )
    say(
        console,
        f"S arrival: {total.n_arrivals:,} compared, ours later by {median_s} s in the median, {least_s} to {most_s} s; "
        f"{_share(total.share_in_time)} at most 1 s later",
    )
    say(
        console,
        f"Intensity: {total.n_intensities:,} compared, ours within the agency's classes {_share(total.share_within)}, "
        f"within one of them {_share(total.share_within_one_class)}; {total.n_above:,} above, {total.n_below:,} below"
        + (f", these by {total.median_shortfall:.1f} in the median" if total.median_shortfall is not None else ""),
    )
    say(console, TO_KNOW)


def _median(column: "FloatColumn") -> float | None:
    import numpy as np

    known = column[np.isfinite(column)]
    return float(np.median(known)) if len(known) else None


def _class_word(number: float) -> str | None:
    from eew.physics.intensity_scale import JMA_CLASSES

    return None if math.isnan(number) else JMA_CLASSES[int(number)]


def _range(lowest: str | None, highest: str | None) -> str:
    return "–" if lowest is None else lowest if lowest == highest else f"{lowest} to {highest}"


def _number(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.1f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
