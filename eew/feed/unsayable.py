"""What a format has no words for, where leaving it out would make an alert of what is none."""

from eew.errors import InputError
from eew.model import AlertStatus, EventReport, ReportKind

__all__ = ["refuse_unsayable"]


def refuse_unsayable(report: EventReport, name: str, *, has_cancel: bool) -> None:
    """Refuse to write an exercise or test, and a cancel unless the format has one: it would read as an alert.

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
