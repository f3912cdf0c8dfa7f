"""What Wolfx's four feeds of China share: one object of the same shape, whose few differences each feed states."""

from dataclasses import dataclass
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from eew.feed.formats.native import as_report
from eew.feed.formats.wolfx import said_beside
from eew.feed.json_message import parsed_json, time_text
from eew.feed.parsed import Parsed
from eew.feed.report_issue import issue, kind_of
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unsupported
from eew.model.records import AlertStatus, EventReport, ReportKind

__all__ = ["WolfxChina"]

_ZONE = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class WolfxChina:
    """One feed."""

    source: str
    #: How it spells the magnitude. Either spelling is read: that one is mended one day must cost no alert.
    magnitude_key: str
    says_depth: bool = True
    says_final: bool = False
    #: Whether the event's name ends in ``_`` and the number of the report.
    is_id_numbered: bool = False
    #: Whether it says when a report was issued; else it writes the origin time there.
    says_issue: bool = True

    def greeting(self) -> str:
        """Return the question for the last report."""
        return f"query_{self.source}eew"

    def parse(self, data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
        """Read one message, which is one report or something beside the reports.

        Raises
        ------
        ReportDecodeError
            If it is no such message or says something impossible.

        Notes
        -----
        Times are in UTC+8, to the second. A depth of null is unknown. There are no cancels and no drills. The greatest
        intensity is not read.

        A ``ReportTime`` that is not after the origin is no time of issue, since nothing is known of an earthquake in
        the second in which it begins: ``cenc_eew`` writes the origin in every report, while another relay of the same
        reports has the second one 20 s after it. The time of issue is then unknown.

        References
        ----------
        [WOLFX]
        """
        message = parsed_json(data, file=file)
        if (beside := said_beside(message, f"{self.source}_eew", self.source)) is not None:
            return (beside,)
        report_no = message.whole("ReportNum")
        name = message.text("EventID")
        origin_at = message.instant("OriginTime", _ZONE)
        members = {
            "event_id": topic_safe_id(name.removesuffix(f"_{report_no}") if self.is_id_numbered else name),
            "source": self.source,
            "report_no": report_no,
            "kind": kind_of(report_no, is_final=message.flag_or_false("isFinal")),
            "status": AlertStatus.ACTUAL,
            **issue(message.instant("ReportTime", _ZONE), origin_at)._asdict(),
            "origin_at": origin_at,
            "lat_deg": message.number("Latitude"),
            "lon_deg": message.number("Longitude"),
            "depth_km": message.number_or_none("Depth"),
            "magnitude": message.number_or_none("Magunitude" if "Magunitude" in message else "Magnitude"),
            "place": message.text_or_none("HypoCenter"),
        }
        return (as_report(members, file=file, spared=message.spared), *message.spared.parts())

    def render(self, report: EventReport) -> bytes:
        """Write a report.

        Resolution: 1 s, 0.001°, 1 km, 0.1 of magnitude. Not sayable: an exercise or test, which is left out too, when
        CENC's was issued, and whatever the feed has no member for.

        Raises
        ------
        InputError
            If it is a cancel or no real alert: written down it would read as an alert.
        """
        refuse_unsupported(report, f"{self.source}_eew", has_cancel=False)
        name = agency_name(report.event_id)
        members: dict[str, Any] = {
            "type": f"{self.source}_eew",
            "ID": report.report_no,
            "EventID": f"{name}_{report.report_no}" if self.is_id_numbered else name,
            "ReportTime": time_text((not self.says_issue and report.origin_at) or report.issued_at, _ZONE),
            "ReportNum": report.report_no,
            "OriginTime": None if report.origin_at is None else time_text(report.origin_at, _ZONE),
            "HypoCenter": report.place,
            "Latitude": None if report.lat_deg is None else round(report.lat_deg, 3),
            "Longitude": None if report.lon_deg is None else round(report.lon_deg, 3),
            self.magnitude_key: None if report.magnitude is None else round(report.magnitude, 1),
        }
        if self.says_depth:
            members["Depth"] = None if report.depth_km is None else round(report.depth_km)
        if self.says_final:
            members["isFinal"] = report.kind is ReportKind.FINAL
        return msgspec.json.encode(members)
