"""USGS: the summary of its documentation [USGS-GEOJSON]."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eew.feed.formats.usgs import for_one_feed, parse
from eew.feed.intake import Intake
from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.transports.received_message import ReceivedMessage
from eew.feed.wire_format import WireFormat, wire_format
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, EventReport, ReportKind

PROPERTIES: dict[str, Any] = {
    "mag": 7.5,
    "place": "2024 Noto Peninsula, Japan Earthquake",
    "time": 1704093009476,
    "updated": 1704093409000,
    "tz": None,
    "url": "https://earthquake.usgs.gov/earthquakes/eventpage/us6000m0xl",
    "status": "automatic",
    "tsunami": 1,
    "sig": 2122,
    "net": "us",
    "code": "6000m0xl",
    "ids": ",us6000m0xl,",
    "magType": "mww",
    "type": "earthquake",
    "title": "M 7.5 - 2024 Noto Peninsula, Japan Earthquake",
}


def feature(coordinates: object = (137.2705, 37.4874, 10.0), **changes: object) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": coordinates}
    return {"type": "Feature", "properties": PROPERTIES | changes, "geometry": geometry, "id": "us6000m0xl"}


def collection(*features: object) -> bytes:
    metadata = {"generated": 1704093500000, "status": 200, "api": "1.10.3", "count": len(features)}
    return json.dumps({"type": "FeatureCollection", "metadata": metadata, "features": features}).encode()


def parsed(message: bytes) -> EventReport:
    (part,) = parse(message)
    assert isinstance(part, EventReport)
    return part


def test_feature_is_read_alone_and_in_a_collection() -> None:
    """Longitude comes first; the number is the age, 399 s; the tsunami flag is no forecast."""
    report = EventReport(
        event_id="us6000m0xl",
        source="usgs",
        report_no=399,
        kind=ReportKind.UPDATE,
        status=AlertStatus.ACTUAL,
        issued_at=datetime(2024, 1, 1, 7, 16, 49, tzinfo=UTC),
        origin_at=datetime(2024, 1, 1, 7, 10, 9, 476000, tzinfo=UTC),
        lat_deg=37.4874,
        lon_deg=137.2705,
        depth_km=10.0,
        magnitude=7.5,
        magnitude_type="mww",
        place="2024 Noto Peninsula, Japan Earthquake",
    )
    assert parsed(json.dumps(feature()).encode()) == report
    assert parsed(collection(feature())) == report


def test_magnitude_and_depth_may_be_unknown() -> None:
    """Null is unknown; negative ones are real."""
    report = parsed(collection(feature((-122.8, 38.8, None), mag=None)))
    assert (report.magnitude, report.depth_km) == (None, None)
    report = parsed(collection(feature((-122.8, 38.8, -1.2), mag=-0.4)))
    assert (report.magnitude, report.depth_km) == (-0.4, -1.2)


def test_deleted_event_is_a_cancel() -> None:
    """With the last number there is."""
    report = parsed(collection(feature(status="deleted")))
    assert (report.kind, report.report_no) == (ReportKind.CANCEL, 30_000)


def test_what_is_no_earthquake_is_ignored() -> None:
    """Blasts and ice quakes stand in the same list."""
    parts = parse(collection(feature(type="quarry blast"), feature(), feature(type="induced or triggered event")))
    assert parts[0] == Ignored("no earthquake but quarry blast")
    assert [type(part) for part in parts[1:]] == [EventReport, EventReport]


def test_empty_collection_is_a_sign_of_life() -> None:
    """It says when it was made."""
    assert parse(collection()) == (Heartbeat("usgs", datetime(2024, 1, 1, 7, 18, 20, tzinfo=UTC)),)
    assert parse(b'{"type":"FeatureCollection","features":[]}') == (Heartbeat("usgs"),)


def test_bad_feature_costs_only_itself() -> None:
    """It is ignored with a reason."""
    reason = "one of several is not as it should be: lat_deg: expected a number of at most 90.0"
    assert parse(collection(feature([137.0, 91.0, 10.0]), feature()))[0] == Ignored(reason)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"type": "Point"}, "type"),
        (feature(None), "geometry.coordinates"),
        (feature([1.0]), "geometry.coordinates"),
        (feature([137.0, None, 10.0]), "lat_deg"),
        (feature([137.0, 37.0, "10"]), None),
        (feature(updated=None), "properties.updated"),
        (feature(time="2024-01-01"), "properties.time"),
        (feature() | {"id": None}, "id"),
    ],
)
def test_bad_member_is_named(message: dict[str, Any], field: str | None) -> None:
    """The error says which; a number written as text is read."""
    data = json.dumps(message).encode()
    if field is None:
        assert parsed(data).depth_km == 10
        return
    with pytest.raises(ReportDecodeError) as caught:
        parse(data)
    assert caught.value.field == field


def listed(name: str, ids: str | None, **changes: object) -> dict[str, Any]:
    return feature(**changes | {"ids": ids}) | {"id": name}


def names(reader: WireFormat, *features: dict[str, Any]) -> list[str]:
    return [part.event_id for part in reader.parse(collection(*features)) if isinstance(part, EventReport)]


def test_an_earthquake_keeps_its_name_when_another_id_is_preferred() -> None:
    """An earthquake of Alaska had the ids ak022dyy6z7a and us7000ilgj: it is one, whichever it is listed under."""
    both, reader = ",us7000ilgj,ak022dyy6z7a,", for_one_feed()
    assert names(reader, listed("ak022dyy6z7a", ",ak022dyy6z7a,")) == ["ak022dyy6z7a"]
    assert names(reader, listed("us7000ilgj", both)) == ["ak022dyy6z7a"]
    assert names(reader, listed("us7000ilgj", None)) == ["ak022dyy6z7a"]
    assert names(reader, listed("ak022dyy6z7a", both)) == ["ak022dyy6z7a"]
    assert names(for_one_feed(), listed("us7000ilgj", both)) == ["us7000ilgj"]
    # The intake of a feed remembers from message to message.
    intake = Intake(wire_format("usgs"), None, lambda: datetime(2024, 1, 1, 8, tzinfo=UTC))
    messages = [collection(listed("ak1", ",ak1,")), collection(listed("us1", ",us1,ak1,"))]
    found = [outcome.what for data in messages for outcome in intake.read(ReceivedMessage(data, "usgs"))]
    assert [report.event_id for report in found if isinstance(report, EventReport)] == ["ak1", "ak1"]


def test_only_the_id_that_an_earthquake_is_listed_under_takes_it_back() -> None:
    """The other one is no cancel of what goes on."""
    reader = for_one_feed()
    names(reader, listed("nc1", ",nc1,"))
    names(reader, listed("us1", ",us1,nc1,"))
    (part,) = reader.parse(collection(listed("nc1", ",nc1,", status="deleted")))
    assert part == Ignored("an id is deleted whose earthquake is listed under another")
    (part,) = reader.parse(collection(listed("us1", ",us1,nc1,", status="deleted")))
    assert isinstance(part, EventReport)
    assert (part.event_id, part.kind) == ("nc1", ReportKind.CANCEL)


def test_what_the_catalogue_parts_again_is_two_earthquakes() -> None:
    """Neither has the other's id any more."""
    reader = for_one_feed()
    assert names(reader, listed("nc1", ",nc1,us1,")) == ["nc1"]
    assert names(reader, listed("us1", ",us1,"), listed("nc1", ",nc1,")) == ["us1", "nc1"]


def test_ids_are_remembered_within_bounds() -> None:
    """Of one message, and of a feed; a text that is no list of ids costs nothing."""
    reader = for_one_feed()
    for number in range(600):
        names(reader, listed(f"us{number}", "," + ",".join(f"x{number}-{each}" for each in range(100)) + ","))
    assert names(reader, listed("nc2", ",nc2,us0,")) == ["nc2"]
    assert names(reader, listed("nc3", ",nc3,us599,")) == ["us599"]
    assert names(reader, listed("nc4", ",,, ,")) == ["nc4"]
