"""What waits, what goes next, and that every alert is accounted for."""

import asyncio
import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from eew.fanout.outbox import Outbox, Portion
from eew.fanout.publish_template import Batch
from eew.model.records import AlertPlan, AlertStatus, Delivery, EventReport, ReportKind, SentRange

PlanOf = Callable[..., AlertPlan]

T0 = datetime(2011, 3, 11, 5, 46, 48, 100_000, UTC)
EVERYTHING = 1 << 30


class NoEncoder:
    """Nothing is encoded here."""

    def encode(self, start: int, end: int) -> Batch:
        raise AssertionError((start, end))


def put(outbox: Outbox, plan: AlertPlan) -> list[tuple[int, int]]:
    """Queue a plan; return where the parts that are taken get noted."""
    taken: list[tuple[int, int]] = []

    def note(which: AlertPlan, start: int, end: int) -> None:
        assert which is plan
        taken.append((start, end))

    outbox.put(plan, NoEncoder(), note)
    return taken


def beginning(whole: AlertPlan, n: int) -> AlertPlan:
    columns = ("target_row", "level", "intensity", "p_arrival_s", "s_arrival_s", "s_slowness_s_km")
    return dataclasses.replace(whole, **{name: getattr(whole, name)[:n] for name in columns})


def nothing_rejected(_token: int) -> "np.ndarray[Any, np.dtype[np.int_]]":
    return np.array([], dtype=np.int_)


def write(outbox: Outbox, portion: Portion, token: int, at_mono_s: float = 0.0) -> None:
    outbox.written(portion.plan_id, token, SentRange(portion.start, portion.end, at_mono_s))


def taken_from(outbox: Outbox, n_max: int = EVERYTHING, now_at: datetime = T0) -> tuple[str, int, int] | None:
    portion = outbox.take(now_at, n_max)
    return None if portion is None else (portion.plan.report.event_id, portion.start, portion.end)


def counts(delivery: Delivery) -> tuple[int, int, int, int]:
    assert len(delivery.plan) == (delivery.n_sent + delivery.n_superseded + delivery.n_expired + delivery.n_failed)
    return delivery.n_sent, delivery.n_superseded, delivery.n_expired, delivery.n_failed


def test_first_portions_are_small_and_grow(plan_of: PlanOf) -> None:
    """512, then twice as many each time up to 8192, in order and without gaps; each is noted as it is taken."""
    outbox = Outbox()
    taken = put(outbox, plan_of(30_000))
    ends = [0]
    while (portion := outbox.take(T0, EVERYTHING)) is not None:
        assert portion.start == ends[-1]
        ends.append(portion.end)
    assert ends == [0, 512, 1536, 3584, 7680, 15_872, 24_064, 30_000]
    assert taken == list(pairwise(ends))


@pytest.mark.parametrize(("n_max", "expected"), [(10, 10), (1, 1), (0, 1)])
def test_a_portion_is_no_longer_than_the_broker_takes(n_max: int, expected: int, plan_of: PlanOf) -> None:
    """And never empty, or a window of one would be an endless loop."""
    outbox = Outbox()
    put(outbox, plan_of(100))
    assert taken_from(outbox, n_max) == ("20110311144640", 0, expected)


def test_a_newer_plan_supersedes_only_its_own_event(plan_of: PlanOf) -> None:
    """What of the older one was not taken is counted; another event's plan goes on."""
    outbox = Outbox()
    put(outbox, plan_of(600, report_event_id="a", report_report_no=1))
    put(outbox, plan_of(700, report_event_id="b"))
    first = outbox.take(T0, EVERYTHING)
    assert first is not None
    write(outbox, first, 1)
    put(outbox, plan_of(50, report_event_id="a", report_report_no=2))
    assert outbox.n_waiting == 750
    while (portion := outbox.take(T0, EVERYTHING)) is not None:
        write(outbox, portion, 1)
    by_event = {
        (each.plan.report.event_id, each.plan.report.report_no): counts(each)
        for each in outbox.settle(1, nothing_rejected)
    }
    assert by_event == {("a", 1): (512, 88, 0, 0), ("a", 2): (50, 0, 0, 0), ("b", 4): (700, 0, 0, 0)}


