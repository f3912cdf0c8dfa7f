"""FDSN event services: EMSC's JSON and GlobalQuake's, and the standard's text [FDSN-EVENT]."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from eew.feed.formats import emsc, emsc_fdsn, fdsn_text
from eew.feed.intake import Intake
from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.scenario import load_scenario, scenario_path
from eew.feed.transports.received_message import ReceivedMessage
from eew.feed.wire_format import wire_format
from eew.model.disposition import Disposition
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind

#: An earthquake as EMSC lists it: the third coordinate is a height, below the ground.
PROPERTIES: dict[str, Any] = {
    "time": "2023-02-07T02:30:57.2Z",
    "mag": 4.5,
    "magtype": "ml",
    "depth": 10.0,
    "lat": 26.69,
    "lon": 55.25,
    "flynn_region": "SOUTHERN IRAN",
    "auth": "EMSC",
    "source_id": "1219384",
    "source_catalog": "EMSC-RTS",
    "lastupdate": "2023-02-07T02:45:00.0Z",
    "evtype": "ke",
    "unid": "20230207_0000048",
}
SOUTHERN_IRAN = EventReport(
    event_id="20230207_0000048",
    source="emsc",
    # 14 min 2.8 s after the origin.
    report_no=842,
    kind=ReportKind.UPDATE,
    status=AlertStatus.ACTUAL,
    issued_at=datetime(2023, 2, 7, 2, 45, tzinfo=UTC),
    origin_at=datetime(2023, 2, 7, 2, 30, 57, 200_000, tzinfo=UTC),
    lat_deg=26.69,
    lon_deg=55.25,
    depth_km=10.0,
    magnitude=4.5,
    magnitude_type="ml",
    place="SOUTHERN IRAN",
)


def feature(**changes: object) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [55.25, 26.69, -10.0]}
    return {"type": "Feature", "id": PROPERTIES["unid"], "geometry": geometry, "properties": PROPERTIES | changes}


def collection(*features: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "metadata": {"count": 1}, "features": features}).encode()


def test_a_feature_of_emsc_is_read() -> None:
    """Depth is positive down, whatever the height of its third coordinate; alone or in a collection."""
    assert emsc_fdsn.parse(collection(feature())) == (SOUTHERN_IRAN,)
    assert emsc_fdsn.parse(json.dumps(feature()).encode()) == (SOUTHERN_IRAN,)


def test_the_stream_says_the_same_of_the_same_earthquake() -> None:
    """One id, one number, one agency: neither feed is news after the other."""
    (streamed,) = emsc.parse(json.dumps({"action": "update", "data": feature()}).encode())
    assert streamed == SOUTHERN_IRAN


def test_several_events_are_several_reports() -> None:
    """What is no earthquake is ignored, and what is wrong with one costs only that."""
    features = (feature(), feature(unid="b", lat=-10.5), feature(evtype="kx"), feature(time="then"))
    first, second, blast, wrong = emsc_fdsn.parse(collection(*features))
    assert isinstance(second, EventReport)
    assert (first, second.event_id, second.lat_deg) == (SOUTHERN_IRAN, "b", -10.5)
    assert isinstance(blast, Ignored)
    assert isinstance(wrong, Ignored)


def test_globalquake_is_an_agency_of_its_own() -> None:
    """It names itself as the catalogue and counts its updates in milliseconds."""
    said = {"source_catalog": "GlobalQuake", "lastupdate": 1675737900000, "evtype": "earthquake", "magtype": "gqm"}
    (report,) = emsc_fdsn.parse(collection(feature(**said)))
    assert report == msgspec.structs.replace(SOUTHERN_IRAN, source="globalquake", magnitude_type="gqm")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b'{"type":"Topology"}', "type"),
        (collection(feature(lastupdate=None)), "features[0].properties.lastupdate"),
        (collection(feature(lat=None)), "features[0].properties.lat"),
        (b"[]", None),
    ],
)
def test_other_json_is_refused(data: bytes, field: str | None) -> None:
    """USGS' GeoJSON among it, which has no lastupdate."""
    with pytest.raises(ReportDecodeError) as caught:
        emsc_fdsn.parse(data)
    assert caught.value.field == field


