"""``eew shelters``: import a list of shelters, find the nearest ones, say what a catalogue holds."""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from eew.cli.place import place_of
from eew.model.errors import InputError, ShelterDataError
from eew.model.exit_status import ExitStatus
from eew.model.records import Hazard
from eew.view.line import print_line

if TYPE_CHECKING:
    from eew.model.records import Shelters
    from eew.shelter.catalogue import CatalogueFacts
    from eew.shelter.row import ImportResult

__all__ = ["configure", "run"]

SOURCES = ("gsi", "taiwan", "nss", "geojson", "csv")
#: Those that take the names of columns or properties, and a name for what has none.
OPEN_SOURCES = ("geojson", "csv")
N_SHOWN = 10
COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
SYNTHETIC = (
    "These shelters are made up for demonstration. Nobody should go there. (eew shelters import takes real lists.)"
)


class _Found(TypedDict):
    """A shelter and the way to it."""

    id: str
    name: str
    lat_deg: float
    lon_deg: float
    capacity: float | None
    hazards: list[str]
    distance_m: float
    bearing_deg: int


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    importing = actions.add_parser("import", help="make a catalogue from a list; bad rows are listed and left out")
    importing.add_argument("source", choices=SOURCES, help="what wrote the list (csv, geojson: anybody)")
    importing.add_argument("file", metavar="FILE", help="the list; may be gzipped (.gz)")
    importing.add_argument("--out", metavar="DIR", required=True, help="the catalogue to write")
    importing.add_argument(
        "--columns",
        metavar="id=…,name=…,lat=…,lon=…[,capacity=…][,hazards=…][,status=…]",
        help="csv: which column holds what; without hazards all count as meant for earthquakes, none for tsunamis; "
        "geojson: which property does, where it has a name of its own (not lat, lon)",
    )
    importing.add_argument(
        "--unnamed",
        metavar="NAME",
        help='csv, geojson: the name where the list has none (geojson: "Assembly point"; csv: such rows are left out)',
    )

    nearest = actions.add_parser("nearest", help="the nearest shelters of a place")
    nearest.add_argument("place", metavar="LAT,LON", help="degrees")
    nearest.add_argument("-k", type=int, default=3, metavar="N", help="how many (3)")
    nearest.add_argument("--catalogue", metavar="DIR", help="which catalogue (the synthetic one that is shipped)")
    nearest.add_argument(
        "--hazard",
        choices=("earthquake", "tsunami"),
        default="earthquake",
        help="tsunami: only shelters marked for both (earthquake)",
    )
    nearest.add_argument("--json", action="store_true", help="one JSON object")

    info = actions.add_parser("info", help="what a catalogue holds")
    info.add_argument("--catalogue", metavar="DIR", help="which catalogue (the synthetic one that is shipped)")
    info.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Run the action that was asked for; return the exit code."""
    if arguments.action == "import":
        return _import(arguments)
    if arguments.action == "nearest":
        return _nearest(arguments)
    return _info(arguments)


def _import(arguments: argparse.Namespace) -> int:
    """Read a list, write the catalogue, say what became of the rows."""
    from eew.model.system.output import given_path
    from eew.shelter.catalogue import check_replaceable, save

    _refuse_options(arguments)
    # Said before the work, not after it.
    check_replaceable(given_path(arguments.out, "--out"))
    result = _read(arguments)
    _tell_rejected(result)
    if not len(result.shelters):
        raise ShelterDataError(f"at least one good row ({result.n_read} read)", file=arguments.file)
    source = f"{arguments.source}: {Path(arguments.file).name}"
    known = save(result.shelters, arguments.out, source=source, rejected=result.rejected)
    print_line(f"read {known.n_read}, kept {known.n_shelters}, rejected {known.n_rejected}")
    _tell_kept(result)
    if result.is_hazard_assumed:
        print_line(
            "the list does not say what its shelters are for: all taken as meant for earthquakes, none for tsunamis"
        )
    print_line(f"meant for earthquakes {known.n_earthquake}, for tsunamis {known.n_tsunami}; alerts use only these")
    if not known.n_earthquake:
        print_line("warning: no shelter is meant for earthquakes, so no alert will name one")
    print_line(f"catalogue in {arguments.out}" + (", rejected rows in rejected.csv there" if result.rejected else ""))
    return ExitStatus.DONE


def _refuse_options(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go with the source."""
    if arguments.source == "csv" and arguments.columns is None:
        raise InputError("id=…,name=…,lat=…,lon=… with a csv list", field="--columns")
    for option, value in (("--columns", arguments.columns), ("--unnamed", arguments.unnamed)):
        if value is not None and arguments.source not in OPEN_SOURCES:
            raise InputError("only with a csv or geojson list", field=option, value=value)
    if arguments.unnamed is not None and not arguments.unnamed.strip():
        raise InputError("a name", field="--unnamed", value=arguments.unnamed)