async def test_a_halted_one_gives_nothing_more(plan_of: PlanOf) -> None:
    """Who waits for something is told that there is none; what waits has failed, also what is put later."""
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    outbox.halt()
    async with asyncio.timeout(10):
        assert not await waiting
    put(outbox, plan_of(50, report_event_id="later"))
    assert taken_from(outbox) is None

    outbox = Outbox()
    put(outbox, plan_of(600))
    first = outbox.take(T0, EVERYTHING)
    assert first is not None
    write(outbox, first, 1)
    outbox.halt()
    assert taken_from(outbox) is None
    assert [counts(each) for each in outbox.settle(1, nothing_rejected)] == [(512, 0, 0, 88)]


def test_an_empty_newer_plan_supersedes_too(plan_of: PlanOf) -> None:
    """It waits for nothing and is done at once."""
    outbox = Outbox()
    put(outbox, plan_of(600, report_report_no=1))
    put(outbox, plan_of(0, report_report_no=2))
    assert outbox.n_waiting == 0
    assert outbox.take(T0, EVERYTHING) is None
    assert [counts(each) for each in outbox.settle(0, nothing_rejected)] == [(0, 600, 0, 0), (0, 0, 0, 0)]


def test_a_noted_plan_overtakes_nothing(plan_of: PlanOf) -> None:
    """What waits goes on waiting; a plan with alerts cannot be noted away."""
    outbox = Outbox()
    put(outbox, plan_of(600, report_report_no=1))
    outbox.note(plan_of(0, report_report_no=2))
    assert outbox.n_waiting == 600
    with pytest.raises(ValueError, match="a plan of 3 alerts"):
        outbox.note(plan_of(3))
    assert outbox.take(T0, EVERYTHING) is not None


def test_a_plan_may_be_put_in_two_parts(plan_of: PlanOf) -> None:
    """What was taken of its beginning stays taken and written; the whole goes on behind it, and is one delivery."""
    outbox = Outbox()
    whole = plan_of(3000)
    notes: list[tuple[AlertPlan, int, int]] = []
    begun = beginning(whole, 700)
    outbox.put(begun, NoEncoder(), lambda *taken: notes.append(taken), has_more=True)
    for token in (1, 2):
        portion = outbox.take(T0, EVERYTHING)
        assert portion is not None
        write(outbox, portion, token)
    assert outbox.take(T0, EVERYTHING) is None
    assert (outbox.n_waiting, outbox.done) == (0, [])
    outbox.extend(whole, NoEncoder())
    assert outbox.n_waiting == outbox.n_waiting_of("20110311144640") == 2300
    while (portion := outbox.take(T0, EVERYTHING)) is not None:
        write(outbox, portion, 3)
    assert [taken[1:] for taken in notes] == [(0, 512), (512, 700), (700, 2748), (2748, 3000)]
    assert [taken[0] is begun for taken in notes] == [True, True, False, False]
    (delivery,) = outbox.settle(3, nothing_rejected)
    assert delivery.plan is whole
    assert counts(delivery) == (3000, 0, 0, 0)


def test_the_rest_of_what_expired_meanwhile_expires_too(plan_of: PlanOf) -> None:
    """Nothing of it is offered any more, nobody is kept waiting for it, and all of it is accounted for."""
    outbox = Outbox()
    whole = plan_of(3000, expires_at=T0 + timedelta(seconds=1))
    outbox.put(beginning(whole, 700), NoEncoder(), lambda *_taken: None, has_more=True)
    assert taken_from(outbox) == ("20110311144640", 0, 512)
    assert taken_from(outbox, now_at=T0 + timedelta(seconds=1)) is None
    outbox.extend(whole, NoEncoder())
    assert outbox.n_waiting == 0
    assert [counts(each) for each in outbox.settle(0, nothing_rejected)] == [(0, 0, 2488, 512)]


async def test_waiting_goes_on_while_a_plan_is_only_begun(plan_of: PlanOf) -> None:
    """Neither is there work, nor is the outbox empty, until the rest is put; closed by then, that is the end."""
    outbox = Outbox()
    whole = plan_of(600)
    outbox.put(beginning(whole, 10), NoEncoder(), lambda *_taken: None, has_more=True)
    assert taken_from(outbox) is not None
    working, emptied = asyncio.ensure_future(outbox.wait()), asyncio.ensure_future(outbox.emptied())
    outbox.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not working.done()
    assert not emptied.done()
    outbox.extend(whole, NoEncoder())
    assert await working
    while taken_from(outbox) is not None:
        pass
    await asyncio.wait_for(emptied, 5)
    assert not await outbox.wait()


