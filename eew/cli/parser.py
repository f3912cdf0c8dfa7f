"""How the words of a command line are read: whole names only, errors in one line that says what was likely meant."""

import argparse
import re
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

from eew.cli.streams import Streams
from eew.model.exit_status import ExitStatus

__all__ = ["CommandParser"]

_CHOICE = re.compile(r"invalid choice: '(?P<word>[^']*)'")


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors are one line and exit code 2, and name the command that they are of."""

    def __init__(self, *, streams: Streams | None = None, **more: Any) -> None:  # noqa: ANN401 - argparse's own
        self.streams = streams or Streams()
        self._words: tuple[str, ...] = ()
        #: What a word may be.
        self._taken: list[argparse.Action] = []
        super().__init__(allow_abbrev=False, **more)

    def add_argument(self, *names: Any, **more: Any) -> argparse.Action:  # noqa: ANN401 - argparse's own
        """Add an option or what stands without one."""
        action = super().add_argument(*names, **more)
        self._taken.append(action)
        return action

    def add_subparsers(self, **more: Any) -> Any:  # noqa: ANN401 - argparse's own
        """Let the commands of a command speak where it does."""
        made = partial(CommandParser, streams=self.streams)
        action = super().add_subparsers(parser_class=made, **more)  # type: ignore[call-overload] # anything that makes one
        self._taken.append(action)
        return action

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override] # noqa: ANN401 - it has several forms
        """Parse, and let the command that does not know an argument name it."""
        self._words = tuple(sys.argv[1:] if args is None else args)
        known, unknown = super().parse_known_args(self._words, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def print_help(self, file: Any = None) -> None:  # noqa: ANN401 - argparse's own
        """Print the help on our standard output."""
        super().print_help(self.streams.out if file is None else file)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End, having said why on our standard error."""
        if message:
            self.streams.err.write(message)
        sys.exit(status)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and what was likely meant, and end."""
        meant = self._meant(message)
        words = f"{message}; did you mean {meant}?" if meant else message
        self.exit(ExitStatus.BAD_INPUT, f"{self.prog}: {words} (see {self.prog} --help)\n")

    def _meant(self, message: str) -> str | None:
        """Return what was likely meant by the first word that is none of ours, as far as the error is about one."""
        from eew.model.document import likely_name

        if choice := _CHOICE.search(message):
            return likely_name(choice["word"], {str(name) for each in self._taken for name in each.choices or ()})
        names = {name for each in self._taken for name in each.option_strings if name.startswith("--")}
        options = {name.removeprefix("--").replace("-", "_"): name for name in names}
        for word in self._words if "arguments" in message else ():
            given, _, _ = word.partition("=")
            if given.startswith("--") and given not in names:
                likely = likely_name(given.removeprefix("--"), options)
                return None if likely is None else options[likely]
        return None
