"""CAP: what SASMEX, ATTAC and our own dispatcher say in it, and the standard's own words [CAP12]."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from eew.cli.main import main
from eew.feed.formats.cap import for_one_feed, parse, render
from eew.feed.intake import Intake
from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.scenario import load_scenario, scenario_path
from eew.feed.transports.received_message import ReceivedMessage
from eew.feed.wire_format import wire_format
from eew.model.disposition import Disposition
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind, Severity

SENT_AT = datetime(2026, 9, 8, 21, 26, 5, tzinfo=UTC)
#: A state in outline, and the same as a report has it.
POLYGON = "15.48,-94.06 18.35,-93.87 18.55,-98.59 15.62,-98.70 15.48,-94.06"
RING = ((15.48, -94.06), (18.35, -93.87), (18.55, -98.59), (15.62, -98.7), (15.48, -94.06))
#: As SeisComP writes them for ATTAC.
ATTAC = {
    "originTime": "2023-03-10T13:11:36.571136Z",
    "magnitude": "4.810015202",
    "latitude": "13.86451741",
    "longitude": "-91.82912431",
    "depth": "52.77099609",
}


def area(name: str = "", shape: str = "", **codes: str) -> str:
    geocodes = (f"<geocode><valueName>{k}</valueName><value>{v}</value></geocode>" for k, v in codes.items())
    return f"<area><areaDesc>{name}</areaDesc>{shape}{''.join(geocodes)}</area>"


def info(
    inner: str = "", *, event: str = "Earthquake", severity: str = "Severe", said: dict[str, str] | None = None
) -> str:
    pairs = (f"<parameter><valueName>{k}</valueName><value>{v}</value></parameter>" for k, v in (said or {}).items())
    return (
        f"<info><language>en-US</language><category>Geo</category><event>{event}</event><urgency>Immediate</urgency>"
        f"<severity>{severity}</severity><certainty>Observed</certainty>{''.join(pairs)}{inner}</info>"
    )


def alert(
    body: str,
    *,
    identifier: str = "id-1",
    sender: str = "net",
    sent: str = "2026-09-08T21:26:05-00:00",
    status: str = "Actual",
    kind: str = "Alert",
    references: str = "",
    version: str = "1.2",
) -> str:
    refers = f"<references>{references}</references>" if references else ""
    return (
        f'<alert xmlns="urn:oasis:names:tc:emergency:cap:{version}"><identifier>{identifier}</identifier>'
        f"<sender>{sender}</sender><sent>{sent}</sent><status>{status}</status><msgType>{kind}</msgType>"
        f"<scope>Public</scope>{refers}{body}</alert>"
    )


def sasmex(event: str, **named: str) -> str:
    """Return an alert as SASMEX's, without severity and area."""
    said = info(event=event).replace("<severity>Severe</severity>", "")
    return alert(said, sender="cires.org.mx", version="1.1", **named)


def atom(*alerts: str) -> bytes:
    entries = (f'<entry><id>x</id><content type="text/xml">{each}</content></entry>' for each in alerts)
    return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'.encode()


def parsed(text: str) -> EventReport:
    (part,) = parse(text.encode())
    assert isinstance(part, EventReport)
    return part


def test_attac_is_a_report_with_a_hypocentre() -> None:
    """Its parameters say all; its area is only a name. Its number: 44.75 s after the origin, in steps of 0.1 s."""
    body = info(area("Near Coast of Guatemala"), severity="Unknown", said=ATTAC)
    text = alert(body, identifier="marn2023evgi", sender="MARN", sent="2023-03-10T13:12:21.325421Z")
    assert parsed(text) == EventReport(
        event_id="marn2023evgi",
        source="MARN",
        report_no=448,
        numbering="cap",
        kind=ReportKind.NEW,
        status=AlertStatus.ACTUAL,
        issued_at=datetime(2023, 3, 10, 13, 12, 21, 325421, tzinfo=UTC),
        origin_at=datetime(2023, 3, 10, 13, 11, 36, 571136, tzinfo=UTC),
        lat_deg=13.86451741,
        lon_deg=-91.82912431,
        depth_km=52.77099609,
        magnitude=4.810015202,
        place="Near Coast of Guatemala",
    )