@pytest.mark.parametrize("is_begun", [False, True])
def test_only_what_was_begun_can_be_extended(is_begun: bool, plan_of: PlanOf) -> None:
    """Not a plan that was whole, and not one of another report."""
    outbox = Outbox()
    outbox.put(plan_of(10, report_report_no=1), NoEncoder(), lambda *_taken: None, has_more=is_begun)
    with pytest.raises(ValueError, match="expected one that was begun"):
        outbox.extend(plan_of(20, report_report_no=2), NoEncoder())


def test_a_portion_has_its_encoder_when_its_plan_is_out(plan_of: PlanOf) -> None:
    """A plan is done as soon as all of it was taken, while its last portion waits to be encoded."""
    outbox, encoder = Outbox(), NoEncoder()
    outbox.put(plan_of(10), encoder, lambda *_taken: None)
    portion = outbox.take(T0, EVERYTHING)
    assert portion is not None
    assert [each.plan_id for each in outbox.done] == [portion.plan_id]
    assert portion.encoder is encoder


def test_a_plan_on_disk_is_the_same_delivery(plan_of: PlanOf) -> None:
    """It is asked for once, its report and what was written stay, and an empty one is never asked for."""
    outbox = Outbox()
    put(outbox, plan_of(600, report_event_id="a"))
    outbox.note(plan_of(0, report_event_id="b"))
    for token in (1, 2):
        assert outbox.to_spill == []
        portion = outbox.take(T0, EVERYTHING)
        assert portion is not None
        write(outbox, portion, token)
    ((plan_id, plan),) = outbox.to_spill
    on_disk = beginning(plan, 600)
    outbox.spilled(plan_id, on_disk)
    assert outbox.to_spill == []
    _, delivery = outbox.settle(2, nothing_rejected)
    assert delivery.plan is on_disk
    assert counts(delivery) == (600, 0, 0, 0)


def test_what_is_forgotten_is_nobodys_delivery(plan_of: PlanOf) -> None:
    """Who follows plans one by one lets go of each; what is written or stored of it later changes nothing."""
    outbox = Outbox()
    put(outbox, plan_of(10))
    portion = outbox.take(T0, EVERYTHING)
    assert portion is not None
    outbox.forget(portion.plan_id)
    write(outbox, portion, 1)
    outbox.spilled(portion.plan_id, portion.plan)
    assert (outbox.done, outbox.under_way, outbox.settle(1, nothing_rejected)) == ([], [], [])


def test_a_withdrawn_event_sends_nothing_more(plan_of: PlanOf) -> None:
    """And withdrawing what is not there does nothing."""
    outbox = Outbox()
    put(outbox, plan_of(600))
    outbox.withdraw("another")
    outbox.withdraw("20110311144640")
    outbox.withdraw("20110311144640")
    assert outbox.take(T0, EVERYTHING) is None
    assert [counts(each) for each in outbox.settle(0, nothing_rejected)] == [(0, 600, 0, 0)]


def test_a_cancel_goes_first(plan_of: PlanOf) -> None:
    """Before the loudest alert of another event."""
    outbox = Outbox()
    put(outbox, plan_of(2, report_event_id="loud", level=np.full(2, 3, dtype=np.uint8)))
    nothing = np.full(2, np.nan, dtype=np.float32)
    put(
        outbox,
        plan_of(
            2,
            report_event_id="cancelled",
            report_kind=ReportKind.CANCEL,
            report_origin_at=None,
            s_arrival_s=nothing,
            level=np.full(2, 1, dtype=np.uint8),
        ),
    )
    assert [taken_from(outbox), taken_from(outbox), taken_from(outbox)] == [("cancelled", 0, 2), ("loud", 0, 2), None]


def test_the_louder_alert_goes_first_then_the_more_urgent(plan_of: PlanOf) -> None:
    """By what each event has next: level, then S arrival by the wall clock."""
    outbox = Outbox()
    put(outbox, plan_of(3, report_event_id="later", level=np.array([3, 2, 1], dtype=np.uint8)))
    sooner = T0 - timedelta(seconds=40)
    put(
        outbox,
        plan_of(3, report_event_id="sooner", report_origin_at=sooner, level=np.array([3, 1, 1], dtype=np.uint8)),
    )
    order = [taken_from(outbox, n_max=1) for _ in range(6)]
    assert order == [
        ("sooner", 0, 1),
        ("later", 0, 1),
        ("later", 1, 2),
        ("sooner", 1, 2),
        ("sooner", 2, 3),
        ("later", 2, 3),
    ]


