"""What everybody waits for before anything happens: a command imports what it needs and no more."""

import subprocess
import sys

import pytest

from eew.physics.travel_time_at_place import travel_times

#: Each takes as long to import as all that ``eew watch`` needs.
HEAVY = {"aiohttp", "importlib.metadata", "numpy", "obspy", "prometheus_client", "pyproj", "scipy", "shapely"}
NOWHERE = ("--broker", "mqtt://127.0.0.1:1", "--reconnect-s", "0.01")
SCRIPT = """
import sys
before = set(sys.modules)
from eew.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*set(sys.modules) - before)
"""


def imported(*words: str) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    command = [sys.executable, "-c", SCRIPT, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_nothing_but_eew() -> None:
    """The list of commands needs no library, and no command."""
    modules = imported("--help")
    assert {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names) == {"eew"}
    assert modules & HEAVY == set()
    assert {name for name in modules if name.startswith("eew.cli.")} == {
        "eew.cli.main",
        "eew.cli.parser",
        "eew.cli.streams",
    }
    assert "asyncio" not in modules


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--at", "38.27,140.87"),
        ("--at", "38.27,140.87", "--profile", "japan", "--language", "ja"),
        ("--at", "38.27,140.87", "--home-assistant"),
    ],
    ids=" ".join,
)
def test_watch_imports_no_heavy_library(options: tuple[str, ...]) -> None:
    """It looks for its broker, which is not there, having imported what a device needs."""
    modules = imported("watch", *NOWHERE, *options)
    assert "aiomqtt" in modules
    assert modules & (HEAVY - {"importlib.metadata"} if "--home-assistant" in options else HEAVY) == set()


def test_a_travel_time_table_is_added_up_as_far_as_asked() -> None:
    """Reading one costs no sum over half a million nodes; a shallow focus costs few rows, a deep one the rest."""
    travel_times.cache_clear()
    table = travel_times("ak135")
    assert table.p_residual_s._rows == []  # type: ignore[attr-defined] # the shipped tables' own kind
    shallow = table.at(100.0, 10.0)
    assert len(table.p_residual_s._rows) < 30  # type: ignore[attr-defined]
    table.at(100.0, 700.0)
    assert table.at(100.0, 10.0) == shallow
