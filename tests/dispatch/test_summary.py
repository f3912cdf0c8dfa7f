"""The run summary against counting by hand, alert by alert."""

import json
import math
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.contract.run_summary import (
    BrokerIdentity,
    DispatcherUse,
    MachineIdentity,
    PublisherFaults,
    RunFacts,
    RunSummary,
)
from eew.devices.swarm.receiver import RECEIPT, CoreKey, Counter
from eew.devices.swarm.swarm import Receipts
from eew.dispatch import summary as module
from eew.dispatch.latency import percentiles
from eew.dispatch.summary import Dispatched, check_conservation, summarise, summary_figures
from eew.model.disposition import Disposition
from eew.model.errors import ConservationError
from eew.model.records import (
    AlertPlan,
    AlertStatus,
    Cells,
    Delivery,
    DeviceKind,
    Devices,
    EventReport,
    Level,
    ReportKind,
    SentRange,
)

FACTS = RunFacts(
    scenario="test",
    profile="japan",
    seed=1,
    mode="device",
    qos=0,
    payload="full",
    speed="max",
    broker=BrokerIdentity(name="external", version="", url="mqtt://localhost:1883", mqtt_version="5"),
    settings={},
    machine=MachineIdentity(cpus=2, system="Linux", processor="x86_64", python="3.11.7"),
    dispatcher=DispatcherUse(held_mib=0.0, bytes_a_device=0.0, cpu_s=0.0, writing_s=0.0),
    publisher=PublisherFaults(reconnects=0, resent=0, rejected=0),
)
ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)
NONE, PASSIVE, ACTIVE, CRITICAL = (int(level) for level in Level)
N_DEVICES = 12
#: Four cells of three devices.
CELLS = Cells(12, np.array([3, 4, 8, 11], dtype=np.uint32), np.array([0, 3, 6, 9, 12], dtype=np.int32))
#: When a report comes in on the monotonic clock: anything.
MONO_S = 5000.0


def devices(n: int = N_DEVICES) -> Devices:
    return Devices(
        id=np.array([f"d{i:09d}" for i in range(n)], dtype=np.bytes_),
        lat_deg=np.zeros(n, dtype=np.float32),
        lon_deg=np.zeros(n, dtype=np.float32),
        cell=np.zeros(n, dtype=np.uint32),
        kind=np.array([DeviceKind.TV if i % 4 == 0 else DeviceKind.PHONE for i in range(n)], dtype=np.uint8),
        region="nowhere",
        seed=1,
    )


@dataclass
class Alert:
    """One alert of a plan, to a target."""

    target: int
    level: int = ACTIVE
    s_arrival_s: float = 60.0
    #: Seconds after the report, ``None`` if it was never handed over.
    sent_s: float | None = 0.125
    #: Of those handed over: whether the broker confirmed it.
    is_confirmed: bool = True
    #: Seconds after the report at which each of the target's devices has it; those missing never had it.
    received_s: dict[int, float] = field(default_factory=dict)
    #: Cell mode: devices that feel nothing.
    unaffected: frozenset[int] = frozenset()


@dataclass
class Story:
    """One report and what became of its alerts; those that were not handed over ended as the rest says."""

    event_id: str
    report_no: int
    issued_s: float
    alerts: list[Alert] = field(default_factory=list)
    kind: ReportKind = ReportKind.UPDATE
    disposition: Disposition = Disposition.ACCEPTED
    rest: str = "superseded"


