"""Each worker reaches a broker on this machine from an address of its own."""

import asyncio
import sys

import pytest

from eew.devices.swarm.source_host import source_host
from eew.devices.swarm.subscriber_protocol import SubscriberProtocol
from eew.model.errors import BrokerConnectError
from eew.mqtt.endpoint import Endpoint

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.1 is the only loopback address")


@on_linux
def test_workers_have_loopback_addresses_of_their_own() -> None:
    """None is 127.0.0.1, which everybody else uses; up to 64 workers all differ."""
    hosts = [source_host("127.0.0.1", worker_no) for worker_no in range(64)]
    assert len({*hosts, "127.0.0.1"}) == 65
    assert all(host is not None and host.startswith("127.") for host in hosts)


@pytest.mark.parametrize("broker_host", ["192.0.2.7", "broker.example", "::1", "localhost"])
def test_a_broker_elsewhere_is_reached_from_where_the_system_chooses(broker_host: str) -> None:
    """A loopback address leads to this machine only; a name may be of either family."""
    assert source_host(broker_host, 3) is None


@on_linux
async def test_a_connection_goes_out_from_the_address_given() -> None:
    """As the other end sees it; it hangs up without an answer."""
    seen: list[str] = []

    async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername")[0])
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0) as server:
        endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
        protocol = SubscriberProtocol(lambda _run: None, lambda _reason: None, source_host("127.0.0.1", 7))
        with pytest.raises(BrokerConnectError):
            await protocol.connect(endpoint, "someone")
    assert seen == ["127.0.0.9"]
