"""What a subscriber makes of hand-made messages, at instants chosen by hand."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import hypothesis
import msgspec
import pyproj
import pytest
from hypothesis import strategies

from eew.bridges.watch import MOST_KEPT, Watch
from eew.contract import topic
from eew.contract.message import (
    AlertCore,
    CellAlert,
    Clock,
    EventMessage,
    EventText,
    ShelterReference,
    Status,
    payload_of,
)
from eew.contract.signature import SigningKey, Verifier, core_of, in_base64url
from eew.model.records import AlertStatus, ReportKind
from eew.view.countdown import LocalEstimate, Seen, Speaker

MessageT = TypeVar("MessageT", bound=AlertCore)

ORIGIN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
KEY = SigningKey.from_seed(b"k" * 32)
VERIFIER = Verifier({KEY.key_id: KEY.public_bytes})
EPICENTRE = (35.0, 139.0)
#: 50 km to the north of it.
PLACE_LON, PLACE_LAT, _ = pyproj.Geod(ellps="WGS84").fwd(139.0, 35.0, 0, 50_000)
PLACE = (PLACE_LAT, PLACE_LON)

CORE: dict[str, Any] = {
    "event_id": "ev-1",
    "report_no": 1,
    "kind": ReportKind.NEW,
    "status": AlertStatus.ACTUAL,
    "issued_at": ORIGIN + timedelta(seconds=5),
    "origin_at": ORIGIN,
    "lat_deg": EPICENTRE[0],
    "lon_deg": EPICENTRE[1],
    "depth_km": 10.0,
    "magnitude": 7.0,
    "expires_at": ORIGIN + timedelta(seconds=300),
    "key_id": KEY.key_id,
    "signature": "",
}
EVENT: dict[str, Any] = {
    "magnitude_type": "Mj",
    "place": "相模湾",
    "scale": "jma",
    "radius_km_by_level": {"passive": 300.0, "critical": 50.0, "active": 120.0},
    "n_alerts_by_level": {"critical": 1, "active": 2, "passive": 3},
}
CELL: dict[str, Any] = {
    "level": "critical",
    "intensity": 6.1,
    "scale": "jma",
    "p_arrival_at": None,
    "s_arrival_at": None,
    "s_slowness_s_km": None,
    "shelters": (),
    "info": "jp/ja",
}
CANCEL: dict[str, Any] = {
    "kind": ReportKind.CANCEL,
    "origin_at": None,
    "lat_deg": None,
    "lon_deg": None,
    "depth_km": None,
    "magnitude": None,
}


def signed(message: MessageT) -> MessageT:
    return msgspec.structs.replace(message, signature=KEY.sign(core_of(message)))


def event(**changes: Any) -> EventMessage:
    return signed(EventMessage(**(CORE | EVENT | changes)))


def cell_alert(watch: Watch, **changes: Any) -> CellAlert:
    own = watch.topic_filters[-1].removeprefix("eew/v1/alerts/cell/").replace("/", "")
    return signed(CellAlert(**(CORE | CELL | {"cell": own} | changes)))


def give(watch: Watch, message: EventMessage | CellAlert | Status) -> None:
    if isinstance(message, Status):
        where = topic.status(message.dispatcher_id)
    else:
        where = topic.event(message.event_id) if isinstance(message, EventMessage) else watch.topic_filters[-1]
    watch.take(where, payload_of(message))


def status(offset_s: float | None = None, **changes: Any) -> Status:
    members: dict[str, Any] = {
        "dispatcher_id": "d-1",
        "version": "0",
        "state": "running",
        "at": ORIGIN,
        "n_reports": 0,
        "last_dispatch_at": None,
        "clock": None if offset_s is None else Clock(offset_s=offset_s, speed=1.0),
        "keys": {KEY.key_id: in_base64url(KEY.public_bytes)},
    }
    return Status(**(members | changes))


def after(origin_s: float) -> datetime:
    return ORIGIN + timedelta(seconds=origin_s)


def seen_at(watch: Watch, origin_s: float = 6.0) -> Seen:
    (seen,) = watch.board(after(origin_s)).seen
    return seen


def felt_at(watch: Watch, origin_s: float = 6.0) -> LocalEstimate:
    local = seen_at(watch, origin_s).local
    assert local is not None
    return local


@pytest.fixture
def watch() -> Watch:
    return Watch(PLACE, None, VERIFIER)


def test_it_counts_down_to_the_waves(watch: Watch) -> None:
    """From the event's message alone: in ak135's upper crust the direct waves run 5.80 and 3.46 km/s [KEB95]."""
    give(watch, event())
    straight_km = math.hypot(50, 10)
    local = felt_at(watch, 6.0)
    assert local.epicentral_km == pytest.approx(50, abs=0.05)
    assert local.p_in_s == pytest.approx(straight_km / 5.80 - 6, abs=0.1)
    assert local.s_in_s == pytest.approx(straight_km / 3.46 - 6, abs=0.1)
    assert felt_at(watch, 16.0).s_in_s == pytest.approx(local.s_in_s - 10)


def test_an_m7_at_50_km_is_critical_in_japan(watch: Watch) -> None:
    """JMA's public warning is for class 4 and more."""
    give(watch, event())
    local = felt_at(watch)
    assert local.level == "critical"
    assert local.scale == "jma"
    assert 3.5 <= local.intensity < 6.5


