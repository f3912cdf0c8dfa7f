"""What an incoming report means for its event."""

from collections import Counter as Tally
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eew.decision.sequence import ReportSequencer
from eew.model.disposition import Disposition
from eew.model.errors import ModelRangeError
from eew.model.records import AlertStatus, EventReport, ReportKind
from tests.strategies import make_report

ORIGIN_AT = datetime(2024, 8, 8, 7, 42, 54, tzinfo=UTC)


def report(report_no: int, **members: Any) -> EventReport:
    place: dict[str, Any] = {"lat_deg": 31.7, "lon_deg": 131.7, "depth_km": None, "magnitude": 6.0}
    return make_report(report_no, at=ORIGIN_AT, **{"event_id": "e1", **place, **members})


def cancel(report_no: int, *, issued_s: float = 20.0, event_id: str = "e1") -> EventReport:
    return report(report_no, issued_s=issued_s, event_id=event_id, kind=ReportKind.CANCEL)


def received(book: ReportSequencer, *reports: EventReport, delay_s: float = 0.1) -> list[Disposition]:
    """Return the dispositions on reports that come in soon after each was issued."""
    return [book.receive(each, each.issued_at + timedelta(seconds=delay_s)) for each in reports]


def test_a_sequence_goes_on_with_gaps_and_several_reports_in_one_second() -> None:
    """Reports get lost, and come thick: each higher number is accepted."""
    sequence = [report(1, issued_s=5.1), report(2, issued_s=5.1), report(3, issued_s=5.9), report(7, issued_s=9)]
    final = report(8, issued_s=30, kind=ReportKind.FINAL)
    assert received(ReportSequencer(), *sequence, final) == [Disposition.ACCEPTED] * 5


def test_a_report_issued_before_its_origin_time_is_accepted() -> None:
    """Seen in real sequences: the catalogue's origin time lies after the first report."""
    assert received(ReportSequencer(), report(1, issued_s=-2.0)) == [Disposition.ACCEPTED]


def test_the_same_message_twice_is_a_duplicate() -> None:
    """Two feeds carry one report; it is acted on once."""
    book = ReportSequencer()
    assert received(book, report(3), report(3)) == [Disposition.ACCEPTED, Disposition.DUPLICATE]
    assert not Disposition.DUPLICATE.is_acted_on


def test_a_report_overtaken_on_its_way_is_older() -> None:
    """What comes after its successor is not told."""
    assert received(ReportSequencer(), report(4), report(3), report(5)) == [
        Disposition.ACCEPTED,
        Disposition.OLDER,
        Disposition.ACCEPTED,
    ]


def test_other_content_under_a_used_number_is_left_alone() -> None:
    """The first content under a number stands."""
    assert received(ReportSequencer(), report(4), report(4, magnitude=7.0)) == [
        Disposition.ACCEPTED,
        Disposition.CONFLICTING,
    ]


@pytest.mark.parametrize("cancel_no", [3, 4])
def test_a_cancel_may_reuse_the_last_number(cancel_no: int) -> None:
    """A cancel comes under the next number or under the last one again."""
    book = ReportSequencer()
    assert received(book, report(3), cancel(cancel_no)) == [Disposition.ACCEPTED, Disposition.CANCELLED]


def test_nothing_numbered_up_to_a_cancel_revives_its_event() -> None:
    """Copies and stragglers after a cancel that reused number 3 stay dead, the cancel's own copy included."""
    book = ReportSequencer()
    received(book, report(3), cancel(3))
    stragglers = [report(2), report(3), report(3, magnitude=7.0), cancel(3), cancel(3, issued_s=21)]
    assert received(book, *stragglers) == [
        Disposition.OLDER,
        Disposition.DUPLICATE,
        Disposition.CONFLICTING,
        Disposition.DUPLICATE,
        Disposition.CONFLICTING,
    ]


def test_a_mistaken_cancel_is_corrected_by_a_higher_report_and_stays_corrected() -> None:
    """The event lives again; the old cancel's copy does not kill it a second time, a new cancel does."""
    book = ReportSequencer()
    received(book, report(3), cancel(4))
    after = [report(5, issued_s=25), report(6, issued_s=27), cancel(4), cancel(6, issued_s=30)]
    assert received(book, *after) == [
        Disposition.CORRECTED,
        Disposition.ACCEPTED,
        Disposition.OLDER,
        Disposition.CANCELLED,
    ]


def test_a_cancel_that_overtakes_its_report_keeps_it_from_being_told() -> None:
    """The cancel of an event not heard of yet is remembered."""
    assert received(ReportSequencer(), cancel(2), report(1), report(2)) == [
        Disposition.CANCELLED,
        Disposition.OLDER,
        Disposition.CONFLICTING,
    ]


