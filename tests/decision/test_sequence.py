"""What an incoming report means for its event."""

from datetime import UTC, datetime, timedelta

import pytest

from eew.decision.sequence import EventBook, Verdict
from eew.errors import ModelRangeError
from eew.model import AlertStatus, EventReport, ReportKind

ORIGIN_AT = datetime(2024, 8, 8, 7, 42, 54, tzinfo=UTC)


def report(
    report_no: int,
    *,
    issued_s: float = 10.0,
    event_id: str = "e1",
    kind: ReportKind = ReportKind.UPDATE,
    magnitude: float = 6.0,
    status: AlertStatus = AlertStatus.ACTUAL,
) -> EventReport:
    is_cancel = kind is ReportKind.CANCEL
    return EventReport(
        event_id=event_id,
        source="jma",
        report_no=report_no,
        kind=kind,
        status=status,
        issued_at=ORIGIN_AT + timedelta(seconds=issued_s),
        origin_at=None if is_cancel else ORIGIN_AT,
        lat_deg=None if is_cancel else 31.7,
        lon_deg=None if is_cancel else 131.7,
        magnitude=None if is_cancel else magnitude,
    )


def cancel(report_no: int, *, issued_s: float = 20.0, event_id: str = "e1") -> EventReport:
    return report(report_no, issued_s=issued_s, event_id=event_id, kind=ReportKind.CANCEL)


def received(book: EventBook, *reports: EventReport, delay_s: float = 0.1) -> list[Verdict]:
    """Return the verdicts on reports that come in soon after each was issued."""
    return [book.receive(each, each.issued_at + timedelta(seconds=delay_s)) for each in reports]


def test_a_sequence_goes_on_with_gaps_and_several_reports_in_one_second() -> None:
    """Reports get lost, and come thick: each higher number is accepted."""
    sequence = [report(1, issued_s=5.1), report(2, issued_s=5.1), report(3, issued_s=5.9), report(7, issued_s=9)]
    final = report(8, issued_s=30, kind=ReportKind.FINAL)
    assert received(EventBook(), *sequence, final) == [Verdict.ACCEPTED] * 5


def test_a_report_issued_before_its_origin_time_is_accepted() -> None:
    """Seen in real sequences: the catalogue's origin time lies after the first report."""
    assert received(EventBook(), report(1, issued_s=-2.0)) == [Verdict.ACCEPTED]


def test_the_same_message_twice_is_a_duplicate() -> None:
    """Two feeds carry one report; it is acted on once."""
    book = EventBook()
    assert received(book, report(3), report(3)) == [Verdict.ACCEPTED, Verdict.DUPLICATE]
    assert not Verdict.DUPLICATE.is_acted_on


def test_a_report_overtaken_on_its_way_is_older() -> None:
    """What comes after its successor is not told."""
    assert received(EventBook(), report(4), report(3), report(5)) == [
        Verdict.ACCEPTED,
        Verdict.OLDER,
        Verdict.ACCEPTED,
    ]


def test_other_content_under_a_used_number_is_left_alone() -> None:
    """The first content under a number stands."""
    assert received(EventBook(), report(4), report(4, magnitude=7.0)) == [Verdict.ACCEPTED, Verdict.CONFLICTING]


@pytest.mark.parametrize("cancel_no", [3, 4])
def test_a_cancel_may_reuse_the_last_number(cancel_no: int) -> None:
    """A cancel comes under the next number or under the last one again."""
    book = EventBook()
    assert received(book, report(3), cancel(cancel_no)) == [Verdict.ACCEPTED, Verdict.CANCELLED]


def test_nothing_numbered_up_to_a_cancel_revives_its_event() -> None:
    """Copies and stragglers after a cancel that reused number 3 stay dead, the cancel's own copy included."""
    book = EventBook()
    received(book, report(3), cancel(3))
    stragglers = [report(2), report(3), report(3, magnitude=7.0), cancel(3), cancel(3, issued_s=21)]
    assert received(book, *stragglers) == [
        Verdict.OLDER,
        Verdict.DUPLICATE,
        Verdict.CONFLICTING,
        Verdict.DUPLICATE,
        Verdict.CONFLICTING,
    ]


def test_a_mistaken_cancel_is_corrected_by_a_higher_report_and_stays_corrected() -> None:
    """The event lives again; the old cancel's copy does not kill it a second time, a new cancel does."""
    book = EventBook()
    received(book, report(3), cancel(4))
    after = [report(5, issued_s=25), report(6, issued_s=27), cancel(4), cancel(6, issued_s=30)]
    assert received(book, *after) == [Verdict.CORRECTED, Verdict.ACCEPTED, Verdict.OLDER, Verdict.CANCELLED]


