"""A member that a report can be without never costs the report: what cannot be used is left out of it and told."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from eew.feed.intake import Intake
from eew.feed.parsed import Heartbeat, Ignored
from eew.feed.transports.received_message import ReceivedMessage
from eew.feed.wire_format import wire_format
from eew.model.disposition import Disposition
from eew.model.errors import ReportDecodeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, IssueBasis, ReportKind

ORIGIN_AT = datetime(2024, 6, 2, 21, 31, 40, tzinfo=UTC)
REPORT = EventReport(
    event_id="20240603063142",
    source="jma",
    report_no=2,
    kind=ReportKind.UPDATE,
    status=AlertStatus.ACTUAL,
    issued_at=ORIGIN_AT + timedelta(seconds=12),
    origin_at=ORIGIN_AT,
    detected_at=ORIGIN_AT + timedelta(seconds=2),
    lat_deg=37.5,
    lon_deg=137.2,
    depth_km=50.0,
    magnitude=6.1,
    magnitude_type="Mj",
    place="能登",
    likelihood=0.8,
    areas=(
        AreaAnswer(code="390", name="石川県能登", intensity_from=4.5, intensity_to=5.0),
        AreaAnswer(
            code="391",
            name="石川県加賀",
            intensity_from=3.5,
            intensity_to=3.5,
            s_arrival_at=ORIGIN_AT + timedelta(seconds=30),
        ),
    ),
)

Spoil = Callable[[bytes], bytes]


def at(*path: str | int, value: object) -> Spoil:
    """Return what puts a value at a path of a message in JSON."""

    def spoil(data: bytes) -> bytes:
        message: Any = json.loads(data)
        inner = message
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        return json.dumps(message).encode()

    return spoil


def swap(pattern: str, text: str) -> Spoil:
    """Return what puts a text in the place of the only match of a pattern."""

    def spoil(data: bytes) -> bytes:
        spoilt, n = re.subn(pattern, text, data.decode())
        assert n == 1
        return spoilt.encode()

    return spoil


REGION = ("body", "intensity", "regions", 0)
EEW = ("EEWLists", 0, "EEWs", 0)
CASES = {
    "native": [("likelihood", at("likelihood", value=-9.9)), ("depth_km", at("depth_km", value=-9.9))],
    "shakealert": [
        ("depth_km", swap("50.0000", "deep")),
        ("magnitude", swap("6.1000", "6,1")),
        ("magnitude", swap("6.1000", "11")),
        ("likelihood", swap("0.8000", "1.5")),
    ],
    "quakeml": [
        ("depth_km", swap("50000.000", "-1e300")),
        ("magnitude", swap("<value>6.1<", "<value>inf<")),
        ("likelihood", swap("0.8", "2")),
        ("detected_at", swap("2024-06-02T21:31:42Z", "soon")),
    ],
    "jma-xml": [("magnitude", swap(">6.1<", ">big<"))],
    "dmdata": [
        ("magnitude", at("body", "earthquake", "magnitude", "value", value="big")),
        ("magnitude", at("body", "earthquake", "magnitude", value=6.1)),
        ("depth_km", at("body", "earthquake", "hypocenter", "depth", value={"value": 50})),
        ("detected_at", at("body", "earthquake", "arrivalTime", value="soon")),
        ("place", at("body", "earthquake", "hypocenter", "name", value=["能登"])),
        ("areas", at("body", "intensity", "regions", value="all")),
    ],
    "jma-history": [
        ("magnitude", at(*EEW, "Magnitude", value="big")),
        ("depth_km", at(*EEW, "HypoDepth", value="deep")),
        ("areas", at(*EEW, "IntensityAreas", value={"MaxIntensityD": 3})),
    ],
    "wolfx-jma": [
        ("depth_km", at("Depth", value="deep")),
        ("magnitude", at("Magunitude", value=-9.9)),
        ("place", at("Hypocenter", value={"name": "能登"})),
        ("areas", at("WarnArea", value="all")),
    ],
    "wolfx-sc": [
        ("depth_km", at("Depth", value=True)),
        ("place", at("HypoCenter", value=["a"])),
        ("magnitude", at("Magunitude", value="big")),
    ],
    "wolfx-cenc": [("magnitude", at("Magnitude", value=-9.9))],
    "exptech": [("depth_km", at(0, "eq", "depth", value="deep")), ("magnitude", at(0, "eq", "mag", value=-9.9))],
    "fanstudio": [("depth_km", at("Data", "depth", value=900)), ("magnitude", at("Data", "magnitude", value="big"))],
    "kmoni": [("depth_km", at("depth", value="900km")), ("magnitude", at("magunitude", value=["4.6"]))],
    "cap": [
        ("depth_km", swap("<value>50.0<", "<value>deep<")),
        ("magnitude", swap("<value>6.1<", "<value>11<")),
        ("likelihood", swap("<value>0.8<", "<value>-9<")),
    ],
    "emsc-fdsn": [
        ("depth_km", at("features", 0, "properties", "depth", value="deep")),
        ("magnitude", at("features", 0, "properties", "mag", value=-9.9)),
        ("place", at("features", 0, "properties", "flynn_region", value=["a"])),
    ],
    "fdsn-text": [("depth_km", swap(r"\|50\.0\|", "|deep|")), ("magnitude", swap(r"\|6\.1\|", "|11|"))],
    "wolfx-cwa": [("depth_km", at("Depth", value=900)), ("magnitude", at("Magunitude", value="big"))],
    "icl": [("depth_km", at("data", 0, "depth", value=900)), ("magnitude", at("data", 0, "magnitude", value="big"))],
    "p2pquake": [
        ("depth_km", at("earthquake", "hypocenter", "depth", value="deep")),
        ("detected_at", at("earthquake", "arrivalTime", value="soon")),
    ],
    "emsc": [("magnitude", at("data", "properties", "mag", value="big"))],
    "usgs": [
        ("magnitude", at("features", 0, "properties", "mag", value=-9)),
        ("depth_km", at("features", 0, "geometry", "coordinates", 2, value="deep")),
        ("depth_km", at("features", 0, "geometry", "coordinates", 2, value=[50])),
    ],
}


def parsed(name: str, data: bytes) -> tuple[EventReport, list[Ignored]]:
    report, *rest = wire_format(name).parse(data, file="in.x")
    assert isinstance(report, EventReport)
    return report, [part for part in rest if isinstance(part, Ignored)]


@pytest.mark.parametrize(
    ("name", "member", "spoil"),
    [
        pytest.param(name, *case, id=f"{name}, {case[0]}, case {n}")
        for name, cases in CASES.items()
        for n, case in enumerate(cases)
    ],
)
def test_an_unusable_member_is_left_out_and_told_and_the_rest_is_read(name: str, member: str, spoil: Spoil) -> None:
    """The report is the same but for the member, which is unknown."""
    whole = wire_format(name).render(REPORT)
    report, left_out = parsed(name, whole)
    assert getattr(report, member) is not None
    assert left_out == []
    read, left_out = parsed(name, spoil(whole))
    assert read == msgspec.structs.replace(report, **{member: None, "magnitude_type": read.magnitude_type})
    (part,) = left_out
    assert part.reason.endswith("; left out")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("wolfx-jma", ("isFinal",)),
        ("wolfx-jma", ("isAssumption",)),
        ("wolfx-fj", ("isFinal",)),
        ("exptech", (0, "final")),
        ("kmoni", ("is_final",)),
        ("fanstudio", ("Data", "final")),
        ("dmdata", ("body", "isLastInfo")),
    ],
)
def test_that_it_is_the_last_one_or_assumed_need_not_be_known(name: str, path: tuple[str | int, ...]) -> None:
    """Whoever reads the rest may be in time; that it is an exercise or a cancel must be known."""
    whole = wire_format(name).render(REPORT)
    report, _ = parsed(name, whole)
    read, left_out = parsed(name, at(*path, value="maybe")(whole))
    assert read == report
    assert [part.reason[-8:] for part in left_out] == ["left out"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *(("wolfx-jma", (key,)) for key in ("isCancel", "isTraining")),
        ("wolfx-cwa", ("isCancel",)),
        *(("kmoni", (key,)) for key in ("is_cancel", "is_training")),
        *(("fanstudio", ("Data", key)) for key in ("cancel", "isTraining")),
        ("exptech", (0, "status")),
        *(("p2pquake", (key,)) for key in ("cancelled", "test")),
        ("dmdata", ("body", "isCanceled")),
    ],
)
def test_whether_it_is_meant_must_be_known(name: str, path: tuple[str | int, ...]) -> None:
    """An exercise or a cancel that reads as an alert is worse than none."""
    with pytest.raises(ReportDecodeError, match=r"true or false|whole number"):
        wire_format(name).parse(at(*path, value="maybe")(wire_format(name).render(REPORT)))


def without(area: int, **changes: float | None) -> tuple[AreaAnswer, ...]:
    areas = list(REPORT.areas or ())
    areas[area] = msgspec.structs.replace(areas[area], **changes)
    return tuple(areas)


FIRST_ONLY, SECOND_ONLY = (REPORT.areas or ())[:1], (REPORT.areas or ())[1:]


@pytest.mark.parametrize(
    ("name", "spoil", "expected"),
    [
        pytest.param(
            "native", at("areas", 1, "s_arrival_at", value="soon"), without(1, s_arrival_at=None), id="native, case 1"
        ),
        pytest.param("native", at("areas", 0, "code", value=None), SECOND_ONLY, id="native, case 2"),
        pytest.param(
            "jma-xml",
            swap("<From>5-</From>(?!.*<From>5-)", "<From>5</From>"),
            without(0, intensity_from=None),
            id="jma-xml, case 3",
        ),
        pytest.param("jma-xml", swap("06:32:10", "06:99:10"), without(1, s_arrival_at=None), id="jma-xml, case 4"),
        pytest.param("jma-xml", swap("<Code>390</Code>", ""), SECOND_ONLY, id="jma-xml, case 5"),
        pytest.param(
            "jma-telegram", swap("S5[+]5-", "S9+5-"), without(0, intensity_to=None), id="jma-telegram, case 6"
        ),
        pytest.param(
            "jma-telegram", swap("063210", "256000"), without(1, s_arrival_at=None), id="jma-telegram, case 7"
        ),
        pytest.param("jma-telegram", swap("063210 10", "10"), FIRST_ONLY, id="jma-telegram, case 8"),
        pytest.param(
            "dmdata",
            at(*REGION, "forecastMaxInt", "from", value="5"),
            without(0, intensity_from=None),
            id="dmdata, case 9",
        ),
        pytest.param("dmdata", at(*REGION, "code", value=None), SECOND_ONLY, id="dmdata, case 10"),
        pytest.param("wolfx-jma", at("WarnArea", 0, "Chiiki", value=1), SECOND_ONLY, id="wolfx-jma, case 11"),
        pytest.param("p2pquake", at("areas", 0, "name", value=None), SECOND_ONLY, id="p2pquake, case 12"),
        pytest.param(
            "p2pquake",
            at("areas", 1, "arrivalTime", value="soon"),
            without(1, s_arrival_at=None),
            id="p2pquake, case 13",
        ),
        pytest.param(
            "p2pquake", at("areas", 0, "scaleFrom", value="5-"), without(0, intensity_from=None), id="p2pquake, case 14"
        ),
    ],
)
def test_what_is_wrong_with_an_area_costs_no_more_than_the_area(
    name: str, spoil: Spoil, expected: tuple[AreaAnswer, ...]
) -> None:
    """The others are kept, and of the area what can be used."""
    report, left_out = parsed(name, spoil(wire_format(name).render(REPORT)))
    assert report.areas is not None
    key = "code" if name == "jma-telegram" else "name"
    said = [(getattr(area, key), area.intensity_from, area.intensity_to, area.s_arrival_at) for area in report.areas]
    assert said == [
        (getattr(area, key), area.intensity_from, area.intensity_to, area.s_arrival_at) for area in expected
    ]
    assert [part.reason.endswith("; left out") for part in left_out] == [True]


@pytest.mark.parametrize("n_areas", [16, 17, 900])
def test_areas_that_are_all_wrong_cost_the_areas_and_not_the_report(n_areas: int) -> None:
    """However many there are; the first is told, and how many more."""
    area = {"Chiiki": "a", "Shindo1": [4]}
    data = at("WarnArea", value=[area] * n_areas)(wire_format("wolfx-jma").render(REPORT))
    report, left_out = parsed("wolfx-jma", data)
    assert (report.areas is None, report.magnitude) == (n_areas > 16, 6.1)
    (part,) = left_out
    assert part.reason.startswith("WarnArea.Shindo1: 'a list': expected ")
    assert part.reason.endswith(f" ({min(n_areas, 17)} times)")


def test_what_is_left_out_may_be_deep() -> None:
    """As deep as JSON may be, which is deeper than Python's own calls."""
    deep = b"[" * 900 + b"]" * 900
    for name, member, arrival in (("p2pquake", b"areas", b"arrivalTime"), ("wolfx-jma", b"WarnArea", b"Time")):
        data = wire_format(name).render(REPORT)
        start = data.index(b'"%s":' % member)
        end = data.index(b"]", start) + 1
        areas = b'"%s":[{"name":"a","Chiiki":"a","a":%s,"%s":%s}]' % (member, deep, arrival, deep)
        report, left_out = parsed(name, data[:start] + areas + data[end:])
        assert report.areas is not None
        assert ([area.s_arrival_at for area in report.areas], len(left_out)) == ([None], 1)


