"""The measurements of one release in one document, without anything that tells whose machine they were made on."""

import getpass
import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eew.model.errors import InputError

__all__ = ["RESULTS", "collect", "facts", "newest", "version_of"]

Document = dict[str, Any]

RESULTS = Path(__file__).resolve().parent / "results"
_VERSION = re.compile(r"\d+(\.\d+){2}")
#: All that is kept of a machine.
_MACHINE = ("cpu", "cpus", "system", "processor")
#: A URL, an address, an absolute path of any system.
_PLACE = re.compile(r"://|\S@\S|(?:^|[\s\"'(=,])(?:/|~/|[A-Za-z]:\\)\S")
_STATISTICS = ("min", "median", "mean", "max", "stddev", "rounds")


def version_of(text: str, field: str, file: Path | None = None) -> tuple[int, ...]:
    """Return a release's number to compare by; raise ``InputError`` where it is none."""
    if not _VERSION.fullmatch(text):
        raise InputError("a version like 0.1.0", file=file, field=field, value=text)
    return tuple(int(part) for part in text.split("."))


def newest(folder: Path = RESULTS) -> Document | None:
    """Return the results of the greatest version in a folder; ``None`` where there are none."""
    files = sorted(folder.glob("*.json"), key=lambda file: version_of(file.stem, "name", file))
    return _read(files[-1]) if files else None


def collect(paths: Sequence[Path], release: str) -> tuple[Document, list[str]]:
    """Gather measurements.

    Parameters
    ----------
    paths
        What ``eew bench … --json`` and ``pytest --benchmark-json`` wrote.
    release
        Of which version of eew they are.

    Returns
    -------
    results
        ``release``, and under ``benches`` each measurement, in the order given.
    left_out
        What was left out since it tells a place or a person, as ``bench.name.name``.

    Raises
    ------
    InputError
        If a file is no measurement, if two measured the same, or if they were made with different versions, by
        different machines, or with another version of eew than ``release``.
    """
    version_of(release, "--release")
    results: Document = {"release": release, "benches": []}
    left_out: list[str] = []
    file_by_what: dict[str, Path] = {}
    for path in paths:
        read = _read(path)
        document = _of_kernels(read) if "benchmarks" in read else read
        if not {"bench", "machine", "versions", "commit", "settings"} <= document.keys():
            raise InputError("what eew bench --json or pytest --benchmark-json wrote", file=path)
        if document["versions"].get("eew", release) != release:
            raise InputError(release, file=path, field="versions.eew", value=document["versions"]["eew"])
        what = json.dumps([document["bench"], document["settings"]], sort_keys=True)
        if what in file_by_what:
            raise InputError(f"something else than in {file_by_what[what]}", file=path, field="bench and settings")
        file_by_what[what] = path
        document["machine"] = {name: document["machine"][name] for name in _MACHINE if name in document["machine"]}
        results["benches"].append(_cleaned(document, document["bench"], left_out))
        for name in ("machine", "versions"):
            facts(results, name, path)
    return results, left_out


def facts(results: Mapping[str, Any], name: str, file: Path | None = None) -> dict[str, Any]:
    """Return what all measurements say of their ``machine`` or ``versions``; raise ``InputError`` where they differ."""
    merged: dict[str, Any] = {}
    for document in results["benches"]:
        for key, value in document[name].items():
            if merged.setdefault(key, value) != value:
                raise InputError(f"{merged[key]}, as before", file=file, field=f"{name}.{key}", value=value)
    return merged


def _read(path: Path) -> Document:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("a JSON file", file=path, value=str(error)) from error
    if not isinstance(read, dict):
        raise InputError("a JSON object", file=path)
    return read


def _of_kernels(read: Mapping[str, Any]) -> Document:
    """Return pytest-benchmark's JSON in the form of all others."""
    info = read["machine_info"]
    return {
        "bench": "kernels",
        "efficiency": None,
        "delivery": None,
        "machine": {
            "cpu": info["cpu"].get("brand_raw"),
            "cpus": info["cpu"].get("count"),
            "system": info["system"],
            "processor": info["machine"],
        },
        "versions": {"python": info["python_version"]},
        "commit": read["commit_info"].get("id"),
        "seed": None,
        "settings": {},
        "kernels": [
            {"name": each["name"], **each["extra_info"]}
            | {f"{name}_s" if name != "rounds" else "n_rounds": each["stats"][name] for name in _STATISTICS}
            for each in read["benchmarks"]
        ],
    }


def _cleaned(value: Any, place: str, left_out: list[str]) -> Any:  # noqa: ANN401 - any JSON
    """Return a value without the members that tell a place or a person."""
    if isinstance(value, dict):
        kept = {}
        for name, each in value.items():
            if _tells(each) or _tells(name):
                left_out.append(f"{place}.{name}")
            else:
                kept[name] = _cleaned(each, f"{place}.{name}", left_out)
        return kept
    if isinstance(value, list):
        left_out.extend(place for each in value if _tells(each))
        return [_cleaned(each, place, left_out) for each in value if not _tells(each)]
    return value


def _tells(value: object) -> bool:
    """Whether a text names a place on a machine or a network, or this machine, or its user."""
    return isinstance(value, str) and (
        _PLACE.search(value) is not None or any(re.search(rf"\b{re.escape(each)}\b", value) for each in _names())
    )


def _names() -> Iterator[str]:
    """Yield the names of this machine and its user, where they are anybody's own."""
    yield from {platform.node(), getpass.getuser()} - {"", "localhost", "root"}
