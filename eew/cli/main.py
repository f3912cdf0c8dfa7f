"""The ``eew`` command: finds the sub-command, runs it, and turns errors into one line and an exit code."""

import argparse
import contextlib
import errno
import importlib
import io
import os
import re
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

from eew.cli.parser import CommandParser
from eew.cli.streams import Streams
from eew.model.errors import EewError, InputError
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt

__all__ = ["COMMANDS", "main", "parser_of"]

#: Each is a module of ``eew.cli`` with ``configure(parser)`` and ``run(arguments) -> exit code``.
COMMANDS = {
    "init": "a folder to begin in: configurations, a scenario, devices",
    "replay": "replay a scenario or a file of reports to simulated devices",
    "scenarios": "list, check or show the scenarios",
    "predict": "arrival times and shaking at places, without sending anything",
    "devices": "make or import a population of devices",
    "shelters": "import shelter lists, find the nearest",
    "broker": "run the embedded MQTT broker",
    "swarm": "run simulated devices against a broker",
    "watch": "what an integrator's subscriber sees: a countdown",
    "cap": "the CAP 1.2 messages of a scenario, or what stands at a broker",
    "webhook": "post event messages of a broker to webhook endpoints",
    "schema": "the JSON Schemas of the messages, or the AsyncAPI document",
    "card": "help cards: emergency numbers and guidance by region and language",
    "feed": "listen to agencies' feeds, or play a scenario as one",
    "key": "make a signing key",
    "dispatch": "the dispatcher as a daemon: feeds in, alerts out",
    "bench": "measure what the dispatcher and its broker can do",
    "completion": "a script by which your shell completes commands and options",
    "help": "the help of a command",
}

#: No room, no more of one's share of it, or no file that large.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NEGATIVE_COORDINATES = re.compile(r"-[\d.]+(,-?[\d.]+)+$")


class _Version(argparse.Action):
    """Prints the version, which is read only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from eew import __version__

        out = parser.streams.out if isinstance(parser, CommandParser) else sys.stdout
        out.write(f"eew {__version__}\n")
        parser.exit()


def main(argv: Sequence[str] | None = None, streams: Streams | None = None) -> int:
    """Run one command; return its exit code, see ``ExitStatus``.

    Parameters
    ----------
    argv
        The words after ``eew``; ``None``: the process's own.
    streams
        Where it speaks; ``None``: the process's own.
    """
    streams = streams or Streams()
    words = list(sys.argv[1:] if argv is None else argv)
    named = next((word for word in words if not word.startswith("-")), None)
    with interrupt.heeded(is_last=argv is None):
        try:
            return _run(words, named, streams)
        except EewError as error:
            return _ended(streams, named, str(error), error.exit_code)
        except OSError as error:
            if _is_unheard(error):
                _silence(streams.out, streams.err)
                return ExitStatus.FAILED if interrupt.stopped_by() is None else ExitStatus.INTERRUPTED
            path, why = error.filename, error.strerror or str(error)
            if path is None and error.errno in _FULL:
                # Files are named where they are written.
                path = "standard output"
                _silence(streams.out)
            problem = InputError("a readable and writable path", file=path, value=why)
            return _ended(streams, named, str(problem), problem.exit_code)
        except KeyboardInterrupt:
            # Python would end itself with SIGINT where a text that it executes (of a dataclass) was interrupted, and
            # forgets that only when it executes the next one.
            exec("")  # noqa: S102 - nothing
            return _ended(streams, named, "interrupted", ExitStatus.INTERRUPTED)


def _run(words: Sequence[str], named: str | None, streams: Streams) -> int:
    """Find the command and run it."""
    parser = parser_of(streams, *([] if named is None else [named]))
    # A leading space keeps argparse from taking "-33.4,-70.6" for an option; every reader of places strips it.
    arguments = parser.parse_args([f" {word}" if _NEGATIVE_COORDINATES.match(word) else word for word in words])
    arguments.streams = streams
    code: int = arguments.run(arguments)
    streams.out.flush()
    return code


def parser_of(streams: Streams, *names: str) -> CommandParser:
    """Return the parser, of which the named commands know their options: each costs what its module imports."""
    parser = CommandParser(
        prog="eew",
        streams=streams,
        description="Earthquake early-warning alert dispatch simulator. This is not a warning service.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name in names:
            module = importlib.import_module(f"eew.cli.{name}")
            module.configure(command)
            command.set_defaults(run=module.run)
    return parser


def _is_unheard(error: OSError) -> bool:
    """Return whether what we say has nowhere to go: the pipe's reader, or our terminal, is gone."""
    is_hung_up = error.errno == errno.EIO and interrupt.stopped_by() is signal.SIGHUP
    return isinstance(error, BrokenPipeError) or (is_hung_up and error.filename is None)


def _ended(streams: Streams, named: str | None, why: str, code: int) -> int:
    """Say in one line why the command has ended; return its exit code."""
    try:
        streams.err.write(f"eew {named}: {why}\n")
        streams.err.flush()
    except OSError:
        _silence(streams.out, streams.err)
    return code


def _silence(*streams: TextIO) -> None:
    """Let nothing more be said there: the interpreter would complain at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        # One that is no file of the system's keeps nothing back.
        with contextlib.suppress(io.UnsupportedOperation):
            os.dup2(nowhere, stream.fileno())
