"""Whom an update is sent to."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.decision.revision import EventState
from eew.model.errors import ModelRangeError
from eew.model.records import AlertStatus, EventReport, Level, ReportKind
from tests.strategies import make_report

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
NONE, PASSIVE, ACTIVE, CRITICAL = (int(level) for level in Level)


def report(report_no: int = 1, *, magnitude: float | None = 7.2, **members: Any) -> EventReport:
    return make_report(report_no, 20 + report_no, magnitude, at=ORIGIN_AT, **members)


def rows(*row: int) -> npt.NDArray[np.int32]:
    return np.array(row, dtype=np.int32)


def codes(*level: int) -> npt.NDArray[np.uint8]:
    return np.array(level, dtype=np.uint8)


def seconds(*arrival_s: float) -> npt.NDArray[np.float32]:
    return np.array(arrival_s, dtype=np.float32)


def told(first: EventReport, level: int = ACTIVE, s_arrival_s: float = 60.0) -> EventState:
    """Return the state of one target that was told of ``first``."""
    state = EventState(1, ORIGIN_AT)
    state.mark_sent(first, rows(0), codes(level), seconds(s_arrival_s))
    return state


def selected(state: EventState, now: EventReport, level: int = ACTIVE, s_arrival_s: float = 60.0) -> int:
    """Return the level that the one target is to be told, ``NONE`` where it is not selected."""
    is_selected, effective = state.select(now, rows(0), codes(level), seconds(s_arrival_s))
    return int(effective[0]) if is_selected[0] else NONE


def test_the_first_report_goes_to_all_that_have_a_level() -> None:
    """Who never was told is told, unless there is nothing to tell."""
    state = EventState(9, ORIGIN_AT)
    is_selected, effective = state.select(report(), rows(1, 3, 8), codes(CRITICAL, NONE, PASSIVE), seconds(40, 80, 99))
    assert is_selected.tolist() == [True, False, True]
    assert effective.tolist() == [CRITICAL, NONE, PASSIVE]


@pytest.mark.parametrize(
    "now",
    [
        report(2),
        report(2, place="三陸沖"),
        report(2, kind=ReportKind.FINAL),
        report(2, magnitude=7.4),
        report(2, magnitude=7.0),
        report(2, depth_km=19.9),
        report(2, lat_deg=38.28),
        report(2, origin_s=2.9),
        report(2, magnitude=None),
        report(2, depth_km=None),
        report(2, magnitude=1.0, lat_deg=40.0, is_assumed=True),
    ],
    ids=[
        "number",
        "wording",
        "final",
        "M+0.2",
        "M-0.2",
        "depth+9.9",
        "9km",
        "origin+2.9",
        "M-lost",
        "depth-lost",
        "assumed",
    ],
)
def test_what_changes_too_little_is_not_sent(now: EventReport) -> None:
    """Wording, number, final flag, a small step, or a value that was lost: no message."""
    # The same instant of the S arrival, whatever the origin time.
    origin_s = 0 if now.origin_at is None else (now.origin_at - ORIGIN_AT).total_seconds()
    assert selected(told(report()), now, s_arrival_s=60.0 - origin_s) == NONE


@pytest.mark.parametrize(
    "now",
    [
        report(2, magnitude=7.5),
        report(2, magnitude=7.45),
        report(2, magnitude=6.9),
        report(2, depth_km=20.0),
        report(2, depth_km=0.0),
        report(2, lat_deg=38.3),
        report(2, lon_deg=142.82),
        report(2, origin_s=3.0),
        report(2, origin_s=-3.0),
    ],
    ids=[
        "M+0.3",
        "M+0.3-rounded",
        "M-0.3",
        "depth+10",
        "depth-10",
        "11km-north",
        "10.5km-east",
        "origin+3",
        "origin-3",
    ],
)
def test_what_changes_enough_is_sent(now: EventReport) -> None:
    """Each threshold is reached exactly; magnitudes are compared in tenths."""
    origin_s = 0 if now.origin_at is None else (now.origin_at - ORIGIN_AT).total_seconds()
    assert selected(told(report()), now, s_arrival_s=60.0 - origin_s) == ACTIVE


@pytest.mark.parametrize(("before", "now"), [(7.7, 8.0), (7.3, 7.6), (6.1, 6.4)])
def test_three_tenths_are_three_tenths_in_binary_too(before: float, now: float) -> None:
    """8.0 − 7.7 is 0.2999… in binary, and a change all the same."""
    assert selected(told(report(magnitude=before)), report(2, magnitude=now)) == ACTIVE


@pytest.mark.parametrize(
    "before",
    [report(magnitude=None), report(depth_km=None), report(magnitude=1.0, is_assumed=True)],
    ids=["magnitude", "depth", "source"],
)
def test_what_becomes_known_is_sent(before: EventReport) -> None:
    """The first magnitude, depth or real source is news to who was told without."""
    assert selected(told(before), report(2)) == ACTIVE


@pytest.mark.parametrize(
    ("s_arrival_s", "expected"),
    [(60.9, NONE), (59.1, NONE), (61.0, ACTIVE), (59.0, ACTIVE), (np.nan, NONE)],
)
def test_a_countdown_that_moves_a_second_is_sent(s_arrival_s: float, expected: int) -> None:
    """A second is enough; an S arrival that is no longer known is nothing to tell."""
    assert selected(told(report()), report(2), s_arrival_s=s_arrival_s) == expected


def test_a_countdown_that_becomes_known_is_sent() -> None:
    """Who was told no S arrival is told the first one."""
    assert selected(told(report(), s_arrival_s=np.nan), report(2)) == ACTIVE


@pytest.mark.parametrize(("s_arrival_s", "expected"), [(60.0, ACTIVE), (58.0, NONE)])
def test_s_arrivals_are_compared_as_instants(s_arrival_s: float, expected: int) -> None:
    """An origin 2 s later with a travel time 2 s shorter is the same instant; with the same travel time it is not."""
    assert selected(told(report()), report(2, origin_s=2.0), s_arrival_s=s_arrival_s) == expected


def test_small_drifts_add_up() -> None:
    """Steps of 0.1, 4 km and 0.4 s, never delivered, are told once their sum is large enough."""
    state = told(report(magnitude=7.2))
    steps = [selected(state, report(2 + step, magnitude=7.3 + 0.1 * step)) for step in range(3)]
    assert steps == [NONE, NONE, ACTIVE]
    state = told(report())
    assert [selected(state, report(2 + step, lat_deg=38.2 + 0.036 * (step + 1))) for step in range(3)] == [
        NONE,
        NONE,
        ACTIVE,
    ]
    state = told(report())
    assert [selected(state, report(2 + step), s_arrival_s=60.4 + 0.4 * step) for step in range(3)] == [
        NONE,
        NONE,
        ACTIVE,
    ]


def test_comparison_is_with_what_was_delivered_to_each_and_not_with_what_was_planned() -> None:
    """Of two targets planned, the one whose update was superseded is told by the next report, the other is not."""
    state = EventState(2, ORIGIN_AT)
    both, level, s_arrival_s = rows(0, 1), codes(ACTIVE, ACTIVE), seconds(60, 70)
    state.mark_sent(report(1, magnitude=7.2), both, level, s_arrival_s)
    is_selected, _ = state.select(report(2, magnitude=7.6), both, level, s_arrival_s)
    assert is_selected.tolist() == [True, True]
    state.mark_sent(report(2, magnitude=7.6), rows(1), codes(ACTIVE), seconds(70))
    is_selected, _ = state.select(report(3, magnitude=7.7), both, level, s_arrival_s)
    assert is_selected.tolist() == [True, False]


def test_selecting_remembers_nothing() -> None:
    """Only delivery changes what an update is compared with, and inputs stay as they were."""
    state = EventState(3, ORIGIN_AT)
    given_ = (rows(0, 2), codes(ACTIVE, CRITICAL), seconds(50, 60))
    before = [column.copy() for column in given_]
    for _ in range(2):
        is_selected, effective = state.select(report(), *given_)
        assert is_selected.all()
        effective[:] = 0
    assert len(state.told_rows()[0]) == 0
    for column, copy in zip(given_, before, strict=True):
        np.testing.assert_array_equal(column, copy)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (PASSIVE, ACTIVE, ACTIVE),
        (ACTIVE, CRITICAL, CRITICAL),
        (PASSIVE, CRITICAL, CRITICAL),
        (ACTIVE, PASSIVE, PASSIVE),
        (CRITICAL, ACTIVE, NONE),
        (CRITICAL, PASSIVE, NONE),
        (CRITICAL, NONE, NONE),
        (ACTIVE, NONE, NONE),
        (PASSIVE, NONE, NONE),
    ],
)
def test_levels_rise_and_fall_but_critical_stays(before: int, now: int, expected: int) -> None:
    """A rise is told, a fall is told below critical only, and falling below every threshold is silence."""
    assert selected(told(report(), before), report(2), now) == expected


def test_a_critical_alert_sent_for_another_reason_stays_critical() -> None:
    """The countdown moved by 2 s while the level fell to active: it is sent, as critical."""
    state = told(report(), CRITICAL)
    assert selected(state, report(2), ACTIVE, s_arrival_s=62.0) == CRITICAL
    state.mark_sent(report(2), rows(0), codes(CRITICAL), seconds(62.0))
    assert selected(state, report(3), ACTIVE, s_arrival_s=62.0) == NONE


def test_who_falls_below_every_threshold_is_silent_until_something_changed() -> None:
    """Back at the level last delivered there is nothing new to tell; above it there is."""
    state = told(report(), PASSIVE)
    assert selected(state, report(2, magnitude=6.0), NONE) == NONE
    assert selected(state, report(3), PASSIVE) == NONE
    assert selected(state, report(3), ACTIVE) == ACTIVE


def test_a_cancel_goes_to_exactly_those_told_at_the_highest_level_of_each() -> None:
    """Planned is not told, and the highest level counts, not the last."""
    state = EventState(6, ORIGIN_AT)
    state.mark_sent(report(1), rows(5, 0, 3), codes(PASSIVE, CRITICAL, ACTIVE), seconds(90, 40, 60))
    state.select(report(2), rows(1, 3), codes(CRITICAL, ACTIVE), seconds(45, 60))
    state.mark_sent(report(2, magnitude=6.6), rows(3), codes(PASSIVE), seconds(60))
    told_row, highest = state.told_rows()
    assert told_row.tolist() == [0, 3, 5]
    assert highest.tolist() == [CRITICAL, ACTIVE, PASSIVE]


def test_a_revived_event_is_told_as_new_to_who_had_the_cancel() -> None:
    """Who had the cancel is told anew and is not held to the old critical; who was not reached knows it still."""
    state = EventState(3, ORIGIN_AT)
    s_arrival_s = seconds(40, 50, 60)
    state.mark_sent(report(1), rows(0, 1, 2), codes(CRITICAL, CRITICAL, ACTIVE), s_arrival_s)
    state.mark_cancelled(rows(0, 2))
    assert state.told_rows()[0].tolist() == [1]
    is_selected, effective = state.select(report(3), rows(0, 1, 2), codes(ACTIVE, ACTIVE, ACTIVE), s_arrival_s)
    assert is_selected.tolist() == [True, False, True]
    assert effective.tolist() == [ACTIVE, CRITICAL, ACTIVE]


def test_a_cancel_is_not_selected_by_what_changed() -> None:
    """It goes to the told and to nobody else, so asking is a mistake."""
    cancel = EventReport(
        event_id="20110311144640",
        source="jma",
        report_no=4,
        kind=ReportKind.CANCEL,
        status=AlertStatus.ACTUAL,
        issued_at=ORIGIN_AT,
    )
    with pytest.raises(ModelRangeError, match="cancel"):
        EventState(1, ORIGIN_AT).select(cancel, rows(0), codes(ACTIVE), seconds(60))


def test_memory_is_at_most_ten_bytes_a_target() -> None:
    """The dispatcher's budget is 100 bytes a device in all."""
    assert EventState(1000, ORIGIN_AT).nbytes <= 10 * 1000