def test_later_messages_of_one_identifier_have_greater_numbers() -> None:
    """As SeisComP sends them: all are alerts, under the event's name."""
    numbers = [
        parsed(alert(info(said=ATTAC), identifier="marn2023evgi", sent=f"2023-03-10T13:12:{s}Z")).report_no
        for s in ("21.3", "21.5", "22.5")
    ]
    assert numbers == [448, 450, 460]


@pytest.mark.parametrize(
    ("event", "severity"),
    [
        ("SASMEX: Sismo Moderado", Severity.MODERATE),
        ("SASMEX: Sismo Moderado en Petatlan Gro", Severity.MODERATE),
        ("SASMEX: ALERTA SISMICA en CDMX por sismo en Costa Oax-Gro", Severity.SEVERE),
        ("SASMEX: Sismo Fuerte", Severity.SEVERE),
        ("SASMEX: Sismo", None),
    ],
)
def test_sasmex_is_a_report_of_mexico_city(event: str, severity: Severity | None) -> None:
    """CAP 1.1 in Atom, without coordinates; how bad it is stands in the event's text."""
    text = sasmex(event, identifier="CIRES20260908212605", sent="2026-09-08T15:26:05-06:00")
    (report,) = parse(atom(text))
    assert report == EventReport(
        event_id="CIRES20260908212605",
        source="sasmex",
        report_no=1,
        numbering="cap",
        kind=ReportKind.NEW,
        status=AlertStatus.ACTUAL,
        issued_at=SENT_AT,
        areas=(AreaAnswer(code="MX-CMX", name="Ciudad de México", severity=severity),),
    )


def test_an_area_that_sasmex_names_is_its_area() -> None:
    """With its polygon or circle; what the severity says counts before the event's text."""
    shape = f"<polygon>{POLYGON}</polygon><polygon/><circle>17.22,-100.79 70.0</circle>"
    body = info(area("Region de Alertamiento", shape), event="SASMEX: Sismo Moderado")
    report = parsed(alert(body, sender="cires.org.mx"))
    assert report.areas == (
        AreaAnswer(
            code="Region de Alertamiento",
            name="Region de Alertamiento",
            severity=Severity.SEVERE,
            polygons=(RING,),
            circles=((17.22, -100.79, 70.0),),
        ),
    )


def test_severities_are_those_of_each_info() -> None:
    """One info a level; other languages repeat the first."""
    first = info(area("A", "<circle>17,-100 10</circle>"), severity="Extreme")
    second = info(area("B", "<circle>17,-100 50</circle>"), severity="Unknown")
    spanish = first.replace("en-US", "es-MX")
    report = parsed(alert(first + second + spanish))
    assert [(each.code, each.severity) for each in report.areas or ()] == [("A", Severity.EXTREME), ("B", None)]


def test_areas_without_a_shape_are_their_codes_or_a_name() -> None:
    """A code each; a name alone counts where no hypocentre is known."""
    report = parsed(alert(info(area("Two counties", FIPS="06037", UGC="CAZ041") + area("Somewhere"))))
    assert [(each.code, each.name) for each in report.areas or ()] == [
        ("06037", "Two counties"),
        ("CAZ041", "Two counties"),
        ("Somewhere", "Somewhere"),
    ]


@pytest.mark.parametrize(("status", "expected"), [("Actual", "actual"), ("Exercise", "exercise"), ("Test", "test")])
def test_status_is_the_standards(status: str, expected: str) -> None:
    """An exercise stays one."""
    assert parsed(alert(info(said=ATTAC), status=status)).status == expected


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"status": "System"}, "no alert but System Alert"),
        ({"status": "Draft"}, "no alert but Draft Alert"),
        ({"kind": "Ack"}, "no alert but Actual Ack"),
        ({"kind": "Error"}, "no alert but Actual Error"),
    ],
)
def test_what_is_no_alert_is_ignored(named: dict[str, str], reason: str) -> None:
    """Words between machines and drafts."""
    assert parse(alert(info(said=ATTAC), **named).encode()) == (Ignored(reason),)


