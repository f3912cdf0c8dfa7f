"""Real-time QuakeML: two streams of PRESTo, messages as SeisComP makes them, and what is refused."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.feed.formats.quakeml import MAX_BYTES, parse, render
from eew.feed.parsed import Heartbeat, Ignored
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, EventReport, ReportKind

STREAMS = [("quakeml_rt_irpinia_1980", 36), ("quakeml_rt_2010", 54)]
PARAMETERS = "{http://quakeml.org/xmlns/bed-rt/1.2}"

#: As SeisComP's stylesheet for displays writes it: no creation times, picks by the origin's arrivals, depth in metres.
SEISCOMP = """<?xml version="1.0" encoding="UTF-8"?>
<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml-rt/1.2" xmlns="http://quakeml.org/xmlns/bed-rt/1.2"
 xmlns:vs="http://quakeml.org/xmlns/vstypes/0.1"><eventParameters publicID="smi:ch.ethz.sed/sc3a/EventParameters">
<magnitude publicID="smi:ch.ethz.sed/sc3a/M1"><mag><value>2.1</value></mag><type>MLv</type></magnitude>
<magnitude publicID="smi:ch.ethz.sed/sc3a/M2"><mag><value>{magnitude}</value></mag><type>MVS</type></magnitude>
<pick publicID="smi:ch.ethz.sed/sc3a/P1"><time><value>2020-06-23T06:25:30.0Z</value></time></pick>
<pick publicID="smi:ch.ethz.sed/sc3a/P2"><time><value>2020-06-23T06:25:41.5Z</value></time></pick>
<pick publicID="smi:ch.ethz.sed/sc3a/P3"><time><value>2020-06-23T06:25:43.0Z</value></time></pick>
<origin publicID="smi:ch.ethz.sed/sc3a/O1"><time><value>2020-06-23T06:00:00Z</value></time>
 <latitude><value>1</value></latitude><longitude><value>1</value></longitude></origin>
<origin publicID="smi:ch.ethz.sed/sc3a/O2"><time><value>{origin}</value></time>
 <latitude><value>46.05</value></latitude><longitude><value>{longitude}</value></longitude>
 <depth><value>{depth}</value></depth>{arrivals}{origin_info}</origin>
<event publicID="{name}"><type>{kind}</type><preferredOriginID>{preferred}</preferredOriginID>
 <preferredMagnitudeID>smi:ch.ethz.sed/sc3a/M2</preferredMagnitudeID><vs:likelihood>{likelihood}</vs:likelihood>
 {event_info}</event>{more}</eventParameters></q:quakeml>"""
ARRIVALS = "".join(f"<arrival><pickID>smi:ch.ethz.sed/sc3a/{pick}</pickID></arrival>" for pick in ("P2", "P3"))
LAST_PICK = datetime(2020, 6, 23, 6, 25, 43, tzinfo=UTC)

times = st.datetimes(datetime(1980, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
words = st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z")
texts = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
reports = st.builds(
    EventReport,
    event_id=words,
    source=words,
    report_no=st.integers(1, 30000),
    kind=st.sampled_from([ReportKind.UPDATE, ReportKind.FINAL, ReportKind.CANCEL]),
    status=st.sampled_from(AlertStatus),
    issued_at=times,
    origin_at=times,
    detected_at=st.none() | times,
    lat_deg=st.floats(-90, 90),
    lon_deg=st.floats(-180, 180),
    depth_km=st.none() | st.floats(-9, 800),
    magnitude=st.none() | st.floats(-2, 10.5),
    place=st.none() | texts,
    likelihood=st.none() | st.floats(0, 1),
)


def message(
    *,
    magnitude: str = "3.69",
    origin: str = "2020-06-23T06:25:38.55Z",
    longitude: str = "6.89",
    depth: str = "20530",
    arrivals: str = ARRIVALS,
    origin_info: str = "",
    name: str = "smi:ch.ethz.sed/sc3a/sed2020mgqd",
    kind: str = "earthquake",
    preferred: str = "smi:ch.ethz.sed/sc3a/O2",
    likelihood: str = "0.4",
    event_info: str = "",
    more: str = "",
) -> bytes:
    """Return a message of the form of SeisComP's, of invented content."""
    return SEISCOMP.format(
        magnitude=magnitude,
        origin=origin,
        longitude=longitude,
        depth=depth,
        arrivals=arrivals,
        origin_info=origin_info,
        name=name,
        kind=kind,
        preferred=preferred,
        likelihood=likelihood,
        event_info=event_info,
        more=more,
    ).encode()