@pytest.mark.parametrize(
    ("profile", "scale", "reckoned"),
    [(None, "cwa", "cwa"), (None, "csis", "csis"), (None, "mmi", "mmi"), (None, "new", "mmi"), ("us", "jma", "mmi")],
)
def test_the_scale_names_the_profile_unless_one_is_given(profile: str | None, scale: str, reckoned: str) -> None:
    """An event's own scale is the default; an unknown one is reckoned globally."""
    watch = Watch(PLACE, profile, VERIFIER)
    give(watch, event(scale=scale))
    assert felt_at(watch).scale == reckoned


@pytest.mark.parametrize("is_status_first", [True, False])
def test_a_replay_counts_in_the_earthquakes_time(watch: Watch, *, is_status_first: bool) -> None:
    """Event time is the wall clock and the status' offset, whichever message comes first."""
    year_s = 365 * 86400.0
    messages: list[EventMessage | Status] = [event(), status(offset_s=-year_s)]
    for message in messages[::-1] if is_status_first else messages:
        give(watch, message)
    board = watch.board(after(6 + year_s))
    assert [dispatcher.is_replay for dispatcher in board.dispatchers] == [True]
    assert board.seen[0].local is not None
    assert board.seen[0].local.s_in_s == pytest.approx(math.hypot(50, 10) / 3.46 - 6, abs=0.1)


def test_the_clock_is_that_of_the_dispatcher_who_signs(watch: Watch) -> None:
    """Another dispatcher's replay on the same broker moves nothing."""
    give(watch, status())
    give(watch, status(offset_s=1e6, dispatcher_id="d-2", keys={"other": ""}, at=after(1)))
    give(watch, event())
    assert felt_at(watch).s_in_s == pytest.approx(math.hypot(50, 10) / 3.46 - 6, abs=0.1)


def test_a_newer_report_replaces_and_an_older_is_ignored(watch: Watch) -> None:
    """Overtaken on its way, a report changes nothing."""
    give(watch, event(report_no=4, magnitude=6.0))
    give(watch, event(report_no=3, magnitude=8.0))
    give(watch, event(report_no=4, magnitude=8.0))
    assert (seen_at(watch).report_no, seen_at(watch).magnitude) == (4, 6.0)
    give(watch, event(report_no=7, magnitude=6.5))
    assert (seen_at(watch).report_no, seen_at(watch).magnitude) == (7, 6.5)


def test_a_cancel_ranks_above_the_report_of_its_number(watch: Watch) -> None:
    """It takes back what bears its number; a repetition of that changes nothing, a later report does."""
    give(watch, event(report_no=2))
    give(watch, event(report_no=2, **CANCEL))
    give(watch, event(report_no=2))
    seen = seen_at(watch)
    assert seen.is_cancelled
    assert seen.local is None
    give(watch, event(report_no=3))
    assert not seen_at(watch).is_cancelled


def test_what_has_expired_is_not_shown(watch: Watch) -> None:
    """Up to the instant of expiry it is."""
    give(watch, event())
    assert len(watch.board(after(299.9)).seen) == 1
    assert not watch.board(after(300)).seen


def test_what_no_trusted_key_signed_is_refused(watch: Watch) -> None:
    """Neither another's signature nor a changed magnitude is believed, and what is shown stays."""
    give(watch, event())
    stranger = SigningKey.from_seed(b"s" * 32)
    unsigned = event(report_no=2, key_id=stranger.key_id)
    give(watch, msgspec.structs.replace(unsigned, signature=stranger.sign(core_of(unsigned))))
    give(watch, msgspec.structs.replace(event(report_no=3, status=AlertStatus.EXERCISE), magnitude=9.0))
    board = watch.board(after(6))
    assert board.n_refused == 2
    assert board.refusal is not None
    assert board.refusal.startswith("EXERCISE report 3 of ev-1")
    assert [seen.report_no for seen in board.seen] == [1]
    assert board.seen[0].is_verified


