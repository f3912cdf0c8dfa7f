"""Retained messages: the dispatcher's status, the events as they stand and help cards, published by aiomqtt."""

import asyncio
import contextlib
import logging
from collections import deque
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Protocol, Self

import aiomqtt

from eew import __version__
from eew.contract import topic
from eew.contract.message import Clock, EventMessage, InfoCard, Status, StatusState, payload_of
from eew.model.errors import BrokerConnectError
from eew.mqtt.aiomqtt_client import client_of, translated
from eew.mqtt.protocol import Target

__all__ = ["MqttRetainedPublisher", "RetainedPublisher"]

logger = logging.getLogger(__name__)

_HEARTBEAT_S = 5.0
_WITHIN_S, _KEEPALIVE_S = 5.0, 60
_MOST_PENDING = 1000


class RetainedPublisher(Protocol):
    """Where a dispatcher's status, its events and its help cards stand; see ``MqttRetainedPublisher``."""

    n_reports: int
    last_dispatch_at: datetime | None
    #: How each feed is, by its name.
    feeds: dict[str, str]

    @property
    def clock(self) -> Clock | None:
        """What time it is for our events."""
        ...

    @clock.setter
    def clock(self, clock: Clock) -> None: ...

    async def publish_status(self) -> None:
        """Publish the status now, and wait until the broker has it."""
        ...

    def request_publish(self) -> None:
        """Publish the status without waiting for it."""
        ...

    def publish_event(self, message: EventMessage) -> None:
        """Publish an event as it stands without waiting."""
        ...

    def publish_cap(self, event_id: str, payload: bytes) -> None:
        """Publish the same as CAP, likewise."""
        ...

    def clear_event(self, event_id: str) -> None:
        """Let an event stand no more, without waiting for it."""
        ...

    def publish_info(self, card: InfoCard) -> None:
        """Publish a help card without waiting."""
        ...