def created(at: str, *, version: str = "") -> str:
    """Return who made a part of a message, and when."""
    return f"<creationInfo><creationTime>{at}</creationTime><version>{version}</version></creationInfo>"


def only_report(data: bytes, file: str | Path | None = None) -> EventReport:
    """Return the one report of a message."""
    (report,) = parse(data, file=file)
    assert isinstance(report, EventReport)
    return report


def stream(reference_data: Path, name: str) -> list[Path]:
    """Return the messages of a stored stream in the order of their names."""
    return sorted((reference_data / "reports" / name).iterdir())


@pytest.mark.reference_data
@pytest.mark.parametrize(("name", "n_messages"), STREAMS)
def test_each_message_of_a_stream_says_what_stands_in_it(reference_data: Path, name: str, n_messages: int) -> None:
    """Hypocentre, magnitude, first pick and time of issue are those of the file, the depth in km."""
    paths = stream(reference_data, name)
    assert len(paths) == n_messages
    for path in paths:
        part = ET.parse(path).getroot().find(f"{PARAMETERS}eventParameters")  # noqa: S314 - a sample of our own folder
        assert part is not None
        values = {
            tag: part.findtext(f"{PARAMETERS}{parent}/{PARAMETERS}{tag}/{PARAMETERS}value", "")
            for parent, tag in (
                ("origin", "time"),
                ("origin", "latitude"),
                ("origin", "longitude"),
                ("origin", "depth"),
                ("magnitude", "mag"),
            )
        }
        picks = [at.text or "" for at in part.iterfind(f"{PARAMETERS}pick/{PARAMETERS}time/{PARAMETERS}value")]
        report = only_report(path.read_bytes(), path)
        assert report.origin_at == datetime.fromisoformat(values["time"])
        assert (report.lat_deg, report.lon_deg) == (float(values["latitude"]), float(values["longitude"]))
        assert report.depth_km == pytest.approx(float(values["depth"]) / 1000, abs=1e-9)
        assert (report.magnitude, report.magnitude_type) == (float(values["mag"]), None)
        assert report.detected_at == min(datetime.fromisoformat(pick) for pick in picks)
        assert report.issued_at == datetime.fromtimestamp(int(path.stem) / 1000, UTC)
        assert (report.source, report.status, report.place) == ("org-presto", AlertStatus.ACTUAL, None)


@pytest.mark.reference_data
@pytest.mark.parametrize("name", [name for name, _ in STREAMS])
def test_numbers_grow_within_a_stream(reference_data: Path, name: str) -> None:
    """A later message has a larger number, or says the same; all are of one event."""
    paths = stream(reference_data, name)
    numbered = [(only_report(path.read_bytes(), path), path.read_bytes()) for path in paths]
    for (earlier, first), (later, second) in pairwise(numbered):
        assert later.report_no > earlier.report_no or (later.report_no == earlier.report_no and first == second)
    assert len({report.event_id for report, _ in numbered}) == 1


@pytest.mark.reference_data
@pytest.mark.parametrize("name", [name for name, _ in STREAMS])
def test_numbers_never_fall_where_no_message_has_a_name(reference_data: Path, name: str) -> None:
    """Received without a file's name, a message counts as sent at its last pick, and the order still holds."""
    nameless = [only_report(path.read_bytes()) for path in stream(reference_data, name)]
    assert all(earlier.report_no <= later.report_no for earlier, later in pairwise(nameless))
    assert all(earlier.issued_at <= later.issued_at for earlier, later in pairwise(nameless))


