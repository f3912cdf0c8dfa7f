"""Attempts over HTTP at endpoints on this machine, on a clock that is moved by hand."""

import asyncio
import base64
import hashlib
import hmac
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from eew.bridges.webhook.breaker import Breaker
from eew.bridges.webhook.delivery_queue import DeliveryQueue
from eew.bridges.webhook.sender import Sender, headers_of
from eew.bridges.webhook.webhook_event import WebhookEvent
from eew.model.clock import ManualClock

NOW = datetime(2026, 3, 1, 12, 0, 6, 900_000, tzinfo=UTC)
SECRETS = (b"n" * 24, b"o" * 32)
Start = Callable[[], Awaitable[Any]]
Until = Callable[[Callable[[], object]], Awaitable[None]]


def sent(number: int = 1, kind: str = "update", event_id: str = "ev", expires_s: float = 300.0) -> WebhookEvent:
    body = f'{{"n":{number},"p":"湾"}}'
    return WebhookEvent(f"{event_id}-{number}-{kind}", event_id, kind == "cancel", body, expires_s, f"eew.event.{kind}")


def sender(url: str, session: aiohttp.ClientSession, clock: ManualClock, name: str = "siren") -> Sender:
    delivery_queue = DeliveryQueue(Breaker(4, 5), lambda: 1.0)
    return Sender(name, url, SECRETS, delivery_queue, session, clock=clock, wall=lambda: NOW, timeout_s=2)


def has_failed(its: Sender, n_times: int) -> bool:
    return its.queue.breaker._n_failures >= n_times


@asynccontextmanager
async def running(*senders: Sender) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in senders]
    try:
        yield
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.wait(tasks)


def test_the_signature_is_that_of_the_published_example() -> None:
    """The test vector of the Standard Webhooks libraries (tests of every language of the project) [STDWEBHOOKS]."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    given = WebhookEvent("msg_p5jXN8AQM9LWM0D4loKWxJek", "", False, '{"test": 2432232314}', 0, "eew.event.new")
    headers = headers_of(given, (secret,), datetime.fromtimestamp(1614265330.9, UTC))
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_what_arrives_is_signed_with_every_secret(
    endpoints: Start, session: aiohttp.ClientSession, manual_clock: ManualClock, until: Until
) -> None:
    """Worked out here from the specification: HMAC-SHA256 over id, timestamp and the bytes of the body."""
    endpoint = await endpoints()
    its = sender(endpoint.url, session, manual_clock)
    async with running(its):
        its.offer(sent())
        await until(lambda: its.queue.counts.n_delivered)
    ((headers, body),) = endpoint.requests
    signed = f"ev-1-update.{int(NOW.timestamp())}.".encode() + body
    for secret, given in zip(SECRETS, headers["webhook-signature"].split(" "), strict=True):
        assert given == "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    assert body == sent().body.encode()
    assert headers["content-type"] == "application/json"


async def test_a_failure_is_tried_again_with_the_same_id_and_body(
    endpoints: Start, session: aiohttp.ClientSession, manual_clock: ManualClock, until: Until
) -> None:
    """After a quarter and half a second, so that the receiver can tell that it is the same."""
    endpoint = await endpoints()
    endpoint.script = [web.Response(status=500), web.Response(status=502)]
    its = sender(endpoint.url, session, manual_clock)
    async with running(its):
        its.offer(sent())
        for n_requests, delay_s in ((1, 0.25), (2, 0.5)):
            await until(partial(has_failed, its, n_requests))
            await manual_clock.advance(delay_s - 0.03)
            assert len(endpoint.requests) == n_requests
            await manual_clock.advance(0.04)
        await until(lambda: its.queue.counts.n_delivered)
    assert endpoint.ids == ["ev-1-update"] * 3
    assert len({body for _, body in endpoint.requests}) == 1
    assert its.queue.counts.n_retried == 2


async def test_a_slow_endpoint_is_given_up_after_its_time_and_delays_nobody(
    endpoints: Start, session: aiohttp.ClientSession, manual_clock: ManualClock, until: Until
) -> None:
    """While one hangs, another hears everything."""
    slow, quick = await endpoints(), await endpoints()
    slow.script = [slow.hang]
    its, others = sender(slow.url, session, manual_clock), sender(quick.url, session, manual_clock, "lamp")
    async with running(its, others):
        for each in (its, others):
            each.offer(sent())
        await until(lambda: slow.requests and others.queue.counts.n_delivered == 1)
        its.offer(sent(2, "cancel"))
        others.offer(sent(2, "cancel"))
        await until(lambda: others.queue.counts.n_delivered == 2)
        await manual_clock.advance(1.9)
        assert slow.ids == ["ev-1-update"]
        await manual_clock.advance(0.1)
        await until(lambda: its.queue.counts.n_delivered)
    assert slow.ids == ["ev-1-update", "ev-2-cancel"]
    assert its.queue.counts.n_superseded == 1


async def test_an_endpoint_that_refuses_connections_is_left_alone_and_asked_again(
    endpoints: Start,
    session: aiohttp.ClientSession,
    manual_clock: ManualClock,
    until: Until,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Four failures open the breaker for five seconds; the log says so, without the URL or what it may hold."""
    caplog.set_level(logging.INFO, "eew")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        its = sender(f"http://127.0.0.1:{unused.getsockname()[1]}/?token=secret", session, manual_clock)
        async with running(its):
            its.offer(sent(1, "cancel"))
            for n_failures in range(1, 5):
                await until(partial(has_failed, its, n_failures))
                if its.queue.breaker.state(manual_clock.mono_s()) == "closed":
                    await manual_clock.advance(1.01)
            assert its.queue.breaker.state(manual_clock.mono_s()) == "open"
            its._url = (await endpoints()).url
            await manual_clock.advance(its.queue.breaker.until_s - manual_clock.mono_s() + 0.01)
            await until(lambda: its.queue.counts.n_delivered)
    words = [record.getMessage().split()[0] for record in caplog.records]
    assert words == ["webhook.retry"] * 4 + ["endpoint.open", "webhook.delivered", "endpoint.back"]
    assert "secret" not in caplog.text
    assert "not-to-be-seen" not in caplog.text
    assert "no connection" in caplog.text


