"""What is published when, by a clock moved by hand."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from eew.bridges.home import Home, HomeAnnouncer, HomeMessage
from eew.contract.message import StatusState
from eew.model.records import AlertStatus, LevelWord, ReportKind
from eew.view.countdown import Board, DispatcherStatus, LocalEstimate, Seen

START = datetime(2026, 3, 11, 5, 47, 0, tzinfo=UTC)
HOME = Home(38.26, 140.87)
SEEN = Seen(
    event_id="ev-1",
    report_no=1,
    kind=ReportKind.NEW,
    status=AlertStatus.ACTUAL,
    rank=2,
    issued_at=START,
    place="三陸沖",
    magnitude=8.1,
    magnitude_type="Mw",
    depth_km=10.0,
    is_verified=True,
    local=None,
    radius_km_by_level={},
    n_alerts_by_level={},
)


def at(s_in_s: float, level: LevelWord = "critical", **changes: Any) -> Seen:
    return dataclasses.replace(SEEN, local=LocalEstimate(179.4, level, 5.3, "jma", s_in_s - 20, s_in_s), **changes)


def said(
    announcer: HomeAnnouncer, after_s: float, *seen: Seen, states: tuple[StatusState, ...] = ("running",)
) -> list[HomeMessage]:
    """Return what is said so long after the start."""
    dispatcher = [DispatcherStatus(f"eew-{i}", word, is_replay=False) for i, word in enumerate(states)]
    board = Board(seen, dispatcher, 0, None, 0)
    return announcer.messages(board, START + timedelta(seconds=after_s), 1000.0 + after_s, lambda _: None)


def test_first_the_device_then_whether_it_is_available_then_its_state() -> None:
    """The first two are kept for who comes later; an alert is not."""
    messages = said(HomeAnnouncer(HOME), 0.0)
    assert [(each.topic, each.is_retained) for each in messages] == [
        ("homeassistant/device/eew_n38_26_e140_87/config", True),
        ("eew/bridges/home/n38_26_e140_87/availability", True),
        ("eew/bridges/home/n38_26_e140_87/state", False),
    ]
    assert messages[0].payload == HOME.discovery()
    assert messages[1].payload == b"online"


def test_a_quiet_home_only_gives_a_sign_of_life() -> None:
    """Every ten seconds, so that nothing expires after thirty."""
    announcer = HomeAnnouncer(HOME)
    said(announcer, 0.0)
    times = [tick / 10 for tick in range(1, 600) if said(announcer, tick / 10)]
    assert times == [10.0, 20.0, 30.0, 40.0, 50.0]


def test_a_countdown_is_said_once_a_second() -> None:
    """A new report is said at once, as is the end."""
    announcer = HomeAnnouncer(HOME)
    said(announcer, 0.0)
    messages = [each for tick in range(1, 1100) for each in said(announcer, tick / 10, at(30.0 - tick / 10))]
    assert {each.topic for each in messages} == {HOME.state_topic}
    seconds = [json.loads(each.payload)["actual"]["seconds_to_s"] for each in messages]
    assert seconds[:31] == [*range(29, -1, -1), 0]
    # While it shakes, and after that, there are only the signs of life and the end.
    assert len(seconds) < 31 + 10
    assert seconds[-1] is None


def test_available_means_that_a_dispatcher_runs() -> None:
    """One of them is enough; none that was heard of is none that runs."""

    def word(*states: StatusState) -> bytes:
        return said(HomeAnnouncer(HOME), 0.0, states=states)[1].payload

    assert word() == word("starting") == word("stopped") == word("lost", "stopped") == b"offline"
    assert word("running") == word("lost", "running") == b"online"


def test_availability_follows_and_is_said_once() -> None:
    """On each change only."""
    announcer = HomeAnnouncer(HOME)
    states: list[StatusState] = ["starting", "starting", "running", "running", "lost", "lost", "running"]
    words = [
        each.payload
        for second, word in enumerate(states)
        for each in said(announcer, second / 10, states=(word,))
        if each.topic == HOME.availability_topic
    ]
    assert words == [b"offline", b"online", b"offline", b"online"]


def test_a_dispatcher_that_ends_does_not_end_an_alert() -> None:
    """It is counted down to its end, and only then is all unavailable."""
    announcer = HomeAnnouncer(HOME)
    said(announcer, 0.0, at(20.0))
    assert [each.topic for each in said(announcer, 1.5, at(18.5), states=("stopped",))] == [HOME.state_topic]
    topics = [each.topic for each in said(announcer, 81.0, at(-61.0), states=("stopped",))]
    assert topics == [HOME.availability_topic, HOME.state_topic]


def test_the_farewell_says_unavailable_and_is_kept() -> None:
    """It is the last will, too."""
    assert HomeAnnouncer(HOME).farewell == HomeMessage(HOME.availability_topic, b"offline", is_retained=True)
