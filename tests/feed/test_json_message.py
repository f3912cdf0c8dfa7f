"""JSON from outside: what is read, what is refused in which words, and every JSON format there and back."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eew.feed.json_message import Members, parsed_each, parsed_json, parsed_objects
from eew.feed.parsed import Ignored
from eew.feed.wire_format import wire_format
from eew.model.errors import InputError, ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, IssueBasis, ReportKind

JAPAN = timezone(timedelta(hours=9))
A_TIME = "a time like 2011-03-11 05:46:45"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"", "JSON (Input data was truncated)", id="nothing"),
        pytest.param(b"{", "JSON (Input data was truncated)", id="half"),
        pytest.param(b'{"a":NaN}', "JSON (JSON is malformed: invalid character (byte 5))", id="NaN"),
        pytest.param(b'{"a":Infinity}', "JSON (JSON is malformed: invalid character (byte 5))", id="infinity"),
        pytest.param(b'{"a":1e999}', "JSON (Number out of range - at `$[...]`)", id="number out of range"),
        pytest.param(b"[]", "one JSON object", id="list"),
        pytest.param(b"7", "one JSON object", id="number"),
        pytest.param(b"{}" + b" " * 1_000_000, "at most 1000000 bytes", id="too long"),
    ],
)
def test_what_is_no_object_is_refused(data: bytes, expected: str) -> None:
    """The error says what a message should have been, and of which file."""
    with pytest.raises(ReportDecodeError) as caught:
        parsed_json(data, file="in.json")
    assert (caught.value.expected, caught.value.file) == (expected, "in.json")


@pytest.mark.parametrize(
    "data", [b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"[" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000]
)
def test_bad_text_and_endless_nesting_are_refused(data: bytes) -> None:
    """Bytes that are no UTF-8, halves of characters and nesting without end are no JSON for us."""
    with pytest.raises(ReportDecodeError, match=r"expected JSON \("):
        parsed_json(data)


def test_byte_order_mark_is_skipped() -> None:
    """What some Windows programs write before the text does no harm."""
    assert parsed_json(b'\xef\xbb\xbf{"a":"b"}').text("a") == "b"


def test_list_or_object_is_read_as_objects() -> None:
    """One object is a list of one; a list that is too long is refused."""
    assert [each.whole("a") for each in parsed_objects(b'[{"a":1},{"a":2}]')] == [1, 2]
    assert [each.whole("a") for each in parsed_objects(b'{"a":1}')] == [1]
    with pytest.raises(ReportDecodeError, match="expected at most 1000 objects"):
        parsed_objects(b"[" + b",".join([b"{}"] * 1001) + b"]")


@pytest.mark.parametrize(
    ("value", "taken_as", "expected"),
    [
        (None, "text", "missing required field"),
        ("", "text", "missing required field"),
        ([1], "text", "text"),
        (True, "text", "text"),
        (None, "number", "missing required field"),
        ("7.1M", "number", "a number"),
        ("1_0", "number", "a number"),
        ("nan", "number", "a number"),
        ("٧", "number", "a number"),
        (True, "number", "a number"),
        pytest.param(10**400, "number", "a number", id="endless number"),
        (1.5, "whole", "a whole number"),
        (-1, "whole", "a whole number"),
        ("-2", "whole", "a whole number"),
        (False, "whole", "a whole number"),
        (None, "whole", "missing required field"),
        (1, "flag", "true or false"),
        ("true", "flag", "true or false"),
        ("2011-03-11", "instant", A_TIME),
        ("2011-02-29 00:00:00", "instant", A_TIME),
        ("2011-03-11 24:00:00", "instant", A_TIME),
        ("0001-01-01 00:00:00", "instant", A_TIME),
        (None, "instant", "missing required field"),
        (10**17, "epoch_ms", "milliseconds since 1970"),
        (3, "members", "one JSON object"),
        (3, "objects", "a list of objects"),
        ({}, "numbers", "a list of numbers"),
    ],
)
def test_bad_member_is_named_with_its_place(value: object, taken_as: str, expected: str) -> None:
    """The error says the file, the way to the member, what it holds and what it should hold."""
    message = parsed_json(json.dumps({"out": {"x": value}}).encode(), file="in.json")
    with pytest.raises(ReportDecodeError) as caught:
        getattr(message.members("out"), taken_as)("x", *[JAPAN] * (taken_as == "instant"))
    error = caught.value
    shown = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else value
    assert (error.file, error.field, error.value, error.expected) == ("in.json", "out.x", shown, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011/03/11 14:46:45", "2011-03-11T05:46:45+00:00"),
        ("2011-03-11T14:46:45.25", "2011-03-11T05:46:45.250000+00:00"),
        ("2011-03-11T05:46:45.6Z", "2011-03-11T05:46:45.600000+00:00"),
        ("2011-03-11 06:46:45+01:00", "2011-03-11T05:46:45+00:00"),
    ],
)
def test_time_is_in_the_agencys_zone_unless_it_says_its_own(text: str, expected: str) -> None:
    """Days may be written with strokes or hyphens."""
    assert Members({"at": text}).instant("at", JAPAN).isoformat() == expected


def test_numbers_may_be_written_as_text_and_unknown_in_their_own_way() -> None:
    """Null, nothing and the agency's own number for it are unknown; a zero is a zero."""
    members = Members({"a": "3.8", "b": -200, "c": None, "d": 0, "e": "", "f": "12"})
    assert [members.number_or_none(name, unknown=-200) for name in "abcdex"] == [3.8, None, None, 0.0, None, None]
    assert members.whole("f") == 12


