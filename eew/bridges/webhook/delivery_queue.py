"""What goes to one endpoint, and when: one event at a time, decided without clock, thread or socket.

taken = delivered + superseded + expired + failed + waiting
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from eew.bridges.webhook.breaker import Breaker
from eew.bridges.webhook.response import Response, ResponseKind
from eew.bridges.webhook.webhook_event import WebhookEvent
from eew.model.backoff import HALF_TO_WHOLE, Backoff

__all__ = ["MOST_WAITING", "Counts", "DeliveryQueue", "Settlement"]

#: More events than this do not wait; the one that has waited longest fails, cancels last.
MOST_WAITING = 64
#: Before the second attempt and each further one; alerts are of use for seconds, so it begins short.
_BACKOFF = Backoff(0.25, 10.0, HALF_TO_WHOLE)


@dataclass(slots=True)
class Counts:
    """What became of the events of one endpoint."""

    n_taken: int = 0
    n_delivered: int = 0
    #: A newer report of the same event took its place.
    n_superseded: int = 0
    n_expired: int = 0
    #: Refused, given up, or there was no room.
    n_failed: int = 0
    #: Attempts after the first ones.
    n_retried: int = 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a response led to."""

    #: Until the next attempt, s; ``None``: there is none.
    retry_in_s: float | None = None
    #: The breaker opened, or its probe failed.
    is_opened: bool = False
    #: The breaker was open until this response.
    is_recovered: bool = False


@dataclass(slots=True)
class _Waiting:
    """An event that is to be sent."""

    event: WebhookEvent
    #: The lowest goes first.
    place: int
    n_attempts: int = 0
    not_before_s: float = -math.inf


class DeliveryQueue:
    """The events of one endpoint. Instants are handed in, s on a clock that never goes back.

    At most one event is in flight at any time, so a report never overtakes a newer one. Of an event only the newest
    report waits, and a cancel before all else: nothing but a newer cancel takes its place, and it never expires.

    Parameters
    ----------
    breaker
        The endpoint's.
    random
        Returns numbers from 0 to 1, for the jitter of delays.
    """

    def __init__(self, breaker: Breaker, random: Callable[[], float]) -> None:
        self.breaker = breaker
        self.counts = Counts()
        self._random = random
        self._waiting: list[_Waiting] = []
        self._sent: _Waiting | None = None
        self._n_places = 0
        self._paused_until_s = -math.inf
        self._is_gone = False

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint said that it wants nothing any more."""
        return self._is_gone

    @property
    def n_waiting(self) -> int:
        """How many are not settled, the one in flight included."""
        return len(self._waiting) + (self._sent is not None)

    def offer(self, event: WebhookEvent) -> list[WebhookEvent]:
        """Take an event, newer than all of its event before; return what failed for it, as there is no room or no way.

        It keeps the place of the one it supersedes, so that an event with many reports neither waits longest nor goes
        first.
        """
        self.counts.n_taken += 1
        if self._is_gone:
            self.counts.n_failed += 1
            return [event]
        superseded = [
            each
            for each in self._waiting
            if each.event.event_id == event.event_id and (event.is_cancel or not each.event.is_cancel)
        ]
        for each in superseded:
            self._waiting.remove(each)
        self.counts.n_superseded += len(superseded)
        place = min((each.place for each in superseded), default=self._new_place())
        self._waiting.append(_Waiting(event, place))
        if len(self._waiting) <= MOST_WAITING:
            return []
        pushed_out = min(self._waiting, key=lambda each: (each.event.is_cancel, each.place))
        self._waiting.remove(pushed_out)
        self.counts.n_failed += 1
        return [pushed_out.event]

    def take_next(self, now_s: float) -> WebhookEvent | None:
        """Return what is to be sent now, if anything; its response must be settled before the next is taken."""
        if self._sent is not None:
            raise AssertionError("one is in flight")
        self._expire(now_s)
        if now_s < self._gate_s:
            return None
        ready = [each for each in self._first_of_events() if each.not_before_s <= now_s]
        if not ready:
            return None
        chosen = min(ready, key=_urgency)
        self._waiting.remove(chosen)
        chosen.n_attempts += 1
        self.counts.n_retried += chosen.n_attempts > 1
        self._sent = chosen
        return chosen.event

    def settle(self, response: Response, now_s: float) -> Settlement:
        """Note what became of the event in flight."""
        sent, self._sent = self._sent, None
        if sent is None:
            raise AssertionError("nothing is in flight")
        was_open = self.breaker.state(now_s) != "closed"
        if response.kind is not ResponseKind.UNAVAILABLE:
            self.breaker.succeed()
            is_opened = False
        else:
            is_opened = self.breaker.fail(now_s)
        is_recovered = was_open and not is_opened
        if response.kind in {ResponseKind.RETRY, ResponseKind.UNAVAILABLE}:
            self._paused_until_s = max(self._paused_until_s, now_s + response.pause_s)
            return Settlement(self._keep(sent, now_s), is_opened, is_recovered)
        if response.kind is ResponseKind.DELIVERED:
            self.counts.n_delivered += 1
        else:
            self.counts.n_failed += 1
        if response.kind is ResponseKind.GONE:
            self._is_gone = True
            self._fail_all()
        return Settlement(is_recovered=is_recovered)

    def wake_at_s(self) -> float:
        """Return when ``take_next`` is next worth a call: something may be sent then, or expires; infinite: never."""
        sendable = (max(each.not_before_s, self._gate_s) for each in self._first_of_events())
        expiring = (each.event.expires_mono_s for each in self._waiting if not each.event.is_cancel)
        return min(itertools.chain(sendable, expiring), default=math.inf)

    def close(self, now_s: float) -> list[WebhookEvent]:
        """Give up what is left, and return it; what has expired is counted as that."""
        self._expire(now_s)
        if self._sent is not None:
            # Nobody will know whether it arrived.
            self._waiting.append(self._sent)
            self._sent = None
        return self._fail_all()

    @property
    def _gate_s(self) -> float:
        """From when on the endpoint may be asked at all."""
        return max(self._paused_until_s, self.breaker.until_s)

    def _first_of_events(self) -> list[_Waiting]:
        """Return what may go next of each event: its cancel before what was reported after that."""
        first: dict[str, _Waiting] = {}
        for each in sorted(self._waiting, key=_urgency):
            first.setdefault(each.event.event_id, each)
        return list(first.values())

    def _keep(self, sent: _Waiting, now_s: float) -> float | None:
        """Let what was not delivered wait for another attempt unless it is superseded; return for how long."""
        newer = [each.event for each in self._waiting if each.event.event_id == sent.event.event_id]
        if any(each.is_cancel or not sent.event.is_cancel for each in newer):
            self.counts.n_superseded += 1
            return None
        delay_s = _BACKOFF.delay_s(sent.n_attempts - 1, self._random)
        sent.not_before_s = now_s + delay_s
        sent.place = self._new_place()
        self._waiting.append(sent)
        return max(sent.not_before_s, self._gate_s) - now_s

    def _expire(self, now_s: float) -> None:
        kept = [each for each in self._waiting if each.event.is_cancel or now_s < each.event.expires_mono_s]
        self.counts.n_expired += len(self._waiting) - len(kept)
        self._waiting = kept

    def _fail_all(self) -> list[WebhookEvent]:
        failed = [each.event for each in self._waiting]
        self.counts.n_failed += len(failed)
        self._waiting.clear()
        return failed

    def _new_place(self) -> int:
        self._n_places += 1
        return self._n_places


def _urgency(waiting: _Waiting) -> tuple[bool, int]:
    return not waiting.event.is_cancel, waiting.place
