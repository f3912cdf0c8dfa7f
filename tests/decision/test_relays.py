"""One agency by several relays at once: none of its words is lost, and no late copy undoes a newer one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eew.decision.merge import Merged, Merger
from eew.decision.relay import Said, copied, is_news
from eew.decision.sequence import ReportSequencer
from eew.model.disposition import Disposition
from eew.model.records import EventReport, IssueBasis, ReportKind
from tests.strategies import make_report

ORIGIN_AT = datetime(2024, 8, 8, 7, 42, 54, tzinfo=UTC)
HYUGANADA: dict[str, Any] = {"lat_deg": 31.7, "lon_deg": 131.7, "depth_km": 30.0}
FORECASTS, WARNINGS = None, "warnings"


def report(report_no: int, issued_s: float, magnitude: float | None = 6.0, **members: Any) -> EventReport:
    members = {"numbering": FORECASTS, "event_id": "20240808164302", **HYUGANADA, **members}
    return make_report(report_no, issued_s, magnitude, at=ORIGIN_AT, **members)


def wolfx(report_no: int, issued_s: float, magnitude: float) -> EventReport:
    """Return a forecast, numbered among all forecasts."""
    return report(report_no, issued_s, magnitude)


def p2pquake(report_no: int, issued_s: float, magnitude: float) -> EventReport:
    """Return a warning, numbered among the warnings."""
    return report(report_no, issued_s, magnitude, numbering=WARNINGS)


def cancel(report_no: int, issued_s: float, numbering: str | None = WARNINGS, **ids: str) -> EventReport:
    return report(report_no, issued_s, numbering=numbering, kind=ReportKind.CANCEL, **ids)  # type: ignore[arg-type]  # ids are texts


def received(book: ReportSequencer, *reports: EventReport) -> list[Disposition]:
    """Return the dispositions on reports that come in as they are issued, or at once if they come late."""
    now_at = ORIGIN_AT
    dispositions = []
    for each in reports:
        now_at = max(now_at, each.issued_at)
        dispositions.append(book.receive(each, now_at))
    return dispositions


def told(merger: Merger, *reports: EventReport) -> list[str]:
    """Return what the public is told: kind and magnitude."""
    now_at, results = ORIGIN_AT, list[Merged]()
    for each in reports:
        now_at = max(now_at, each.issued_at)
        results.append(merger.receive(each, now_at))
    return [
        each.report.kind.value if each.report.kind is ReportKind.CANCEL else f"{each.report.magnitude}"
        for result in results
        for each in result.reports
    ]


# --- the recorded case: Wolfx and P2PQuake, and Wolfx dies ---

BEGUN = (wolfx(1, 10, 4.9), wolfx(2, 11, 5.9), wolfx(3, 12, 6.7))


@pytest.mark.parametrize("first", [p2pquake(1, 12, 6.7), p2pquake(1, 11, 5.9), p2pquake(1, 12, 5.9)])
@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (p2pquake(2, 20, 7.6), Disposition.ACCEPTED),
        (cancel(2, 20), Disposition.CANCELLED),
        (cancel(1, 20), Disposition.CANCELLED),
    ],
    ids=["stronger", "cancel", "cancel under the last number"],
)
def test_what_only_the_second_relay_says_counts_when_the_first_has_died(
    first: EventReport, last: EventReport, expected: Disposition
) -> None:
    """Eight seconds after Wolfx's report 3, P2PQuake's second warning is a cancel, or M 7.6: neither is lost."""
    book = ReportSequencer()
    dispositions = received(book, *BEGUN, first, last)
    assert dispositions[:3] == [Disposition.ACCEPTED] * 3
    assert not dispositions[3].is_acted_on
    assert dispositions[4] is expected


def test_the_relay_that_comes_back_with_what_it_missed_undoes_nothing() -> None:
    """Wolfx's reports 4 to 6 of the outage come after P2PQuake's M 7.6; its report 7, issued later, counts."""
    dispositions = received(
        ReportSequencer(),
        *BEGUN,
        p2pquake(1, 12, 6.7),
        p2pquake(2, 20, 7.6),
        wolfx(4, 14, 6.8),
        wolfx(5, 17, 7.0),
        wolfx(6, 20, 7.6),
        wolfx(7, 23, 7.4),
        p2pquake(3, 31, 7.9),
    )
    assert dispositions[3:] == [
        Disposition.COPY,
        Disposition.ACCEPTED,
        Disposition.OLDER,
        Disposition.OLDER,
        Disposition.COPY,
        Disposition.ACCEPTED,
        Disposition.ACCEPTED,
    ]


def test_a_cancel_from_either_counts_and_its_copy_says_nothing_new() -> None:
    """Nor does a forecast that was on its way; one issued after the cancel corrects it, and stays."""
    dispositions = received(
        ReportSequencer(),
        *BEGUN,
        cancel(1, 20),
        cancel(3, 20, FORECASTS),
        wolfx(4, 19, 6.9),
        wolfx(5, 22, 6.8),
        cancel(2, 20),
        cancel(5, 30, FORECASTS),
        cancel(3, 30),
    )
    assert dispositions[3:] == [
        Disposition.CANCELLED,
        Disposition.CONFLICTING,
        Disposition.OLDER,
        Disposition.CORRECTED,
        Disposition.COPY,
        Disposition.CANCELLED,
        Disposition.COPY,
    ]


def test_the_first_warning_of_bungo_2024_among_three_forecasts_of_one_second() -> None:
    """JMA's samples: at 23:14:59 forecasts 3, 4 and 5 (M 5.1, 5.8, 5.9), and warning 1, which is forecast 4."""
    second = [wolfx(3, 11, 5.1), wolfx(4, 11, 5.8), wolfx(5, 11, 5.9)]
    late = received(ReportSequencer(), *second, p2pquake(1, 11, 5.8), wolfx(6, 13, 5.7), p2pquake(2, 22, 6.6))
    assert late[3:] == [Disposition.COPY, Disposition.ACCEPTED, Disposition.ACCEPTED]
    early = received(ReportSequencer(), second[0], p2pquake(1, 11, 5.8), second[1], second[2], wolfx(6, 13, 5.7))
    assert early == [
        Disposition.ACCEPTED,
        Disposition.ACCEPTED,
        Disposition.COPY,
        Disposition.ACCEPTED,
        Disposition.ACCEPTED,
    ]