def test_one_bad_part_costs_only_itself() -> None:
    """Of several, what is wrong is ignored with a reason; where all are wrong the first error is raised."""

    def taken(each: Members) -> Ignored:
        return Ignored(each.text("a"))

    assert parsed_each(parsed_objects(b'[{"a":"b"},{"a":[1]}]'), taken) == (
        Ignored("b"),
        Ignored("one of several is not as it should be: .a: expected text"),
    )
    with pytest.raises(ReportDecodeError) as caught:
        parsed_each(parsed_objects(b'[{"a":[1]},{}]'), taken)
    assert caught.value.field == "[0].a"


class Resolution(NamedTuple):
    """To what a format says a report; zero where it says all."""

    time_s: float
    issue_s: float
    place_deg: float
    depth_km: float
    magnitude: float
    numbers: bool = True
    kinds: frozenset[ReportKind] = frozenset()
    statuses: frozenset[AlertStatus] = frozenset({AlertStatus.ACTUAL})


NO_CANCEL = frozenset({ReportKind.CANCEL})
FORMATS = {
    "native": Resolution(0, 0, 0, 0, 0, statuses=frozenset(AlertStatus)),
    "wolfx-jma": Resolution(1, 1, 0.1, 1, 0.1, statuses=frozenset(AlertStatus)),
    "wolfx-sc": Resolution(1, 1, 0.001, 1, 0.1, kinds=NO_CANCEL),
    "wolfx-cenc": Resolution(1, 1, 0.001, 1, 0.1, kinds=NO_CANCEL),
    "wolfx-fj": Resolution(1, 1, 0.001, 1, 0.1, kinds=NO_CANCEL),
    "wolfx-cq": Resolution(1, 1, 0.001, 1, 0.1, kinds=NO_CANCEL),
    "wolfx-cwa": Resolution(1, 1, 0.01, 1, 0.1, kinds=NO_CANCEL),
    "exptech": Resolution(0.001, 0.001, 0.01, 0.1, 0.1),
    "kmoni": Resolution(1, 1, 0.1, 1, 0.1, statuses=frozenset({AlertStatus.ACTUAL, AlertStatus.EXERCISE})),
    "fanstudio": Resolution(1, 1, 0.01, 1, 0.1, statuses=frozenset({AlertStatus.ACTUAL, AlertStatus.EXERCISE})),
    "icl": Resolution(0.001, 0.001, 0, 0, 0, kinds=NO_CANCEL),
    "p2pquake": Resolution(1, 1, 0.1, 1, 0.1, statuses=frozenset({AlertStatus.ACTUAL, AlertStatus.TEST})),
    "emsc": Resolution(0.01, 0, 0.0001, 0.1, 0.1, numbers=False),
    "usgs": Resolution(0.001, 0.001, 0.0001, 0.0001, 0.01, numbers=False),
}
TIMES = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
AREA = st.builds(
    AreaAnswer,
    code=st.sampled_from(["203", "146"]),
    name=st.sampled_from(["青森県下北", "胆振地方中東部"]),
    intensity_from=st.sampled_from([None, 0.0, 0.5, 3.5, 4.5]),
    intensity_to=st.sampled_from([None, 4.5, 5.0, 5.5, 6.5]),
)


@st.composite
def reports(draw: st.DrawFn, statuses: frozenset[AlertStatus]) -> EventReport:
    """Draw a report as an agency of any sort could issue it."""
    report_no = draw(st.integers(1, 200))
    origin_at = draw(TIMES)
    kinds = [ReportKind.NEW if report_no == 1 else ReportKind.UPDATE, ReportKind.FINAL, ReportKind.CANCEL]
    is_assumed = draw(st.booleans())
    areas = draw(st.none() | st.lists(AREA, min_size=1, max_size=3).map(tuple))
    return EventReport(
        event_id=draw(st.from_regex(r"[A-Za-z0-9-]{1,20}(_[0-9]{1,7})?", fullmatch=True)),
        source=draw(st.sampled_from(["jma", "cenc", "usgs"])),
        report_no=report_no,
        kind=draw(st.sampled_from(kinds)),
        status=draw(st.sampled_from(sorted(statuses))),
        issued_at=origin_at + timedelta(seconds=draw(st.floats(2, 5000))),
        origin_at=origin_at,
        lat_deg=draw(st.floats(-90, 90)),
        lon_deg=draw(st.floats(-180, 180)),
        depth_km=draw(st.none() | st.floats(0, 700)),
        magnitude=draw(st.floats(0, 9.5)),
        place=draw(st.none() | st.text(min_size=1, max_size=8)),
        is_assumed=is_assumed,
        areas=areas,
    )