def test_preferred_parts_are_taken() -> None:
    """Of two origins and magnitudes those that the event prefers count, and the picks that its origin refers to."""
    report = only_report(message())
    assert (report.event_id, report.source) == ("sed2020mgqd", "ch-ethz-sed")
    assert (report.lat_deg, report.lon_deg, report.depth_km) == (46.05, 6.89, 20.53)
    assert (report.magnitude, report.magnitude_type, report.likelihood) == (3.69, "MVS", 0.4)
    assert report.detected_at == datetime(2020, 6, 23, 6, 25, 41, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event_info", "origin_info", "file", "issued_at"),
    [
        (created("2020-06-23T06:25:46Z"), created("2020-06-23T06:25:45Z"), None, LAST_PICK + timedelta(seconds=3)),
        (created("2020-06-23T06:25:44Z"), created("2020-06-23T06:25:47Z"), None, LAST_PICK + timedelta(seconds=4)),
        (created("2020-06-23T06:25:46Z"), "", "1592893548000.xml", LAST_PICK + timedelta(seconds=3)),
        ("", "", "in/1592893548000.xml", LAST_PICK + timedelta(seconds=5)),
        ("", "", "in/20200623.xml", LAST_PICK),
        ("", "", None, LAST_PICK),
    ],
    ids=["event", "origin", "said-and-named", "named", "other-name", "nothing"],
)
def test_time_of_issue_is_the_best_that_is_known(
    event_info: str, origin_info: str, file: str | None, issued_at: datetime
) -> None:
    """The latest creation time, else the file's name, else the last pick, before which nothing can be sent."""
    assert only_report(message(event_info=event_info, origin_info=origin_info), file).issued_at == issued_at


def test_message_without_picks_counts_from_the_origin_time() -> None:
    """With no time at all but the origin's, it is report 1 of that moment."""
    data = message(arrivals="<arrival><pickID>smi:elsewhere/P9</pickID></arrival>")
    report = only_report(data)
    assert (report.issued_at, report.report_no, report.detected_at) == (report.origin_at, 1, None)
    assert only_report(data, "1592893548000.xml").report_no == 9_450 // 5 + 1