def test_other_hazards_are_ignored() -> None:
    """By the event's text; its code counts as well."""
    assert parse(alert(info(event="Flash Flood Warning")).encode()) == (
        Ignored("no earthquake but Flash Flood Warning"),
    )
    code = "<eventCode><valueName>SAME</valueName><value>EQW</value></eventCode>"
    report = parsed(alert(info(code + area("A", SAME="006037"), event="Shake Alert")))
    assert [each.code for each in report.areas or ()] == ["006037"]
    assert parse(alert("").encode()) == (Ignored("an alert without information"),)


FIRST, SECOND = "net,id-1,2026-09-08T21:26:05-00:00", "net,id-2,2026-09-08T21:26:09-00:00"


def test_an_update_is_of_the_event_of_the_earliest_that_it_names() -> None:
    """Its number grows with the time since that one: 9 s in steps of 0.1 s."""
    body = info(area("A", f"<polygon>{POLYGON}</polygon>"))
    update = parsed(
        alert(body, identifier="id-3", kind="Update", references=f"{SECOND} {FIRST}", sent="2026-09-08T21:26:14-00:00")
    )
    assert (update.event_id, update.report_no, update.kind) == ("id-1", 91, ReportKind.UPDATE)


def test_a_feed_remembers_whom_a_message_refers_to() -> None:
    """Each update names only the one before it, and so does the cancel: one event, whatever is repeated."""
    body = info(area("A", f"<polygon>{POLYGON}</polygon>"))
    texts = [
        alert(body),
        alert(body, identifier="id-2", kind="Update", references=FIRST, sent="2026-09-08T21:26:09-00:00"),
        alert(body, identifier="id-3", kind="Update", references=SECOND, sent="2026-09-08T21:26:10-00:00"),
        alert("", identifier="id-4", kind="Cancel", references=SECOND, sent="2026-09-08T21:26:30-00:00"),
    ]
    reader = for_one_feed()
    reports = [part for text in texts for part in reader.parse(text.encode()) if isinstance(part, EventReport)]
    assert [(each.event_id, each.report_no, each.kind.value) for each in reports] == [
        ("id-1", 1, "new"),
        ("id-1", 41, "update"),
        ("id-1", 42, "update"),
        ("id-1", 30_000, "cancel"),
    ]
    # As an Atom feed says it all at once, the newest first.
    assert for_one_feed().parse(atom(*reversed(texts))) == tuple(reports)
    # A feed's intake remembers from message to message.
    intake = Intake(wire_format("cap"), None, lambda: SENT_AT + timedelta(minutes=1))
    assert [outcome.what for text in texts for outcome in intake.read(ReceivedMessage(text.encode(), "x"))] == reports
    # And what comes again with each poll is no news.
    intake = Intake(wire_format("cap"), None, lambda: SENT_AT + timedelta(minutes=1))
    first, second = (
        [outcome.disposition for outcome in intake.read(ReceivedMessage(data, "x"))]
        for data in (atom(*reversed(texts[:3])), atom(*reversed(texts)))
    )
    assert first == [Disposition.PARSED] * 3
    assert second == [Disposition.DUPLICATE] * 3 + [Disposition.PARSED]


