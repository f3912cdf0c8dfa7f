"""The publisher's side of an MQTT connection: acknowledgements by the thousand."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from eew.wire import packet
from eew.wire.link import Link

__all__ = ["Connection"]

OnPuback = Callable[[npt.NDArray[np.uint16], npt.NDArray[np.uint8]], None]


class Connection(Link):
    """A link that publishes.

    Parameters
    ----------
    on_puback
        Takes packet ids and reason codes, both shape ``(n,)``.
    on_pong
        Takes the tag of the ping that was answered.
    on_lost
        As in ``Link``.
    """

    def __init__(self, on_puback: OnPuback, on_pong: Callable[[int], None], on_lost: Callable[[str], None]) -> None:
        super().__init__(on_lost)
        self._on_puback = on_puback
        self._on_pong = on_pong

    def consume(self, received: bytearray) -> int:
        """Take the PUBACKs of four bytes that the data begins with."""
        n_whole = len(received) // 4
        if not n_whole or received[0] != packet.PUBACK:
            return 0
        words = np.frombuffer(bytes(received[: 4 * n_whole]), dtype=np.uint8).reshape(-1, 4)
        is_plain = (words[:, 0] == packet.PUBACK) & (words[:, 1] == 2)
        n_plain = n_whole if is_plain.all() else int(np.argmin(is_plain))
        packet_id = words[:n_plain, 2:].copy().view(">u2")[:, 0].astype(np.uint16)
        self._on_puback(packet_id, np.zeros(n_plain, dtype=np.uint8))
        return 4 * n_plain

    def take(self, kind: int, body: bytes) -> None:
        """Take a PUBACK that gives a reason."""
        if kind == packet.PUBACK:
            packet_id = np.array([int.from_bytes(body[:2], "big")], dtype=np.uint16)
            self._on_puback(packet_id, np.array([body[2] if len(body) > 2 else 0], dtype=np.uint8))

    def ponged(self, tag: int) -> None:
        """Pass the tag on."""
        self._on_pong(tag)
