"""How much memory a dispatcher and its swarm take while a report is on its way."""

import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

__all__ = ["COUNTED", "Footprint", "Peak"]

#: What the figures are, for whoever reads them.
COUNTED: Final = (
    "most that no file backs (RssAnon, looked at 20 times a second); pages of the population and of receipts that are "
    "mapped from disk come on top and can be let go of"
)
_PROC = Path("/proc")
_EVERY_S = 0.05
_WORKER = b"eew.devices.swarm.worker"


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that no file backs, bytes."""

    #: This process while devices were connected; to the end, with the summary of what they received.
    dispatcher_bytes: int
    with_summary_bytes: int
    #: All swarm processes together.
    swarm_bytes: int
    #: The same with all pages that they have mapped, those that they share counted in each (VmHWM).
    swarm_resident_bytes: int


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
        self._swarm_bytes = 0
        self._resident_bytes: dict[int, int] = {}

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
        resident_bytes = sum(self._resident_bytes.values())
        return Peak(self._dispatcher_bytes, self._with_summary_bytes, self._swarm_bytes, resident_bytes)

    def _watch(self) -> None:
        while True:
            own_bytes = _memory_of("self").resident_bytes
            self._with_summary_bytes = max(self._with_summary_bytes, own_bytes)
            swarm = {worker: _memory_of(worker) for worker in _children() if _is_worker(worker)}
            self._swarm_bytes = max(self._swarm_bytes, sum(each.resident_bytes for each in swarm.values()))
            for worker, memory in swarm.items():
                # A process that ends tells no more.
                self._resident_bytes[worker] = max(self._resident_bytes.get(worker, 0), memory.most_resident_bytes)
            if swarm:
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


class _Memory(NamedTuple):
    resident_bytes: int
    most_resident_bytes: int


def _memory_of(process: int | str) -> _Memory:
    """Return what a process's status says; nothing for one that has ended."""
    try:
        lines = (_PROC / f"{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return _Memory(0, 0)
    said = dict(line.split(":", 1) for line in lines)
    return _Memory(*(int(said.get(name, "0 kB").split()[0]) * 1024 for name in ("RssAnon", "VmHWM")))
