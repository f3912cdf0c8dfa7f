"""Transports: what each makes of a real other side, and of one that misbehaves."""

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest
from aiohttp import WSMsgType, web

from eew.feed.transports import (
    folder_watcher as folder,
)
from eew.feed.transports import (
    http_client as http,
)
from eew.feed.transports import (
    lines,
)
from eew.feed.transports import (
    mqtt_subscriber as mqtt,
)
from eew.feed.transports import (
    websocket_client as websocket,
)
from eew.feed.transports.address import Address, Via
from eew.feed.transports.received_message import ReceivedMessage, Sign, Signal
from eew.model.clock import ManualClock, SystemClock
from eew.model.errors import InputError
from eew.mqtt.embedded import EmbeddedBroker

CLOCK = SystemClock()


@asynccontextmanager
async def served(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Serve a handler on a free port; yield host and port."""
    application = web.Application()
    application.router.add_get("/feed", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def data_of(signal: Signal) -> bytes:
    assert isinstance(signal, ReceivedMessage)
    return signal.data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mqtt://h", Address(Via.MQTT, "mqtt://h", "h", 1883, topic="eew/v1/reports/+")),
        ("mqtt://h:99/a/#", Address(Via.MQTT, "mqtt://h:99/a/#", "h", 99, topic="a/#")),
        ("mqtts://u:p%40@h/t", Address(Via.MQTT, "mqtts://u:p%40@h/t", "h", 8883, "u", "p@", True, "t")),
        ("ws://h/x", Address(Via.WEBSOCKET, "ws://h/x", "h", 80)),
        ("wss://h:1/", Address(Via.WEBSOCKET, "wss://h:1/", "h", 1, is_tls=True)),
        ("https://h/a?b=c", Address(Via.HTTP, "https://h/a?b=c", "h", 443, is_tls=True)),
        ("-", Address(Via.STANDARD_INPUT, "")),
    ],
)
def test_an_address_is_read(text: str, expected: Address) -> None:
    """Each scheme has its transport and its port."""
    assert Address.parse(text) == expected


def test_a_path_is_a_folder_or_a_file(tmp_path: Path) -> None:
    """Whatever is there."""
    (tmp_path / "f").touch()
    assert Address.parse(str(tmp_path)).via is Via.FOLDER
    assert Address.parse(f"dir:{tmp_path}").target == str(tmp_path)
    assert Address.parse(str(tmp_path / "f")).via is Via.FILE


@pytest.mark.parametrize(
    "text", ["", "ftp://h", "mqtt://", "ws://h:0", "ws://h:x", "http://h/a b", "no such file", "dir:no"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Naming what is one."""
    with pytest.raises(InputError) as raised:
        Address.parse(text, option="--feed")
    assert raised.value.field == "--feed"


@pytest.mark.parametrize("text", ["wss://me:secret@h/x?key=secret", "mqtt://me:secret@h/t"])
def test_secrets_are_not_shown(text: str) -> None:
    """Neither passwords nor keys in a query."""
    address = Address.parse(text)
    assert "secret" not in f"{address} {address!r}"


@pytest.mark.parametrize("text", ["ftp://me:secret@h", "mqtt://me:a/secret@h/topic", "ws://me:secret/@h/x"])
def test_secrets_are_not_shown_in_an_error(text: str) -> None:
    """Where the rest of the URL is."""
    with pytest.raises(InputError) as raised:
        Address.parse(text)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("module", ["websocket", "http", "folder"])
async def test_a_missing_library_says_how_to_install_it(
    module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In one line."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    limits = {"timeout_s": 1.0, "max_bytes": 10}
    signals = {
        "websocket": lambda: websocket.messages(Address.parse("ws://h"), timeout_s=1, max_bytes=9),
        "http": lambda: http.messages(Address.parse("http://h"), clock=CLOCK, interval_s=1, **limits),  # type: ignore[arg-type]  # both are numbers
        "folder": lambda: folder.messages(Address.parse(str(tmp_path)), clock=CLOCK, max_bytes=9),
    }[module]()
    with pytest.raises(InputError, match=r"python\S* -m pip install 'aiohttp>=\S+ 'prometheus-client>=\S+ 'w"):
        await anext(signals)


async def test_a_websocket_gives_texts_bytes_and_signs_of_life() -> None:
    """After our own first word; pings are answered."""
    heard = []

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        heard.append(await socket.receive())
        await socket.ping(b"?")
        heard.append(await socket.receive())
        await socket.send_str("é")
        await socket.send_bytes(b"\xff")
        await socket.close(code=1001)
        return socket

    async with served(handler) as where:
        address = Address.parse(f"ws://{where}/feed")
        async with aclosing(websocket.messages(address, timeout_s=5, max_bytes=99, send="query")) as signals:
            assert await anext(signals) is Sign.OPENED
            assert await anext(signals) is Sign.ANSWERED
            assert data_of(await anext(signals)) == "é".encode()
            assert data_of(await anext(signals)) == b"\xff"
            with pytest.raises(ConnectionError, match="code 1001"):
                await anext(signals)
    assert [(each.type, each.data) for each in heard] == [(WSMsgType.TEXT, "query"), (WSMsgType.PONG, b"?")]


async def test_a_websocket_that_is_cut_or_says_too_much_is_a_lost_connection() -> None:
    """No message is made of it."""
    is_cut = True

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if is_cut:
            assert request.transport is not None
            request.transport.abort()
        else:
            await socket.send_str("x" * 100)
            await socket.receive()
        return socket

    async with served(handler) as where:
        for is_cut in (True, False):  # noqa: B007 - read by the handler
            async with aclosing(
                websocket.messages(Address.parse(f"ws://{where}/feed"), timeout_s=5, max_bytes=50)
            ) as signals:
                assert await anext(signals) is Sign.OPENED
                with pytest.raises(ConnectionError):
                    await anext(signals)


async def test_no_websocket_there_is_a_lost_connection() -> None:
    """Be it that nobody listens, or that it is a page."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with served(page) as where:
        for url in (f"ws://{where}/feed", f"ws://{where}/other", "ws://127.0.0.1:9/"):
            with pytest.raises(ConnectionError):
                await anext(websocket.messages(Address.parse(url), timeout_s=5, max_bytes=50))


async def test_a_page_is_asked_for_changes_only(manual_clock: ManualClock) -> None:
    """With the server's own marks; unchanged, or empty, is a sign of life."""
    asked = []
    answers = iter(
        [
            web.Response(body=b"one", headers={"ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2015 00:00:00 GMT"}),
            web.Response(status=304),
            web.Response(status=204),
            web.Response(body=b"two"),
            web.Response(body=b"two"),
        ]
    )

    async def handler(request: web.Request) -> web.Response:
        asked.append((request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")))
        return next(answers)

    async with served(handler) as where:
        address = Address.parse(f"http://{where}/feed")
        got: list[Signal] = []
        signals = http.messages(address, clock=manual_clock, interval_s=7.0, timeout_s=5, max_bytes=9)
        async with aclosing(signals):
            got += [await anext(signals), await anext(signals)]
            for n_asked in range(2, 6):
                coming = asyncio.ensure_future(anext(signals))
                while not manual_clock.n_sleeping:  # noqa: ASYNC110 - until a real server has answered
                    await asyncio.sleep(0)
                await manual_clock.advance(6.9)
                assert len(asked) == n_asked - 1
                await manual_clock.advance(0.2)
                got.append(await coming)
    messages = [each if isinstance(each, Sign) else each.data for each in got]
    assert messages == [Sign.OPENED, b"one", Sign.ANSWERED, Sign.ANSWERED, b"two", b"two"]
    marks = ('"1"', "Thu, 01 Jan 2015 00:00:00 GMT")
    assert asked == [(None, None), marks, marks, marks, (None, None)]


async def test_a_page_that_is_not_as_it_should_be_is_a_lost_connection() -> None:
    """An error, too many bytes, no answer."""

    async def handler(request: web.Request) -> web.Response:
        match request.query["what"]:
            case "error":
                return web.Response(status=503)
            case "long":
                return web.Response(body=b"x" * 200_000)
            case _:
                await asyncio.Event().wait()
        raise AssertionError

    async with served(handler) as where:
        for what, error in (("error", "503"), ("long", "more than 1000 bytes"), ("never", "no answer within 0.05 s")):
            address = Address.parse(f"http://{where}/feed?what={what}")
            with pytest.raises(OSError, match=error):
                await anext(http.messages(address, clock=CLOCK, interval_s=1, timeout_s=0.05, max_bytes=1000))


@pytest.mark.broker
async def test_a_topic_gives_what_is_published(embedded_broker: EmbeddedBroker) -> None:
    """Of every source, with its topic in the name; an empty payload is nothing."""
    endpoint = embedded_broker.endpoint
    async with aclosing(mqtt.messages(Address.parse(str(endpoint)), timeout_s=5, max_bytes=5)) as signals:
        assert await anext(signals) is Sign.OPENED
        await publish(
            endpoint.port, ("eew/v1/reports/a", b""), ("eew/v1/reports/b", b"x"), ("eew/v1/reports/c", b"1234567")
        )
        first, second = await anext(signals), await anext(signals)
    assert isinstance(first, ReceivedMessage)
    assert first.data == b"x"
    assert "eew/v1/reports/b" in first.name
    assert data_of(second) == b"12345"


@pytest.mark.broker
async def test_a_listener_with_a_name_gets_what_came_while_it_was_away(embedded_broker: EmbeddedBroker) -> None:
    """The broker keeps it."""
    port = embedded_broker.endpoint.port
    address = Address.parse(f"mqtt://127.0.0.1:{port}/kept/+")

    async def one(is_open: asyncio.Event) -> Signal:
        async with aclosing(mqtt.messages(address, timeout_s=5, max_bytes=99, client_id="listener-1")) as signals:
            assert await anext(signals) is Sign.OPENED
            is_open.set()
            return await anext(signals)

    for number in (b"1", b"2"):
        is_open = asyncio.Event()
        coming = asyncio.create_task(one(is_open))
        await is_open.wait()
        await publish(port, ("kept/a", number))
        assert data_of(await coming) == number
        await publish(port, ("kept/a", b"away"))
        assert data_of(await one(is_open)) == b"away"


async def test_no_broker_is_a_lost_connection() -> None:
    """To be tried again by whoever listens."""
    with pytest.raises(ConnectionError):
        await anext(mqtt.messages(Address.parse("mqtt://127.0.0.1:9"), timeout_s=5, max_bytes=9))


async def publish(port: int, *messages: tuple[str, bytes]) -> None:
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1)


async def test_a_folder_gives_its_files_in_order_then_new_and_changed_ones(tmp_path: Path) -> None:
    """Hidden and unfinished ones only when they are renamed, empty ones not at all."""
    for name in ("b.xml", "a.xml", ".hidden", "c.tmp", "d~", "empty"):
        (tmp_path / name).write_bytes(b"" if name == "empty" else name.encode())
    (tmp_path / "folder").mkdir()
    async with aclosing(folder.messages(Address.parse(str(tmp_path)), clock=CLOCK, max_bytes=99)) as signals:
        assert await anext(signals) is Sign.OPENED
        assert [data_of(await anext(signals)) for _ in range(2)] == [b"a.xml", b"b.xml"]
        (tmp_path / "c.tmp").rename(tmp_path / "c.xml")
        assert await anext(signals) == ReceivedMessage(b"c.tmp", str(tmp_path / "c.xml"))
        (tmp_path / "a.xml").write_bytes(b"changed")
        assert data_of(await anext(signals)) == b"changed"


async def test_a_file_is_read_when_it_is_whole(tmp_path: Path) -> None:
    """As long as it grows from look to look it is left alone."""
    path = tmp_path / "slow.xml"
    path.write_bytes(b"1")

    class Growing(ManualClock):
        """Whoever waits finds the file grown, twice."""

        n_grown = 0

        async def sleep(self, delay_s: float) -> None:  # noqa: ARG002 - as a clock has it
            if self.n_grown < 2:
                self.n_grown += 1
                with path.open("ab") as file:
                    file.write(b"2")

    async with aclosing(folder.messages(Address.parse(str(tmp_path)), clock=Growing(), max_bytes=99)) as signals:
        assert await anext(signals) is Sign.OPENED
        assert data_of(await anext(signals)) == b"122"


async def test_a_folder_of_lines_gives_lines(tmp_path: Path) -> None:
    """Named by their number."""
    (tmp_path / "a.jsonl").write_bytes(b"1\n\n2\n")
    async with aclosing(
        folder.messages(Address.parse(str(tmp_path)), clock=CLOCK, max_bytes=99, is_lines=True)
    ) as signals:
        await anext(signals)
        assert await anext(signals) == ReceivedMessage(b"1", f"{tmp_path / 'a.jsonl'}:1", is_stored=True)
        assert await anext(signals) == ReceivedMessage(b"2", f"{tmp_path / 'a.jsonl'}:3", is_stored=True)


@pytest.mark.parametrize(
    ("is_lines", "given", "expected"),
    [
        pytest.param(True, b"1\n\n2", [b"1", b"2"], id="a message a line"),
        pytest.param(False, b"<a>\n\n</a>\n", [b"<a>\n\n</a>\n"], id="one document to the end"),
        pytest.param(False, b"<a>\n</a>\0\n<b/>\0\0", [b"<a>\n</a>", b"\n<b/>"], id="documents ended by NUL"),
        pytest.param(False, b"x" * 30 + b"\n" + b"y\0", [b"x" * 20, b"y"], id="a document without end is cut"),
    ],
)
async def test_standard_input_gives_lines_or_documents(is_lines: bool, given: bytes, expected: list[bytes]) -> None:
    """As the format has it; what is only white space is nothing."""
    reading, writing = os.pipe()
    os.write(writing, given)
    os.close(writing)
    got = [each async for each in lines.of_standard_input(max_bytes=20, is_lines=is_lines, descriptor=reading)]
    os.close(reading)
    assert got[0] is Sign.OPENED
    assert [data_of(each) for each in got[1:]] == expected


async def test_a_pipe_is_read_as_a_file_and_never_waited_for_without_end(tmp_path: Path) -> None:
    """Nobody writes to it: nothing. Somebody who says nothing more: whoever waits can give up, and end."""
    silent, long = tmp_path / "silent", tmp_path / "long"
    for path in (silent, long):
        os.mkfifo(path)
    address = Address.parse(str(silent))
    assert [data_of(each) async for each in lines.of_file(address, max_bytes=45) if each is not Sign.OPENED] == [b""]
    writers = [os.open(path, os.O_RDWR) for path in (silent, long)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            [each async for each in lines.of_file(address, max_bytes=45)]
    os.write(writers[1], b"<a>\n</a>\n" * 10)
    (_, message) = [each async for each in lines.of_file(Address.parse(str(long)), max_bytes=45)]
    assert data_of(message) == b"<a>\n</a>\n" * 5
    for writer in writers:
        os.close(writer)


async def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path: Path) -> None:
    """Naming it. Of one that is too long as much is read as a folder's."""
    path = tmp_path / "a.xml"
    path.write_bytes(b"12345")
    address = Address.parse(str(path))
    assert [data_of(each) async for each in lines.of_file(address, max_bytes=5) if each is not Sign.OPENED] == [
        b"12345"
    ]
    (_, message) = [each async for each in lines.of_file(address, max_bytes=4)]
    assert data_of(message) == b"1234"
    path.unlink()
    with pytest.raises(InputError, match=r"a\.xml"):
        [each async for each in lines.of_file(address, max_bytes=5)]
