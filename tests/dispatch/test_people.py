"""Outcomes in columns against each person's story told alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.devices.swarm.receiver import RECEIPT
from eew.dispatch.people import EventPeople, Followed, People, chosen_devices, follow_event
from eew.model.records import AlertPlan, AlertStatus, Cells, EventReport, IssueBasis, Level, ReportKind

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
NONE, PASSIVE, ACTIVE, CRITICAL = (int(level) for level in Level)
N_DEVICES = 6
ROWS = range(N_DEVICES)


@dataclass(frozen=True)
class Told:
    """An alert that a device had: how loud, S arrival after the report's origin, seconds after the report."""

    row: int
    level: int = ACTIVE
    s_arrival_s: float = 60.0
    received_s: float = 0.5


@dataclass(frozen=True)
class Story:
    """A report: when it was issued, whom it chose, who was told, where it puts the origin after the first one's."""

    issued_s: float
    chosen: Sequence[int]
    told: Sequence[Told] = ()
    origin_s: float = 0.0
    issue_basis: IssueBasis = IssueBasis.STATED


def followed(report_no: int, story: Story, cells: Cells | None, rows: range) -> Followed:
    report = EventReport(
        event_id="e1",
        source="jma",
        report_no=report_no,
        kind=ReportKind.UPDATE,
        status=AlertStatus.ACTUAL,
        issued_at=ORIGIN_AT + timedelta(seconds=story.issued_s),
        issue_basis=story.issue_basis,
        origin_at=ORIGIN_AT + timedelta(seconds=story.origin_s),
        lat_deg=38.1,
        lon_deg=142.9,
        magnitude=7.6,
    )
    n = len(story.chosen)
    column = np.full(n, np.nan, dtype=np.float32)
    plan = AlertPlan(
        report=report,
        expires_at=ORIGIN_AT + timedelta(seconds=600),
        scale="jma",
        info="jp/ja",
        target_row=np.array(story.chosen, dtype=np.int32),
        level=np.full(n, ACTIVE, dtype=np.uint8),
        intensity=column,
        p_arrival_s=column,
        s_arrival_s=column,
        s_slowness_s_km=column,
        radius_km_by_level={},
    )
    mine = [told for told in story.told if told.row in rows]
    lines = np.zeros(len(mine), dtype=RECEIPT)
    for line, told in zip(lines, mine, strict=True):
        line["device_row"], line["level"], line["s_arrival_s"] = told.row, told.level, told.s_arrival_s
    is_chosen = chosen_devices(plan, N_DEVICES, cells)[rows.start : rows.stop]
    assert report.origin_at is not None
    return Followed(
        report, report.origin_at, is_chosen, lines, np.array([told.received_s for told in mine], dtype=np.float32)
    )


def event(*stories: Story, cells: Cells | None = None, rows: range = ROWS) -> EventPeople:
    reports = (followed(report_no, story, cells, rows) for report_no, story in enumerate(stories, start=1))
    return follow_event(reports, rows.start, len(rows))


def people(*stories: Story, cells: Cells | None = None) -> People:
    """Return all devices' outcomes, added up from two parts."""
    everybody = People()
    for rows in (ROWS[:4], ROWS[4:]):
        everybody.add(event(*stories, cells=cells, rows=rows))
    return everybody


def outcome(*stories: Story, cells: Cells | None = None) -> dict[str, int]:
    """Return the outcomes that anybody had."""
    return {name: n for name, n in people(*stories, cells=cells).outcome().items() if n}


@pytest.mark.parametrize(
    ("s_arrival_s", "received_s", "expected"),
    [
        (60.0, 0.5, "in_time"),
        (30.6, 0.5, "in_time"),
        (30.5, 0.5, "late_by_dispatch"),
        (30.1, 0.5, "late_by_dispatch"),
        (30.0, 0.5, "late_by_physics"),
        (12.0, 0.5, "late_by_physics"),
        (np.nan, 0.5, "in_time"),
    ],
    ids=["early", "just", "with-the-alert", "between", "with-the-report", "before-the-report", "unknown"],
)
def test_who_is_late_and_whose_fault_it_is(s_arrival_s: float, received_s: float, expected: str) -> None:
    """Issued at 30 s, there at 30.5 s: an S wave in between is the dispatch's fault, one before is nobody's."""
    assert outcome(Story(30, [2], [Told(2, s_arrival_s=s_arrival_s, received_s=received_s)])) == {expected: 1}


