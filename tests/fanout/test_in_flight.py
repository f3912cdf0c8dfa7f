"""What is in flight, in any order of writing, acknowledging and losing connections."""

import hypothesis
import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from eew.fanout.in_flight import InFlightBatch, InFlightBatches, PublisherCounts
from eew.fanout.publish_template import Batch

N_IDS = 65_535


class AnyOrder(RuleBasedStateMachine):
    """A broker that remembers which ids it was given and acknowledges them as it likes."""

    @initialize(first_id=st.sampled_from([0, 40_000, 65_530]))
    def start(self, first_id: int) -> None:
        self.counts = PublisherCounts()
        self.in_flight = InFlightBatches(1, self.counts)
        self.in_flight._next_id = first_id
        self.n_put = 0
        self.last: InFlightBatch | None = None
        self.unanswered: set[int] = set()
        self.refused: dict[int, set[int]] = {}
        self.place_of: dict[int, tuple[int, int]] = {}

    @staticmethod
    def ids_of(data: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]") -> list[int]:
        return [int(row[1]) << 8 | int(row[2]) for row in data]

    @precondition(lambda self: self.last is None or self.last.n_written == len(self.last.batch))
    @rule(n=st.sampled_from([1, 2, 9, 16_384]))
    def put(self, n: int) -> None:
        batch = Batch(np.full((n, 3), 0x32, dtype=np.uint8), 1)
        if not self.in_flight.has_room(batch):
            return
        self.last = self.in_flight.put(batch)
        self.n_put += 1
        assert self.last.token == self.n_put

    @precondition(lambda self: self.last is not None and self.last.n_written < len(self.last.batch))
    @rule(n_max=st.sampled_from([1, 5, 20_000]))
    def write(self, n_max: int) -> None:
        assert self.last is not None
        start = self.last.n_written
        data = self.in_flight.take(self.last, n_max)
        assert (data[:, 0] == 0x32).all()
        ids = self.ids_of(data)
        assert len(ids) <= n_max
        assert 0 not in ids
        assert not set(ids) & self.unanswered
        self.unanswered |= set(ids)
        self.place_of |= {each: (self.last.token, start + at) for at, each in enumerate(ids)}

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data(), is_refusal=st.booleans(), share=st.sampled_from([0.0, 0.5, 1.0]))
    def acknowledge(self, data: st.DataObject, is_refusal: bool, share: float) -> None:
        waiting = sorted(self.unanswered)
        start = data.draw(st.integers(0, len(waiting) - 1))
        ids = waiting[start : start + 1 + int(share * len(waiting))]
        code = np.full(len(ids), 0x87 if is_refusal else 0, dtype=np.uint8)
        before = self.counts.n_confirmed
        assert self.in_flight.acked(np.array(ids, dtype=np.uint16), code)
        assert self.counts.n_confirmed == before + len(ids)
        self.unanswered -= set(ids)
        if is_refusal:
            for each in ids:
                token, position = self.place_of[each]
                self.refused.setdefault(token, set()).add(position)

    @rule(packet_id=st.integers(1, N_IDS))
    def acknowledge_what_was_not_asked(self, packet_id: int) -> None:
        if packet_id in self.unanswered:
            return
        assert not self.in_flight.acked(np.array([packet_id], dtype=np.uint16), np.zeros(1, dtype=np.uint8))

    @rule()
    def lose_the_connection(self) -> None:
        self.in_flight.n_in_flight = 0
        again: list[int] = []
        for flight in self.in_flight:
            data = self.in_flight.take_again(flight, self.in_flight.unacked(flight))
            assert (data[:, 0] == 0x3A).all()
            assert (flight.batch.data[:, 0] == 0x32).all()
            again += self.ids_of(data)
        assert len(again) == len(set(again))
        assert set(again) == self.unanswered

    @precondition(lambda self: self.last is not None and self.last.n_written < len(self.last.batch))
    @rule()
    def give_up(self) -> None:
        assert self.last is not None
        self.in_flight.give_up_rest(self.last)
        self.last = None

    @invariant()
    def it_adds_up(self) -> None:
        assert self.in_flight.n_in_flight == len(self.unanswered)
        assert self.counts.n_written == self.counts.n_confirmed + len(self.unanswered)
        tokens = [flight.token for flight in self.in_flight]
        assert tokens == list(range(self.in_flight.confirmed_token + 1, self.n_put + 1))
        for token, positions in self.refused.items():
            assert set(self.in_flight.rejected(token).tolist()) == positions


def test_no_id_is_given_out_twice() -> None:
    """Four batches of 16 384 would need one id more than there are: the fourth waits for the first."""
    in_flight = InFlightBatches(1, PublisherCounts())
    batches = [Batch(np.zeros((16_384, 3), dtype=np.uint8), 1) for _ in range(4)]
    for batch in batches[:3]:
        in_flight.take(in_flight.put(batch), len(batch))
    assert not in_flight.has_room(batches[3])
    # All but one: its batch keeps its ids.
    in_flight.acked(np.arange(2, 16_385).astype(np.uint16), np.zeros(16_383, dtype=np.uint8))
    assert not in_flight.has_room(batches[3])
    in_flight.acked(np.array([1], dtype=np.uint16), np.zeros(1, dtype=np.uint8))
    assert in_flight.has_room(batches[3])
    assert in_flight.confirmed_token == 1


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = hypothesis.settings(max_examples=40, stateful_step_count=30)
