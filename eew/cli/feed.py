"""``eew feed``: listen to agencies' feeds, compare their answers with ours, or play a scenario as one."""

import argparse
import importlib

__all__ = ["configure", "run"]

#: Each is a module of ``eew.cli``, ``feed_`` before its name, with ``configure(parser)`` and ``run(arguments)``.
ACTS = {
    "listen": "print the reports of feeds, files and standard input as they come",
    "compare": "our S arrivals and intensities beside an agency's own, area by area",
    "serve": "play a scenario in an agency's format, as a server to test against",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    for name, summary in ACTS.items():
        module = importlib.import_module(f"eew.cli.feed_{name}")
        module.configure(acts.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + "."))


def run(arguments: argparse.Namespace) -> int:
    """Run one of them; return its exit code."""
    code: int = importlib.import_module(f"eew.cli.feed_{arguments.act}").run(arguments)
    return code