def test_without_keys_nothing_is_called_verified() -> None:
    """Signatures are then not checked, and it says so."""
    watch = Watch(PLACE, None, None)
    give(watch, msgspec.structs.replace(event(), signature="", key_id=""))
    assert not seen_at(watch).is_verified


def test_a_cell_alert_alone_counts_down_too(watch: Watch) -> None:
    """In cell mode it may come before the event's message, which then adds the place's name."""
    shelters = (ShelterReference(id="1", name="School", lat_deg=35, lon_deg=139),)
    give(watch, cell_alert(watch, shelters=shelters))
    assert seen_at(watch).place == "35.00° N 139.00° E"
    assert seen_at(watch).shelter == "School"
    alone = felt_at(watch)
    give(watch, event())
    assert seen_at(watch).place == "相模湾"
    assert felt_at(watch) == alone
    give(watch, event(report_no=2))
    give(watch, cell_alert(watch, magnitude=8.0))
    assert (seen_at(watch).report_no, seen_at(watch).magnitude) == (2, 7.0)


def test_a_shelter_that_is_only_an_id_is_shown_as_one(watch: Watch) -> None:
    """Of a compact alert there is no name to be had; what a terminal must not be shown is replaced."""
    give(watch, cell_alert(watch, shelter_ids=("s0\x1b[2J", "s1")))
    assert seen_at(watch).shelter == "id s0\N{REPLACEMENT CHARACTER}[2J"
    (line,) = Speaker().lines(watch.board(after(6)))
    assert "; shelter id s0" in line


def test_of_a_finite_fault_the_cells_level_holds(watch: Watch) -> None:
    """The core leaves a fault out, so one's own point source would say too little."""
    give(watch, cell_alert(watch, magnitude=5.0, has_fault=True))
    assert (felt_at(watch).level, felt_at(watch).intensity) == ("critical", 6.1)
    give(watch, cell_alert(watch, magnitude=5.0, report_no=2))
    assert felt_at(watch).level != "critical"


def test_a_cell_alert_for_another_cell_is_not_for_us(watch: Watch) -> None:
    """Whatever topic it came on."""
    give(watch, cell_alert(watch, cell="012301230123"))
    board = watch.board(after(6))
    assert (board.n_unreadable, len(board.seen)) == (1, 0)


def test_a_report_that_alerts_nobody_gives_no_estimate(watch: Watch) -> None:
    """Where no level reaches anywhere, the report was not issued or its hypocentre is only assumed."""
    give(watch, event(radius_km_by_level={}))
    local = felt_at(watch)
    assert local.level == "none"
    assert math.isnan(local.intensity)
    assert math.isnan(local.s_in_s)


def test_without_a_place_it_shows_how_far_each_level_reaches() -> None:
    """From the loudest on; there is nothing to count down to, and no cell to subscribe to."""
    watch = Watch(None, None, VERIFIER)
    assert watch.topic_filters == ["eew/v1/status/+", "eew/v1/events/+"]
    give(watch, event())
    seen = seen_at(watch)
    assert seen.local is None
    assert list(seen.radius_km_by_level.items()) == [("critical", 50.0), ("active", 120.0), ("passive", 300.0)]
    assert seen.n_alerts_by_level["passive"] == 3


def test_the_nearest_danger_comes_first(watch: Watch) -> None:
    """Louder before quieter, a cancel last."""
    give(watch, event(event_id="small", magnitude=3.6))
    give(watch, event(event_id="gone", report_no=2, **CANCEL))
    give(watch, event(event_id="great", magnitude=7.5))
    assert [seen.event_id for seen in watch.board(after(6)).seen] == ["great", "small", "gone"]


def test_texts_from_the_wire_cannot_steer_the_terminal(watch: Watch) -> None:
    """Place names are not signed: control characters and pages of text do not get through."""
    give(watch, event(place="\x1b[2J\nbay" + "!" * 500))
    place = seen_at(watch).place
    assert place.isprintable()
    assert "bay" in place
    assert len(place) <= 60


def test_clearing_what_is_retained_ends_no_countdown(watch: Watch) -> None:
    """A dispatcher that stops clears its events; those who were told go on counting."""
    give(watch, event())
    watch.take(topic.event("ev-1"), b"")
    assert seen_at(watch).report_no == 1


