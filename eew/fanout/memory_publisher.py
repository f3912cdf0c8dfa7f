"""Publishers without a broker: they keep what they are given; one fails as scripted."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from eew.contract.message import Clock as ClockMessage
from eew.contract.message import EventMessage, InfoCard
from eew.fanout.in_flight import PublisherCounts
from eew.fanout.publish_template import Batch
from eew.model.clock import Clock
from eew.model.errors import BrokerLostError
from eew.mqtt.packet import V3

__all__ = ["MemoryPublisher", "MemoryRetainedPublisher", "PublisherFault"]


@dataclass(frozen=True, slots=True)
class PublisherFault:
    """Something that goes wrong with the batch that holds packet number ``at_packet`` (from 0)."""

    at_packet: int
    #: ``slow``: takes ``delay_s`` longer. ``refuse``: the broker rejects this one packet. ``lose``: the connection is
    #: cut for good.
    kind: Literal["slow", "refuse", "lose"]
    delay_s: float = 0.0


@dataclass(slots=True)
class MemoryPublisher:
    """Takes batches into memory at a steady rate.

    Parameters
    ----------
    clock
        Whose time passes while a batch is written.
    rate_hz
        Packets a second; ``None`` takes no time.
    faults
        What goes wrong.
    """

    clock: Clock
    rate_hz: float | None = None
    faults: tuple[PublisherFault, ...] = ()
    #: All that were sent, refused ones too; at QoS 1 without packet ids, as there is no connection to count on.
    packets: list[bytes] = field(default_factory=list)
    version: int = V3
    counts: PublisherCounts = field(default_factory=PublisherCounts)
    max_batch: int = 1 << 30
    _token: int = 0
    _rejected: dict[int, list[int]] = field(default_factory=dict)
    _error: BrokerLostError | None = None

    async def send(self, batch: Batch) -> int:
        """Keep one batch; time passes on the clock. If cancelled, nothing of it is kept."""
        first, end = self.counts.n_written, self.counts.n_written + len(batch)
        faults = [fault for fault in self.faults if first <= fault.at_packet < end]
        for fault in faults:
            if fault.kind == "slow":
                await self.clock.sleep(fault.delay_s)
            elif fault.kind == "lose":
                self._error = BrokerLostError("memory", "scripted loss", after_s=0)
        if self._error is not None:
            raise self._error
        await self.clock.sleep(0 if self.rate_hz is None else len(batch) / self.rate_hz)
        self._token += 1
        refused = [fault.at_packet - first for fault in faults if fault.kind == "refuse"]
        if refused:
            self._rejected[self._token] = refused
            self.counts.n_rejected += len(refused)
        self.packets += [row.tobytes() for row in batch.data]
        self.counts.n_written = end
        self.counts.n_confirmed = end
        return self._token

    async def flush(self) -> None:
        """Do nothing: what is in memory is confirmed; raises once the connection is cut."""
        if self._error is not None:
            raise self._error

    @property
    def is_connected(self) -> bool:
        """Whether the connection was not cut."""
        return self._error is None

    @property
    def error(self) -> BrokerLostError | None:
        """The scripted loss, once it has happened."""
        return self._error

    @property
    def confirmed_token(self) -> int:
        """The last delivery token."""
        return self._token

    def rejected(self, token: int) -> npt.NDArray[np.int_]:
        """Return which packets of a batch were refused by the script."""
        return np.array(self._rejected.get(token, []), dtype=np.int_)

    async def close(self) -> None:
        """Do nothing."""


@dataclass(slots=True)
class MemoryRetainedPublisher:
    """What stands at a broker, without one: what was published last, by event id and in order."""

    n_reports: int = 0
    last_dispatch_at: datetime | None = None
    feeds: dict[str, str] = field(default_factory=dict)
    clock: ClockMessage | None = None
    events: dict[str, EventMessage] = field(default_factory=dict)
    caps: dict[str, bytes] = field(default_factory=dict)
    cards: list[InfoCard] = field(default_factory=list)

    async def publish_status(self) -> None:
        """Do nothing: the status is what it is."""

    def request_publish(self) -> None:
        """Do nothing."""

    def publish_event(self, message: EventMessage) -> None:
        """Keep an event as it stands."""
        self.events[message.event_id] = message

    def publish_cap(self, event_id: str, payload: bytes) -> None:
        """Keep the same as CAP."""
        self.caps[event_id] = payload

    def clear_event(self, event_id: str) -> None:
        """Let an event stand no more."""
        self.events.pop(event_id, None)
        self.caps.pop(event_id, None)

    def publish_info(self, card: InfoCard) -> None:
        """Keep a help card."""
        self.cards.append(card)
