"""That a report is an exercise or a test, in tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from eew.model.report import AlertStatus
from eew.view.grid import Column

__all__ = ["STATUS", "marks"]

#: Never falls; it is not there where all reports are meant.
STATUS = Column("status")


def marks(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return what a line about reports of a summary begins with: each mark once, nothing where all are meant."""
    return "".join(dict.fromkeys(AlertStatus(report["status"]).mark for report in reports))
