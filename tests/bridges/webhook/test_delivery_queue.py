"""What goes to one endpoint and when, with instants and answers chosen by hand and by hypothesis."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import hypothesis
import pytest
from hypothesis import strategies

from eew.bridges.webhook.breaker import Breaker
from eew.bridges.webhook.delivery_queue import MOST_WAITING, Counts, DeliveryQueue
from eew.bridges.webhook.response import Response, ResponseKind
from eew.bridges.webhook.webhook_event import WebhookEvent

DELIVERED = Response(ResponseKind.DELIVERED, "200")
UNAVAILABLE = Response(ResponseKind.UNAVAILABLE, "500")
RETRY = Response(ResponseKind.RETRY, "429")
REFUSED = Response(ResponseKind.REFUSED, "400")
GONE = Response(ResponseKind.GONE, "410")
PAUSED = Response(ResponseKind.UNAVAILABLE, "503", pause_s=9)


def sent(event_id: str = "a", number: int = 1, *, is_cancel: bool = False, expires_s: float = 300.0) -> WebhookEvent:
    kind = "cancel" if is_cancel else "update"
    return WebhookEvent(f"{event_id}-{number}-{kind}", event_id, is_cancel, "{}", expires_s, f"eew.event.{kind}")


def queue_of(
    most_failures: int = 1000, open_s: float = 5.0, random: Callable[[], float] = lambda: 0.0
) -> DeliveryQueue:
    return DeliveryQueue(Breaker(most_failures, open_s), random)


def id_at(its: DeliveryQueue, now_s: float) -> str | None:
    """Return what is sent at an instant; it stays on its way."""
    sent = its.take_next(now_s)
    return None if sent is None else sent.webhook_id


def n_settled(counts: Counts) -> int:
    return counts.n_delivered + counts.n_superseded + counts.n_expired + counts.n_failed


def test_a_newer_report_supersedes_the_one_that_waits() -> None:
    """Nobody is told what is no longer thought."""
    its = queue_of()
    its.offer(sent(number=1))
    its.offer(sent(number=2))
    assert id_at(its, 0) == "a-2-update"
    its.settle(DELIVERED, 0)
    assert its.take_next(0) is None
    assert (its.counts.n_delivered, its.counts.n_superseded) == (1, 1)


def test_what_failed_on_its_way_gives_way_to_a_newer_report() -> None:
    """A retry never brings back what a newer report has replaced."""
    its = queue_of()
    its.offer(sent(number=1))
    assert id_at(its, 0) == "a-1-update"
    its.offer(sent(number=2))
    assert its.settle(UNAVAILABLE, 0).retry_in_s is None
    assert id_at(its, 0) == "a-2-update"
    assert its.counts.n_superseded == 1


def test_a_cancel_overtakes_other_events() -> None:
    """Whoever runs for cover because of nothing is told first."""
    its = queue_of()
    its.offer(sent("a"))
    its.offer(sent("b"))
    its.offer(sent("c", 2, is_cancel=True))
    assert id_at(its, 0) == "c-2-cancel"


def test_a_cancel_does_not_expire_and_a_report_does() -> None:
    """A siren that sounds for nothing is to stop, however late."""
    its = queue_of()
    its.offer(sent("a", expires_s=10))
    its.offer(sent("b", is_cancel=True, expires_s=10))
    assert id_at(its, 10) == "b-1-cancel"
    assert its.counts.n_expired == 1


def test_a_report_after_a_cancel_waits_for_it() -> None:
    """An event that is taken up again is not told before its end was, even while the cancel is being retried."""
    its = queue_of()
    its.offer(sent(number=1, is_cancel=True))
    its.offer(sent(number=2))
    assert id_at(its, 0) == "a-1-cancel"
    retry_in_s = its.settle(UNAVAILABLE, 0).retry_in_s
    assert retry_in_s is not None
    assert its.take_next(retry_in_s / 2) is None
    assert id_at(its, retry_in_s) == "a-1-cancel"
    its.settle(DELIVERED, retry_in_s)
    assert id_at(its, retry_in_s) == "a-2-update"


def test_delays_double_from_a_quarter_of_a_second_up_to_ten_with_jitter_of_a_half() -> None:
    """The published schedule: 0.25 s · 2ⁿ, at most 10 s, times 0.5 to 1."""
    for jitter in (0.0, 1.0):
        its = queue_of(random=itertools.repeat(jitter).__next__)
        its.offer(sent(is_cancel=True))
        now_s, delays = 0.0, []
        for _ in range(40):
            assert its.take_next(now_s) is not None
            delay_s = its.settle(UNAVAILABLE, now_s).retry_in_s
            assert delay_s is not None
            delays.append(delay_s / (0.5 + 0.5 * jitter))
            now_s = its.wake_at_s()
        assert delays[:7] == pytest.approx([0.25, 0.5, 1, 2, 4, 8, 10])
        assert delays[7:] == pytest.approx([10] * 33)


def test_one_event_that_fails_does_not_hold_up_another() -> None:
    """A report that an endpoint chokes on waits by itself."""
    its = queue_of()
    its.offer(sent("a"))
    its.offer(sent("b"))
    assert id_at(its, 0) == "a-1-update"
    its.settle(UNAVAILABLE, 0)
    assert id_at(its, 0) == "b-1-update"


def test_the_breaker_opens_after_so_many_failures_and_lets_one_probe_through() -> None:
    """An endpoint that is down is asked once every five seconds, not as often as there are reports."""
    its = queue_of(most_failures=3, open_s=5)
    for number in range(1, 4):
        its.offer(sent(number=number))
        assert its.take_next(0) is not None
        settled = its.settle(UNAVAILABLE, 0)
        assert settled.is_opened is (number == 3)
    its.offer(sent(number=4))
    its.offer(sent("b"))
    assert its.breaker.state(4.9) == "open"
    assert its.take_next(4.9) is None
    assert its.wake_at_s() == 5.0
    assert its.breaker.state(5.0) == "half-open"
    assert id_at(its, 5.0) == "a-4-update"
    assert its.settle(UNAVAILABLE, 5.5).is_opened
    assert its.take_next(10.4) is None
    assert id_at(its, 10.5) == "b-1-update"
    settled = its.settle(DELIVERED, 10.6)
    assert settled.is_recovered
    assert its.breaker.state(10.6) == "closed"
    assert id_at(its, 10.6) == "a-4-update"


def test_an_endpoint_that_answers_is_not_in_trouble() -> None:
    """Answers that refuse, or ask for patience, do not open the breaker."""
    its = queue_of(most_failures=2)
    for number, answer in enumerate((UNAVAILABLE, REFUSED, UNAVAILABLE, RETRY, UNAVAILABLE), start=1):
        its.offer(sent(str(number)))
        its.take_next(0)
        assert not its.settle(answer, 0).is_opened


def test_an_endpoint_that_asks_for_patience_gets_it_for_all_events() -> None:
    """Retry-After is about the endpoint, not about one report."""
    its = queue_of()
    its.offer(sent("a"))
    its.take_next(0)
    assert its.settle(Response(ResponseKind.RETRY, "429", pause_s=7), 0).retry_in_s == 7
    its.offer(sent("b"))
    assert its.take_next(6.9) is None
    assert its.wake_at_s() == 7
    assert its.take_next(7) is not None


def test_what_is_refused_is_not_sent_again() -> None:
    """The same bytes would be refused again."""
    its = queue_of()
    its.offer(sent())
    its.take_next(0)
    assert its.settle(REFUSED, 0).retry_in_s is None
    assert its.wake_at_s() == math.inf
    assert its.counts.n_failed == 1


def test_an_endpoint_that_is_gone_is_told_nothing_more() -> None:
    """What waits, and what comes, has failed."""
    its = queue_of()
    its.offer(sent("a"))
    its.offer(sent("b"))
    its.take_next(0)
    its.settle(GONE, 0)
    assert its.offer(sent("c", is_cancel=True)) == [sent("c", is_cancel=True)]
    assert its.take_next(0) is None
    assert (its.is_gone, its.counts.n_failed, its.n_waiting) == (True, 3, 0)


def test_the_longest_waiting_report_makes_room_and_cancels_stay() -> None:
    """A queue that nobody empties stays small, and loses cancels last."""
    its = queue_of()
    its.offer(sent("cancelled", is_cancel=True))
    for number in range(MOST_WAITING - 1):
        assert its.offer(sent(f"event-{number}")) == []
    assert its.offer(sent("one-more")) == [sent("event-0")]
    assert its.n_waiting == MOST_WAITING
    assert id_at(its, 0) == "cancelled-1-cancel"


def test_an_event_with_many_reports_keeps_its_place() -> None:
    """Neither does it wait longest for being reported often, nor does it push others back."""
    its = queue_of()
    its.offer(sent("a"))
    its.offer(sent("b"))
    its.offer(sent("a", 2))
    assert id_at(its, 0) == "a-2-update"
    its.offer(sent("a", 3))
    its.settle(DELIVERED, 0)
    assert id_at(its, 0) == "b-1-update"


def test_what_is_left_at_the_end_has_failed() -> None:
    """Whether what was on its way arrived, nobody knows."""
    its = queue_of()
    for event_id in ("a", "b"):
        its.offer(sent(event_id))
    its.offer(sent("c", expires_s=1))
    its.take_next(0)
    assert {each.event_id for each in its.close(2)} == {"a", "b"}
    assert (its.counts.n_failed, its.counts.n_expired, its.n_waiting) == (2, 1, 0)


@dataclass
class Story:
    """A queue, and what happened to it."""

    its: DeliveryQueue
    now_s: float = 0.0
    numbers: dict[str, int] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    delivered: set[str] = field(default_factory=set)
    newest_cancel: dict[str, str] = field(default_factory=dict)
    on_way: WebhookEvent | None = None

    def offer(self, event_id: str, is_cancel: bool, lasts_s: float) -> None:
        number = self.numbers[event_id] = self.numbers.get(event_id, 0) + 1
        given = sent(event_id, number, is_cancel=is_cancel, expires_s=self.now_s + lasts_s)
        if is_cancel:
            self.newest_cancel[event_id] = given.webhook_id
        assert self.its.offer(given) == []

    def send(self) -> None:
        if self.on_way is None:
            self.on_way = self.its.take_next(self.now_s)
            if self.on_way is not None:
                self.sent.append(self.on_way.webhook_id)

    def settle(self, answer: Response) -> None:
        if self.on_way is not None:
            if answer.kind is ResponseKind.DELIVERED:
                self.delivered.add(self.on_way.webhook_id)
            self.its.settle(answer, self.now_s)
            self.on_way = None

    def check(self) -> None:
        counts = self.its.counts
        assert counts.n_taken == n_settled(counts) + self.its.n_waiting


EVENTS = strategies.sampled_from("abc")
ACTS = strategies.lists(
    strategies.one_of(
        strategies.tuples(strategies.just("offer"), EVENTS, strategies.booleans(), strategies.floats(0.1, 60)),
        strategies.tuples(strategies.just("wait"), strategies.floats(0, 20)),
        strategies.just(("send",)),
        strategies.tuples(strategies.just("settle"), strategies.sampled_from((DELIVERED, UNAVAILABLE, RETRY))),
        strategies.tuples(strategies.just("settle"), strategies.just(PAUSED)),
    ),
    max_size=60,
)


def played(acts: list[tuple[object, ...]], most_failures: int, jitter: float) -> Story:
    story = Story(queue_of(most_failures, random=lambda: jitter))
    for name, *given in acts:
        if name == "wait":
            story.now_s += given[0]  # type: ignore[operator] # a float, as ACTS says
        else:
            getattr(story, str(name))(*given)
        story.check()
    return story


@hypothesis.given(ACTS, strategies.integers(1, 4), strategies.floats(0, 1))
def test_an_endpoint_never_hears_an_older_report_after_a_newer(
    acts: list[tuple[object, ...]], most_failures: int, jitter: float
) -> None:
    """Whatever fails and whenever, the numbers of an event never fall."""
    newest: dict[str, int] = {}
    for webhook_id in played(acts, most_failures, jitter).sent:
        event_id, number, _ = webhook_id.split("-")
        assert int(number) >= newest.get(event_id, 0)
        newest[event_id] = int(number)


@hypothesis.given(ACTS, strategies.integers(1, 4), strategies.floats(0, 1))
def test_every_cancel_gets_out_once_the_endpoint_works(
    acts: list[tuple[object, ...]], most_failures: int, jitter: float
) -> None:
    """However long it was down: of each event, the newest cancel is delivered, and nothing is left."""
    story = played(acts, most_failures, jitter)
    for _ in range(1000):
        story.send()
        story.settle(DELIVERED)
        story.check()
        wake_s = story.its.wake_at_s()
        if wake_s == math.inf:
            break
        story.now_s = max(story.now_s, wake_s)
    assert story.its.n_waiting == 0
    assert set(story.newest_cancel.values()) <= story.delivered
    counts = story.its.counts
    assert counts.n_taken == n_settled(counts)
    assert counts.n_failed == 0
