"""JMA telegrams: JMA's own samples, and what is refused."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.feed.formats.jma_xml import MAX_BYTES, decode_jma_xml, parse, render
from eew.feed.parsed import Ignored
from eew.feed.scenario import misordered
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

JMX = "http://xml.kishou.go.jp/jmaxml1/"
EARTHQUAKE = (
    "<Earthquake><OriginTime>2024-06-03T06:31:40+09:00</OriginTime><ArrivalTime>2024-06-03T06:31:42+09:00</ArrivalTime>"
    "{condition}<Hypocenter><Area><Name>石川県能登地方</Name>"
    '<e:Coordinate xmlns:e="{jmx}elementBasis1/">{coordinate}</e:Coordinate></Area></Hypocenter>'
    '<e:Magnitude xmlns:e="{jmx}elementBasis1/" type="Mj">{magnitude}</e:Magnitude></Earthquake>'
)


def telegram(
    *,
    status: str = "通常",
    info_type: str = "発表",
    serial: str = "2",
    coordinate: str = "+37.5+137.2-10000/",
    magnitude: str = "5.9",
    condition: str = "",
    tail: str = "",
    earthquake: str = EARTHQUAKE,
) -> bytes:
    """Return a telegram of the form of VXSE45, of invented content."""
    body = earthquake.format(jmx=JMX, coordinate=coordinate, magnitude=magnitude, condition=condition)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Report xmlns="{JMX}"><Control><Status>{status}</Status></Control>'
        f'<Head xmlns="{JMX}informationBasis1/"><ReportDateTime>2024-06-03T06:31:44+09:00</ReportDateTime>'
        f"<EventID>20240603063142</EventID><InfoType>{info_type}</InfoType><Serial>{serial}</Serial></Head>"
        f'<Body xmlns="{JMX}body/seismology1/">{body}{tail}</Body></Report>'
    ).encode()


@pytest.mark.reference_data
def test_first_sample_telegram_is_read(reference_data: Path) -> None:
    """JMA's sample VXSE45 number 1 says what a person reads in it."""
    path = reference_data / "reports/jma_xml_bungo_2024/77_01_01_240613_VXSE45.xml"
    report = decode_jma_xml(path.read_bytes(), file=path)
    assert (report.event_id, report.source, report.report_no) == ("20240417231454", "jma", 1)
    assert (report.kind, report.status) == (ReportKind.NEW, AlertStatus.ACTUAL)
    assert report.issued_at == datetime(2024, 4, 17, 14, 14, 57, tzinfo=UTC)
    assert report.origin_at == datetime(2024, 4, 17, 14, 14, 47, tzinfo=UTC)
    assert report.detected_at == datetime(2024, 4, 17, 14, 14, 54, tzinfo=UTC)
    assert (report.lat_deg, report.lon_deg, report.depth_km) == (33.1, 132.4, 40.0)
    assert (report.magnitude, report.magnitude_type, report.place) == (4.2, "Mj", "豊後水道")
    assert not report.is_assumed


@pytest.mark.reference_data
def test_sample_warning_and_forecast_are_read_alike(reference_data: Path) -> None:
    """VXSE44 number 4 and the first warning, VXSE43, tell the same earthquake at the same second."""
    folder = reference_data / "reports/jma_xml_bungo_2024"
    forecast = decode_jma_xml((folder / "36_01_04_240613_VXSE44.xml").read_bytes())
    warning = decode_jma_xml((folder / "37_01_01_240613_VXSE43.xml").read_bytes())
    assert (forecast.report_no, warning.report_no) == (4, 1)
    assert forecast.magnitude == warning.magnitude == 5.8
    assert forecast.issued_at == warning.issued_at


