"""What an agency's words say of a report as such: when it was issued, and what it does to its event."""

from datetime import datetime
from typing import NamedTuple

from eew.model.report import IssueBasis, ReportKind

__all__ = ["Issue", "issue", "kind_of"]


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
        The report's own. Nothing is known of an earthquake in the second in which it begins.
    """
    return Issue(stated_at, IssueBasis.STATED) if stated_at > origin_at else Issue(origin_at, IssueBasis.UNKNOWN)


def kind_of(report_no: int, *, is_cancel: bool = False, is_final: bool = False) -> ReportKind:
    """Return the kind of a report by its number, counted from 1, and what is marked."""
    if is_cancel:
        return ReportKind.CANCEL
    if is_final:
        return ReportKind.FINAL
    return ReportKind.NEW if report_no == 1 else ReportKind.UPDATE
