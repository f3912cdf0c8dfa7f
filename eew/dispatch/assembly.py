"""The dispatcher, assembled: what a replay, a daemon and a load test have in common.

report ─ Dispatcher ─▶ Outbox ─ send ─▶ Publisher
             └─ Announcer ─▶ RetainedPublisher
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from eew.contract.signature import SigningKey, in_base64url
from eew.dispatch.announcement import Announcements, Announcer
from eew.dispatch.audience import CellAudience, DeviceAudience, Send, audience_of
from eew.dispatch.dispatcher import Dispatcher, EventClock, Observer
from eew.estimate.estimator import Estimator
from eew.fanout.outbox import Outbox
from eew.fanout.publisher import MqttPublisher, Publisher
from eew.fanout.retained_publisher import MqttRetainedPublisher, RetainedPublisher
from eew.fanout.send_loop import SendRate, dispatch
from eew.model.clock import Clock, SystemClock
from eew.model.records import Devices, Profile, Shelters
from eew.mqtt.endpoint import Endpoint

__all__ = ["DispatchConfig", "DispatchContext", "open_dispatch"]

#: Alerts a second that are promised until the real rate is known, by QoS.
_FIRST_GUESS_HZ = (150_000.0, 50_000.0)
#: A broker that takes fewer alerts unacknowledged would make each wait for the way there and back.
_MIN_RECEIVE_MAXIMUM = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchConfig:
    """What a dispatcher is made of."""

    #: The broker; of no account where both publishers are handed in.
    endpoint: Endpoint
    dispatcher_id: str
    #: Of the publisher's MQTT session.
    client_id: str
    mode: Literal["device", "cell"]
    qos: int
    payload: Literal["full", "compact"]
    reconnect_s: float
    profile: Profile
    estimator: Estimator
    devices: Devices
    shelters: Shelters
    key: SigningKey
    #: Older reports are stale.
    max_age_s: float = 600.0

    @property
    def keys(self) -> dict[str, str]:
        """By which devices verify alerts: base64url by id."""
        return {self.key.key_id: in_base64url(self.key.public_bytes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchContext:
    """A dispatcher and what it works with; touched on the event loop only."""

    clock: Clock
    event_clock: EventClock
    how: Send
    audience: CellAudience | DeviceAudience
    outbox: Outbox
    rate: SendRate
    publisher: Publisher
    retained: RetainedPublisher
    announcements: Announcements
    announcer: Announcer
    dispatcher: Dispatcher

    async def send(self) -> None:
        """Send what the outbox holds until it is closed and empty (see ``eew.fanout.send_loop.dispatch``)."""
        await dispatch(
            self.outbox,
            self.publisher,
            max_batch=self.publisher.max_batch // 2,
            clock=self.clock,
            event_now=self.event_clock.now,
            rate=self.rate,
        )


@asynccontextmanager
async def open_dispatch(
    config: DispatchConfig,
    *,
    publisher: Publisher | None = None,
    retained: RetainedPublisher | None = None,
    clock: Clock | None = None,
    event_clock: EventClock | None = None,
    observer: Observer | None = None,
) -> AsyncIterator[DispatchContext]:
    """Assemble a dispatcher, connected to its broker; what was handed in is left open at the end.

    Parameters
    ----------
    config
        What it is made of.
    publisher, retained
        Where alerts, and where status, events and help cards go; ``None``: the broker of the configuration.
    clock, event_clock
        For waits and measurements, and what time it is for the earthquake; ``None``: the system's, and a new one.
    observer
        Told what is decided.

    Raises
    ------
    BrokerConnectError
        If the broker cannot be reached.
    """
    clock, event_clock = clock or SystemClock(), event_clock or EventClock()
    async with AsyncExitStack() as stack:
        if retained is None:
            retained = await stack.enter_async_context(
                MqttRetainedPublisher(config.endpoint, config.dispatcher_id, config.keys)
            )
        announcements = Announcements(config.profile, config.estimator)
        announcer = await stack.enter_async_context(Announcer(retained, announcements))
        if publisher is None:
            publisher = await _connected(stack, config, clock)
        how = Send(config.qos, publisher.version, config.payload)
        audience = await asyncio.to_thread(audience_of, config.mode, config.devices, config.shelters, how)
        outbox, rate = Outbox(), SendRate(_FIRST_GUESS_HZ[config.qos])
        dispatcher = Dispatcher(
            config.profile,
            config.estimator,
            audience,
            outbox,
            rate,
            config.key,
            clock=clock,
            event_clock=event_clock,
            max_age_s=config.max_age_s,
            observer=observer,
        )
        yield DispatchContext(
            clock=clock,
            event_clock=event_clock,
            how=how,
            audience=audience,
            outbox=outbox,
            rate=rate,
            publisher=publisher,
            retained=retained,
            announcements=announcements,
            announcer=announcer,
            dispatcher=dispatcher,
        )


async def _connected(stack: AsyncExitStack, config: DispatchConfig, clock: Clock) -> Publisher:
    """Return the publisher of the configuration's broker, closed with the stack."""
    publisher = MqttPublisher(
        config.endpoint,
        config.client_id,
        qos=config.qos,
        clock=clock,
        reconnect_s=config.reconnect_s,
        min_receive_maximum=_MIN_RECEIVE_MAXIMUM,
    )
    await publisher.open()
    stack.push_async_callback(publisher.close)
    return publisher
