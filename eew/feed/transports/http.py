"""Messages of a web address that is asked again and again."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from eew.clock import Clock
from eew.feed.transports.address import Address
from eew.feed.transports.extra import reason_of, require
from eew.feed.transports.message import Message, Sign, Signal

if TYPE_CHECKING:
    import aiohttp

__all__ = ["messages"]

_OK, _NO_CONTENT, _NOT_MODIFIED = 200, 204, 304
_CHUNK_BYTES = 65536


async def messages(
    address: Address, *, clock: Clock, interval_s: float, timeout_s: float, max_bytes: int
) -> AsyncGenerator[Signal]:
    """Ask for the newest message every ``interval_s``, and yield it when the server says that it has changed.

    Parameters
    ----------
    address
        The URL.
    clock
        What to wait on between questions.
    interval_s
        From an answer to the next question.
    timeout_s
        How long an answer may take as a whole.
    max_bytes
        How long a message may be.

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
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session:
            while True:
                message = None
                async with session.get(address.target, headers=known) as answer:
                    if answer.status not in {_OK, _NO_CONTENT, _NOT_MODIFIED}:
                        raise ConnectionError(f"the server answers {answer.status} {answer.reason}")
                    if answer.status == _OK:
                        message = Message(await _body(answer, max_bytes), str(address))
                        pairs = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
                        known = {ask: answer.headers[told] for ask, told in pairs if told in answer.headers}
                if not is_open:
                    is_open = True
                    yield Sign.OPENED
                yield Sign.ANSWERED if message is None or not message.data else message
                await clock.sleep(interval_s)
    except TimeoutError as error:
        raise TimeoutError(f"no answer within {timeout_s:g} s") from error
    except aiohttp.ClientError as error:
        raise ConnectionError(reason_of(error)) from error


async def _body(answer: "aiohttp.ClientResponse", max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise ConnectionError(f"the server sends more than {max_bytes} bytes")
    return bytes(body)
