"""The sending loop with a publisher that fails as scripted, on a clock that is moved by hand."""

import asyncio
import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from eew.fanout.memory_publisher import MemoryPublisher, PublisherFault
from eew.fanout.outbox import Outbox
from eew.fanout.publish_template import Batch
from eew.fanout.publisher import Publisher
from eew.fanout.send_loop import SendRate, dispatch
from eew.model.clock import ManualClock
from eew.model.errors import BrokerLostError
from eew.model.records import AlertPlan, Delivery

PlanOf = Callable[..., AlertPlan]
Published = Callable[..., list[Any]]

T0 = datetime(2011, 3, 11, 5, 46, 48, tzinfo=UTC)


class RowEncoder:
    """Packets that say which event and which alert they are."""

    def __init__(self, event_id: str) -> None:
        self.event_id = event_id
        self.threads: set[int] = set()

    def encode(self, start: int, end: int) -> Batch:
        self.threads.add(threading.get_ident())
        packets = [b"\x30\x0b\x00\x01" + f"{self.event_id}{row:08d}".encode() for row in range(start, end)]
        return Batch(np.frombuffer(b"".join(packets), dtype=np.uint8).reshape(end - start, -1).copy(), None)


class BrokenEncoder(RowEncoder):
    """Fails from some alert on."""

    def encode(self, start: int, end: int) -> Batch:
        if start >= 512:
            raise ZeroDivisionError
        return super().encode(start, end)


class StuckEncoder(RowEncoder):
    """Goes on only when told, from some alert on."""

    def __init__(self, event_id: str, stuck_from: int = 0) -> None:
        super().__init__(event_id)
        self.stuck_from = stuck_from
        self.is_encoding = threading.Event()
        self.may_go_on = threading.Event()

    def encode(self, start: int, end: int) -> Batch:
        if start >= self.stuck_from:
            self.is_encoding.set()
            assert self.may_go_on.wait(10)
        return super().encode(start, end)


@dataclass
class Sender:
    """A dispatch that runs."""

    clock: ManualClock
    publisher: MemoryPublisher
    outbox: Outbox = field(default_factory=Outbox)
    rate: SendRate = field(default_factory=lambda: SendRate(1000.0))
    now_at: datetime = T0
    max_batch: int = 1 << 30

    def put(self, plan: AlertPlan, encoder: RowEncoder | None = None) -> None:
        self.outbox.put(plan, encoder or RowEncoder(plan.report.event_id), lambda *_: None)

    def start(self) -> "asyncio.Task[None]":
        publisher: Publisher = self.publisher
        return asyncio.create_task(
            dispatch(
                self.outbox,
                publisher,
                max_batch=self.max_batch,
                clock=self.clock,
                event_now=lambda: self.now_at,
                rate=self.rate,
            )
        )

    def settled(self) -> list[Delivery]:
        deliveries = self.outbox.settle(self.publisher.confirmed_token, self.publisher.rejected)
        for each in deliveries:
            assert len(each.plan) == each.n_sent + each.n_superseded + each.n_expired + each.n_failed
            assert min(each.n_sent, each.n_superseded, each.n_expired, each.n_failed) >= 0
        return deliveries

    def sent_rows(self, published: Published) -> list[tuple[str, int]]:
        return [(packet.topic, int(packet.payload)) for packet in published(b"".join(self.publisher.packets))]


@pytest.fixture
def sender(manual_clock: ManualClock) -> Sender:
    """Return a sender whose publisher takes no time."""
    return Sender(manual_clock, MemoryPublisher(manual_clock))


def slow_sender(clock: ManualClock, *faults: PublisherFault) -> Sender:
    return Sender(clock, MemoryPublisher(clock, rate_hz=1000, faults=faults))


async def settle_down() -> None:
    """Let threads and tasks do what they can without the clock."""
    for _ in range(50):
        await asyncio.to_thread(lambda: None)
        await asyncio.sleep(0)


async def advance(clock: ManualClock, by_s: float, step_s: float = 0.25) -> None:
    """Move the clock in steps, letting the encoder's thread keep up."""
    for _ in range(round(by_s / step_s)):
        await settle_down()
        await clock.advance(step_s)
    await settle_down()


