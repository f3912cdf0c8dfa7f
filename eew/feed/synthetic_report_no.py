"""Synthetic report numbers for catalogues: their solutions have none, so the age of each stands for one."""

from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from eew.model.units import seconds_after

__all__ = ["LAST_NO", "JoinedIds", "synthetic_report_no"]

#: The greatest number a report may have.
LAST_NO = 30_000
#: Numbers grow by one a second for four hours, then by one a minute.
_BY_SECOND = 14_400
#: Ids that are known again: a month of the world's earthquakes in USGS' summary has some 12 000.
_MOST_REMEMBERED = 16_384


def synthetic_report_no(origin_at: datetime, issued_at: datetime) -> int:
    """Return a number that grows with the time since the origin, 1 to 30 000, though not without gaps.

    One is counted each second during the first four hours, then each minute, and from the eleventh day on all have the
    last number. Solutions that follow each other faster than that share one.
    """
    age_s = max(int(seconds_after(issued_at, origin_at)), 1)
    return age_s if age_s <= _BY_SECOND else min(_BY_SECOND + (age_s - _BY_SECOND) // 60, LAST_NO)


class _Known(NamedTuple):
    """What an id stands for."""

    name: str
    #: The id under which its earthquake was last listed.
    listed_as: str


class JoinedIds:
    """Keeps an earthquake's first name where a catalogue lists it under another of its ids later."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def name_of(self, listed_as: str, ids: Collection[str]) -> str:
        """Return the name of an earthquake, and remember its ids.

        Parameters
        ----------
        listed_as
            The id under which it is listed now.
        ids
            All that the catalogue knows it by; none where it does not say.
        """
        all_ids = dict.fromkeys((listed_as, *ids))
        known = (self._known[each].name for each in all_ids if each in self._known)
        # What it was told under and is not its id any more is another earthquake's: the catalogue has parted them.
        name = next((each for each in known if each in all_ids or not ids), listed_as)
        for each in all_ids:
            self._known[each] = _Known(name, listed_as)
            self._known.move_to_end(each)
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return name

    def lists_otherwise(self, id_: str) -> bool:
        """Return whether an earthquake was last listed under another id than this one of it."""
        return id_ in self._known and self._known[id_].listed_as != id_
