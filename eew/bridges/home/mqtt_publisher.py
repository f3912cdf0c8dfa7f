"""Publishes a place to Home Assistant over a watcher's own connection."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiomqtt

from eew.bridges.home.announcer import HomeAnnouncer, HomeMessage
from eew.bridges.home.discovery import Home
from eew.bridges.watch import Watch
from eew.model.clock import SystemClock

__all__ = ["HomePublisher"]

#: How late a change may be said; also bounds how often.
_TICK_S = 0.1


class HomePublisher:
    """Keeps a place's entities true to what a watch knows, connection after connection.

    Parameters
    ----------
    watch
        A watch with a place.
    home
        The same place.
    """

    def __init__(self, watch: Watch, home: Home) -> None:
        self._watch = watch
        self._home = home
        self._clock = SystemClock()
        self._client: aiomqtt.Client | None = None
        self._announcer = HomeAnnouncer(home)

    @property
    def will(self) -> aiomqtt.Will:
        """What the broker is to say when the connection breaks."""
        topic, payload, is_retained = self._announcer.farewell
        return aiomqtt.Will(topic, payload, qos=1, retain=is_retained)

    @contextlib.asynccontextmanager
    async def over(self, client: aiomqtt.Client) -> AsyncIterator[None]:
        """Lend a connection to ``publish`` while the block lasts; at its end all is said to be unavailable."""
        self._client, self._announcer = client, HomeAnnouncer(self._home)
        try:
            yield
        finally:
            self._client = None
            # Of a connection that broke, the broker publishes the will.
            with contextlib.suppress(aiomqtt.MqttError):
                await _send(client, self._announcer.farewell)

    async def publish(self) -> None:
        """Publish for ever what is new, whenever there is a connection."""
        while True:
            if self._client is not None:
                await self._say(self._client)
            await self._clock.sleep(_TICK_S)

    async def _say(self, client: aiomqtt.Client) -> None:
        wall_at, watch = datetime.now(UTC), self._watch
        for message in self._announcer.messages(watch.board(wall_at), wall_at, self._clock.mono_s(), watch.message):
            try:
                await _send(client, message)
            except aiomqtt.MqttError:
                # Whether it arrived is not known; all is said again.
                self._announcer = HomeAnnouncer(self._home)
                return


async def _send(client: aiomqtt.Client, message: HomeMessage) -> None:
    await client.publish(message.topic, message.payload, qos=1, retain=message.is_retained)