async def test_everything_leaves_once_and_in_order(sender: Sender, plan_of: PlanOf, published: Published) -> None:
    """Two events, several portions each; encoded in threads, never on the loop."""
    plans = {"a": plan_of(3000, report_event_id="a"), "b": plan_of(1000, report_event_id="b")}
    encoders = {name: RowEncoder(name) for name in plans}
    for name, plan in plans.items():
        sender.put(plan, encoders[name])
    sender.outbox.close()
    await sender.start()
    for name, plan in plans.items():
        assert [row for event, row in sender.sent_rows(published) if event == name] == list(range(len(plan)))
        assert threading.get_ident() not in encoders[name].threads
    assert sorted(each.n_sent for each in sender.settled()) == [1000, 3000]


async def test_the_next_portion_is_encoded_while_the_last_is_written(
    manual_clock: ManualClock, plan_of: PlanOf
) -> None:
    """Two portions ahead of the socket and no more, so that a newer plan can still supersede the rest."""
    sender = slow_sender(manual_clock)
    sender.put(plan_of(10_000, report_event_id="a"))
    sending = sender.start()
    await settle_down()
    assert sender.outbox.n_waiting == 10_000 - 512 - 1024
    await advance(manual_clock, 0.75)
    assert sender.publisher.counts.n_written == 512
    assert sender.outbox.n_waiting == 10_000 - 512 - 1024 - 2048
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_a_newer_plan_overtakes_what_waits(
    manual_clock: ManualClock, plan_of: PlanOf, published: Published
) -> None:
    """Sent, superseded and the new ones add up; nothing of the old leaves after the first of the new."""
    sender = slow_sender(manual_clock)
    sender.put(plan_of(10_000, report_event_id="a", report_report_no=1), RowEncoder("a"))
    sending = sender.start()
    await advance(manual_clock, 0.75)
    sender.put(plan_of(100, report_event_id="a", report_report_no=2), RowEncoder("A"))
    sender.outbox.close()
    await advance(manual_clock, 30)
    await sending
    events = [event for event, _ in sender.sent_rows(published)]
    assert events == ["a"] * (512 + 1024 + 2048) + ["A"] * 100
    assert [(each.n_sent, each.n_superseded) for each in sender.settled()] == [(3584, 6416), (100, 0)]


async def test_what_expires_in_flight_is_not_sent(manual_clock: ManualClock, plan_of: PlanOf) -> None:
    """Counted, and the loop goes on to what comes next."""
    sender = slow_sender(manual_clock)
    sender.put(plan_of(10_000, report_event_id="a", expires_at=T0 + timedelta(seconds=1)))
    sending = sender.start()
    await advance(manual_clock, 0.25)
    sender.now_at = T0 + timedelta(seconds=1)
    await advance(manual_clock, 10)
    assert not sending.done()
    sender.put(plan_of(7, report_event_id="b"))
    sender.outbox.close()
    await advance(manual_clock, 1)
    await sending
    first, second = sender.settled()
    assert (first.n_sent, first.n_expired, second.n_sent) == (512 + 1024, 10_000 - 512 - 1024, 7)


async def test_a_slow_broker_delays_and_nothing_else(manual_clock: ManualClock, plan_of: PlanOf) -> None:
    """The instants at which portions were handed over tell it."""
    sender = slow_sender(manual_clock, PublisherFault(600, "slow", delay_s=2))
    sender.put(plan_of(1000))
    sender.outbox.close()
    sending = sender.start()
    await advance(manual_clock, 4)
    await sending
    (delivery,) = sender.settled()
    assert [(each.start, each.end) for each in delivery.sent] == [(0, 512), (512, 1000)]
    assert [each.at_mono_s for each in delivery.sent] == pytest.approx([0.512, 0.512 + 2 + 0.488])


async def test_refused_alerts_have_failed(sender: Sender, plan_of: PlanOf) -> None:
    """Just these, and they are not among the ranges that were sent."""
    sender.publisher.faults = (PublisherFault(0, "refuse"), PublisherFault(700, "refuse"))
    sender.put(plan_of(1000))
    sender.outbox.close()
    await sender.start()
    (delivery,) = sender.settled()
    assert (delivery.n_sent, delivery.n_failed) == (998, 2)
    assert [(each.start, each.end) for each in delivery.sent] == [(1, 512), (512, 700), (701, 1000)]