def test_what_must_be_there_is_missed_whatever_else_is_wrong() -> None:
    """And what was given for it is shown, not only that nothing usable was."""
    data = at("lat_deg", value=91)(at("likelihood", value=-9.9)(wire_format("native").render(REPORT)))
    with pytest.raises(ReportDecodeError) as caught:
        parsed("native", data)
    assert (caught.value.field, caught.value.value) == ("lat_deg", 91)


def test_a_fault_is_left_out_whole() -> None:
    """A part of one is another fault."""
    fault = (((37.0, 142.0, 5.0), (38.0, 143.0, 5.0)),)
    data = wire_format("shakealert").render(msgspec.structs.replace(REPORT, fault=fault))
    assert parsed("shakealert", data)[0].fault == fault
    report, left_out = parsed("shakealert", data.replace(b"143.0000", b"east"))
    assert (report.fault, report.magnitude, len(left_out)) == (None, 6.1, 1)
    for wrong in ([[[37.0, 142.0, 5.0]]], [[[37.0, 142.0, 5.0], [37.0, 542.0, 5.0]]], []):
        report, left_out = parsed("native", at("fault", value=wrong)(wire_format("native").render(REPORT)))
        assert (report.fault, report.magnitude, len(left_out)) == (None, 6.1, 1)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("shakealert", swap('timestamp="[^"]*"', 'timestamp="yesterday"')),
        ("quakeml", swap("<creationTime>[^<]*", "<creationTime>soon")),
    ],
)
def test_an_unusable_time_of_sending_is_an_unknown_one_where_it_need_not_be_there(name: str, spoil: Spoil) -> None:
    """Live it is that of receipt."""
    report, left_out = parsed(name, spoil(wire_format(name).render(REPORT)))
    assert (report.issue_basis, len(left_out)) == (IssueBasis.UNKNOWN, 1)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("shakealert", b'<system_status timestamp="now"/>'),
        ("shakealert", b'<hb timestamp="now"/>'),
        ("quakeml", b'<hb timestamp="now"/>'),
        ("wolfx-jma", b'{"type":"heartbeat","timestamp":"now"}'),
    ],
)
def test_a_sign_of_life_is_one_with_any_time(name: str, data: bytes) -> None:
    """Whoever sends it lives."""
    life = wire_format(name).parse(data)[0]
    assert isinstance(life, Heartbeat)
    assert life.at is None


def test_what_is_left_out_is_counted_and_the_report_goes_on() -> None:
    """As an ignored part of its message."""
    intake = Intake(wire_format("native"), None, lambda: ORIGIN_AT)
    data = at("likelihood", value=-9.9)(wire_format("native").render(REPORT))
    assert [outcome.disposition for outcome in intake.read(ReceivedMessage(data, "f"))] == [
        Disposition.PARSED,
        Disposition.IGNORED,
    ]
    assert (intake.counts.n_parsed, intake.counts.n_ignored, intake.counts.n_rejected) == (1, 1, 0)


def test_areas_do_not_make_up_for_a_hypocentre_that_cannot_be_used() -> None:
    """A report that is meant to say where is refused when that is nowhere; a cancel needs no place."""
    data = at("lat_deg", value=91)(wire_format("native").render(REPORT))
    with pytest.raises(ReportDecodeError):
        parsed("native", data)
    report, left_out = parsed("native", at("kind", value="cancel")(data))
    assert (report.kind, report.lat_deg, len(left_out)) == (ReportKind.CANCEL, None, 1)