def test_a_cancel_that_overtakes_its_report_keeps_it_from_being_told() -> None:
    """The cancel of an event not heard of yet is remembered."""
    assert received(EventBook(), cancel(2), report(1), report(2)) == [
        Verdict.CANCELLED,
        Verdict.OLDER,
        Verdict.CONFLICTING,
    ]


@pytest.mark.parametrize(
    ("issued_s", "delay_s", "expected"),
    [
        (600.0, 0.0, Verdict.ACCEPTED),
        (600.1, 0.0, Verdict.STALE),
        (5.0, 600.0, Verdict.ACCEPTED),
        (5.0, 600.1, Verdict.STALE),
    ],
    ids=["issued just in time", "issued too late", "received just in time", "received too late"],
)
def test_a_report_is_stale_beyond_the_limit_after_origin_or_after_issue(
    issued_s: float, delay_s: float, expected: Verdict
) -> None:
    """Some feeds return the last alert however old."""
    book = EventBook(max_age_s=600)
    assert received(book, report(1, issued_s=issued_s), delay_s=delay_s) == [expected]
    assert ("e1" in book.event_ids) is expected.is_acted_on


def test_the_age_limit_is_the_callers() -> None:
    """A limit of one minute makes a report of two minutes stale."""
    assert received(EventBook(max_age_s=60), report(1, issued_s=120)) == [Verdict.STALE]


def test_a_late_cancel_of_a_known_event_counts_and_of_an_unknown_one_is_stale() -> None:
    """Whoever was told is told that it was no earthquake, even a quarter of an hour later."""
    book = EventBook()
    received(book, report(1))
    assert received(book, cancel(2), cancel(1, event_id="e2"), delay_s=900) == [Verdict.CANCELLED, Verdict.STALE]


def test_two_living_events_do_not_touch_one_another() -> None:
    """Numbers, cancels and corrections of one event say nothing of the other."""
    book = EventBook()
    first = [report(5), report(1, event_id="e2"), cancel(5), report(2, event_id="e2"), report(5, event_id="e2")]
    assert received(book, *first) == [
        Verdict.ACCEPTED,
        Verdict.ACCEPTED,
        Verdict.CANCELLED,
        Verdict.ACCEPTED,
        Verdict.ACCEPTED,
    ]


def test_an_event_is_forgotten_after_its_time_and_its_copies_are_stale_then() -> None:
    """A feed that repeats a report for ever is never acted on again."""
    book = EventBook(max_age_s=600, keep_s=600)
    received(book, report(1))
    verdicts = [book.receive(report(1), ORIGIN_AT + timedelta(seconds=after_s)) for after_s in (300, 610, 611, 5000)]
    assert verdicts == [Verdict.DUPLICATE, Verdict.DUPLICATE, Verdict.STALE, Verdict.STALE]
    assert not book.event_ids


def test_a_report_from_a_clock_ahead_is_remembered_until_its_copies_are_stale() -> None:
    """Issued 100 s from now by the agency's clock: the copy that comes 650 s later is not acted on again."""
    book = EventBook(max_age_s=600, keep_s=600)
    early_at = ORIGIN_AT + timedelta(seconds=10)
    ahead = report(1, issued_s=110)
    assert book.receive(ahead, early_at) is Verdict.ACCEPTED
    assert book.receive(ahead, early_at + timedelta(seconds=650)) is Verdict.DUPLICATE


def test_a_flood_of_events_is_held_to_a_number() -> None:
    """The event not acted on for longest goes first."""
    book = EventBook(max_events=3)
    received(book, *(report(1, event_id=f"e{each}") for each in range(3)))
    received(book, report(2, event_id="e0"), report(1, event_id="e3"))
    assert set(book.event_ids) == {"e2", "e0", "e3"}


def test_every_report_is_counted_under_one_verdict() -> None:
    """The counts add up to the reports."""
    book = EventBook()
    received(book, report(1), report(1), report(3), report(2), cancel(3), report(4), report(9, issued_s=1000))
    assert book.n_by_verdict == {
        Verdict.ACCEPTED: 2,
        Verdict.CORRECTED: 1,
        Verdict.CANCELLED: 1,
        Verdict.DUPLICATE: 1,
        Verdict.OLDER: 1,
        Verdict.CONFLICTING: 0,
        Verdict.STALE: 1,
    }


@pytest.mark.parametrize("limits", [{"keep_s": 599.0}, {"max_events": 0}], ids=["forgets too soon", "no room"])
def test_limits_that_would_break_the_book_are_refused(limits: dict[str, float]) -> None:
    """A book that forgets before a copy is stale would act on it twice."""
    with pytest.raises(ModelRangeError):
        EventBook(max_age_s=600, **limits)  # type: ignore[arg-type]  # one of the two is a count
