"""What the entities show over the life of an alert, at instants chosen by hand."""

import dataclasses
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eew.bridges.home import Side, state
from eew.contract.message import AlertCore
from eew.model.records import AlertStatus, LevelWord, ReportKind
from eew.view.countdown import Board, LocalEstimate, Seen

NOW = datetime(2026, 3, 11, 5, 47, 0, tzinfo=UTC)
SEEN = Seen(
    event_id="ev-1",
    report_no=4,
    kind=ReportKind.UPDATE,
    status=AlertStatus.ACTUAL,
    rank=8,
    issued_at=NOW - timedelta(seconds=3),
    place="三陸沖",
    magnitude=8.06,
    magnitude_type="Mw",
    depth_km=10.0,
    is_verified=True,
    local=None,
    radius_km_by_level={},
    n_alerts_by_level={},
    shelter="Sakuragaoka Park",
)


def at(s_in_s: float, level: LevelWord = "critical", intensity: float = 5.38, **changes: Any) -> Seen:
    """Return the event as it stands so long before the S wave."""
    local = LocalEstimate(179.4, level, intensity, "jma", s_in_s - 20, s_in_s)
    return dataclasses.replace(SEEN, local=local, **changes)


def sides(*seen: Seen, message: AlertCore | None = None, wall_at: datetime = NOW) -> tuple[Side, Side]:
    both = state(Board(seen, [], 0, None, 0), wall_at, {"ev-1": message}.get)
    return both.actual, both.exercise


def core(**changes: Any) -> AlertCore:
    members: dict[str, Any] = {
        "event_id": "ev-1",
        "report_no": 4,
        "kind": ReportKind.UPDATE,
        "status": AlertStatus.ACTUAL,
        "issued_at": NOW,
        "origin_at": NOW - timedelta(seconds=12.5),
        "lat_deg": 38.1,
        "lon_deg": 142.9,
        "depth_km": 10.0,
        "magnitude": 8.06,
        "expires_at": NOW + timedelta(seconds=300),
        "key_id": "",
        "signature": "",
    }
    return AlertCore(**(members | changes))


def test_without_an_event_nothing_is_expected() -> None:
    """And nothing is known of one."""
    assert sides() == (Side(), Side())
    assert Side() == Side(False, None, None, None, "none", {})


def test_a_countdown_is_cut_to_whole_seconds_and_shown_until_the_shaking_is_over() -> None:
    """It says 0 from the S wave on; a minute later nothing is expected any more, though the alert still stands."""
    by_second = {s_in_s: sides(at(s_in_s))[0] for s_in_s in (29.9, 10.0, 0.4, -0.1, -59.9, -60.0, -200.0)}
    assert [side.seconds_to_s for side in by_second.values()] == [29, 10, 0, 0, 0, None, None]
    assert [side.shaking_expected for side in by_second.values()] == [True] * 5 + [False] * 2
    assert {(side.level, side.intensity, side.magnitude) for side in by_second.values()} == {("critical", 5.3, 8.1)}


def test_what_expired_is_gone() -> None:
    """The board leaves it out; the entities keep nothing."""
    assert sides(at(-10.0))[0].shaking_expected
    assert sides() == (Side(), Side())


@pytest.mark.parametrize(
    ("level", "is_expected"), [("critical", True), ("active", True), ("passive", False), ("none", False)]
)
def test_only_levels_that_sound_switch_it_on(level: LevelWord, *, is_expected: bool) -> None:
    """A silent alert shows its numbers; no alert shows nothing."""
    side = sides(at(20.0, level))[0]
    assert side.shaking_expected is is_expected
    assert side.level == level
    assert (side == Side()) is (level == "none")


def test_an_update_makes_it_louder_or_takes_it_back() -> None:
    """The newest report counts, whichever way it goes."""
    levels: tuple[LevelWord, ...] = ("passive", "critical", "active", "none")
    assert [sides(at(20.0, level))[0].shaking_expected for level in levels] == [False, True, True, False]


def test_a_cancel_switches_off_and_says_what_it_was() -> None:
    """Its attributes are the cancel's."""
    cancel = dataclasses.replace(SEEN, kind=ReportKind.CANCEL, rank=9)
    side = sides(cancel, message=core(kind=ReportKind.CANCEL, origin_at=None))[0]
    assert dataclasses.replace(side, alert={}) == Side()
    assert side.alert["kind"] == "cancel"
    assert side.alert["instruction"] == "all_clear"
    assert side.alert["headline"] == "CANCELLED: this was not an earthquake (三陸沖)"
    assert "origin_at" not in side.alert


