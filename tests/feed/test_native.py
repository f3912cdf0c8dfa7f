"""The native format: what is read, and what is refused in which words."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.feed.formats.native import decode_report, load_reports, parse, render
from eew.feed.name_counter import Tally
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, EventReport, ReportKind

#: The example of the contract, its times filled in.
CONTRACT = {
    "event_id": "20110311144640",
    "source": "jma",
    "report_no": 4,
    "kind": "update",
    "status": "actual",
    "origin_at": "2011-03-11T05:46:18.1Z",
    "issued_at": "2011-03-11T05:46:48.8Z",
    "detected_at": None,
    "lat_deg": 38.2,
    "lon_deg": 142.7,
    "depth_km": 10,
    "magnitude": 7.2,
    "magnitude_type": "Mj",
    "place": "三陸沖",
    "is_assumed": False,
    "tsunami": None,
    "likelihood": None,
    "fault": None,
    "areas": None,
    "signature": None,
}
A_TIME = "a time with its zone, like 2011-03-11T05:46:45.6Z"


def line(**changes: object) -> bytes:
    return json.dumps(CONTRACT | changes, ensure_ascii=False).encode()


def test_contract_example_is_read() -> None:
    """Every member of the published example arrives in the record."""
    assert decode_report(line()) == EventReport(
        event_id="20110311144640",
        source="jma",
        report_no=4,
        kind=ReportKind.UPDATE,
        status=AlertStatus.ACTUAL,
        origin_at=datetime(2011, 3, 11, 5, 46, 18, 100_000, UTC),
        issued_at=datetime(2011, 3, 11, 5, 46, 48, 800_000, UTC),
        lat_deg=38.2,
        lon_deg=142.7,
        depth_km=10.0,
        magnitude=7.2,
        magnitude_type="Mj",
        place="三陸沖",
    )


def test_times_come_out_in_utc() -> None:
    """A time in the agency's zone is the same instant in UTC."""
    report = decode_report(line(issued_at="2011-03-11T14:46:48.8+09:00"))
    assert report.issued_at.isoformat() == "2011-03-11T05:46:48.800000+00:00"


def test_cancel_needs_no_hypocentre() -> None:
    """A cancel says only what it cancels."""
    members = {key: CONTRACT[key] for key in ("event_id", "source", "report_no", "status", "issued_at")}
    report = decode_report(json.dumps({**members, "kind": "cancel"}).encode())
    assert (report.kind, report.lat_deg, report.origin_at) == (ReportKind.CANCEL, None, None)


def test_unknown_members_are_ignored_and_counted() -> None:
    """Members that nobody knows do no harm, and are counted by name."""
    unknown = Tally()
    for _ in range(2):
        assert decode_report(line(magunitude=7, x=None), unknown=unknown) == decode_report(line())
    assert unknown == {"magunitude": 2, "x": 2}


@pytest.mark.parametrize(
    ("changes", "field", "value", "expected"),
    [
        pytest.param({"lat_deg": 91}, "lat_deg", 91, "a number of at most 90.0", id="latitude out of range"),
        pytest.param({"lon_deg": "x"}, "lon_deg", "x", "a number", id="text for a number"),
        pytest.param({"kind": "revise"}, "kind", "revise", "new or update or final or cancel", id="kind"),
        pytest.param({"status": 1}, "status", 1, "text", id="number for a word"),
        pytest.param({"event_id": "a/b"}, "event_id", "a/b", "1 to 64 of A-Z a-z 0-9 _ -", id="topic in the id"),
        pytest.param({"report_no": 0}, "report_no", 0, "a whole number of at least 1", id="number 0"),
        pytest.param({"report_no": 1.5}, "report_no", 1.5, "a whole number", id="broken number"),
        pytest.param({"issued_at": "2011-03-11T05:46:48"}, "issued_at", "2011-03-11T05:46:48", A_TIME, id="no zone"),
        pytest.param({"issued_at": "soon"}, "issued_at", "soon", A_TIME, id="no time"),
        pytest.param(
            {"issued_at": "0001-01-01T00:00:00+09:00"}, "issued_at", "0001-01-01 00:00:00+09:00", A_TIME, id="year 0"
        ),
        pytest.param({"magnitude": 11}, "magnitude", 11, "a number of at most 10.5", id="magnitude"),
        pytest.param({"is_assumed": 1}, "is_assumed", 1, "true or false", id="number for a truth"),
        pytest.param({"fault": [[[1, 2]]]}, "fault[0][0]", [1, 2], "a list of length 3", id="corner of two numbers"),
        pytest.param(
            {"fault": [[[1, 2, 3]]]},
            "fault",
            [[[1, 2, 3]]],
            "a list of segments, each a list of 2 or more [lat, lon, depth_km]",
            id="segment of one corner",
        ),
        pytest.param(
            {"lat_deg": None},
            "lat_deg",
            None,
            "missing required field (only a cancel, or a report of areas, needs none)",
            id="no hypocentre",
        ),
        pytest.param(
            {"areas": [{"name": "x"}]}, "areas[0].code", None, "missing required field", id="area without code"
        ),
    ],
)
def test_bad_member_is_named(changes: dict[str, object], field: str, value: object, expected: str) -> None:
    """The error says which member is wrong, what it holds and what it should hold."""
    with pytest.raises(ReportDecodeError) as caught:
        decode_report(line(**changes), file="in.jsonl", line_no=7)
    error = caught.value
    assert (error.file, error.line, error.field, error.value, error.expected) == (
        "in.jsonl",
        7,
        field,
        value,
        expected,
    )


