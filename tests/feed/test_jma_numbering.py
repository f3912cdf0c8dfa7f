"""JMA counts its warnings apart from its forecasts: each format says which count a number is of."""

from datetime import UTC, datetime

import pytest

from eew.feed.formats.jma import WARNINGS
from eew.feed.wire_format import wire_format
from eew.model.records import AlertStatus, EventReport, ReportKind


def report(numbering: str | None) -> EventReport:
    return EventReport(
        event_id="20240417231454",
        source="jma",
        report_no=2,
        numbering=numbering,
        kind=ReportKind.UPDATE,
        status=AlertStatus.ACTUAL,
        issued_at=datetime(2024, 4, 17, 14, 15, 10, tzinfo=UTC),
        origin_at=datetime(2024, 4, 17, 14, 14, 47, tzinfo=UTC),
        lat_deg=33.2,
        lon_deg=132.4,
        depth_km=50.0,
        magnitude=6.6,
    )


@pytest.mark.parametrize(
    ("format_name", "read_as"),
    [
        ("jma-xml", {None: None, WARNINGS: WARNINGS}),
        ("dmdata", {None: None, WARNINGS: WARNINGS}),
        ("native", {None: None, WARNINGS: WARNINGS}),
        ("p2pquake", {None: WARNINGS, WARNINGS: WARNINGS}),
        ("wolfx-jma", {None: None, WARNINGS: None}),
        ("jma-history", {None: None, WARNINGS: None}),
    ],
)
def test_which_count_a_number_is_of_is_read_again(format_name: str, read_as: dict[str | None, str | None]) -> None:
    """VXSE43 and P2PQuake count warnings, all others forecasts; where a format has both, it says which."""
    wire = wire_format(format_name)
    found = {}
    for numbering in read_as:
        (parsed,) = wire.parse(wire.render(report(numbering)))
        assert isinstance(parsed, EventReport)
        found[numbering] = parsed.numbering
    assert found == read_as


@pytest.mark.parametrize(("kind", "expected"), [("37", None), ("36", None), ("47", WARNINGS)])
def test_a_code_telegram_to_the_public_counts_warnings(kind: str, expected: str | None) -> None:
    """Types 47 and 48 go to the public, 35 to 37 to those who want every forecast."""
    wire = wire_format("jma-telegram")
    text = wire.render(report(None)).decode()
    head = next(line for line in text.splitlines() if line[:2] in {"36", "37"})
    (parsed,) = wire.parse(text.replace(head, kind + head[2:]).encode())
    assert isinstance(parsed, EventReport)
    assert parsed.numbering == expected
