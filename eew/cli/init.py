"""``eew init``: a folder to begin in: configurations, a scenario of one's own, devices."""

import argparse
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.system.output import given_path, naming, write_file

__all__ = ["configure", "run"]

#: Who is notified: enough to see something, few enough to be made at once.
_REGION, _N_DEVICES, _SEED, _TV_SHARE = "japan", 1000, 1, 0.2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("directory", metavar="DIR", help="made if it is not there; what is in it stays")


def run(arguments: argparse.Namespace) -> int:
    """Write what is not there yet, and say what can be done with it; return 0."""
    folder = given_path(arguments.directory, "DIR")
    if folder.exists() and not folder.is_dir():
        raise InputError("a folder, or a name that is free", field="DIR", value=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    for name, is_written in (*_configurations(folder), _secret(folder), _population(folder)):
        print(f"{folder / name}{'' if is_written else ' was there and stays as it is'}")
    _make_own_key()
    here = shlex.quote(str(folder))
    print("\nPlay the scenario:")
    print(f"  eew replay {here}/my-quake.toml --devices 2000 --speed max")
    print("Or run the dispatcher, and be its feed; each in a terminal of its own:")
    print("  eew broker")
    print(f"  eew dispatch --config {here}/dispatch.toml")
    print("  eew watch")
    print(f"  eew feed serve {here}/my-quake.toml --as native --over mqtt --broker mqtt://127.0.0.1:1883 --now")
    return ExitStatus.DONE


def _configurations(folder: Path) -> Iterator[tuple[str, bool]]:
    """Copy the examples; yield each one's name, and whether it was not there before."""
    from eew.model.shipped import shipped

    for example in sorted(shipped("examples").glob("*.toml")):
        path = folder / example.name
        is_new = not path.exists()
        if is_new:
            write_file(path, example.read_bytes())
        yield example.name, is_new


def _secret(folder: Path) -> tuple[str, bool]:
    """Make the secret that ``webhook.toml`` names; return its name, and whether it was not there before."""
    from eew.bridges.webhook.secret import new_secret

    name = "webhook.secret"
    try:
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return name, False
    with naming(folder / name):
        try:
            with os.fdopen(file, "w", encoding="ascii") as out:
                out.write(new_secret() + "\n")
        except BaseException:
            (folder / name).unlink()
            raise
    return name, True


def _population(folder: Path) -> tuple[str, bool]:
    """Make the devices that ``dispatch.toml`` names; return the folder's name, and whether it was not there before."""
    from eew.devices.population.population import make
    from eew.devices.population.store import save
    from eew.model.region_name import parse_region

    name = "population"
    if (folder / name).exists():
        return name, False
    save(make(parse_region(_REGION), _N_DEVICES, _SEED, _TV_SHARE), folder / name)
    return name, True


def _make_own_key() -> None:
    """Make the key of one's own, if there is none: what is dispatched here, `eew webhook` is to believe."""
    from eew.contract.signature import SigningKey

    SigningKey.load_or_create()
