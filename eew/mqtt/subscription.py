"""A subscription that outlives its connections: what a watcher and a bridge hear of a broker."""

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

from eew.model.backoff import Backoff
from eew.model.clock import Clock
from eew.model.errors import BrokerConnectError, BrokerLostError
from eew.mqtt.aiomqtt_client import client_of, subscribes
from eew.mqtt.endpoint import Endpoint
from eew.mqtt.protocol import reason_of
from eew.mqtt.ready import say_waiting

__all__ = ["Subscription"]

_BACKOFF = Backoff(0.1, 2.0)
#: What a broker may answer to a CONNECT and yet take us later: it is not available, or busy, as MQTT 3.1.1 and 5 say.
_LATER = {3, 0x88, 0x89}


class Subscription:
    """Hears what comes on some topics.

    Parameters
    ----------
    endpoint
        The broker.
    reconnect_s
        How long to try while it is not there: at the start, and whenever it has gone away.
    role
        What the client is called.
    topic_filters
        Subscribed to at QoS 1, in this order.
    take
        Is given topic and payload of each message.
    on_change
        Called with ``None`` when it listens, and with the reason when the connection is lost.
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
        """Listen for ever; a broker that is not there yet, or goes away, is tried again.

        What it retains comes once more each time.

        Raises
        ------
        BrokerConnectError
            If it is not there in time at the start, or refuses us then.
        BrokerLostError
            If it does not come back in time.
        """
        was_there, is_said = False, self._reconnect_s <= 0
        until_s, n_waited = self._clock.mono_s() + self._reconnect_s, 0
        while True:
            self._is_listening = False
            error = await self._session()
            if self._is_listening:
                was_there, problem = True, reason_of(error)
                until_s, n_waited = self._clock.mono_s() + self._reconnect_s, 0
                self._on_change(problem)
            elif not was_there:
                problem = reason_of(error)
                if _is_final(error):
                    raise BrokerConnectError(str(self._endpoint), problem) from error
                if not is_said:
                    say_waiting(self._endpoint, problem, self._reconnect_s)
                    is_said = True
            delay_s = _BACKOFF.delay_s(n_waited)
            if self._clock.mono_s() + delay_s > until_s:
                if was_there:
                    raise BrokerLostError(str(self._endpoint), problem, after_s=self._reconnect_s) from error
                waited = f"not ready within {self._reconnect_s:g} s ({problem})"
                raise BrokerConnectError(str(self._endpoint), waited) from error
            await self._clock.sleep(delay_s)
            n_waited += 1

    async def _session(self) -> aiomqtt.MqttError:
        """Connect, subscribe, and take messages until the connection ends; return why it did."""
        try:
            await self._listen_once()
        except aiomqtt.MqttError as error:
            return error
        raise AssertionError("messages come until the connection ends with an error")

    async def _listen_once(self) -> None:
        async with client_of(self._endpoint, self._role, self._will) as client:
            for each in self._topic_filters:
                if not await subscribes(client, each):
                    raise BrokerConnectError(str(self._endpoint), f"refuses a subscription to {each}")
            self._is_listening = True
            self._on_change(None)
            async with contextlib.nullcontext() if self._over is None else self._over(client):
                async for message in client.messages:
                    if isinstance(message.payload, bytes):
                        self._take(message.topic.value, message.payload)


def _is_final(error: aiomqtt.MqttError) -> bool:
    """Whether a broker has refused us for good: a wrong password stays wrong."""
    if not isinstance(error, MqttConnectError):
        return False
    code = error.rc if isinstance(error.rc, int | None) else error.rc.value
    return code not in _LATER