def test_an_empty_collection_is_alive() -> None:
    """Nothing has happened."""
    assert emsc_fdsn.parse(collection()) == (Heartbeat("emsc"),)


HEADING = (
    "#EventID | Time | Latitude | Longitude | Depth/km | Author | Catalog | Contributor | ContributorID | MagType"
    " | Magnitude | MagAuthor | EventLocationName"
)
#: As four services write: with a zone and without, with empty columns, with a type, with a name of a resource.
EMSC = (
    "20171031_0000002|2017-10-31T00:42:12.4Z|-21.71|169.11|25.0|AZER|EMSC-RTS|AZER|627167|mw|6.8|EMSC|LOYALTY ISLANDS"
)
GEOFON = "gfz2026oyxe|2026-08-01T20:27:43.07|35.406|44.659|55.0|||GFZ|gfz2026oyxe|mb|4.48||Iraq|earthquake"
USGS = 'us7000abcd|2020-03-26T15:16:28.000|41.1|-90.2||us|us|us|us7000abcd|mww||us|"Off, somewhere"'
SED = "smi:ch.ethz.sed/sc25a/Event/2026errxzt|2026-03-08T07:02:15.702386|46.178|7.486|-2.3|x@y||SED|z|ML|0.52|x@y|Sion"


def of_text(*lines: str) -> tuple[EventReport | Heartbeat | Ignored, ...]:
    return fdsn_text.parse("\n".join(lines).encode())


def test_a_line_is_read_and_does_not_say_when_it_was_issued() -> None:
    """All the rest; a volcano's focus lies above the sea."""
    emsc_line, geofon, usgs, sed = of_text(f"{HEADING} | EventType", EMSC, GEOFON, USGS, SED)
    assert geofon == EventReport(
        event_id="gfz2026oyxe",
        source="gfz",
        report_no=1,
        numbering="fdsn-text",
        kind=ReportKind.UPDATE,
        status=AlertStatus.ACTUAL,
        issued_at=datetime(2026, 8, 1, 20, 27, 43, 70_000, tzinfo=UTC),
        issue_basis=IssueBasis.UNKNOWN,
        origin_at=datetime(2026, 8, 1, 20, 27, 43, 70_000, tzinfo=UTC),
        lat_deg=35.406,
        lon_deg=44.659,
        depth_km=55.0,
        magnitude=4.48,
        magnitude_type="mb",
        place="Iraq",
    )
    assert [
        (each.event_id, each.source, each.depth_km, each.magnitude, each.place)
        for each in (emsc_line, usgs, sed)
        if isinstance(each, EventReport)
    ] == [
        ("20171031_0000002", "emsc", 25.0, 6.8, "LOYALTY ISLANDS"),
        ("us7000abcd", "usgs", None, None, "Off, somewhere"),
        ("2026errxzt", "sed", -2.3, 0.52, "Sion"),
    ]


def test_without_a_heading_the_columns_are_the_standards() -> None:
    """And with one they may stand in another order."""
    assert of_text(GEOFON) == of_text(f"{HEADING}|EventType", GEOFON)
    (report,) = of_text("#Magnitude|Time|EventID|Longitude|Latitude", "4.5|2026-08-01T20:27:43|a|44.659|35.406")
    assert isinstance(report, EventReport)
    assert (report.event_id, report.magnitude, report.lat_deg, report.source) == ("a", 4.5, 35.406, "fdsn")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("", "update"), ("induced or triggered event", "update"), ("not existing", "cancel"), ("quarry blast", None)],
)
def test_the_type_says_whether_it_was_an_earthquake(kind: str, expected: str | None) -> None:
    """What does not exist is a cancel, and the last word."""
    (part,) = of_text(f"{HEADING}|EventType", GEOFON.replace("|earthquake", f"|{kind}"))
    if expected is None:
        assert part == Ignored("no earthquake but quarry blast")
    else:
        assert isinstance(part, EventReport)
        assert (part.kind, part.report_no) == (expected, 30_000 if expected == "cancel" else 1)


