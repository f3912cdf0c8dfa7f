"""ShakeAlert messages: the agency's own samples, what each word means, and what is refused."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from eew.feed.formats.shakealert import parse, render
from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.wire_format import wire_format
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, EventReport, ReportKind

#: Half of the last decimal that is written, and a little for the rounding of binary numbers.
RESOLUTION = 0.5e-4 + 1e-9

MESSAGE = """<event_message orig_sys="dm" message_type="{kind}" version="{version}" {category}
 timestamp="{timestamp}"><core_info id="{name}"><mag units="Mw"> {magnitude} </mag><mag_uncer units="Mw">0.5</mag_uncer>
 <lat units="deg">37.04</lat><lon units="deg"> -121.88 </lon><depth units="km">5</depth>
 <orig_time units="UTC">{origin} </orig_time><likelihood>{likelihood}</likelihood></core_info>{tail}</event_message>"""

degrees = st.floats(-179.9, 179.9)
vertices = st.tuples(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 100))
times = st.datetimes(datetime(1980, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
reports = st.builds(
    EventReport,
    event_id=st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z"),
    source=st.just("usgs-shakealert"),
    report_no=st.integers(1, 30000),
    kind=st.sampled_from(ReportKind),
    status=st.sampled_from(AlertStatus),
    issued_at=times,
    origin_at=times,
    lat_deg=st.floats(-90, 90),
    lon_deg=degrees,
    depth_km=st.none() | st.floats(-9, 800),
    magnitude=st.none() | st.floats(-2, 10.5),
    likelihood=st.none() | st.floats(0, 1),
    fault=st.none() | st.lists(st.lists(vertices, min_size=2).map(tuple), min_size=1, max_size=3).map(tuple),
)


def message(
    *,
    kind: str = "update",
    version: str = "3",
    category: str = 'category="live"',
    timestamp: str = "2024-01-01T00:00:09.5Z",
    name: str = "ew123",
    magnitude: str = "6.9",
    origin: str = "2024-01-01T00:00:00.000Z",
    likelihood: str = "0.9",
    tail: str = "",
) -> bytes:
    """Return a message of schema v10, of invented content."""
    return MESSAGE.format(
        kind=kind,
        version=version,
        category=category,
        timestamp=timestamp,
        name=name,
        magnitude=magnitude,
        origin=origin,
        likelihood=likelihood,
        tail=tail,
    ).encode()


def only_report(data: bytes) -> EventReport:
    """Return the one report of a message."""
    (report,) = parse(data)
    assert isinstance(report, EventReport)
    return report


@pytest.mark.reference_data
def test_sample_event_is_read(reference_data: Path) -> None:
    """Loma Prieta says what a person reads in it: version 0 is report 1, and category test is a test."""
    path = reference_data / "shakealert/1989_LomaPrieta_M6.9.xml"
    report = only_report(path.read_bytes())
    assert (report.source, report.report_no) == ("usgs-shakealert", 1)
    assert (report.kind, report.status) == (ReportKind.NEW, AlertStatus.TEST)
    assert report.event_id == "1989_LomaPrieta_M6_x2E9"
    assert report.issued_at == datetime(1989, 10, 17, 5, 4, 4, tzinfo=UTC)
    assert report.origin_at == datetime(1989, 10, 17, 5, 4, tzinfo=UTC)
    assert (report.lat_deg, report.lon_deg, report.depth_km) == (37.04, -121.88, 5.0)
    assert (report.magnitude, report.magnitude_type, report.likelihood) == (6.9, "Mw", 1.0)
    assert (report.fault, report.areas, report.detected_at) == (None, None, None)


@pytest.mark.reference_data
@pytest.mark.parametrize("event", ["1989_LomaPrieta_M6.9", "2014_Haywired_M7.0"])
def test_messages_with_contours_and_map_are_the_same_report(reference_data: Path, event: str) -> None:
    """The three messages of one version are read into equal reports."""
    folder = reference_data / "shakealert"
    alone, contours, map_ = (parse((folder / f"{event}{tail}.xml").read_bytes()) for tail in ("", "_contour", "_map"))
    assert alone == contours == map_


@pytest.mark.reference_data
def test_sample_fault_is_read_vertex_by_vertex(reference_data: Path) -> None:
    """Cascadia's line has the two vertices that stand in its message."""
    data = (reference_data / "shakealert/SYN_CascadiaShallow_M9.3_00_contour.xml").read_bytes()
    expected = tuple(
        tuple(float(vertex.findtext(tag, "")) for tag in ("lat", "lon", "depth"))
        for vertex in ET.fromstring(data).iterfind(".//vertex")  # noqa: S314 - a sample of our own folder
    )
    report = only_report(data)
    assert report.fault == (expected,)
    assert expected == ((49.2529, -127.6447, 0.0), (48.6889, -127.0801, 0.0))
    assert report.issued_at == datetime(2013, 10, 10, 12, 0, 29, 40_000, tzinfo=UTC)
    assert (report.magnitude, report.likelihood) == (7.71, 0.8478)


