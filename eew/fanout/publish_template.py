"""A PUBLISH packet with slots: everything that a batch has in common is written once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.fanout.fixed_width import Bytes2D
from eew.mqtt.packet import publish_head

__all__ = ["Batch", "Choice", "RecordTemplate", "Slot"]

#: Filled at once: what stays in the processor's nearer cache until its last slot is written.
_BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of fixed width that differs from record to record."""

    name: str
    width: int


@dataclass(frozen=True, slots=True, eq=False)
class Choice(Slot):
    """A slot that holds one of a few texts."""

    #: Shape ``(n, width)``.
    texts: Bytes2D


@dataclass(slots=True)
class Batch:
    """Packets of one length, one a row."""

    #: Shape ``(n, packet length)``, C-contiguous.
    data: Bytes2D
    #: Where the packet id stands (QoS 1): in all packets, or in each, shape ``(n,)``; ``None`` at QoS 0.
    id_at: int | npt.NDArray[np.intp] | None

    def __len__(self) -> int:
        """How many packets."""
        return len(self.data)

    def number(self, packet_id: npt.NDArray[np.uint16]) -> None:
        """Write the packet ids, shape ``(n,)``."""
        if self.id_at is not None:
            row = np.arange(len(self.data))
            self.data[row, self.id_at] = packet_id >> 8
            self.data[row, self.id_at + 1] = packet_id & 0xFF


class RecordTemplate:
    """One packet with its slots left open.

    Parameters
    ----------
    topic, payload
        Constant bytes and slots in their order. A slot may stand in both; one, of the payload, may be a choice.
    qos, version, expiry_s, user_properties
        As in ``packet.publish_head``.
    """

    def __init__(
        self,
        topic: Sequence[bytes | Slot],
        payload: Sequence[bytes | Slot],
        *,
        qos: int,
        version: int,
        expiry_s: int | None = None,
        user_properties: Iterable[tuple[str, str]] = (),
    ) -> None:
        blank_topic, blank_payload = _blank(topic), _blank(payload)
        head, self.id_at = publish_head(
            blank_topic,
            len(blank_payload),
            qos=qos,
            version=version,
            expiry_s=expiry_s,
            user_properties=user_properties,
        )
        self._rows = np.frombuffer(head + blank_payload, dtype=np.uint8)[np.newaxis]
        topic_at = head.index(blank_topic)
        places = [*_places(topic, topic_at), *_places(payload, len(head))]
        #: Whose texts are in the rows already: a row each costs less than writing them into every record.
        self._choice: str | None = None
        for slot, at in places:
            if isinstance(slot, Choice):
                self._choice = slot.name
                self._rows = np.repeat(self._rows, len(slot.texts), axis=0)
                self._rows[:, at : at + slot.width] = slot.texts
        places = [place for place in places if not isinstance(place[0], Choice)]
        self._names = [slot.name for slot, _ in places]
        # A slot as one item of a record: one copy a row, not one a byte.
        self._record = np.dtype(
            {
                "names": [str(number) for number in range(len(places))],
                "formats": [f"V{slot.width}" for slot, _ in places],
                "offsets": [at for _, at in places],
                "itemsize": self._rows.shape[1],
            }
        )

    @property
    def n_bytes(self) -> int:
        """The length of each packet."""
        return int(self._rows.shape[1])

    def fill(self, n_records: int, columns: Mapping[str, npt.NDArray[np.uint8]]) -> Batch:
        """Return ``n_records`` packets with the slots taken from ``columns``, by name.

        Each is ``(n, width)``; that of the choice is ``(n,)``, the number of the text.
        """
        data = np.empty((n_records, self.n_bytes), dtype=np.uint8)
        records = data.view(self._record)[:, 0]
        items = {name: _items(column) for name, column in columns.items() if name != self._choice}
        n_block = max(1, _BLOCK_BYTES // self.n_bytes)
        for start in range(0, n_records, n_block):
            block = slice(start, start + n_block)
            if self._choice is None:
                data[block] = self._rows[0]
            else:
                # Without "clip" numpy would write to a copy first.
                np.take(self._rows, columns[self._choice][block], axis=0, out=data[block], mode="clip")
            for number, name in enumerate(self._names):
                records[str(number)][block] = items[name][block]
        return Batch(data, self.id_at)


def _items(column: Bytes2D) -> npt.NDArray[np.void]:
    """Return the rows of a column as one item each."""
    return np.ascontiguousarray(column).view(f"V{column.shape[1]}")[:, 0]


def _blank(parts: Sequence[bytes | Slot]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else b" " * part.width for part in parts)


def _places(parts: Sequence[bytes | Slot], at: int) -> list[tuple[Slot, int]]:
    """Return each slot and where it begins."""
    places = []
    for part in parts:
        if isinstance(part, bytes):
            at += len(part)
        else:
            places.append((part, at))
            at += part.width
    return places
