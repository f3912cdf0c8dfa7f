"""Lists of JMA's published reports: two real ones, and what each field means."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.feed.formats.jma_history import MAX_REPORTS, parse, render
from eew.feed.json_message import MAX_BYTES
from eew.feed.scenario import misordered
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

#: Where each class begins, in the order in which the lists count the classes.
CLASSES = (0.0, 0.5, 1.5, 2.5, 3.5, 4.5, 5.0, 5.5, 6.0, 6.5)


def read(data: bytes) -> list[EventReport]:
    parsed = parse(data)
    assert all(isinstance(report, EventReport) for report in parsed)
    return [report for report in parsed if isinstance(report, EventReport)]


def document(*, comment: str = "", **changes: Any) -> bytes:
    """Return a document with one report of invented content."""
    report = {
        "Serial": 1,
        "UpdateTime": "2024-06-03T06:31:43.9",
        "OriginTime": "2024-06-03T06:31:40.3",
        "HypoName": "(能登)",
        "HypoLat": 37.4,
        "HypoLon": 137.4,
        "HypoDepth": 10,
        "Magnitude": 5,
        "IntensityAreas": [
            {"MaxIntensityD": {"From": 4, "To": 5}, "AreaNames": ["あ", "い"], "AreaCodes": [390, 391]},
            {"MaxIntensityD": {"From": -5, "To": -5}, "AreaNames": ["う"], "AreaCodes": []},
        ],
        **changes,
    }
    return json.dumps({"Comment": comment, "EEWLists": [{"ID": "1", "EEWs": [report]}]}).encode()


@pytest.mark.reference_data
def test_real_sequence_is_read(reference_data: Path) -> None:
    """Noto 2024-06-03: 20 reports, unknown magnitude, then an assumed hypocentre, then a magnitude of up to 7.4."""
    data = (reference_data / "reports/jma_noto_20240603.json").read_bytes()
    raw = json.loads(data)["EEWLists"][0]["EEWs"]
    reports = read(data)
    assert [report.report_no for report in reports] == [*range(1, 21)]
    assert [report.magnitude for report in reports] == [
        None if each["Magnitude"] == "NaN" else each["Magnitude"] for each in raw
    ]
    assert reports[0].magnitude is None
    assert max(report.magnitude or 0 for report in reports) == 7.4
    assert [report.report_no for report in reports if report.is_assumed] == [2, 3]
    assert {report.place for report in reports} == {"石川県能登地方"}
    assert {report.status for report in reports} == {AlertStatus.ACTUAL}
    assert reports[0].issued_at == datetime(2024, 6, 2, 21, 31, 43, 900_000, tzinfo=UTC)
    assert reports[0].origin_at == datetime(2024, 6, 2, 21, 31, 40, 300_000, tzinfo=UTC)
    assert misordered(reports) is None
    for report, each in zip(reports, raw, strict=True):
        assert len(report.areas or ()) == sum(len(area["AreaCodes"]) for area in each["IntensityAreas"])


@pytest.mark.reference_data
def test_real_drill_is_one(reference_data: Path) -> None:
    """The national drill of 2025-11-05: seven events a second apart, each an exercise."""
    data = (reference_data / "reports/jma_drill_20251105.json").read_bytes()
    reports = read(data)
    assert [report.event_id for report in reports] == [each["ID"] for each in json.loads(data)["EEWLists"]]
    assert [report.issued_at for report in reports] == [
        datetime(2025, 11, 5, 1, 0, second, tzinfo=UTC) for second in range(7)
    ]
    assert {(report.kind, report.status) for report in reports} == {(ReportKind.NEW, AlertStatus.EXERCISE)}
    first = json.loads(data)["EEWLists"][0]["EEWs"][0]["IntensityAreas"]
    assert reports[0].areas == tuple(
        AreaAnswer(
            code=str(code),
            name=name,
            intensity_from=CLASSES[group["MaxIntensityD"]["From"]],
            intensity_to=CLASSES[group["MaxIntensityD"]["To"]],
        )
        for group in first
        for code, name in zip(group["AreaCodes"], group["AreaNames"], strict=True)
    )


def test_areas_without_code_are_left_out() -> None:
    """The classes are numbers from 0 on, negative ones unknown."""
    (report,) = read(document())
    assert report.areas == (
        AreaAnswer(code="390", name="あ", intensity_from=3.5, intensity_to=4.5),
        AreaAnswer(code="391", name="い", intensity_from=3.5, intensity_to=4.5),
    )
    unknown = [{"MaxIntensityD": {"From": -1, "To": 10}, "AreaCodes": [390]}]
    (report,) = read(document(IntensityAreas=unknown))
    assert report.areas == (AreaAnswer(code="390"),)


@pytest.mark.parametrize(
    ("comment", "status"),
    [("", AlertStatus.ACTUAL), ("…の訓練データ", AlertStatus.EXERCISE), ("試験", AlertStatus.TEST)],
    ids=["nothing", "drill", "test"],
)
def test_status_is_told_by_the_comment(comment: str, status: AlertStatus) -> None:
    """A drill stays a drill."""
    assert [report.status for report in read(document(comment=comment))] == [status]


def test_events_are_told_in_the_order_of_their_issue() -> None:
    """Two sequences at once come as they came."""
    one = json.loads(document())["EEWLists"][0]["EEWs"][0]
    lists = [
        {"ID": "a", "EEWs": [one, {**one, "Serial": 2, "UpdateTime": "2024-06-03T06:31:50"}]},
        {"ID": "b", "EEWs": [{**one, "UpdateTime": "2024-06-03T06:31:45"}]},
    ]
    reports = read(json.dumps({"EEWLists": lists}).encode())
    assert [(report.event_id, report.report_no) for report in reports] == [("a", 1), ("b", 1), ("a", 2)]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        pytest.param(document(Serial=0), "report_no", id="number"),
        pytest.param(document(Serial="1"), "EEWLists[0].EEWs[0].Serial", id="type"),
        pytest.param(document(HypoLat=99), "lat_deg", id="latitude"),
        pytest.param(document(UpdateTime="now"), "issued_at", id="time"),
        pytest.param(b'{"EEWLists": []}', "EEWLists", id="nothing"),
        pytest.param(b" " * (MAX_BYTES + 1), "size", id="long"),
    ],
)
def test_bad_member_is_named(data: bytes, field: str) -> None:
    """The error says which member is wrong."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(data, file="h.json")
    assert (caught.value.file, caught.value.field) == ("h.json", field)


