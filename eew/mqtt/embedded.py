"""A broker of our own for as long as a block lasts.

    this process ──▶ supervisor (own session) ──▶ nats-server ──▶ temporary store

The supervisor ends the server and removes the store when we ask, and also when we are gone.
"""

import asyncio
import contextlib
import ipaddress
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from eew.model.errors import BrokerConnectError, BrokerError
from eew.model.system.cancellation import to_the_end
from eew.mqtt.endpoint import Endpoint
from eew.mqtt.nats_server import find_server, server_settings
from eew.mqtt.ready import wait_until_ready

__all__ = ["EmbeddedBroker"]

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
#: The supervisor itself gives the server five seconds before it uses force.
_STOP_WITHIN_S = 10.0


class EmbeddedBroker:
    """A nats-server that speaks MQTT 3.1.1 on this machine; an async context manager.

    It takes any free port by default, so many can run at once. It is stopped and its store removed when the block
    is left, be it by an exception, a cancellation or Ctrl-C, and also when this process is killed. Ctrl-C in a
    terminal does not reach it: it ends after us.

    Parameters
    ----------
    host
        Where it listens.
    port
        0 for any free one.
    websocket_port
        Where it also takes MQTT over WebSocket, below ``/mqtt``, without TLS and from pages of any origin; 0 for any
        free port, ``None``: it does not.
    within_s
        How long it may take to get ready, s.

    Raises
    ------
    BrokerConnectError
        On entering, if there is no usable nats-server, if it ends early, or is not ready in time.
    """

    name = "nats-server"

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, websocket_port: int | None = None, within_s: float = 15.0
    ) -> None:
        self._host = host
        self._port = port
        self._websocket_port = websocket_port
        self._within_s = within_s
        self._supervisor: _Supervisor | None = None
        self._ready_event: dict[str, Any] = {}
        self._version = ""
        self._folder = Path()

    @property
    def endpoint(self) -> Endpoint:
        """Where clients of this machine reach it."""
        return Endpoint(_reachable(self._host), int(self._ready_event["ports"]["MQTT"]))

    @property
    def websocket_url(self) -> str | None:
        """Where clients of this machine reach it over WebSocket; ``None`` where that was not asked for."""
        if self._websocket_port is None:
            return None
        return f"ws://{_bracketed(_reachable(self._host))}:{self._ready_event['ports']['websocket']}/mqtt"

    @property
    def facts(self) -> dict[str, str]:
        """``name``, ``version`` and ``url``, as they stand in a summary."""
        return {"name": self.name, "version": self.version, "url": str(self.endpoint)}

    @property
    def version(self) -> str:
        """The server's version."""
        return self._version

    @property
    def pid(self) -> int:
        """The server's process id."""
        return int(self._ready_event["server_pid"])

    @property
    def folder(self) -> Path:
        """Its temporary folder."""
        return self._folder

    async def __aenter__(self) -> Self:
        """Start, and wait until a client would be accepted. If cancelled, nothing keeps running."""
        try:
            await to_the_end(self._start)
            self._ready_event = await self._first_event()
            await wait_until_ready(self.endpoint, self._within_s)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; when this returns or raises, it has ended and its store is gone."""
        await self._stop()

    async def wait_lost(self) -> None:
        """Wait until the server ends by itself, which it should not.

        Cancelled like any coroutine. To be called once at a time, inside the block.

        Raises
        ------
        BrokerError
            When it has ended, with the last line of its log.
        """
        event = await self._next_event()
        raise BrokerError(str(self.endpoint), f"nats-server ended: {event['last_line']}")

    async def _next_event(self) -> dict[str, Any]:
        if self._supervisor is None:
            raise RuntimeError("the embedded broker is not running")
        return await asyncio.to_thread(self._supervisor.next_event)

    def _start(self) -> None:
        """Start the supervisor, which makes the folder; blocks for some milliseconds."""
        server = find_server()
        self._version = server.version
        # Named by us, so that we can remove it if the supervisor should not live to do so.
        self._folder = Path(tempfile.gettempdir()) / f"eew-broker-{secrets.token_hex(8)}"
        self._supervisor = _start_supervisor(
            {
                "binary": str(server.path),
                "folder": str(self._folder),
                "settings": server_settings(
                    self._host, self._port, self._folder / "store", websocket_port=self._websocket_port
                ),
                "listeners": ["MQTT"] if self._websocket_port is None else ["MQTT", "websocket"],
                "parent_pid": os.getpid(),
            }
        )

    async def _first_event(self) -> dict[str, Any]:
        """Return the supervisor's word that the server listens; the thread that waits ends with the supervisor."""
        address = f"mqtt://{_bracketed(self._host)}:{self._port}"
        try:
            async with asyncio.timeout(self._within_s):
                event = await self._next_event()
        except TimeoutError:
            raise BrokerConnectError(address, f"nats-server not ready within {self._within_s:g} s") from None
        if event["event"] != "ready":
            raise BrokerConnectError(address, f"nats-server ended: {event['last_line']}")
        return event

    async def _stop(self) -> None:
        if self._supervisor is not None:
            supervisor, self._supervisor = self._supervisor, None
            await to_the_end(supervisor.stop, self._folder)


@dataclass(frozen=True, slots=True)
class _Supervisor:
    """The supervisor's process and the two pipes to it."""

    process: subprocess.Popen[bytes]
    commands: IO[bytes]
    events: IO[bytes]

    def next_event(self) -> dict[str, Any]:
        """Return its next line; blocks until there is one or it has ended."""
        line = self.events.readline()
        event: dict[str, Any] = json.loads(line) if line else {"event": "ended", "last_line": "its supervisor has gone"}
        return event

    def stop(self, folder: Path) -> None:
        """Let it end, by force if need be; blocks until nothing is left."""
        with contextlib.suppress(BrokenPipeError):
            self.commands.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_STOP_WITHIN_S)
        if self.process.returncode != 0:
            # It hangs or was killed: its server, in the same process group, must not stay.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            shutil.rmtree(folder, ignore_errors=True)
        self.events.close()


def _start_supervisor(command: dict[str, Any]) -> _Supervisor:
    """Start the supervisor in a session of its own, so that a terminal's Ctrl-C does not reach it.

    Not by asyncio: tearing down its loop would kill the supervisor, and only the supervisor.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_SUPERVISOR)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    supervisor = _Supervisor(process, cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout))
    with contextlib.suppress(BrokenPipeError):
        # A supervisor that has died already is noticed when it says nothing.
        supervisor.commands.write(json.dumps(command).encode() + b"\n")
        supervisor.commands.flush()
    return supervisor


def _bracketed(host: str) -> str:
    """Return a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _reachable(host: str) -> str:
    """Return loopback for "every address", which one cannot connect to everywhere."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"
