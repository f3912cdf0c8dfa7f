"""What a stated time of issue is worth: nothing is known of an earthquake in the second in which it begins."""

from datetime import datetime
from typing import NamedTuple

from eew.report import IssueBasis

__all__ = ["Issue", "issue"]


class Issue(NamedTuple):
    """When a report was issued, as the members of a report of the same names."""

    issued_at: datetime
    issue_basis: IssueBasis


def issue(stated_at: datetime, origin_at: datetime) -> Issue:
    """Return when a report was issued by its agency's word; one that is not after the origin is no such time.

    Parameters
    ----------
    stated_at
        What the agency gives as the time of issue. Some give the origin; in recorded messages of one it lies before.
    origin_at
        The report's own.
    """
    return Issue(stated_at, IssueBasis.STATED) if stated_at > origin_at else Issue(origin_at, IssueBasis.UNKNOWN)
