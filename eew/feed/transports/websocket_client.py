"""Messages of a WebSocket."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from eew.feed.transports.address import Address
from eew.feed.transports.extra import reason_of, require
from eew.feed.transports.received_message import ReceivedMessage, Sign, Signal

__all__ = ["messages"]

#: How often we ask whether the other side still lives; without an answer in half that time the connection is given up.
_PING_S = 20.0
#: How long the answer to our Close frame may take.
_GOODBYE_S = 1.0


async def messages(
    address: Address,
    *,
    timeout_s: float,
    max_bytes: int,
    send: str | None = None,
    answer: Callable[[bytes], str | None] = lambda _: None,
    protocols: Sequence[str] = (),
    name: str | None = None,
) -> AsyncGenerator[Signal]:
    """Connect and yield what comes; one connection.

    Parameters
    ----------
    address
        The URL.
    timeout_s
        How long the connection may take to be made.
    max_bytes
        A longer message ends the connection.
    send
        What the server wants to be told first, if anything.
    answer
        What a text wants to be answered with, if anything; raises nothing.
    protocols
        Of which the server is to speak one.
    name
        What the messages are said to come from, if not the address.

    Raises
    ------
    ConnectionError
        When the connection cannot be made, is refused, or ends.
    TimeoutError
        When it takes too long.
    """
    require("aiohttp", str(address))
    import aiohttp

    name = str(address) if name is None else name
    try:
        async with aiohttp.ClientSession() as session:
            async with asyncio.timeout(timeout_s):
                socket = await session.ws_connect(
                    address.target,
                    protocols=protocols,
                    heartbeat=_PING_S,
                    # Pongs are signs of life, which the library would keep to itself.
                    autoping=False,
                    max_msg_size=max_bytes,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_S),
                )
            async with socket:
                if send is not None:
                    await socket.send_str(send)
                yield Sign.OPENED
                while True:
                    message = await socket.receive()
                    match message.type:
                        case aiohttp.WSMsgType.TEXT:
                            data = message.data.encode()
                            if (word := answer(data)) is not None:
                                await socket.send_str(word)
                            yield ReceivedMessage(data, name)
                        case aiohttp.WSMsgType.BINARY:
                            yield ReceivedMessage(message.data, name)
                        case aiohttp.WSMsgType.PING:
                            await socket.pong(message.data)
                            yield Sign.ANSWERED
                        case aiohttp.WSMsgType.PONG:
                            yield Sign.ANSWERED
                        case _:
                            raise ConnectionError(_ending(message, socket.close_code))
    except aiohttp.ClientError as error:
        raise ConnectionError(reason_of(error)) from error


def _ending(message: object, code: int | None) -> str:
    """Say why a connection ended."""
    error = getattr(message, "data", None)
    said = f": {error}" if isinstance(error, Exception) else ""
    return f"the server ended the connection (code {code}){said}"
