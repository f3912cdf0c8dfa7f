"""The ``eew`` command: finds the sub-command, runs it, and turns errors into one line and an exit code."""

import argparse
import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from eew.errors import EewError, InputError

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
    "dispatch": "the dispatcher as a daemon: feeds in, alerts out",
    "bench": "measure what the dispatcher and its broker can do",
}

_NEGATIVE_COORDINATES = re.compile(r"-[\d.]+(,-?[\d.]+)+$")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and exit code 2."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{self.prog}: {message} (see {self.prog} --help)\n")
        sys.exit(2)


class _Version(argparse.Action):
    """Prints the version, which is read only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from eew import __version__

        print(f"eew {__version__}")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (0 done, 1 loss, 2 bad input, 3 no broker, 130 interrupted)."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _Parser(
        prog="eew",
        description="Earthquake early-warning alert dispatch simulator. This is not a warning service.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    named = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == named:
            module = importlib.import_module(f"eew.cli.{name}")
            module.configure(command)
            command.set_defaults(run=module.run)
    # A leading space keeps argparse from taking "-33.4,-70.6" for an option; every reader of places strips it.
    arguments = parser.parse_args([f" {word}" if _NEGATIVE_COORDINATES.match(word) else word for word in words])
    try:
        code: int = arguments.run(arguments)
    except EewError as error:
        sys.stderr.write(f"eew {named}: {error}\n")
        return error.exit_code
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read our output has gone; nothing more can be said to them.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        problem = InputError("a readable and writable path", file=error.filename, value=error.strerror)
        sys.stderr.write(f"eew {named}: {problem}\n")
        return problem.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"eew {named}: interrupted\n")
        return 130
    return code
