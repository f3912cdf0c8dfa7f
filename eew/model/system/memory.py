"""Anonymous resident memory of this process; pages mapped from files are shared and can be dropped."""

import ctypes
import resource
import sys
from pathlib import Path

__all__ = ["anonymous_resident_bytes", "set_mmap_threshold"]

#: glibc's name for the size from which memory is asked of the system, and given back to it, piece by piece.
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1 << 20
_STATUS = Path("/proc/self/status")


def anonymous_resident_bytes() -> int:
    """Return the anonymous resident memory; the peak resident memory where the system tells no more."""
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith("RssAnon:"))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def set_mmap_threshold() -> None:
    """Set the size from which freed arrays go back to the system at once.

    glibc raises its threshold to 32 MiB as arrays come and go, and then keeps what is freed in each thread's heap: a
    third more memory a device (``benchmarks/NOTES.md``). Other C libraries are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
