"""What everybody may read beside the alerts: help cards, and each event as it stands, in words and as CAP.

ActedOn ─ EventMessage, texts ─ contours ─ CAP ─▶ RetainedPublisher

Written behind the alerts, by one task and in a thread: nobody waits for it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import TracebackType
from typing import Self

import msgspec

from eew.contract.cap.cap_message import CapMessage
from eew.contract.cap.history import CapHistory
from eew.contract.card import all_cards
from eew.contract.message import EventMessage, InfoCard
from eew.contract.text import event_texts
from eew.dispatch.contour import contours
from eew.dispatch.dispatcher import ActedOn
from eew.estimate.estimator import Estimator
from eew.fanout.retained_publisher import RetainedPublisher
from eew.model.records import Profile

__all__ = ["Announcements", "Announcer"]

logger = logging.getLogger(__name__)

#: Said everywhere beside a region's own languages.
_COMMON = "en"


class Announcements:
    """Puts reports that were acted on into words, in their order; no I/O.

    Parameters
    ----------
    profile, estimator
        The region's practice. Its languages are those of its help cards.
    """

    def __init__(self, profile: Profile, estimator: Estimator) -> None:
        self._profile, self._estimator = profile, estimator
        self._cards = _cards_of(profile)
        self._history = CapHistory(profile, self._cards)

    def refit(self, profile: Profile, estimator: Estimator) -> None:
        """Go on by another practice; what was said before is not forgotten."""
        self._profile, self._estimator = profile, estimator
        self._cards = _cards_of(profile)
        self._history.profile, self._history.cards = profile, self._cards

    def event(self, acted_on: ActedOn) -> EventMessage:
        """Return an event as it stands after a report that was acted on."""
        bare = _event_message(acted_on, self._profile)
        region = self._profile.info.partition("/")[0]
        return msgspec.structs.replace(bare, texts=event_texts(bare, region, self._cards))

    def cap(self, acted_on: ActedOn, event: EventMessage) -> CapMessage | None:
        """Return the same as CAP; ``None`` where that has nothing to say: what stood before still stands.

        Takes up to a second where the report has a finite fault.
        """
        places = contours(acted_on.report, acted_on.radius_km_by_level, self._profile, self._estimator)
        return self._history.message(event, places, acted_on.report.likelihood)

    def recall(self, acted_on: ActedOn) -> None:
        """Note a report that somebody before us announced; before any that comes after it."""
        places = contours(acted_on.report, acted_on.radius_km_by_level, self._profile, self._estimator)
        self._history.recall(_event_message(acted_on, self._profile), places)

    def keep(self, event_ids: AbstractSet[str]) -> None:
        """Forget all events but these."""
        self._history.keep(event_ids)


class Announcer:
    """An async context in which a retained publisher is told of events, one after the other.

    Parameters
    ----------
    retained
        Where they stand; the help cards are put there on entering.
    announcements
        What is said.
    """

    def __init__(self, retained: RetainedPublisher, announcements: Announcements) -> None:
        self._retained = retained
        self._announcements = announcements
        self._waiting: asyncio.Queue[ActedOn] = asyncio.Queue()
        self._announcing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        for card in all_cards():
            self._retained.publish_info(card)
        self._announcing = asyncio.create_task(self._announce(), name="announce")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Bring to the retained publisher what was told, unless something went wrong."""
        if self._announcing is None:
            return
        if error is None:
            await self._waiting.join()
        self._announcing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._announcing

    def tell(self, acted_on: ActedOn) -> None:
        """Announce a report that was acted on, soon."""
        self._waiting.put_nowait(acted_on)

    async def _announce(self) -> None:
        while True:
            acted_on = await self._waiting.get()
            try:
                event = await asyncio.to_thread(self._announcements.event, acted_on)
                self._retained.publish_event(event)
                cap = await asyncio.to_thread(self._announcements.cap, acted_on, event)
                if cap is not None:
                    self._retained.publish_cap(cap.event_id, cap.payload)
            except Exception:
                # The alerts are out: what is said beside them must not end the dispatcher.
                logger.exception("announcement.broke event=%s", acted_on.report.event_id)
            finally:
                self._waiting.task_done()


def _cards_of(profile: Profile) -> Mapping[str, InfoCard]:
    """Return the help cards of a profile's region by language, its own language first."""
    region, _, lang = profile.info.partition("/")
    cards = all_cards()
    own = {card.lang: card for card in cards if card.region == region}
    # A region that has no cards gets everybody's, in its language where there is one.
    anywhere = {card.lang: card for card in cards if card.region == "int" and card.lang in {lang, _COMMON}}
    return {each.lang: each for each in sorted((own or anywhere).values(), key=lambda card: card.lang != lang)}


def _event_message(acted_on: ActedOn, profile: Profile) -> EventMessage:
    """Return an event as it stands after a report that was acted on, without texts."""
    report, core = acted_on.report, acted_on.core
    members = {name: getattr(core, name) for name in core.__struct_fields__}
    return EventMessage(
        **members,
        magnitude_type=report.magnitude_type,
        place=report.place,
        scale=profile.scale,
        radius_km_by_level=dict(acted_on.radius_km_by_level),
        n_alerts_by_level={str(word): n for word, n in acted_on.n_alerts_by_level.items()},
        is_assumed=report.is_assumed,
        has_fault=bool(report.fault),
    )
