"""What stands retained at a broker, as somebody sees it who comes late."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiomqtt
import msgspec
import pytest

from eew import __version__
from eew.contract.message import AlertCore, Clock, EventMessage, HelpNumber, InfoCard, Status, json_schemas
from eew.fanout import retained_publisher as publisher_module
from eew.fanout.retained_publisher import MqttRetainedPublisher
from eew.model.errors import BrokerConnectError
from eew.model.records import AlertPlan
from eew.mqtt.endpoint import Endpoint

ProxyTo = Callable[..., Awaitable[Any]]
SchemaErrors = Callable[[dict[str, Any], object], list[str]]

KEYS = {"a1b2c3d4": "x" * 43}
CAP = b"<alert/>"
CARD = InfoCard(
    region="jp",
    lang="en",
    title="Help in Japan",
    numbers=(HelpNumber(purpose="fire", number="119", name="Fire brigade", source="[X]"),),
    instructions={"drop_cover_hold": "Drop, cover, hold on."},
    after_shaking=("Leave by the stairs.",),
    medical=(),
    rescue=(),
    notice="A simulation.",
)


@pytest.fixture
def dispatcher_id() -> str:
    return f"d-{uuid.uuid4().hex}"


@pytest.fixture
def event_message(plan_of: Callable[..., AlertPlan], core_for: Callable[[AlertPlan], AlertCore]) -> EventMessage:
    """Return an event of its own."""
    plan = plan_of(report_event_id=f"e-{uuid.uuid4().hex}")
    core = core_for(plan)
    return EventMessage(
        **{name: getattr(core, name) for name in core.__struct_fields__},
        magnitude_type="Mj",
        place="三陸沖",
        scale="jma",
        radius_km_by_level={"critical": 120.5},
        n_alerts_by_level={"critical": 3},
    )


@pytest.fixture
def fast_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the heart beat fast, and patience end soon."""
    monkeypatch.setattr(publisher_module, "_HEARTBEAT_S", 0.05)
    monkeypatch.setattr(publisher_module, "_WITHIN_S", 1.0)


@contextlib.asynccontextmanager
async def seen(endpoint: Endpoint, topic: str) -> AsyncIterator["asyncio.Queue[aiomqtt.Message]"]:
    """Subscribe, and queue what comes."""
    queue: asyncio.Queue[aiomqtt.Message] = asyncio.Queue()
    async with aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        await client.subscribe(topic, qos=1)

        async def collect() -> None:
            async for message in client.messages:
                queue.put_nowait(message)

        collecting = asyncio.create_task(collect())
        yield queue
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)


async def retained(endpoint: Endpoint, topic: str) -> bytes | None:
    """Return what a late subscriber gets, or ``None`` if nothing is retained."""
    marker = f"{topic}-end-{uuid.uuid4().hex}"
    async with aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        await client.subscribe([(topic, 1), (marker, 1)])
        await client.publish(marker, b"", qos=1)
        value: bytes | None = None
        async with asyncio.timeout(10):
            async for message in client.messages:
                if message.topic.value == marker:
                    return value
                assert message.retain
                assert isinstance(message.payload, bytes)
                value = message.payload
    raise AssertionError("the messages ended")


async def status(queue: "asyncio.Queue[aiomqtt.Message]", state: str) -> Status:
    """Return the next status of that state."""
    async with asyncio.timeout(10):
        while True:
            payload = (await queue.get()).payload
            assert isinstance(payload, bytes)
            found = msgspec.json.decode(payload, type=Status, strict=True)
            if found.state == state:
                return found


@pytest.mark.broker
async def test_the_status_stands_from_beginning_to_end(
    broker_endpoint: Endpoint, dispatcher_id: str, schema_errors: SchemaErrors
) -> None:
    """Running with what is known, stopped after leaving; both retained, both as the schema says."""
    where = f"eew/v1/status/{dispatcher_id}"
    before_at = datetime.now(UTC)
    async with MqttRetainedPublisher(broker_endpoint, dispatcher_id, KEYS) as publisher:
        publisher.n_reports = 3
        publisher.clock = Clock(offset_s=-12.5, speed=10.0)
        publisher.last_dispatch_at = datetime(2011, 3, 11, 5, 46, 48, 123_456, UTC)
        await publisher.publish_status()
        running = await retained(broker_endpoint, where)
    stopped = await retained(broker_endpoint, where)
    assert running is not None
    assert stopped is not None
    assert schema_errors(json_schemas()["status"], msgspec.json.decode(running)) == []
    shown = msgspec.json.decode(running)
    assert shown["last_dispatch_at"] == "2011-03-11T05:46:48.123Z"
    status_now = msgspec.json.decode(running, type=Status)
    assert (status_now.dispatcher_id, status_now.version, status_now.state) == (dispatcher_id, __version__, "running")
    assert (status_now.n_reports, status_now.clock, status_now.keys) == (3, Clock(offset_s=-12.5, speed=10.0), KEYS)
    assert (status_now.at - before_at).total_seconds() > -0.001
    assert msgspec.json.decode(stopped, type=Status).state == "stopped"


