"""Refuse what a format cannot express, where leaving it out would turn it into an alert."""

from eew.model.errors import InputError
from eew.model.records import AlertStatus, EventReport, ReportKind, Solution

__all__ = ["located", "refuse_unlocated", "refuse_unsupported"]


def refuse_unsupported(report: EventReport, name: str, *, has_cancel: bool) -> None:
    """Refuse to write an exercise or test, a cancel unless the format has one, and areas without a hypocentre.

    The first two would read as an alert.

    Raises
    ------
    InputError
        Naming the format.
    """
    if report.status is not AlertStatus.ACTUAL:
        expected = f"a report that {name} can say: it has no {report.status}"
        raise InputError(expected, field="status", value=str(report.status))
    if report.kind is ReportKind.CANCEL and not has_cancel:
        expected = f"a report that {name} can say: it has no {report.kind}"
        raise InputError(expected, field="kind", value=str(report.kind))
    refuse_unlocated(report, name)


def refuse_unlocated(report: EventReport, name: str) -> None:
    """Refuse to write a report of areas alone, unless it is a cancel.

    Raises
    ------
    InputError
        Naming the format.
    """
    if report.kind is not ReportKind.CANCEL:
        located(report, name)


def located(report: EventReport, name: str) -> Solution:
    """Return the solution that is to be written.

    Raises
    ------
    InputError
        If there is none, naming the format.
    """
    solution = report.solution
    if solution is None:
        raise InputError(f"a report that {name} can say: it needs a hypocentre", field="lat_deg", value=report.lat_deg)
    return solution
