"""From a broker's messages to endpoints: who is told what, and what is counted in the end."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from eew.bridges.webhook.breaker import Breaker
from eew.bridges.webhook.bridge import Bridge, WebhookEndpoint
from eew.bridges.webhook.delivery_queue import DeliveryQueue
from eew.bridges.webhook.event_filter import EventFilter
from eew.bridges.webhook.event_intake import EventIntake
from eew.bridges.webhook.sender import Sender
from eew.contract import topic
from eew.contract.message import EventMessage, payload_of
from eew.contract.signature import SigningKey
from eew.model.clock import ManualClock
from eew.model.errors import BrokerLostError
from eew.model.region_profile import Level
from eew.model.report import AlertStatus, ReportKind

NOW = datetime(2026, 3, 1, 12, 0, 6, tzinfo=UTC)
Start = Callable[[], Awaitable[Any]]
Until = Callable[[Callable[[], object]], Awaitable[None]]
Make = Callable[..., EventMessage]


class Rig:
    """A bridge whose broker is a list of messages."""

    def __init__(self, key: SigningKey, session: aiohttp.ClientSession, clock: ManualClock) -> None:
        self.clock = clock
        self.stop = asyncio.Event()
        self.posts: list[WebhookEndpoint] = []
        self._session = session
        self.bridge = Bridge(EventIntake({key.key_id: key.public_bytes}), self.posts, clock=clock, wall=lambda: NOW)

    def add(self, url: str, *statuses: AlertStatus) -> Sender:
        queue = DeliveryQueue(Breaker(5, 5), lambda: 1.0)
        name = f"e{len(self.posts)}"
        sender = Sender(name, url, (b"s" * 32,), queue, self._session, clock=self.clock, wall=lambda: NOW, timeout_s=2)
        self.posts.append(WebhookEndpoint(EventFilter(Level.NONE, statuses or (AlertStatus.ACTUAL,)), sender))
        return sender

    def take(self, *messages: EventMessage) -> None:
        for message in messages:
            self.bridge.take(topic.event(message.event_id), payload_of(message))

    async def listen(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
def rig(key: SigningKey, session: aiohttp.ClientSession, manual_clock: ManualClock) -> Rig:
    """Return a bridge without endpoints yet."""
    return Rig(key, session, manual_clock)


async def test_a_false_alarm_is_told_and_taken_back_and_a_drill_only_to_who_asked(
    rig: Rig, endpoints: Start, event: Make, until: Until
) -> None:
    """New, update, cancel, in this order and each once; strangers' messages never."""
    careful, all_ears = await endpoints(), await endpoints()
    first = rig.add(careful.url)
    second = rig.add(all_ears.url, *AlertStatus)
    running = asyncio.create_task(rig.bridge.run(rig.listen, rig.stop))
    alarm = [
        event(),
        event(report_no=2, kind=ReportKind.UPDATE),
        event(report_no=3, kind=ReportKind.CANCEL),
    ]
    rig.take(event(event_id="bad", key=SigningKey.from_seed(b"x" * 32)))
    for n_told, message in enumerate(alarm, start=1):
        rig.take(message, message)
        await until(lambda n=n_told: first.queue.counts.n_delivered == second.queue.counts.n_delivered == n)  # type: ignore[misc] # a default binds the number
    rig.take(event(event_id="drill", status=AlertStatus.EXERCISE))
    await until(lambda: second.queue.counts.n_delivered == 4)
    rig.stop.set()
    assert await running
    assert careful.ids == ["ev-1-1-new", "ev-1-2-update", "ev-1-3-cancel"]
    assert all_ears.ids == [*careful.ids, "drill-1-new"]
    assert json.loads(all_ears.requests[-1][1])["type"] == "eew.exercise.new"


async def test_what_was_never_delivered_is_said_in_the_end(
    rig: Rig, endpoints: Start, event: Make, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    """A line for each endpoint that adds up; what was lost makes the exit code."""
    caplog.set_level(logging.INFO, "eew")
    endpoint = await endpoints()
    endpoint.script = [web.Response(status=400)]
    sender = rig.add(endpoint.url)
    running = asyncio.create_task(rig.bridge.run(rig.listen, rig.stop))
    rig.take(event())
    await until(lambda: sender.queue.counts.n_failed)
    rig.stop.set()
    assert not await running
    summary = caplog.records[-1].getMessage()
    assert summary == ("endpoint.summary endpoint=e0 taken=1 delivered=0 superseded=0 expired=0 failed=1 retried=0")


async def test_one_that_hangs_is_cut_off_after_three_seconds(
    rig: Rig, endpoints: Start, event: Make, until: Until
) -> None:
    """However long an answer may take."""
    endpoint = await endpoints()
    endpoint.script = [endpoint.hang]
    sender = rig.add(endpoint.url)
    sender._timeout_s = 30
    running = asyncio.create_task(rig.bridge.run(rig.listen, rig.stop))
    rig.take(event())
    await until(lambda: endpoint.requests)
    rig.stop.set()
    await rig.clock.advance(2.9)
    assert not running.done()
    await rig.clock.advance(0.2)
    assert not await running
    assert sender.queue.counts.n_failed == 1


async def test_a_broker_that_is_lost_ends_it_after_what_waits_is_sent(rig: Rig, endpoints: Start, event: Make) -> None:
    """The error is raised then, and makes the exit code."""
    endpoint = await endpoints()
    sender = rig.add(endpoint.url)

    async def lose() -> None:
        rig.take(event())
        raise BrokerLostError("mqtt://b", "gone", after_s=30)

    with pytest.raises(BrokerLostError):
        await rig.bridge.run(lose, rig.stop)
    assert sender.queue.counts.n_delivered == 1