def played(stories: Sequence[Story], counts: dict[Counter, int] | None = None) -> tuple[list[Dispatched], Receipts]:
    """Return what dispatcher and devices wrote down."""
    dispatched, lines = [], []
    cores: list[CoreKey] = []
    for number, story in enumerate(stories):
        is_cancel = story.kind is ReportKind.CANCEL
        report = EventReport(
            event_id=story.event_id,
            source="jma",
            report_no=story.report_no,
            kind=story.kind,
            status=AlertStatus.ACTUAL,
            issued_at=ORIGIN_AT + timedelta(seconds=story.issued_s),
            origin_at=None if is_cancel else ORIGIN_AT,
            lat_deg=None if is_cancel else 38.1,
            lon_deg=None if is_cancel else 142.9,
            magnitude=None if is_cancel else 7.6,
        )
        mono_s = MONO_S + 100 * number
        if not story.disposition.is_acted_on:
            dispatched.append(Dispatched(report, story.disposition, mono_s, mono_s, None))
            continue
        n = len(story.alerts)
        s_arrival_s = np.array([alert.s_arrival_s for alert in story.alerts], dtype=np.float32)
        plan = AlertPlan(
            report=report,
            expires_at=ORIGIN_AT + timedelta(seconds=600),
            scale="jma",
            info="jp/ja",
            target_row=np.array([alert.target for alert in story.alerts], dtype=np.int32),
            level=np.array([alert.level for alert in story.alerts], dtype=np.uint8),
            intensity=s_arrival_s,
            p_arrival_s=s_arrival_s,
            s_arrival_s=s_arrival_s,
            s_slowness_s_km=s_arrival_s,
            radius_km_by_level={"critical": 1.5},
        )
        sent = tuple(
            SentRange(at, at + 1, mono_s + alert.sent_s)
            for at, alert in enumerate(story.alerts)
            if alert.sent_s is not None and alert.is_confirmed
        )
        n_unsent = sum(alert.sent_s is None for alert in story.alerts)
        n_failed = n - len(sent) - n_unsent
        ends = {name: n_unsent if story.rest == name else 0 for name in ("superseded", "expired", "failed")}
        delivery = Delivery(plan, sent, n_failed + ends["failed"], ends["superseded"], ends["expired"])
        dispatched.append(Dispatched(report, story.disposition, mono_s, mono_s + 0.0625, delivery))
        for alert in story.alerts:
            for row, received_s in alert.received_s.items():
                key = (story.event_id, story.report_no, story.kind)
                if key not in cores:
                    cores.append(key)
                line = np.zeros((), dtype=RECEIPT)
                line["received_mono_ns"] = round((mono_s + received_s) * 1e9)
                line["device_row"] = row
                line["s_arrival_s"] = np.nan if is_cancel else alert.s_arrival_s
                line["core_no"] = cores.index(key)
                line["level"] = NONE if row in alert.unaffected else alert.level
                lines.append(line)
    merged = np.array(lines, dtype=RECEIPT) if lines else np.empty(0, dtype=RECEIPT)
    merged = merged[np.lexsort((merged["device_row"], merged["core_no"]))]
    counted = dict.fromkeys(Counter, 0) | {Counter.TAKEN: len(lines)} | (counts or {})
    return dispatched, Receipts(merged, cores, counted)


def summary_of(*stories: Story, cells: Cells | None = None, counts: dict[Counter, int] | None = None) -> dict[str, Any]:
    dispatched, receipts = played(stories, counts)
    made = summarise(dispatched, receipts, devices(), cells=cells, seed=1, facts=FACTS)
    written: dict[str, Any] = msgspec.to_builtins(made)
    return written


def check(summary: dict[str, Any]) -> None:
    check_conservation(msgspec.convert(summary, RunSummary))


def told(target: int, received_s: float = 0.5, **changes: Any) -> Alert:
    return Alert(target, received_s={target: received_s}, **changes)


def test_a_quiet_run_adds_up() -> None:
    """No reports at all: every count is zero and every percentile unknown."""
    summary = summary_of()
    check(summary)
    assert summary["alerts_a_second"] is None
    assert summary["conservation"] == dict.fromkeys(("selected", "sent", "superseded", "expired", "failed"), 0)
    assert summary["outcome"] == dict.fromkeys(("in_time", "late_by_physics", "late_by_dispatch", "not_told"), 0)
    assert summary["latency_ms"]["report_to_device"] == dict.fromkeys(("p50", "p90", "p99", "p99_9", "max"))
    assert summary["warning_s"]["p50"] is None
    assert summary["n_devices_by_kind"] == {"phone": 9, "tv": 3}


