"""A subscription to events that outlives its connections."""

import contextlib
import logging
import secrets
from collections.abc import Callable

import aiomqtt

from eew.broker.endpoint import Endpoint
from eew.clock import Clock
from eew.errors import BrokerConnectError, BrokerLostError
from eew.wire import topic

__all__ = ["Subscription"]

logger = logging.getLogger(__name__)

#: The clock of a replay comes before the events that stand in its time.
FILTERS = (topic.status("+"), topic.event("+"))
_WITHIN_S = 5.0
_KEEPALIVE_S = 10
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 2.0
#: A SUBACK code from here on is a refusal [MQTT3].
_REFUSED = 0x80


class Subscription:
    """Hears what dispatchers say of events, and of themselves.

    Parameters
    ----------
    endpoint
        The broker.
    reconnect_s
        How long to try when it has gone away.
    take
        Is given topic and payload of each message.
    clock
        For the waits between attempts.
    """

    def __init__(
        self, endpoint: Endpoint, reconnect_s: float, take: Callable[[str, bytes], None], clock: Clock
    ) -> None:
        self._endpoint = endpoint
        self._reconnect_s = reconnect_s
        self._take = take
        self._clock = clock
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
            logger.warning("broker.lost broker=%s reason=%r", self._endpoint, str(problem))
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
        endpoint = self._endpoint
        async with aiomqtt.Client(
            endpoint.host,
            endpoint.port,
            username=endpoint.username,
            password=endpoint.password,
            identifier=f"eew-webhook-{secrets.token_hex(6)}",
            protocol=aiomqtt.ProtocolVersion.V311,
            timeout=_WITHIN_S,
            keepalive=_KEEPALIVE_S,
            tls_params=aiomqtt.TLSParameters() if endpoint.is_tls else None,
        ) as client:
            for each in FILTERS:
                codes = await client.subscribe(each, 1)
                if any((code if isinstance(code, int) else code.value) >= _REFUSED for code in codes):
                    raise BrokerConnectError(str(endpoint), f"refuses a subscription to {each}")
            logger.info("broker.listening broker=%s", endpoint)
            self._is_listening = True
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    self._take(message.topic.value, message.payload)