@pytest.mark.parametrize(
    ("issued_s", "delay_s", "expected"),
    [
        (600.0, 0.0, Disposition.ACCEPTED),
        (600.1, 0.0, Disposition.STALE),
        (5.0, 600.0, Disposition.ACCEPTED),
        (5.0, 600.1, Disposition.STALE),
    ],
    ids=["issued just in time", "issued too late", "received just in time", "received too late"],
)
def test_a_report_is_stale_beyond_the_limit_after_origin_or_after_issue(
    issued_s: float, delay_s: float, expected: Disposition
) -> None:
    """Some feeds return the last alert however old."""
    book = ReportSequencer(max_age_s=600)
    assert received(book, report(1, issued_s=issued_s), delay_s=delay_s) == [expected]
    assert ("e1" in book.event_ids) is expected.is_acted_on


def test_the_age_limit_is_the_callers() -> None:
    """A limit of one minute makes a report of two minutes stale."""
    assert received(ReportSequencer(max_age_s=60), report(1, issued_s=120)) == [Disposition.STALE]


def test_a_late_cancel_of_a_known_event_counts_and_of_an_unknown_one_is_stale() -> None:
    """Whoever was told is told that it was no earthquake, even a quarter of an hour later."""
    book = ReportSequencer()
    received(book, report(1))
    assert received(book, cancel(2), cancel(1, event_id="e2"), delay_s=900) == [
        Disposition.CANCELLED,
        Disposition.STALE,
    ]


def test_two_living_events_do_not_touch_one_another() -> None:
    """Numbers, cancels and corrections of one event say nothing of the other."""
    book = ReportSequencer()
    first = [report(5), report(1, event_id="e2"), cancel(5), report(2, event_id="e2"), report(5, event_id="e2")]
    assert received(book, *first) == [
        Disposition.ACCEPTED,
        Disposition.ACCEPTED,
        Disposition.CANCELLED,
        Disposition.ACCEPTED,
        Disposition.ACCEPTED,
    ]


def test_an_event_is_forgotten_after_its_time_and_its_copies_are_stale_then() -> None:
    """A feed that repeats a report for ever is never acted on again."""
    book = ReportSequencer(max_age_s=600, keep_s=600)
    received(book, report(1))
    dispositions = [
        book.receive(report(1), ORIGIN_AT + timedelta(seconds=after_s)) for after_s in (300, 610, 611, 5000)
    ]
    assert dispositions == [Disposition.DUPLICATE, Disposition.DUPLICATE, Disposition.STALE, Disposition.STALE]
    assert not book.event_ids


def test_a_report_from_a_clock_ahead_is_remembered_until_its_copies_are_stale() -> None:
    """Issued 100 s from now by the agency's clock: the copy that comes 650 s later is not acted on again."""
    book = ReportSequencer(max_age_s=600, keep_s=600)
    early_at = ORIGIN_AT + timedelta(seconds=10)
    ahead = report(1, issued_s=110)
    assert book.receive(ahead, early_at) is Disposition.ACCEPTED
    assert book.receive(ahead, early_at + timedelta(seconds=650)) is Disposition.DUPLICATE


def test_a_flood_of_events_is_held_to_a_number() -> None:
    """The event not acted on for longest goes first."""
    book = ReportSequencer(max_events=3)
    received(book, *(report(1, event_id=f"e{each}") for each in range(3)))
    received(book, report(2, event_id="e0"), report(1, event_id="e3"))
    assert set(book.event_ids) == {"e2", "e0", "e3"}


def test_every_report_is_counted_under_one_disposition() -> None:
    """The counts add up to the reports."""
    book = ReportSequencer()
    received(book, report(1), report(1), report(3), report(2), cancel(3), report(4), report(9, issued_s=1000))
    assert book.n_by_disposition == Tally(
        {
            Disposition.ACCEPTED: 2,
            Disposition.CORRECTED: 1,
            Disposition.RESTARTED: 0,
            Disposition.CANCELLED: 1,
            Disposition.DUPLICATE: 1,
            Disposition.COPY: 0,
            Disposition.OLDER: 1,
            Disposition.CONFLICTING: 0,
            Disposition.STALE: 1,
        }
    )


def test_an_assumed_hypocentre_and_an_unknown_magnitude_are_steps_of_a_sequence_like_any() -> None:
    """JMA begins with M 1.0 or none at an assumed place (Noto, 2024-06-03), and goes on to real solutions."""
    sequence = [
        report(1, issued_s=3.6, magnitude=None),
        report(2, issued_s=4.7, magnitude=1.0, is_assumed=True),
        report(3, issued_s=5.8, magnitude=7.4),
        report(4, issued_s=8.0, magnitude=5.9),
    ]
    assert received(ReportSequencer(), *sequence) == [Disposition.ACCEPTED] * 4