def _read(arguments: argparse.Namespace) -> "ImportResult":
    """Read a list with the importer of its source."""
    from eew.shelter.csv_file import import_csv
    from eew.shelter.geojson import import_geojson
    from eew.shelter.gsi import import_gsi
    from eew.shelter.nss import import_nss
    from eew.shelter.row import UNNAMED
    from eew.shelter.taiwan import import_taiwan

    columns = {} if arguments.columns is None else _columns(arguments.columns)
    match arguments.source:
        case "csv":
            return import_csv(arguments.file, columns, arguments.unnamed)
        case "geojson":
            return import_geojson(arguments.file, columns, arguments.unnamed or UNNAMED)
        case source:
            return {"gsi": import_gsi, "taiwan": import_taiwan, "nss": import_nss}[source](arguments.file)


def _columns(text: str) -> Mapping[str, str]:
    """Return what ``id=…,name=…`` says."""
    columns = {}
    for part in text.split(","):
        word, separator, column = part.partition("=")
        if not separator or not column.strip() or word.strip() in columns:
            raise InputError("WORD=NAME, such as id=…,name=…,capacity=…", field="--columns", value=part)
        columns[word.strip()] = column.strip()
    return columns


def _tell_rejected(result: "ImportResult") -> None:
    """Print how many rows were left out for which reason, and the first of each."""
    for reason, n_rows in result.n_by_reason.items():
        print_line(f"rejected, {reason}: {n_rows}")
        listed = [row for row in result.rejected if row.reason is reason]
        for row in listed[:N_SHOWN]:
            print_line(f"  {result.counted} {row.line}: {row.value}")
        if len(listed) > N_SHOWN:
            print_line(f"  and {len(listed) - N_SHOWN} more")


def _tell_kept(result: "ImportResult") -> None:
    """Print how many rows were kept although something about them is not as it might be."""
    for shape, n_rows in result.n_by_shape.items():
        print_line(f"{shape}, kept at a point inside: {n_rows}")
    if result.n_unnamed:
        print_line(f"without a name, kept as {json.dumps(result.unnamed, ensure_ascii=False)}: {result.n_unnamed}")
    if result.n_closed:
        print_line(
            f"marked closed by the list, kept all the same: {result.n_closed}; who is sent there may find it locked "
            "until somebody opens it"
        )
    if result.n_capacity_unreadable:
        print_line(f"capacity unreadable, taken as unknown: {result.n_capacity_unreadable}")


def _nearest(arguments: argparse.Namespace) -> int:
    """Print the nearest shelters of a place."""
    from eew.shelter.nearest import nearest_k

    lat_deg, lon_deg = place_of(arguments.place, "LAT,LON")
    if arguments.k < 1:
        raise InputError("at least 1", field="-k", value=arguments.k)
    shelters, _ = _catalogue(arguments.catalogue)
    hazards = int(Hazard.EARTHQUAKE)
    if arguments.hazard == "tsunami":
        hazards |= Hazard.TSUNAMI
    found = nearest_k(shelters, [lat_deg], [lon_deg], min(arguments.k, max(len(shelters), 1)), hazards=hazards)
    rows = [
        _found(shelters, int(row), float(distance_m), int(bearing_deg))
        for row, distance_m, bearing_deg in zip(
            found.shelter_row[0], found.distance_m[0], found.bearing_deg[0], strict=True
        )
        if row >= 0
    ]
    if arguments.json:
        place = {"lat_deg": lat_deg, "lon_deg": lon_deg}
        catalogue = {"title": shelters.title, "is_synthetic": shelters.is_synthetic}
        print(json.dumps({"place": place, "catalogue": catalogue, "shelters": rows}, ensure_ascii=False))
        return ExitStatus.DONE
    if shelters.is_synthetic:
        print_line(SYNTHETIC)
    _print_nearest(rows)
    if not rows:
        print_line(f"no shelter in the catalogue is meant for: {arguments.hazard}")
    return ExitStatus.DONE