def test_after_a_copy_the_next_number_is_newer_whatever_the_second() -> None:
    """Forecast 4 lowers the magnitude in the second in which 3 came first as a warning: numbers say which is newer."""
    dispositions = received(
        ReportSequencer(), wolfx(2, 12, 5.9), p2pquake(1, 12, 6.7), wolfx(3, 12, 6.7), wolfx(4, 12, 6.3)
    )
    assert dispositions == [Disposition.ACCEPTED, Disposition.ACCEPTED, Disposition.COPY, Disposition.ACCEPTED]


def test_within_a_second_the_louder_counts_where_nobody_knows_which_is_newer() -> None:
    """What neither relay repeated: M 6.7 after M 5.9 counts, M 5.9 after M 6.7 does not."""
    assert received(ReportSequencer(), wolfx(1, 12, 5.9), p2pquake(1, 12, 6.7))[1] is Disposition.ACCEPTED
    assert received(ReportSequencer(), wolfx(1, 12, 6.7), p2pquake(1, 12, 5.9))[1] is Disposition.OLDER


def test_relays_round_differently_and_leave_members_out() -> None:
    """A copy has the origin to the second, places to 0.1° and the depth or not; across the date line, too."""
    of = Said.of(report(3, 12.4, 6.7, lat_deg=-17.98, lon_deg=179.96, depth_km=33.0, origin_s=0.6))
    alike = {"lat_deg": -18.0, "lon_deg": -180.0, "depth_km": None}
    assert copied(report(1, 12, 6.7, **alike), [of]) == 0
    assert copied(report(1, 12, 6.7, **alike | {"lat_deg": -18.1}), [of]) is None
    assert copied(report(1, 12, 6.8, **alike), [of]) is None
    assert copied(report(1, 12, None, **alike), [of]) is None
    assert copied(report(1, 15, 6.7, **alike), [of]) is None