def test_one_report_is_told_as_it_was() -> None:
    """Two alerts sent, one of them lost, one superseded: each in its place."""
    summary = summary_of(Story("e1", 4, 30.7, [told(2, level=CRITICAL), Alert(3), Alert(5, sent_s=None)]))
    (line,) = summary["reports"]
    assert line == {
        "event_id": "e1",
        "report_no": 4,
        "kind": "update",
        "status": "actual",
        "issued_s": 30.7,
        "issue_basis": "stated",
        "magnitude": 7.6,
        "n_selected": 3,
        "n_selected_by_level": {"critical": 1, "active": 2, "passive": 0},
        "n_sent": 2,
        "radius_km_by_level": {"critical": 1.5},
        "decide_ms": 62.5,
        "first_sent_ms": 125.0,
        "last_sent_ms": 125.0,
    }
    assert summary["conservation"] == {"selected": 3, "sent": 2, "superseded": 1, "expired": 0, "failed": 0}
    assert {name: summary["delivery"][name] for name in ("expected", "delivered", "lost")} == {
        "expected": 2,
        "delivered": 1,
        "lost": 1,
    }
    assert summary["outcome"] == {"in_time": 1, "late_by_physics": 0, "late_by_dispatch": 0, "not_told": 2}
    assert summary["scenario"] == "test"
    check(summary)


def test_latencies_are_from_end_to_end() -> None:
    """Sent after 125 ms, received after 500 ms: 375 ms on the way, whatever the clock's origin."""
    latency = summary_of(Story("e1", 1, 30, [told(2)]))["latency_ms"]
    assert {name: latency[name]["max"] for name in ("report_to_sent", "sent_to_device", "report_to_device")} == {
        "report_to_sent": 125.0,
        "sent_to_device": 375.0,
        "report_to_device": 500.0,
    }
    assert latency["by_level"]["active"]["p50"] == 500.0
    assert latency["by_level"]["critical"]["p50"] is None


def test_alerts_a_second_are_those_while_any_were_under_way() -> None:
    """Two within half a second of their report, one within a quarter: 3 alerts in 0.75 s, and the pause counts not."""
    first, second = Story("e1", 1, 30, [told(2), told(3, 0.25)]), Story("e1", 2, 31, [told(2, 0.25)])
    summary = summary_of(first, second)
    assert summary["alerts_a_second"] == 4.0
    limits = summary_figures(msgspec.convert(summary, RunSummary))
    assert limits == {"p50": 250.0, "p90": 450.0, "p99": 495.0, "p99.9": 499.5, "max": 500.0} | {
        "lost": 0,
        "duplicated": 0,
        "late": 0,
        "rate": 4.0,
    }


def test_a_cancel_that_reuses_a_number_is_matched_to_its_own_plan() -> None:
    """Report 3 and the cancel numbered 3: one latency each, and the cancel is no outcome."""
    summary = summary_of(
        Story("e1", 3, 30, [told(2, 0.5), told(4, 0.5)]),
        Story("e1", 3, 50, [told(2, 0.25), Alert(4)], ReportKind.CANCEL, Disposition.CANCELLED),
    )
    assert summary["delivery"]["lost"] == 1
    assert summary["outcome"]["in_time"] == 2
    assert summary["latency_ms"]["report_to_device"]["p50"] == 500.0
    assert [line["kind"] for line in summary["reports"]] == ["update", "cancel"]
    assert summary["reports"][1]["issued_s"] is None


def test_an_update_without_s_arrival_is_no_cancel() -> None:
    """A device beyond the travel-time table knows no S arrival, and was told all the same."""
    summary = summary_of(Story("e1", 3, 30, [told(2, s_arrival_s=np.nan)]))
    assert summary["delivery"]["lost"] == 0
    assert summary["outcome"]["in_time"] == 1
    assert summary["warning_s"]["p50"] is None
    json.dumps(summary, allow_nan=False)


def test_what_the_broker_did_not_confirm_is_failed_though_the_device_had_it() -> None:
    """It counts as told, and hides no loss of what was confirmed; its unknown sending time spoils no percentile."""
    summary = summary_of(Story("e1", 3, 30, [told(2, is_confirmed=False), Alert(4), told(5)]))
    assert summary["conservation"] == {"selected": 3, "sent": 2, "superseded": 0, "expired": 0, "failed": 1}
    assert summary["delivery"]["expected"] == 2
    assert summary["delivery"]["lost"] == 1
    assert summary["outcome"] == {"in_time": 2, "late_by_physics": 0, "late_by_dispatch": 0, "not_told": 1}
    assert summary["latency_ms"]["report_to_sent"]["max"] == 125.0
    json.dumps(summary, allow_nan=False)