def test_the_state_of_dispatchers_is_shown(watch: Watch) -> None:
    """Also that one is lost."""
    give(watch, status())
    give(watch, status(state="lost"))
    assert [(each.dispatcher_id, each.state) for each in watch.board(ORIGIN).dispatchers] == [("d-1", "lost")]


@pytest.mark.parametrize(
    "changes",
    [{"lat_deg": None}, {"origin_at": None}, {"lon_deg": 500.0}, {"magnitude": 1e300}, {"depth_km": 1e9}],
    ids=lambda changes: next(iter(changes)),
)
def test_numbers_that_cannot_be_are_survived(watch: Watch, changes: dict[str, Any]) -> None:
    """Even signed ones: nothing is raised, and nothing is reckoned from them."""
    give(watch, event(**changes))
    for seen in watch.board(after(6)).seen:
        assert seen.local is not None
        assert seen.local.level == "none"


def test_only_so_many_events_are_kept(watch: Watch) -> None:
    """Those issued longest ago go."""
    for number in range(MOST_KEPT + 6):
        give(watch, event(event_id=f"ev-{number}", issued_at=after(number / 100)))
    kept = {seen.event_id for seen in watch.board(after(6)).seen}
    assert kept == {f"ev-{number}" for number in range(6, MOST_KEPT + 6)}


def corrupted(payload: bytes) -> strategies.SearchStrategy[bytes]:
    return strategies.tuples(strategies.integers(0, len(payload) - 1), strategies.binary(max_size=3)).map(
        lambda cut: payload[: cut[0]] + cut[1] + payload[cut[0] + len(cut[1]) :]
    )


@hypothesis.given(
    where=strategies.sampled_from(["eew/v1/status/d-1", "eew/v1/events/ev-1", "eew/v1/alerts/cell/1", "", "x"]),
    payload=strategies.one_of(
        strategies.binary(), corrupted(payload_of(event())), corrupted(payload_of(status(offset_s=3.0)))
    ),
)
def test_nothing_that_comes_over_the_wire_is_raised(where: str, payload: bytes) -> None:
    """Bytes of any kind, and true messages with some bytes changed, leave a board that can be shown."""
    watch = Watch(PLACE, None, None)
    watch.take(where, payload)
    watch.board(after(6))


def test_the_newest_message_is_to_be_had_as_it_came(watch: Watch) -> None:
    """Of one report the event's own; nothing of an event that nobody knows."""
    give(watch, cell_alert(watch))
    assert isinstance(watch.message("ev-1"), CellAlert)
    give(watch, event())
    assert watch.message("ev-1") == event()
    assert watch.message("ev-2") is None


@pytest.mark.parametrize(
    ("language", "words"), [("ja", "【訓練】地震"), ("en", "EXERCISE"), ("es", "SIMULACRO")], ids=["ja", "en", "es"]
)
def test_the_alert_is_told_in_a_language(language: str, words: str) -> None:
    """With the watcher's own seconds, cut; an exercise says so first."""
    watch = Watch(PLACE, None, VERIFIER, language)
    give(watch, event(status=AlertStatus.EXERCISE))
    text = watch.board(after(6)).seen[0].text
    s_in_s = felt_at(watch).s_in_s
    assert text is not None
    assert text.long.startswith(words)
    assert str(math.floor(s_in_s)) in text.long
    (line,) = [each for each in Speaker().lines(watch.board(after(6))) if "ev-1" in each]
    assert line.endswith(f"\n{text.long}")


def test_without_a_place_it_tells_what_all_are_told() -> None:
    """The event's own text, from which nothing can steer the terminal; nothing in a language it does not have."""
    texts = {"en": EventText(short="Earthquake.", long="Earthquake.\x1b[2J Be \x07careful.", spoken="Earthquake.")}
    found = []
    for language in ("en", "tr"):
        watch = Watch(None, None, VERIFIER, language)
        give(watch, event(texts=texts))
        found.append(watch.board(after(6)).seen[0].text)
    assert found[0] is not None
    assert found[0].long.isprintable()
    assert "careful" in found[0].long
    assert found[1] is None


def test_who_is_told_nothing_gets_no_text() -> None:
    """A small earthquake far away."""
    watch = Watch(PLACE, None, VERIFIER, "en")
    give(watch, event(magnitude=2.0))
    assert watch.board(after(6)).seen[0].text is None
