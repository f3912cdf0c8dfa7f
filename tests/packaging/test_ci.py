"""``.ci/run`` starts from nothing, asks nothing, installs only what is missing; ``make`` and ``apt-get`` are stubs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")
TOOLS = ("mosquitto", "mosquitto_sub", "jq", "openssl", "curl", "node", "npm", "python3")
LEFT = (
    ".venv/lib/x.py",
    ".mypy_cache/x",
    ".pytest_cache/x",
    ".hypothesis/x",
    "tests/contract/schemas/node_modules/x",
    "build/x",
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a checkout in which somebody has worked, beside programs that only tell how they were called."""
    (tmp_path / "clone" / ".ci").mkdir(parents=True)
    shutil.copy(PROJECT / ".ci" / "run", tmp_path / "clone" / ".ci" / "run")
    for name in (*LEFT, "runs/mine/summary.json"):
        (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clone" / name).touch()
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        stub(tmp_path, name, "exit 0")
    stub(tmp_path, "apt-get", f'echo "apt-get $*" >> {tmp_path}/said')
    script = f'{{ echo "make $*"; env; ls -A; read -r line && echo "stdin is open"; }} >> {tmp_path}/said; exit 0'
    stub(tmp_path, "make", script)
    return tmp_path / "clone"


def stub(folder: Path, name: str, script: str) -> None:
    (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / name).chmod(0o755)


def said(clone: Path, **environment: str) -> str:
    """Run it where nothing else is on the path than the stubs and the system's plain tools."""
    assert BASH is not None
    plain = clone.parent / "plain"
    plain.mkdir()
    for name in ("dirname", "id", "rm", "mktemp", "env", "ls", "timeout", "sh"):
        if found := shutil.which(name):
            (plain / name).symlink_to(found)
    done = subprocess.run(
        [BASH, clone / ".ci" / "run"],
        env={"PATH": f"{clone.parent / 'bin'}:{plain}", "HOME": os.environ.get("HOME", "/"), **environment},
        input="yes\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
    )
    assert done.returncode == 0, done.stderr
    return (clone.parent / "said").read_text()


def test_nothing_of_whoever_runs_it_is_used(clone: Path) -> None:
    """Environment, caches and settings are not there when checks, site and tests run; their own runs stay."""
    kept = {"EEW_REFERENCE_DATA": "/data", "PIP_INDEX_URL": "there"}
    theirs = {
        "EEW_QOS": "1",
        "PYTHONPATH": "/mine",
        "PYTHON": "python2",
        "VIRTUAL_ENV": "/mine",
        "PYTEST_ADDOPTS": "-x",
    }
    told = said(clone, **kept, **theirs, XDG_DATA_HOME="/mine")
    assert [line for line in told.splitlines() if line.startswith("make ")] == ["make check", "make docs", "make test"]
    lines = set(told.splitlines())
    assert {f"{name}={value}" for name, value in kept.items()} <= lines
    assert [name for name in theirs if f"{name}=" in told] == []
    assert "XDG_DATA_HOME=/mine" not in lines
    assert "stdin is open" not in lines
    assert {".venv", ".mypy_cache", ".pytest_cache", ".hypothesis", "build"} & lines == set()
    assert [name for name in LEFT if (clone / name).exists()] == []
    assert (clone / "runs" / "mine" / "summary.json").exists()
    (own,) = {line.partition("=")[2] for line in lines if line.startswith("XDG_DATA_HOME=")}
    assert not Path(own).exists()


def test_only_what_is_missing_is_installed(clone: Path) -> None:
    """Nothing where all is there; the package of a program that is not, if that may be done."""
    (clone.parent / "bin" / "mosquitto_sub").unlink()
    told = said(clone)
    installed = [line for line in told.splitlines() if line.startswith("apt-get install")]
    expected = ["apt-get install -y -qq --no-install-recommends mosquitto-clients"] if os.geteuid() == 0 else []
    assert installed == expected


def test_what_is_there_is_not_installed_again(clone: Path) -> None:
    """No package list is even looked at."""
    assert "apt-get" not in said(clone)
