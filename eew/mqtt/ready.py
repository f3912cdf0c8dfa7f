"""Whether a broker really answers: one CONNECT and its CONNACK over a fresh connection."""

import asyncio
import contextlib
import itertools
import logging
import secrets

from eew.model.backoff import Backoff
from eew.model.errors import BrokerConnectError
from eew.mqtt import packet
from eew.mqtt.endpoint import Endpoint
from eew.mqtt.protocol import reason_of

__all__ = ["say_waiting", "wait_until_ready"]

logger = logging.getLogger(__name__)

#: How long one attempt may take: who answers nothing at all is asked anew, in case it has changed its address.
_ATTEMPT_S = 5.0
_KEEPALIVE_S = 10
_BACKOFF = Backoff(0.02, 0.5)
#: CONNACK return codes of MQTT 3.1.1, section 3.2.2.3 [MQTT311].
_REFUSALS = {
    1: "speaks no MQTT 3.1.1",
    2: "refuses our client id",
    4: "bad user name or password",
    5: "not authorised",
}


def say_waiting(endpoint: Endpoint, reason: str, within_s: float) -> None:
    """Say once that a broker is not there yet and is waited for: a line of the log, which is standard error."""
    logger.warning("broker.waiting %s: %s; trying for %g s", endpoint, reason, within_s)


async def wait_until_ready(endpoint: Endpoint, within_s: float, *, says_so: bool = False) -> None:
    """Wait until the broker accepts a connection and answers a CONNECT.

    May be called concurrently. Cancelled like any coroutine; leaves no connection behind.

    Parameters
    ----------
    endpoint
        Where it is.
    within_s
        How long to go on trying while nobody answers, s.
    says_so
        Whether to say when the first attempt was in vain.

    Raises
    ------
    BrokerConnectError
        At once if it refuses us or speaks no MQTT; after ``within_s`` if nobody answers.
    """
    problem = "no answer"
    try:
        async with asyncio.timeout(within_s):
            for n_waited in itertools.count():
                try:
                    async with asyncio.timeout(_ATTEMPT_S):
                        return await _shake_hands(endpoint)
                except TimeoutError:
                    problem = "no answer"
                except (OSError, EOFError) as error:
                    problem = reason_of(error)
                if says_so and within_s > 0:
                    say_waiting(endpoint, problem, within_s)
                    says_so = False
                await asyncio.sleep(_BACKOFF.delay_s(n_waited))
    except TimeoutError:
        raise BrokerConnectError(str(endpoint), f"not ready within {within_s:g} s ({problem})") from None


async def _shake_hands(endpoint: Endpoint) -> None:
    """Connect, be accepted, and leave; ``OSError`` or ``EOFError`` where trying again may help."""
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=endpoint.is_tls or None)
    try:
        client_id = f"eew-ready-{secrets.token_hex(6)}"
        writer.write(
            packet.connect(
                client_id,
                packet.V3,
                keepalive_s=_KEEPALIVE_S,
                username=endpoint.username,
                password=endpoint.password,
            )
        )
        answer = await reader.readexactly(4)
        if answer[:2] != b"\x20\x02":
            raise BrokerConnectError(str(endpoint), f"speaks no MQTT (answered {answer!r})")
        code = answer[3]
        if code == 3:
            raise ConnectionRefusedError("the broker says it is unavailable")
        if code:
            raise BrokerConnectError(str(endpoint), f"refused: {_REFUSALS.get(code, f'code {code}')}")
        writer.write(packet.DISCONNECT_BYTES)
        await writer.drain()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
