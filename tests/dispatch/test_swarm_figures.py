"""What a swarm says of whatever dispatcher: reckoned by hand from what devices wrote down."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from eew.devices.swarm.clock_history import ClockSpan, CoreIssue
from eew.devices.swarm.receiver import RECEIPT, CoreKey, Counter
from eew.devices.swarm.swarm import Receipts
from eew.dispatch.swarm_figures import received, received_figures
from eew.model.records import AlertStatus, Level, ReportKind

ORIGIN = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
#: The replay lives so long after the wall clock; which shows this when the monotonic clock shows 0.
OFFSET_S, WALL_AFTER_MONO_S = -4.0e8, 1.7e9
#: When the origin was, on the monotonic clock.
ORIGIN_MONO_S = ORIGIN.timestamp() - OFFSET_S - WALL_AFTER_MONO_S
READY_NS = round((ORIGIN_MONO_S + 5) * 1e9)

FIRST: CoreKey = ("e1", 1, ReportKind.NEW)
SECOND: CoreKey = ("e1", 2, ReportKind.UPDATE)
CANCEL: CoreKey = ("e1", 2, ReportKind.CANCEL)

Line = tuple[int, float, float, Level]


def receipts(*told: tuple[CoreKey, float, list[Line]], **counts: int) -> Receipts:
    """Return receipts of reports issued so long after the origin: device row, seconds after issue, S arrival, level."""
    lines, issues = [], []
    for core_no, (core, issued_s, of_core) in enumerate(told):
        is_cancel = core[2] is ReportKind.CANCEL
        issues.append(
            CoreIssue(ORIGIN + timedelta(seconds=issued_s), None if is_cancel else ORIGIN, "k", AlertStatus.EXERCISE)
        )
        for row, received_s, s_arrival_s, level in of_core:
            at_ns = round((ORIGIN_MONO_S + issued_s + received_s) * 1e9)
            lines.append((at_ns, row, s_arrival_s, core_no, level))
    at = ORIGIN - timedelta(seconds=OFFSET_S)
    clocks = [ClockSpan("d", ("k",), OFFSET_S, at, at + timedelta(seconds=60))]
    by_counter = dict.fromkeys(Counter, 0) | {Counter.TAKEN: len(lines)}
    by_counter |= {Counter[name.upper()]: n for name, n in counts.items()}
    return Receipts(np.array(lines, dtype=RECEIPT), [core for core, *_ in told], by_counter, issues, clocks)


def test_latencies_count_from_the_issue_in_the_alert() -> None:
    """Of four alerts after 0.1, 0.2, 0.3 and 0.4 s the median is 250 ms and the last took 400 ms, on any clock."""
    came = received(
        receipts(
            (FIRST, 10, [(0, 0.1, 60, Level.ACTIVE), (1, 0.4, 60, Level.ACTIVE)]),
            (SECOND, 20, [(0, 0.2, 60, Level.CRITICAL), (1, 0.3, 60, Level.PASSIVE)]),
            duplicate=3,
        ),
        *(12, READY_NS, WALL_AFTER_MONO_S, 5),
    )
    latency = came["latency_ms"]["issue_to_device"]
    assert (latency["p50"], latency["max"]) == pytest.approx((250, 400), abs=0.01)
    assert came["latency_ms"]["by_level"]["critical"]["max"] == pytest.approx(200, abs=0.01)
    assert came["delivery"] == {"expected": 5, "delivered": 4, "lost": 1, "duplicated": 3}
    # Under way for 0.4 and for 0.3 s.
    assert came["alerts_a_second"] == pytest.approx(4 / 0.7, abs=0.1)
    first, second = came["reports"]
    assert (first["report_no"], first["n_devices"], first["first_s"], first["spread_ms"]) == (1, 2, 5.1, 300.0)
    assert (second["n_by_level"], second["n_unaffected"]) == ({"critical": 1, "active": 0, "passive": 1}, 0)
    assert second["latency_ms"]["p50"] == pytest.approx(250, abs=0.01)
    assert received_figures(came) == pytest.approx(
        {**{name.replace("_", "."): value for name, value in latency.items()}, "lost": 1, "duplicated": 3}
        | {"late": 0, "rate": came["alerts_a_second"]}
    )


def test_before_and_after_the_s_wave_is_by_person_and_event() -> None:
    """Told in time once is in time; the S wave before the issue is physics, between issue and alert the dispatch."""
    came = received(
        receipts(
            (
                FIRST,
                10,
                [
                    *((0, 1.0, 60.0, Level.ACTIVE), (1, 1.0, 9.0, Level.ACTIVE), (2, 1.0, 10.5, Level.ACTIVE)),
                    *((3, 1.0, float("nan"), Level.PASSIVE), (4, 1.0, 5.0, Level.NONE)),
                ],
            ),
            (SECOND, 70, [(0, 1.0, 60.0, Level.ACTIVE)]),
            (CANCEL, 80, [(0, 1.0, float("nan"), Level.ACTIVE), (1, 1.0, float("nan"), Level.ACTIVE)]),
        ),
        *(12, READY_NS, WALL_AFTER_MONO_S, None),
    )
    assert came["outcome"] == {"in_time": 2, "late_by_physics": 1, "late_by_dispatch": 1}
    assert came["delivery"]["lost"] is came["delivery"]["expected"] is None
    assert [each["kind"] for each in came["reports"]] == ["new", "update", "cancel"]
    assert came["reports"][0]["n_unaffected"] == 1
    assert {each["status"] for each in came["reports"]} == {"exercise"}


def test_rows_are_followed_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for two devices at a time as for all at once."""
    told = (FIRST, 10, [(row, 0.5, 9.0 + row / 4, Level.ACTIVE) for row in range(12)])
    whole = received(receipts(told), 12, READY_NS, WALL_AFTER_MONO_S, None)
    monkeypatch.setattr("eew.dispatch.swarm_figures._CHUNK_ROWS", 2)
    assert received(receipts(told), 12, READY_NS, WALL_AFTER_MONO_S, None) == whole
    assert sum(whole["outcome"].values()) == 12


def test_nothing_received_is_nothing_known() -> None:
    """Every count zero, every latency unknown; all that was expected is lost."""
    came = received(receipts(), 12, READY_NS, WALL_AFTER_MONO_S, 7)
    assert came["delivery"] == {"expected": 7, "delivered": 0, "lost": 7, "duplicated": 0}
    assert set(came["latency_ms"]["issue_to_device"].values()) == {None}
    assert (came["alerts_a_second"], came["reports"]) == (None, [])


def test_who_had_a_newer_report_was_reached_and_who_could_not_show_it_was_not() -> None:
    """Of ten: three taken, two overtaken by a newer report; what expired or a stranger signed told nobody."""
    told = (FIRST, 10, [(row, 0.5, 60.0, Level.ACTIVE) for row in range(3)])
    came = received(receipts(told, older=2, expired=4, unverified=1), 12, READY_NS, WALL_AFTER_MONO_S, 10)
    assert came["delivery"] == {"expected": 10, "delivered": 5, "lost": 5, "duplicated": 0}


def test_more_than_expected_is_no_loss() -> None:
    """Who sends more than it said loses nothing."""
    told = (FIRST, 10, [(row, 0.5, 60.0, Level.ACTIVE) for row in range(3)])
    assert received(receipts(told), 12, READY_NS, WALL_AFTER_MONO_S, 2)["delivery"]["lost"] == 0