def test_who_was_told_by_a_report_issued_nobody_knows_when_counts_apart_and_had_no_known_warning() -> None:
    """Neither in time nor late; what comes later with a time of its own changes nothing for those who were told."""
    unknown = Story(0, [1, 2, 3], [Told(1), Told(2, s_arrival_s=0.1)], issue_basis=IssueBasis.UNKNOWN)
    later = Story(30, [1, 4], [Told(1), Told(4)])
    everybody = people(unknown, later)
    assert everybody.outcome() == {
        "in_time": 1,
        "late_by_physics": 0,
        "late_by_dispatch": 0,
        "not_told": 1,
        "told_at_unknown_time": 2,
    }
    assert everybody.warning_s().tolist() == [29.5]
    received = people(Story(30, [1], [Told(1)], issue_basis=IssueBasis.RECEIVED))
    assert (received.outcome()["in_time"], received.warning_s().tolist()) == (1, [29.5])


def test_who_was_chosen_and_never_told_is_not_told() -> None:
    """Superseded, expired, failed or lost: it comes to the same for the person. Nobody asked for the others."""
    assert outcome(Story(30, [2, 3], [Told(3)]), Story(31, [2])) == {"in_time": 1, "not_told": 1}


def test_the_dispatch_is_blamed_from_the_first_report_that_chose_the_person() -> None:
    """Chosen at 30 s and superseded, told at 40 s of an S wave at 35 s: had the first alert gone out, all were well."""
    assert outcome(Story(30, [1]), Story(40, [1], [Told(1, s_arrival_s=35)])) == {"late_by_dispatch": 1}
    assert outcome(Story(30, []), Story(40, [1], [Told(1, s_arrival_s=35)])) == {"late_by_physics": 1}


def test_the_first_alert_decides() -> None:
    """A later alert, be it late itself, takes nothing back."""
    first, second = Told(1, s_arrival_s=33.0), Told(1, s_arrival_s=20.0)
    assert outcome(Story(30, [1], [first]), Story(31, [1], [second])) == {"in_time": 1}


def test_an_origin_that_moves_moves_the_s_wave() -> None:
    """The second report puts the origin 5 s later: its S wave after 26 s comes 31 s after the first one's origin."""
    story = Story(30, [1], [Told(1, s_arrival_s=26.0, received_s=0.5)], origin_s=5.0)
    assert outcome(Story(29, []), story) == {"in_time": 1}
    assert people(Story(29, []), story).warning_s().tolist() == [0.5]


def test_warning_is_by_the_first_alert_that_was_so_loud() -> None:
    """Passive with 30 s left, critical with 19 s left: of passive it had 30 s, of active and critical 19 s."""
    stories = (
        Story(30, [4], [Told(4, PASSIVE, 60.5)]),
        Story(40, [4], [Told(4, CRITICAL, 59.5)]),
        Story(45, [4], [Told(4, ACTIVE, 59.5)]),
    )
    found = people(*stories)
    assert found.warning_s().tolist() == [30.0]
    by_level = {level: found.warning_s(level).tolist() for level in (Level.PASSIVE, Level.ACTIVE, Level.CRITICAL)}
    assert by_level == {Level.PASSIVE: [30.0], Level.ACTIVE: [19.0], Level.CRITICAL: [19.0]}
    assert event(*stories).highest_level.tolist() == [CRITICAL]


#: Two cells of three devices each.
CELLS = Cells(12, np.array([7, 9], dtype=np.uint32), np.array([0, 3, 6], dtype=np.int32))


def test_in_a_chosen_cell_everybody_is_chosen_but_who_feels_nothing() -> None:
    """Of cell 1, device 3 is told, device 4 finds that it feels nothing, device 5 never hears of it."""
    assert outcome(Story(30, [1], [Told(3), Told(4, NONE)]), cells=CELLS) == {"in_time": 1, "not_told": 1}
    assert event(Story(30, [1], [Told(3), Told(4, NONE)]), cells=CELLS).device_row.tolist() == [3, 5]


