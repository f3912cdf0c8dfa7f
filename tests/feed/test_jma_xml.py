"""JMA telegrams: JMA's own samples, and what is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from eew.errors import ReportDecodeError
from eew.feed.formats.jma_xml import MAX_BYTES, decode_jma_xml
from eew.model import AlertStatus, ReportKind

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
        pytest.param(telegram(magnitude="big"), "Body/Earthquake/Magnitude", "big", id="magnitude"),
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


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Report xmlns="x">&b;</Report>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_declared_entities_are_never_expanded(encoding: str) -> None:
    """A document type is refused before anything is parsed, in whatever encoding it hides."""
    with pytest.raises(ReportDecodeError, match=r"UTF-8|document type"):
        decode_jma_xml(BOMB.encode(encoding))


def test_utf16_without_mark_is_refused() -> None:
    """Text whose bytes happen to be UTF-8 too is not parsed as something else."""
    with pytest.raises(ReportDecodeError):
        decode_jma_xml(f'<?xml version="1.0" encoding="UTF-16"?>{BOMB}'.encode("utf-16-le"))


def test_oversized_telegram_is_refused() -> None:
    """What is larger than any telegram is not parsed."""
    with pytest.raises(ReportDecodeError, match="at most"):
        decode_jma_xml(b" " * (MAX_BYTES + 1))