async def test_an_endpoint_that_is_gone_is_never_asked_again(
    endpoints: Start, session: aiohttp.ClientSession, manual_clock: ManualClock, until: Until
) -> None:
    """410 is the endpoint's way to say stop."""
    endpoint = await endpoints()
    endpoint.script = [web.Response(status=410)]
    its = sender(endpoint.url, session, manual_clock)
    async with running(its):
        its.offer(sent())
        await until(lambda: its.queue.is_gone)
        its.offer(sent(2, "cancel"))
        await manual_clock.advance(3600)
    assert len(endpoint.requests) == 1
    assert its.queue.counts.n_failed == 2


async def test_retry_after_is_waited_for(
    endpoints: Start, session: aiohttp.ClientSession, manual_clock: ManualClock, until: Until
) -> None:
    """Not even a cancel is sent before."""
    endpoint = await endpoints()
    endpoint.script = [web.Response(status=429, headers={"retry-after": "7"})]
    its = sender(endpoint.url, session, manual_clock)
    async with running(its):
        its.offer(sent())
        await until(lambda: its.queue.wake_at_s() == 7)
        its.offer(sent(2, "cancel"))
        await manual_clock.advance(6.9)
        assert len(endpoint.requests) == 1
        await manual_clock.advance(0.1)
        await until(lambda: its.queue.counts.n_delivered)
    assert endpoint.ids == ["ev-1-update", "ev-2-cancel"]


async def test_a_redirect_is_not_followed(
    endpoints: Start, session: aiohttp.ClientSession, manual_clock: ManualClock, until: Until
) -> None:
    """Alerts go where the configuration says and nowhere else."""
    endpoint, elsewhere = await endpoints(), await endpoints()
    endpoint.script = [web.Response(status=307, headers={"location": elsewhere.url})]
    its = sender(endpoint.url, session, manual_clock)
    async with running(its):
        its.offer(sent())
        await until(lambda: its.queue.counts.n_failed)
    assert elsewhere.requests == []


async def test_an_expired_alert_is_not_sent(
    endpoints: Start, session: aiohttp.ClientSession, manual_clock: ManualClock, until: Until
) -> None:
    """It is counted instead, at the instant at which it expires."""
    endpoint = await endpoints()
    endpoint.script = [web.Response(status=503, headers={"retry-after": "60"})]
    its = sender(endpoint.url, session, manual_clock)
    async with running(its):
        its.offer(sent(expires_s=10))
        await until(lambda: its.queue.wake_at_s() == 10)
        await manual_clock.advance(10)
        assert its.queue.counts.n_expired == 1
    assert len(endpoint.requests) == 1


async def test_one_told_to_finish_sends_what_it_can_and_then_ends(
    endpoints: Start, session: aiohttp.ClientSession, manual_clock: ManualClock
) -> None:
    """What waits for longer than there is time is not waited for: it has failed."""
    endpoint = await endpoints()
    endpoint.script = [web.Response(status=204), web.Response(status=503, headers={"retry-after": "9"})]
    its = sender(endpoint.url, session, manual_clock)
    its.offer(sent(event_id="a"))
    its.offer(sent(event_id="b"))
    its.finish(3)
    await asyncio.wait_for(its.run(), 30)
    counts = its.queue.counts
    assert (counts.n_taken, counts.n_delivered, counts.n_failed) == (2, 1, 1)
