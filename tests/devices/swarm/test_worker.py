"""One process of the swarm: how it begins, and all the ways in which it ends."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest

from eew.devices.population import store
from eew.devices.population.population import make
from eew.devices.swarm.receiver import Counter
from eew.devices.swarm.swarm import Swarm, SwarmSettings, WorkerOrders
from eew.model.errors import BrokerConnectError, BrokerLostError
from eew.model.region_name import parse_region
from eew.mqtt import packet
from eew.mqtt.embedded import EmbeddedBroker

pytestmark = pytest.mark.broker

N = 60


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("devices") / "population"
    store.save(make(parse_region("35,139,100"), N, 1), folder)
    return folder


def orders(population: Path, folder: Path, broker_url: str, n_connections: int = 0) -> bytes:
    np.memmap(folder / "counters-0.bin", dtype=np.int64, mode="w+", shape=(len(Counter),))
    settings = SwarmSettings(broker_url=broker_url, population=str(population), n_connections=n_connections)
    return msgspec.json.encode(WorkerOrders(settings=settings, worker_no=0, ranges=[(0, N)], folder=str(folder)))


@asynccontextmanager
async def worker(line: bytes | None) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "eew.devices.swarm.worker", stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert process.stdin is not None
    if line is not None:
        process.stdin.write(line + b"\n")
        await process.stdin.drain()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate(b"")


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode()


@asynccontextmanager
async def picky_broker(n_accepted: int) -> AsyncIterator[str]:
    """Yield the address of one that serves only the first connections and cuts the others off."""
    n_connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal n_connections
        n_connections += 1
        is_accepted = n_connections <= n_accepted
        received = b""
        while is_accepted and (data := await reader.read(4096)):
            received += data
            while (found := packet.packet_at(received, 0, len(received))) is not None:
                kind, body, end = found
                # CONNECT, SUBSCRIBE and PINGREQ, and their answers (MQTT 3.1.1, table 2.1).
                answers = {0x10: b"\x20\x02\x00\x00", 0x82: b"\x90\x03" + received[body : body + 2] + b"\x00"}
                writer.write(answers.get(kind, b"\xd0\x00"))
                received = received[end:]
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_orders_that_never_come_are_no_error() -> None:
    """A parent that is gone before it gave any leaves nothing behind, and no traceback."""
    async with worker(None) as process:
        out, err = await process.communicate(b"")
        assert (process.returncode, out, err) == (0, b"", b"")


async def test_it_writes_down_what_came_when_standard_input_ends(
    population: Path, tmp_path: Path, embedded_broker: EmbeddedBroker
) -> None:
    """Whether the parent closed it or was killed: that is the same to the worker."""
    async with worker(orders(population, tmp_path, str(embedded_broker.endpoint))) as process:
        assert await first_line(process) == "ready\n"
        _, err = await process.communicate(b"")
        assert (process.returncode, err) == (0, b"")
    assert (tmp_path / "receipts-0.bin").read_bytes() == b""
    assert json.loads((tmp_path / "notes-0.json").read_text()) == {"cores": [], "issues": [], "clocks": []}


async def test_a_parent_that_is_gone_while_it_connects_ends_it(population: Path, tmp_path: Path) -> None:
    """It does not wait for a broker that answers nobody, nor for a reader of its words."""

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0)
    async with server:
        url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with worker(orders(population, tmp_path, url)) as process:
            _, err = await process.communicate(b"")
            assert (process.returncode, err) == (0, b"")


async def test_no_broker_is_said_with_the_reason(population: Path, tmp_path: Path) -> None:
    """One line and exit 3, no traceback."""
    async with worker(orders(population, tmp_path, "mqtt://127.0.0.1:9")) as process:
        assert (await first_line(process)).startswith("broker ")
        _, err = await process.communicate(b"")
        assert (process.returncode, err) == (3, b"")


async def test_one_refused_connection_of_many_is_said_with_the_reason(population: Path, tmp_path: Path) -> None:
    """Connections are opened side by side; the reason of the first that fails comes out of their group."""
    async with picky_broker(5) as url, worker(orders(population, tmp_path, url)) as process:
        assert re.fullmatch(r"broker .*[Cc]onnection.*\n", await first_line(process))
        _, err = await process.communicate(b"")
        assert (process.returncode, err) == (3, b"")


async def test_the_parent_hears_why_devices_cannot_connect(population: Path, tmp_path: Path) -> None:
    """As the error of a broker, with its address."""
    async with picky_broker(5) as url:
        settings = SwarmSettings(broker_url=url, population=str(population), n_workers=1, n_connections=0)
        with pytest.raises(BrokerConnectError, match=r"127\.0\.0\.1:\d+: .*[Cc]onnection"):
            async with Swarm(settings, store.load(population), tmp_path):
                pass


async def test_a_broker_that_dies_is_the_reason_why_workers_end(population: Path, tmp_path: Path) -> None:
    """What came until then is written down, and the parent knows that it was the broker."""
    async with EmbeddedBroker() as broker:
        settings = SwarmSettings(
            broker_url=str(broker.endpoint), population=str(population), n_workers=1, n_connections=0, reconnect_s=0.2
        )
        swarm = Swarm(settings, store.load(population), tmp_path)
        await swarm.__aenter__()
    try:
        async with asyncio.timeout(20):
            await swarm._workers[0].wait()
        with pytest.raises(BrokerLostError, match="connections were cut"):
            swarm.check()
        assert len((await swarm.finish()).lines) == 0
    finally:
        await swarm.__aexit__(None, None, None)


async def test_too_many_connections_are_a_typed_error(population: Path, tmp_path: Path) -> None:
    """The system's limit of open files is named before the first connection fails."""
    pipe = subprocess.PIPE
    script = "import resource, runpy; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)); "
    script += "runpy.run_module('eew.devices.swarm.worker', run_name='__main__')"
    async with picky_broker(1000) as url:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdin=pipe, stdout=pipe)
        assert process.stdin is not None
        process.stdin.write(orders(population, tmp_path, url) + b"\n")
        line = await first_line(process)
        await process.communicate(b"")
    assert line.startswith("error connections: 60: expected at most 36 a worker")
    assert "ulimit -n" in line
    assert process.returncode == 2
