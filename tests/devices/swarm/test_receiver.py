"""What a device refuses, against the rules read alert by alert."""

from collections import Counter as Tally
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.contract.message import AlertCore
from eew.devices.swarm.receiver import RECEIPT, Counter, ReceiptLog, Receiver, mapped_receipts
from eew.model.records import AlertStatus, Level, ReportKind

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
NOW_AT = ORIGIN_AT + timedelta(seconds=60)
#: Rows of the population that the process plays.
FIRST_ROW, N_ROWS = 1000, 8


def core(
    report_no: int = 1,
    *,
    event_id: str = "e1",
    kind: ReportKind = ReportKind.UPDATE,
    expires_s: float = 600,
    signature: str = "good",
) -> AlertCore:
    return AlertCore(
        event_id=event_id,
        report_no=report_no,
        kind=kind,
        status=AlertStatus.ACTUAL,
        issued_at=ORIGIN_AT + timedelta(seconds=28),
        origin_at=ORIGIN_AT,
        lat_deg=38.1,
        lon_deg=142.9,
        depth_km=10.0,
        magnitude=7.6,
        expires_at=ORIGIN_AT + timedelta(seconds=expires_s),
        key_id="0a1b2c3d",
        signature=signature,
    )


class Logged(Receiver):
    """A receiver whose log is at hand."""

    def __init__(self, counters: npt.NDArray[np.int64]) -> None:
        self.file = BytesIO()
        super().__init__(FIRST_ROW, N_ROWS, lambda core: core.signature == "good", counters, ReceiptLog(self.file))

    def receipts(self) -> npt.NDArray[np.void]:
        return np.frombuffer(self.file.getvalue(), dtype=RECEIPT)


def receiver() -> tuple[Logged, npt.NDArray[np.int64]]:
    counters = np.zeros(len(Counter), dtype=np.int64)
    return Logged(counters), counters


def take(to: Logged, of: AlertCore, *rows: int, level: int = Level.ACTIVE, now_at: datetime = NOW_AT) -> list[bool]:
    """Take alerts to rows counted from the first of the process."""
    n = len(rows)
    is_taken = to.take(
        of,
        np.array(rows, dtype=np.int32) + np.int32(FIRST_ROW),
        np.full(n, level, dtype=np.uint8),
        np.full(n, np.nan if of.kind is ReportKind.CANCEL else 42.0, dtype=np.float32),
        now_at=now_at,
        received_mono_ns=123,
    )
    return [bool(each) for each in is_taken]


def counts(counters: npt.NDArray[np.int64]) -> dict[str, int]:
    return {each.name: int(counters[each]) for each in Counter if counters[each]}


def test_an_alert_is_taken_once() -> None:
    """The second time, and the second time in one run, it is a duplicate."""
    to, counters = receiver()
    assert take(to, core(), 3, 5, 3) == [False, True, True]
    assert take(to, core(), 3, 4) == [False, True]
    assert counts(counters) == {"TAKEN": 3, "DUPLICATE": 2}


def test_of_several_in_one_run_exactly_one_is_taken(rng: np.random.Generator) -> None:
    """However often a device comes up, it takes one alert by one report."""
    to, counters = receiver()
    rows = rng.integers(0, N_ROWS, 100)
    is_taken = np.array(take(to, core(), *rows.tolist()))
    assert sorted(rows[is_taken].tolist()) == sorted(set(rows.tolist()))
    assert counts(counters) == {"TAKEN": is_taken.sum(), "DUPLICATE": 100 - is_taken.sum()}


def test_an_older_report_is_refused_by_who_has_a_newer_one_only() -> None:
    """Row 2 was shown report 4, row 3 nothing."""
    to, counters = receiver()
    take(to, core(4), 2)
    assert take(to, core(3), 2, 3) == [False, True]
    assert take(to, core(5), 2, 3) == [True, True]
    assert counts(counters) == {"TAKEN": 4, "OLDER": 1}