@pytest.mark.reference_data
def test_sample_cancel_says_no_earthquake(reference_data: Path) -> None:
    """The cancel reuses the number of the report before and has no hypocentre."""
    path = reference_data / "reports/jma_xml_bungo_2024/77_01_33_240613_VXSE45.xml"
    report = decode_jma_xml(path.read_bytes())
    assert (report.kind, report.report_no) == (ReportKind.CANCEL, 32)
    assert (report.lat_deg, report.origin_at, report.magnitude) == (None, None, None)


@pytest.mark.reference_data
def test_distribution_test_is_no_report(reference_data: Path) -> None:
    """VXSE42 carries no earthquake and is refused, not guessed at."""
    path = reference_data / "reports/jma_xml_bungo_2024/54_01_01_100514_VXSE42.xml"
    with pytest.raises(ReportDecodeError) as caught:
        decode_jma_xml(path.read_bytes(), file=path)
    assert caught.value.file == str(path)
    assert caught.value.field == "Body/Earthquake/Hypocenter/Area/Coordinate"


@pytest.mark.parametrize(
    ("status", "expected"),
    [("通常", AlertStatus.ACTUAL), ("訓練", AlertStatus.EXERCISE), ("試験", AlertStatus.TEST)],
    ids=["normal", "drill", "test"],
)
def test_status_is_never_lost(status: str, expected: AlertStatus) -> None:
    """A drill stays a drill."""
    assert decode_jma_xml(telegram(status=status)).status is expected


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({"serial": "1"}, ReportKind.NEW, id="first"),
        pytest.param({"serial": "2"}, ReportKind.UPDATE, id="later"),
        pytest.param({"info_type": "訂正"}, ReportKind.UPDATE, id="corrected"),
        pytest.param({"tail": "<NextAdvisory>最終報</NextAdvisory>"}, ReportKind.FINAL, id="last"),
        pytest.param({"info_type": "取消", "earthquake": ""}, ReportKind.CANCEL, id="cancelled"),
    ],
)
def test_kind_follows_serial_and_marks(changes: dict[str, str], kind: ReportKind) -> None:
    """New, update, final and cancel are told apart."""
    assert decode_jma_xml(telegram(**changes)).kind is kind


def test_what_is_not_known_is_none() -> None:
    """A magnitude of NaN and a missing depth are unknown; a depth of 0 is 0."""
    report = decode_jma_xml(telegram(magnitude="NaN", coordinate="+37.5+137.2/"))
    assert (report.magnitude, report.magnitude_type, report.depth_km) == (None, None, None)
    assert decode_jma_xml(telegram(coordinate="-37.5-137.2+0/")).depth_km == 0


def test_assumed_hypocentre_is_marked() -> None:
    """An assumed hypocentre is marked, and without an origin time the detection stands for it."""
    assumed = "<Condition>仮定震源要素</Condition>"
    without = EARTHQUAKE.replace("<OriginTime>2024-06-03T06:31:40+09:00</OriginTime>", "")
    report = decode_jma_xml(telegram(condition=assumed, magnitude="1.0", earthquake=without))
    assert report.is_assumed
    assert report.origin_at == report.detected_at == datetime(2024, 6, 2, 21, 31, 42, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "field", "value"),
    [
        pytest.param(telegram(serial="x"), "Head/Serial", "x", id="serial"),
        pytest.param(telegram(status="？"), "Control/Status", "？", id="status"),
        pytest.param(telegram(info_type="発"), "Head/InfoType", "発", id="information type"),
        pytest.param(telegram(coordinate="37.5"), "Body/Earthquake/Hypocenter/Area/Coordinate", "37.5", id="place"),
        pytest.param(telegram(coordinate="+99.5+137.2/"), "lat_deg", 99.5, id="latitude"),
        pytest.param(telegram().replace(b"Serial", b"Number"), "Head/Serial", None, id="no serial"),
        pytest.param(b"<a/>", "root", "a", id="another document"),
    ],
)
def test_bad_element_is_named(data: bytes, field: str, value: object) -> None:
    """The error says which element is wrong and what it holds."""
    with pytest.raises(ReportDecodeError) as caught:
        decode_jma_xml(data, file="t.xml")
    assert (caught.value.file, caught.value.field, caught.value.value) == ("t.xml", field, value)


