"""Batches in flight: what was written, what the broker has confirmed, and which packet id is whose."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from eew.fanout.fixed_width import Bytes2D
from eew.fanout.publish_template import Batch

__all__ = ["InFlightBatch", "InFlightBatches", "PublisherCounts"]

#: QoS 0: how much may be written and not yet confirmed by the broker's answer to a ping.
_UNCONFIRMED_BYTES = 64 * 1024 * 1024
_N_IDS = 65535
_DUP = 0x08
#: The least MQTT 5 reason code that is a refusal.
_REFUSAL = 0x80


@dataclass(slots=True)
class PublisherCounts:
    """What a publisher did; packets, not bytes."""

    n_written: int = 0
    #: Answered for by the broker, those it refused included.
    n_confirmed: int = 0
    #: Written again after a lost connection (QoS 1: marked DUP).
    n_resent: int = 0
    #: Refused by the broker (MQTT 5 reason codes).
    n_rejected: int = 0
    n_reconnects: int = 0


@dataclass(slots=True)
class InFlightBatch:
    """A batch that the broker has not confirmed."""

    token: int
    batch: Batch
    #: QoS 1: packet id of the first packet less one; ids run on, 1 to 65535, round and round.
    first_id: int = 0
    #: QoS 1: how many were handed to a connection at least once; the window may keep the rest waiting.
    n_written: int = 0
    n_acked: int = 0
    is_acked: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


class InFlightBatches:
    """The unconfirmed batches in their order: decides synchronously, does no I/O.

    Parameters
    ----------
    qos
        0: batches are confirmed as a whole, by their delivery tokens. 1: packet by packet, by their ids.
    counts
        Counted up.
    """

    def __init__(self, qos: int, counts: PublisherCounts) -> None:
        self._qos = qos
        self._counts = counts
        self._batches: deque[InFlightBatch] = deque()
        self._n_packets = 0
        self._n_bytes = 0
        self._last_token = 0
        self._next_id = 0
        self._rejected: dict[int, list[int]] = {}
        #: The last delivery token up to which everything is confirmed.
        self.confirmed_token = 0
        #: QoS 1: packets that this connection was given and the broker has not answered.
        self.n_in_flight = 0

    def __len__(self) -> int:
        """How many batches."""
        return len(self._batches)

    def __iter__(self) -> Iterator[InFlightBatch]:
        """Give the batches as they are now, in their order."""
        return iter(list(self._batches))

    def rejected(self, token: int) -> npt.NDArray[np.int_]:
        """Return which packets of a confirmed batch the broker refused."""
        return np.array(self._rejected.get(token, []), dtype=np.int_)

    def has_room(self, batch: Batch) -> bool:
        """Return whether a batch may be put: at QoS 1 there must be an id for each of its packets."""
        if self._qos:
            return self._n_packets + len(batch) <= _N_IDS
        return not self._batches or self._n_bytes + batch.data.nbytes <= _UNCONFIRMED_BYTES

    def put(self, batch: Batch) -> InFlightBatch:
        """Give a batch its delivery token, and its packets their ids."""
        self._last_token += 1
        flight = InFlightBatch(self._last_token, batch)
        if self._qos:
            flight.first_id = self._next_id
            flight.is_acked = np.zeros(len(batch), dtype=bool)
            batch.number(((self._next_id + np.arange(len(batch))) % _N_IDS + 1).astype(np.uint16))
            self._next_id = (self._next_id + len(batch)) % _N_IDS
        self._batches.append(flight)
        self._n_packets += len(batch)
        self._n_bytes += batch.data.nbytes
        return flight

    def take(self, flight: InFlightBatch, n_max: int) -> Bytes2D:
        """Return the next packets of a batch to be written for the first time."""
        start = flight.n_written
        flight.n_written = min(start + n_max, len(flight.batch))
        self.n_in_flight += flight.n_written - start
        self._counts.n_written += flight.n_written - start
        return flight.batch.data[start : flight.n_written]

    def unacked(self, flight: InFlightBatch) -> npt.NDArray[np.intp]:
        """Return which packets of a batch were written on an earlier connection and are not acknowledged."""
        return np.flatnonzero(~flight.is_acked[: flight.n_written])

    def take_again(self, flight: InFlightBatch, position: npt.NDArray[np.intp]) -> Bytes2D:
        """Return a copy of some packets of a batch, marked DUP."""
        again = flight.batch.data[position]
        again[:, 0] |= _DUP
        self.n_in_flight += len(again)
        return again

    def give_up_rest(self, flight: InFlightBatch) -> None:
        """Expect no acknowledgement for what was not written: nobody will write it."""
        flight.n_acked += len(flight.batch) - flight.n_written
        flight.is_acked[flight.n_written :] = True
        self._confirm_acked()

    def acked(self, packet_id: npt.NDArray[np.uint16], code: npt.NDArray[np.uint8]) -> bool:
        """Take PUBACKs; return whether any was new."""
        n_before = self._counts.n_confirmed
        position = packet_id.astype(np.int64) - 1
        for flight in self._batches:
            at = (position - flight.first_id) % _N_IDS
            is_mine = at < flight.n_written
            if is_mine.any():
                self._note(flight, at[is_mine], code[is_mine])
            if is_mine.all():
                break
            position, code = position[~is_mine], code[~is_mine]
        self._confirm_acked()
        return self._counts.n_confirmed > n_before

    def confirm(self, token: int) -> bool:
        """Take the confirmation of everything up to a delivery token (QoS 0); return whether any was new."""
        n_before = len(self._batches)
        while self._batches and self._batches[0].token <= token:
            self._counts.n_confirmed += len(self._batches[0].batch)
            self._confirm_first()
        return len(self._batches) < n_before

    def _note(self, flight: InFlightBatch, at: npt.NDArray[np.int64], code: npt.NDArray[np.uint8]) -> None:
        """Note which packets of a batch were answered, each once."""
        flight.is_acked[at] = True
        n_new = int(np.count_nonzero(flight.is_acked)) - flight.n_acked
        flight.n_acked += n_new
        self.n_in_flight -= n_new
        self._counts.n_confirmed += n_new
        refused = at[code >= _REFUSAL].tolist()
        if refused:
            self._rejected.setdefault(flight.token, []).extend(refused)
            self._counts.n_rejected += len(refused)

    def _confirm_acked(self) -> None:
        while self._batches and self._batches[0].n_acked == len(self._batches[0].batch):
            self._confirm_first()

    def _confirm_first(self) -> None:
        flight = self._batches.popleft()
        self._n_packets -= len(flight.batch)
        self._n_bytes -= flight.batch.data.nbytes
        self.confirmed_token = flight.token
