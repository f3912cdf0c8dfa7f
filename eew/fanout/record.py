"""A PUBLISH packet with slots: everything that a batch has in common is written once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.fanout.slot import Bytes2D
from eew.wire.packet import publish_head

__all__ = ["Batch", "RecordTemplate", "Slot"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of fixed width that differs from record to record."""

    name: str
    width: int


@dataclass(slots=True)
class Batch:
    """Packets of one length, one a row."""

    #: Shape ``(n, packet length)``.
    data: Bytes2D
    #: Where the packet id stands in each (QoS 1), or ``None``.
    id_at: int | None

    def __len__(self) -> int:
        """How many packets."""
        return len(self.data)

    def number(self, packet_id: npt.NDArray[np.uint16]) -> None:
        """Write the packet ids, shape ``(n,)``."""
        if self.id_at is not None:
            self.data[:, self.id_at : self.id_at + 2] = packet_id.astype(">u2").view(np.uint8).reshape(-1, 2)


class RecordTemplate:
    """One packet with its slots left open.

    Parameters
    ----------
    topic, payload
        Constant bytes and slots in their order. A slot may stand in both.
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
        self.row = np.frombuffer(head + blank_payload, dtype=np.uint8)
        topic_at = head.index(blank_topic)
        self._slots = [*_places(topic, topic_at), *_places(payload, len(head))]

    def fill(self, n_records: int, columns: Mapping[str, Bytes2D]) -> Batch:
        """Return ``n_records`` packets with the slots taken from ``columns``, by name, each ``(n, width)``."""
        data = np.empty((n_records, len(self.row)), dtype=np.uint8)
        data[:] = self.row
        for name, start, end in self._slots:
            data[:, start:end] = columns[name]
        return Batch(data, self.id_at)


def _blank(parts: Sequence[bytes | Slot]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else b" " * part.width for part in parts)


def _places(parts: Sequence[bytes | Slot], at: int) -> list[tuple[str, int, int]]:
    """Return name, start and end of each slot."""
    places = []
    for part in parts:
        if isinstance(part, bytes):
            at += len(part)
        else:
            places.append((part.name, at, at + part.width))
            at += part.width
    return places
