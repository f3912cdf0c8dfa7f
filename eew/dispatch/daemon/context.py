"""What a daemon works with: loaded, connected, and in the state in which the last one left it."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from eew.contract.signature import in_base64url
from eew.dispatch.announcement import Announcements, Announcer
from eew.dispatch.audience import Send, audience_of
from eew.dispatch.daemon.config import ConfigFile
from eew.dispatch.daemon.deliveries import Deliveries
from eew.dispatch.daemon.preparation import Prepared
from eew.dispatch.dispatcher import Dispatcher, EventClock
from eew.dispatch.journal import History, Journal
from eew.dispatch.metrics import Figures
from eew.dispatch.replay import FIRST_GUESS_HZ, MIN_RECEIVE_MAXIMUM
from eew.fanout.outbox import Outbox
from eew.fanout.publisher import MqttPublisher
from eew.fanout.retained_publisher import RetainedPublisher
from eew.fanout.send_loop import SendRate
from eew.model.clock import Clock
from eew.model.records import Devices
from eew.mqtt.ready import wait_until_ready

__all__ = ["KEEP_S", "Office", "opened"]

#: The journal is read, and whom it says were told is kept, so far back.
KEEP_S = 86_400.0


@dataclass(slots=True)
class Office:
    """What the tasks of a daemon share; touched on the event loop only."""

    devices: Devices
    send: Send
    #: What happened before.
    history: History
    journal: Journal
    outbox: Outbox
    rate: SendRate
    publisher: MqttPublisher
    retained: RetainedPublisher
    announcements: Announcements
    announcer: Announcer
    dispatcher: Dispatcher
    deliveries: Deliveries


async def opened(
    stack: AsyncExitStack, file: ConfigFile, prepared: Prepared, clock: Clock, event_clock: EventClock, figures: Figures
) -> Office:
    """Connect what was prepared to the broker; closed with the stack.

    Raises
    ------
    BrokerConnectError
        If the broker cannot be reached.
    """
    config, endpoint, premises, devices = file.config, prepared.endpoint, prepared.premises, prepared.devices
    key, journal = prepared.key, prepared.journal
    if journal is None:
        raise AssertionError("a journal that is not only tried is opened or refused")
    history = await journal.history(datetime.now(UTC), KEEP_S)
    await wait_until_ready(endpoint, config.reconnect_s, says_so=True)
    retained = RetainedPublisher(endpoint, config.dispatcher_id, {key.key_id: in_base64url(key.public_bytes)})
    await stack.enter_async_context(retained)
    announcements = Announcements(premises.profile, premises.estimator)
    announcer = await stack.enter_async_context(Announcer(retained, announcements))
    publisher = MqttPublisher(
        endpoint,
        f"eew-publisher-{config.dispatcher_id}",
        qos=config.qos,
        clock=clock,
        reconnect_s=config.reconnect_s,
        min_receive_maximum=MIN_RECEIVE_MAXIMUM,
    )
    await publisher.open()
    stack.push_async_callback(publisher.close)
    send = Send(config.qos, publisher.version, config.payload)
    outbox, rate = Outbox(), SendRate(FIRST_GUESS_HZ[config.qos])
    dispatcher = Dispatcher(
        premises.profile,
        premises.estimator,
        await asyncio.to_thread(audience_of, config.mode, devices, premises.shelters, send),
        outbox,
        rate,
        key,
        clock=clock,
        event_clock=event_clock,
        max_age_s=config.max_age_s,
        observer=journal,
    )
    return Office(
        devices=devices,
        send=send,
        history=history,
        journal=journal,
        outbox=outbox,
        rate=rate,
        publisher=publisher,
        retained=retained,
        announcements=announcements,
        announcer=announcer,
        dispatcher=dispatcher,
        deliveries=Deliveries(outbox, publisher, journal, figures),
    )
