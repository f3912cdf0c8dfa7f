"""When a report was issued on the wall clock, whatever time it is for its dispatcher."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.contract.message import Clock, Status, StatusState
from eew.devices.swarm.clock_history import ClockHistory, CoreIssue, issued_wall_s
from eew.model.report import AlertStatus

#: Now, and an earthquake long ago.
NOW = datetime(2026, 11, 28, 3, 0, 0, tzinfo=UTC)
LONG_AGO = datetime(2011, 3, 11, 5, 46, 48, tzinfo=UTC)


def after(start: datetime, delay_s: float) -> datetime:
    return start + timedelta(seconds=delay_s)


def said(
    at_s: float,
    offset_s: float | None,
    *,
    key: str = "k",
    dispatcher_id: str = "d",
    state: StatusState = "running",
) -> Status:
    """Return a status so many seconds after now, by a dispatcher whose events happen so long after the wall clock."""
    return Status(
        dispatcher_id=dispatcher_id,
        version="0",
        state=state,
        at=after(NOW, at_s),
        n_reports=0,
        last_dispatch_at=None,
        clock=None if offset_s is None else Clock(offset_s=offset_s, speed=None),
        keys={key: ""},
    )


def heard(*statuses: Status, late_s: float = 0.0) -> ClockHistory:
    """Return the history of statuses, each heard so long after it was said."""
    history = ClockHistory()
    for status in statuses:
        history.take(status, after(status.at, late_s))
    return history


def wall_s(history: ClockHistory, issued_at: datetime, key: str = "k") -> float:
    """Return how long after now a report was issued."""
    return issued_wall_s(CoreIssue(issued_at, issued_at, key, AlertStatus.ACTUAL), history.spans) - NOW.timestamp()


OFFSET_S = (LONG_AGO - NOW).total_seconds()


def test_without_a_status_events_happen_now() -> None:
    """As for any dispatcher that says nothing of its clock."""
    assert wall_s(heard(), after(NOW, 5)) == 5
    assert wall_s(heard(said(0, None)), after(NOW, 5)) == 5


def test_a_replay_happens_as_it_says() -> None:
    """Its reports of 2011 are issued now; that it lived in the present before its first report does not matter."""
    history = heard(said(0, None), said(1, OFFSET_S), said(6, OFFSET_S))
    assert wall_s(history, after(LONG_AGO, 3)) == pytest.approx(3)
    assert len(history.spans) == 2


def test_a_fast_replay_moves_its_clock_with_each_report() -> None:
    """Ten seconds of the event in one of ours, thrice: each report by the offset of its own, also if heard late."""
    history = heard(said(0, OFFSET_S), said(1, OFFSET_S + 9), said(2, OFFSET_S + 18), late_s=0.5)
    assert [wall_s(history, after(LONG_AGO, 10.0 * n)) for n in range(3)] == pytest.approx([0, 1, 2])


@given(st.lists(st.tuples(st.floats(0.05, 20), st.floats(0.2, 60)), min_size=1, max_size=12), st.floats(0, 0.02))
def test_each_report_counts_from_when_it_was_issued(steps: list[tuple[float, float]], late_s: float) -> None:
    """Whatever passes between reports, on the wall clock and in the event; a status may be a little late."""
    at_s, event_s, offsets = 0.0, 0.0, []
    for wall_step_s, event_step_s in steps:
        at_s, event_s = at_s + wall_step_s, event_s + event_step_s
        offsets.append((at_s, event_s))
    history = heard(*(said(at + late_s, OFFSET_S + event - at) for at, event in offsets))
    for at, event in offsets:
        assert wall_s(history, after(LONG_AGO, event)) == pytest.approx(at, abs=1e-4)


def test_what_another_run_left_behind_is_not_listened_to() -> None:
    """Retained words: of one that has stopped, or was heard of a minute ago."""
    history = ClockHistory()
    history.take(said(0, OFFSET_S - 100, state="stopped"), NOW)
    history.take(said(-60, OFFSET_S - 100), NOW)
    assert history.spans == []
    history.take(said(0, OFFSET_S), NOW)
    assert wall_s(history, LONG_AGO) == 0


def test_the_dispatcher_that_signs_is_asked_first() -> None:
    """Two at one broker: each report by its own one's clock; a key that nobody claims by whoever is nearest."""
    history = heard(said(0, OFFSET_S), said(0, OFFSET_S + 50, key="other", dispatcher_id="e"))
    assert wall_s(history, after(LONG_AGO, 50), "k") == pytest.approx(50)
    assert wall_s(history, after(LONG_AGO, 50), "other") == pytest.approx(0)
    assert wall_s(history, after(LONG_AGO, 50), "unknown") == pytest.approx(0)


def test_an_impossible_clock_is_left_alone() -> None:
    """There is no such date."""
    assert heard(said(0, 1e12)).spans == []
