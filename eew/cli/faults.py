"""How a command that checks says all that is wrong."""

import sys

from eew.model.errors import InputError

__all__ = ["tell_all"]


def tell_all(command: str, error: InputError) -> int:
    """Print each fault as one line on standard error; return the exit code."""
    for each in (error, *error.also):
        sys.stderr.write(f"eew {command}: {each}\n")
    return error.exit_code
