"""The dispatcher's loop: take, encode in a thread while the last batch is being written, send."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from eew.fanout.outbox import Outbox, Portion
from eew.fanout.publish_template import Batch
from eew.fanout.publisher import Publisher
from eew.model.clock import Clock
from eew.model.records import SentRange

__all__ = ["SendRate", "dispatch"]

#: Weight of the newest measurement.
_SMOOTHING = 0.3
#: What fits into buffers says nothing about the rate at which they empty.
_MIN_MEASURED = 16384


class SendRate:
    """The rate at which alerts really leave, measured over each spell of sending.

    Parameters
    ----------
    first_guess_hz
        What is taken until something was measured: rather too low, so that nobody is promised too much.
    """

    def __init__(self, first_guess_hz: float) -> None:
        self.hz = first_guess_hz
        #: How long was spent in writing, which is waiting for the broker where it is the slower one.
        self.writing_s = 0.0
        self._started_s: float | None = None
        self._n_sent = 0

    def idle(self) -> None:
        """End a spell: nothing waits."""
        self._started_s = None

    def sent(self, n_alerts: int, started_s: float, ended_s: float) -> None:
        """Take one portion into account."""
        self.writing_s += ended_s - started_s
        if self._started_s is None:
            self._started_s, self._n_sent = started_s, 0
        self._n_sent += n_alerts
        if self._n_sent >= _MIN_MEASURED and ended_s > self._started_s:
            self.hz += _SMOOTHING * (self._n_sent / (ended_s - self._started_s) - self.hz)


async def dispatch(
    outbox: Outbox,
    publisher: Publisher,
    *,
    max_batch: int,
    clock: Clock,
    event_now: Callable[[], datetime],
    rate: SendRate,
) -> None:
    """Send what the outbox holds until it is closed and empty, then wait for the broker's confirmation.

    If cancelled, a batch may have been written in part; what was handed over is marked, the rest still waits.

    Raises
    ------
    BrokerLostError
        If the broker went away and did not come back in time.
    """
    encoded: tuple[Portion, Batch] | None = None
    encoding: asyncio.Task[Batch] | None = None
    try:
        while encoded is not None or await outbox.wait():
            portion = outbox.take(event_now(), max_batch)
            if portion is not None:
                encoding = asyncio.create_task(
                    asyncio.to_thread(portion.encoder.encode, portion.start, portion.end), name="encode"
                )
            if encoded is not None:
                await _send(encoded, outbox, publisher, clock, rate)
            encoded = None if portion is None or encoding is None else (portion, await encoding)
            encoding = None
            if encoded is None:
                rate.idle()
        await publisher.flush()
    finally:
        if encoding is not None:
            # What ends this loop is what the caller shall hear of, not what became of a batch that nobody sends.
            encoding.cancel()
            await asyncio.gather(encoding, return_exceptions=True)


async def _send(
    encoded: tuple[Portion, Batch], outbox: Outbox, publisher: Publisher, clock: Clock, rate: SendRate
) -> None:
    portion, batch = encoded
    started_s = clock.mono_s()
    token = await publisher.send(batch)
    sent_s = clock.mono_s()
    outbox.written(portion.plan_id, token, SentRange(portion.start, portion.end, sent_s))
    rate.sent(len(portion), started_s, sent_s)