def _print_nearest(rows: "Sequence[_Found]") -> None:
    """Print one line a shelter."""
    from rich.console import Console

    from eew.view.grid import Column, Grid, print_grid

    grid = Grid(
        (
            Column("distance", is_number=True),
            Column("bearing"),
            Column("name", wraps=True),
            Column("place", falls=1),
            Column("for", falls=2),
            Column("id", falls=3),
        )
    )
    for record in rows:
        grid.add(
            _distance(record["distance_m"]),
            f"{record['bearing_deg']:3d}° {COMPASS[round(record['bearing_deg'] / 45) % 8]}",
            record["name"],
            f"{record['lat_deg']:.5f},{record['lon_deg']:.5f}",
            "+".join(record["hazards"]),
            record["id"],
        )
    if rows:
        print_grid(Console(highlight=False), grid)


def _info(arguments: argparse.Namespace) -> int:
    """Print what a catalogue holds."""
    shelters, known = _catalogue(arguments.catalogue)
    extent = {
        "south_deg": float(shelters.lat_deg.min(initial=math.inf)),
        "north_deg": float(shelters.lat_deg.max(initial=-math.inf)),
        "west_deg": float(shelters.lon_deg.min(initial=math.inf)),
        "east_deg": float(shelters.lon_deg.max(initial=-math.inf)),
    }
    if arguments.json:
        print(json.dumps(asdict(known) | (extent if len(shelters) else {}), ensure_ascii=False))
        return ExitStatus.DONE
    if known.is_synthetic:
        print_line(SYNTHETIC)
    print_line(f"title     {known.title}")
    print_line(f"source    {known.source}")
    print_line(f"licence   {known.licence}")
    print_line(f"shelters  {known.n_shelters}: {known.n_earthquake} for earthquakes, {known.n_tsunami} for tsunamis")
    print_line(f"import    {known.n_read} rows read, {known.n_rejected} rejected")
    if len(shelters):
        print_line(
            f"extent    {extent['south_deg']:.2f} to {extent['north_deg']:.2f} N, "
            f"{extent['west_deg']:.2f} to {extent['east_deg']:.2f} E"
        )
    return ExitStatus.DONE


def _catalogue(path: str | None) -> "tuple[Shelters, CatalogueFacts]":
    """Read the catalogue that was asked for, or the shipped one."""
    from eew.shelter.catalogue import default_catalogue_path, facts, load

    place = default_catalogue_path() if path is None else Path(path)
    return load(place), facts(place)


def _found(shelters: "Shelters", row: int, distance_m: float, bearing_deg: int) -> _Found:
    """Return one shelter as JSON has it."""
    capacity = float(shelters.capacity[row])
    return {
        "id": shelters.id[row],
        "name": shelters.name[row],
        "lat_deg": float(shelters.lat_deg[row]),
        "lon_deg": float(shelters.lon_deg[row]),
        "capacity": None if math.isnan(capacity) else capacity,
        "hazards": [hazard.name.lower() for hazard in Hazard if shelters.hazards[row] & hazard],
        "distance_m": round(distance_m, 1),
        "bearing_deg": bearing_deg,
    }


def _distance(distance_m: float) -> str:
    """Return a distance as people say it."""
    return f"{distance_m:.0f} m" if distance_m < 1000 else f"{distance_m / 1000:.1f} km"
