"""Reports of several agencies become public events."""

import csv
import gzip
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eew.decision.association import Window
from eew.decision.merge import Merged, Merger
from eew.model.disposition import Disposition
from eew.model.errors import ModelRangeError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind, Severity
from tests.strategies import make_report

T0 = datetime(2024, 1, 1, tzinfo=UTC)
JAPAN = ("jma",)
CHINA = ("cenc", "icl", "sc")


def report(
    source: str, event_id: str, report_no: int = 1, *, at: datetime = T0, issued_s: float = 10.0, **members: Any
) -> EventReport:
    """Return a report; times count from ``at``."""
    place: dict[str, Any] = {"lat_deg": 35.0, "lon_deg": 139.0, "depth_km": None, "magnitude": 6.0}
    return make_report(report_no, issued_s, source=source, event_id=event_id, at=at, **{**place, **members})


def cancel(source: str, event_id: str, report_no: int = 1, *, at: datetime = T0, issued_s: float = 10.0) -> EventReport:
    return EventReport(
        event_id=event_id,
        source=source,
        report_no=report_no,
        kind=ReportKind.CANCEL,
        status=AlertStatus.ACTUAL,
        issued_at=at + timedelta(seconds=issued_s),
    )


def areas_only(source: str, event_id: str, report_no: int = 1, *, issued_s: float = 10.0) -> EventReport:
    """Return a report that knows which areas shake, and not from where."""
    areas = (AreaAnswer(code="MX-CMX", severity=Severity.SEVERE),)
    whole = report(source, event_id, report_no, issued_s=issued_s)
    return msgspec.structs.replace(whole, origin_at=None, lat_deg=None, lon_deg=None, magnitude=None, areas=areas)


def test_areas_alone_tell_nobody_and_stay_apart() -> None:
    """They are accepted as their agency's word; another agency's solution of the same time is an event of its own."""
    merger = Merger()
    first = merger.receive(areas_only("sasmex", "a"), T0)
    assert (first.in_sequence, first.disposition, first.reports) == (Disposition.ACCEPTED, Disposition.AREAS_ONLY, ())
    second = merger.receive(report("usgs", "b", issued_s=20), T0 + timedelta(seconds=20))
    assert (second.disposition, second.event_id) == (Disposition.ACCEPTED, "b")
    assert first.event_id == "a"
    again = merger.receive(areas_only("sasmex", "a"), T0 + timedelta(seconds=21))
    assert again.in_sequence is Disposition.DUPLICATE


def test_a_solution_after_areas_is_told() -> None:
    """Under the same id, once the agency knows from where; and areas after it take nothing back."""
    merger = Merger()
    merger.receive(areas_only("a", "e"), T0)
    solution = merger.receive(report("a", "e", 2, issued_s=12), T0 + timedelta(seconds=12))
    assert [told.report.report_no for told in solution.reports] == [2]
    later = merger.receive(areas_only("a", "e", 3, issued_s=14), T0 + timedelta(seconds=14))
    assert (later.disposition, later.reports) == (Disposition.AREAS_ONLY, ())
    other = merger.receive(report("b", "x", issued_s=15), T0 + timedelta(seconds=15))
    assert (other.event_id, other.disposition) == ("e", Disposition.NOT_PREFERRED)
    taken_back = merger.receive(cancel("a", "e", 4, issued_s=20), T0 + timedelta(seconds=20))
    assert taken_back.in_sequence is Disposition.CANCELLED


def test_other_areas_under_a_number_used_up_are_a_new_word() -> None:
    """Clearly later, they begin the numbers anew; the same ones under a fresh time say nothing new."""
    merger = Merger()
    first = areas_only("a", "e", 3)
    merger.receive(first, T0)
    at = T0 + timedelta(seconds=40)
    same = msgspec.structs.replace(first, report_no=2, issued_at=at)
    wider = msgspec.structs.replace(same, areas=(AreaAnswer(code="MX-CMX"), AreaAnswer(code="MX-MEX")))
    assert merger.receive(same, at).in_sequence is Disposition.OLDER
    assert merger.receive(wider, at).in_sequence is Disposition.RESTARTED


def merged(merger: Merger, *reports: EventReport) -> list[Merged]:
    """Return what becomes of reports that come in as they are issued."""
    return [merger.receive(each, each.issued_at) for each in reports]


def groups(results: Iterable[Merged], reports: Iterable[EventReport]) -> set[frozenset[str]]:
    """Return which sources' ids are of one event, by where each stood last."""
    event_by_id = {
        f"{each.source}/{each.event_id}": result.event_id for each, result in zip(reports, results, strict=True)
    }
    return {frozenset(own_id for own_id, event in event_by_id.items() if event == one) for one in event_by_id.values()}


def told(results: Iterable[Merged]) -> list[str]:
    """Return what the public is told, in short: event, number, kind and who says so."""
    return [
        f"{each.report.event_id} {each.report.report_no} {each.report.kind} {each.report.source}"
        for result in results
        for each in result.reports
    ]


# --- the table of hard real cases (docs/merging.md has the sources) ---


