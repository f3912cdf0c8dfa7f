"""JMA code telegrams: real ones of 2011 and 2013, and what each code means."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.feed.formats.jma_telegram import MAX_BYTES, parse, render
from eew.feed.parsed import Ignored
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

JST = timezone(timedelta(hours=9))
CLASSES = (0.0, 0.5, 1.5, 2.5, 3.5, 4.5, 5.0, 5.5, 6.0, 6.5)


def telegram(
    *,
    kind: str = "37",
    status: str = "00",
    issued: str = "240101000012",
    origin: str = "231231235950",
    number: str = "005",
    hypocentre: str = "220 N385 E1408 010 68 6+",
    areas: str = "EBI 220 S6+5- ////// 01 222 S5-04 000020 10\n251 S0403 235958 00",
) -> bytes:
    """Return a telegram of invented content."""
    return (
        f"\x01\nTKCC 1  ADTK 1\n\n\x02\n{kind} 03 {status} {issued} C11\n{origin}\n"
        f"ND20240101000001 NCN{number} JD////////////// JN///\n"
        f"{hypocentre} RK33433 RT00/// RC/////\n{areas}\n9999=\n\x03"
    ).encode()


def read(data: bytes) -> EventReport:
    (report,) = parse(data)
    assert isinstance(report, EventReport)
    return report


@pytest.mark.reference_data
def test_real_telegrams_are_all_read(reference_data: Path) -> None:
    """Each of the nine says the number, kind and count of areas that a person reads in it."""
    expected = {
        "decoder_testdata_2011_cancellation.txt": (3, ReportKind.CANCEL, 0),
        "decoder_testdata_2011_final_report.txt": (81, ReportKind.FINAL, 18),
        "decoder_testdata_2011_new_report.txt": (1, ReportKind.NEW, 18),
        "eewmsg_testdata_2013_midnight_straddle.txt": (1, ReportKind.NEW, 0),
        "eewview_testdata_eewlog_2011_03_12_20110312042346.1": (1, ReportKind.NEW, 18),
        "eewview_testdata_eewlog_2011_03_12_20110312042346.9": (9, ReportKind.UPDATE, 18),
        "eewview_testdata_eewlog_2011_03_12_20110312042346.10": (10, ReportKind.UPDATE, 18),
        "eewview_testdata_eewlog_2011_03_12_20110312042346.81": (81, ReportKind.FINAL, 18),
        "eewview_testdata_eewlog_2011_03_12_20110312134730.3": (3, ReportKind.CANCEL, 0),
    }
    found = {}
    for path in (reference_data / "reports/jma_telegrams").iterdir():
        report = read(path.read_bytes())
        found[path.name.removeprefix("internal_")] = (report.report_no, report.kind, len(report.areas or ()))
    assert found == expected


@pytest.mark.reference_data
def test_real_final_report_is_read(reference_data: Path) -> None:
    """The last report of an event of 2011-03-12, field by field."""
    path = reference_data / "reports/jma_telegrams/internal_decoder_testdata_2011_final_report.txt"
    report = read(path.read_bytes())
    assert (report.event_id, report.source, report.status) == ("20110312042346", "jma", AlertStatus.ACTUAL)
    assert report.issued_at == datetime(2011, 3, 11, 19, 26, 14, tzinfo=UTC)
    assert report.origin_at == datetime(2011, 3, 11, 19, 23, 48, tzinfo=UTC)
    assert (report.lat_deg, report.lon_deg, report.depth_km, report.magnitude) == (38.5, 140.8, 10.0, 6.7)
    assert (report.place, report.detected_at, report.magnitude_type, report.is_assumed) == (None, None, None, False)
    assert report.areas is not None
    assert report.areas[0] == AreaAnswer(code="220", intensity_from=5.5, intensity_to=6.0, is_arrived=True)
    assert report.areas[-1] == AreaAnswer(code="230", intensity_from=2.5, intensity_to=3.5, is_arrived=True)


@pytest.mark.reference_data
def test_real_midnight_telegram_is_read(reference_data: Path) -> None:
    """The origin lies on the day before the issue."""
    path = reference_data / "reports/jma_telegrams/internal_eewmsg_testdata_2013_midnight_straddle.txt"
    report = read(path.read_bytes())
    assert (report.origin_at, report.issued_at) == (
        datetime(2013, 4, 17, 23, 59, 43, tzinfo=JST),
        datetime(2013, 4, 18, 0, 0, 19, tzinfo=JST),
    )


@pytest.mark.reference_data
def test_real_cancel_says_no_hypocentre(reference_data: Path) -> None:
    """Slashes are unknown."""
    path = reference_data / "reports/jma_telegrams/internal_decoder_testdata_2011_cancellation.txt"
    report = read(path.read_bytes())
    assert (report.lat_deg, report.lon_deg, report.depth_km, report.magnitude, report.areas) == (None,) * 5


def test_arrivals_of_the_next_day_follow_the_origin() -> None:
    """An arrival after midnight is of the new year, one before it of the old; one reached already is none."""
    areas = read(telegram()).areas
    assert areas is not None
    assert [area.is_arrived for area in areas] == [True, False, False]
    assert [area.s_arrival_at for area in areas] == [
        None,
        datetime(2024, 1, 1, 0, 0, 20, tzinfo=JST),
        datetime(2023, 12, 31, 23, 59, 58, tzinfo=JST),
    ]


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("37", "00", (ReportKind.UPDATE, AlertStatus.ACTUAL)),
        ("36", "01", (ReportKind.UPDATE, AlertStatus.EXERCISE)),
        ("39", "10", (ReportKind.CANCEL, AlertStatus.ACTUAL)),
        ("39", "11", (ReportKind.CANCEL, AlertStatus.EXERCISE)),
        ("37", "30", (ReportKind.UPDATE, AlertStatus.TEST)),
        ("47", "00", (ReportKind.UPDATE, AlertStatus.ACTUAL)),
        ("48", "10", (ReportKind.CANCEL, AlertStatus.ACTUAL)),
    ],
)
def test_status_is_never_lost(kind: str, status: str, expected: tuple[ReportKind, AlertStatus]) -> None:
    """A drill stays a drill, its cancel too."""
    report = read(telegram(kind=kind, status=status))
    assert (report.kind, report.status) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("001", (1, ReportKind.NEW)),
        ("602", (2, ReportKind.UPDATE)),
        ("703", (3, ReportKind.UPDATE)),
        ("804", (4, ReportKind.FINAL)),
        ("999", (99, ReportKind.FINAL)),
        ("0A0", (100, ReportKind.UPDATE)),
        ("0B7", (117, ReportKind.UPDATE)),
        ("0Z9", (359, ReportKind.UPDATE)),
    ],
)
def test_number_and_its_kind(number: str, expected: tuple[int, ReportKind]) -> None:
    """Corrections and last reports are marked before the number, which goes on in letters."""
    report = read(telegram(number=number))
    assert (report.report_no, report.kind) == expected


SLASHES = "/// //// ///// /// // //"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        pytest.param({"status": "20"}, "reference", id="reference"),
        pytest.param({"kind": "38"}, "test", id="test telegram"),
        pytest.param({"number": "705", "hypocentre": SLASHES, "areas": ""}, "mistaken cancel", id="mistaken cancel"),
        pytest.param({"kind": "35", "hypocentre": SLASHES, "areas": ""}, "intensity alone", id="level"),
    ],
)
def test_what_is_no_report_is_ignored(changes: dict[str, str], word: str) -> None:
    """A telegram in order that tells no hypocentre says why it is left out."""
    (parsed,) = parse(telegram(**changes))
    assert isinstance(parsed, Ignored)
    assert word in parsed.reason


def test_public_warning_is_read_by_its_forecast() -> None:
    """What comes before the forecast in a public warning, areas without figures, is not taken for it."""
    data = telegram(kind="47").replace(
        b"\nND",
        b"\nND20240101000001 NCPN01\n9220 N385 E1408 010\nPRC0////\nCAI 9920\nCPI 9220\nCBI 220 222\nNCP\nND",
        1,
    )
    report = read(data)
    assert (report.report_no, report.lat_deg, len(report.areas or ())) == (5, 38.5, 3)


def test_unknown_is_none() -> None:
    """Slashes in depth, magnitude and classes; an open class has no upper end."""
    report = read(telegram(hypocentre="/// S385 W1408 /// // //", areas="EBI 220 S//5- ////// 0/ 222 S//// ////// //"))
    assert (report.lat_deg, report.lon_deg, report.depth_km, report.magnitude) == (-38.5, -140.8, None, None)
    assert report.areas == (AreaAnswer(code="220", intensity_from=4.5), AreaAnswer(code="222"))


@pytest.mark.parametrize(("hypocentre", "is_assumed"), [("010 10", True), ("010 11", False), ("020 10", False)])
def test_assumed_hypocentre_is_told_by_its_values(hypocentre: str, is_assumed: bool) -> None:
    """Magnitude 1.0 at 10 km is what JMA puts in for PLUM alone."""
    assert read(telegram(hypocentre=f"220 N385 E1408 {hypocentre} 5-")).is_assumed is is_assumed


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        pytest.param({"kind": "99"}, "type", "99", id="type"),
        pytest.param({"status": "55"}, "status", "55", id="status"),
        pytest.param({"issued": "241301000012"}, "issued_at", "241301000012", id="month"),
        pytest.param({"origin": "231231246000"}, "origin_at", "231231246000", id="hour"),
        pytest.param({"hypocentre": "220 N985 E1408 010 68 6+"}, "lat_deg", 98.5, id="latitude"),
    ],
)
def test_bad_part_is_named(changes: dict[str, str], field: str, value: object) -> None:
    """The error says which part is wrong and what it holds."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(telegram(**changes), file="t.txt")
    assert (caught.value.file, caught.value.field, caught.value.value) == ("t.txt", field, value)