def test_what_has_expired_is_left_out_for_good(plan_of: PlanOf) -> None:
    """At the very instant; another event's plan is not touched."""
    outbox = Outbox()
    put(outbox, plan_of(600, report_event_id="a", expires_at=T0 + timedelta(seconds=1)))
    put(outbox, plan_of(3, report_event_id="b", expires_at=T0 + timedelta(seconds=9), level=np.ones(3, dtype=np.uint8)))
    assert taken_from(outbox) == ("a", 0, 512)
    assert taken_from(outbox, now_at=T0 + timedelta(seconds=1)) == ("b", 0, 3)
    assert [counts(each) for each in outbox.settle(0, nothing_rejected)] == [(0, 0, 88, 512), (0, 0, 0, 3)]


def test_only_what_is_confirmed_counts_as_sent(plan_of: PlanOf) -> None:
    """Later delivery tokens, what was taken and not written, and what still waits have failed."""
    outbox = Outbox()
    put(outbox, plan_of(8000))
    for token in (1, 2, None):
        portion = outbox.take(T0, EVERYTHING)
        assert portion is not None
        if token is not None:
            write(outbox, portion, token, at_mono_s=float(token))
    (delivery,) = outbox.settle(1, nothing_rejected)
    assert delivery.sent == (SentRange(0, 512, 1.0),)
    assert counts(delivery) == (512, 0, 0, 8000 - 512)
    assert outbox.settle(1, nothing_rejected) == []


def test_refused_packets_are_cut_out_of_what_was_sent(plan_of: PlanOf) -> None:
    """Positions count from the start of the delivery token's batch; told twice counts once."""
    outbox = Outbox()
    put(outbox, plan_of(600))
    for token in (1, 2):
        portion = outbox.take(T0, EVERYTHING)
        assert portion is not None
        write(outbox, portion, token, at_mono_s=float(token))
    rejected = {1: [511, 0, 5, 5], 2: [1, 2]}
    (delivery,) = outbox.settle(2, lambda token: np.array(rejected[token]))
    assert delivery.sent == (
        SentRange(1, 5, 1.0),
        SentRange(6, 511, 1.0),
        SentRange(512, 513, 2.0),
        SentRange(515, 600, 2.0),
    )
    assert counts(delivery) == (595, 0, 0, 5)


