"""``make`` keeps an environment that fits, and makes it anew where it does not; nothing is installed here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")
ANEW = "-m venv --clear .venv"


def python(path: Path, told: str) -> None:
    """Write a Python that tells where it is from and which one it is, and is new enough."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{told}'\n")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout whose environment is ready, made with the Python ``a``; there is another one, ``b``."""
    (tmp_path / "requirements").mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements/run.txt", "requirements/dev.txt"):
        shutil.copyfile(PROJECT / name, tmp_path / name)
    for name, told in (("a", "/opt/a 3 11"), ("b", "/opt/b 3 12"), (".venv/bin/python", "/opt/a 3 11")):
        python(tmp_path / name, told)
    for second, name in enumerate(("pyvenv.cfg", ".run", ".dev")):
        (tmp_path / ".venv" / name).touch()
        os.utime(tmp_path / ".venv" / name, (4e9 + second, 4e9 + second))
    return tmp_path


def make(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run make, without what the make that may run these tests was told."""
    assert MAKE is not None
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHON", "MAKEFLAGS", "MAKELEVEL"}}
    return subprocess.run(
        [MAKE, *words], cwd=folder, env=kept | environment, capture_output=True, text=True, check=False, timeout=15
    )


def said(folder: Path, *words: str, **environment: str) -> str:
    """Return what make would do."""
    done = make(folder, "-n", *words, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_environment_that_fits_is_kept(checkout: Path) -> None:
    """Also where another Python than python3 made it and nobody asks for one."""
    assert "pip" not in said(checkout, "setup-dev")
    assert "pip" not in said(checkout, "setup-dev", "PYTHON=./a")


@pytest.mark.parametrize("how", ["command line", "environment"])
def test_another_python_makes_it_anew(checkout: Path, how: str) -> None:
    """All is installed again, for the Python that was asked for."""
    told = (
        said(checkout, "setup-dev", "PYTHON=./b")
        if how == "command line"
        else said(checkout, "setup-dev", PYTHON="./b")
    )
    steps = [f"./b {ANEW}", "requirements/run.txt", "-e .", "requirements/dev.txt"]
    assert [step for step in steps if step not in told] == []


def test_an_environment_whose_python_has_gone_is_made_anew(checkout: Path) -> None:
    """The system's Python was replaced: its packages are of no use to the new one."""
    (checkout / ".venv" / "bin" / "python").unlink()
    (checkout / ".venv" / "bin" / "python").symlink_to(checkout / "gone")
    told = said(checkout, "setup")
    assert ANEW in told
    assert "requirements/run.txt" in told


def test_a_python_that_is_too_old_or_absent_leaves_what_is_there(checkout: Path) -> None:
    """One line says what is needed, and the environment stays."""
    (checkout / "old").write_text("#!/bin/sh\nexit 1\n")
    (checkout / "old").chmod(0o755)
    for name in ("./old", "./absent"):
        done = make(checkout, "setup", f"PYTHON={name}")
        assert done.returncode == 2
        assert "eew needs Python 3.11 or newer" in done.stdout
        assert (checkout / ".venv" / ".dev").exists()