def test_the_tohoku_sequence_is_told_where_it_changed() -> None:
    """JMA's reports 4 to 15 [science.md] for a place near the coast and one that the growth reaches.

    Sendai has critical from report 4 on and must keep it through report 5 (7.2 → 6.3); Tokyo rises from passive to
    critical when the magnitude grows. S arrivals are held: only level, magnitude and place speak.
    """
    sequence = [
        # report, magnitude, epicentre, level at Sendai, level at Tokyo
        (4, 7.2, (38.2, 142.7), CRITICAL, PASSIVE),
        (5, 6.3, (38.2, 142.7), ACTIVE, NONE),
        (6, 6.6, (38.2, 142.7), ACTIVE, NONE),
        (7, 6.6, (38.2, 142.7), ACTIVE, NONE),
        (8, 7.2, (38.1, 142.9), CRITICAL, PASSIVE),
        (9, 7.6, (38.1, 142.9), CRITICAL, ACTIVE),
        (10, 7.7, (38.1, 142.9), CRITICAL, ACTIVE),
        (11, 7.7, (38.1, 142.9), CRITICAL, ACTIVE),
        (12, 7.9, (38.1, 142.9), CRITICAL, CRITICAL),
        (13, 8.0, (38.1, 142.9), CRITICAL, CRITICAL),
        (14, 8.1, (38.1, 142.9), CRITICAL, CRITICAL),
        (15, 8.1, (38.1, 142.9), CRITICAL, CRITICAL),
    ]
    state = EventState(2, ORIGIN_AT)
    both, s_arrival_s = rows(0, 1), seconds(48, 92)
    messages: dict[int, list[int]] = {}
    for report_no, magnitude, (lat_deg, lon_deg), *level in sequence:
        now = report(report_no, magnitude=magnitude, lat_deg=lat_deg, lon_deg=lon_deg)
        is_selected, effective = state.select(now, both, codes(*level), s_arrival_s)
        state.mark_sent(now, both[is_selected], effective[is_selected], s_arrival_s[is_selected])
        messages[report_no] = np.where(is_selected, effective, NONE).tolist()
    assert messages == {
        4: [CRITICAL, PASSIVE],
        5: [CRITICAL, NONE],  # 0.9 lower: told, still as critical; Tokyo is below every threshold
        6: [CRITICAL, NONE],  # 0.3 higher than what Sendai has
        7: [NONE, NONE],
        8: [CRITICAL, PASSIVE],  # the epicentre moved by 21 km
        9: [CRITICAL, ACTIVE],
        10: [NONE, NONE],
        11: [NONE, NONE],
        12: [CRITICAL, CRITICAL],  # 7.6 → 7.7 → 7.7 → 7.9 adds up to 0.3; Tokyo rises from 3 to 5 lower
        13: [NONE, NONE],
        14: [NONE, NONE],
        15: [NONE, NONE],
    }


