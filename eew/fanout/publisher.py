"""Publishing whole batches: what the dispatcher needs of a broker, and the real thing over one MQTT connection."""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from eew.clock import Clock
from eew.errors import BrokerConnectError, BrokerLostError
from eew.fanout.connection import Connection
from eew.fanout.record import Batch
from eew.wire.link import Target, open_link

__all__ = ["MqttPublisher", "Publisher", "PublisherCounts"]

_CHUNK_BYTES = 256 * 1024
#: QoS 0: how much may be written and not yet confirmed by the broker's answer to a ping.
_UNCONFIRMED_BYTES = 64 * 1024 * 1024
_FIRST_BACKOFF_S, _LAST_BACKOFF_S = 0.1, 3.0
_DUP = 0x08


@dataclass(slots=True)
class PublisherCounts:
    """What a publisher did; packets, not bytes."""

    n_written: int = 0
    n_confirmed: int = 0
    #: Written again after a lost connection (QoS 1: marked DUP).
    n_resent: int = 0
    #: Refused by the broker (MQTT 5 reason codes).
    n_rejected: int = 0
    n_reconnects: int = 0


class Publisher(Protocol):
    """Takes batches in their order and tells when the broker has them."""

    #: MQTT version in use, ``packet.V3`` or ``packet.V5``.
    version: int
    counts: PublisherCounts

    async def send(self, batch: Batch) -> int:
        """Write one batch under back-pressure and return its ticket, counted from 1.

        Not to be called concurrently. If cancelled, part of the batch may have been written.

        Raises
        ------
        BrokerLostError
            If the broker went away and did not come back in time.
        """
        ...

    async def flush(self) -> None:
        """Wait until the broker has confirmed every ticket given out; raises as ``send``."""
        ...

    @property
    def confirmed_ticket(self) -> int:
        """The last ticket up to which everything is confirmed."""
        ...

    def rejected(self, ticket: int) -> npt.NDArray[np.int_]:
        """Return which packets of a confirmed batch the broker refused."""
        ...

    async def close(self) -> None:
        """Say goodbye; what is not confirmed may be lost."""
        ...


@dataclass(slots=True)
class _InFlight:
    """A batch that the broker has not confirmed."""

    ticket: int
    batch: Batch
    #: QoS 1: packet id of the first packet less one; ids run on, 1 to 65535, round and round.
    first_id: int = 0
    is_acked: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


