"""How much memory this process holds of its own; what it has mapped from files is shared and can be let go."""

import resource
import sys
from pathlib import Path

__all__ = ["held_bytes"]

_STATUS = Path("/proc/self/status")


def held_bytes() -> int:
    """Return the resident memory that no file backs; the most of any kind ever held where the system tells no more."""
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("RssAnon:"))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