def test_cut_off_telegram_names_the_line() -> None:
    """XML that is not well-formed is refused with its line."""
    with pytest.raises(ReportDecodeError, match="well-formed") as caught:
        decode_jma_xml(telegram().replace(b"<Control>", b"\n<Control>")[:200])
    assert caught.value.line == 2


def test_oversized_telegram_is_refused() -> None:
    """What is larger than any telegram is not parsed."""
    with pytest.raises(ReportDecodeError, match="at most"):
        decode_jma_xml(b" " * (MAX_BYTES + 1))


BODY = "{http://xml.kishou.go.jp/jmaxml1/body/seismology1/}"
#: Where each class begins on the instrumental scale, by JMA's table of seismic intensity.
CLASSES = {"0": 0, "1": 0.5, "2": 1.5, "3": 2.5, "4": 3.5, "5-": 4.5, "5+": 5.0, "6-": 5.5, "6+": 6.0, "7": 6.5}


def samples(reference_data: Path, pattern: str) -> list[Path]:
    return sorted((reference_data / "reports/jma_xml_bungo_2024").glob(pattern))


def read(path: Path) -> EventReport:
    (report,) = parse(path.read_bytes(), file=path)
    assert isinstance(report, EventReport)
    return report


def area_elements(path: Path) -> Iterator[ET.Element]:
    return ET.parse(path).iter(f"{BODY}Area")  # noqa: S314 - JMA's own sample


@pytest.mark.reference_data
@pytest.mark.parametrize("kind", ["36_01_*VXSE44", "77_01_*VXSE45"])
def test_sample_sequence_is_read_in_order(reference_data: Path, kind: str) -> None:
    """Both kinds of forecast tell 32 reports and a cancel of the last number."""
    reports = [read(path) for path in samples(reference_data, f"{kind}.xml")]
    assert [report.report_no for report in reports] == [*range(1, 33), 32]
    assert [report.kind for report in reports] == [ReportKind.NEW, *[ReportKind.UPDATE] * 31, ReportKind.CANCEL]
    assert {report.status for report in reports} == {AlertStatus.ACTUAL}
    # As grep shows them: 4.2 at first, 6.7 in numbers 26 and 27 alone, 6.6 in the end, none in the cancel.
    magnitudes = [report.magnitude for report in reports]
    assert (magnitudes[0], magnitudes[25:27], magnitudes[31:]) == (4.2, [6.7, 6.7], [6.6, None])
    assert [no for no, magnitude in enumerate(magnitudes[:32], start=1) if (magnitude or 0) > 6.6] == [26, 27]
    assert misordered(reports) is None


@pytest.mark.reference_data
def test_sample_areas_are_all_read(reference_data: Path) -> None:
    """Each area element of each telegram gives one answer with its code, name, classes and arrival."""
    n_arrivals = n_areas = 0
    for path in samples(reference_data, "*VXSE4[345].xml"):
        expected = []
        for area in area_elements(path):
            if (kind := area.findtext(f"{BODY}Category/{BODY}Kind/{BODY}Code")) is None:
                continue  # the area of the epicentre
            arrival = area.findtext(f"{BODY}ArrivalTime") if kind.endswith("0") else None
            lowest, highest = (area.findtext(f"{BODY}ForecastInt/{BODY}{end}", "") for end in ("From", "To"))
            n_areas += 1
            n_arrivals += arrival is not None
            expected.append(
                AreaAnswer(
                    code=area.findtext(f"{BODY}Code", ""),
                    name=area.findtext(f"{BODY}Name"),
                    intensity_from=CLASSES[lowest],
                    intensity_to=CLASSES[highest],
                    s_arrival_at=None if arrival is None else datetime.fromisoformat(arrival),
                    is_arrived=kind.endswith("1"),
                )
            )
        assert (read(path).areas or ()) == tuple(expected)
    # Counted with grep: 780 and 43 reached already, 511 and 503 to come, 113 by PLUM.
    assert (n_areas, n_arrivals) == (780 + 43 + 511 + 503 + 113, 511 + 503)