@st.composite
def histories(
    draw: st.DrawFn,
) -> list[tuple[EventReport, list[tuple[int, int, float]], list[bool]]]:
    """Return reports of one event, each with rows, levels, S arrivals, and which of the selected are delivered."""
    history = []
    for report_no in range(1, draw(st.integers(2, 6)) + 1):
        now = report(
            report_no,
            magnitude=draw(st.none() | st.sampled_from([6.9, 7.0, 7.2, 7.5])),
            lat_deg=draw(st.sampled_from([38.2, 38.25, 38.31])),
            depth_km=draw(st.sampled_from([None, 10.0, 15.0, 24.0])),
            origin_s=draw(st.sampled_from([0.0, 2.0, 4.0])),
            is_assumed=draw(st.booleans()),
        )
        reached = sorted(draw(st.sets(st.integers(0, 5), max_size=6)))
        targets = [
            (row, draw(st.integers(0, 3)), draw(st.sampled_from([59.0, 59.75, 60.25, 62.0, np.nan]))) for row in reached
        ]
        history.append((now, targets, [draw(st.booleans()) for _ in targets]))
    return history


@given(histories())
def test_columns_decide_as_each_target_would_alone(
    history: list[tuple[EventReport, list[tuple[int, int, float]], list[bool]]],
) -> None:
    """Every subset of rows gives what the rules, read scalar by scalar, give each target by its own history."""
    state = EventState(6, ORIGIN_AT)
    last: dict[int, tuple[EventReport, int, float]] = {}
    for now, targets, is_delivered in history:
        row = rows(*(target[0] for target in targets))
        level = codes(*(target[1] for target in targets))
        s_arrival_s = seconds(*(target[2] for target in targets))
        is_selected, effective = state.select(now, row, level, s_arrival_s)
        for (each, own, arrival_s), is_chosen, sent in zip(targets, is_selected, effective, strict=True):
            assert (bool(is_chosen), int(sent)) == _alone(last.get(each), now, own, arrival_s)
        # Delivered in no particular order.
        is_sent = np.flatnonzero(is_selected & np.array(is_delivered, dtype=np.bool_))[::-1]
        state.mark_sent(now, row[is_sent], effective[is_sent], s_arrival_s[is_sent])
        last |= {int(row[i]): (now, int(effective[i]), float(s_arrival_s[i])) for i in is_sent}
    assert state.told_rows()[0].tolist() == sorted(last)


