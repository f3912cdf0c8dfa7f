"""``eew help``: the help of a command, as ``--help`` after it prints it."""

import argparse

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="a command, and one of its own (default: all)")


def run(arguments: argparse.Namespace) -> int:
    """Print it and end: 0, or 2 where there is no such command."""
    from eew.cli.main import parser_of

    words = arguments.words
    parser = parser_of(arguments.streams, *words[:1])
    parser.parse_args([*words, "--help"])
    raise AssertionError("--help ends")
