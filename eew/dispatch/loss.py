"""That alerts were lost, in a line on standard error: an exit code alone tells nobody why."""

import sys
from collections.abc import Mapping

__all__ = ["say_lost"]


def say_lost(command: str, n_expected: int, n_by_fault: Mapping[str, int]) -> bool:
    """Say which faults there were, if any; return whether there were.

    Parameters
    ----------
    command
        Whose run it was.
    n_expected
        How many alerts devices should have had.
    n_by_fault
        What went wrong, in one word each (``lost``), and for how many alerts.
    """
    faults = ", ".join(f"{fault} {n:,}" for fault, n in n_by_fault.items() if n)
    if faults:
        sys.stderr.write(f"eew {command}: of {n_expected:,} alerts expected: {faults}\n")
    return bool(faults)
