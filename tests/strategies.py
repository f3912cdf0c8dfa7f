"""What tests of several rooms make: reports, and hypocentres for properties."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from eew.model.report import AlertStatus, EventReport, ReportKind

__all__ = ["DEPTHS_KM", "LATITUDES", "LONGITUDES", "MAGNITUDES", "make_report"]

#: All that may stand in a message.
LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180)
DEPTHS_KM = st.floats(-10, 800)
MAGNITUDES = st.floats(-2, 10.5)


def make_report(
    report_no: int = 1,
    issued_s: float = 10.0,
    magnitude: float | None = 7.2,
    *,
    event_id: str = "20110311144640",
    source: str = "jma",
    kind: ReportKind = ReportKind.UPDATE,
    status: AlertStatus = AlertStatus.ACTUAL,
    at: datetime,
    origin_s: float = 0.0,
    lat_deg: float = 38.2,
    lon_deg: float = 142.7,
    depth_km: float | None = 10.0,
    **members: Any,
) -> EventReport:
    """Return a report; a cancel has no source.

    Parameters
    ----------
    report_no, event_id, source, kind, status
        As in ``EventReport``.
    at
        From which on seconds count.
    issued_s, origin_s
        When it was issued, and when the earthquake began.
    lat_deg, lon_deg, depth_km, magnitude
        Where and how strong it was.
    members
        What else ``EventReport`` has.
    """
    has_source = kind is not ReportKind.CANCEL
    return EventReport(
        event_id=event_id,
        source=source,
        report_no=report_no,
        kind=kind,
        status=status,
        issued_at=at + timedelta(seconds=issued_s),
        origin_at=at + timedelta(seconds=origin_s) if has_source else None,
        lat_deg=lat_deg if has_source else None,
        lon_deg=lon_deg if has_source else None,
        depth_km=depth_km if has_source else None,
        magnitude=magnitude if has_source else None,
        **members,
    )
