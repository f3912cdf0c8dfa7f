"""Reports that know which areas shake and not from where."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from eew.feed.convert import read_reports
from eew.feed.formats.native import decode_report, encode_report
from eew.feed.servers.play import parts_of
from eew.feed.wire_format import FORMATS, wire_format
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind, Severity

AREAS = (
    AreaAnswer(
        code="MX-CMX",
        name="Ciudad de México",
        severity=Severity.SEVERE,
        polygons=(((19.0, -99.3), (19.6, -99.3), (19.6, -98.9), (19.0, -99.3)),),
        circles=((19.4, -99.1, 30.0),),
    ),
)
REPORT = EventReport(
    event_id="20260908152605",
    source="sasmex",
    report_no=1,
    kind=ReportKind.NEW,
    status=AlertStatus.ACTUAL,
    issued_at=datetime(2026, 9, 8, 21, 26, 5, tzinfo=UTC),
    areas=AREAS,
)


def test_it_is_a_report() -> None:
    """Native JSON says it and reads it back; without areas it would know nothing."""
    assert decode_report(encode_report(REPORT)) == REPORT
    assert not REPORT.is_located
    with pytest.raises(ReportDecodeError) as caught:
        decode_report(encode_report(REPORT).replace(b'"areas":[', b'"were":['))
    assert caught.value.field == "origin_at"


@pytest.mark.parametrize(
    "edge",
    [
        {"polygons": [[[19.0, -99.3], [19.6, -99.3], [19.0, -99.3]]]},
        {"polygons": [[[99.0, -99.3], [19.6, -99.3], [19.5, -99.3], [99.0, -99.3]]]},
        {"circles": [[19.0, -99.3, -1.0]]},
        {"severity": "Severe"},
    ],
)
def test_areas_that_are_none_are_refused(edge: dict[str, object]) -> None:
    """Rings have four corners on Earth, circles a size, severities are CAP's words in small letters."""
    members = msgspec.json.decode(encode_report(REPORT))
    members["areas"][0] |= edge
    with pytest.raises(ReportDecodeError) as caught:
        decode_report(msgspec.json.encode(members))
    assert (caught.value.field or "").startswith(f"areas[0].{next(iter(edge))}")


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_it_or_refuses(name: str) -> None:
    """No format makes something else of it, and a server leaves out what cannot be said."""
    parts, left_out = parts_of([REPORT], name)
    assert len(parts) + len(left_out) == 1
    try:
        (again,) = wire_format(name).parse(wire_format(name).render(REPORT))
    except InputError:
        assert not parts
    else:
        assert isinstance(again, EventReport)
        assert not again.is_located
        assert [area.name for area in again.areas or ()] == ["Ciudad de México"]


def test_a_scenario_cannot_hold_it(tmp_path: Path) -> None:
    """Its file has no areas: said at once, not when it is read back."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(encode_report(REPORT))
    with pytest.raises(InputError) as caught:
        read_reports([path])
    assert (caught.value.file, caught.value.field) == (str(path), "origin_at")