class Case(NamedTuple):
    """A row of the table."""

    leading: Sequence[str]
    reports: Sequence[EventReport]
    #: Which ids are one earthquake.
    expected: Sequence[str]
    #: Whose solution is preferred, report by report; "-" for nobody.
    preferred: str


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


TOHOKU_AT = utc("2011-03-11T05:46:18.1")
TOYAMA_AT = utc("2018-01-05T02:02:23")
NOTO_AT = utc("2024-01-01T07:10:08.3")
KUMAMOTO_AT = utc("2016-04-15T16:25:05.4")
TORISHIMA_AT = utc("2020-07-30T00:35:56.9")
NARA_AT = utc("2013-08-08T07:56:08.6")
MADUO_AT = utc("2021-05-21T18:04:00")
LUDING_AT = utc("2022-09-05T04:52:18")
TURKIYE_AT = utc("2023-02-06T01:17:34")
AFTERSHOCK_AT = utc("2011-03-11T06:15:23.1")
SANRIKU_AT = utc("2011-03-11T07:02:57.3")
IBARAKI_AT = utc("2011-03-11T07:09:12.1")
TOKYO_BAY_AT = utc("2016-08-01T08:09:00")
DRILL_AT = utc("2025-11-05T01:00:00")

CASES = {
    # JMA began with M 4.3 and reached 8.1 [JMA-EEW-2011]; ComCat has the origin 6 s later, 30 km off, M 9.1.
    "Tohoku 2011: a catalogue's M 9.1 is the warning's M 4.3": Case(
        JAPAN,
        [
            report("jma", "j1", 1, at=TOHOKU_AT, lat_deg=38.2, lon_deg=142.7, magnitude=4.3, issued_s=27),
            report(
                "usgs", "u1", 1, at=TOHOKU_AT, origin_s=6.0, lat_deg=38.297, lon_deg=142.373, magnitude=9.1, issued_s=29
            ),
            report("jma", "j1", 2, at=TOHOKU_AT, lat_deg=38.2, lon_deg=142.7, magnitude=5.9, issued_s=30),
        ],
        ["jma/j1 usgs/u1"],
        "jma - jma",
    ),
    # ComCat usp000hvp9 and usp000hvpa: 17 s and 300 km apart, M 6.3 and M 7.9.
    "2011-03-11 15:15 JST: the M 7.9 aftershock 17 s after an M 6.3": Case(
        JAPAN,
        [
            report("usgs", "u1", at=AFTERSHOCK_AT, lat_deg=37.93, lon_deg=143.802, magnitude=6.3, issued_s=20),
            report(
                "jma",
                "j1",
                at=AFTERSHOCK_AT,
                origin_s=17.2,
                lat_deg=36.281,
                lon_deg=141.111,
                magnitude=7.9,
                issued_s=30,
            ),
        ],
        ["usgs/u1", "jma/j1"],
        "usgs jma",
    ),
    # ComCat usp000hvq6 and usp000hvq7: 2.7 s and 198 km apart; even where one is JMA's assumed hypocentre.
    "2011-03-11 16:02 JST: two aftershocks 2.7 s apart": Case(
        JAPAN,
        [
            report(
                "jma", "j1", at=SANRIKU_AT, lat_deg=39.693, lon_deg=142.529, magnitude=1.0, is_assumed=True, issued_s=12
            ),
            report(
                "usgs", "u1", at=SANRIKU_AT, origin_s=2.7, lat_deg=37.924, lon_deg=142.802, magnitude=5.6, issued_s=14
            ),
        ],
        ["jma/j1", "usgs/u1"],
        "jma usgs",
    ),
    # ComCat usp000hvqb and usp000hvqc: 46 s apart in one place, M 5.7 and M 5.6.
    "2011-03-11 16:09 JST: two aftershocks in one place, 46 s apart": Case(
        JAPAN,
        [
            report("jma", "j1", at=IBARAKI_AT, lat_deg=36.714, lon_deg=141.874, magnitude=5.7, issued_s=12),
            report(
                "usgs", "u1", at=IBARAKI_AT, origin_s=46.3, lat_deg=36.718, lon_deg=141.856, magnitude=5.6, issued_s=60
            ),
        ],
        ["jma/j1", "usgs/u1"],
        "jma usgs",
    ),
    # 3 s and 350 km apart, M 3.9 and M 4.4; JMA took them for one and warned of 5+ [SANKEI18].
    "2018-01-05: western Toyama and off Ibaraki, 3 s apart": Case(
        JAPAN,
        [
            report("fj", "f1", at=TOYAMA_AT, lat_deg=36.9, lon_deg=137.0, magnitude=3.9, issued_s=9),
            report("jma", "j1", at=TOYAMA_AT, origin_s=3.0, lat_deg=36.0, lon_deg=140.8, magnitude=4.4, issued_s=23),
        ],
        ["fj/f1", "jma/j1"],
        "fj jma",
    ),
    # 80 km off and some 30 s later the passing waves of the M 7.3 triggered an M 5.7 in Oita [OITA16].
    "2016-04-16: Kumamoto M 7.3 and Oita M 5.7": Case(
        JAPAN,
        [
            report("jma", "j1", at=KUMAMOTO_AT, lat_deg=32.75, lon_deg=130.76, magnitude=7.3, issued_s=9),
            report(
                "usgs", "u1", at=KUMAMOTO_AT, origin_s=0.8, lat_deg=32.791, lon_deg=130.754, magnitude=7.0, issued_s=20
            ),
            report(
                "usgs", "u2", at=KUMAMOTO_AT, origin_s=30, lat_deg=33.26, lon_deg=131.36, magnitude=5.7, issued_s=45
            ),
        ],
        ["jma/j1 usgs/u1", "usgs/u2"],
        "jma - usgs",
    ),
    # Shocks at 08.3 s, 09.5 s (M 5.9) and 22.5 s (M 7.6) [JIJI24]; ComCat has one, at 09.7 s. JMA's reports are
    # invented: the later one moves to the last shock.
    "2024-01-01: Noto M 7.6 with its first shocks 13 s before": Case(
        JAPAN,
        [
            report("jma", "j1", 1, at=NOTO_AT, lat_deg=37.5, lon_deg=137.2, magnitude=5.9, issued_s=5),
            report(
                "usgs", "u1", 1, at=NOTO_AT, origin_s=1.4, lat_deg=37.488, lon_deg=137.271, magnitude=7.5, issued_s=30
            ),
            report(
                "jma", "j1", 9, at=NOTO_AT, origin_s=14.2, lat_deg=37.495, lon_deg=137.27, magnitude=7.6, issued_s=40
            ),
        ],
        ["jma/j1 usgs/u1"],
        "jma - jma",
    ),
    # An agency that hears the M 7.6 only, before JMA's report moves to it: in doubt apart, and one once it is clear.
    "2024-01-01: Noto, the second agency hears the main shock only": Case(
        JAPAN,
        [
            report("jma", "j1", 1, at=NOTO_AT, lat_deg=37.5, lon_deg=137.2, magnitude=5.9, issued_s=5),
            report(
                "kma", "k1", 1, at=NOTO_AT, origin_s=14.2, lat_deg=37.49, lon_deg=137.27, magnitude=7.0, issued_s=25
            ),
            report(
                "jma", "j1", 9, at=NOTO_AT, origin_s=14.2, lat_deg=37.495, lon_deg=137.27, magnitude=7.6, issued_s=40
            ),
            report(
                "kma", "k1", 2, at=NOTO_AT, origin_s=14.2, lat_deg=37.49, lon_deg=137.27, magnitude=7.5, issued_s=42
            ),
        ],
        ["jma/j1 kma/k1"],
        "jma kma jma -",
    ),
    # JMA put an M 5.8 off Torishima 450 km away, as M 7.3 south of Boso [TORISHIMA20]; ComCat us6000b6i4 is the real
    # one.
    "2020-07-30: Torishima, one agency 450 km off": Case(
        JAPAN,
        [
            report("jma", "j1", 5, at=TORISHIMA_AT, lat_deg=34.2, lon_deg=140.2, magnitude=7.3, issued_s=115),
            report("usgs", "u1", 1, at=TORISHIMA_AT, lat_deg=30.629, lon_deg=141.772, magnitude=5.8, issued_s=120),
        ],
        ["jma/j1", "usgs/u1"],
        "jma usgs",
    ),
    # M 7.8 in Nara by a sea-bottom sensor's noise beside an M 2.3 at 34.2N 135.3E [NARA13]; the middle of Nara stands
    # for JMA's epicentre, which we did not find.
    "2013-08-08: Nara M 7.8 out of noise and an M 2.3 nearby": Case(
        JAPAN,
        [
            report("local", "l1", at=NARA_AT, lat_deg=34.2, lon_deg=135.3, magnitude=2.3, issued_s=12),
            report("jma", "j1", at=NARA_AT, lat_deg=34.4, lon_deg=135.9, magnitude=7.8, issued_s=18.5),
        ],
        ["local/l1", "jma/j1"],
        "local jma",
    ),
    # Sichuan's network saw it from outside: 17.1 km off and 1.8 too small at first [LI21].
    "2021-05-22: Maduo M 7.4, seen from outside by Sichuan": Case(
        CHINA,
        [
            report("sc", "s1", at=MADUO_AT, lat_deg=34.59, lon_deg=98.53, magnitude=5.6, issued_s=25),
            report("cenc", "c1", at=MADUO_AT, lat_deg=34.59, lon_deg=98.34, magnitude=7.4, issued_s=60),
        ],
        ["sc/s1 cenc/c1"],
        "sc cenc",
    ),
    # CENC's solution [CENC-2022-LUDING] and ICL's time [ICL-2022-LUDING]; the others' reports are invented.
    "2022-09-05: Luding M 6.8 by three agencies": Case(
        CHINA,
        [
            report("icl", "i1", 1, at=LUDING_AT, lat_deg=29.59, lon_deg=102.08, magnitude=6.8, issued_s=8.2),
            report("sc", "s1", 1, at=LUDING_AT, origin_s=0.5, lat_deg=29.6, lon_deg=102.1, magnitude=6.2, issued_s=9),
            report("cenc", "c1", 1, at=LUDING_AT, lat_deg=29.59, lon_deg=102.08, magnitude=6.5, issued_s=11),
            report("icl", "i1", 2, at=LUDING_AT, lat_deg=29.59, lon_deg=102.08, magnitude=6.9, issued_s=12),
            report("cenc", "c1", 2, at=LUDING_AT, lat_deg=29.59, lon_deg=102.08, magnitude=6.8, issued_s=20),
        ],
        ["icl/i1 sc/s1 cenc/c1"],
        "icl - cenc - cenc",
    ),
    # 95 km and nine hours apart: M 7.8 and M 7.5 [USGS-us6000jllz]; the first estimate by phones was M 4.5 [ALLEN25].
    "2023-02-06: Kahramanmaras, M 7.8 and M 7.5 nine hours later": Case(
        (),
        [
            report("android", "a1", at=TURKIYE_AT, lat_deg=37.17, lon_deg=37.03, magnitude=4.5, issued_s=7.1),
            report("usgs", "u1", at=TURKIYE_AT, lat_deg=37.17, lon_deg=37.03, magnitude=7.8, issued_s=400),
            report(
                "android",
                "a2",
                at=TURKIYE_AT,
                origin_s=32835,
                lat_deg=38.01,
                lon_deg=37.2,
                magnitude=7.0,
                issued_s=32845,
            ),
        ],
        ["android/a1 usgs/u1", "android/a2"],
        "android usgs android",
    ),
    # A sensor's noise in Tokyo Bay: M 9.1, cancelled at once [ITOITO20].
    "2016-08-01: Tokyo Bay M 9.1 out of noise, cancelled": Case(
        JAPAN,
        [
            report("jma", "j1", 1, at=TOKYO_BAY_AT, lat_deg=35.5, lon_deg=140.0, magnitude=9.1, issued_s=5),
            cancel("jma", "j1", 2, at=TOKYO_BAY_AT, issued_s=20),
        ],
        ["jma/j1"],
        "jma jma",
    ),
    # The national drill: seven earthquakes issued within 7 s [JMA-DRILL25]; the two nearest in origin time.
    "2025-11-05: a drill's earthquakes, and a real one among them": Case(
        JAPAN,
        [
            report(
                "jma",
                "d1",
                at=DRILL_AT,
                origin_s=-9,
                lat_deg=27.4,
                lon_deg=128.6,
                magnitude=8.0,
                issued_s=5,
                status=AlertStatus.EXERCISE,
            ),
            report(
                "jma",
                "d2",
                at=DRILL_AT,
                origin_s=-9,
                lat_deg=24.2,
                lon_deg=124.8,
                magnitude=8.0,
                issued_s=6,
                status=AlertStatus.EXERCISE,
            ),
            report("usgs", "u1", at=DRILL_AT, origin_s=-9, lat_deg=24.2, lon_deg=124.8, magnitude=8.0, issued_s=7),
        ],
        ["jma/d1", "jma/d2", "usgs/u1"],
        "jma jma usgs",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_hard_real_case_gives_the_events_that_there_were(case: Case) -> None:
    """Each row of the table: which ids are one earthquake, and whose solution is preferred."""
    results = merged(Merger(case.leading), *case.reports)
    assert groups(results, case.reports) == {frozenset(each.split()) for each in case.expected}
    assert (
        " ".join(",".join(each.report.source for each in result.reports) or "-" for result in results) == case.preferred
    )


@pytest.mark.reference_data
def test_a_day_of_great_aftershocks_by_two_agencies_is_told_apart(
    reference_data: Path, rng: np.random.Generator
) -> None:
    """Two agencies, one of them 20 km and 2 s off, on 2011-03-11 from 14:46: each earthquake is one event."""
    with gzip.open(reference_data / "catalogue" / "usgs_japan_m45.csv.gz", "rt", errors="replace") as lines:
        rows = [row for row in csv.DictReader(lines) if "2011-03-11T05:46" <= row["time"] < "2011-03-12"]
    assert len(rows) > 300
    reports = []
    for n, row in enumerate(rows):
        east_km, north_km, late_s = rng.normal(0, (14, 14, 2))
        at, lat_deg, magnitude = datetime.fromisoformat(row["time"]), float(row["latitude"]), float(row["mag"])
        lon_deg = float(row["longitude"])
        reports += [
            report("jma", f"e{n}", at=at, lat_deg=lat_deg, lon_deg=lon_deg, magnitude=magnitude, issued_s=12),
            report(
                "other",
                f"e{n}",
                at=at,
                origin_s=late_s,
                lat_deg=lat_deg + north_km / 111,
                lon_deg=lon_deg + east_km / 111 / math.cos(math.radians(lat_deg)),
                magnitude=magnitude + rng.normal(0, 0.4),
                issued_s=14,
            ),
        ]
    reports.sort(key=lambda each: each.issued_at)
    results = merged(Merger(JAPAN), *reports)
    assert groups(results, reports) == {frozenset({f"jma/e{n}", f"other/e{n}"}) for n in range(len(rows))}


# --- whose solution is preferred ---


def test_the_first_agency_is_preferred_until_a_leading_one_reports() -> None:
    """Whoever is first tells the public at once; the leading agency takes over under the same event, counting on."""
    results = merged(
        Merger(CHINA),
        report("sc", "s1", 1, issued_s=5, kind=ReportKind.NEW),
        report("cenc", "c1", 1, issued_s=7, kind=ReportKind.NEW),
        report("sc", "s1", 2, issued_s=8),
        report("cenc", "c1", 2, issued_s=9),
        report("cenc", "c1", 3, issued_s=30, kind=ReportKind.FINAL),
    )
    assert told(results) == ["s1 1 new sc", "s1 2 update cenc", "s1 3 update cenc", "s1 4 final cenc"]
    assert results[2].disposition is Disposition.NOT_PREFERRED


def test_among_agencies_of_no_preference_the_first_stays_in_the_lead() -> None:
    """Nobody is preferred: the later agency's word counts only once the first is silent."""
    merger = Merger()
    assert told(merged(merger, report("a", "a1"), report("b", "b1", issued_s=11))) == ["a1 1 update a"]


@pytest.mark.parametrize(
    ("kind", "after_s", "is_preferred"),
    [
        (ReportKind.UPDATE, 60.0, False),
        (ReportKind.UPDATE, 60.1, True),
        (ReportKind.FINAL, 300.0, False),
    ],
    ids=["not yet silent", "silent", "final"],
)
def test_another_agency_overrules_a_leading_one_that_is_silent_for_long(
    kind: ReportKind, after_s: float, is_preferred: bool
) -> None:
    """A leading agency's final report stands; one that falls silent is overruled, and takes over when it is back."""
    merger = Merger(("jma",), silent_s=60)
    merged(merger, report("jma", "j1", 1, issued_s=10, kind=kind))
    (result,) = merged(merger, report("usgs", "u1", 1, issued_s=10 + after_s))
    assert result.disposition.is_acted_on is is_preferred
    (back,) = merged(merger, report("jma", "j1", 2, issued_s=11 + after_s))
    assert told([back]) == [f"j1 {3 if is_preferred else 2} update jma"]


def test_a_leading_agency_that_knows_no_source_does_not_take_over() -> None:
    """JMA's assumed hypocentre says nothing that shaking could be worked out from; what can be stands."""
    results = merged(
        Merger(JAPAN),
        report("kma", "k1", 1, issued_s=5),
        report("jma", "j1", 1, issued_s=6, magnitude=1.0, is_assumed=True),
        report("jma", "j1", 2, issued_s=7, magnitude=None),
        report("jma", "j1", 3, issued_s=8, magnitude=6.3),
    )
    assert told(results) == ["k1 1 update kma", "k1 2 update jma"]
    assert [result.disposition for result in results[1:3]] == [Disposition.NOT_PREFERRED] * 2


def test_whoever_knows_the_source_is_preferred_where_the_leading_agency_only_assumes_it() -> None:
    """The other way round, the follower is the first who can tell anybody."""
    results = merged(
        Merger(JAPAN),
        report("jma", "j1", 1, issued_s=5, magnitude=1.0, is_assumed=True),
        report("kma", "k1", 1, issued_s=6),
    )
    assert told(results) == ["j1 1 update jma", "j1 2 update kma"]


def test_a_source_that_repeats_an_agency_is_that_agency() -> None:
    """Wolfx and P2PQuake hand on JMA's own reports: copies, not solutions of their own."""
    merger = Merger(JAPAN, agency_by_source={"wolfx-jma": "jma", "p2pquake": "jma"})
    first, second = report("wolfx-jma", "j1", 1), report("jma", "j1", 2, issued_s=11, magnitude=6.4)
    copies = [msgspec.structs.replace(each, source="p2pquake") for each in (first, second)]
    results = merged(merger, first, second, *copies)
    assert told(results) == ["j1 1 update jma", "j1 2 update jma"]
    assert [result.in_sequence for result in results[2:]] == [Disposition.COPY, Disposition.COPY]


# --- cancels ---


def test_a_leading_agencys_cancel_is_the_publics() -> None:
    """JMA says that it was no earthquake: the public is told so, whoever else had spoken."""
    results = merged(
        Merger(JAPAN), report("kma", "k1"), report("jma", "j1", issued_s=11), cancel("jma", "j1", 1, issued_s=12)
    )
    assert told(results[2:]) == ["k1 3 cancel jma"]
    assert results[2].reports[0].disposition is Disposition.CANCELLED


def test_another_agencys_cancel_takes_back_its_own_word_only() -> None:
    """The leading agency stands by it: nothing is told."""
    merger = Merger(JAPAN)
    results = merged(merger, report("kma", "k1"), report("jma", "j1", issued_s=11), cancel("kma", "k1", 2, issued_s=12))
    assert (results[2].in_sequence, results[2].disposition, results[2].reports) == (
        Disposition.CANCELLED,
        Disposition.WITHDRAWN,
        (),
    )
    assert told(merged(merger, report("jma", "j1", 2, issued_s=13))) == ["k1 3 update jma"]


def test_when_who_was_preferred_in_the_leaders_silence_takes_it_back_the_leader_is_again() -> None:
    """What the public was told last is replaced by what still stands."""
    merger = Merger(JAPAN)
    merged(merger, report("jma", "j1", 1, magnitude=5.0), report("kma", "k1", 1, issued_s=100, magnitude=7.0))
    (result,) = merged(merger, cancel("kma", "k1", 2, issued_s=110))
    assert told([result]) == ["j1 3 update jma"]
    assert result.reports[0].report.magnitude == 5.0


def test_after_a_leading_agencys_cancel_others_are_heard_again() -> None:
    """A solution issued after the cancel corrects it; one issued before, and late on its way, does not."""
    merger = Merger(JAPAN)
    merged(merger, report("jma", "j1"), report("kma", "k1", 1, issued_s=11), cancel("jma", "j1", 2, issued_s=20))
    late, later = merged(merger, report("kma", "k1", 2, issued_s=19), report("kma", "k1", 3, issued_s=21))
    assert late.disposition is Disposition.NOT_PREFERRED
    assert told([later]) == ["j1 3 update kma"]
    assert later.reports[0].disposition is Disposition.CORRECTED
    # The only one left: now its cancel is the public's.
    assert told(merged(merger, cancel("kma", "k1", 4, issued_s=30))) == ["j1 4 cancel kma"]


def test_a_mistaken_cancel_is_corrected_by_its_agency() -> None:
    """The leading agency's own later report brings the event back."""
    results = merged(
        Merger(JAPAN),
        report("jma", "j1", 1),
        cancel("jma", "j1", 1, issued_s=12),
        report("jma", "j1", 2, issued_s=14),
    )
    assert told(results) == ["j1 1 update jma", "j1 2 cancel jma", "j1 3 update jma"]
    assert results[2].reports[0].disposition is Disposition.CORRECTED


def test_nothing_is_associated_with_an_event_that_everybody_took_back() -> None:
    """A detection at the same place and time afterwards is told as a new event."""
    merger = Merger(JAPAN)
    merged(merger, report("jma", "j1"), cancel("jma", "j1", 2, issued_s=12))
    assert told(merged(merger, report("kma", "k1", issued_s=15))) == ["k1 1 update kma"]


def test_a_cancel_of_an_event_not_heard_of_is_passed_on() -> None:
    """It overtook its report: whoever hears of the event later is not told it."""
    results = merged(Merger(), cancel("jma", "j1", 2, issued_s=12), report("jma", "j1", 1, issued_s=11))
    assert told(results) == ["j1 2 cancel jma"]
    assert (results[1].in_sequence, results[1].disposition) == (Disposition.OLDER, Disposition.OLDER)


# --- one agency, several ids; several agencies, one id ---


def test_one_agencys_new_id_for_the_same_solution_goes_on_with_the_event() -> None:
    """It restarted and numbers from 1 again; the old id has no more say."""
    results = merged(
        Merger(JAPAN),
        report("jma", "j1", 5),
        report("jma", "j2", 1, issued_s=12, origin_s=1.0, lat_deg=35.1, magnitude=6.4),
        report("jma", "j1", 6, issued_s=13),
        report("jma", "j2", 2, issued_s=14),
        cancel("jma", "j1", 7, issued_s=15),
    )
    assert told(results) == ["j1 5 update jma", "j1 6 update jma", "j1 7 update jma"]
    assert [result.disposition for result in (results[2], results[4])] == [
        Disposition.SUPERSEDED,
        Disposition.WITHDRAWN,
    ]


def test_one_agencys_two_ids_are_two_earthquakes_where_other_agencies_would_be_one() -> None:
    """60 km and 5 s apart: two agencies may mean one, an agency that says two means two."""
    there = {"lat_deg": 35.54, "origin_s": 5.0, "issued_s": 12.0}
    assert len(groups_of(report("jma", "j1"), report("kma", "k1", **there))) == 1  # type: ignore[arg-type]  # numbers all
    assert len(groups_of(report("jma", "j1"), report("jma", "j2", **there))) == 2  # type: ignore[arg-type]  # numbers all


def groups_of(*reports: EventReport) -> set[frozenset[str]]:
    return groups(merged(Merger(), *reports), reports)


def test_two_agencies_that_use_one_id_for_two_earthquakes_are_told_apart() -> None:
    """Ids are each agency's own; the public's are made distinct."""
    results = merged(
        Merger(),
        report("a", "1"),
        report("b", "1", issued_s=11, lat_deg=45.0),
        report("c", "1", issued_s=12, lat_deg=55.0),
        report("b", "1", 2, issued_s=13, lat_deg=45.0),
    )
    assert told(results) == ["1 1 update a", "1-b 1 update b", "1-c 1 update c", "1-b 2 update b"]


def test_a_public_id_stays_a_word_of_a_topic_however_long_the_agencys_is() -> None:
    """At most 64 letters."""
    name = "x" * 64
    results = merged(Merger(), *(report(each * 64, name, lat_deg=10.0 * n) for n, each in enumerate("abc")))
    ids = [result.event_id for result in results]
    assert len(set(ids)) == 3
    assert all(each is not None and len(each) <= 64 for each in ids)


# --- hysteresis ---


@pytest.mark.parametrize(
    ("north_km", "late_s", "is_associated"),
    [(95, 0.0, True), (105, 0.0, False), (0, 9.5, True), (0, 10.5, False), (60, 19.0, True), (60, 21.0, False)],
)
def test_a_new_id_is_associated_within_the_window(north_km: float, late_s: float, is_associated: bool) -> None:
    """100 km; 10 s beyond what the distance explains at 6 km/s."""
    results = groups_of(report("a", "a1"), report("b", "b1", lat_deg=35 + north_km / 110.95, origin_s=late_s))
    assert (len(results) == 1) is is_associated


@pytest.mark.parametrize(
    ("magnitude", "is_assumed", "north_km", "is_associated"),
    [
        (1.0, True, 145, True),
        (None, False, 145, True),
        (6.0, False, 145, False),
        (3.0, False, 60, False),
        (3.0, False, 45, True),
    ],
    ids=["assumed", "no magnitude", "known", "far smaller", "far smaller, close by"],
)
def test_what_is_unknown_widens_the_window_and_a_magnitude_far_off_narrows_it(
    magnitude: float | None, is_assumed: bool, north_km: float, is_associated: bool
) -> None:
    """150 km where little is known, 50 km where magnitudes differ by more than 2."""
    other = report("b", "b1", lat_deg=35 + north_km / 110.95, magnitude=magnitude, is_assumed=is_assumed)
    assert (len(groups_of(report("a", "a1"), other)) == 1) is is_associated


def moved(*north_km: float) -> list[Merged]:
    """Return what becomes of a first agency's report and another's that move apart or together."""
    followers = [
        report("b", "b1", n, issued_s=10 + n, lat_deg=35 + each / 110.95) for n, each in enumerate(north_km, start=1)
    ]
    return merged(Merger(), report("a", "a1"), *followers)


@pytest.mark.parametrize(
    ("north_km", "expected"),
    [
        ((50, 150), ["a1", "a1", "a1"]),
        ((50, 150, 210), ["a1", "a1", "a1", "b1"]),
        ((120, 90), ["a1", "b1", "b1"]),
        ((120, 90, 45), ["a1", "b1", "b1", "a1"]),
    ],
    ids=["associated stays so", "until clearly apart", "apart stays apart", "until clearly one"],
)
def test_events_do_not_flap_between_one_and_two(north_km: Sequence[float], expected: list[str]) -> None:
    """What was associated is split beyond 200 km; what was apart is merged within 50 km."""
    assert [result.event_id for result in moved(*north_km)] == expected


def test_when_the_preferred_source_moves_away_the_others_go_on_in_an_event_of_their_own() -> None:
    """Those who were told follow the leading agency's correction; what the others hold is told anew."""
    results = merged(
        Merger(JAPAN),
        report("jma", "j1", 1),
        report("kma", "k1", 1, issued_s=11, magnitude=5.5),
        report("jma", "j1", 2, issued_s=12, lat_deg=38.0),
        report("kma", "k1", 2, issued_s=13),
    )
    assert told(results) == ["j1 1 update jma", "j1 2 update jma", "k1 1 update kma", "k1 2 update kma"]
    assert results[2].event_id == "j1"


def test_those_told_of_two_events_that_became_one_are_told_of_its_cancel() -> None:
    """The younger id is used no more, but for the cancel."""
    merger = Merger(JAPAN)
    merged(
        merger,
        report("kma", "k1", 1),
        report("jma", "j1", 1, issued_s=11, lat_deg=36.1),
        report("jma", "j1", 2, issued_s=12, lat_deg=35.1),
    )
    assert set(merger.event_ids) == {"k1", "j1"}
    (result,) = merged(merger, cancel("jma", "j1", 3, issued_s=20))
    assert told([result]) == ["k1 3 cancel jma", "j1 2 cancel jma"]


def test_an_exercise_is_never_one_with_an_earthquake() -> None:
    """The same place and time: a drill stays a drill."""
    assert len(groups_of(report("a", "a1"), report("b", "b1", status=AlertStatus.EXERCISE))) == 2


# --- what a single source sees, and memory ---


def test_a_restarted_numbering_goes_on_counting_for_the_public() -> None:
    """The agency begins at 1 again: the public's number grows."""
    results = merged(
        Merger(),
        report("jma", "j1", 14),
        report("jma", "j1", 1, issued_s=60, magnitude=6.5),
        report("jma", "j1", 2, issued_s=61, magnitude=6.6),
    )
    assert told(results) == ["j1 14 update jma", "j1 15 update jma", "j1 16 update jma"]
    assert results[1].in_sequence is Disposition.RESTARTED


def test_numbers_near_the_end_of_the_scale_leave_room_to_count_on() -> None:
    """The model ends at 30 000."""
    results = merged(Merger(), report("x", "x1", 30_000), report("y", "y1", 30_000, issued_s=100))
    assert told(results) == ["x1 1 update x", "x1 2 update y"]


def test_events_are_forgotten_after_their_time_and_beyond_their_number() -> None:
    """Memory is bounded both ways, and what is forgotten can be told of again."""
    merger = Merger(max_events=3)
    merged(merger, *(report("a", f"a{n}", issued_s=10 + n, lat_deg=10.0 * n) for n in range(5)))
    assert set(merger.event_ids) == {"a2", "a3", "a4"}
    merged(merger, report("a", "b", origin_s=4000, issued_s=4010))
    assert set(merger.event_ids) == {"b"}


def test_an_event_takes_no_more_than_so_many_ids() -> None:
    """A source gone mad fills one event and no memory."""
    results = merged(Merger(), *(report(f"s{n}", f"e{n}", issued_s=10 + n / 100) for n in range(40)))
    sizes = [sum(result.event_id == one for result in results) for one in {result.event_id for result in results}]
    assert sorted(sizes) == [8, 16, 16]


@pytest.mark.parametrize("limits", [{"silent_s": -1.0}, {"keep_s": 1.0}, {"max_events": 0}])
def test_limits_that_make_no_sense_are_refused(limits: dict[str, float]) -> None:
    """Named, with what was expected."""
    with pytest.raises(ModelRangeError):
        Merger(**limits)  # type: ignore[arg-type]  # one of them is a count


def test_two_instants_too_far_apart_are_never_one_whatever_the_distance() -> None:
    """No distance explains more than its travel time."""
    window = Window()
    far = report("b", "b1", origin_s=window.longest_s + 1, lat_deg=-35.0, lon_deg=-40.0, is_assumed=True).solution
    near = report("a", "a1").solution
    assert near is not None
    assert far is not None
    assert window.association_distance(near, far, None, is_same_agency=False) > 2


# --- properties ---

QUAKES = [(35.0, 139.0, 0.0), (35.0, 139.0, 300.0), (30.0, 104.0, 0.0), (42.0, 144.0, 2.0), (-20.0, 179.95, 5.0)]


@st.composite
def sequences(draw: st.DrawFn) -> list[EventReport]:
    """Draw reports of well-separated earthquakes by several agencies, in any order among agencies."""
    reports = []
    for n, (lat_deg, lon_deg, origin_s) in enumerate(QUAKES):
        for agency in draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=4)):
            for report_no in range(1, draw(st.integers(1, 3)) + 1):
                east_deg = lon_deg + draw(st.floats(-0.15, 0.15))
                each = report(
                    agency,
                    f"{agency}{n}",
                    report_no,
                    origin_s=origin_s + draw(st.floats(-2, 2)),
                    issued_s=origin_s + 10 + report_no,
                    lat_deg=lat_deg + draw(st.floats(-0.15, 0.15)),
                    lon_deg=east_deg - 360 if east_deg > 180 else east_deg,
                    magnitude=draw(st.one_of(st.none(), st.floats(5, 7))),
                )
                reports.append(each)
    return draw(st.permutations(reports))


