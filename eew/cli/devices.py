"""``eew devices``: make, import, export or describe a population."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.option_number import number_of, whole_number_of

if TYPE_CHECKING:
    from eew.devices.population.exporter import Form
    from eew.devices.population.importer import RejectedRow
    from eew.model.records import Devices

__all__ = ["configure", "run"]

#: Rejected rows shown; all of them are in ``rejected.csv``.
N_SHOWN = 20
#: How a list is written, by the ending of its name.
FORM_BY_SUFFIX: "dict[str, Form]" = {".csv": "csv", ".geojson": "geojson"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    verbs = parser.add_subparsers(dest="verb", metavar="make|import|export|info", required=True)
    make = verbs.add_parser("make", help="spread devices over the towns of a region")
    make.add_argument("--region", required=True, metavar="NAME|LAT,LON,KM", help="a named region, or a disc")
    make.add_argument("--devices", required=True, metavar="N", help="how many, 1 to 100000000")
    make.add_argument("--seed", required=True, metavar="S", help="the same seed makes the same population")
    make.add_argument("--out", required=True, metavar="DIR", help="an existing population there is replaced")
    make.add_argument("--tv-share", default="0.2", metavar="X", help="share of TVs, the rest are phones (default 0.2)")
    imported = verbs.add_parser("import", help="read a CSV file: id,lat_deg,lon_deg[,kind]")
    imported.add_argument("csv", type=Path, metavar="CSV")
    imported.add_argument("--out", required=True, metavar="DIR", help="an existing population there is replaced")
    exported = verbs.add_parser("export", help="write ids, places, cells and topics of all devices")
    exported.add_argument("directory", type=Path, metavar="DIR", help="the population")
    exported.add_argument(
        "--out", required=True, metavar="FILE", help="a new file; .csv, or .geojson: a feature a line"
    )
    exported.add_argument("--replace", action="store_true", help="the file may be there: it is replaced")
    info = verbs.add_parser("info", help="what is in a population")
    info.add_argument("directory", type=Path, metavar="DIR")


def run(arguments: argparse.Namespace) -> int:
    """Do it; return 0."""
    return {"make": _make, "import": _import, "export": _export, "info": _info}[arguments.verb](arguments)


def _make(arguments: argparse.Namespace) -> int:
    """Make a population and write it."""
    from eew.devices.population.population import make
    from eew.devices.population.region import region_towns
    from eew.devices.population.store import check_replaceable, save
    from eew.model.region_name import parse_region
    from eew.model.system.output import given_path
    from eew.view.progress import progress

    region = parse_region(arguments.region)
    n_devices = whole_number_of(arguments.devices, "--devices")
    seed = whole_number_of(arguments.seed, "--seed")
    tv_share = number_of(arguments.tv_share, "--tv-share")
    out = given_path(arguments.out, "--out")
    # Said before the work, not after it.
    check_replaceable(out)
    is_replaced = (out / "devices.toml").exists()
    with progress("making devices") as on_progress:
        devices = make(region, n_devices, seed, tv_share, on_progress)
    with progress("writing devices") as on_progress:
        save(devices, out, on_progress=on_progress)
    if not len(region_towns(region)):
        print(f"no town within {region.name}: devices lie evenly over the disc")
    _tell_written(devices, out, is_replaced)
    return ExitStatus.DONE


def _import(arguments: argparse.Namespace) -> int:
    """Read a CSV file and write what is usable of it."""
    from eew.devices.population.importer import import_csv, rejected_csv
    from eew.devices.population.store import check_replaceable, save
    from eew.model.system.output import given_path
    from eew.view.progress import progress

    out = given_path(arguments.out, "--out")
    check_replaceable(out)
    is_replaced = (out / "devices.toml").exists()
    with progress("reading rows") as on_progress:
        devices, rejected = import_csv(arguments.csv, on_progress)
    save(devices, out, rejected_csv(rejected) if rejected else None)
    _tell_written(devices, out, is_replaced)
    if rejected:
        _tell_rejected(rejected, arguments.csv, out)
    return ExitStatus.DONE


def _export(arguments: argparse.Namespace) -> int:
    """Write all devices as a list."""
    from eew.devices.population.exporter import exported
    from eew.devices.population.store import CREDIT, load
    from eew.model.system.output import check_file, given_path, write_parts
    from eew.view.progress import progress

    out = given_path(arguments.out, "--out")
    form = FORM_BY_SUFFIX.get(out.suffix.lower())
    if form is None:
        raise InputError(f"a file ending in {' or '.join(FORM_BY_SUFFIX)}", field="--out", value=arguments.out)
    # Said before the work, not after it.
    check_file(out, "--out")
    is_replaced = out.exists()
    if is_replaced and not arguments.replace:
        raise InputError("a new file, or --replace", file=out, field="--out", value="it exists")
    devices = load(arguments.directory)
    credit = None if devices.seed is None else CREDIT
    with progress("writing devices") as on_progress:
        write_parts(out, exported(devices, form, credit=credit, on_progress=on_progress))
    replaced = " in place of the file that was there" if is_replaced else ""
    print(f"{len(devices):,} devices ({_kinds(devices)}) written to {out}{replaced}")
    if credit is not None:
        print(credit)
    return ExitStatus.DONE


def _info(arguments: argparse.Namespace) -> int:
    """Describe a population."""
    import numpy as np

    from eew.devices.population.store import CREDIT, load

    devices = load(arguments.directory)
    n_bytes = sum(path.stat().st_size for path in arguments.directory.iterdir())
    n_cells = 1 + int(np.count_nonzero(devices.cell[1:] != devices.cell[:-1]))
    rows = {
        "region": devices.region,
        "seed": "none (imported)" if devices.seed is None else str(devices.seed),
        "devices": f"{len(devices):,} ({_kinds(devices)})",
        "cells with devices": f"{n_cells:,}",
        "latitude": f"{devices.lat_deg.min():.3f} to {devices.lat_deg.max():.3f}",
        "longitude": f"{devices.lon_deg.min():.3f} to {devices.lon_deg.max():.3f}",
        "first and last id": f"{devices.id[0].decode()}, {devices.id[-1].decode()}",
        "on disk": f"{n_bytes / 1e6:,.1f} MB",
    }
    if devices.seed is not None:
        rows["credit"] = CREDIT
    for name, value in rows.items():
        print(f"{name:<20}{value}")
    return ExitStatus.DONE


def _kinds(devices: "Devices") -> str:
    """Return how many there are of each kind, in words."""
    n_tvs = int(devices.kind.sum())
    return f"{len(devices) - n_tvs:,} phones, {n_tvs:,} TVs"


def _tell_written(devices: "Devices", out: Path, is_replaced: bool) -> None:
    """Say what was written, and what that replaced."""
    replaced = " in place of the population that was there" if is_replaced else ""
    print(f"{len(devices):,} devices ({_kinds(devices)}) written to {out}{replaced}")


def _tell_rejected(rejected: "list[RejectedRow]", path: Path, out: Path) -> None:
    """List what was left out."""
    from eew.devices.population.importer import n_rejected_by_reason

    print(f"{len(rejected):,} rows left out:")
    for reason, n_rows in n_rejected_by_reason(rejected).items():
        print(f"  {n_rows:>9,}  {reason}")
    for row in rejected[:N_SHOWN]:
        print(f"{path}:{row.line}: {row.field}: {row.value!r}: {row.reason}")
    if len(rejected) > N_SHOWN:
        print(f"… and {len(rejected) - N_SHOWN:,} more")
    print(f"all of them are listed in {out / 'rejected.csv'}")
