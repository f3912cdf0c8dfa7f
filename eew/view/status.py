"""That a report is an exercise or a test, in tables."""

from collections.abc import Iterable

from eew.model.report import AlertStatus
from eew.view.grid import Column

__all__ = ["STATUS", "marks"]

#: Never falls; it is not there where all reports are meant.
STATUS = Column("status")


def marks(statuses: Iterable[AlertStatus]) -> str:
    """Return what a line about reports begins with: each mark once, nothing where all are meant."""
    return "".join(dict.fromkeys(status.mark for status in statuses))
