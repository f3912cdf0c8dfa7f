"""The writer of scenarios, and round trips of reports."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.feed.convert import read_reports, scenario_toml
from eew.feed.formats.native import decode_report, encode_report
from eew.feed.scenario import Scenario, parse_scenario
from eew.model.errors import InputError
from eew.model.records import AlertStatus, EventReport, IssueBasis, ReportKind

ZERO_AT = datetime(2024, 4, 17, 14, 14, 47, 123_456, UTC)
WORDS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
# A surrogate alone is no text in UTF-8.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
INSTANTS = st.integers(-(10**9), 10**10).map(lambda us: ZERO_AT + timedelta(microseconds=us))
LAT = st.floats(-90, 90)
LON = st.floats(-180, 180)
DEPTH = st.floats(-10, 800)
FAULTS = st.lists(st.lists(st.tuples(LAT, LON, DEPTH), min_size=2, max_size=4).map(tuple), min_size=1, max_size=2)


@st.composite
def reports(draw: st.DrawFn, kind: ReportKind | None = None) -> EventReport:
    """Return any report without areas and signature, which scenarios do not hold."""
    kind = draw(st.sampled_from(ReportKind)) if kind is None else kind
    is_cancel = kind is ReportKind.CANCEL
    return EventReport(
        event_id=draw(WORDS),
        source=draw(WORDS),
        report_no=draw(st.integers(1, 30000)),
        kind=kind,
        status=draw(st.sampled_from(AlertStatus)),
        issued_at=draw(INSTANTS),
        issue_basis=draw(st.sampled_from(IssueBasis)),
        origin_at=draw(st.none() | INSTANTS if is_cancel else INSTANTS),
        detected_at=draw(st.none() | INSTANTS),
        lat_deg=draw(st.none() | LAT if is_cancel else LAT),
        lon_deg=draw(st.none() | LON if is_cancel else LON),
        depth_km=draw(st.none() | DEPTH),
        magnitude=draw(st.none() | st.floats(-2, 10.5)),
        magnitude_type=draw(st.none() | TEXTS),
        place=draw(st.none() | TEXTS),
        is_assumed=draw(st.booleans()),
        tsunami=draw(st.none() | st.booleans()),
        likelihood=draw(st.none() | st.floats(0, 1)),
        fault=draw(st.none() | FAULTS.map(tuple)),
    )


@st.composite
def sequences(draw: st.DrawFn) -> tuple[EventReport, ...]:
    """Return reports of one or two events as a scenario may hold them, many of their values the same."""
    firsts = draw(st.lists(reports(ReportKind.NEW), min_size=1, max_size=2, unique_by=lambda first: first.event_id))
    after_s = sorted(draw(st.lists(st.floats(0, 300), min_size=1, max_size=6)))
    found = []
    for number, after in enumerate(after_s, start=1):
        first = draw(st.sampled_from(firsts))
        other = draw(reports())
        changes: dict[str, object] = {"report_no": number, "issued_at": ZERO_AT + timedelta(seconds=after)}
        if draw(st.booleans()):
            changes |= {"kind": ReportKind.UPDATE, "depth_km": other.depth_km, "issue_basis": other.issue_basis}
        elif draw(st.booleans()):
            changes |= {"kind": ReportKind.CANCEL, "origin_at": other.origin_at, "lat_deg": None, "fault": None}
        found.append(msgspec.structs.replace(first, **changes))
    return tuple(found)


@given(reports())
def test_report_survives_its_json(report: EventReport) -> None:
    """Encoded and decoded, a report is what it was."""
    assert decode_report(encode_report(report)) == report


@given(
    sequences(),
    st.sampled_from(["japan", "33.2,132.4,300", "-5,-0.25,12.5"]),
    TEXTS.filter(lambda text: text.strip() == text and "\r" not in text),
)
def test_scenario_survives_its_file(sequence: tuple[EventReport, ...], population: str, text: str) -> None:
    """Written and read, a scenario is what it was."""
    scenario = Scenario(
        name="mine",
        title=f"t{text}",
        sources=(f"s{text}", "b"),
        licence=f"l{text}",
        profile="japan",
        population=population,
        reports=sequence,
        notes=text,
    )
    assert parse_scenario(scenario_toml(scenario).encode(), "mine.toml") == scenario


@pytest.mark.reference_data
def test_sample_telegrams_become_one_sequence(reference_data: Path) -> None:
    """JMA's 33 sample telegrams, in any order, are 32 reports that grow from 4.2 to 6.7, and the cancel."""
    files = sorted((reference_data / "reports/jma_xml_bungo_2024").glob("77_*.xml"), reverse=True)
    found = read_reports(files)
    assert [report.report_no for report in found] == [*range(1, 33), 32]
    assert found[-1].kind is ReportKind.CANCEL
    assert found[0].magnitude == 4.2
    assert max(report.magnitude or 0 for report in found) == 6.7


@pytest.mark.reference_data
def test_two_sorts_of_forecasts_are_refused(reference_data: Path) -> None:
    """VXSE44 and VXSE45 repeat each other under the same numbers, and the file is named."""
    folder = reference_data / "reports/jma_xml_bungo_2024"
    with pytest.raises(InputError, match="VXSE44 or 45, not both") as caught:
        read_reports([*folder.glob("77_*.xml"), *folder.glob("36_*.xml")])
    assert caught.value.field == "report_no"
    assert Path(str(caught.value.file)).suffix == ".xml"


@pytest.mark.reference_data
def test_warnings_have_a_count_of_their_own_among_forecasts(reference_data: Path) -> None:
    """VXSE43 says how many warnings there were: with the forecasts it makes a scenario, which keeps the two apart."""
    folder = reference_data / "reports/jma_xml_bungo_2024"
    found = read_reports([*folder.glob("77_*.xml"), *folder.glob("37_*.xml")])
    assert [report.report_no for report in found if report.numbering == "warnings"] == [1, 2, 2]
    assert {report.numbering for report in found} == {None, "warnings"}


def test_other_endings_are_refused(tmp_path: Path) -> None:
    """A file of a sort that nobody reads is refused by its ending."""
    with pytest.raises(InputError, match=r"\.xml \(JMA\) or \.jsonl"):
        read_reports([tmp_path / "reports.csv"])
