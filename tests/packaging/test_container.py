"""What ``Containerfile`` does makes an eew that an ordinary user can run; there need not be an engine for it."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "Containerfile").read_text(encoding="utf-8")
STEPS = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
#: The user of the image: no name, no rights.
USER = 10001
NO_WAY = re.compile(r"Connection|No matching distribution|timed out|Temporary failure", re.IGNORECASE)

Run = Callable[..., "subprocess.Popen[str]"]
#: A Python that everybody may run: root's own, as pyenv installs it, is of no use to another user.
SYSTEM = Path("/usr/bin/python3")
IS_USABLE = "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"


def as_user() -> dict[str, Any]:
    """Return how a process is started as the image's user, nothing where that cannot be."""
    if os.geteuid() != 0 or subprocess.run([SYSTEM, "-c", IS_USABLE], capture_output=True, check=False).returncode:
        return {}
    return {"user": USER, "group": USER, "extra_groups": []}


AS_USER = as_user()


def test_the_image_is_made_by_what_is_tested() -> None:
    """Nothing else is run than the script and the home of the user; the last word is an ordinary user's ``eew``."""
    ran = [step for step in STEPS if step.startswith("RUN")]
    home = f"mkdir /home/eew && chown {USER}:{USER} /home/eew"
    assert ran == ["RUN /source/container/install /source /opt/eew", f"RUN {home}"]
    assert STEPS[STEPS.index(f"RUN {home}") + 1] == f"USER {USER}:{USER}"
    assert STEPS[-2:] == ['ENTRYPOINT ["eew"]', 'CMD ["--help"]']
    assert {step.split()[0] for step in STEPS} == {
        *("FROM", "COPY", "RUN", "USER", "WORKDIR", "ENV", "EXPOSE", "ENTRYPOINT", "CMD"),
    }


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Return a folder that everybody may enter: pytest's own are the tester's alone."""
    with tempfile.TemporaryDirectory(prefix="eew-container-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="module")
def environment(folder: Path) -> Path:
    """Run the script on a copy of what the image is made of; return the environment that it makes."""
    source, target = folder / "source", folder / "opt" / "eew"
    ignored = shutil.ignore_patterns(*(PROJECT / ".dockerignore").read_text().replace("**/", "").split())
    shutil.copytree(PROJECT, source, ignore=ignored, symlinks=True)
    target.parent.mkdir()
    done = subprocess.run(
        [source / "container" / "install", source, target],
        cwd=folder,
        env=os.environ | ({"PATH": "/usr/bin:/bin"} if AS_USER else {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if done.returncode and NO_WAY.search(done.stderr):
        # In CI the packages are to be had: there nothing is left out.
        leave = pytest.fail if "CI" in os.environ else pytest.skip
        leave(f"no way to a package registry: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    return target


@pytest.fixture(scope="module")
def home(folder: Path) -> Path:
    """Return the user's home, which is empty."""
    (folder / "home").mkdir()
    if AS_USER:
        os.chown(folder / "home", USER, USER)
    return folder / "home"


@pytest.fixture(scope="module")
def run(environment: Path, home: Path) -> Run:
    """Return what runs ``eew`` in the user's home, as the image's user if root may hand over to it."""

    def started(*words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [environment / "bin" / "eew", *words],
            cwd=home,
            env={"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **AS_USER,
        )

    return started


@pytest.mark.broker
@pytest.mark.long(300, reason="installs what is locked into an environment of its own")
def test_an_ordinary_user_plays_dispatches_and_serves(environment: Path, run: Run, home: Path) -> None:
    """A replay, a configuration that is usable, a broker that starts and stops; nothing that only builds is there."""
    (site,) = environment.glob("lib/python3*/site-packages")
    names = {path.name for path in site.iterdir()}
    assert names & {"pip", "setuptools", "hatchling", "tests"} == set()
    assert {"eew", "aiohttp", "prometheus_client", "standardwebhooks"} <= names

    def said(*words: str) -> str:
        out, err = (process := run(*words)).communicate(timeout=60)
        assert (process.returncode, "Traceback" in err) == (0, False), err
        return out

    assert "delivered 600 + lost 0" in said("replay", "false-alarm", "--devices", "200", "--speed", "max")
    assert "my-quake.toml" in said("init", ".")
    assert "dispatch.toml is usable" in said("dispatch", "--config", "dispatch.toml", "--check")
    assert (home / "dispatch.toml").stat().st_uid == AS_USER.get("user", os.geteuid())
    with run("broker", "--host", "0.0.0.0", "--port", "0") as broker:  # noqa: S104 # as in the image
        assert broker.stdout is not None
        try:
            assert "is ready" in broker.stdout.readline()
        finally:
            broker.send_signal(signal.SIGTERM)
        assert broker.wait(20) == 0