def test_a_drill_of_several_events_within_seconds_goes_through_with_its_cancels() -> None:
    """The national drill of 2025-11-05 issued seven events in seven seconds."""
    drill = [report(1, issued_s=n, event_id=f"d{n}", status=AlertStatus.EXERCISE) for n in range(7)]
    cancels = [cancel(1, event_id=f"d{n}") for n in range(7)]
    assert received(ReportSequencer(), *drill, *cancels) == [Disposition.ACCEPTED] * 7 + [Disposition.CANCELLED] * 7


def test_one_id_of_two_agencies_is_two_events() -> None:
    """Ids are each agency's own."""
    book = ReportSequencer()
    first = [report(5), report(1, source="cenc"), cancel(6), report(2, source="cenc")]
    assert received(book, *first) == [
        Disposition.ACCEPTED,
        Disposition.ACCEPTED,
        Disposition.CANCELLED,
        Disposition.ACCEPTED,
    ]
    assert set(book.event_ids) == {"e1"}


def test_numbers_that_begin_anew_count_again_and_the_old_ones_no_more() -> None:
    """Issued a minute after the last, with other content: the agency restarted; what was on its way before is older."""
    book = ReportSequencer()
    received(book, report(13, issued_s=30), report(14, issued_s=32))
    anew = [report(1, issued_s=90, magnitude=6.4), report(2, issued_s=91, magnitude=6.5)]
    assert received(book, *anew) == [Disposition.RESTARTED, Disposition.ACCEPTED]
    stragglers = [report(15, issued_s=34, magnitude=6.1), report(1, issued_s=3), anew[0], anew[1]]
    assert received(book, *stragglers, delay_s=70) == [
        Disposition.OLDER,
        Disposition.OLDER,
        Disposition.OLDER,
        Disposition.DUPLICATE,
    ]
    assert received(book, report(3, issued_s=95, magnitude=6.6)) == [Disposition.ACCEPTED]


def test_numbers_begin_anew_from_one_again_after_a_single_report() -> None:
    """Report 1 and, much later, another report 1; and a third."""
    book = ReportSequencer()
    sequence = [report(1, issued_s=5), report(1, issued_s=60, magnitude=6.4), report(1, issued_s=120, magnitude=6.8)]
    assert received(book, *sequence) == [Disposition.ACCEPTED, Disposition.RESTARTED, Disposition.RESTARTED]


@pytest.mark.parametrize("delay_s", [0.1, 300.0])
def test_a_report_overtaken_on_its_way_restarts_nothing_however_late_it_arrives(delay_s: float) -> None:
    """It was issued before its successor: the time of issue is compared, not that of arrival."""
    book = ReportSequencer()
    received(book, report(9, issued_s=40))
    assert received(book, report(2, issued_s=12, magnitude=5.0), delay_s=delay_s) == [Disposition.OLDER]


@pytest.mark.parametrize(
    ("issued_s", "magnitude", "expected"),
    [(50.0, 6.4, Disposition.OLDER), (50.1, 6.4, Disposition.RESTARTED), (300.0, 6.0, Disposition.OLDER)],
    ids=["parallel telegram", "clearly later", "says nothing new"],
)
def test_a_lower_number_restarts_only_clearly_later_and_with_other_content(
    issued_s: float, magnitude: float, expected: Disposition
) -> None:
    """JMA numbers warnings apart from forecasts; and some feeds repeat the last alert under a fresh time."""
    book = ReportSequencer(restart_s=10)
    received(book, report(9, issued_s=40))
    assert received(book, report(2, issued_s=issued_s, magnitude=magnitude)) == [expected]


def test_a_cancel_with_a_number_begun_anew_counts() -> None:
    """The agency restarted and cancels as number 1; a second such cancel says nothing new."""
    book = ReportSequencer()
    received(book, report(9, issued_s=40))
    later = [cancel(1, issued_s=60), cancel(1, issued_s=90)]
    assert received(book, *later) == [Disposition.CANCELLED, Disposition.CONFLICTING]


def test_a_mistaken_cancel_is_corrected_under_numbers_begun_anew() -> None:
    """The same solution again, clearly after the cancel, is the correction."""
    book = ReportSequencer()
    received(book, report(3), cancel(4, issued_s=20))
    assert received(book, report(1, issued_s=60), report(4, issued_s=21)) == [Disposition.CORRECTED, Disposition.OLDER]


@pytest.mark.parametrize(
    "limits",
    [{"keep_s": 599.0}, {"max_events": 0}, {"restart_s": -1.0}],
    ids=["forgets too soon", "no room", "restarts backwards"],
)
def test_limits_that_would_break_the_book_are_refused(limits: dict[str, float]) -> None:
    """A book that forgets before a copy is stale would act on it twice."""
    with pytest.raises(ModelRangeError):
        ReportSequencer(max_age_s=600, **limits)  # type: ignore[arg-type]  # one of them is a count