@pytest.mark.reference_data
def test_sample_system_status_is_a_heartbeat(reference_data: Path) -> None:
    """A status is alive at its time, whose zone is spelt UTC."""
    parsed = parse((reference_data / "shakealert/system_status.xml").read_bytes())
    assert parsed == (Heartbeat("usgs-shakealert", datetime(2022, 6, 1, 12, 23, 10, tzinfo=UTC)),)


@pytest.mark.parametrize(
    ("word", "kind"), [("new", ReportKind.NEW), ("update", ReportKind.UPDATE), ("delete", ReportKind.CANCEL)]
)
def test_message_type_is_the_kind(word: str, kind: ReportKind) -> None:
    """A delete cancels."""
    report = only_report(message(kind=word))
    assert (report.kind, report.report_no) == (kind, 4)


@pytest.mark.parametrize("said", ["true", "qualified", "false"])
def test_follow_up_is_ignored_with_what_it_says(said: str) -> None:
    """A reviewer's word after the event is no report and cancels nothing."""
    tail = f'<follow_up_info follow_up_type="{said}"/>'
    (parsed,) = parse(message(kind="follow_up", tail=tail))
    assert isinstance(parsed, Ignored)
    assert f"{said} alert" in parsed.reason


@pytest.mark.parametrize(
    ("category", "name", "status"),
    [
        ('category="live"', "ew123", AlertStatus.ACTUAL),
        ("", "ew123", AlertStatus.ACTUAL),
        ('category="test"', "ew123", AlertStatus.TEST),
        ('category="scenario"', "ew123", AlertStatus.TEST),
        ('category="live"', "test_ew123", AlertStatus.TEST),
        ('category="live"', "TEST7", AlertStatus.TEST),
    ],
)
def test_only_live_events_that_are_not_called_test_are_meant(category: str, name: str, status: AlertStatus) -> None:
    """Without a category the schema takes a message for live; a name that begins with "test" outweighs it."""
    assert only_report(message(category=category, name=name)).status is status


def test_fault_marked_for_attenuation_is_taken() -> None:
    """Of two faults the one that ground motion is reckoned from counts, with all its segments."""
    segment = "<segment><vertices>{}</vertices></segment>"
    vertex = "<vertex><lat>{}</lat><lon>-121</lon><depth units=''>{}</depth></vertex>"
    line = segment.format(vertex.format(36, 0) + vertex.format(37, 0))
    plane = segment.format("".join(vertex.format(lat, depth) for lat, depth in ((36, 0), (37, 0), (37, 9), (36, 9))))
    tail = (
        f'<fault_info><finite_fault atten_geom="false">{line}</finite_fault>'
        f'<finite_fault atten_geom="true">{plane}{line}</finite_fault></fault_info>'
    )
    lower = ((37.0, -121.0, 9.0), (36.0, -121.0, 9.0))
    upper = ((36.0, -121.0, 0.0), (37.0, -121.0, 0.0))
    assert only_report(message(tail=tail)).fault == ((*upper, *lower), upper)