@pytest.mark.parametrize(
    ("version", "report_no", "kind"),
    [
        ("1", 1, ReportKind.NEW),
        ("7", 7, ReportKind.UPDATE),
        ("0", 1_000 // 5 + 1, ReportKind.UPDATE),
        ("NC71", 1_000 // 5 + 1, ReportKind.UPDATE),
        ("99999999999", 1_000 // 5 + 1, ReportKind.UPDATE),
    ],
)
def test_version_that_counts_is_the_number(version: str, report_no: int, kind: ReportKind) -> None:
    """A version is free text: what is no count is passed over for 5 ms steps since the first pick."""
    report = only_report(message(event_info=created("2020-06-23T06:25:42.5Z", version=version)))
    assert (report.report_no, report.kind) == (report_no, kind)


def test_numbers_end_where_the_model_ends() -> None:
    """A message an hour later has the largest number there is."""
    assert only_report(message(event_info=created("2020-06-23T07:25:42.5Z"))).report_no == 30_000


def test_event_that_does_not_exist_is_cancelled() -> None:
    """The one type that is no shaking takes the event back, with or without an origin."""
    assert only_report(message(kind="not existing")).kind is ReportKind.CANCEL
    gone = only_report(message(kind="not existing", preferred="smi:none/0"), "1592893548000.xml")
    assert (gone.kind, gone.origin_at) == (ReportKind.CANCEL, None)


@pytest.mark.parametrize("kind", ["earthquake", "quarry blast", "other event", ""])
def test_other_types_of_event_are_read(kind: str) -> None:
    """What shakes the ground is told, whatever made it."""
    assert only_report(message(kind=kind)).kind is ReportKind.UPDATE


@pytest.mark.parametrize(
    ("event_info", "status"),
    [
        ("<comment><text>exercise</text></comment>", AlertStatus.EXERCISE),
        ("<comment><text>a test of wits</text></comment>", AlertStatus.ACTUAL),
        ("<comment/>", AlertStatus.ACTUAL),
    ],
)
def test_comment_that_is_just_the_word_makes_an_exercise(event_info: str, status: AlertStatus) -> None:
    """Any other comment changes nothing."""
    assert only_report(message(event_info=event_info)).status is status


def test_heartbeat_is_told() -> None:
    """SeisComP's own heartbeat is alive at its time."""
    data = (
        b'<hb xmlns="http://heartbeat.reakteu.org" originator="vssc3" sender="a" timestamp="2020-06-23T06:25:38.5Z"/>'
    )
    assert parse(data) == (Heartbeat("vssc3", datetime(2020, 6, 23, 6, 25, 38, 500_000, tzinfo=UTC)),)


def test_message_without_event_is_ignored() -> None:
    """Parameters alone are in order and no report."""
    (parsed,) = parse(b"<quakeml><eventParameters/></quakeml>")
    assert parsed == Ignored("a message without an event")


def test_message_of_two_events_has_two_reports() -> None:
    """Each event is read on its own."""
    more = '<event publicID="smi:ch.ethz.sed/sc3a/second"><type>not existing</type></event>'
    first, second = parse(message(more=more))
    assert isinstance(first, EventReport)
    assert isinstance(second, EventReport)
    assert (first.event_id, first.kind) == ("sed2020mgqd", ReportKind.UPDATE)
    assert (second.event_id, second.kind) == ("second", ReportKind.CANCEL)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (message(origin=""), "origin_at"),
        (message(origin="2020-06-31T00:00:00Z"), "time"),
        (message(preferred="smi:ch.ethz.sed/sc3a/O9", arrivals=""), "origin_at"),
        (message(longitude="181"), "lon_deg"),
        (message(longitude="east"), "longitude"),
        (message(name="smi:ch.ethz.sed/sc3a/"), "event_id"),
        (message(more="<event/>" * 10), "event"),
        (b"<quakeml/>", "eventParameters"),
        (b"<event_message/>", "root"),
        (b" " * (MAX_BYTES + 1), "size"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, field: str) -> None:
    """A message that says something impossible is refused, with the place."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(data, file="bad.xml")
    assert (caught.value.file, caught.value.field) == ("bad.xml", field)


@given(report=reports)
def test_written_message_is_read_as_the_same_event(report: EventReport) -> None:
    """All comes back but what the format has no word for: depth to the millimetre, the rest exactly."""
    back = only_report(render(report))
    for name in EventReport.__struct_fields__:
        if name == "depth_km":
            assert back.depth_km == pytest.approx(report.depth_km, abs=0.6e-6)
        elif name == "kind" and report.report_no == 1 and report.kind is ReportKind.UPDATE:
            assert back.kind is ReportKind.NEW
        else:
            assert getattr(back, name) == getattr(report, name)


@given(place=st.text())
def test_any_place_makes_a_message_that_can_be_read(place: str) -> None:
    """Characters that XML cannot hold are left out."""
    at = datetime(2024, 1, 1, tzinfo=UTC)
    report = EventReport(
        event_id="a",
        source="b",
        report_no=2,
        kind=ReportKind.CANCEL,
        status=AlertStatus.ACTUAL,
        issued_at=at,
        place=place,
    )
    assert only_report(render(report)).issued_at == at


@given(
    slots=st.fixed_dictionaries(
        {},
        optional={
            name: st.text(st.characters(exclude_characters='<&"', exclude_categories=["Cs", "Cc"]))
            | st.floats().map(str)
            | st.integers().map(str)
            for name in ("magnitude", "origin", "longitude", "depth", "name", "kind", "preferred", "likelihood")
        },
    ),
    file=st.none() | st.integers(0, 10**14).map(lambda number: f"{number}.xml"),
)
def test_any_message_is_read_or_refused(slots: dict[str, str], file: str | None) -> None:
    """Nothing but the declared error leaves the reader."""
    with suppress(ReportDecodeError):
        parse(message(**slots), file=file)


@given(data=st.binary() | st.binary().map(lambda tail: message()[:-40] + tail))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but the declared error leaves the reader."""
    with suppress(ReportDecodeError):
        parse(data)
