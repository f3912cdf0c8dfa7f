"""A device that is cut off comes back, and gives up in time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from eew.devices.swarm.reconnecting_subscriber import ReconnectingSubscriber
from eew.devices.swarm.subscriber_protocol import PacketRun
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.endpoint import Endpoint

pytestmark = pytest.mark.broker


class Cutter:
    """A way to a broker that can be cut and opened again."""

    def __init__(self, broker: Endpoint) -> None:
        self._broker = broker
        self._writers: list[asyncio.StreamWriter] = []
        self._pipes: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.endpoint = broker

    async def open(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.endpoint = Endpoint("127.0.0.1", self._server.sockets[0].getsockname()[1])

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._broker.host, self._broker.port)
        self._writers += [writer, there_writer]
        for one, other in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._pipe(one, other))
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return


@pytest.fixture
async def cutter(embedded_broker: EmbeddedBroker) -> AsyncIterator[Cutter]:
    cutter = Cutter(embedded_broker.endpoint)
    await cutter.open()
    yield cutter
    await cutter.cut()


async def test_it_subscribes_again_when_it_is_back(cutter: Cutter, embedded_broker: EmbeddedBroker) -> None:
    """What is published after a cut arrives, and the return is told once."""
    import aiomqtt

    payloads: asyncio.Queue[bytes] = asyncio.Queue()
    is_back = asyncio.Event()

    def take(run: PacketRun) -> None:
        for row in run.payload:
            payloads.put_nowait(row.tobytes())

    subscriber = ReconnectingSubscriber(
        cutter.endpoint,
        "attached",
        ["attachment/#"],
        take,
        reconnect_s=20,
        on_back=is_back.set,
        on_gone=pytest.fail,
    )
    await subscriber.open()
    broker = embedded_broker.endpoint
    async with asyncio.timeout(20), aiomqtt.Client(broker.host, broker.port) as publisher:
        await publisher.publish("attachment/a", b"before")
        assert await payloads.get() == b"before"
        port = cutter.endpoint.port
        await cutter.cut()
        await cutter.open(port)
        await is_back.wait()
        await publisher.publish("attachment/a", b"after")
        assert await payloads.get() == b"after"
    await subscriber.close()


async def test_it_gives_up_with_the_reason(cutter: Cutter) -> None:
    """A broker that stays away ends the tries after the time given."""
    gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    subscriber = ReconnectingSubscriber(
        cutter.endpoint,
        "attached",
        ["attachment/#"],
        lambda _run: None,
        reconnect_s=0.2,
        on_back=lambda: None,
        on_gone=gone.set_result,
    )
    await subscriber.open()
    await cutter.cut()
    async with asyncio.timeout(20):
        assert "onnect" in await gone
    await subscriber.close()