def test_what_a_device_refused_was_delivered() -> None:
    """An older, an expired and an unverified alert came, and were refused; a fourth never came."""
    counts = {Counter.OLDER: 1, Counter.EXPIRED: 1, Counter.UNVERIFIED: 1, Counter.DUPLICATE: 7, Counter.UNREADABLE: 2}
    summary = summary_of(Story("e1", 3, 30, [told(0), *(Alert(row) for row in range(1, 5))]), counts=counts)
    delivery = summary["delivery"]
    assert delivery == {
        "expected": 5,
        "delivered": 4,
        "lost": 1,
        "duplicated": 7,
        "refused": {"older": 1, "expired": 1, "unverified": 1},
        "unreadable": 2,
    }


def test_what_strangers_sent_makes_nothing_delivered_that_was_not_expected() -> None:
    """A hundred forged alerts refused are not a hundred delivered."""
    summary = summary_of(Story("e1", 3, 30, [told(0)]), counts={Counter.UNVERIFIED: 100})
    assert summary["delivery"]["delivered"] == 1
    check(summary)


def test_in_cell_mode_alerts_are_counted_by_cell_and_deliveries_by_device() -> None:
    """One alert to a cell of three: three expected, two delivered, one of them felt nothing."""
    alert = Alert(1, received_s={3: 0.5, 4: 0.75}, unaffected=frozenset([4]))
    summary = summary_of(Story("e1", 3, 30, [alert, Alert(2, sent_s=None)], rest="expired"), cells=CELLS)
    assert summary["conservation"] == {"selected": 2, "sent": 1, "superseded": 0, "expired": 1, "failed": 0}
    assert {name: summary["delivery"][name] for name in ("expected", "delivered", "lost")} == {
        "expected": 3,
        "delivered": 2,
        "lost": 1,
    }
    assert summary["outcome"] == {"in_time": 1, "late_by_physics": 0, "late_by_dispatch": 0, "not_told": 4}
    assert summary["latency_ms"]["report_to_device"]["max"] == 750.0


def test_reports_that_were_not_acted_on_are_counted_by_verdict() -> None:
    """Twice a duplicate and once stale; none of them is a line of the table."""
    summary = summary_of(
        Story("e1", 1, 30, [told(1)]),
        Story("e1", 1, 30, disposition=Disposition.DUPLICATE),
        Story("e1", 1, 30, disposition=Disposition.DUPLICATE),
        Story("e2", 1, 3000, disposition=Disposition.STALE),
    )
    assert summary["reports_ignored"] == {"duplicate": 2, "stale": 1}
    assert len(summary["reports"]) == 1


def test_what_is_simulated_is_told_apart() -> None:
    """Told devices are heard, kept quiet or off, and nobody else is."""
    summary = summary_of(Story("e1", 1, 30, [told(row, level=ACTIVE) for row in range(0, N_DEVICES, 2)]))
    simulated = summary["simulated"]
    parts = ("heard_or_shown", "kept_quiet_by_do_not_disturb", "off_or_out_of_reach")
    assert sum(simulated[name] for name in parts) == 6
    assert simulated["heard_or_shown_before_s_wave"] <= simulated["heard_or_shown"]
    assert simulated["tv_screens_taken_over"] == 0


def test_a_shown_alert_is_before_the_s_wave_or_it_is_not() -> None:
    """With an hour to go everybody who hears it hears it before, with no time at all nobody does."""
    early, late = (
        summary_of(Story("e1", 1, 30, [told(row, level=CRITICAL, s_arrival_s=s) for row in range(N_DEVICES)]))
        for s in (3600.0, 31.0)
    )
    assert early["simulated"]["heard_or_shown_before_s_wave"] == early["simulated"]["heard_or_shown"] > 0
    assert late["simulated"]["heard_or_shown_before_s_wave"] == 0
    assert early["outcome"]["in_time"] == late["outcome"]["in_time"] == N_DEVICES


