"""Catalogues as feeds: their solutions have no numbers, so the age of each stands for one."""

from datetime import datetime

from eew.units import seconds_after

__all__ = ["LAST_NO", "report_no_by_age"]

#: The greatest number a report may have.
LAST_NO = 30_000
#: Numbers grow by one a second for four hours, then by one a minute.
_BY_SECOND = 14_400


def report_no_by_age(origin_at: datetime, issued_at: datetime) -> int:
    """Return a number that grows with the time since the origin, 1 to 30 000, though not without gaps.

    One is counted each second during the first four hours, then each minute, and from the eleventh day on all have the
    last number. Solutions that follow each other faster than that share one.
    """
    age_s = max(int(seconds_after(issued_at, origin_at)), 1)
    return age_s if age_s <= _BY_SECOND else min(_BY_SECOND + (age_s - _BY_SECOND) // 60, LAST_NO)