def test_what_knows_no_source_is_never_the_louder() -> None:
    """An assumed hypocentre gives way to a solution of the same second, and takes the place of none."""
    assumed = msgspec.structs.replace(report(1, 12, 1.0), is_assumed=True)
    known = report(1, 12, 5.0)
    assert is_news(known, Said.of(assumed))
    assert not is_news(assumed, Said.of(known))


def test_numbers_begun_anew_in_one_count_leave_the_other_alone() -> None:
    """The relay of forecasts restarts at 1; warnings go on, and what was on its way in the old numbers is older."""
    book = ReportSequencer()
    received(book, wolfx(14, 30, 6.4), p2pquake(3, 31, 6.5))
    anew = [wolfx(1, 60, 6.6), p2pquake(4, 62, 6.9), wolfx(15, 33, 6.1), wolfx(2, 64, 7.0)]
    assert received(book, *anew) == [
        Disposition.RESTARTED,
        Disposition.ACCEPTED,
        Disposition.OLDER,
        Disposition.ACCEPTED,
    ]


def test_the_public_is_told_what_the_relay_that_lives_says() -> None:
    """Growing numbers of one event, whoever says it."""
    assert told(Merger(("jma",)), *BEGUN, p2pquake(1, 12, 6.7), p2pquake(2, 20, 7.6)) == ["4.9", "5.9", "6.7", "7.6"]
    assert told(Merger(("jma",)), *BEGUN, p2pquake(1, 12, 6.7), cancel(2, 20)) == ["4.9", "5.9", "6.7", "cancel"]


# --- relays that give an earthquake ids of their own ---


def cenc(report_no: int, issued_s: float, magnitude: float, relay: str | None) -> EventReport:
    return report(report_no, issued_s, magnitude, numbering=relay, event_id=f"of-{relay}", source="cenc")


def test_two_relays_with_ids_of_their_own_are_one_voice() -> None:
    """The second relay's id does not silence the first: each later report counts, and each copy is none."""
    assert told(
        Merger(("cenc",)),
        cenc(1, 10, 5.0, None),
        cenc(1, 10, 5.0, "fan"),
        cenc(2, 14, 5.6, None),
        cenc(2, 14, 5.6, "fan"),
        cenc(3, 20, 6.1, "fan"),
        cenc(3, 20, 6.1, None),
        cenc(4, 25, 6.0, None),
        cenc(4, 23, 5.9, "fan"),
    ) == ["5.0", "5.6", "6.1", "6.0"]


def test_a_cancel_by_a_relay_with_an_id_of_its_own_is_the_agencys() -> None:
    """The other relay's word goes with it; what that relay was told later corrects it."""
    merger = Merger(("cenc",))
    begun = [cenc(1, 10, 5.0, None), cenc(1, 10, 5.0, "fan"), cenc(2, 14, 5.6, None)]
    gone = cancel(2, 20, "fan", event_id="of-fan", source="cenc")
    late, later = cenc(3, 17, 5.8, None), cenc(4, 22, 5.7, None)
    assert told(merger, *begun, gone, late, later) == ["5.0", "5.6", "cancel", "5.7"]
    again = cancel(3, 20, None, event_id="of-None", source="cenc")
    assert told(Merger(("cenc",)), *begun, gone, again) == ["5.0", "5.6", "cancel"]


def test_a_cancel_that_comes_after_what_the_other_relay_was_told_later_is_old() -> None:
    """Issued at 20 s, it comes after a report of 22 s: that one stands."""
    merger = Merger(("cenc",))
    gone = cancel(2, 20, "fan", event_id="of-fan", source="cenc")
    assert told(merger, cenc(1, 10, 5.0, "fan"), cenc(1, 10, 5.0, None), cenc(2, 22, 5.7, None), gone) == ["5.0", "5.7"]