def test_a_cancel_of_one_event_does_not_hide_another() -> None:
    """What is still expected is shown."""
    cancel = dataclasses.replace(SEEN, event_id="ev-0", kind=ReportKind.CANCEL)
    side = sides(cancel, at(20.0))[0]
    assert side.shaking_expected
    assert side.alert["event_id"] == "ev-1"


@pytest.mark.parametrize("status", [AlertStatus.EXERCISE, AlertStatus.TEST])
def test_an_exercise_never_touches_the_entities_of_what_is_meant(status: AlertStatus) -> None:
    """It has its own, and says in its line what it is."""
    actual, exercise = sides(at(20.0, status=status))
    assert actual == Side()
    assert exercise.shaking_expected
    assert exercise.alert["exercise"] is True
    assert exercise.alert["status"] == status.value
    assert str(exercise.alert["headline"]).startswith(f"{status.value.upper()} 三陸沖, Mw 8.1: CRITICAL, intensity 5+")


def test_an_exercise_and_an_earthquake_are_shown_side_by_side() -> None:
    """Neither hides the other."""
    drill = at(5.0, event_id="ev-2", status=AlertStatus.EXERCISE)
    actual, exercise = sides(drill, at(30.0))
    assert (actual.alert["event_id"], exercise.alert["event_id"]) == ("ev-1", "ev-2")
    assert (actual.seconds_to_s, exercise.seconds_to_s) == (30, 5)


@pytest.mark.parametrize("ago", [timedelta(days=5479), timedelta(hours=1, seconds=1), -timedelta(hours=2)])
def test_a_replay_is_an_exercise_even_if_its_reports_say_that_they_are_meant(ago: timedelta) -> None:
    """Who plays a true report of years ago sets off nothing."""
    actual, exercise = sides(at(20.0, issued_at=NOW - ago))
    assert actual == Side()
    assert exercise.shaking_expected
    assert exercise.alert["exercise"] is True
    assert str(exercise.alert["headline"]).startswith("EXERCISE 三陸沖")


def test_of_two_events_the_one_to_act_on_is_shown() -> None:
    """The louder, then the sooner; what is over comes last, however loud it was."""
    near = at(8.0, "active", event_id="near")
    loud = at(30.0, "critical", event_id="loud")
    louder_later = at(40.0, "critical", event_id="later")
    over = at(-90.0, "critical", event_id="over")
    unknown = at(math.nan, "critical", event_id="unknown")

    def first(*seen: Seen) -> object:
        assert sides(*seen) == sides(*reversed(seen))
        return sides(*seen)[0].alert["event_id"]

    assert first(near, loud) == "loud"
    assert first(loud, louder_later) == "loud"
    assert first(over, near) == "near"
    assert first(unknown, loud) == "loud"


def test_what_is_not_known_is_none() -> None:
    """An alert by a finite fault has a level and may have no intensity; no time: it stands until it expires."""
    side = sides(at(math.nan, intensity=math.nan, magnitude=None, depth_km=None))[0]
    assert (side.shaking_expected, side.level) == (True, "critical")
    assert (side.seconds_to_s, side.intensity, side.magnitude) == (None, None, None)
    assert side.alert["s_arrival_at"] is None
    assert "M unknown" in str(side.alert["headline"])


def test_the_attributes_hold_the_alert() -> None:
    """What an automation may ask for, in plain values; the S wave by the clock on the wall."""
    assert sides(at(20.25), message=core())[0].alert == {
        "headline": "三陸沖, Mw 8.1: CRITICAL, intensity 5+ (jma 5.3)",
        "event_id": "ev-1",
        "report_no": 4,
        "kind": "update",
        "status": "actual",
        "exercise": False,
        "verified": True,
        "issued_at": "2026-03-11T05:46:57Z",
        "place": "三陸沖",
        "depth_km": 10.0,
        "magnitude_type": "Mw",
        "instruction": "drop_cover_hold",
        "origin_at": "2026-03-11T05:46:47Z",
        "lat_deg": 38.1,
        "lon_deg": 142.9,
        "scale": "jma",
        "epicentral_km": 179,
        "s_arrival_at": "2026-03-11T05:47:20Z",
        "shelter": "Sakuragaoka Park",
    }


def test_attributes_stand_still_while_the_seconds_run() -> None:
    """So a history holds one row a report, not one a second."""
    later = [sides(at(20.0 - tick / 10), wall_at=NOW + timedelta(seconds=tick / 10))[0] for tick in range(900)]
    assert all(side.alert == later[0].alert for side in later)
    assert len({side.seconds_to_s for side in later}) == 22  # 20 to 0, and unknown.


def test_a_forged_time_of_another_age_is_no_error() -> None:
    """Without a key to check with, anything may be said."""
    side = sides(at(2.6e11))[0]
    assert side.alert["s_arrival_at"] is None
    assert side.seconds_to_s == 260_000_000_000