class MqttRetainedPublisher:
    """An async context: status ``running`` on entering and every 5 s, ``stopped`` on leaving, ``lost`` by last will.

    What is to be retained is held here and published by one task, so that nobody waits for a broker that is away.
    That is logged once; when the broker is back, everything is published again.

    Parameters
    ----------
    target
        The broker.
    dispatcher_id
        One word.
    keys
        Public keys, base64url by id.
    """

    def __init__(self, target: Target, dispatcher_id: str, keys: dict[str, str]) -> None:
        self._target = target
        self._dispatcher_id = dispatcher_id
        self._keys = keys
        self._client: aiomqtt.Client | None = None
        #: Retained messages by topic: as they are wanted, and as the broker has them.
        self._wanted: dict[str, bytes] = {}
        #: Topics that stay retained when we disconnect.
        self._lasting: set[str] = set()
        self._published: dict[str, bytes] = {}
        self._one_at_a_time = asyncio.Lock()
        self._beat: asyncio.Task[None] | None = None
        self._is_leaving = False
        self._is_failing = False
        self._is_due = asyncio.Event()
        self._clock: Clock | None = None
        #: Statuses with a clock, still to be published.
        self._pending_statuses: deque[bytes] = deque(maxlen=_MOST_PENDING)
        self.n_reports = 0
        self.last_dispatch_at: datetime | None = None
        #: How each feed is, by its name.
        self.feeds: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        """Connect; raises ``BrokerConnectError``."""
        with translated(partial(BrokerConnectError, str(self._target))):
            self._client = await self._connected()
        await self.publish_status()
        self._beat = asyncio.create_task(self._heartbeat(), name="heartbeat")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear what was retained, publish ``stopped`` and disconnect; some seconds at most, also without a broker."""
        self._is_leaving = True
        self._is_due.set()
        try:
            if self._beat is not None:
                await self._beat
        finally:
            for where in self._wanted.keys() - self._lasting:
                self._wanted[where] = b""
            await self._publish_state("stopped")
            await self._drop()

    @property
    def clock(self) -> Clock | None:
        """The clock of our events; each that is set is published, also where the next is set before that."""
        return self._clock

    @clock.setter
    def clock(self, clock: Clock) -> None:
        self._clock = clock
        self._pending_statuses.append(self._status("running"))

    async def publish_status(self) -> None:
        """Publish the status now, and wait until the broker has it."""
        await self._publish_state("running")

    def request_publish(self) -> None:
        """Publish the status without waiting for it."""
        self._is_due.set()

    def publish_event(self, message: EventMessage) -> None:
        """Publish an event as it stands without waiting; cleared on leaving."""
        self._wanted[topic.event(message.event_id)] = payload_of(message)
        self._is_due.set()

    def publish_cap(self, event_id: str, payload: bytes) -> None:
        """Publish the same as CAP, likewise."""
        self._wanted[topic.cap(event_id)] = payload
        self._is_due.set()

    def clear_event(self, event_id: str) -> None:
        """Clear an event and its CAP message without waiting."""
        self._wanted[topic.event(event_id)] = self._wanted[topic.cap(event_id)] = b""
        self._is_due.set()

    def publish_info(self, card: InfoCard) -> None:
        """Publish a help card without waiting; it stays retained after leaving."""
        where = topic.info(f"{card.region}/{card.lang}")
        self._wanted[where] = payload_of(card)
        self._lasting.add(where)
        self._is_due.set()

    async def _heartbeat(self) -> None:
        while not self._is_leaving:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HEARTBEAT_S):
                    await self._is_due.wait()
            self._is_due.clear()
            if not self._is_leaving:
                await self.publish_status()

    async def _publish_state(self, state: StatusState) -> None:
        """Publish the status, after everything else that is pending."""
        async with self._one_at_a_time:
            where = topic.status(self._dispatcher_id)
            self._wanted.pop(where, None)
            self._wanted[where] = self._status(state)
            try:
                await self._publish_pending()
            except aiomqtt.MqttError as error:
                if not self._is_failing:
                    logger.warning("bulletin.failed %s: %s", self._target, error)
                self._is_failing = True
                # A later subscriber needs only the clock of then.
                self._pending_statuses.clear()
                await self._drop()
            else:
                self._is_failing = False

    async def _publish_pending(self) -> None:
        """Publish what is pending: over the connection there is, else over a new one."""
        if self._client is not None:
            try:
                return await self._publish(self._client)
            except aiomqtt.MqttError:
                await self._drop()
        self._client = await self._connected()
        self._published.clear()
        return await self._publish(self._client)

    async def _publish(self, client: aiomqtt.Client) -> None:
        # Before the events that refer to its time.
        while self._pending_statuses:
            await client.publish(topic.status(self._dispatcher_id), self._pending_statuses[0], qos=1, retain=True)
            self._pending_statuses.popleft()
        for where, payload in list(self._wanted.items()):
            if self._published.get(where) != payload:
                await client.publish(where, payload, qos=1, retain=True)
                self._published[where] = payload
            if not payload and not self._wanted[where]:
                # Cleared: nothing more to publish there.
                del self._wanted[where]
                self._published.pop(where, None)

    async def _connected(self) -> aiomqtt.Client:
        will = aiomqtt.Will(topic.status(self._dispatcher_id), self._status("lost"), qos=1, retain=True)
        client_id = f"eew-bulletin-{self._dispatcher_id}"
        client = client_of(
            self._target, "bulletin", will, client_id=client_id, timeout_s=_WITHIN_S, keepalive_s=_KEEPALIVE_S
        )
        return await client.__aenter__()

    async def _drop(self) -> None:
        """Close the client, so that the next message connects again."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(aiomqtt.MqttError):
                await client.__aexit__(None, None, None)
            # Once disconnected this raises why at once; nobody else would ask, and asyncio would complain.
            with contextlib.suppress(aiomqtt.MqttError):
                await anext(client.messages)

    def _status(self, state: StatusState) -> bytes:
        return payload_of(
            Status(
                dispatcher_id=self._dispatcher_id,
                version=__version__,
                state=state,
                at=datetime.now(UTC),
                n_reports=self.n_reports,
                last_dispatch_at=self.last_dispatch_at,
                clock=self._clock,
                keys=self._keys,
                feeds=dict(self.feeds),
            )
        )
