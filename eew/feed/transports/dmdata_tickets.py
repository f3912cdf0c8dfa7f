"""Messages of DMDATA: its API is asked with the user's key for a ticket, with which a WebSocket is opened."""

import asyncio
import base64
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from eew.feed.dmdata_socket import error_of
from eew.feed.transports import websocket_client as websocket
from eew.feed.transports.address import Address
from eew.feed.transports.extra import reason_of, require
from eew.feed.transports.received_message import ReceivedMessage, Signal
from eew.model.errors import InputError
from eew.model.system.secret_file import read_secret

if TYPE_CHECKING:
    import aiohttp

__all__ = ["KEY_VARIABLE", "PATH", "PROTOCOL", "key_of", "messages", "question_of"]

#: Where the key is, unless a file is named.
KEY_VARIABLE = "EEW_DMDATA_KEY"
PATH = "/v2/socket"
PROTOCOL = "dmdata.v2"
_MOST_KEY_BYTES = 512
_MOST_ANSWER_BYTES = 65_536
_OK = 200
_REFUSED = {401, 403}
_LISTS = ("classifications", "types")
#: What is asked for unless the address says otherwise: the forecasts, of which warnings are a part.
_USUAL: Mapping[str, Any] = {"classifications": ["eew.forecast"], "types": ["VXSE45"], "test": "no"}
_TESTS = ("no", "including", "only")


def key_of(path: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """Return the user's key, from a file that only its owner may read, or else from the environment.

    Raises
    ------
    InputError
        If there is none, or it cannot be one. It is not shown.
    """
    if path is None:
        key, where = environment.get(KEY_VARIABLE, ""), f"in the environment variable {KEY_VARIABLE}, or a key file"
        wrong = InputError(f"an API key of DMDATA {where}", field="feed")
    else:
        wrong = InputError("an API key of DMDATA, one word", file=path)
        try:
            key = read_secret(Path(path), _MOST_KEY_BYTES).decode(errors="replace")
        except OSError as error:
            raise InputError("a file that can be read", file=path, value=error.strerror) from error
    key = key.strip()
    if not key or not (key.isascii() and key.isprintable()) or " " in key or ":" in key:
        raise wrong
    return key


def question_of(address: Address) -> dict[str, Any]:
    """Return what the API is asked for, by an address's query.

    Raises
    ------
    InputError
        If the query says something that cannot be asked for.
    """
    said = parse_qs(urlsplit(address.target).query, keep_blank_values=True)
    question: dict[str, Any] = {**_USUAL, "appName": "eew", "formatMode": "json"}
    for name, values in said.items():
        if name not in _USUAL:
            raise InputError(f"{', '.join(_USUAL)} after the question mark", field="feed", value=name[:40])
        question[name] = values[-1].split(",") if name in _LISTS else values[-1]
    if question["test"] not in _TESTS:
        raise InputError(f"{', '.join(_TESTS)}", field="test", value=question["test"][:40])
    return question


async def messages(
    address: Address, *, key: str, timeout_s: float, max_bytes: int, answer: Callable[[bytes], str | None]
) -> AsyncGenerator[Signal]:
    """Ask for a ticket, connect with it and yield what comes; one connection.

    Parameters
    ----------
    address
        Of the API.
    key
        The user's. It goes to the API alone, which is asked over TLS unless it is on this machine.
    timeout_s
        How long the answer of the API may take, and the connection to be made.
    max_bytes, answer
        As for a WebSocket.

    Raises
    ------
    ConnectionError
        When the API gives no ticket, the connection cannot be made, is refused, or ends; it says what the service
        complained of last.
    TimeoutError
        When it takes too long.

    References
    ----------
    [DMDATA-WS]
    """
    require("aiohttp", str(address))
    socket = await _socket(address, key, timeout_s)
    complaint: str | None = None
    signals = websocket.messages(
        socket,
        timeout_s=timeout_s,
        max_bytes=max_bytes,
        answer=answer,
        protocols=(PROTOCOL,),
        name=str(address),
    )
    try:
        async with aclosing(signals):
            async for signal in signals:
                if isinstance(signal, ReceivedMessage):
                    complaint = error_of(signal.data) or complaint
                yield signal
    except ConnectionError as error:
        if complaint is None:
            raise
        raise ConnectionError(complaint) from error


async def _socket(address: Address, key: str, timeout_s: float) -> Address:
    """Return where the WebSocket is; the address holds a ticket, which is good for one connection."""
    import aiohttp

    host = f"[{address.host}]" if ":" in address.host else address.host
    # The key is the name, and there is no password [DMDATA-WS].
    headers = {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}
    url = f"{'https' if address.is_tls else 'http'}://{host}:{address.port}{PATH}"
    try:
        async with asyncio.timeout(timeout_s), aiohttp.ClientSession() as session:
            # Not redirected: the key is for this host.
            asking = session.post(url, json=question_of(address), headers=headers, allow_redirects=False)
            async with asking as answer:
                said = _said(await _body(answer))
                status, reason = answer.status, answer.reason
    except TimeoutError as error:
        raise TimeoutError(f"no answer within {timeout_s:g} s") from error
    except aiohttp.ClientError as error:
        raise ConnectionError(reason_of(error)) from error
    if status != _OK:
        hint = " (is the key right, and does its contract cover what is asked for?)" if status in _REFUSED else ""
        raise ConnectionError(f"the service answers {status} {_complaint(said) or reason}{hint}")
    place = said.get("websocket")
    target = place.get("url") if isinstance(place, dict) else None
    if not isinstance(target, str) or not target.startswith("wss://" if address.is_tls else "ws://"):
        raise ConnectionError("the service names no WebSocket to connect to")
    try:
        return Address.parse(target)
    except InputError as error:
        raise ConnectionError("the service names a WebSocket that cannot be one") from error


async def _body(answer: "aiohttp.ClientResponse") -> bytes:
    body = await answer.content.read(_MOST_ANSWER_BYTES)
    while len(body) < _MOST_ANSWER_BYTES and (more := await answer.content.read(_MOST_ANSWER_BYTES - len(body))):
        body += more
    return body


def _said(body: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _complaint(said: dict[str, Any]) -> str:
    error = said.get("error")
    text = error.get("message") if isinstance(error, dict) else error
    return text[:200] if isinstance(text, str) and text.isprintable() else ""
