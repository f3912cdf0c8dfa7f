"""A client for what is not hot, and what a broker says of itself."""

import asyncio
import contextlib
import secrets
from typing import Final

import aiomqtt

from eew.mqtt.endpoint import Endpoint

__all__ = ["DEVICES_SPEAK", "broker_facts", "client_of", "mqtt_version"]

#: Simulated devices speak what the plainest TV does.
DEVICES_SPEAK: Final = "3.1.1"
_WITHIN_S = 5.0
_KEEPALIVE_S = 10
#: Where mosquitto keeps what it is, retained: it answers a subscription at once [MOSQ].
_VERSION = "$SYS/broker/version"
_TOLD_WITHIN_S = 0.5


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


def mqtt_version(level: int) -> str:
    """Return the version of MQTT that a CONNECT's protocol level stands for, 4 or 5."""
    return "5" if level == 5 else "3.1.1"


async def broker_facts(endpoint: Endpoint) -> dict[str, str]:
    """Return ``name``, ``version`` and ``url`` of a broker that is not ours.

    MQTT has no word for who answers. Where the broker does not say it on ``$SYS/broker/version``, its name is
    ``external`` and its version empty; no error is raised.
    """
    facts = {"name": "external", "version": "", "url": str(endpoint)}
    with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
        async with client_of(endpoint, "facts") as client:
            await client.subscribe(_VERSION)
            async with asyncio.timeout(_TOLD_WITHIN_S):
                said = await anext(client.messages)
            if isinstance(said.payload, bytes):
                # As in "mosquitto version 2.0.11".
                name, _, version = said.payload.decode(errors="replace").partition(" version ")
                facts |= {"name": _printable(name), "version": _printable(version)}
    return facts


def _printable(text: str) -> str:
    return "".join(each for each in text[:80] if each.isprintable()).strip()