def test_live_the_receipt_is_the_issue_and_what_is_asked_again_is_no_news() -> None:
    """A line that has changed is a later report of the same event."""
    now = [datetime(2026, 8, 1, 20, 30, tzinfo=UTC)]
    intake = Intake(wire_format("fdsn-text"), None, lambda: now[0])
    heading = f"{HEADING}|EventType\n"

    def read(*lines: str) -> list[tuple[Disposition, int, IssueBasis]]:
        outcomes = intake.read(ReceivedMessage((heading + "\n".join(lines)).encode(), "x"))
        return [
            (outcome.disposition, outcome.what.report_no, outcome.what.issue_basis)
            for outcome in outcomes
            if isinstance(outcome.what, EventReport)
        ]

    # 2 min 16.93 s after the origin.
    assert read(GEOFON) == [(Disposition.PARSED, 136, IssueBasis.RECEIVED)]
    now[0] = datetime(2026, 8, 1, 20, 31, tzinfo=UTC)
    second = GEOFON.replace("gfz2026oyxe", "gfz2026zzzz")
    assert read(second, GEOFON) == [
        (Disposition.PARSED, 196, IssueBasis.RECEIVED),
        (Disposition.DUPLICATE, 196, IssueBasis.RECEIVED),
    ]
    assert read(second, GEOFON.replace("4.48", "4.7")) == [
        (Disposition.DUPLICATE, 196, IssueBasis.RECEIVED),
        (Disposition.PARSED, 196, IssueBasis.RECEIVED),
    ]


def test_an_answer_of_too_many_lines_is_refused() -> None:
    """No more than 1 000: each costs a reading."""
    with pytest.raises(ReportDecodeError, match="at most 1000 lines"):
        of_text(*[GEOFON] * 1_001)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", None),
        ("hello", None),
        ("#EventID|Time|Latitude|Longitude", "magnitude"),
        (GEOFON.replace("2026-08-01T", "2026-13-01T"), "Time"),
        (GEOFON.replace("35.406", "north"), "Latitude"),
        (GEOFON.replace("35.406", "95.406"), "lat_deg"),
        ("20171031_0000002|2017-10-31T00:42:12.4Z|-21.71|169.11|25.0", None),
    ],
)
def test_other_text_is_refused(text: str, field: str | None) -> None:
    """The error names the column."""
    with pytest.raises(ReportDecodeError) as caught:
        of_text(text)
    assert caught.value.field == field


def test_a_heading_alone_is_alive_and_a_bad_line_costs_only_itself() -> None:
    """Nothing has happened; something has."""
    assert of_text(HEADING) == (Heartbeat("fdsn"),)
    report, note = of_text(HEADING, EMSC, "x|y")
    assert isinstance(report, EventReport)
    assert isinstance(note, Ignored)


@pytest.mark.parametrize("name", ["emsc-fdsn", "fdsn-text"])
def test_a_scenario_is_read_back(name: str) -> None:
    """To the resolution of each; cancels and drills cannot be said."""
    form = wire_format(name)
    for report in load_scenario(scenario_path("luding-2022")).reports:
        (again,) = form.parse(form.render(report))
        assert isinstance(again, EventReport)
        is_text = name == "fdsn-text"
        assert (again.event_id, again.source) == (report.event_id, report.source if is_text else "emsc")
        assert (again.lat_deg, again.lon_deg, again.depth_km) == (report.lat_deg, report.lon_deg, report.depth_km)
        assert (again.magnitude, again.place) == (report.magnitude, report.place)
        assert again.origin_at == report.origin_at
        assert again.issued_at == (report.origin_at if is_text else report.issued_at)
    for refused in ("false-alarm", "drill"):
        with pytest.raises(InputError):
            form.render(load_scenario(scenario_path(refused)).reports[-1])
