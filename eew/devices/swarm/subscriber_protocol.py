"""The devices' side of an MQTT connection: one connection that stands for one device or many, PUBLISH packets in bulk.

Simulated devices speak MQTT 3.1.1, as the plainest TV does.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eew.model.errors import BrokerConnectError
from eew.mqtt import packet
from eew.mqtt.protocol import MqttProtocol, Target

__all__ = ["PacketRun", "SubscriberProtocol", "runs"]

_FILTERS_A_PACKET = 200
_SUBACK_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class PacketRun:
    """Messages whose packets follow one another and are alike in length; ``(n, …)`` each."""

    topic: npt.NDArray[np.uint8]
    payload: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        """How many messages."""
        return len(self.topic)


class SubscriberProtocol(MqttProtocol):
    """A connection that receives.

    Parameters
    ----------
    on_run
        Takes what came in, in order.
    on_lost, source_host
        As in ``MqttProtocol``.
    """

    def __init__(
        self, on_run: Callable[[PacketRun], None], on_lost: Callable[[str], None], source_host: str | None = None
    ) -> None:
        super().__init__(on_lost, source_host)
        self._on_run = on_run
        #: ``None``: there will be none, the connection is lost.
        self._subacks: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def connect(self, target: Target, client_id: str) -> None:
        """Open the protocol; raises ``BrokerConnectError``."""
        await self.open(target, client_id, version=packet.V3, is_clean=True)

    async def subscribe(self, target: Target, topic_filters: Sequence[str]) -> None:
        """Subscribe at QoS 0 and wait for the broker's word; raises ``BrokerConnectError`` if it refuses."""
        for packet_id, first in enumerate(range(0, len(topic_filters), _FILTERS_A_PACKET), start=1):
            part = topic_filters[first : first + _FILTERS_A_PACKET]
            is_open = await self.write(memoryview(packet.subscribe(packet_id % 65535 + 1, part, packet.V3)))
            try:
                async with asyncio.timeout(_SUBACK_WITHIN_S):
                    body = await self._subacks.get() if is_open else None
            except TimeoutError as error:
                raise BrokerConnectError(str(target), "no answer to a subscription") from error
            if body is None:
                raise BrokerConnectError(str(target), "connection lost while subscribing")
            if any(code >= 0x80 for code in packet.suback_codes(body, packet.V3)):
                raise BrokerConnectError(str(target), f"refuses the subscription to {part[0]}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everybody who waits know."""
        super().connection_lost(exc)
        self._subacks.put_nowait(None)

    def consume(self, received: bytearray) -> int:
        """Take whole PUBLISH packets in runs."""
        n_taken = 0
        for run, n_bytes in runs(received):
            self._on_run(run)
            n_taken = n_bytes
        return n_taken

    def take(self, kind: int, body: bytes) -> None:
        """Take a SUBACK, or a PUBLISH that came behind something else."""
        if kind == packet.SUBACK:
            self._subacks.put_nowait(body)
        elif kind & 0xF0 == packet.PUBLISH:
            data = bytes((kind,)) + packet.varint(len(body)) + body
            for run, _ in runs(bytearray(data)):
                self._on_run(run)


def runs(received: bytearray) -> Iterator[tuple[PacketRun, int]]:
    """Yield the PUBLISH packets (QoS 0, MQTT 3.1.1) that the data begins with, and where each run ends.

    A run is as long as packets have the same first bytes: type, length and length of the topic. Stops at the first
    packet of another kind or that is not whole.
    """
    at, end = 0, len(received)
    data: npt.NDArray[np.uint8] | None = None
    while (found := packet.packet_at(received, at, end)) is not None and found[0] & 0xF6 == packet.PUBLISH:
        if data is None:
            data = np.frombuffer(bytes(received), dtype=np.uint8)
        _, body, packet_end = found
        n_bytes = packet_end - at
        n_head = body + 2 - at
        packets = data[at : at + (end - at) // n_bytes * n_bytes].reshape(-1, n_bytes)
        if len(packets) > 1:
            is_alike = (packets[:, :n_head] == packets[0, :n_head]).all(axis=1)
            packets = packets if is_alike.all() else packets[: int(np.argmin(is_alike))]
        n_topic = int.from_bytes(received[body : body + 2], "big")
        at += len(packets) * n_bytes
        yield PacketRun(packets[:, n_head : n_head + n_topic], packets[:, n_head + n_topic :]), at