def test_what_is_sent_before_does_not_overtake() -> None:
    """A straggler keeps its number, below that of what came before it."""
    body = info(area("A", f"<polygon>{POLYGON}</polygon>"))
    reader = for_one_feed()
    late, early = (
        alert(body, identifier=name, kind="Update", references=FIRST, sent=f"2026-09-08T21:26:{second}-00:00")
        for name, second in (("id-3", "14"), ("id-2", "09"))
    )
    numbers = [
        part.report_no
        for text in (late, early)
        for part in reader.parse(text.encode())
        if isinstance(part, EventReport)
    ]
    assert numbers == [91, 41]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (alert(info()), "origin_at"),
        (alert(info(said=ATTAC | {"latitude": "north"})), "latitude"),
        (alert(info(said=ATTAC), sent="2026-09-08T21:26:05"), "sent"),
        (alert(info(said=ATTAC), status="actual"), "status"),
        (alert(info(said=ATTAC), kind="Warning"), "msgType"),
        (alert(info(said=ATTAC), identifier=""), "identifier"),
        (alert(info(area("A", "<circle>17.22,-200 70.0</circle>", X="1")), sender=""), "sender"),
    ],
)
def test_bad_alert_is_refused(text: str, field: str) -> None:
    """The error names what is wrong."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(text.encode())
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("<polygon>1,2 3,4</polygon>", "polygon"),
        ("<polygon>1,2 3,4 5,400 1,2</polygon>", "polygon"),
        ("<polygon>1,2;3,4;5,6;1,2</polygon>", "polygon"),
        ("<circle>17.22,-100.79</circle>", "circle"),
        ("<circle>17.22,-100.79 far</circle>", "circle"),
        ("<circle>17.22,-100.79 -1</circle>", "circle"),
    ],
)
def test_a_bad_shape_costs_only_itself(shape: str, expected: str) -> None:
    """The area keeps its code, and it is said that a shape was left out."""
    report, note = parse(alert(info(area("A", shape, X="1"))).encode())
    assert isinstance(report, EventReport)
    assert report.areas == (AreaAnswer(code="1", name="A", severity=Severity.SEVERE),)
    assert isinstance(note, Ignored)
    assert note.reason.startswith(f"{expected}: ")
    assert note.reason.endswith("; left out")


def test_areas_in_too_much_detail_cost_no_report() -> None:
    """Of 4 000 corners in all, over all levels, and of 1 000 areas; the focus is read, and the rest of the areas."""
    ring = " ".join(["1,2", "3,4", "5,6"] * 500 + ["1,2"])
    shapes = [area(f"A{n}", f"<polygon>{ring}</polygon>", X=str(n)) for n in range(3)]
    report, note = parse(alert(info(shapes[0], said=ATTAC) + info(shapes[1]) + info(shapes[2])).encode())
    assert isinstance(report, EventReport)
    assert [(each.code, each.polygons is None) for each in report.areas or ()] == [
        ("0", False),
        ("1", False),
        ("2", True),
    ]
    assert report.lat_deg == 13.86451741
    assert note == Ignored("polygon: expected at most 4000 corners in all; left out")
    many = "".join(area("B", X=str(n)) for n in range(1_001))
    report, note = parse(alert(info(many)).encode())
    assert isinstance(report, EventReport)
    assert [each.code for each in report.areas or ()] == [str(n) for n in range(1_000)]
    assert note == Ignored("area: expected at most 1000 areas; left out")


def test_a_feed_of_too_many_alerts_is_refused() -> None:
    """No more than 1 000: each costs a reading."""
    with pytest.raises(ReportDecodeError, match="at most 1000 alerts"):
        parse(atom(*["<alert/>"] * 1_001))


@pytest.mark.parametrize(("depth", "magnitude"), [("deep", "4.8"), ("52.8", "99")])
def test_a_bad_depth_or_magnitude_is_unknown(depth: str, magnitude: str) -> None:
    """Neither costs the report."""
    report, _ = parse(alert(info(said=ATTAC | {"depth": depth, "magnitude": magnitude})).encode())
    assert isinstance(report, EventReport)
    assert (report.depth_km, report.magnitude) in {(None, 4.8), (52.8, None)}


@pytest.mark.parametrize("unknown", ["-9.9", "-999.9"])
def test_seiscomps_numbers_for_unknown_are_none(unknown: str) -> None:
    """ATTAC's are SeisComP's."""
    report = parsed(alert(info(said=ATTAC | {"depth": unknown, "magnitude": unknown})))
    assert (report.depth_km, report.magnitude) == (None, None)


def test_a_bad_focus_costs_a_report_of_areas_nothing() -> None:
    """It is told, and the areas count."""
    body = info(area("A", "<circle>17,-100 10</circle>"), said=ATTAC | {"latitude": "north"})
    report, note = parse(alert(body).encode())
    assert isinstance(report, EventReport)
    assert not report.is_located
    assert [each.code for each in report.areas or ()] == ["A"]
    assert note == Ignored("latitude: 'north': expected a number; left out")


def test_a_polygon_left_open_is_closed() -> None:
    """Whoever leaves the last corner out means the same."""
    (report,) = parse(alert(info(area("A", "<polygon>1,2 3,4 5,6</polygon>"))).encode())
    assert isinstance(report, EventReport)
    assert report.areas is not None
    assert report.areas[0].polygons == (((1, 2), (3, 4), (5, 6), (1, 2)),)


def test_a_feed_without_alerts_is_alive_or_of_links() -> None:
    """As Atom feeds of CAP mostly are; one bad alert does not cost the others."""
    assert parse(atom()) == (Heartbeat("cap"),)
    (part,) = parse(b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="a.xml"/></entry></feed>')
    assert part == Ignored("a feed whose entries only name their alerts' addresses")
    report, note = parse(atom(sasmex("SASMEX: Sismo Moderado"), alert(info(said=ATTAC), kind="no")))
    assert isinstance(report, EventReport)
    assert note == Ignored(
        "one of several is not as it should be: msgType: expected Alert or Update or Cancel or Ack or Error"
    )


def test_two_pairs_in_one_parameter_are_two() -> None:
    """SeisComP's stylesheet writes them so [SED-CAP]."""
    pairs = "".join(f"<valueName>{name}</valueName><value>{value}</value>" for name, value in ATTAC.items())
    assert parsed(alert(info(f"<parameter>{pairs}</parameter>"))).lat_deg == 13.86451741