async def test_waiting_ends_with_work_or_with_the_end(plan_of: PlanOf) -> None:
    """True while something will be sent, also after closing; then false."""
    outbox = Outbox()
    waiting = asyncio.ensure_future(outbox.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    put(outbox, plan_of(1))
    assert await waiting
    outbox.close()
    assert await outbox.wait()
    assert taken_from(outbox) is not None
    assert not await outbox.wait()


@pytest.mark.parametrize("how", ["take", "withdraw", "expire", "settle"])
async def test_whoever_waits_for_emptiness_is_woken(how: str, plan_of: PlanOf) -> None:
    """Whatever it was that emptied it."""
    outbox = Outbox()
    await outbox.emptied()
    put(outbox, plan_of(600))
    waiting = asyncio.ensure_future(outbox.emptied())
    taken_from(outbox)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    if how == "take":
        taken_from(outbox)
    elif how == "withdraw":
        outbox.withdraw("20110311144640")
    elif how == "expire":
        taken_from(outbox, now_at=T0 + timedelta(days=1))
    else:
        outbox.settle(0, nothing_rejected)
    await asyncio.wait_for(waiting, 5)


class AnyOrder(RuleBasedStateMachine):
    """Reports, cancels, sending, refusing, expiring, spilling and forgetting in any order; then all adds up."""

    @initialize()
    def start(self) -> None:
        self.outbox = Outbox()
        self.now_at = T0
        self.n_planned = 0
        self.token = 0
        self.rejected: dict[int, list[int]] = {}
        self.portions: list[Portion] = []
        self.latest: dict[str, AlertPlan] = {}
        self.taken: dict[int, int] = {}
        #: By plan id, what was written of it: start, end and token.
        self.parts: dict[int, list[tuple[int, int, int]]] = {}
        #: By event, the whole of a plan of which the beginning was put.
        self.begun: dict[str, AlertPlan] = {}

    @rule(
        event_id=st.sampled_from("abc"),
        n=st.sampled_from([0, 1, 3, 700, 2000]),
        validity_s=st.integers(0, 5),
        is_cancel=st.booleans(),
        is_begun=st.booleans(),
    )
    def report(self, event_id: str, n: int, validity_s: int, is_cancel: bool, is_begun: bool) -> None:
        report = EventReport(
            event_id=event_id,
            source="s",
            report_no=1,
            kind=ReportKind.CANCEL if is_cancel else ReportKind.UPDATE,
            status=AlertStatus.TEST,
            issued_at=self.now_at,
            origin_at=None if is_cancel else self.now_at,
            lat_deg=0.0,
            lon_deg=0.0,
        )
        column = np.zeros(n, dtype=np.float32)
        plan = AlertPlan(
            report=report,
            expires_at=self.now_at + timedelta(seconds=validity_s),
            scale="jma",
            info="jp/ja",
            target_row=np.arange(n, dtype=np.int32),
            level=np.ones(n, dtype=np.uint8),
            intensity=column,
            p_arrival_s=column,
            s_arrival_s=column,
            s_slowness_s_km=column,
            radius_km_by_level={},
        )
        self.begun.pop(event_id, None)
        if is_begun:
            self.begun[event_id], plan = plan, beginning(plan, n // 2)
        self.outbox.put(plan, NoEncoder(), self.note, has_more=is_begun)
        self.latest[event_id] = plan
        self.taken[id(plan)] = 0
        self.n_planned += len(plan)

    @precondition(lambda self: self.begun)
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        event_id = data.draw(st.sampled_from(sorted(self.begun)))
        whole, start = self.begun.pop(event_id), self.latest[event_id]
        self.outbox.extend(whole, NoEncoder())
        self.latest[event_id] = whole
        self.taken[id(whole)] = self.taken[id(start)]
        self.n_planned += len(whole) - len(start)

    @precondition(lambda self: self.outbox.to_spill)
    @rule(data=st.data())
    def spill(self, data: st.DataObject) -> None:
        plan_id, plan = data.draw(st.sampled_from(self.outbox.to_spill))
        self.outbox.spilled(plan_id, beginning(plan, len(plan)))

    @precondition(lambda self: self.outbox.done)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        plan = data.draw(st.sampled_from(self.outbox.done))
        self.outbox.forget(plan.plan_id)
        self.n_planned -= len(plan.plan)
        self.parts.pop(plan.plan_id, None)
        self.portions = [each for each in self.portions if each.plan_id != plan.plan_id]

    @invariant()
    def is_known_how_far_each_has_come(self) -> None:
        for each in self.outbox.under_way:
            assert [(part.start, part.end, token) for token, part in each.written] == self.parts.get(each.plan_id, [])
            assert each.n_taken + each.n_superseded + each.n_expired <= len(each.plan)

    def note(self, plan: AlertPlan, start: int, end: int) -> None:
        """Only the newest plan of an event is taken from, in order, before it expires."""
        assert plan is self.latest[plan.report.event_id]
        assert plan.expires_at > self.now_at
        assert start == self.taken[id(plan)]
        self.taken[id(plan)] = end

    @rule(n_max=st.sampled_from([1, 100, EVERYTHING]))
    def take(self, n_max: int) -> None:
        portion = self.outbox.take(self.now_at, n_max)
        if portion is not None:
            assert 0 < len(portion) <= n_max
            self.portions.append(portion)

    @precondition(lambda self: self.portions)
    @rule(is_written=st.booleans(), data=st.data())
    def write(self, is_written: bool, data: st.DataObject) -> None:
        portion = self.portions.pop(0)
        if is_written:
            self.token += 1
            write(self.outbox, portion, self.token)
            self.parts.setdefault(portion.plan_id, []).append((portion.start, portion.end, self.token))
            self.rejected[self.token] = data.draw(st.lists(st.integers(0, len(portion) - 1), max_size=3))

    @rule(by_s=st.integers(1, 4))
    def pass_time(self, by_s: int) -> None:
        self.now_at += timedelta(seconds=by_s)

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        confirmed = data.draw(st.integers(0, self.token))
        n_settled, n_sent = 0, 0
        for delivery in self.outbox.settle(confirmed, lambda token: np.array(self.rejected[token], dtype=np.int_)):
            assert min(counts(delivery)) >= 0
            ranges = [(each.start, each.end) for each in delivery.sent]
            assert all(start < end for start, end in ranges)
            assert ranges == sorted(ranges)
            n_settled, n_sent = n_settled + len(delivery.plan), n_sent + delivery.n_sent
        assert n_settled == self.n_planned
        parts = [part for plan in self.parts.values() for part in plan if part[2] <= confirmed]
        assert n_sent == sum(end - start - len(set(self.rejected[token])) for start, end, token in parts)
        self.start()

    @invariant()
    def nothing_waits_twice(self) -> None:
        assert 0 <= self.outbox.n_waiting <= self.n_planned


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = hypothesis.settings(max_examples=60, stateful_step_count=30)