def _alone(
    before: tuple[EventReport, int, float] | None, now: EventReport, level: int, s_arrival_s: float
) -> tuple[bool, int]:
    """Return whether one target is selected and how loud, written from the rules and not from the columns."""
    if level == NONE:
        return False, NONE
    if before is None:
        return True, level
    told_of, told_level, told_s = before
    effective = CRITICAL if told_level == CRITICAL else level
    assert now.origin_at is not None
    assert told_of.origin_at is not None
    later_s = (now.origin_at - told_of.origin_at).total_seconds()
    reasons = [effective != told_level, abs(later_s) >= 3]
    if not np.isnan(s_arrival_s):
        reasons.append(bool(np.isnan(told_s)) or abs(later_s + s_arrival_s - told_s) >= 1)
    if not now.is_assumed:
        known: list[tuple[float | None, float | None, float]] = [
            (told_of.magnitude, now.magnitude, 0.299),
            (told_of.depth_km, now.depth_km, 10),
            # A degree of latitude is 111 km there.
            ((told_of.lat_deg or 0) * 111, (now.lat_deg or 0) * 111, 10),
        ]
        for old, new, step in known:
            if new is not None:
                reasons.append(told_of.is_assumed or old is None or abs(new - old) >= step)
    return any(reasons), effective