def test_an_expired_alert_is_refused_from_the_very_instant() -> None:
    """At the time of expiry it is over, a millisecond before it is not; nothing is remembered of it."""
    to, counters = receiver()
    at = ORIGIN_AT + timedelta(seconds=600)
    assert take(to, core(), 1, 2, now_at=at) == [False, False]
    assert take(to, core(), 1, 2, now_at=at - timedelta(milliseconds=1)) == [True, True]
    assert counts(counters) == {"TAKEN": 2, "EXPIRED": 2}


def test_an_alert_that_does_not_verify_is_refused_and_leaves_nothing_behind() -> None:
    """A forged report 9 must not keep the real report 2 away."""
    to, counters = receiver()
    assert take(to, core(9, signature="forged"), 1, 2) == [False, False]
    assert take(to, core(2), 1, 2) == [True, True]
    assert counts(counters) == {"TAKEN": 2, "UNVERIFIED": 2}
    assert to.log.cores == [("e1", 2, ReportKind.UPDATE)]


def test_a_cancel_that_reuses_the_last_number_is_taken_once() -> None:
    """JMA does that: it ranks above the report of its number, and the report then is older than it."""
    to, counters = receiver()
    take(to, core(3), 1)
    cancel = core(3, kind=ReportKind.CANCEL)
    assert [take(to, cancel, 1), take(to, cancel, 1), take(to, core(3), 1)] == [[True], [False], [False]]
    assert counts(counters) == {"TAKEN": 2, "DUPLICATE": 1, "OLDER": 1}
    lines = to.receipts()
    assert [to.log.cores[number] for number in lines["core_no"]] == [
        ("e1", 3, ReportKind.UPDATE),
        ("e1", 3, ReportKind.CANCEL),
    ]
    assert np.isnan(lines["s_arrival_s"]).tolist() == [False, True]


def test_a_report_after_a_cancel_is_taken() -> None:
    """A mistaken cancel is corrected by the next number."""
    to, counters = receiver()
    take(to, core(3), 1)
    take(to, core(4, kind=ReportKind.CANCEL), 1)
    assert take(to, core(5), 1) == [True]
    assert counts(counters) == {"TAKEN": 3}


def test_events_know_nothing_of_each_other() -> None:
    """Report 1 of one event is no older than report 9 of another."""
    to, counters = receiver()
    assert take(to, core(9), 1) == [True]
    assert take(to, core(1, event_id="e2"), 1) == [True]
    assert take(to, core(9), 1) == [False]
    assert counts(counters) == {"TAKEN": 2, "DUPLICATE": 1}


def test_the_highest_number_a_report_may_have_is_taken() -> None:
    """30 000 reports of one event, and a cancel of the last, are told apart."""
    to, _ = receiver()
    assert take(to, core(29_999), 1) == [True]
    assert take(to, core(30_000), 1) == [True]
    assert take(to, core(30_000, kind=ReportKind.CANCEL), 1) == [True]
    assert take(to, core(30_000), 1) == [False]


def test_who_feels_nothing_is_counted_and_logged() -> None:
    """In cell mode a device may find that the alert is none of its business; it was delivered all the same."""
    to, counters = receiver()
    assert take(to, core(), 1, 2, level=Level.NONE) == [True, True]
    assert counts(counters) == {"TAKEN": 2, "UNAFFECTED": 2}
    assert to.receipts()["level"].tolist() == [0, 0]


def test_the_log_has_a_line_for_each_alert_taken() -> None:
    """Row of the population, level, S arrival, instant and report, in the order they were taken."""
    to, _ = receiver()
    take(to, core(1), 5, 1, level=Level.CRITICAL)
    take(to, core(2, event_id="e2"), 5)
    take(to, core(1), 5)
    lines = to.receipts()
    assert lines["device_row"].tolist() == [FIRST_ROW + 5, FIRST_ROW + 1, FIRST_ROW + 5]
    assert lines["level"].tolist() == [Level.CRITICAL, Level.CRITICAL, Level.ACTIVE]
    assert lines["s_arrival_s"].tolist() == [42.0] * 3
    assert lines["received_mono_ns"].tolist() == [123] * 3
    assert [to.log.cores[number][0] for number in lines["core_no"]] == ["e1", "e1", "e2"]


