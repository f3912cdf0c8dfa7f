"""What a broker that is not ours says of itself."""

import asyncio
import re
from functools import partial

import pytest

from eew.model.errors import BrokerConnectError
from eew.mqtt.aiomqtt_client import broker_facts, client_of, mqtt_version, translated
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


async def test_a_name_that_must_last_is_kept_and_any_other_is_its_own() -> None:
    """A broker throws out the older of two clients of one name [MQTT311, 3.1.4-2]."""
    there = Endpoint("127.0.0.1", 1883)
    assert client_of(there, "feed", client_id="mine").identifier == "mine"
    one, other = (client_of(there, "feed").identifier for _ in range(2))
    assert re.fullmatch(r"eew-feed-[0-9a-f]{12}", one)
    assert one != other


async def test_the_errors_of_the_library_are_ours_with_the_reason_alone() -> None:
    """The library's own text names a number of the system's and hides the cause; other errors stay."""
    nobody = Endpoint("127.0.0.1", 9)
    with (
        pytest.raises(BrokerConnectError, match=r"^broker mqtt://127\.0\.0\.1:9: connection refused$"),
        translated(partial(BrokerConnectError, str(nobody))),
    ):
        await client_of(nobody, "test").__aenter__()
    with pytest.raises(KeyError), translated(ConnectionError):
        raise KeyError
