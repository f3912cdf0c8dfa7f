"""What a daemon works with: loaded, connected, and what the journal has of the one before."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from eew.dispatch.assembly import DispatchConfig, DispatchContext, open_dispatch
from eew.dispatch.daemon.config import ConfigFile
from eew.dispatch.daemon.deliveries import Deliveries
from eew.dispatch.daemon.preparation import Prepared
from eew.dispatch.dispatcher import EventClock
from eew.dispatch.journal import History, Journal
from eew.dispatch.metrics import Figures
from eew.model.clock import Clock
from eew.model.records import Devices
from eew.mqtt.ready import wait_until_ready

__all__ = ["KEEP_S", "DaemonContext", "open_daemon"]

#: The journal is read, and whom it says were notified is kept, so far back.
KEEP_S = 86_400.0


@dataclass(frozen=True, slots=True)
class DaemonContext:
    """What the tasks of a daemon share; touched on the event loop only."""

    devices: Devices
    #: What happened before.
    history: History
    journal: Journal
    dispatch: DispatchContext
    deliveries: Deliveries


async def open_daemon(
    stack: AsyncExitStack, file: ConfigFile, prepared: Prepared, clock: Clock, event_clock: EventClock, figures: Figures
) -> DaemonContext:
    """Connect what was prepared to the broker; closed with the stack.

    Raises
    ------
    BrokerConnectError
        If the broker cannot be reached.
    """
    config, journal = file.config, prepared.journal
    if journal is None:
        raise AssertionError("a journal that is not only tried is opened or refused")
    history = await journal.history(datetime.now(UTC), KEEP_S)
    await wait_until_ready(prepared.endpoint, config.reconnect_s, says_so=True)
    made_of = DispatchConfig(
        endpoint=prepared.endpoint,
        dispatcher_id=config.dispatcher_id,
        client_id=f"eew-publisher-{config.dispatcher_id}",
        mode=config.mode,
        qos=config.qos,
        payload=config.payload,
        reconnect_s=config.reconnect_s,
        profile=prepared.region.profile,
        estimator=prepared.region.estimator,
        devices=prepared.devices,
        shelters=prepared.region.shelters,
        key=prepared.key,
        max_age_s=config.max_age_s,
    )
    dispatch = await stack.enter_async_context(
        open_dispatch(made_of, clock=clock, event_clock=event_clock, observer=journal)
    )
    deliveries = Deliveries(dispatch.outbox, dispatch.publisher, journal, figures)
    return DaemonContext(prepared.devices, history, journal, dispatch, deliveries)
