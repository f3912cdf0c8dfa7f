"""Messages that fuzzing begins with: the shipped scenarios in a format, and real messages where they are at hand."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from eew.errors import InputError
from eew.feed.scenario import load_scenario
from eew.feed.wire_format import WireFormat
from eew.model import AreaAnswer, EventReport, ReportKind, Severity

__all__ = ["real_messages", "rendered_messages"]

#: Where the reference data have messages of a format.
_REAL: Final = {
    "jma-xml": ("reports/jma_xml_bungo_2024/*.xml",),
    "jma-telegram": ("reports/jma_telegrams/*",),
    "dmdata": ("reports/dmdata/*.json",),
    "jma-history": ("reports/jma_*.json",),
    "shakealert": ("shakealert/*.xml",),
    "quakeml": ("reports/quakeml_rt_*/*.xml",),
}
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
