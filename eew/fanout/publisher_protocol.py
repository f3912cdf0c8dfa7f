"""The publisher's side of an MQTT connection: acknowledgements by the thousand."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from eew.mqtt import packet
from eew.mqtt.protocol import MqttProtocol

__all__ = ["PublisherProtocol"]

OnPuback = Callable[[npt.NDArray[np.uint16], npt.NDArray[np.uint8]], None]

_PLAIN = np.frombuffer(bytes((packet.PUBACK, 2)), dtype=np.uint8)


class PublisherProtocol(MqttProtocol):
    """A connection that publishes.

    Parameters
    ----------
    on_puback
        Takes packet ids and reason codes, both shape ``(n,)``.
    on_ping_answered
        Takes the tag of the ping that was answered.
    on_lost
        As in ``MqttProtocol``.
    """

    def __init__(
        self, on_puback: OnPuback, on_ping_answered: Callable[[int], None], on_lost: Callable[[str], None]
    ) -> None:
        super().__init__(on_lost)
        self._on_puback = on_puback
        self._on_ping_answered = on_ping_answered

    def consume(self, received: bytearray) -> int:
        """Take the PUBACKs that the data begins with: those of four bytes at once, then one by one."""
        if not received or received[0] != packet.PUBACK:
            return 0
        n_whole = len(received) // 4
        words = np.frombuffer(bytes(received[: 4 * n_whole]), dtype=np.uint8).reshape(-1, 4)
        is_plain = (words[:, :2] == _PLAIN).all(axis=1)
        n_plain = n_whole if is_plain.all() else int(np.argmin(is_plain))
        plain_id = words[:n_plain, 2:].copy().view(">u2")[:, 0].astype(np.uint16)
        packet_id, code = [], []
        at, end = 4 * n_plain, len(received)
        while (found := packet.packet_at(received, at, end)) is not None and found[0] == packet.PUBACK:
            _, body, at = found
            if at - body < 2:
                raise packet.PacketError("a PUBACK without a packet id")
            packet_id.append(received[body] << 8 | received[body + 1])
            code.append(received[body + 2] if at - body > 2 else 0)
        all_id = np.concatenate([plain_id, np.array(packet_id, dtype=np.uint16)])
        if not all_id.all():
            raise packet.PacketError("a PUBACK with packet id 0")
        if len(all_id):
            self._on_puback(all_id, np.concatenate([np.zeros(n_plain, dtype=np.uint8), np.array(code, dtype=np.uint8)]))
        return at

    def on_pingresp(self, tag: int) -> None:
        """Pass the tag on."""
        self._on_ping_answered(tag)
