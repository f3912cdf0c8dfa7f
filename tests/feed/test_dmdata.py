"""DMDATA's JSON: its samples, and what each field means."""

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.feed.formats.dmdata import parse, render
from eew.feed.json_message import MAX_BYTES
from eew.feed.parsed import Ignored
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

JST = timezone(timedelta(hours=9))
CLASSES = {"0": 0, "1": 0.5, "2": 1.5, "3": 2.5, "4": 3.5, "5-": 4.5, "5+": 5.0, "6-": 5.5, "6+": 6.0, "7": 6.5}


def message(body: dict[str, Any] | None = None, **head: Any) -> bytes:
    """Return a message of invented content."""
    earthquake = {
        "originTime": "2024-06-03T06:31:40+09:00",
        "arrivalTime": "2024-06-03T06:31:42+09:00",
        "hypocenter": {
            "name": "石川県能登地方",
            "coordinate": {"latitude": {"value": "37.5000"}, "longitude": {"value": "137.2000"}},
            "depth": {"value": "10"},
        },
        "magnitude": {"value": "5.9", "unit": "Mj"},
    }
    whole = {
        "_schema": {"type": "eew-information", "version": "1.0.0"},
        "status": "通常",
        "infoType": "発表",
        "reportDateTime": "2024-06-03T06:31:44+09:00",
        "eventId": "20240603063142",
        "serialNo": "2",
        "body": {"isLastInfo": False, "isCanceled": False, "earthquake": earthquake, **(body or {})},
        **head,
    }
    return json.dumps(whole, ensure_ascii=False).encode()


def read(data: bytes) -> EventReport:
    (report,) = parse(data)
    assert isinstance(report, EventReport)
    return report


@pytest.mark.reference_data
@pytest.mark.parametrize(
    ("name", "report_no", "kind"),
    [
        ("vxse43_rjtd_20110311144810", 5, ReportKind.UPDATE),
        ("vxse43_rjtd_20110311145000", 5, ReportKind.CANCEL),
        ("vxse44_rjtd_20180906031016", 26, ReportKind.FINAL),
        ("vxse45_rjtd_20110311144810", 23, ReportKind.UPDATE),
        ("vxse45_rjtd_20110311144811", 23, ReportKind.CANCEL),
    ],
)
def test_sample_is_read(reference_data: Path, name: str, report_no: int, kind: ReportKind) -> None:
    """Each sample says what stands in its JSON, its areas one by one."""
    data = (reference_data / f"reports/dmdata/{name}.json").read_bytes()
    raw, report = json.loads(data), read(data)
    assert (report.report_no, report.kind, report.event_id) == (report_no, kind, raw["eventId"])
    assert report.issued_at == datetime.fromisoformat(raw["reportDateTime"])
    if kind is ReportKind.CANCEL:
        assert (report.origin_at, report.lat_deg, report.areas) == (None, None, None)
        return
    earthquake = raw["body"]["earthquake"]
    coordinate = earthquake["hypocenter"]["coordinate"]
    assert report.origin_at == datetime.fromisoformat(earthquake["originTime"])
    assert report.detected_at == datetime.fromisoformat(earthquake["arrivalTime"])
    assert report.lat_deg == float(coordinate["latitude"]["value"])
    assert report.lon_deg == float(coordinate["longitude"]["value"])
    assert report.depth_km == -float(coordinate["height"]["value"]) / 1000
    assert (report.magnitude, report.magnitude_type) == (float(earthquake["magnitude"]["value"]), "Mj")
    assert report.areas == tuple(
        AreaAnswer(
            code=region["code"],
            name=region["name"],
            intensity_from=CLASSES[region["forecastMaxInt"]["from"]],
            intensity_to=CLASSES[region["forecastMaxInt"]["to"]],
            s_arrival_at=datetime.fromisoformat(region["arrivalTime"]) if region["kind"]["code"][1] == "0" else None,
            is_arrived=region["kind"]["code"][1] == "1",
        )
        for region in raw["body"]["intensity"]["regions"]
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [("通常", AlertStatus.ACTUAL), ("訓練", AlertStatus.EXERCISE), ("試験", AlertStatus.TEST)],
    ids=["normal", "drill", "test"],
)
def test_status_is_never_lost(word: str, status: AlertStatus) -> None:
    """A drill stays a drill."""
    assert read(message(status=word)).status is status