def test_a_run_of_neighbours_is_taken_as_each_alone() -> None:
    """Rows 2 to 6, of which 3 had it before and 5 a newer one."""
    to, counters = receiver()
    take(to, core(2), 3)
    take(to, core(3), 5)
    assert take(to, core(2), 2, 3, 4, 5, 6) == [True, False, True, False, True]
    assert take(to, core(2), *range(N_ROWS)) == [True, True, *[False] * 5, True]
    assert counts(counters) == {"TAKEN": 8, "DUPLICATE": 5, "OLDER": 2}
    assert sorted(to.receipts()["device_row"] - FIRST_ROW) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_log_on_disk_is_mapped(tmp_path: Path) -> None:
    """As it was written; nothing was received, and that is an array too."""
    to, _ = receiver()
    path = tmp_path / "receipts.bin"
    path.write_bytes(to.file.getvalue())
    assert mapped_receipts(path).tolist() == []
    assert take(to, core()) == []
    take(to, core(), 4, 2)
    path.write_bytes(to.file.getvalue())
    assert mapped_receipts(path)["device_row"].tolist() == [FIRST_ROW + 4, FIRST_ROW + 2]


def test_what_cannot_be_read_is_counted() -> None:
    """By message: whom it was for nobody can say."""
    to, counters = receiver()
    to.unreadable(3)
    assert counts(counters) == {"UNREADABLE": 3}


steps = st.lists(
    st.tuples(
        st.builds(
            core,
            report_no=st.integers(1, 4),
            event_id=st.sampled_from(["e1", "e2"]),
            kind=st.sampled_from([ReportKind.UPDATE, ReportKind.CANCEL]),
            expires_s=st.sampled_from([50.0, 600.0]),
            signature=st.sampled_from(["good", "good", "forged"]),
        ),
        st.lists(st.integers(0, N_ROWS - 1), max_size=6),
    ),
    max_size=12,
)


@given(steps)
def test_devices_refuse_as_each_would_alone(history: list[tuple[AlertCore, list[int]]]) -> None:
    """Any sequence: each device by its own memory, all alerts in one counter each, every taken one in the log."""
    to, counters = receiver()
    shown: dict[tuple[str, int], tuple[int, bool]] = {}
    expected: Tally[str] = Tally()
    taken: list[tuple[str, int, int]] = []
    for of, rows in history:
        is_taken = take(to, of, *rows)
        seen_now = set()
        for row in rows:
            rank = (of.report_no, of.kind is ReportKind.CANCEL)
            last = shown.get((of.event_id, row), (0, False))
            if of.expires_at <= NOW_AT:
                expected["EXPIRED"] += 1
            elif of.signature != "good":
                expected["UNVERIFIED"] += 1
            elif row in seen_now or last == rank:
                expected["DUPLICATE"] += 1
            elif last > rank:
                expected["OLDER"] += 1
            else:
                expected["TAKEN"] += 1
                taken.append((of.event_id, of.report_no, FIRST_ROW + row))
                shown[of.event_id, row] = rank
                seen_now.add(row)
        assert sum(is_taken) == len(seen_now)
    assert counts(counters) == {name: n for name, n in expected.items() if n}
    assert counters.sum() == sum(len(rows) for _, rows in history)
    lines = to.receipts()
    logged = [(*to.log.cores[line["core_no"]][:2], int(line["device_row"])) for line in lines]
    assert sorted(logged) == sorted(taken)


def test_inputs_are_not_changed() -> None:
    """The columns belong to whoever decoded them."""
    to, _ = receiver()
    columns = (
        np.array([FIRST_ROW + 2, FIRST_ROW + 2], dtype=np.int32),
        np.array([1, 3], dtype=np.uint8),
        np.array([1.0, 2.0], dtype=np.float32),
    )
    for column in columns:
        column.setflags(write=False)
    is_taken = to.take(core(), *columns, now_at=NOW_AT, received_mono_ns=1)
    assert is_taken.sum() == 1
    with pytest.raises(ValueError, match="read-only"):
        columns[0][0] = 0
