"""Messages that fuzzing begins with: the shipped scenarios in a format, and real messages where they are at hand."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from eew.feed.scenario import load_scenario
from eew.feed.servers.service_behaviour import manner_of
from eew.feed.wire_format import WireFormat
from eew.model.errors import InputError
from eew.model.records import AreaAnswer, EventReport, ReportKind, Severity

__all__ = ["made_messages", "real_messages", "rendered_messages", "service_messages"]

#: Where the reference data have messages of a format.
_REAL: Final = {
    "jma-xml": ("reports/jma_xml_bungo_2024/*.xml",),
    "jma-telegram": ("reports/jma_telegrams/*",),
    "dmdata": ("reports/dmdata/*.json",),
    "jma-history": ("reports/jma_*.json",),
    "shakealert": ("shakealert/*.xml",),
    "quakeml": ("reports/quakeml_rt_*/*.xml",),
}
#: A message of a form that a format reads and does not write, after the pattern of real ones.
_MADE: Final = {
    "cap": (
        b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><id>b</id><content type="text/xml">'
        b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.1"><identifier>B2</identifier><sender>cires.org.mx</sender>'
        b"<sent>2026-05-04T09:19:33-06:00</sent><status>Actual</status><msgType>Update</msgType><scope>Public</scope>"
        b"<references>cires.org.mx,A1,2026-05-04T09:19:32-06:00</references><info><language>es-MX</language>"
        b"<category>Geo</category><event>SASMEX: ALERTA SISMICA en CDMX</event><severity>Severe</severity>"
        b"<area><areaDesc>Region</areaDesc><polygon>15.4,-94.0 18.3,-93.8 18.5,-98.5 15.4,-94.0</polygon></area></info>"
        b'</alert></content></entry><entry><content><alert xmlns="urn:oasis:names:tc:emergency:cap:1.1">'
        b"<identifier>A1</identifier><sender>cires.org.mx</sender><sent>2026-05-04T09:19:32-06:00</sent>"
        b"<status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><event>SASMEX: Sismo</event>"
        b"<parameter><valueName>originTime</valueName><value>2026-05-04T15:19:10Z</value></parameter>"
        b"<area><areaDesc>Zona</areaDesc><circle>17.22,-100.79 70.0</circle></area></info></alert></content></entry>"
        b"</feed>"
    ),
    "fdsn-text": (
        b"#EventID | Time | Latitude | Longitude | Depth/km | Author | Catalog | Contributor | ContributorID | MagType"
        b" | Magnitude | MagAuthor | EventLocationName\n20171031_0000002|2017-10-31T00:42:12.4Z|-21.71|169.11|25.0|EMSC"
        b"|EMSC-RTS|EMSC|627167|mw|6.8|EMSC|LOYALTY ISLANDS\nsmi:a.b/c/d|2017-10-31 00:42:12|1|2||||GFZ||||||\n"
    ),
}
#: Frames of DMDATA's WebSocket: a cancel in each.
_FRAMES: Final = (
    (
        b'{"type":"data","head":{"type":"VXSE44","test":false},"format":"json","compression":"gzip","encod'
        b'ing":"base64","body":"H4sIAAAAAAACAy2OsQrCMBCG3+VWW7g2pWBWXVycuktsTwy0jSRXpZSCo5ubgw8ifaEKvoUJut'
        b"3d9/0/N8DOlUdqFMgBuD8RSCC6xLo9GNso1qaFMQLHijvn2ef6nKcJIghC8fPn++P9uvmbpZOxvFZMhW4CSTHNYsxjFAXmUi"
        b'Qyyxa4lIhepjO1vKn+FuYoMBdJlnrkyGpVb01gfmXNdWjz495UffhUu5VqS6rJ59l2NI5foxMWZckAAAA="}'
    ),
    (
        b'{"type":"data","head":{"type":"VXSE45"},"format":"xml","compression":"zip","encoding":"base64","'
        b'body":"UEsDBBQAAAAIAAAAIQA7OadmlwAAANAAAAABAAAAYbMJSi3ILyqxs3HOzyspys+xswkuSSwpLbZ72TDr6Y4dNvpQr'
        b"o0+XIFHamKKnQ1En0tiSWpIZm6qnZGBkYmugZmugXGIgZmVsaGViYm2gaWVgYGNPppKG9ey1LwSTxewFgMzA2MDM2NDEyMbf"
        b"Zi4jWdeWn5IZUGq3dP+ac+2ddjowwVsglOLMhNz7ICqoSwbfYhzoLbYAQBQSwECFAMUAAAACAAAACEAOzmnZpcAAADQAAAAA"
        b'QAAAAAAAAAAAAAAgAEAAAAAYVBLBQYAAAAAAQABAC8AAAC2AAAAAAA="}'
    ),
    (
        b'{"type":"data","head":{"type":"VXSE43"},"format":"xml","compression":null,"encoding":"utf-8","bo'
        b'dy":"<Report><Control><Status>\\u901a\\u5e38</Status></Control><Head><ReportDateTime>2024-06-03T06'
        b":31:44+09:00</ReportDateTime><EventID>20240603063142</EventID><InfoType>\\u53d6\\u6d88</InfoType><"
        b'Serial>2</Serial></Head></Report>"}'
    ),
)
_SCENARIOS: Final = Path(__file__).resolve().parent.parent / "scenarios"
#: Areas that say where they are, without an intensity.
_SHAPES: Final = (
    AreaAnswer(
        code="MX-CMX",
        name="Ciudad de México",
        severity=Severity.SEVERE,
        polygons=(((19.0, -99.3), (19.6, -99.3), (19.6, -98.9), (19.0, -98.9), (19.0, -99.3)),),
    ),
    AreaAnswer(code="GRO", severity=Severity.MODERATE, circles=((17.2, -100.8, 70.0), (17.0, -99.9, 40.0))),
    AreaAnswer(code="OAX", name="Oaxaca"),
)
_FAULT: Final = (((37.0, 142.0, 5.0), (38.0, 143.0, 5.0), (38.0, 142.5, 30.0), (37.0, 142.0, 5.0)),)


def rendered_messages(wire: WireFormat) -> list[bytes]:
    """Return what a format can say of the reports of the shipped scenarios, and of some with areas and a fault."""
    messages = []
    for report in _reports():
        # Not every format has cancels, drills or all numbers of events.
        with contextlib.suppress(InputError):
            messages.append(wire.render(report))
    return messages


def made_messages(name: str) -> list[bytes]:
    """Return messages that a format reads but does not write, none where it writes all that it reads."""
    if name == "dmdata":
        return list(_FRAMES)
    return [_MADE[name]] if name in _MADE else []


def service_messages(name: str) -> list[bytes]:
    """Return what the service of a format says beside its reports: heartbeats, answers, that there is nothing."""
    manner, at = manner_of(name), datetime(2025, 11, 9, 11, 11, 43, tzinfo=UTC)
    page = None if manner.page is None else manner.page("20251109201143.json", ())
    answers = [manner.answer(text, None) for text in ("ping", '{"type":"auth"}')]
    said = [manner.heartbeat and manner.heartbeat(at), manner.nothing, page and page.body, *answers]
    return [data for data in said if data]


def real_messages(name: str, reference_data: Path) -> list[bytes]:
    """Return the real messages of a format, none where there are none."""
    paths = [path for pattern in _REAL.get(name, ()) for path in sorted(reference_data.glob(pattern))]
    return [path.read_bytes() for path in paths if path.is_file()]


def _reports() -> Iterator[EventReport]:
    for path in sorted(_SCENARIOS.glob("*.toml")):
        for report in load_scenario(path).reports:
            yield report
            if report.report_no == 1 and report.kind is not ReportKind.CANCEL:
                yield msgspec.structs.replace(report, areas=_areas(report), fault=_FAULT, likelihood=0.8, tsunami=True)
                yield msgspec.structs.replace(
                    report, origin_at=None, lat_deg=None, lon_deg=None, depth_km=None, magnitude=None, areas=_SHAPES
                )


def _areas(report: EventReport) -> tuple[AreaAnswer, ...]:
    return tuple(
        AreaAnswer(
            code=code,
            name=name,
            intensity_from=4.5,
            intensity_to=to,
            s_arrival_at=None if to is None else report.issued_at + timedelta(seconds=9),
        )
        for code, name, to in (("622", "愛媛県南予", 5.0), ("752", "大分県南部", None), ("751", "大分県中部", 4.5))
    )
