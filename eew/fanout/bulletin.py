"""What is not hot: the dispatcher's status and the events as they stand, retained, by aiomqtt."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import aiomqtt
import msgspec

from eew import __version__
from eew.errors import BrokerConnectError
from eew.wire import topic
from eew.wire.link import Target
from eew.wire.message import Clock, EventMessage, Status, StatusState

__all__ = ["Bulletin"]

logger = logging.getLogger(__name__)

_HEARTBEAT_S = 5.0
_WITHIN_S = 5.0


class Bulletin:
    """An async context: says ``running`` on entering and every 5 s, ``stopped`` on leaving, ``lost`` by last will.

    A broker that goes away is the hot path's business: here it is logged once, and the next beat tries again.

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
        self._beat: asyncio.Task[None] | None = None
        self._retained: set[str] = set()
        self._is_failing = False
        self._is_due = asyncio.Event()
        self.clock: Clock | None = None
        self.n_reports = 0
        self.last_dispatch_at: datetime | None = None

    async def __aenter__(self) -> Self:
        """Connect; raises ``BrokerConnectError``."""
        try:
            await self._connect()
        except aiomqtt.MqttError as error:
            raise BrokerConnectError(str(self._target), str(error)) from error
        await self.say()
        self._beat = asyncio.create_task(self._heartbeat(), name="heartbeat")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear what was retained, say ``stopped`` and leave."""
        if self._beat is not None:
            self._beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beat
        if self._client is not None:
            for each in sorted(self._retained):
                await self._publish(each, b"")
            await self._publish(topic.status(self._dispatcher_id), self._status("stopped"))
            with contextlib.suppress(aiomqtt.MqttError):
                await self._client.__aexit__(None, None, None)

    async def say(self) -> None:
        """Publish the status now, and wait until the broker has it."""
        await self._publish(topic.status(self._dispatcher_id), self._status("running"))

    def say_soon(self) -> None:
        """Publish the status without waiting for it."""
        self._is_due.set()

    async def event(self, message: EventMessage) -> None:
        """Publish an event as it stands; cleared when the bulletin ends."""
        where = topic.event(message.event_id)
        self._retained.add(where)
        await self._publish(where, msgspec.json.encode(message))

    async def _connect(self) -> None:
        target = self._target
        client = aiomqtt.Client(
            target.host,
            target.port,
            username=target.username,
            password=target.password,
            identifier=f"eew-bulletin-{self._dispatcher_id}",
            protocol=aiomqtt.ProtocolVersion.V311,
            timeout=_WITHIN_S,
            tls_params=aiomqtt.TLSParameters() if target.is_tls else None,
            will=aiomqtt.Will(topic.status(self._dispatcher_id), self._status("lost"), qos=1, retain=True),
        )
        await client.__aenter__()
        self._client = client

    async def _heartbeat(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HEARTBEAT_S):
                    await self._is_due.wait()
            self._is_due.clear()
            await self.say()

    async def _publish(self, where: str, payload: bytes) -> None:
        try:
            if self._client is None:
                await self._connect()
            if self._client is not None:
                await self._client.publish(where, payload, qos=1, retain=True)
        except aiomqtt.MqttError as error:
            if not self._is_failing:
                logger.warning("bulletin.failed %s: %s", self._target, error)
            self._is_failing = True
            await self._drop()
        else:
            self._is_failing = False

    async def _drop(self) -> None:
        """Leave a client that failed, so that the next message connects anew."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(aiomqtt.MqttError):
                await client.__aexit__(None, None, None)

    def _status(self, state: StatusState) -> bytes:
        return msgspec.json.encode(
            Status(
                dispatcher_id=self._dispatcher_id,
                version=__version__,
                state=state,
                at=datetime.now(UTC),
                n_reports=self.n_reports,
                last_dispatch_at=self.last_dispatch_at,
                clock=self.clock,
                keys=self._keys,
            )
        )