@pytest.mark.reference_data
def test_sample_warnings_have_numbers_of_their_own(reference_data: Path) -> None:
    """Two warnings and a cancel with the number of the second."""
    warnings = [read(path) for path in samples(reference_data, "*VXSE43.xml")]
    assert [warning.report_no for warning in warnings] == [1, 2, 2]
    assert [warning.kind for warning in warnings] == [ReportKind.NEW, ReportKind.UPDATE, ReportKind.CANCEL]
    assert warnings[0].areas is not None
    assert warnings[0].areas[0] == AreaAnswer(
        code="622", name="愛媛県南予", intensity_from=4.5, intensity_to=4.5, is_arrived=True
    )


@pytest.mark.reference_data
def test_sample_test_telegram_is_ignored(reference_data: Path) -> None:
    """VXSE42 is in order and no report."""
    (path,) = samples(reference_data, "*VXSE42.xml")
    (parsed,) = parse(path.read_bytes(), file=path)
    assert isinstance(parsed, Ignored)
    assert "test" in parsed.reason


def test_other_telegrams_are_ignored() -> None:
    """What comes over the same line and is no early warning is told by its kind."""
    other = telegram().replace(b"</Serial>", "</Serial><InfoKind>地震情報</InfoKind>".encode())
    assert parse(other) == (Ignored("a telegram of another kind: 地震情報"),)


def with_area(area: str) -> AreaAnswer:
    tail = f"<Intensity><Forecast><Pref><Area><Code>622</Code>{area}</Area></Pref></Forecast></Intensity>"
    (report,) = parse(telegram(tail=tail))
    assert isinstance(report, EventReport)
    assert report.areas is not None
    return report.areas[0]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("<From>6-</From><To>over</To>", (5.5, None)),
        ("<From>不明</From><To>不明</To>", (None, None)),
        ("<From>0</From><To>1</To>", (0.0, 0.5)),
        ("", (None, None)),
    ],
    ids=["or more", "unknown", "weak", "not given"],
)
def test_open_and_unknown_intensity_is_none(span: str, expected: tuple[float | None, float | None]) -> None:
    """Intensity "or more" has no upper end."""
    area = with_area(f"<ForecastInt>{span}</ForecastInt>")
    assert (area.intensity_from, area.intensity_to) == expected


@pytest.mark.parametrize(
    ("kind", "condition", "has_arrival"),
    [
        ("10", "", True),
        ("00", "", True),
        ("19", "", False),
        ("11", "", False),
        ("10", "<Condition>既に主要動到達と推測</Condition>", False),
    ],
)
def test_arrival_is_one_to_come(kind: str, condition: str, has_arrival: bool) -> None:
    """Areas reached already, and those foreseen by PLUM, whose time is not an arrival, have none."""
    time = "<ArrivalTime>2024-06-03T06:31:55+09:00</ArrivalTime>"
    area = with_area(f"<Category><Kind><Code>{kind}</Code></Kind></Category>{condition}{time}")
    expected = datetime(2024, 6, 2, 21, 31, 55, tzinfo=UTC) if has_arrival else None
    assert area.s_arrival_at == expected


def test_time_without_zone_is_japans() -> None:
    """Nothing in JMA's telegrams is meant in another zone."""
    (report,) = parse(telegram().replace(b"+09:00", b""))
    assert isinstance(report, EventReport)
    assert report.issued_at == datetime(2024, 6, 2, 21, 31, 44, tzinfo=UTC)


