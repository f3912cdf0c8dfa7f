"""Messages of a web address that is asked again and again, or that streams them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eew.feed.transports.address import Address
from eew.feed.transports.event_stream import EventStream
from eew.feed.transports.extra import reason_of, require
from eew.feed.transports.received_message import ReceivedMessage, Sign, Signal
from eew.model.clock import Clock

if TYPE_CHECKING:
    import aiohttp

__all__ = ["messages"]

_OK, _NO_CONTENT, _NOT_MODIFIED, _NOT_FOUND = 200, 204, 304, 404
_CHUNK_BYTES = 65536
_EVENT_STREAM = "text/event-stream"
#: A stream that says nothing for so long is asked for anew: whether the other side still lives shows in its answer.
_LONGEST_QUIET_S = 60.0


async def messages(
    address: Address,
    *,
    clock: Clock,
    interval_s: float,
    timeout_s: float,
    max_bytes: int,
    wall: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncGenerator[Signal]:
    """Ask for the newest message every ``interval_s``, and yield it when the server says that it has changed.

    Where the server answers with a stream of events (``text/event-stream``), each is a message, and it is asked again
    when the stream ends or has been quiet for a minute.

    An address with the time in it is another page at each question: it is asked on the whole ``interval_s``, every
    second once for 1 s. That a page is not there yet is no failure then.

    Parameters
    ----------
    address
        The URL.
    clock
        What to wait on between questions.
    interval_s
        From an answer to the next question.
    timeout_s
        How long an answer may take as a whole; of a stream, its beginning.
    max_bytes
        How long a message may be.
    wall
        What tells the time that is part of an address.

    Notes
    -----
    The server's ``ETag`` and ``Last-Modified`` are sent back with the next question, so an unchanged message costs a
    line. A server without them is read in full each time; who takes the messages must know repeated ones.

    Raises
    ------
    ConnectionError
        When the server does not answer as it should.
    TimeoutError
        When an answer takes too long.
    """
    require("aiohttp", str(address))
    import aiohttp

    known: dict[str, str] = {}
    is_open = False
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
            while True:
                async with asyncio.timeout(timeout_s) as limit:
                    answer = await session.get(address.url_at(wall()), headers=known)
                async with answer:
                    is_too_early = answer.status == _NOT_FOUND and address.is_timed and is_open
                    if not is_too_early and answer.status not in {_OK, _NO_CONTENT, _NOT_MODIFIED}:
                        raise ConnectionError(f"the server answers {answer.status} {answer.reason}")
                    is_stream = answer.content_type == _EVENT_STREAM
                    async with asyncio.timeout_at(limit.when()):
                        body = b"" if is_stream or is_too_early else await _body(answer, max_bytes)
                    if not is_open:
                        is_open = True
                        yield Sign.OPENED
                    if body and not address.is_timed:
                        pairs = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
                        known = {ask: answer.headers[told] for ask, told in pairs if told in answer.headers}
                    yield ReceivedMessage(body, str(address)) if body else Sign.ANSWERED
                    if is_stream:
                        async with aclosing(_events(answer, clock, max_bytes)) as events:
                            async for data in events:
                                yield ReceivedMessage(data, str(address))
                await clock.sleep(interval_s - wall().timestamp() % interval_s if address.is_timed else interval_s)
    except TimeoutError as error:
        raise TimeoutError(f"no answer within {timeout_s:g} s") from error
    except aiohttp.ClientError as error:
        raise ConnectionError(reason_of(error)) from error


async def _events(answer: "aiohttp.ClientResponse", clock: Clock, max_bytes: int) -> AsyncGenerator[bytes]:
    """Yield the events of a stream until it ends or is quiet for too long."""
    stream = EventStream(max_bytes)
    while chunk := await _within(clock, _LONGEST_QUIET_S, answer.content.readany()):
        for data in stream.events(chunk):
            yield data


async def _within(clock: Clock, limit_s: float, coming: Coroutine[None, None, bytes]) -> bytes:
    """Return what comes in time; nothing if nothing does."""
    reading = asyncio.create_task(coming, name="feed: next part of a stream")
    alarm = asyncio.create_task(clock.sleep(limit_s), name="feed: quiet stream")
    try:
        await asyncio.wait({reading, alarm}, return_when=asyncio.FIRST_COMPLETED)
        return await reading if reading.done() else b""
    finally:
        for task in (reading, alarm):
            task.cancel()
        await asyncio.gather(reading, alarm, return_exceptions=True)


async def _body(answer: "aiohttp.ClientResponse", max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise ConnectionError(f"the server sends more than {max_bytes} bytes")
    return bytes(body)