def test_what_is_no_report_is_ignored() -> None:
    """A test without an earthquake and a message of another schema are in order."""
    (test,) = parse(message({"earthquake": None}, status="試験"))
    assert isinstance(test, Ignored)
    assert parse(b'{"_schema": {"type": "tsunami-information"}}') == (
        Ignored("a message of another schema: tsunami-information"),
    )


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        ({"value": None, "condition": "ごく浅い"}, 0.0),
        ({"value": None, "condition": "７００ｋｍ以上"}, 700.0),
        ({"value": None, "condition": "不明"}, None),
        ({"value": "40"}, 40.0),
    ],
    ids=["very shallow", "deep", "unknown", "40"],
)
def test_depth_in_words(depth: dict[str, Any], expected: float | None) -> None:
    """Two depths are said in words."""
    raw = json.loads(message())
    raw["body"]["earthquake"]["hypocenter"]["depth"] = depth
    assert read(json.dumps(raw).encode()).depth_km == expected


def test_assumed_hypocentre_and_unknown_magnitude() -> None:
    """Without an origin time the detection stands for it; a magnitude of null is unknown."""
    raw = json.loads(message())
    raw["body"]["earthquake"] |= {"condition": "仮定震源要素", "magnitude": {"value": None, "unit": "Mj"}}
    del raw["body"]["earthquake"]["originTime"]
    report = read(json.dumps(raw).encode())
    assert report.is_assumed
    assert report.origin_at == report.detected_at == datetime(2024, 6, 2, 21, 31, 42, tzinfo=UTC)
    assert (report.magnitude, report.magnitude_type) == (None, None)


@pytest.mark.parametrize(
    ("data", "field", "value"),
    [
        pytest.param(message(serialNo="x"), "serialNo", "x", id="serial"),
        pytest.param(message(serialNo=2), "serialNo", 2, id="type"),
        pytest.param(message(status="？"), "status", "？", id="status"),
        pytest.param(message(infoType="？"), "infoType", "？", id="information type"),
        pytest.param(
            message(reportDateTime="0001-01-01T00:00:00"), "issued_at", "0001-01-01 00:00:00+09:00", id="time"
        ),
        pytest.param(message({"earthquake": None}), "origin_at", None, id="no earthquake"),
    ],
)
def test_bad_member_is_named(data: bytes, field: str, value: object) -> None:
    """The error says which member is wrong and what it holds."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(data, file="d.json")
    assert (caught.value.file, caught.value.field, caught.value.value) == ("d.json", field, value)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"[" * 100_000, b'{"a":' * 100_000, b'{"_schema": 1}', b" " * (MAX_BYTES + 1), b"\xff"],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    """Nothing but the one error is raised."""
    with pytest.raises(ReportDecodeError):
        parse(data)


@given(st.data())
def test_changed_message_raises_one_error_only(data: st.DataObject) -> None:
    """Whatever value any member has, the message is read or refused."""
    regions = [{"code": "1", "kind": {"code": "10"}, "arrivalTime": "2024-06-03T06:31:55+09:00"}]
    raw = json.loads(message({"intensity": {"regions": regions}}))
    table, key = raw, data.draw(st.sampled_from(sorted(raw)))
    while isinstance(table[key], (dict, list)) and table[key] and data.draw(st.booleans()):
        table = table[key]
        key = data.draw(st.sampled_from(sorted(table) if isinstance(table, dict) else range(len(table))))
    table[key] = data.draw(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=3)
        | st.sampled_from(["1e999", "NaN", "9" * 5000, {}, []])
    )
    with contextlib.suppress(ReportDecodeError):
        assert all(isinstance(part, Ignored) for part in parse(json.dumps(raw).encode())[1:])


TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1), timezones=st.just(JST)).map(  # noqa: DTZ001 - the zone is JST
    lambda at: at.replace(microsecond=0)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@st.composite
def reports(draw: st.DrawFn) -> EventReport:
    """Draw a report that says only what a message can say, to its resolution."""
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
    area = st.builds(
        lambda code, name, lowest, highest, at: AreaAnswer(
            code=code, name=name, intensity_from=lowest, intensity_to=highest, s_arrival_at=at
        ),
        TEXTS,
        st.none() | TEXTS,
        st.sampled_from(sorted(CLASSES.values())),
        st.none() | st.sampled_from(sorted(CLASSES.values())),
        st.none() | TIMES,
    )
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
            "areas": draw(st.none() | st.lists(area, min_size=1, max_size=3).map(tuple)),
        },
        EventReport,
    )


@given(reports())
def test_report_survives_its_message(report: EventReport) -> None:
    """What a message can say comes back from it as it was."""
    assert parse(render(report)) == (report,)