def test_endless_lists_are_refused() -> None:
    """There is a bound on reports and on their areas."""
    raw = json.loads(document(IntensityAreas=[]))
    raw["EEWLists"][0]["EEWs"] *= MAX_REPORTS + 1
    with pytest.raises(ReportDecodeError, match=f"1 to {MAX_REPORTS} reports"):
        parse(json.dumps(raw).encode())
    with pytest.raises(ReportDecodeError, match="areas"):
        parse(document(IntensityAreas=[{"MaxIntensityD": {"From": 1, "To": 1}, "AreaCodes": [1] * 30_000}]))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b'{"EEWLists": 1}'])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    """Nothing but the one error is raised."""
    with pytest.raises(ReportDecodeError):
        parse(data)


JST = timezone(timedelta(hours=9))
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1), timezones=st.just(JST))  # noqa: DTZ001 - the zone is JST
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="()"), max_size=8)


@st.composite
def reports(draw: st.DrawFn) -> EventReport:
    """Draw a report that says only what a document can say, to its resolution."""
    report_no = draw(st.integers(1, 30_000))
    magnitude, depth_km = draw(st.none() | st.integers(-20, 105)), draw(st.none() | st.integers(-9, 800))
    area = st.builds(
        lambda code, lowest, highest: AreaAnswer(
            code=str(code), name=f"{code}番", intensity_from=lowest, intensity_to=highest
        ),
        st.integers(0, 10**9 - 1),
        st.none() | st.sampled_from(CLASSES),
        st.none() | st.sampled_from(CLASSES),
    )
    return msgspec.convert(
        {
            "event_id": draw(st.from_regex("[A-Za-z0-9_-]{1,64}", fullmatch=True)),
            "source": "jma",
            "report_no": report_no,
            "kind": ReportKind.NEW if report_no == 1 else ReportKind.UPDATE,
            "status": draw(st.sampled_from(AlertStatus)),
            "issued_at": draw(TIMES),
            "origin_at": draw(TIMES),
            "lat_deg": draw(st.integers(-900, 900)) / 10,
            "lon_deg": draw(st.integers(-1800, 1800)) / 10,
            "depth_km": depth_km,
            "magnitude": None if magnitude is None else magnitude / 10,
            "is_assumed": (magnitude, depth_km) == (10, 10),
            "place": draw(st.none() | TEXTS),
            "areas": draw(st.none() | st.lists(area, min_size=1, max_size=4).map(tuple)),
        },
        EventReport,
    )


@given(reports())
def test_report_survives_its_document(report: EventReport) -> None:
    """What a document can say comes back from it as it was."""
    assert parse(render(report)) == (report,)


def test_cancel_cannot_be_written() -> None:
    """It would be read as a report that stands."""
    (report,) = read(document())
    with pytest.raises(InputError) as caught:
        render(msgspec.structs.replace(report, kind=ReportKind.CANCEL))
    assert caught.value.field == "kind"
