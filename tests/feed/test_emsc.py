"""EMSC: the message of its own example of the stream [EMSC-WS]."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eew.feed.formats.emsc import parse
from eew.feed.parsed import Ignored
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, EventReport, ReportKind

PROPERTIES: dict[str, Any] = {
    "source_id": "1779128",
    "source_catalog": "EMSC-RTS",
    "lastupdate": "2025-03-05T10:06:56.102425Z",
    "time": "2025-03-05T09:45:07.0Z",
    "flynn_region": "WESTERN TURKEY",
    "lat": 40.115,
    "lon": 28.5381,
    "depth": 7.0,
    "evtype": "ke",
    "auth": "AFAD",
    "mag": 1.4,
    "magtype": "ml",
    "unid": "20250305_0000090",
}


def message(action: object = "create", **changes: object) -> bytes:
    geometry = {"type": "Point", "coordinates": [28.5381, 40.115, -7.0]}
    feature = {"type": "Feature", "geometry": geometry, "id": PROPERTIES["unid"], "properties": PROPERTIES | changes}
    return json.dumps({"action": action, "data": feature}).encode()


def parsed(action: object = "create", **changes: object) -> EventReport:
    (part,) = parse(message(action, **changes))
    assert isinstance(part, EventReport)
    return part


def test_solution_is_read() -> None:
    """Its number is its age: 21 minutes and 49 seconds."""
    assert parsed() == EventReport(
        event_id="20250305_0000090",
        source="emsc",
        report_no=21 * 60 + 49,
        kind=ReportKind.NEW,
        status=AlertStatus.ACTUAL,
        issued_at=datetime(2025, 3, 5, 10, 6, 56, 102425, tzinfo=UTC),
        origin_at=datetime(2025, 3, 5, 9, 45, 7, tzinfo=UTC),
        lat_deg=40.115,
        lon_deg=28.5381,
        depth_km=7.0,
        magnitude=1.4,
        magnitude_type="ml",
        place="WESTERN TURKEY",
    )


def test_update_has_a_greater_number() -> None:
    """The later it is issued, the greater; the origin may move."""
    update = parsed("update", lastupdate="2025-03-05T10:08:00Z", time="2025-03-05T09:45:07.9Z")
    assert update.kind is ReportKind.UPDATE
    assert update.report_no == 22 * 60 + 52


def test_deletion_is_a_cancel_and_the_last() -> None:
    """Whether or not it says the hypocentre."""
    for changes in ({}, {"time": None, "lat": None, "lon": None}):
        report = parsed("delete", **changes)
        assert (report.kind, report.report_no) == (ReportKind.CANCEL, 30_000)


@pytest.mark.parametrize(
    ("action", "kind", "reason"),
    [
        ("ping", "ke", "action ping, not create, update, delete"),
        ("create", "kx", "no earthquake but evtype kx"),
        ("update", "ls", "no earthquake but evtype ls"),
    ],
)
def test_what_is_no_earthquake_is_ignored(action: str, kind: str, reason: str) -> None:
    """Explosions, landslides and actions that nobody knows."""
    assert parse(message(action, evtype=kind)) == (Ignored(reason),)


@pytest.mark.parametrize("kind", ["ke", "se", "uk", None])
def test_what_may_be_an_earthquake_is_read(kind: str | None) -> None:
    """Suspected ones, too, and where nothing is said."""
    assert parsed(evtype=kind).event_id == "20250305_0000090"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"time": None}, "data.properties.time"),
        ({"lastupdate": "today"}, "data.properties.lastupdate"),
        ({"unid": None}, "data.properties.unid"),
        ({"lat": None}, "data.properties.lat"),
        ({"lon": "east"}, "data.properties.lon"),
    ],
)
def test_bad_member_is_named(changes: dict[str, object], field: str) -> None:
    """The error says which."""
    with pytest.raises(ReportDecodeError) as caught:
        parsed(**changes)
    assert caught.value.field == field
