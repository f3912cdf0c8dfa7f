"""Gather a release's measurements into one file, and write the README's table of figures from the newest one.

eew bench … --json FILE.json, and make bench
python benchmarks/figures.py collect FILE.json … --release 0.1.0
python benchmarks/figures.py table
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figure_rows import Row, rows
from benchmarks.release import RESULTS, collect, facts, newest
from eew.model.errors import EewError, InputError

__all__ = ["block", "main", "with_block"]

README = Path(__file__).resolve().parent.parent / "README.md"
_BLOCK = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- /figures -->\n)", re.DOTALL)


def block(results: Mapping[str, Any] | None) -> str:
    """Return the table of a release, and before it what it was measured on; nothing where there is no release."""
    if results is None:
        return ""
    lines = [Row("figure", "bar", "measured"), Row("---", "---", "---"), *rows(results["benches"])]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"\n{_measured_on(results)}\n\n{table}\n\n"


def _measured_on(results: Mapping[str, Any]) -> str:
    machine, versions = facts(results, "machine"), facts(results, "versions")
    commits = dict.fromkeys(each["commit"] for each in results["benches"])
    on = [
        f"{machine['cpus']} cores" if "cpus" in machine else None,
        machine.get("cpu"),
        machine.get("system"),
        *(f"{name} {version}" for name, version in versions.items() if name != "eew"),
        " ".join(["commit", *(f"`{commit[:10]}`" for commit in commits if commit)]),
    ]
    return (
        f"Release {results['release']}: {', '.join(each for each in on if each)}; broker, dispatcher and devices share "
        f"the machine. Written by `make figures` from `benchmarks/results/{results['release']}.json`."
    )


def with_block(readme: str, text: str) -> str:
    """Return a README with another text between its markers.

    Raises
    ------
    InputError
        If the markers do not stand there once, each on a line of its own.
    """
    found, n_found = _BLOCK.subn(lambda _: text, readme)
    if n_found != 1:
        raise InputError("<!-- figures --> … <!-- /figures --> once, on lines of their own", value=f"{n_found} times")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the two; return 0, or 2 for what cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    collecting = parts.add_parser("collect", help="gather measurements of one release")
    collecting.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    collecting.add_argument("--release", required=True, metavar="VERSION")
    collecting.add_argument("-o", "--output", type=Path, metavar="PATH", help="default benchmarks/results/VERSION.json")
    parts.add_parser("table", help="write the README's table from the newest release")
    arguments = parser.parse_args(argv)
    try:
        if arguments.part == "collect":
            _collect(arguments.files, arguments.release, arguments.output)
        else:
            text = with_block(README.read_text(encoding="utf-8"), block(newest()))
            README.write_text(text, encoding="utf-8")
    except EewError as error:
        sys.stderr.write(f"figures: {error}\n")
        return error.exit_code
    return 0


def _collect(files: Sequence[Path], release: str, output: Path | None) -> None:
    results, left_out = collect(files, release)
    path = output or RESULTS / f"{release}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(results['benches'])} measurements in {path}")
    if left_out:
        print(f"left out, since it tells a place or a person: {', '.join(left_out)}")


if __name__ == "__main__":
    sys.exit(main())
