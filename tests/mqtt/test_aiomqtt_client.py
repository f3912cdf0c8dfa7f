"""What a broker that is not ours says of itself."""

import asyncio
import re

import pytest

from eew.mqtt.aiomqtt_client import broker_facts, mqtt_version
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.endpoint import Endpoint


@pytest.mark.broker
def test_mosquitto_tells_name_and_version(mosquitto_broker: Endpoint) -> None:
    """On ``$SYS/broker/version``, as its manual says."""
    facts = asyncio.run(broker_facts(mosquitto_broker))
    assert facts["name"] == "mosquitto"
    assert re.fullmatch(r"\d+\.\d+\.\d+", facts["version"])
    assert facts["url"] == str(mosquitto_broker)


@pytest.mark.broker
@pytest.mark.asyncio(loop_scope="module")
async def test_a_broker_that_says_nothing_is_external(embedded_broker: EmbeddedBroker) -> None:
    """MQTT has no word for who answers; without a broker that says it, nothing is made up."""
    endpoint = embedded_broker.endpoint
    assert await broker_facts(endpoint) == {"name": "external", "version": "", "url": str(endpoint)}


async def test_nobody_there_is_no_error() -> None:
    """Whoever needs the broker says so."""
    assert (await broker_facts(Endpoint("127.0.0.1", 9)))["name"] == "external"


def test_versions_by_the_protocol_level_of_a_connect() -> None:
    """3.1.1 is level 4 [MQTT311, 3.1.2.2], 5.0 is level 5 [MQTT5, 3.1.2.2]."""
    assert (mqtt_version(4), mqtt_version(5)) == ("3.1.1", "5")
