"""How much memory this process holds."""

import resource
import sys
from pathlib import Path

__all__ = ["resident_bytes"]

_STATUS = Path("/proc/self/status")


def resident_bytes() -> int:
    """Return the resident memory of this process; where the system does not say it, the most it ever was."""
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
