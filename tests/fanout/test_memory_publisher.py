"""The publisher that ships for tests and rehearsals: it keeps, and fails as scripted."""

import asyncio
from collections.abc import Callable

import pytest

from eew.fanout.memory_publisher import MemoryPublisher, PublisherFault
from eew.fanout.publish_template import Batch
from eew.model.clock import ManualClock
from eew.model.errors import BrokerLostError

BatchOf = Callable[..., Batch]


async def test_packets_are_kept_in_their_order(manual_clock: ManualClock, batch_of: BatchOf) -> None:
    """Each batch has the next delivery token and is confirmed at once."""
    publisher = MemoryPublisher(manual_clock)
    batches = [batch_of(["a/1", "a/2"]), batch_of(["a/3"])]
    assert [await publisher.send(batch) for batch in batches] == [1, 2]
    await publisher.flush()
    assert publisher.packets == [row.tobytes() for batch in batches for row in batch.data]
    assert publisher.confirmed_token == 2
    assert (publisher.counts.n_written, publisher.counts.n_confirmed) == (3, 3)
    await publisher.close()


async def test_the_rate_takes_time_on_the_clock(manual_clock: ManualClock, batch_of: BatchOf) -> None:
    """Ten packets at five a second take two seconds, and a slow one its own on top."""
    publisher = MemoryPublisher(manual_clock, rate_hz=5, faults=(PublisherFault(12, "slow", delay_s=3),))
    batch = batch_of(["a"] * 10)
    for n_before, lasts_s in ((0, 2.0), (10, 5.0)):
        sending = asyncio.ensure_future(publisher.send(batch))
        await manual_clock.advance(lasts_s - 0.001)
        assert not sending.done()
        assert publisher.counts.n_written == n_before
        await manual_clock.advance(0.001)
        assert sending.done()
        await sending


async def test_a_refused_packet_is_told_by_its_place_in_the_batch(manual_clock: ManualClock, batch_of: BatchOf) -> None:
    """Packet numbers in the script count over all batches."""
    publisher = MemoryPublisher(
        manual_clock, faults=(PublisherFault(1, "refuse"), PublisherFault(4, "refuse"), PublisherFault(5, "refuse"))
    )
    for n_packets in (3, 2, 4):
        await publisher.send(batch_of(["a"] * n_packets))
    assert [publisher.rejected(token).tolist() for token in (1, 2, 3)] == [[1], [1], [0]]
    assert publisher.counts.n_rejected == 3


async def test_a_cut_connection_stays_cut(manual_clock: ManualClock, batch_of: BatchOf) -> None:
    """The batch is not confirmed, and neither is anything after it."""
    publisher = MemoryPublisher(manual_clock, faults=(PublisherFault(3, "lose"),))
    assert await publisher.send(batch_of(["a", "b"])) == 1
    for n_packets in (2, 1):
        with pytest.raises(BrokerLostError, match="scripted loss"):
            await publisher.send(batch_of(["c"] * n_packets))
    with pytest.raises(BrokerLostError):
        await publisher.flush()
    assert publisher.confirmed_token == 1
    assert len(publisher.packets) == publisher.counts.n_confirmed == 2


async def test_a_cancelled_batch_is_not_kept(manual_clock: ManualClock, batch_of: BatchOf) -> None:
    """The next one has its delivery token."""
    publisher = MemoryPublisher(manual_clock, rate_hz=1)
    sending = asyncio.ensure_future(publisher.send(batch_of(["a"])))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert (publisher.packets, publisher.confirmed_token) == ([], 0)
    assert manual_clock.n_sleeping == 0