def received_at_once(merger: Merger, reports: Iterable[EventReport]) -> list[Merged]:
    return [merger.receive(each, T0 + timedelta(seconds=320)) for each in reports]


@settings(max_examples=60)
@given(sequences())
def test_any_order_of_arrival_gives_the_events_that_there_were(reports: list[EventReport]) -> None:
    """Well-separated earthquakes: which reports are of one event does not hang on who was first."""
    results = received_at_once(Merger(("b",)), reports)
    expected = {
        frozenset(f"{each.source}/{each.event_id}" for each in reports if each.event_id[1] == str(n)) for n in range(5)
    }
    assert groups(results, reports) == expected - {frozenset()}


@settings(max_examples=60)
@given(sequences(), st.sets(st.integers(0, 60)))
def test_numbers_grow_and_duplicates_change_nothing(reports: list[EventReport], repeated: set[int]) -> None:
    """The public sees growing numbers of each event, and the same with every message twice."""
    results = received_at_once(Merger(("b",)), reports)
    last_no: dict[str, int] = {}
    for each in (each for result in results for each in result.reports):
        assert each.report.report_no > last_no.get(each.report.event_id, 0)
        last_no[each.report.event_id] = each.report.report_no
    assert all(len(result.reports) <= 1 for result in results)

    twice = [each for n, each in enumerate(reports) for each in [each] * (2 if n in repeated else 1)]
    assert told(received_at_once(Merger(("b",)), twice)) == told(results)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.floats(3, 8), st.floats(0, 2), st.sampled_from(list(ReportKind)[:3])),
        min_size=1,
        max_size=8,
    )
)
def test_a_single_source_passes_unchanged(steps: list[tuple[int, float, float, ReportKind]]) -> None:
    """With gaps, and any kinds: the public sees the very reports, first and new ones included."""
    reports, report_no, issued_s = [], 0, 10.0
    for n, (gap, magnitude, wait_s, kind) in enumerate(steps):
        report_no, issued_s = report_no + gap, issued_s + wait_s
        each_kind = kind if n == 0 or kind is not ReportKind.NEW else ReportKind.UPDATE
        reports.append(report("a", "a1", report_no, issued_s=issued_s, magnitude=magnitude, kind=each_kind))
    results = merged(Merger(("b",)), *reports)
    assert [each.report for result in results for each in result.reports] == reports


@given(st.floats(500, 15_000), st.floats(-600, 600), st.booleans())
def test_a_far_earthquake_is_never_associated(north_km: float, late_s: float, is_assumed: bool) -> None:
    """Whatever the times, and however little is known."""
    lat_deg = -60 + north_km / 111.2
    other = report("b", "b1", lat_deg=lat_deg, origin_s=late_s, issued_s=late_s + 10, is_assumed=is_assumed)
    assert len(groups_of(report("a", "a1", lat_deg=-60.0), other)) == 2