@pytest.mark.broker
async def test_every_clock_that_is_set_is_said(broker_endpoint: Endpoint, dispatcher_id: str) -> None:
    """A fast replay sets the next before the last is out: whoever measures by them needs each, in their order."""
    async with (
        seen(broker_endpoint, f"eew/v1/status/{dispatcher_id}") as queue,
        MqttRetainedPublisher(broker_endpoint, dispatcher_id, KEYS) as publisher,
    ):
        assert (await status(queue, "running")).clock is None
        for offset_s in (-30.0, -20.0, -10.0):
            publisher.clock = Clock(offset_s=offset_s, speed=None)
        await publisher.publish_status()
        heard = [await status(queue, "running") for _ in range(3)]
    assert [each.clock.offset_s for each in heard if each.clock is not None] == [-30.0, -20.0, -10.0]
    assert sorted(each.at for each in heard) == [each.at for each in heard]


@pytest.mark.broker
async def test_an_event_stands_until_the_publisher_ends(
    broker_endpoint: Endpoint, dispatcher_id: str, event_message: EventMessage, schema_errors: SchemaErrors
) -> None:
    """Retained while it lasts, renewed by the next report, then cleared: nobody finds an old event at a broker."""
    where = f"eew/v1/events/{event_message.event_id}"
    newer = msgspec.structs.replace(event_message, report_no=5)
    async with MqttRetainedPublisher(broker_endpoint, dispatcher_id, KEYS) as publisher:
        publisher.publish_event(event_message)
        publisher.publish_event(newer)
        publisher.publish_cap(newer.event_id, CAP)
        await publisher.publish_status()
        standing = await retained(broker_endpoint, where)
        assert standing is not None
        assert msgspec.json.decode(standing, type=EventMessage, strict=True) == newer
        assert schema_errors(json_schemas()["event"], msgspec.json.decode(standing)) == []
        assert await retained(broker_endpoint, where.replace("events", "cap")) == CAP
    assert await retained(broker_endpoint, where) is None
    assert await retained(broker_endpoint, where.replace("events", "cap")) is None


@pytest.mark.broker
async def test_an_event_that_has_expired_stands_no_more(
    broker_endpoint: Endpoint, dispatcher_id: str, event_message: EventMessage
) -> None:
    """Cleared in both its forms; should it be told again later, it stands again."""
    wheres = [f"eew/v1/{each}/{event_message.event_id}" for each in ("events", "cap")]
    async with MqttRetainedPublisher(broker_endpoint, dispatcher_id, KEYS) as publisher:
        publisher.publish_event(event_message)
        publisher.publish_cap(event_message.event_id, CAP)
        await publisher.publish_status()
        publisher.clear_event(event_message.event_id)
        await publisher.publish_status()
        assert [await retained(broker_endpoint, where) for where in wheres] == [None, None]
        publisher.publish_event(event_message)
        publisher.publish_cap(event_message.event_id, CAP)
        await publisher.publish_status()
        assert None not in [await retained(broker_endpoint, where) for where in wheres]


@pytest.mark.broker
async def test_a_help_card_outlasts_the_dispatcher(
    broker_endpoint: Endpoint, dispatcher_id: str, schema_errors: SchemaErrors
) -> None:
    """Who comes when the dispatcher has stopped still finds whom to call."""
    async with MqttRetainedPublisher(broker_endpoint, dispatcher_id, KEYS) as publisher:
        publisher.publish_info(CARD)
    standing = await retained(broker_endpoint, "eew/v1/info/jp/en")
    assert standing is not None
    assert msgspec.json.decode(standing, type=InfoCard, strict=True) == CARD
    assert schema_errors(json_schemas()["info"], msgspec.json.decode(standing)) == []


