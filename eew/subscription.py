"""A subscription that outlives its connections: what a watcher and a bridge hear of a broker."""

import contextlib
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import aiomqtt

from eew.broker.endpoint import Endpoint
from eew.clock import Clock
from eew.errors import BrokerConnectError, BrokerLostError

__all__ = ["Subscription", "client_of"]

_WITHIN_S = 5.0
_KEEPALIVE_S = 10
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 2.0
#: A SUBACK code from here on is a refusal [MQTT3].
_REFUSED = 0x80


def client_of(endpoint: Endpoint, role: str, will: aiomqtt.Will | None = None) -> aiomqtt.Client:
    """Return a client of its own name for a broker, not connected yet; what every broker speaks is 3.1.1."""
    return aiomqtt.Client(
        endpoint.host,
        endpoint.port,
        username=endpoint.username,
        password=endpoint.password,
        identifier=f"eew-{role}-{secrets.token_hex(6)}",
        protocol=aiomqtt.ProtocolVersion.V311,
        timeout=_WITHIN_S,
        keepalive=_KEEPALIVE_S,
        tls_params=aiomqtt.TLSParameters() if endpoint.is_tls else None,
        will=will,
    )


class Subscription:
    """Hears what comes on some topics.

    Parameters
    ----------
    endpoint
        The broker.
    reconnect_s
        How long to try when it has gone away.
    role
        What the client is called.
    topic_filters
        Subscribed to at QoS 1, in this order.
    take
        Is given topic and payload of each message.
    on_change
        Is told ``None`` when it listens, and why when the connection is lost.
    clock
        For the waits between attempts.
    will
        What the broker is to say when a connection breaks.
    over
        Is lent each connection while it lasts.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        reconnect_s: float,
        role: str,
        topic_filters: Sequence[str],
        take: Callable[[str, bytes], None],
        on_change: Callable[[str | None], None],
        clock: Clock,
        *,
        will: aiomqtt.Will | None = None,
        over: Callable[[aiomqtt.Client], AbstractAsyncContextManager[None]] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._reconnect_s = reconnect_s
        self._role = role
        self._topic_filters = topic_filters
        self._take = take
        self._on_change = on_change
        self._clock = clock
        self._will = will
        self._over = over
        self._is_listening = False

    async def listen(self) -> None:
        """Listen for ever; a broker that goes away is tried again. What it retains then comes once more.

        Raises
        ------
        BrokerConnectError
            If it is not there at the start, or refuses us.
        BrokerLostError
            If it does not come back in time.
        """
        try:
            await self._session()
        except aiomqtt.MqttError as error:
            if not self._is_listening:
                raise BrokerConnectError(str(self._endpoint), str(error)) from error
            problem = error
        while True:
            self._is_listening = False
            self._on_change(str(problem))
            until_s, delay_s = self._clock.mono_s() + self._reconnect_s, _FIRST_DELAY_S
            while not self._is_listening:
                if self._clock.mono_s() + delay_s > until_s:
                    raise BrokerLostError(str(self._endpoint), str(problem), after_s=self._reconnect_s)
                await self._clock.sleep(delay_s)
                delay_s = min(2 * delay_s, _LONGEST_DELAY_S)
                with contextlib.suppress(aiomqtt.MqttError):
                    await self._session()

    async def _session(self) -> None:
        """Connect, subscribe, and take messages until the connection ends; that raises ``aiomqtt.MqttError``."""
        async with client_of(self._endpoint, self._role, self._will) as client:
            for each in self._topic_filters:
                codes = await client.subscribe(each, 1)
                if any((code if isinstance(code, int) else code.value) >= _REFUSED for code in codes):
                    raise BrokerConnectError(str(self._endpoint), f"refuses a subscription to {each}")
            self._is_listening = True
            self._on_change(None)
            async with contextlib.nullcontext() if self._over is None else self._over(client):
                async for message in client.messages:
                    if isinstance(message.payload, bytes):
                        self._take(message.topic.value, message.payload)
