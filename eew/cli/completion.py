"""``eew completion``: the script by which a shell completes commands and options."""

import argparse

from eew.model.exit_status import ExitStatus

__all__ = ["configure", "run"]

_SHELLS = ("bash", "zsh", "tcsh")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("shell", choices=_SHELLS, metavar="|".join(_SHELLS), help="which shell it is for")


def run(arguments: argparse.Namespace) -> int:
    """Print the script; return 0."""
    import shtab

    from eew.cli.main import COMMANDS, parser_of

    script = shtab.complete(parser_of(arguments.streams, *COMMANDS), arguments.shell)
    arguments.streams.out.write(f"{script}\n")
    return ExitStatus.DONE
