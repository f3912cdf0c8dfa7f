"""Messages that people recorded, where they are at hand; each rule has a test of its own beside its format's."""

from pathlib import Path

import pytest

from eew.feed.parsed import Heartbeat
from eew.feed.wire_format import wire_format
from eew.model.records import EventReport, IssueBasis

CASES = Path(__file__).parents[3] / "shared" / "cases"


def read(name: str, *path: str) -> EventReport:
    file = CASES.joinpath(*path)
    if not file.is_file():
        pytest.skip("the recorded messages are not here")
    (report,) = wire_format(name).parse(file.read_bytes(), file=file)
    assert isinstance(report, EventReport)
    return report


def test_two_reports_of_fujian_are_one_earthquake() -> None:
    """Of Hualien, 2024-10-27."""
    first, second = (read("wolfx-fj", "wolfx-fj", name) for name in ("r1.json", "r2-made.json"))
    assert first.event_id == second.event_id == "20241027182139"
    assert (first.report_no, second.report_no) == (1, 2)


def test_nobody_knows_when_cenc_issued_what_its_relay_passes_on() -> None:
    """Of Aketao, 2026-07-18: both say the origin."""
    for name in ("aketao-r1.json", "aketao-r2-made.json"):
        report = read("wolfx-cenc", "wolfx-cenc", name)
        assert (report.issue_basis, report.issued_after_s) == (IssueBasis.UNKNOWN, None)


def test_assumed_source_and_plum_say_areas_and_no_arrival() -> None:
    """One area at intensity 4; three of which two are reached and one is PLUM's."""
    assumed = read("wolfx-jma", "wolfx-jma-assumed", "assumed-r5.json")
    assert assumed.is_assumed
    assert [(area.code, area.intensity_from, area.s_arrival_at) for area in assumed.areas or ()] == [("212", 3.5, None)]
    last = read("wolfx-jma", "wolfx-jma-assumed", "r14.json")
    assert not last.is_assumed
    assert [(area.is_arrived, area.s_arrival_at) for area in last.areas or ()] == [(True, None)] * 2 + [(False, None)]


@pytest.mark.parametrize(("name", "depth_km", "likelihood"), [("no-depth", None, 0.99), ("no-likelihood", 22.3, None)])
def test_seiscomps_words_for_unknown_are_unknown(name: str, depth_km: float | None, likelihood: float | None) -> None:
    """Of Vallorcine, 2020-06-23, M 3.65."""
    report = read("shakealert", "vs-sentinels", f"vs-{name}.xml")
    assert (report.magnitude, report.depth_km, report.likelihood) == (3.65, depth_km, likelihood)


@pytest.mark.parametrize("name", ["shakealert", "quakeml"])
def test_the_heartbeat_of_finder_is_a_sign_of_life(name: str) -> None:
    """Its time is in the form of C."""
    file = CASES / "shakealert-heartbeat" / "hb.xml"
    if not file.is_file():
        pytest.skip("the recorded messages are not here")
    (life,) = wire_format(name).parse(file.read_bytes())
    assert isinstance(life, Heartbeat)
    assert life.at is not None
    assert life.at.isoformat() == "2020-06-24T04:09:15+00:00"