async def test_a_lost_broker_ends_the_loop_and_the_counts_add_up(sender: Sender, plan_of: PlanOf) -> None:
    """What was confirmed is sent; the rest has failed, of the events that wait, too."""
    sender.publisher.faults = (PublisherFault(600, "lose"),)
    sender.put(plan_of(10_000, report_event_id="a", level=np.full(10_000, 3, dtype=np.uint8)))
    sender.put(plan_of(300, report_event_id="b"))
    with pytest.raises(BrokerLostError):
        await sender.start()
    by_event = {each.plan.report.event_id: each for each in sender.settled()}
    assert (by_event["a"].n_sent, by_event["a"].n_failed) == (512, 9488)
    assert (by_event["b"].n_sent, by_event["b"].n_failed) == (0, 300)


async def test_an_encoder_that_fails_ends_the_loop(sender: Sender, plan_of: PlanOf) -> None:
    """Its error is the caller's, and what was sent stays sent."""
    sender.put(plan_of(1000), BrokenEncoder("a"))
    with pytest.raises(ZeroDivisionError):
        await sender.start()
    (delivery,) = sender.settled()
    assert (delivery.n_sent, delivery.n_failed) == (512, 488)


async def test_an_encoder_that_fails_beside_the_broker_leaves_no_noise(
    manual_clock: ManualClock, plan_of: PlanOf, caplog: pytest.LogCaptureFixture
) -> None:
    """The broker's loss is what the caller hears; asyncio has no forgotten error to complain of."""
    sender = slow_sender(manual_clock, PublisherFault(0, "slow", delay_s=1), PublisherFault(0, "lose"))
    sender.put(plan_of(1000), BrokenEncoder("a"))
    sending = sender.start()
    await advance(manual_clock, 2)
    with pytest.raises(BrokerLostError):
        await sending
    # asyncio complains when the task is collected.
    del sending, sender
    gc.collect()
    await settle_down()
    assert not caplog.records


@pytest.mark.parametrize("stage", ["waiting", "encoding", "sending", "encoding while sending", "flushing"])
async def test_cancelled_at_any_stage_the_counts_add_up(
    stage: str, manual_clock: ManualClock, plan_of: PlanOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No task is left behind, and every alert is sent or has failed."""
    sender = slow_sender(manual_clock)
    encoder = StuckEncoder("a", stuck_from=512 if stage == "encoding while sending" else 0)
    if stage == "flushing":
        monkeypatch.setattr(MemoryPublisher, "flush", lambda _self: asyncio.Event().wait())
        sender.outbox.close()
    if stage != "waiting":
        sender.put(plan_of(1000), encoder)
    before = asyncio.all_tasks()
    sending = sender.start()
    if stage in {"sending", "flushing"}:
        encoder.may_go_on.set()
        await advance(manual_clock, 0.25 if stage == "sending" else 10)
    elif stage != "waiting":
        assert await asyncio.to_thread(encoder.is_encoding.wait, 10)
    else:
        await settle_down()
    assert not sending.done()
    sending.cancel()
    await asyncio.wait((sending,), timeout=5)
    assert sending.cancelled()
    encoder.may_go_on.set()
    assert asyncio.all_tasks() == before
    deliveries = sender.settled()
    n_sent = {"waiting": [], "flushing": [1000]}.get(stage, [0])
    assert [each.n_sent for each in deliveries] == n_sent
    assert [each.n_failed for each in deliveries] == [1000 - n for n in n_sent]


async def test_a_window_of_one_still_gets_everything_out(sender: Sender, plan_of: PlanOf) -> None:
    """Half of a receive maximum of 1 is none: the loop must not spin on empty portions."""
    sender.max_batch = 0
    sender.put(plan_of(20))
    sender.outbox.close()
    await sender.start()
    assert [each.n_sent for each in sender.settled()] == [20]


def test_the_rate_is_measured_over_a_spell() -> None:
    """20 000 in 0.1 s pull the guess towards 200 000 a second; a short burst into buffers says nothing."""
    rate = SendRate(100_000.0)
    rate.sent(10_000, 1.0, 1.001)
    assert rate.hz == 100_000.0
    rate.sent(10_000, 1.05, 1.1)
    assert rate.hz == pytest.approx(100_000 + 0.3 * (200_000 - 100_000))
    rate.idle()
    rate.sent(10_000, 9.0, 9.0001)
    assert rate.hz == pytest.approx(130_000)