def test_a_name_too_long_for_a_topic_becomes_a_digest() -> None:
    """Some services name alerts by OIDs of 70 characters; two never become one."""
    names = [f"urn:oid:2.49.0.1.840.0.{'0123456789abcdef' * 3}.00{n}.1" for n in (1, 2)]
    words = {parsed(alert(info(said=ATTAC), identifier=name)).event_id for name in names}
    assert len(words) == 2
    assert all(len(word) == 44 for word in words)


@pytest.mark.parametrize("name", ["bungo-2024", "tohoku-2011", "drill", "false-alarm"])
def test_scenarios_are_read_back(name: str) -> None:
    """Status, kind, number, hypocentre and areas; the issue to the second."""
    for report in load_scenario(scenario_path(name)).reports:
        shaped = AreaAnswer(code="a", name="A", severity=Severity.MINOR, polygons=(RING,), circles=((1.5, 2.5, 10.0),))
        for each in (
            report,
            msgspec.structs.replace(report, areas=(shaped, AreaAnswer(code="622", name="愛媛県南予"))),
        ):
            (again,) = parse(render(each))
            assert isinstance(again, EventReport)
            is_cancel = each.kind is ReportKind.CANCEL
            expected = msgspec.structs.replace(
                each,
                issued_at=each.issued_at.replace(microsecond=0),
                detected_at=None,
                fault=None,
                tsunami=None,
                areas=None if is_cancel else each.areas,
            )
            assert again == expected


@pytest.mark.parametrize("name", ["tohoku-2011", "drill", "false-alarm"])
def test_what_the_dispatcher_publishes_is_read_back(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under the event's id and number, never as an actual alert, with the polygons of each level."""
    assert main(["cap", name, "--out", str(tmp_path)]) == 0
    files = [Path(line) for line in capsys.readouterr().out.splitlines()]
    scenario = load_scenario(scenario_path(name)).reports
    originals = {(each.event_id, each.report_no, each.kind is ReportKind.CANCEL): each for each in scenario}
    read = [part for path in files for part in parse(path.read_bytes())]
    assert len(read) == len(files)
    for report in read:
        assert isinstance(report, EventReport)
        is_cancel = report.kind is ReportKind.CANCEL
        original = originals[report.event_id, report.report_no, is_cancel]
        assert report.status is (AlertStatus.EXERCISE if name == "drill" else AlertStatus.TEST)
        assert report.kind is original.kind
        assert abs((report.issued_at - original.issued_at).total_seconds()) < 1
        if not is_cancel:
            assert (report.origin_at, report.lat_deg, report.lon_deg, report.depth_km, report.magnitude) == (
                *(original.origin_at, original.lat_deg, original.lon_deg),
                *(original.depth_km, original.magnitude),
            )
            assert report.areas
            assert all(each.polygons and each.severity for each in report.areas)
    assert {part.kind for part in read if isinstance(part, EventReport)} >= (
        {ReportKind.CANCEL} if name == "false-alarm" else {ReportKind.NEW}
    )