JST = timezone(timedelta(hours=9))
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1), timezones=st.just(JST)).map(  # noqa: DTZ001 - the zone is JST
    lambda at: at.replace(microsecond=0)
)
TEXTS = st.text(
    st.characters(min_codepoint=33, blacklist_categories=["Cs", "Cn", "Co", "Cc"]), min_size=1, max_size=8
).filter(lambda text: text == text.strip() and not set(text) & {"\ufffe", "\uffff"})
AREAS = st.builds(
    lambda code, name, span, at: AreaAnswer(
        code=code, name=name, intensity_from=span[0], intensity_to=span[1], s_arrival_at=at
    ),
    TEXTS,
    st.none() | TEXTS,
    st.tuples(st.sampled_from([*CLASSES.values()]), st.none() | st.sampled_from([*CLASSES.values()])),
    st.none() | TIMES,
)


@st.composite
def reports(draw: st.DrawFn) -> EventReport:
    """Draw a report that says only what a telegram can say, to its resolution."""
    report_no = draw(st.integers(1, 30_000))
    kind = draw(st.sampled_from([ReportKind.CANCEL, ReportKind.FINAL, None]))
    head = {
        "event_id": draw(st.from_regex("[A-Za-z0-9_-]{1,64}", fullmatch=True)),
        "source": "jma",
        "report_no": report_no,
        "kind": kind or (ReportKind.NEW if report_no == 1 else ReportKind.UPDATE),
        "status": draw(st.sampled_from(AlertStatus)),
        "issued_at": draw(TIMES),
    }
    if kind is ReportKind.CANCEL:
        return msgspec.convert(head, EventReport)
    magnitude = draw(st.none() | st.integers(-20, 105).map(lambda tenths: tenths / 10))
    return msgspec.convert(
        {
            **head,
            "origin_at": draw(TIMES),
            "detected_at": draw(st.none() | TIMES),
            "lat_deg": draw(st.integers(-900, 900)) / 10,
            "lon_deg": draw(st.integers(-1800, 1800)) / 10,
            "depth_km": draw(st.none() | st.integers(-9, 800)),
            "magnitude": magnitude,
            "magnitude_type": None if magnitude is None else draw(st.none() | TEXTS),
            "place": draw(st.none() | TEXTS),
            "is_assumed": draw(st.booleans()),
            "areas": draw(st.none() | st.lists(AREAS, min_size=1, max_size=3).map(tuple)),
        },
        EventReport,
    )


@given(reports())
def test_report_survives_its_telegram(report: EventReport) -> None:
    """What a telegram can say comes back from it as it was."""
    assert parse(render(report)) == (report,)


def test_what_xml_cannot_hold_is_left_out() -> None:
    """A control character or half a pair in a name does not spoil the telegram."""
    report = msgspec.structs.replace(decode_jma_xml(telegram()), place="a\x00\ud800<&>b")
    assert decode_jma_xml(render(report)).place == "a<&>b"


@given(st.binary(max_size=200))
def test_garbage_raises_one_error_only(data: bytes) -> None:
    """Whatever the bytes."""
    with pytest.raises(ReportDecodeError):
        parse(data)


@given(st.data())
def test_changed_telegram_raises_one_error_only(data: st.DataObject) -> None:
    """Wherever a text is replaced in a telegram in order, it is read or refused."""
    whole = telegram(
        tail="<Intensity><Forecast><Pref><Area><Code>622</Code><ForecastInt><From>4</From><To>5-</To></ForecastInt>"
        "<ArrivalTime>2024-06-03T06:31:55+09:00</ArrivalTime></Area></Pref></Forecast></Intensity>"
    )
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start, min(start + 12, len(whole))))
    piece = data.draw(
        st.sampled_from(
            [b"", b"9" * 5000, b"NaN", b"1e999", b"-", b"0001-01-01T00:00:00", b"9999-12-31T23:59:59-09:00"]
        )
        | st.binary(max_size=5)
    )
    with contextlib.suppress(ReportDecodeError):
        assert all(isinstance(part, Ignored) for part in parse(whole[:start] + piece + whole[end:])[1:])
