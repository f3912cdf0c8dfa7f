"""One connection a device: how many this machine allows, how fast they come about, and what each holds of memory."""

import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from eew.bench.load import Load
from eew.devices.swarm.layout import row_ranges
from eew.devices.swarm.open_files import allow_connections
from eew.devices.swarm.swarm import Swarm, SwarmSettings
from eew.dispatch.replay import swarm_settings
from eew.model.clock import SystemClock
from eew.model.errors import InputError
from eew.model.records import Devices
from eew.model.system import interrupt

__all__ = ["Usage", "allow_files", "check_ports", "connect"]

_PROC = Path("/proc")
_PORT_RANGE = _PROC / "sys/net/ipv4/ip_local_port_range"
#: Below are those that only root may take; above there are none.
_PORTS = (1024, 65535)
#: Status, publisher, feed, a connection that is closing.
_OTHER_CONNECTIONS = 32
#: As ``allow_connections`` leaves for what is open besides.
_OTHER_FILES = 64


def check_ports(n_connections: int, port_range: Path = _PORT_RANGE) -> None:
    """Raise ``InputError`` if one address has not that many ports to reach one broker from."""
    first, last = _PORTS
    if port_range.exists():
        first, last = map(int, port_range.read_text(encoding="ascii").split())
    most = last - first + 1 - _OTHER_CONNECTIONS
    if n_connections > most:
        raise InputError(
            f"at most {most}, as connections from one address to one broker go out from ports {first} to {last} "
            "(Linux: sysctl net.ipv4.ip_local_port_range)",
            field="--connections",
            value=n_connections,
        )


def allow_files(devices: Devices, n_workers: int, *, has_own_broker: bool) -> None:
    """Let the broker and the workers, which inherit it from us, open a file for each of their connections.

    Raises
    ------
    InputError
        If the system's limit for one process is lower; says whose.
    """
    n_of_worker = max(len(each) for each in row_ranges(devices, n_workers))
    n_files, who = (len(devices), "the broker") if has_own_broker else (n_of_worker, "a worker")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and n_files + _OTHER_FILES > hard:
        remedy = "take a broker elsewhere (--broker)" if has_own_broker else "take more --workers"
        raise InputError(
            f"at most {hard - _OTHER_FILES} for {who}, one process that may have {hard} files open: "
            f"raise the hard limit (ulimit -Hn as root, or LimitNOFILE=), or {remedy}",
            field="--connections",
            value=len(devices),
        )
    allow_connections(n_files)


@dataclass(frozen=True, slots=True)
class Usage:
    """What processes hold and have used so far."""

    #: Resident memory that no file backs. Buffers of sockets are the kernel's and not in it.
    resident_bytes: int
    cpu_s: float

    @classmethod
    def of(cls, pids: Sequence[int], proc: Path = _PROC) -> Self | None:
        """Return that of running processes; ``None`` where there are none, or the system does not tell."""
        if not pids or not (proc / str(pids[0]) / "status").exists():
            return None
        held_kib, n_ticks = 0, 0
        for pid in pids:
            status = (proc / str(pid) / "status").read_text(encoding="utf-8")
            held_kib += int(status.partition("RssAnon:")[2].split()[0])
            # The command's name, in brackets, may hold spaces; user and system time are the 14th and 15th field.
            fields = (proc / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            n_ticks += int(fields[11]) + int(fields[12])
        return cls(held_kib * 1024, n_ticks / os.sysconf("SC_CLK_TCK"))

    def since(self, before: Self | None) -> "Usage | None":
        """Return what has come to it."""
        if before is None:
            return None
        return Usage(self.resident_bytes - before.resident_bytes, self.cpu_s - before.cpu_s)


async def connect(load: Load, broker_pid: int | None) -> dict[str, Any]:
    """Connect every device, then let go of all; return how long that took and what it held.

    Starting the workers takes its time too: a swarm of the same devices on one connection a worker, played before,
    tells how long and how much memory, and both are taken off.

    Parameters
    ----------
    load
        Its settings ask for one connection a device.
    broker_pid
        Process of a broker on this machine, ``None`` where it is none of ours.
    """
    how = swarm_settings(load.settings, load.profile.name, load.population, load.endpoint, {})
    few = msgspec.structs.replace(how, n_connections=1)
    broker_pids = [] if broker_pid is None else [broker_pid]
    start_up_s, _, idle = await _played(few, load, broker_pids)
    before = Usage.of(broker_pids)
    ready_s, broker, devices = await _played(how, load, broker_pids)
    connecting_s = max(ready_s - start_up_s, 1e-3)
    grown = {
        "broker": None if broker is None else broker.since(before),
        "devices": None if devices is None else devices.since(idle),
    }
    n = len(load.devices)
    return {
        "start_up_s": round(start_up_s, 3),
        "connecting_s": round(connecting_s, 3),
        "connections_a_second": round(n / connecting_s),
        "cpu_s": {name: None if each is None else round(each.cpu_s, 2) for name, each in grown.items()},
        "bytes_a_connection": {
            name: None if each is None else round(each.resident_bytes / n) for name, each in grown.items()
        },
    }


async def _played(
    how: SwarmSettings, load: Load, broker_pids: Sequence[int]
) -> tuple[float, Usage | None, Usage | None]:
    """Return how long a swarm took until all had subscribed, and what broker and workers were like then."""
    clock = SystemClock()
    with interrupt.work_folder("eew-bench-") as folder:
        started_s = clock.mono_s()
        async with Swarm(how, load.devices, folder) as swarm:
            ready_s = clock.mono_s() - started_s
            pids = swarm.pids
            return ready_s, Usage.of(broker_pids), Usage.of(pids)
