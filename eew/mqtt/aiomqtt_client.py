"""A client for what is not hot, its errors as ours, and what a broker says of itself."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterator
from typing import Final

import aiomqtt

from eew.mqtt.endpoint import Endpoint
from eew.mqtt.protocol import Target, reason_of

__all__ = ["DEVICES_SPEAK", "broker_facts", "client_of", "mqtt_version", "subscribes", "translated"]

#: Simulated devices speak what the plainest TV does.
DEVICES_SPEAK: Final = "3.1.1"
_WITHIN_S = 5.0
_KEEPALIVE_S = 10
#: A SUBACK code from here on is a refusal [MQTT3].
_REFUSED = 0x80
#: Where mosquitto keeps what it is, retained: it answers a subscription at once [MOSQ].
_VERSION = "$SYS/broker/version"
_TOLD_WITHIN_S = 0.5


def client_of(
    target: Target,
    role: str,
    will: aiomqtt.Will | None = None,
    *,
    client_id: str | None = None,
    is_clean: bool = True,
    timeout_s: float = _WITHIN_S,
    keepalive_s: int = _KEEPALIVE_S,
) -> aiomqtt.Client:
    """Return a client for a broker, not connected yet; what every broker speaks is 3.1.1.

    Parameters
    ----------
    target
        The broker.
    role
        What the client is called; a random part makes the name its own.
    will
        What the broker is to say when the connection breaks.
    client_id
        The whole name, where it must be the same each time.
    is_clean
        Whether the broker is to forget what it kept for this name.
    timeout_s
        How long each answer may take.
    keepalive_s
        How long the broker may hear nothing of us.
    """
    return aiomqtt.Client(
        target.host,
        target.port,
        username=target.username,
        password=target.password,
        identifier=client_id or f"eew-{role}-{secrets.token_hex(6)}",
        clean_session=is_clean,
        protocol=aiomqtt.ProtocolVersion.V311,
        timeout=timeout_s,
        keepalive=keepalive_s,
        tls_params=aiomqtt.TLSParameters() if target.is_tls else None,
        will=will,
    )


@contextlib.contextmanager
def translated(as_error: Callable[[str], Exception]) -> Iterator[None]:
    """Raise what the library raises within the block as an error of ours, made of the reason."""
    try:
        yield
    except aiomqtt.MqttError as error:
        raise as_error(reason_of(error)) from error


async def subscribes(client: aiomqtt.Client, topic_filter: str) -> bool:
    """Subscribe at QoS 1; return whether the broker grants it."""
    codes = await client.subscribe(topic_filter, 1)
    return all((code if isinstance(code, int) else code.value) < _REFUSED for code in codes)


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