def test_message_without_time_of_sending_is_not_lost() -> None:
    """The schema lets the timestamp be a dash; the origin time stands for it."""
    report = only_report(message(timestamp="-"))
    assert report.issued_at == report.origin_at


def test_unknown_magnitude_is_none() -> None:
    """No number is no magnitude, and has no type."""
    report = only_report(message(magnitude="nan"))
    assert (report.magnitude, report.magnitude_type) == (None, None)


def test_offset_of_a_time_is_kept() -> None:
    """Nine hours east of Greenwich is nine hours earlier in UTC."""
    report = only_report(message(origin="2024-01-01T08:59:59+09:00"))
    assert report.origin_at == datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (message(kind="revoke"), "message_type"),
        (message(version="-1"), "version"),
        (message(version="1" * 400), "version"),
        (message(version="29999").replace(b"29999", b"30000"), "report_no"),
        (message(name="." * 900_000), "event_id"),
        (message(origin="2024-02-30T00:00:00Z"), "orig_time"),
        (message(origin=""), "origin_at"),
        (message(name=""), "event_id"),
        (message().replace(b"core_info", b"info"), "core_info"),
        (message().replace(b"37.04", b"nan"), "lat_deg"),
        (b"<quakeml/>", "root"),
        (b"<!DOCTYPE event_message><event_message/>", "<!DOCTYPE"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, field: str) -> None:
    """A message that says something impossible is refused, with the place."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(data, file="bad.xml")
    assert (caught.value.file, caught.value.field) == ("bad.xml", field)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (message(magnitude="1e999"), "mag"),
        (message(magnitude="1" * 900_000 + "x"), "mag"),
        (message(timestamp=f"2024-01-01T00:00:00.{'0' * 100}Z"), "timestamp"),
        (message(timestamp="0001-01-01T00:00:00+10:00"), "timestamp"),
        (message(tail="<fault_info><finite_fault/></fault_info>"), "fault"),
        (
            message(
                tail="<fault_info><finite_fault><segment><vertices>%s</vertices></segment></finite_fault></fault_info>"
                % ("<vertex/>" * 1001)
            ),
            "finite_fault",
        ),
    ],
    ids=["endless", "long", "long time", "before all time", "no segments", "too many vertices"],
)
def test_what_is_wrong_and_need_not_be_there_is_left_out(data: bytes, field: str) -> None:
    """However it is wrong."""
    report, left_out = parse(data)
    assert isinstance(report, EventReport)
    assert isinstance(left_out, Ignored)
    assert left_out.reason.startswith(f"{field}: ")


@pytest.mark.parametrize("unknown", ["-9.9", "-9.90", "-999.9"])
def test_seiscomps_words_for_unknown_are_unknown(unknown: str) -> None:
    """Nothing is left out, since nothing was said; the report is read."""
    report = only_report(message(magnitude=unknown, likelihood=unknown).replace(b">5<", f">{unknown}<".encode()))
    assert (report.magnitude, report.likelihood, report.depth_km) == (None, None, None)


def test_the_first_of_them_is_a_place_on_the_earth() -> None:
    """9.9° south, 9.9° west is in the Atlantic; 999.9 is nowhere."""
    report = only_report(message().replace(b"37.04", b"-9.9").replace(b"-121.88", b"-9.9"))
    assert (report.lat_deg, report.lon_deg) == (-9.9, -9.9)
    with pytest.raises(ReportDecodeError) as caught:
        parse(message().replace(b"37.04", b"-999.9"))
    assert caught.value.field == "lat_deg"


@pytest.mark.parametrize("name", ["shakealert", "quakeml"])
@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("Wed Jun 24 04:09:15 2020", datetime(2020, 6, 24, 4, 9, 15, tzinfo=UTC)),
        ("Mon Jun  1 04:09:15 2020", datetime(2020, 6, 1, 4, 9, 15, tzinfo=UTC)),
        ("2020-06-24T04:09:15.5Z", datetime(2020, 6, 24, 4, 9, 15, 500000, tzinfo=UTC)),
        ("Wed Feb 30 04:09:15 2020", None),
        ("Mit Okt 24 04:09:15 2020", None),
    ],
)
def test_a_heartbeat_is_a_sign_of_life(name: str, sent: str, at: datetime | None) -> None:
    """On the topic of the reports, its time in ISO's form or C's."""
    head = '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>'
    data = f'{head}\n<hb originator="f.i1" sender="f" timestamp="{sent}"/>'
    life, *left_out = wire_format(name).parse(data.encode())
    assert isinstance(life, Heartbeat)
    assert life.at == at
    assert len(left_out) == (at is None)


@given(report=reports)
def test_written_message_is_read_as_the_same_event(report: EventReport) -> None:
    """Times come back to the millisecond, numbers to the fourth decimal, words as far as the format has them."""
    assume(report.status is not AlertStatus.ACTUAL or not report.event_id.lower().startswith("test"))
    back = only_report(render(report))
    assert (back.event_id, back.report_no, back.source) == (report.event_id, report.report_no, report.source)
    assert back.kind is (ReportKind.UPDATE if report.kind is ReportKind.FINAL else report.kind)
    assert (back.status is AlertStatus.ACTUAL) == (report.status is AlertStatus.ACTUAL)
    for name in ("issued_at", "origin_at"):
        assert timedelta(0) <= getattr(report, name) - getattr(back, name) < timedelta(milliseconds=1)
    for name in ("lat_deg", "lon_deg", "depth_km", "magnitude", "likelihood"):
        assert getattr(back, name) == pytest.approx(getattr(report, name), abs=RESOLUTION)
    assert (back.fault is None) == (report.fault is None)
    for ours, theirs in zip(back.fault or (), report.fault or (), strict=True):
        assert [number for vertex in ours for number in vertex] == pytest.approx(
            [number for vertex in theirs for number in vertex], abs=RESOLUTION
        )


def test_cancel_without_hypocentre_is_written_and_read() -> None:
    """A cancel may know nothing but what it cancels."""
    at = datetime(2024, 1, 1, tzinfo=UTC)
    report = EventReport(
        event_id="a", source="jma", report_no=7, kind=ReportKind.CANCEL, status=AlertStatus.ACTUAL, issued_at=at
    )
    back = only_report(render(report))
    assert (back.kind, back.issued_at, back.origin_at, back.lat_deg) == (ReportKind.CANCEL, at, None, None)


@given(
    slots=st.fixed_dictionaries(
        {},
        optional={
            name: st.text(st.characters(exclude_characters="<&", exclude_categories=["Cs", "Cc"]))
            | st.floats().map(str)
            | st.integers().map(str)
            for name in ("kind", "version", "category", "timestamp", "name", "magnitude", "origin", "likelihood")
        },
    ),
    tail=st.text(max_size=40),
)
@example(slots={"timestamp": "9999-12-31T23:59:59-10:00"}, tail="")
@example(slots={}, tail="<fault_info><finite_fault><segment/></finite_fault></fault_info>")
def test_any_message_is_read_or_refused(slots: dict[str, str], tail: str) -> None:
    """Nothing but the declared error leaves the reader."""
    filled = {name: text.replace('"', "") if name != "category" else "" for name, text in slots.items()}
    with suppress(ReportDecodeError):
        parse(message(**filled, tail=tail.encode(errors="ignore").decode()))


@given(data=st.binary() | st.binary().map(lambda tail: message()[:-40] + tail))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but the declared error leaves the reader."""
    with suppress(ReportDecodeError):
        parse(data)
