"""A stream is gathered, a single message is not, and the order never changes."""

import asyncio

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from eew.devices.swarm.collector import N_AT_ONCE, Collector
from eew.devices.swarm.subscriber_protocol import PacketRun


def run_of(widths: int, n: int, first: int) -> PacketRun:
    numbers = np.arange(first, first + n) % 256
    return PacketRun(np.zeros((n, 1), dtype=np.uint8), np.repeat(numbers.astype(np.uint8)[:, None], widths, axis=1))


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 50)), max_size=30))
def test_nothing_is_lost_or_put_in_another_order(parts: list[tuple[int, int]]) -> None:
    """Whatever the lengths, the payloads come out as they went in."""
    taken: list[tuple[int, int]] = []

    def take(payload: npt.NDArray[np.uint8]) -> None:
        taken.extend((payload.shape[1], int(row[0])) for row in payload)

    async def all_of_it() -> None:
        collector = Collector(take, asyncio.get_running_loop())
        first = 0
        for width, n in parts:
            collector.add(run_of(width, n, first))
            first += n
        collector.flush()

    asyncio.run(all_of_it())
    widths = [width for width, n in parts for _ in range(n)]
    assert taken == [(width, number % 256) for number, width in enumerate(widths)]


async def test_the_first_after_a_pause_is_handed_on_in_the_next_turn() -> None:
    """Urgent alerts do not wait for more to come; what follows on their heels does."""
    sizes: list[int] = []
    loop = asyncio.get_running_loop()
    collector = Collector(lambda payload: sizes.append(len(payload)), loop)
    collector.add(run_of(3, 1, 0))
    # Due at once: a turn of the loop to be found due, and one to run.
    for _ in range(3):
        await asyncio.sleep(0)
    assert sizes == [1]
    collector.add(run_of(3, 1, 1))
    collector.add(run_of(3, 2, 2))
    assert sizes == [1]
    collector.add(run_of(3, N_AT_ONCE, 4))
    assert sizes == [1, N_AT_ONCE + 3]