class TestPercentiles:
    """Percentiles by linear interpolation between the sorted values."""

    wanted = {"p50": 50.0, "p90": 90.0, "p99_9": 99.9, "max": 100.0}  # noqa: RUF012 - read only

    @given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=50))
    def test_they_are_those_of_a_sorted_list(self, values: list[float]) -> None:
        """The q-th of n values lies at q (n − 1) / 100."""
        found = percentiles(np.array(values, dtype=np.float32), self.wanted, 6)
        ordered = sorted(values)
        for name, q in self.wanted.items():
            at = q / 100 * (len(values) - 1)
            below, above = ordered[math.floor(at)], ordered[math.ceil(at)]
            assert found[name] == pytest.approx(below + (at - math.floor(at)) * (above - below), rel=1e-5, abs=1e-5)

    def test_what_is_not_known_is_no_value(self) -> None:
        """NaN is left out, and nothing but NaN is nothing."""
        assert percentiles(np.array([np.nan, 4.0, np.nan, 2.0]), self.wanted, 3)["p50"] == 3.0
        for values in (np.empty(0), np.array([np.nan])):
            assert percentiles(values, self.wanted, 3) == dict.fromkeys(self.wanted)


def test_it_is_the_same_however_many_devices_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two reports and a cancel to all 12 devices, of whom every fifth has none; 8 at a time, or all of them."""

    def alerts(level: int, received_s: float) -> list[Alert]:
        had = [row for row in range(N_DEVICES) if row % 5]
        return [
            told(row, received_s + row, level=level, s_arrival_s=35.0 + 2 * row) if row in had else Alert(row)
            for row in range(N_DEVICES)
        ]

    stories = (
        Story("e1", 1, 30, alerts(PASSIVE, 0.5)),
        Story("e2", 1, 31, alerts(ACTIVE, 0.25)[3:9]),
        Story("e1", 2, 40, alerts(CRITICAL, 0.5)),
        Story("e1", 2, 50, [told(2, 0.25), Alert(4)], ReportKind.CANCEL, Disposition.CANCELLED),
    )
    at_once = summary_of(*stories)
    monkeypatch.setattr(module, "_CHUNK_ROWS", 8)
    assert summary_of(*stories) == at_once
    assert at_once["outcome"] == outcome_by_hand(list(stories), one_device)


@pytest.mark.parametrize(
    ("part", "name", "by"),
    [
        ("conservation", "selected", 1),
        ("conservation", "sent", -1),
        ("conservation", "failed", 1),
        ("delivery", "expected", 1),
        ("delivery", "delivered", -1),
        ("delivery", "lost", 1),
    ],
)
def test_counts_that_are_off_are_an_error(part: str, name: str, by: int) -> None:
    """Each count is in an equation, and the error shows the equation."""
    summary = summary_of(Story("e1", 1, 30, [told(1), told(2), Alert(3, sent_s=None)]))
    check(summary)
    summary[part][name] += by
    with pytest.raises(ConservationError, match=rf"{name}.*≠|≠.*{name}"):
        check(summary)


def test_more_delivered_than_expected_is_an_error() -> None:
    """A negative loss balances no equation."""
    summary = summary_of(Story("e1", 1, 30, [told(1)]))
    summary["delivery"] |= {"delivered": 2, "lost": -1}
    with pytest.raises(ConservationError):
        check(summary)


@st.composite
def runs(draw: st.DrawFn, n_targets: int, rows_of: Any) -> list[Story]:
    """Return up to three reports of two events and their cancels, in any state of completion."""
    stories = []
    for event_id in ("e1", "e2")[: draw(st.integers(1, 2))]:
        issued_s, report_no = 5.0, 0
        for _ in range(draw(st.integers(0, 3))):
            issued_s += draw(st.sampled_from([0.5, 10.0, 30.0]))
            report_no += draw(st.integers(1, 2))
            alerts = []
            for target in draw(st.lists(st.integers(0, n_targets - 1), unique=True, max_size=6)):
                sent_s = draw(st.sampled_from([None, 0.125, 0.25]))
                rows = rows_of(target)
                had = [row for row in rows if sent_s is not None and draw(st.integers(0, 3))]
                alerts.append(
                    Alert(
                        target,
                        draw(st.sampled_from([PASSIVE, ACTIVE, CRITICAL])),
                        draw(st.sampled_from([4.0, 16.0, 36.0, 60.0])),
                        sent_s,
                        is_confirmed=bool(draw(st.integers(0, 4))),
                        received_s={row: draw(st.sampled_from([0.375, 0.5, 20.0])) for row in had},
                        unaffected=frozenset(row for row in had if len(rows) > 1 and draw(st.booleans())),
                    )
                )
            rest = draw(st.sampled_from(["superseded", "expired", "failed"]))
            stories.append(Story(event_id, report_no, issued_s, alerts, rest=rest))
        if draw(st.booleans()) and stories:
            alerts = [Alert(0, received_s=dict.fromkeys(rows_of(0), 0.5))]
            last_no = max(report_no, 1)
            stories.append(Story(event_id, last_no, issued_s + 1, alerts, ReportKind.CANCEL, Disposition.CANCELLED))
    return stories


def check_by_hand(stories: list[Story], cells: Cells | None, rows_of: Any) -> None:
    """Count everything anew, one alert and one device at a time."""
    summary = summary_of(*stories, cells=cells)
    check(summary)
    json.dumps(summary, allow_nan=False)
    alerts = [(story, alert) for story in stories for alert in story.alerts]
    sent = [(story, alert) for story, alert in alerts if alert.sent_s is not None and alert.is_confirmed]
    ends = Tally(story.rest for story, alert in alerts if alert.sent_s is None)
    ends["failed"] += sum(alert.sent_s is not None and not alert.is_confirmed for _, alert in alerts)
    assert summary["conservation"] == {
        "selected": len(alerts),
        "sent": len(sent),
        "superseded": ends["superseded"],
        "expired": ends["expired"],
        "failed": ends["failed"],
    }
    n_expected = sum(len(rows_of(alert.target)) for _, alert in sent)
    n_delivered = sum(len(alert.received_s) for _, alert in sent)
    assert summary["delivery"]["expected"] == n_expected
    assert summary["delivery"]["delivered"] == n_delivered
    assert summary["delivery"]["lost"] == n_expected - n_delivered
    assert [line["n_sent"] for line in summary["reports"]] == [
        sum(each is story for each, _ in sent) for story in stories
    ]
    received_s = [at for _, alert in alerts for at in alert.received_s.values()]
    expected_max = None if not received_s else pytest.approx(1000 * max(received_s))
    assert summary["latency_ms"]["report_to_device"]["max"] == expected_max
    assert summary["outcome"] == outcome_by_hand(stories, rows_of)


def outcome_by_hand(stories: list[Story], rows_of: Any) -> dict[str, int]:
    outcome = {"in_time": 0, "late_by_physics": 0, "late_by_dispatch": 0, "not_told": 0}
    for event_id in {story.event_id for story in stories}:
        reports = [each for each in stories if each.event_id == event_id and each.kind is not ReportKind.CANCEL]
        for row in range(N_DEVICES):
            chosen_s: float | None = None
            first: tuple[float, float] | None = None
            for story in reports:
                for alert in story.alerts:
                    if row not in rows_of(alert.target) or row in alert.unaffected:
                        continue
                    chosen_s = story.issued_s if chosen_s is None else chosen_s
                    if row in alert.received_s and first is None:
                        first = story.issued_s + alert.received_s[row], alert.s_arrival_s
            if chosen_s is None:
                continue
            if first is None:
                outcome["not_told"] += 1
            elif first[1] > first[0]:
                outcome["in_time"] += 1
            else:
                outcome["late_by_physics" if first[1] <= chosen_s else "late_by_dispatch"] += 1
    return outcome


def one_device(target: int) -> range:
    return range(target, target + 1)


def three_devices(target: int) -> range:
    return range(3 * target, 3 * target + 3)


@given(runs(N_DEVICES, one_device))
def test_random_runs_are_counted_as_by_hand(stories: list[Story]) -> None:
    """Several reports, two events, supersession, failure and cancels that reuse a number, device by device."""
    check_by_hand(stories, None, one_device)


@given(runs(len(CELLS), three_devices))
def test_random_runs_in_cell_mode_are_counted_as_by_hand(stories: list[Story]) -> None:
    """The same where alerts go to cells, and some devices feel nothing."""
    check_by_hand(stories, CELLS, three_devices)