class MqttPublisher:
    """One MQTT connection that writes batches, and comes back when it is cut.

    At QoS 1 a batch is confirmed by the PUBACKs of its packets. At QoS 0 each batch is followed by a PINGREQ: a broker
    answers in order, so the PINGRESP confirms all before it; what was not confirmed when a connection was cut is
    written again (devices drop a duplicate, nothing drops a loss).

    Parameters
    ----------
    target
        Address and login.
    client_id
        Of the MQTT session.
    qos
        0 or 1.
    clock
        For the waits between attempts.
    reconnect_s
        How long to try again before giving up.
    inflight_max
        QoS 1: packets on the way at once.
    """

    def __init__(
        self,
        target: Target,
        client_id: str,
        *,
        qos: int,
        clock: Clock,
        reconnect_s: float = 30.0,
        inflight_max: int = 16384,
        on_reconnect: Callable[[], None] | None = None,
    ) -> None:
        self._target = target
        self._client_id = client_id
        self._qos = qos
        self._clock = clock
        self._reconnect_s = reconnect_s
        self._inflight_max = inflight_max
        self._on_reconnect = on_reconnect
        self._connection: Connection | None = None
        self._in_flight: deque[_InFlight] = deque()
        self._ticket = itertools.count(1)
        self._last_ticket = 0
        self._confirmed = 0
        self._next_id = 0
        self._rejected: dict[int, list[int]] = {}
        self._progress = asyncio.Event()
        self._error: BrokerLostError | None = None
        self._is_closing = False
        self._reconnecting: asyncio.Task[None] | None = None
        self.version = 0
        self.counts = PublisherCounts()

    async def open(self) -> None:
        """Connect for the first time.

        Raises
        ------
        BrokerConnectError
            If nobody answers or the broker refuses.
        """
        self._connection = await self._connect()
        self.version = self._connection.version
        self._inflight_max = min(self._inflight_max, self._connection.receive_max)

    @property
    def max_batch(self) -> int:
        """The most packets one batch may hold."""
        return self._inflight_max if self._qos else 1 << 30

    @property
    def confirmed_ticket(self) -> int:
        """The last ticket up to which everything is confirmed."""
        return self._confirmed

    def rejected(self, ticket: int) -> npt.NDArray[np.int_]:
        """Return which packets of a confirmed batch the broker refused."""
        return np.array(self._rejected.get(ticket, []), dtype=np.int_)

    async def send(self, batch: Batch) -> int:
        """Write one batch under back-pressure and return its ticket (see ``Publisher``)."""
        flight = _InFlight(next(self._ticket), batch)
        self._last_ticket = flight.ticket
        await self._wait_until(lambda: self._has_room(batch))
        if self._qos:
            flight.first_id = self._next_id
            flight.is_acked = np.zeros(len(batch), dtype=bool)
            batch.number(((self._next_id + np.arange(len(batch))) % 65535 + 1).astype(np.uint16))
            self._next_id = (self._next_id + len(batch)) % 65535
        self._in_flight.append(flight)
        self.counts.n_written += len(batch)
        if self._connection is not None:
            await self._write(self._connection, flight)
        return flight.ticket

    async def flush(self) -> None:
        """Wait until every ticket is confirmed."""
        await self._wait_until(lambda: not self._in_flight)

    async def close(self) -> None:
        """Say goodbye."""
        self._is_closing = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
        if self._connection is not None:
            await self._connection.close()

    def _has_room(self, batch: Batch) -> bool:
        if not self._in_flight:
            return True
        if self._qos:
            return sum(len(flight.batch) for flight in self._in_flight) + len(batch) <= self._inflight_max
        return sum(flight.batch.data.nbytes for flight in self._in_flight) + batch.data.nbytes <= _UNCONFIRMED_BYTES

    async def _wait_until(self, is_true: Callable[[], bool]) -> None:
        """Wait for acknowledgements, or for the connection to be back."""
        while True:
            if self._error is not None:
                raise self._error
            if self._connection is not None and is_true():
                return
            self._progress.clear()
            await self._progress.wait()

    async def _write(self, connection: Connection, flight: _InFlight) -> None:
        """Write a batch in chunks; a cut connection ends it quietly, since all is written again on the next."""
        view = flight.batch.data.data.cast("B")
        for start in range(0, len(view), _CHUNK_BYTES):
            if not await connection.write(view[start : start + _CHUNK_BYTES]):
                return
        if self._qos == 0:
            connection.ping(flight.ticket)

    def _acked(self, packet_id: npt.NDArray[np.uint16], code: npt.NDArray[np.uint8]) -> None:
        """Take PUBACKs."""
        position = packet_id.astype(np.int64) - 1
        for flight in self._in_flight:
            at = (position - flight.first_id) % 65535
            is_mine = at < len(flight.batch)
            if is_mine.any():
                flight.is_acked[at[is_mine]] = True
                is_refused = is_mine & (code >= 0x80)
                if is_refused.any():
                    self._rejected.setdefault(flight.ticket, []).extend(at[is_refused].tolist())
                    self.counts.n_rejected += int(is_refused.sum())
            if is_mine.all():
                break
            position, code = position[~is_mine], code[~is_mine]
        while self._in_flight and self._in_flight[0].is_acked.all():
            self._confirm_first()

    def _ponged(self, ticket: int) -> None:
        """Take a PINGRESP: all up to the ping's ticket is with the broker."""
        while self._in_flight and self._in_flight[0].ticket <= ticket:
            self._confirm_first()

    def _confirm_first(self) -> None:
        flight = self._in_flight.popleft()
        self._confirmed = flight.ticket
        self.counts.n_confirmed += len(flight.batch)
        self._progress.set()

    async def _connect(self) -> Connection:
        return await open_link(
            lambda: Connection(self._acked, self._ponged, self._lost),
            self._target,
            self._client_id,
            is_clean=self._qos == 0,
        )

    def _lost(self, reason: str) -> None:
        """Start to come back."""
        self._connection = None
        if not self._is_closing and self._error is None:
            self._reconnecting = asyncio.get_running_loop().create_task(self._reconnect(reason), name="reconnect")

    async def _reconnect(self, reason: str) -> None:
        """Try with growing, jittered waits until ``reconnect_s`` have passed."""
        started_s = self._clock.mono_s()
        backoff_s = _FIRST_BACKOFF_S
        while (left_s := started_s + self._reconnect_s - self._clock.mono_s()) > 0:
            try:
                connection = await self._connect()
            except BrokerConnectError as error:
                reason = error.reason
                # Jitter is for spreading clients, not for secrets.
                await self._clock.sleep(min(backoff_s * random.uniform(0.5, 1.5), left_s))  # noqa: S311
                backoff_s = min(backoff_s * 2, _LAST_BACKOFF_S)
                continue
            self.counts.n_reconnects += 1
            if self._on_reconnect is not None:
                self._on_reconnect()
            await self._write_again(connection)
            if not connection.is_lost:
                self._connection = connection
                self._progress.set()
            return
        self._error = BrokerLostError(str(self._target), reason, after_s=self._reconnect_s)
        self._progress.set()

    async def _write_again(self, connection: Connection) -> None:
        """Write what was not confirmed, before anything new."""
        for flight in list(self._in_flight):
            if self._qos:
                batch = Batch(flight.batch.data[~flight.is_acked], None)
                batch.data[:, 0] |= _DUP
            else:
                batch = flight.batch
            self.counts.n_resent += len(batch)
            await self._write(connection, _InFlight(flight.ticket, batch))
