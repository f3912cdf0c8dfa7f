"""Sampled devices send receipts of alerts on ``receipts/{group}``, past the path on which alerts come in."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np

from eew.contract import topic
from eew.contract.message import AlertCore, Receipt, payload_of
from eew.devices.swarm.behaviour import Behaviour
from eew.devices.swarm.layout import RowRange
from eew.model.records import CodeColumn, Devices, Level, RowColumn
from eew.mqtt import packet
from eew.mqtt.protocol import MqttProtocol, Target

__all__ = ["ReceiptSender"]

#: Receipts written to the socket at once.
_BATCH = 256

_Note = tuple[AlertCore, RowColumn, CodeColumn, datetime]


class ReceiptSender:
    """The sampled devices among some rows, and one connection for their receipts.

    Who is sampled depends on the population's seed and the row alone, however rows are spread over processes. A
    device that is off or out of reach sends none; the receipt of one set to do-not-disturb says that it kept quiet.

    Parameters
    ----------
    devices, rows
        The population and the part of it that is here.
    share
        Of the devices that are sampled, 0 to 1.
    """

    def __init__(self, devices: Devices, rows: RowRange, share: float) -> None:
        seed = devices.seed or 0
        behaviour = Behaviour.of(devices.kind, seed)
        part = slice(rows.first, rows.end)
        # One draw a row: skipping the rows before ours gives each row the same draw everywhere.
        draw = np.random.Generator(np.random.PCG64((seed, 0x4EC7)).advance(rows.first)).random(len(rows))
        self._devices = devices
        self._first_row = rows.first
        self._is_sampled = (draw < share) & ~behaviour.is_offline[part]
        self._is_do_not_disturb = behaviour.is_do_not_disturb[part]
        self._notes: asyncio.Queue[_Note] = asyncio.Queue()
        self._protocol: MqttProtocol | None = None

    async def connect(self, target: Target, client_id: str, on_lost: Callable[[str], None]) -> None:
        """Open the connection; raises ``BrokerConnectError``."""
        protocol = MqttProtocol(on_lost)
        await protocol.open(target, client_id, version=packet.V3, is_clean=True)
        self._protocol = protocol

    def note(self, core: AlertCore, device_row: RowColumn, level: CodeColumn) -> None:
        """Remember that devices took an alert just now, for receipts sent when there is time; never waits.

        Parameters
        ----------
        core
            Of the report.
        device_row, level
            Shape ``(n,)``; of ``Level.NONE`` no receipt is sent.
        """
        is_reported = self._is_sampled[device_row - self._first_row] & (level != Level.NONE)
        if is_reported.any():
            self._notes.put_nowait((core, device_row[is_reported], level[is_reported], datetime.now(UTC)))

    async def send(self) -> None:
        """Publish what was noted, until cancelled."""
        while True:
            note = await self._notes.get()
            for batch in self._batches(note):
                if self._protocol is not None:
                    await self._protocol.write(memoryview(batch))
            self._notes.task_done()

    async def finish(self, within_s: float) -> None:
        """Wait until all that was noted is sent, but not for long, and send DISCONNECT; ``send`` must be running."""
        try:
            async with asyncio.timeout(within_s):
                await self._notes.join()
        except TimeoutError:
            pass
        finally:
            if self._protocol is not None:
                await self._protocol.close()

    def _batches(self, note: _Note) -> Iterator[bytes]:
        core, device_row, level, received_at = note
        for first in range(0, len(device_row), _BATCH):
            rows = device_row[first : first + _BATCH].tolist()
            codes = level[first : first + _BATCH].tolist()
            yield b"".join(
                self._packet(core, row, Level(code), received_at) for row, code in zip(rows, codes, strict=True)
            )

    def _packet(self, core: AlertCore, row: int, level: Level, received_at: datetime) -> bytes:
        word = level.word
        if word == "none":
            raise AssertionError("no receipt of a harmless alert")
        receipt = Receipt(
            device_id=self._devices.id[row].decode(),
            event_id=core.event_id,
            report_no=core.report_no,
            level=word,
            received_at=received_at,
            is_shown=level is Level.CRITICAL or not self._is_do_not_disturb[row - self._first_row],
        )
        payload = payload_of(receipt)
        where = topic.receipts(topic.group_of(int(self._devices.cell[row])))
        head, _ = packet.publish_head(where.encode(), len(payload), qos=0, version=packet.V3)
        return head + payload