def test_two_ids_in_one_count_are_still_two_earthquakes_or_one_that_goes_on() -> None:
    """60 km apart one relay means two, and another may mean the same."""
    here, there = cenc(1, 10, 5.0, None), msgspec.structs.replace(cenc(1, 11, 5.0, None), event_id="b", lat_deg=32.24)
    merger = Merger(("cenc",))
    assert merger.receive(here, here.issued_at).event_id != merger.receive(there, there.issued_at).event_id
    other = msgspec.structs.replace(there, numbering="fan", event_id="c", magnitude=5.4, issued_at=there.issued_at)
    merger = Merger(("cenc",))
    assert merger.receive(here, here.issued_at).event_id == merger.receive(other, other.issued_at).event_id


def test_when_the_leading_agency_falls_out_the_relay_that_went_further_speaks() -> None:
    """Another agency's leader takes its word back: of the two relays of the next the newer word is told."""
    merger = Merger(("jma",))
    reports = [report(1, 9, 6.0), cenc(1, 10, 5.0, None), cenc(1, 10, 5.0, "fan"), cenc(2, 14, 5.6, "fan")]
    for each in reports:
        merger.receive(each, each.issued_at)
    late = cenc(2, 12, 5.2, None)
    assert merger.receive(late, ORIGIN_AT + timedelta(seconds=15)).disposition is Disposition.SUPERSEDED


# --- relays that do not say when a report was issued ---


def came(report_no: int, received_s: float, magnitude: float, basis: IssueBasis = IssueBasis.RECEIVED) -> EventReport:
    """Return CENC's report as Wolfx passes it on."""
    return msgspec.structs.replace(report(report_no, received_s, magnitude, numbering="wolfx"), issue_basis=basis)


def test_a_copy_is_known_without_its_time_of_issue() -> None:
    """Wolfx's copy of report 1 comes after FAN Studio's report 2; by the time of its receipt it would be the newest."""
    dispositions = received(
        ReportSequencer(), report(1, 6, 5.0), came(1, 7.5, 5.0), report(2, 20, 5.6), came(2, 21, 5.6)
    )
    assert dispositions == [Disposition.ACCEPTED, Disposition.COPY, Disposition.ACCEPTED, Disposition.COPY]
    assert received(ReportSequencer(), report(1, 6, 5.0), report(2, 20, 5.6), came(1, 33, 5.0))[2] is Disposition.COPY


def test_the_relay_without_times_goes_on_alone_when_the_other_has_died() -> None:
    """Abreast it goes on by its numbers, weaker ones too; behind, it counts where it is louder or comes long after."""
    assert received(ReportSequencer(), report(1, 6, 5.0), came(1, 7, 5.0), came(2, 9, 4.8))[2] is Disposition.ACCEPTED
    assert received(ReportSequencer(), report(1, 6, 5.0), came(2, 9, 5.4))[1] is Disposition.ACCEPTED
    assert received(ReportSequencer(), report(1, 6, 5.0), came(2, 9, 4.8))[1] is Disposition.OLDER
    assert received(ReportSequencer(), report(1, 6, 5.0), came(2, 17, 4.8))[1] is Disposition.ACCEPTED
    assert received(ReportSequencer(), report(2, 20, 5.6), came(1, 19, 6.0))[1] is Disposition.OLDER


def test_where_nothing_is_known_of_the_time_the_louder_counts() -> None:
    """From a file, with the origin in place of the time of issue."""
    unknown = [came(n, 0, magnitude, IssueBasis.UNKNOWN) for n, magnitude in ((1, 5.0), (2, 5.6), (3, 5.2))]
    assert received(ReportSequencer(), report(1, 6, 5.3), *unknown) == [
        Disposition.ACCEPTED,
        Disposition.OLDER,
        Disposition.ACCEPTED,
        Disposition.ACCEPTED,
    ]


