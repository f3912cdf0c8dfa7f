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
from typing import Any, NoReturn, TextIO

from eew.model.errors import EewError, InputError
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt

__all__ = ["main"]

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
    "webhook": "tell addresses on the web what a broker says of events",
    "schema": "the JSON Schemas of the messages, or the AsyncAPI document",
    "card": "help cards: emergency numbers and guidance by region and language",
    "feed": "listen to agencies' feeds, or play a scenario as one",
    "key": "make a signing key",
    "dispatch": "the dispatcher as a daemon: feeds in, alerts out",
    "bench": "measure what the dispatcher and its broker can do",
}

#: No room, no more of one's share of it, or no file that large.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NEGATIVE_COORDINATES = re.compile(r"-[\d.]+(,-?[\d.]+)+$")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and exit code 2, and name the command that they are of."""

    def parse_known_args(self, *words: Any, **more: Any) -> Any:  # noqa: ANN401 - it has several forms
        """Parse, and let what is unknown be told by the command that does not know it."""
        known, unknown = super().parse_known_args(*words, **more)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {message} (see {self.prog} --help)\n")
        sys.exit(ExitStatus.BAD_INPUT)


class _Version(argparse.Action):
    """Prints the version, which is read only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from eew import __version__

        print(f"eew {__version__}")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (0 done, 1 loss, 2 bad input, 3 no broker, 130 interrupted)."""
    words = list(sys.argv[1:] if argv is None else argv)
    named = next((word for word in words if not word.startswith("-")), None)
    with interrupt.heeded(is_last=argv is None):
        try:
            return _run(words, named)
        except EewError as error:
            return _ended(named, str(error), error.exit_code)
        except OSError as error:
            if _is_unheard(error):
                _silence(sys.stdout, sys.stderr)
                return ExitStatus.FAILED if interrupt.stopped_by() is None else ExitStatus.INTERRUPTED
            path, why = error.filename, error.strerror or str(error)
            if path is None and error.errno in _FULL:
                # Files are named where they are written.
                path = "standard output"
                _silence(sys.stdout)
            problem = InputError("a readable and writable path", file=path, value=why)
            return _ended(named, str(problem), problem.exit_code)
        except KeyboardInterrupt:
            # Python would end itself with SIGINT where a text that it executes (of a dataclass) was interrupted, and
            # forgets that only when it executes the next one.
            exec("")  # noqa: S102 - nothing
            return _ended(named, "interrupted", ExitStatus.INTERRUPTED)


def _run(words: Sequence[str], named: str | None) -> int:
    """Find the command and run it."""
    parser = _Parser(
        prog="eew",
        description="Earthquake early-warning alert dispatch simulator. This is not a warning service.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == named:
            module = importlib.import_module(f"eew.cli.{name}")
            module.configure(command)
            command.set_defaults(run=module.run)
    # A leading space keeps argparse from taking "-33.4,-70.6" for an option; every reader of places strips it.
    arguments = parser.parse_args([f" {word}" if _NEGATIVE_COORDINATES.match(word) else word for word in words])
    code: int = arguments.run(arguments)
    sys.stdout.flush()
    return code


def _is_unheard(error: OSError) -> bool:
    """Return whether what we say has nowhere to go: the pipe's reader, or our terminal, is gone."""
    is_hung_up = error.errno == errno.EIO and interrupt.stopped_by() is signal.SIGHUP
    return isinstance(error, BrokenPipeError) or (is_hung_up and error.filename is None)


def _ended(named: str | None, why: str, code: int) -> int:
    """Say in one line why the command has ended; return its exit code."""
    try:
        sys.stderr.write(f"eew {named}: {why}\n")
        sys.stderr.flush()
    except OSError:
        _silence(sys.stdout, sys.stderr)
    return code


def _silence(*streams: TextIO) -> None:
    """Let nothing more be said there: the interpreter would complain at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        # One that is no file of the system's keeps nothing back.
        with contextlib.suppress(io.UnsupportedOperation):
            os.dup2(nowhere, stream.fileno())