def is_near(read: float | None, said: float | None, step: float) -> bool:
    if read is None or said is None:
        return read is said
    return abs(read - said) <= step / 2 + 1e-9


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40)
@given(data=st.data())
def test_what_is_written_is_read_back_as_the_same_event(name: str, data: st.DataObject) -> None:
    """Name, times, place, depth and magnitude come back to the format's resolution; times are cut, not rounded."""
    form, resolution = wire_format(name), FORMATS[name]
    report = data.draw(reports(resolution.statuses))
    if report.kind in resolution.kinds:
        with pytest.raises(InputError) as caught:
            form.render(report)
        assert (caught.value.field, caught.value.value) == ("kind", "cancel")
        return
    (read,) = form.parse(form.render(report))
    assert isinstance(read, EventReport)
    assert (read.event_id, read.status) == (report.event_id, report.status)
    assert (read.kind is ReportKind.CANCEL) == (report.kind is ReportKind.CANCEL)
    assert read.report_no == report.report_no or not resolution.numbers
    if name == "wolfx-cenc":
        assert (read.issue_basis, read.issued_at) == (IssueBasis.UNKNOWN, read.origin_at)
    else:
        assert read.issue_basis is IssueBasis.STATED
        assert timedelta(0) <= report.issued_at - read.issued_at < timedelta(seconds=resolution.issue_s or 1e-6)
    if read.origin_at is None:
        assert report.kind is ReportKind.CANCEL
        return
    assert report.origin_at is not None
    assert timedelta(0) <= report.origin_at - read.origin_at < timedelta(seconds=resolution.time_s or 1e-6)
    assert is_near(read.lat_deg, report.lat_deg, resolution.place_deg)
    assert is_near(read.lon_deg, report.lon_deg, resolution.place_deg)
    assert is_near(read.depth_km, None if name == "wolfx-fj" else report.depth_km, resolution.depth_km)
    assert is_near(read.magnitude, report.magnitude, resolution.magnitude)
    assert read.place == report.place


@pytest.mark.parametrize("name", ["wolfx-jma", "p2pquake"])
@settings(max_examples=40)
@given(data=st.data())
def test_areas_are_read_back_in_order(name: str, data: st.DataObject) -> None:
    """Names and classes come back; codes where the format has them."""
    report = data.draw(reports(frozenset({AlertStatus.ACTUAL})))
    (read,) = wire_format(name).parse(wire_format(name).render(report))
    assert isinstance(read, EventReport)
    if report.kind is ReportKind.CANCEL or report.areas is None:
        assert read.areas is None
        return
    assert read.areas is not None
    for got, said in zip(read.areas, report.areas, strict=True):
        assert (got.code, got.name) == (said.code if name == "wolfx-jma" else said.name, said.name)
        assert got.s_arrival_at is None
        if name == "p2pquake" or said.intensity_from is not None:
            assert (got.intensity_from, got.intensity_to) == (said.intensity_from, said.intensity_to)


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].statuses == {AlertStatus.ACTUAL}])
def test_drill_is_not_written_where_it_would_read_as_an_alert(name: str) -> None:
    """A format without a word for drills refuses them."""
    at = datetime(2024, 1, 1, tzinfo=UTC)
    drill = EventReport(
        event_id="1",
        source="x",
        report_no=1,
        kind=ReportKind.NEW,
        status=AlertStatus.EXERCISE,
        issued_at=at,
        origin_at=at,
        lat_deg=0.0,
        lon_deg=0.0,
    )
    with pytest.raises(InputError) as caught:
        wire_format(name).render(drill)
    assert (caught.value.field, caught.value.value) == ("status", "exercise")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
) | st.sampled_from([10**400, 10**17, -1, "9999-12-31 23:59:59", "0001-01-01 00:00:00", "2011-03-11 05:46:60", "//"])


def replaced(value: Any, at: int, new: object) -> tuple[Any, int]:
    """Return a document with its ``at``-th value, counted depth first, replaced."""
    if at == 0:
        return new, -1
    at -= 1
    if isinstance(value, dict):
        parts: Any = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        return value, at
    found = {}
    for key, inner in parts:
        found[key], at = (inner, at) if at < 0 else replaced(inner, at, new)
    return (found if isinstance(value, dict) else list(found.values())), at


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40)
@given(data=st.data())
def test_whatever_stands_in_a_message_only_the_decode_error_is_raised(name: str, data: st.DataObject) -> None:
    """Any value in the place of any other, and any byte in the place of any other, is read or refused."""
    form = wire_format(name)
    report = data.draw(reports(frozenset({AlertStatus.ACTUAL})).filter(lambda each: each.kind is not ReportKind.CANCEL))
    document = json.loads(form.render(report))
    changed, _ = replaced(document, data.draw(st.integers(0, 40)), data.draw(ANYTHING))
    message = bytearray(json.dumps(changed).encode())
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(message) - 1), st.integers(0, 255)), max_size=2)):
        message[at] = byte
    try:
        parts = form.parse(bytes(message))
    except ReportDecodeError as error:
        assert error.expected  # noqa: PT017 - being refused is one of two right ends
    else:
        assert parts