# --- properties: any interleaving of what relays deliver ---


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[EventReport], list[tuple[int, EventReport]]]:
    """Draw an agency's words, each in a later second than the one before, and what two relays bring of them.

    One numbers all, the other some; each loses what it likes, repeats what it likes and is as late as it likes.
    """
    n = draw(st.integers(2, 7))
    issued_s = [10 + sum(draw(st.lists(st.integers(1, 9), min_size=i, max_size=i))) for i in range(n)]
    issued_s = sorted(set(issued_s))
    has_cancel = draw(st.booleans())
    words, brought = [], list[tuple[int, EventReport]]()
    n_warnings, tenths = 0, 60
    for index, at_s in enumerate(issued_s):
        is_last = index == len(issued_s) - 1
        kind = ReportKind.CANCEL if has_cancel and is_last and index else ReportKind.UPDATE
        tenths += draw(st.sampled_from([-5, -1, 1, 5]))
        word = report(index + 1, at_s, tenths / 10, kind=kind)
        words.append(word)
        if draw(st.booleans()):
            brought.append((index, word))
        if draw(st.booleans()):
            n_warnings += 1
            brought.append((index, msgspec.structs.replace(word, report_no=n_warnings, numbering=WARNINGS)))
    brought += draw(st.lists(st.sampled_from(brought), max_size=4)) if brought else []
    return words, draw(st.permutations(brought))


def in_effect(words: Sequence[EventReport], merger: Merger, brought: Sequence[tuple[int, EventReport]]) -> list[int]:
    """Return which of the words were told, in order."""
    now_at = words[-1].issued_at + timedelta(seconds=1)
    return [index for index, each in brought for _ in merger.receive(each, now_at).reports]


@settings(max_examples=300)
@given(interleavings())
def test_the_newest_word_that_any_relay_brought_stands_and_none_is_undone(
    drawn: tuple[list[EventReport], list[tuple[int, EventReport]]],
) -> None:
    """Whatever is lost, late, repeated or out of order: what is told only gets newer, and ends with the newest."""
    words, brought = drawn
    indices = in_effect(words, Merger(("jma",)), brought)
    assert indices == sorted(set(indices))
    assert indices[-1:] == sorted({index for index, _ in brought})[-1:]


@settings(max_examples=300)
@given(interleavings())
def test_it_is_the_same_with_relays_that_have_ids_of_their_own(
    drawn: tuple[list[EventReport], list[tuple[int, EventReport]]],
) -> None:
    """As long as something but a cancel came first from each: a cancel alone says not of what."""
    words, brought = drawn
    own = [
        (index, msgspec.structs.replace(each, event_id=f"{each.event_id}-{each.numbering}")) for index, each in brought
    ]
    seen = set[str]()
    for _, each in own:
        if each.kind is ReportKind.CANCEL and each.event_id not in seen:
            return
        seen.add(each.event_id)
    indices = in_effect(words, Merger(("jma",)), own)
    assert indices == sorted(set(indices))
    assert indices[-1:] == sorted({index for index, _ in brought})[-1:]


@settings(max_examples=100)
@given(interleavings())
def test_a_book_that_is_filled_from_what_was_kept_judges_as_the_first_one_did(
    drawn: tuple[list[EventReport], list[tuple[int, EventReport]]],
) -> None:
    """What the journal keeps (acted on, and copies) is enough: the rest of a sequence has the same dispositions."""
    words, brought = drawn
    now_at = words[-1].issued_at + timedelta(seconds=1)
    half = len(brought) // 2
    first, again = ReportSequencer(), ReportSequencer()
    for _, each in brought[:half]:
        if first.receive(each, now_at).is_kept:
            again.receive(each, now_at)
    rest = [each for _, each in brought[half:]]
    assert [again.receive(each, now_at) for each in rest] == [first.receive(each, now_at) for each in rest]
