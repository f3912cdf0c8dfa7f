"""How a command that checks says all that is wrong."""

import sys
from typing import TextIO

from eew.model.errors import InputError

__all__ = ["tell_all"]


def tell_all(command: str, error: InputError, err: TextIO | None = None) -> int:
    """Print each fault as one line on standard error; return the exit code."""
    err = err or sys.stderr
    for each in (error, *error.also):
        err.write(f"eew {command}: {each}\n")
    return error.exit_code
