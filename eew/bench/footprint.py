"""How much memory a dispatcher and its swarm take while a report is on its way."""

import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["COUNTED", "Footprint", "Peak"]

#: What the figures are, for whoever reads them.
COUNTED: Final = (
    "greatest resident memory: each swarm process by its own VmHWM, the dispatcher's by VmRSS 20 times a second; "
    "pages of the population that several have mapped count in each"
)
_PROC = Path("/proc")
_EVERY_S = 0.05
_WORKER = b"eew.worker"


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory held, bytes."""

    #: This process while devices were connected; to its end, with the summary of what they received.
    dispatcher_bytes: int
    with_summary_bytes: int
    #: All swarm processes, the greatest of each.
    swarm_bytes: int


class Footprint:
    """Watches this process and the swarm's processes that it starts, as one context; nothing where there is no /proc.

    Reading ``/proc/PID/status`` takes a twentieth of a millisecond; the fair share of mapped pages (``smaps_rollup``)
    would take a hundred times as long and hold the process up.
    """

    def __init__(self) -> None:
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="footprint")
        self._dispatcher_bytes = 0
        self._with_summary_bytes = 0
        self._worker_bytes: dict[int, int] = {}

    def __enter__(self) -> Self:
        """Begin to watch."""
        if (_PROC / "self/status").exists():
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Watch no more."""
        self._has_ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def peak(self) -> Peak | None:
        """What was seen; ``None`` where nothing could be."""
        if not self._with_summary_bytes:
            return None
        return Peak(self._dispatcher_bytes, self._with_summary_bytes, sum(self._worker_bytes.values()))

    def _watch(self) -> None:
        while True:
            own_bytes = _bytes_of("self", "VmRSS:")
            self._with_summary_bytes = max(self._with_summary_bytes, own_bytes)
            workers = [each for each in _children() if _is_worker(each)]
            for worker in workers:
                self._worker_bytes[worker] = max(self._worker_bytes.get(worker, 0), _bytes_of(worker, "VmHWM:"))
            if workers:
                self._dispatcher_bytes = max(self._dispatcher_bytes, own_bytes)
            if self._has_ended.wait(_EVERY_S):
                return


def _children() -> list[int]:
    """Return the processes that this one has started."""
    found = []
    for listed in (_PROC / "self/task").glob("*/children"):
        try:
            found += [int(each) for each in listed.read_text(encoding="ascii").split()]
        except OSError:
            # A thread that has just ended.
            continue
    return found


def _is_worker(process: int) -> bool:
    try:
        return _WORKER in (_PROC / f"{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _bytes_of(process: int | str, name: str) -> int:
    """Return a line of a process's status; 0 for one that has ended."""
    try:
        lines = (_PROC / f"{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)