def test_who_felt_nothing_at_first_may_be_told_later() -> None:
    """Device 0 is affected by the second report only: it is chosen then."""
    stories = (Story(30, [0], [Told(row, NONE) for row in range(3)]), Story(40, [0], [Told(0, s_arrival_s=38.0)]))
    assert outcome(*stories, cells=CELLS) == {"late_by_physics": 1, "not_told": 2}


def test_an_event_that_chose_nobody_is_nobody() -> None:
    """No reports at all, or one that was too weak."""
    nothing = {"in_time": 0, "late_by_physics": 0, "late_by_dispatch": 0, "not_told": 0}
    assert people().outcome() == nothing
    assert people(Story(30, [])).outcome() == nothing
    assert len(people(Story(30, [])).warning_s()) == 0
    assert People().outcome() == nothing
    assert len(People().warning_s()) == 0


def test_a_person_counts_once_an_event() -> None:
    """Two events at once are two outcomes."""
    both = People()
    both.add(event(Story(30, [2], [Told(2)])))
    both.add(event(Story(30, [2, 3], [Told(2, s_arrival_s=3.0)])))
    assert both.outcome() == {"in_time": 1, "late_by_physics": 1, "late_by_dispatch": 0, "not_told": 1}
    assert sorted(both.warning_s().tolist()) == [-27.5, 29.5]


@st.composite
def histories(draw: st.DrawFn) -> list[Story]:
    """Return reports of one event: each chooses some devices, and reaches some of those it chose."""
    stories = []
    issued_s = 5.0
    for _ in range(draw(st.integers(0, 4))):
        issued_s += draw(st.sampled_from([0.0, 0.25, 1.0, 20.0]))
        chosen = draw(st.lists(st.integers(0, 5), unique=True, max_size=6))
        told = [
            Told(
                row,
                draw(st.sampled_from([PASSIVE, ACTIVE, CRITICAL])),
                draw(st.sampled_from([4.0, 5.0, 6.0, 10.0, 26.0, 60.0])),
                draw(st.sampled_from([0.125, 0.25, 1.0, 30.0])),
            )
            for row in chosen
            if draw(st.booleans())
        ]
        stories.append(Story(issued_s, chosen, told, origin_s=draw(st.sampled_from([0.0, 0.5]))))
    # Instants count from the first report's origin.
    if stories:
        stories[0] = Story(stories[0].issued_s, stories[0].chosen, stories[0].told)
    return stories


@given(histories())
def test_each_chosen_device_has_exactly_the_outcome_of_its_own_story(stories: list[Story]) -> None:
    """The four outcomes share out the chosen, and each person has the one that its story alone gives."""
    expected = {"in_time": 0, "late_by_physics": 0, "late_by_dispatch": 0, "not_told": 0}
    warnings_s: list[float] = []
    warnings_by_level_s: dict[int, list[float]] = {PASSIVE: [], ACTIVE: [], CRITICAL: []}
    n_chosen = 0
    for row in range(6):
        choosing = [story for story in stories if row in story.chosen]
        if not choosing:
            continue
        n_chosen += 1
        chosen_s = choosing[0].issued_s
        alerts = [
            (told.level, story.issued_s + told.received_s, story.origin_s + told.s_arrival_s)
            for story in stories
            for told in story.told
            if told.row == row
        ]
        if not alerts:
            expected["not_told"] += 1
            continue
        _, delivered_s, s_arrival_s = alerts[0]
        warnings_s.append(s_arrival_s - delivered_s)
        for least, warning in warnings_by_level_s.items():
            warning.extend([s - at for level, at, s in alerts if level >= least][:1])
        if s_arrival_s > delivered_s:
            expected["in_time"] += 1
        elif s_arrival_s <= chosen_s:
            expected["late_by_physics"] += 1
        else:
            expected["late_by_dispatch"] += 1
    found = people(*stories)
    assert found.outcome() == expected
    assert sum(expected.values()) == n_chosen == len(event(*stories).device_row)
    assert sorted(found.warning_s().tolist()) == pytest.approx(sorted(warnings_s))
    for level, warning in warnings_by_level_s.items():
        assert sorted(found.warning_s(Level(level)).tolist()) == pytest.approx(sorted(warning))