@pytest.mark.broker
@pytest.mark.usefixtures("fast_beat")
async def test_the_heart_beats_and_news_come_at_once(broker_endpoint: Endpoint, dispatcher_id: str) -> None:
    """Statuses follow one another; ``request_publish`` does not wait for the broker."""
    async with seen(broker_endpoint, f"eew/v1/status/{dispatcher_id}") as queue:
        async with MqttRetainedPublisher(broker_endpoint, dispatcher_id, KEYS) as publisher:
            first = await status(queue, "running")
            assert (await status(queue, "running")).at > first.at
            publisher.n_reports = 7
            publisher.request_publish()
            while (await status(queue, "running")).n_reports != 7:
                pass
        await status(queue, "stopped")


@pytest.mark.broker
async def test_a_dispatcher_that_vanishes_is_lost(
    broker_endpoint: Endpoint, dispatcher_id: str, proxy_to: ProxyTo
) -> None:
    """The last will says so, retained; when it comes back it is running again."""
    proxy = await proxy_to(broker_endpoint)
    async with seen(broker_endpoint, f"eew/v1/status/{dispatcher_id}") as queue:
        async with MqttRetainedPublisher(proxy.endpoint, dispatcher_id, KEYS) as publisher:
            await status(queue, "running")
            proxy.cut()
            lost = await status(queue, "lost")
            assert lost.keys == KEYS
            publisher.request_publish()
            await status(queue, "running")
        await status(queue, "stopped")


@pytest.mark.broker
@pytest.mark.usefixtures("fast_beat")
async def test_a_broker_that_comes_back_gets_everything_anew(
    broker_endpoint: Endpoint,
    dispatcher_id: str,
    event_message: EventMessage,
    proxy_to: ProxyTo,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """While it is away nobody waits and one line is logged; then what was said meanwhile stands, and the rest again."""
    caplog.set_level(logging.INFO)
    proxy = await proxy_to(broker_endpoint)
    other = msgspec.structs.replace(event_message, event_id=f"{event_message.event_id}-2")
    async with MqttRetainedPublisher(proxy.endpoint, dispatcher_id, KEYS) as publisher:
        publisher.publish_event(event_message)
        await publisher.publish_status()
        await proxy.stop()
        for _ in range(3):
            await publisher.publish_status()
        publisher.publish_event(other)
        async with (
            seen(broker_endpoint, f"eew/v1/events/{event_message.event_id}-2") as queue,
            seen(broker_endpoint, f"eew/v1/events/{event_message.event_id}") as first_queue,
        ):
            assert (await first_queue.get()).retain
            await proxy.start()
            again = await asyncio.wait_for(queue.get(), 10)
            assert again.payload == await retained(broker_endpoint, f"eew/v1/events/{other.event_id}")
            assert not (await asyncio.wait_for(first_queue.get(), 10)).retain
    for message in (event_message, other):
        assert await retained(broker_endpoint, f"eew/v1/events/{message.event_id}") is None
    assert [record.getMessage().split()[0] for record in caplog.records if record.name.startswith("eew")] == [
        "bulletin.failed"
    ]
    assert not [record for record in caplog.records if record.name == "asyncio"]


@pytest.mark.broker
@pytest.mark.usefixtures("fast_beat")
async def test_leaving_without_a_broker_does_not_hang(
    embedded_broker: Any, dispatcher_id: str, event_message: EventMessage, proxy_to: ProxyTo
) -> None:
    """It is tried once and given up; no error hides what ended the run."""
    proxy = await proxy_to(embedded_broker.endpoint)

    async def run() -> None:
        async with MqttRetainedPublisher(proxy.endpoint, dispatcher_id, KEYS) as publisher:
            publisher.publish_event(event_message)
            await proxy.stop()
            raise ZeroDivisionError

    async with asyncio.timeout(15):
        with pytest.raises(ZeroDivisionError):
            await run()
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "heartbeat"]


async def test_nobody_there_is_an_error_with_the_address(unused_tcp_port: int, dispatcher_id: str) -> None:
    """On entering, and only then."""
    with pytest.raises(BrokerConnectError, match=f"mqtt://127.0.0.1:{unused_tcp_port}"):
        async with MqttRetainedPublisher(Endpoint("127.0.0.1", unused_tcp_port), dispatcher_id, KEYS):
            pass