@pytest.mark.parametrize("member", ["event_id", "source", "report_no", "kind", "status", "issued_at"])
def test_required_member_is_missed(member: str) -> None:
    """Each required member, left out, is named."""
    members = {key: value for key, value in CONTRACT.items() if key != member}
    with pytest.raises(ReportDecodeError) as caught:
        decode_report(json.dumps(members).encode())
    assert (caught.value.field, caught.value.expected) == (member, "missing required field")


@pytest.mark.parametrize(
    "text",
    [b"", b"[1]", b"7", b"{", b'{"a":NaN}', b'{"a":1e999}', b"{}x", b"[" * 100_000, b'{"a":"\xff"}'],
    ids=["empty", "list", "number", "cut off", "nan", "infinite", "trailing", "deep", "not UTF-8"],
)
def test_other_than_a_json_object_is_refused(text: bytes) -> None:
    """What is no JSON object is refused as a whole."""
    with pytest.raises(ReportDecodeError, match="one JSON object"):
        decode_report(text)


@given(
    st.binary(max_size=60) | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_bytes_give_a_typed_error(text: bytes) -> None:
    """Whatever comes in on a feed, nothing but the typed error comes out."""
    with pytest.raises(ReportDecodeError):
        decode_report(text)


@given(st.sampled_from(sorted(CONTRACT)), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_value_of_any_member_is_read_or_refused(member: str, value: object) -> None:
    """A member may hold anything: the report is read or refused with the typed error."""
    with suppress(ReportDecodeError):
        decode_report(line(**{member: value}))


def test_file_is_read_in_its_order(tmp_path: Path) -> None:
    """Lines come in the order of the file; empty ones are passed over."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(line(report_no=2) + b"\r\n\n" + line(report_no=1))
    assert [report.report_no for report in load_reports(path)] == [2, 1]


def test_file_with_a_bad_line_names_the_line(tmp_path: Path) -> None:
    """One bad line makes the whole file bad, and is counted from 1 with the empty ones."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(line() + b"\n\n" + line(lat_deg=-91) + b"\n")
    with pytest.raises(ReportDecodeError) as caught:
        load_reports(path)
    assert str(caught.value) == f"{path}:3: lat_deg: -91: expected a number of at least -90.0"


def test_file_without_reports_is_refused(tmp_path: Path) -> None:
    """An empty file is not a quiet success."""
    path = tmp_path / "in.jsonl"
    path.write_text("\n")
    with pytest.raises(ReportDecodeError, match="at least one report"):
        load_reports(path)


def test_message_holds_one_report_or_several_a_line_each() -> None:
    """Reports come in the order of the lines; empty lines are skipped."""
    assert parse(line()) == (decode_report(line()),)
    assert parse(b"\n".join([line(report_no=1), b"", line(report_no=2)])) == (
        decode_report(line(report_no=1)),
        decode_report(line(report_no=2)),
    )


@pytest.mark.parametrize(
    ("message", "line_no", "expected"),
    [
        pytest.param(b"\n \n", None, "at least one report, a JSON object a line", id="no report"),
        pytest.param(line() + b"\n7", 2, "one JSON object", id="number in the second line"),
        pytest.param(b'{"a":NaN}', None, "JSON (JSON is malformed: invalid character (byte 5))", id="NaN"),
        pytest.param(b"[" * 900 + b"]" * 900, None, "at most 32 levels", id="deep list"),
        pytest.param(b'{"place":' * 33 + b"1" + b"}" * 33, None, "at most 32 levels", id="deep object"),
        pytest.param(b" " * 1_000_001, None, "at most 1000000 bytes", id="too long"),
        pytest.param(line() + b"\n" + line(place="x" * 100_000), 2, "at most 100000 bytes", id="line too long"),
    ],
)
def test_bad_message_is_refused(message: bytes, line_no: int | None, expected: str) -> None:
    """The error says which line, where there are several, and what was expected."""
    with pytest.raises(ReportDecodeError) as caught:
        parse(message, file="in.jsonl")
    assert (caught.value.file, caught.value.line, caught.value.expected) == ("in.jsonl", line_no, expected)


def test_report_is_written_whole() -> None:
    """What is written is read back as the same report, members that only this format has included."""
    report = decode_report(line(fault=[[[38.0, 142.0, 5.0], [38.5, 142.5, 20.0]]], likelihood=0.9, signature="x"))
    assert parse(render(report)) == (report,)