@pytest.mark.parametrize("data", [b"", b"hello", b"37 03 00 240101000012 C11", b"\xff" * 50, b" " * (MAX_BYTES + 1)])
def test_what_is_no_telegram_is_refused(data: bytes) -> None:
    """Nothing but the one error is raised."""
    with pytest.raises(ReportDecodeError):
        parse(data)


@given(st.data())
def test_changed_telegram_raises_one_error_only(data: st.DataObject) -> None:
    """Wherever something is replaced in a telegram in order, it is read or refused."""
    whole = telegram()
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start, min(start + 6, len(whole))))
    piece = data.draw(st.sampled_from([b"9" * 5000, b"EBI " * 9, b"/" * 12, b"00"]) | st.binary(max_size=4))
    with contextlib.suppress(ReportDecodeError):
        assert all(isinstance(part, Ignored) for part in parse(whole[:start] + piece + whole[end:])[1:])


@st.composite
def reports(draw: st.DrawFn) -> EventReport:
    """Draw a report that says only what a telegram can say, to its resolution."""
    origin_at = draw(st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30))).replace(microsecond=0, tzinfo=JST)  # noqa: DTZ001 - the zone is set beside
    report_no = draw(st.integers(1, 359))
    kind = draw(st.sampled_from([ReportKind.CANCEL, ReportKind.FINAL, None]))
    head = {
        "event_id": draw(st.from_regex("[0-9]{14}", fullmatch=True).filter(str.isascii)),
        "source": "jma",
        "report_no": report_no,
        "kind": kind or (ReportKind.NEW if report_no == 1 else ReportKind.UPDATE),
        "status": draw(st.sampled_from(AlertStatus)),
        "issued_at": origin_at + timedelta(seconds=draw(st.integers(0, 600))),
        "origin_at": origin_at,
    }
    if kind is ReportKind.CANCEL:
        return msgspec.convert(head, EventReport)
    magnitude, depth_km = draw(st.none() | st.integers(0, 99)), draw(st.none() | st.integers(0, 800))
    area = st.builds(
        lambda code, lowest, highest, after_s: AreaAnswer(
            code=code,
            intensity_from=lowest,
            intensity_to=highest,
            s_arrival_at=None if after_s is None else origin_at + timedelta(seconds=after_s),
        ),
        st.integers(100, 999).map(str),
        st.none() | st.sampled_from(CLASSES),
        st.none() | st.sampled_from(CLASSES),
        st.none() | st.integers(0, 86_399),
    )
    return msgspec.convert(
        {
            **head,
            "lat_deg": draw(st.integers(-900, 900)) / 10,
            "lon_deg": draw(st.integers(-1800, 1800)) / 10,
            "depth_km": depth_km,
            "magnitude": None if magnitude is None else magnitude / 10,
            "is_assumed": (magnitude, depth_km) == (10, 10),
            "areas": draw(st.none() | st.lists(area, min_size=1, max_size=7).map(tuple)),
        },
        EventReport,
    )


@given(reports())
def test_report_survives_its_telegram(report: EventReport) -> None:
    """What a telegram can say comes back from it as it was."""
    assert parse(render(report)) == (report,)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"event_id": "abc"}, "event_id"),
        ({"report_no": 360}, "report_no"),
        ({"issued_at": datetime(1999, 12, 31, tzinfo=UTC)}, "issued_at"),
    ],
)
def test_what_a_telegram_cannot_name_is_refused(change: dict[str, object], field: str) -> None:
    """No telegram is written that would be read as another event, report or time."""
    with pytest.raises(InputError) as caught:
        render(msgspec.structs.replace(read(telegram()), **change))
    assert caught.value.field == field
