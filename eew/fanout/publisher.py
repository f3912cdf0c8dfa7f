"""Publishing whole batches: what the dispatcher needs of a broker, and the real thing over one MQTT connection."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from eew.fanout.fixed_width import Bytes2D
from eew.fanout.in_flight import InFlightBatch, InFlightBatches, PublisherCounts
from eew.fanout.publish_template import Batch
from eew.fanout.publisher_protocol import PublisherProtocol
from eew.model.backoff import HALF_TO_ONE_AND_A_HALF, Backoff
from eew.model.clock import Clock
from eew.model.errors import BrokerConnectError, BrokerLostError
from eew.mqtt import packet
from eew.mqtt.protocol import MqttProtocol, Target, open_protocol

__all__ = ["MqttPublisher", "Publisher", "PublisherCounts"]

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 256 * 1024
#: The first attempt to come back is made at once; these are the waits before the others.
_BACKOFF = Backoff(0.1, 3.0, HALF_TO_ONE_AND_A_HALF)
#: QoS 1: some of these have ids of their own at one time.
_MAX_BATCH = 16384


class Publisher(Protocol):
    """Takes batches in their order and says when the broker has confirmed them."""

    #: MQTT version in use, ``packet.V3`` or ``packet.V5``.
    version: int
    counts: PublisherCounts

    async def send(self, batch: Batch) -> int:
        """Write one batch under back-pressure and return its delivery token, counted from 1.

        Not to be called concurrently. If cancelled, part of the batch may have been written.

        Raises
        ------
        BrokerLostError
            If the broker went away and did not come back in time.
        """
        ...

    async def flush(self) -> None:
        """Wait until the broker has confirmed every delivery token given out; raises as ``send``."""
        ...

    @property
    def max_batch(self) -> int:
        """The most packets one batch may hold."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there now."""
        ...

    @property
    def error(self) -> BaseException | None:
        """Why it gave up; ``None`` as long as it has not."""
        ...

    @property
    def confirmed_token(self) -> int:
        """The last delivery token up to which everything is confirmed."""
        ...

    def rejected(self, token: int) -> npt.NDArray[np.int_]:
        """Return which packets of a confirmed batch the broker refused."""
        ...

    async def close(self) -> None:
        """Send DISCONNECT; what is not confirmed may be lost."""
        ...


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
        How long to try again before giving up: until the broker has confirmed something, not just accepted us.
    inflight_max
        QoS 1: packets in flight at once; less where the broker wants less.
    min_receive_maximum
        QoS 1: a broker that in MQTT 5 takes fewer packets unacknowledged (mosquitto as it comes: 20) is spoken to in
        MQTT 3.1.1, which has no such limit.
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
        min_receive_maximum: int = 1,
    ) -> None:
        self._target = target
        self._client_id = client_id
        self._qos = qos
        self._clock = clock
        self._reconnect_s = reconnect_s
        self._inflight_max = inflight_max
        self._min_receive_maximum = min_receive_maximum
        #: QoS 1: how many may be in flight on this connection.
        self._window = inflight_max
        self._connection: PublisherProtocol | None = None
        self._progress = asyncio.Event()
        self._error: BaseException | None = None
        self._reconnecting: asyncio.Task[None] | None = None
        #: Since when there is trouble, and tries since: it ends with a confirmation, or when a connection has stood.
        self._connected_at_s = 0.0
        self._trouble_since_s: float | None = None
        self._n_tries = 0
        self.version = 0
        self.counts = PublisherCounts()
        self._batches = InFlightBatches(qos, self.counts)

    async def open(self) -> None:
        """Connect for the first time.

        Raises
        ------
        BrokerConnectError
            If nobody answers or the broker refuses.
        """
        connection = await open_protocol(self._new_connection, self._target, self._client_id, is_clean=self._is_clean)
        if self._qos and connection.receive_max < self._min_receive_maximum:
            # Each packet would wait for the last one's way there and back; MQTT 3.1.1 has no such limit.
            await connection.close()
            connection = self._new_connection()
            await connection.open(self._target, self._client_id, version=packet.V3, is_clean=self._is_clean)
        self._connection = connection
        self._connected_at_s = self._clock.mono_s()
        self.version = connection.version
        self._window = min(self._inflight_max, connection.receive_max)

    @property
    def max_batch(self) -> int:
        """The most packets one batch may hold, however few may be in flight at once."""
        return _MAX_BATCH if self._qos else 1 << 30

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connection is not None

    @property
    def error(self) -> BaseException | None:
        """Why it gave up; it does so also while nobody sends."""
        return self._error

    @property
    def confirmed_token(self) -> int:
        """The last delivery token up to which everything is confirmed."""
        return self._batches.confirmed_token

    def rejected(self, token: int) -> npt.NDArray[np.int_]:
        """Return which packets of a confirmed batch the broker refused."""
        return self._batches.rejected(token)

    async def send(self, batch: Batch) -> int:
        """Write one batch under back-pressure and return its delivery token (see ``Publisher``).

        Raises
        ------
        BrokerLostError
            As in ``Publisher``.
        ValueError
            If the batch is empty or longer than ``max_batch``.
        """
        if not 0 < len(batch) <= self.max_batch:
            raise ValueError(f"a batch of {len(batch)} packets; expected 1 to {self.max_batch}")
        await self._wait_until(lambda: self._connection is not None and self._batches.has_room(batch))
        flight = self._batches.put(batch)
        if self._qos:
            await self._write_in_window(flight)
        elif (connection := self._connection) is not None and await self._write(
            connection, self._batches.take(flight, len(batch))
        ):
            connection.ping(flight.token)
        return flight.token

    async def flush(self) -> None:
        """Wait until every delivery token is confirmed."""
        await self._wait_until(lambda: not self._batches)

    async def close(self) -> None:
        """Send DISCONNECT; whoever still waits in ``send`` or ``flush`` gets a ``BrokerLostError``."""
        was_well = self._error is None
        if was_well:
            self._error = BrokerLostError(str(self._target), "closed by us", after_s=0)
            self._progress.set()
        if self._reconnecting is not None and not self._reconnecting.done():
            self._reconnecting.cancel()
            await asyncio.wait((self._reconnecting,))
        connection, self._connection = self._connection, None
        if connection is None:
            return
        await connection.close()
        if was_well and not self._is_clean:
            await self._forget_session()

    @property
    def _is_clean(self) -> bool:
        """QoS 1 promises delivery over more than one connection, so it needs a session."""
        return self._qos == 0

    def _new_connection(self) -> PublisherProtocol:
        return PublisherProtocol(self._acked, self._on_pingresp, self._lost)

    async def _forget_session(self) -> None:
        """Leave nothing of us with the broker: MQTT 3.1.1 keeps a session until its client comes back without."""
        protocol = MqttProtocol(lambda _reason: None)
        with contextlib.suppress(BrokerConnectError):
            await protocol.open(self._target, self._client_id, version=self.version, is_clean=True)
            await protocol.close()

    async def _wait_until(self, is_true: Callable[[], bool]) -> None:
        """Wait for acknowledgements, or for the connection to be back."""
        while not is_true():
            if self._error is not None:
                raise self._error
            self._progress.clear()
            await self._progress.wait()

    async def _write_in_window(self, flight: InFlightBatch) -> None:
        """Write a batch as PUBACKs make room for it (QoS 1)."""
        try:
            while flight.n_written < len(flight.batch):
                await self._wait_until(lambda: self._connection is not None and self._room > 0)
                data = self._batches.take(flight, self._room)
                if self._connection is not None:
                    await self._write(self._connection, data)
        except BaseException:
            self._batches.give_up_rest(flight)
            raise

    async def _write(self, connection: PublisherProtocol, data: Bytes2D) -> bool:
        """Write packets in chunks; ``False`` if the connection was cut: all is written again on the next."""
        # Whole packets: between two chunks the protocol may write a ping of its own.
        n_chunk = max(1, _CHUNK_BYTES // data.shape[1])
        for start in range(0, len(data), n_chunk):
            if not await connection.write(data[start : start + n_chunk].data.cast("B")):
                return False
        return True

    @property
    def _room(self) -> int:
        return self._window - self._batches.n_in_flight

    def _acked(self, packet_id: npt.NDArray[np.uint16], code: npt.NDArray[np.uint8]) -> None:
        """Take PUBACKs."""
        self._confirmed(is_new=self._batches.acked(packet_id, code))

    def _on_pingresp(self, token: int) -> None:
        """Take a PINGRESP: all up to the ping's delivery token is with the broker (QoS 0)."""
        self._confirmed(is_new=self._batches.confirm(token))

    def _confirmed(self, *, is_new: bool) -> None:
        if is_new:
            self._trouble_since_s = None
            self._progress.set()

    def _lost(self, reason: str) -> None:
        """Start to come back, unless we are at it."""
        logger.warning("publisher.lost %s: %s", self._target, reason)
        self._connection = None
        self._progress.set()
        if not self._batches and self._clock.mono_s() - self._connected_at_s > _BACKOFF.longest_s:
            self._trouble_since_s = None
        if self._error is None and (self._reconnecting is None or self._reconnecting.done()):
            self._reconnecting = asyncio.get_running_loop().create_task(self._reconnect(reason), name="reconnect")
            self._reconnecting.add_done_callback(self._reconnected)

    def _reconnected(self, task: asyncio.Task[None]) -> None:
        """Let whoever waits know if it failed."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
            self._progress.set()

    async def _reconnect(self, reason: str) -> None:
        """Try with growing, jittered waits until ``reconnect_s`` have passed."""
        while True:
            if self._trouble_since_s is None:
                self._trouble_since_s, self._n_tries = self._clock.mono_s(), 0
            left_s = self._trouble_since_s + self._reconnect_s - self._clock.mono_s()
            if left_s <= 0:
                raise BrokerLostError(str(self._target), reason, after_s=self._reconnect_s)
            delay_s = _BACKOFF.delay_s(self._n_tries - 1) if self._n_tries else 0.0
            self._n_tries += 1
            await self._clock.sleep(min(delay_s, left_s))
            connection = self._new_connection()
            try:
                await connection.open(self._target, self._client_id, version=self.version, is_clean=self._is_clean)
                self.counts.n_reconnects += 1
                if await self._write_again(connection):
                    self._connection, self._connected_at_s = connection, self._clock.mono_s()
                    self._progress.set()
                    return
                reason = "the connection ends again and again"
            except BrokerConnectError as error:
                reason = error.reason
            except BaseException:
                connection.abort()
                raise

    async def _write_again(self, connection: PublisherProtocol) -> bool:
        """Write what was not confirmed, before anything new; return whether the connection still stands."""
        self._window, self._batches.n_in_flight = min(self._inflight_max, connection.receive_max), 0
        for flight in self._batches:
            if self._qos == 0:
                if not await self._write(connection, flight.batch.data):
                    return False
                connection.ping(flight.token)
                self.counts.n_resent += len(flight.batch)
                continue
            position = self._batches.unacked(flight)
            while len(position):
                await self._wait_until(lambda: connection.is_lost or self._room > 0)
                if connection.is_lost:
                    return False
                part, position = np.split(position, [self._room])
                if not await self._write(connection, self._batches.take_again(flight, part)):
                    return False
                self.counts.n_resent += len(part)
        return not connection.is_lost
