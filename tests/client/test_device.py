"""A device takes hand-made messages and tells of them at instants chosen by hand."""

import math
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import hypothesis
import msgspec
import pyproj
import pytest
from hypothesis import strategies as st

from eew.client import Client, Outcome, OwnAlert
from eew.client.rules import MOST_KEPT
from eew.contract import topic
from eew.contract.message import (
    AlertCore,
    CellAlert,
    Clock,
    DeviceAlert,
    EventMessage,
    InfoCard,
    ShelterReference,
    Status,
    payload_of,
)
from eew.contract.signature import SigningKey, core_of, in_base64url
from eew.model.errors import InputError
from eew.model.region_profile_file import load_profile
from eew.model.report import AlertStatus, ReportKind
from eew.physics.quadkey import quadkey_at

MessageT = TypeVar("MessageT", bound=AlertCore)

ORIGIN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NOW = ORIGIN + timedelta(seconds=6)
KEY = SigningKey.from_seed(b"k" * 32)
KEYS = {KEY.key_id: KEY.public_bytes}
GEOD = pyproj.Geod(ellps="WGS84")
#: 50 km to the north of the epicentre.
_LON, _LAT, _ = GEOD.fwd(139.0, 35.0, 0, 50_000)
AT = (_LAT, _LON)
DEVICE = "p000001"

CORE: dict[str, Any] = {
    "event_id": "ev-1",
    "report_no": 1,
    "kind": ReportKind.NEW,
    "status": AlertStatus.ACTUAL,
    "issued_at": ORIGIN + timedelta(seconds=5),
    "origin_at": ORIGIN,
    "lat_deg": 35.0,
    "lon_deg": 139.0,
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
    "radius_km_by_level": {"critical": 50.0},
    "n_alerts_by_level": {"critical": 1},
}
TOLD: dict[str, Any] = {"level": "critical", "intensity": 6.1, "scale": "jma", "info": "jp/ja"}
CANCEL: dict[str, Any] = {
    "kind": ReportKind.CANCEL,
    "origin_at": None,
    "lat_deg": None,
    "lon_deg": None,
    "depth_km": None,
    "magnitude": None,
}
NO_ARRIVALS: dict[str, Any] = {"p_arrival_at": None, "s_arrival_at": None}


def signed(message: MessageT) -> MessageT:
    return msgspec.structs.replace(message, signature=KEY.sign(core_of(message)))


def event(**changes: Any) -> EventMessage:
    return signed(EventMessage(**(CORE | EVENT | changes)))


def cell(at: tuple[float, float] = AT, **changes: Any) -> CellAlert:
    own = {"cell": quadkey_at(*at, topic.CELL_LEVEL), "s_slowness_s_km": None, "shelters": ()}
    return signed(CellAlert(**(CORE | TOLD | NO_ARRIVALS | own | changes)))


def device(**changes: Any) -> DeviceAlert:
    own = {
        "device_id": DEVICE,
        "p_arrival_at": ORIGIN + timedelta(seconds=9),
        "s_arrival_at": ORIGIN + timedelta(seconds=16),
        "shelter": ShelterReference(id="1", name="School", lat_deg=35, lon_deg=139, distance_m=420, bearing_deg=90),
    }
    return signed(DeviceAlert(**(CORE | TOLD | own | changes)))


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


def give(client: Client, message: AlertCore | Status, wall_at: datetime = NOW) -> Outcome:
    if isinstance(message, Status):
        where = topic.status(message.dispatcher_id)
    elif isinstance(message, CellAlert):
        where = topic.cell_alert(message.cell)
    elif isinstance(message, DeviceAlert):
        where = topic.device_alert("0123012301", message.device_id)
    else:
        where = topic.event(message.event_id)
    return client.take(where, payload_of(message), wall_at)


def only(client: Client, wall_at: datetime = NOW) -> OwnAlert:
    (alert,) = client.alerts(wall_at)
    return alert


@pytest.fixture
def client() -> Client:
    return Client(AT, KEYS)


def test_it_counts_down_to_the_waves(client: Client) -> None:
    """In ak135's upper crust the direct waves run 5.80 and 3.46 km/s [KEB95]."""
    assert give(client, cell()) is Outcome.TAKEN
    alert, straight_km = only(client), math.hypot(50, 10)
    assert alert.epicentral_km == pytest.approx(50, abs=0.05)
    assert alert.p_in_s == pytest.approx(straight_km / 5.80 - 6, abs=0.1)
    assert alert.s_in_s == pytest.approx(straight_km / 3.46 - 6, abs=0.1)
    assert only(client, NOW + timedelta(seconds=30)).s_in_s == pytest.approx((alert.s_in_s or 0) - 30)
    assert (alert.level, alert.scale, alert.is_verified) == ("critical", "jma", True)
    assert alert.signal is not None
    assert alert.signal.instruction == "drop_cover_hold"


def test_each_report_counts_once(client: Client) -> None:
    """A duplicate says nothing new, an older one comes too late, a newer one replaces."""
    outcomes = [give(client, cell(report_no=number)) for number in (2, 2, 1, 3)]
    assert outcomes == [Outcome.TAKEN, Outcome.DUPLICATE, Outcome.OLDER, Outcome.TAKEN]
    assert only(client).report_no == 3


def test_an_alert_that_the_event_overtook_still_says_where_to_go(client: Client) -> None:
    """Alerts are not sent again where they do not change: the last shelter stands, the newest core counts."""
    shelter = ShelterReference(id="1", name="School", lat_deg=AT[0], lon_deg=AT[1])
    give(client, event(report_no=2, magnitude=6.0))
    assert give(client, cell(shelters=(shelter,))) is Outcome.TAKEN
    alert = only(client)
    assert (alert.report_no, alert.message.magnitude) == (2, 6.0)
    assert alert.shelter is not None
    assert (alert.shelter.name, alert.shelter.distance_m) == ("School", 0)


@pytest.mark.parametrize("make", [event, cell])
def test_a_cancel_takes_back_the_report_of_its_number(client: Client, make: Any) -> None:
    """Whatever comes late from before it changes nothing; a later report does."""
    give(client, cell(report_no=2))
    assert give(client, make(report_no=2, **CANCEL)) is Outcome.TAKEN
    assert give(client, cell(report_no=2)) is Outcome.OLDER
    assert give(client, event(report_no=2)) is Outcome.OLDER
    alert = only(client)
    assert (alert.kind, alert.level, alert.s_in_s) == (ReportKind.CANCEL, "critical", None)
    assert alert.signal is not None
    assert alert.signal.instruction == "all_clear"
    assert give(client, event(report_no=3)) is Outcome.TAKEN
    assert only(client).kind is ReportKind.NEW


def test_who_was_told_nothing_gets_no_all_clear(client: Client) -> None:
    """A phone that never rang does not vibrate because it was nothing."""
    give(client, event(magnitude=3.5, lat_deg=30.0))
    give(client, event(report_no=2, **CANCEL))
    assert (only(client).level, only(client).signal) == ("none", None)


def test_who_joins_at_the_cancel_has_its_level(client: Client) -> None:
    """Of an alert never seen the cancel itself says how loud it was."""
    give(client, cell(report_no=2, level="active", intensity=None, **CANCEL))
    assert only(client).level == "active"


def test_what_has_expired_is_not_shown(client: Client) -> None:
    """Up to the instant of expiry it is."""
    expiry = ORIGIN + timedelta(seconds=300)
    give(client, cell())
    assert client.alerts(expiry - timedelta(milliseconds=1))
    assert not client.alerts(expiry)
    assert give(client, cell(report_no=2), expiry) is Outcome.EXPIRED
    assert not client.alerts(expiry)


@pytest.mark.parametrize("is_status_first", [True, False])
def test_a_replay_happens_in_the_earthquakes_time(client: Client, *, is_status_first: bool) -> None:
    """Whichever message comes first: an alert that seems to have expired long ago is shown once the clock is known."""
    wall_at = NOW + timedelta(days=365)
    replay = status(offset_s=-365 * 86400.0)
    if is_status_first:
        assert give(client, replay, wall_at) is Outcome.NOTED
        assert give(client, cell(), wall_at) is Outcome.TAKEN
    else:
        assert give(client, cell(), wall_at) is Outcome.EXPIRED
        assert not client.alerts(wall_at)
        give(client, replay, wall_at)
    assert only(client, wall_at).s_in_s == pytest.approx(math.hypot(50, 10) / 3.46 - 6, abs=0.1)
    # Another's replay moves nothing of ours; a clock beyond all dates is none.
    give(client, status(1e6, dispatcher_id="d-2", keys={}, at=ORIGIN + timedelta(1)))
    assert give(client, status(1e15)) is Outcome.UNREADABLE
    assert only(client, wall_at).report_no == 1
    assert [each.dispatcher_id for each in client.statuses] == ["d-1", "d-2"]


def test_a_forgery_is_refused(client: Client) -> None:
    """Another's signature, a changed magnitude, or none; what was known stays."""
    give(client, cell())
    stranger = SigningKey.from_seed(b"s" * 32)
    other = cell(report_no=2, key_id=stranger.key_id)
    forged = (
        msgspec.structs.replace(other, signature=stranger.sign(core_of(other))),
        msgspec.structs.replace(cell(report_no=2), magnitude=9.0),
        msgspec.structs.replace(cell(report_no=2), signature=""),
    )
    assert {give(client, each) for each in forged} == {Outcome.UNVERIFIED}
    assert (only(client).report_no, client.is_checking) == (1, True)
    assert client.refused is not None
    assert client.refused.report_no == 2


def test_without_keys_nothing_is_called_verified() -> None:
    """It says that nobody checked."""
    client = Client(AT)
    give(client, msgspec.structs.replace(cell(), signature=""))
    assert (only(client).is_verified, client.is_checking) == (False, False)


def test_of_a_finite_fault_the_cells_level_holds(client: Client) -> None:
    """The core leaves a fault out; also where only the event's message is renewed."""
    give(client, cell(magnitude=5.0, has_fault=True))
    assert (only(client).level, only(client).intensity) == ("critical", 6.1)
    assert only(client).s_in_s is not None
    give(client, event(report_no=2, magnitude=5.1, has_fault=True))
    assert (only(client).report_no, only(client).level) == (2, "critical")
    give(client, event(report_no=3, magnitude=5.1))
    assert only(client).level != "critical"


@pytest.mark.parametrize(
    "changes",
    [{"is_assumed": True}, {"magnitude": None}, {"radius_km_by_level": {}}, {"magnitude": 1e300}, {"depth_km": 1e9}],
)
def test_from_some_reports_nothing_may_be_worked_out(client: Client, changes: dict[str, Any]) -> None:
    """An assumed hypocentre, no magnitude, not issued, or numbers that cannot be."""
    give(client, event(**changes))
    alert = only(client)
    assert (alert.level, alert.intensity, alert.p_in_s, alert.s_in_s, alert.signal) == ("none", None, None, None, None)


@pytest.mark.parametrize("changes", [{"lat_deg": None}, {"origin_at": None}, {"lon_deg": 500.0}])
def test_what_says_not_where_or_when_is_unreadable(client: Client, changes: dict[str, Any]) -> None:
    """Even if it is signed."""
    assert give(client, event(**changes)) is Outcome.UNREADABLE
    assert not client.alerts(NOW)


def test_members_that_nobody_knows_are_ignored(client: Client) -> None:
    """Version 1 may grow."""
    members = msgspec.json.decode(payload_of(cell())) | {"later": {"level": [1]}}
    assert client.take(topic.cell_alert(cell().cell), msgspec.json.encode(members), NOW) is Outcome.TAKEN


def test_what_is_for_others_is_not_ours(client: Client) -> None:
    """Another cell or device, another topic; that nothing is retained any more ends no countdown."""
    give(client, cell())
    assert give(client, cell(at=(0.0, 0.0))) is Outcome.NOT_OURS
    assert give(client, device()) is Outcome.NOT_OURS
    assert client.take("eew/v1/reports/jma", b"{}", NOW) is Outcome.NOT_OURS
    assert client.take(topic.event("ev-1"), b"", NOW) is Outcome.NOTED
    assert only(client).report_no == 1
    assert client.message("ev-1") == msgspec.json.decode(payload_of(cell()), type=CellAlert)
    assert client.message("ev-2") is None


def test_a_devices_own_alert_says_all() -> None:
    """Level, arrivals and shelter are the dispatcher's; a cancel takes them back."""
    client = Client(keys=KEYS, device_id=DEVICE)
    assert client.topic_filters == ["eew/v1/status/+", "eew/v1/events/+", f"eew/v1/alerts/device/+/{DEVICE}"]
    assert give(client, device(level="active", instruction="be_aware", vibration_ms=())) is Outcome.TAKEN
    alert = only(client)
    assert (alert.level, alert.intensity, alert.p_in_s, alert.s_in_s) == ("active", 6.1, 3.0, 10.0)
    assert alert.epicentral_km is None
    assert alert.shelter is not None
    assert alert.shelter.distance_m == 420
    assert alert.signal is not None
    assert (alert.signal.instruction, alert.signal.vibration_ms) == ("be_aware", ())
    give(client, device(report_no=2, level="active", **CANCEL, **NO_ARRIVALS))
    assert (only(client).kind, only(client).s_in_s, only(client).shelter) == (ReportKind.CANCEL, None, None)


def test_the_nearest_shelter_is_as_seen_from_the_device(client: Client) -> None:
    """Not from the middle of the cell; one that is nowhere on Earth is none. A compact alert has ids only."""
    lon, lat, _ = GEOD.fwd(AT[1], AT[0], 60, 800)
    far = ShelterReference(id="f", name="Far", lat_deg=AT[0] + 0.1, lon_deg=AT[1])
    near = ShelterReference(id="n", name="Near", lat_deg=lat, lon_deg=lon)
    nowhere = ShelterReference(id="x", name="Nowhere", lat_deg=1e6, lon_deg=0)
    give(client, cell(shelters=(far, nowhere, near)))
    shelter = only(client).shelter
    assert shelter is not None
    assert (shelter.id, shelter.distance_m, shelter.bearing_deg) == ("n", 800, 60)
    give(client, cell(report_no=2, shelter_ids=("s1", "s2")))
    assert (only(client).shelter, only(client).shelter_id) == (None, "s1")


def test_the_most_urgent_comes_first(client: Client) -> None:
    """Louder before quieter, sooner before later, a cancel last."""
    give(client, event(event_id="small", magnitude=3.6))
    give(client, event(event_id="gone"))
    give(client, event(event_id="gone", report_no=2, **CANCEL))
    give(client, event(event_id="far", magnitude=8.0, lat_deg=34.5))
    give(client, event(event_id="near", magnitude=7.5))
    assert [alert.event_id for alert in client.alerts(NOW)] == ["near", "far", "small", "gone"]


def test_memory_is_bounded(client: Client) -> None:
    """Events issued longest ago go; dispatchers and cards beyond are not kept."""
    client = Client(AT, languages=("ja",))
    n = MOST_KEPT + 6
    for number in range(n):
        give(client, event(event_id=f"ev-{number}", issued_at=ORIGIN + timedelta(seconds=number / 100)))
        give(client, status(dispatcher_id=f"d-{number}"))
        client.take(topic.info("x"), payload_of(card(region="a" + chr(97 + number // 26) + chr(97 + number % 26))), NOW)
    assert {alert.event_id for alert in client.alerts(NOW)} == {f"ev-{number}" for number in range(6, n)}
    assert (len(client.statuses), len(client.cards)) == (MOST_KEPT, MOST_KEPT)


def card(**changes: Any) -> InfoCard:
    members: dict[str, Any] = {"region": "jp", "lang": "ja", "title": "", "numbers": (), "instructions": {}}
    members |= {"after_shaking": (), "medical": (), "rescue": (), "notice": ""}
    return InfoCard(**(members | changes))


def test_help_cards_are_kept_by_language() -> None:
    """Only those that were asked for."""
    client = Client(languages=("ja", "en"))
    assert client.topic_filters[2:] == ["eew/v1/info/+/ja", "eew/v1/info/+/en"]
    assert client.take(topic.info("jp/ja"), payload_of(card()), NOW) is Outcome.NOTED
    assert client.take(topic.info("jp/zh"), payload_of(card(lang="zh")), NOW) is Outcome.NOT_OURS
    assert client.take(topic.info("jp/ja"), b"{}", NOW) is Outcome.UNREADABLE
    assert dict(client.cards) == {"jp/ja": card()}


@pytest.mark.parametrize(
    ("at", "epicentre"),
    [
        ((0.0, 180.0), (0.0, -179.9)),
        ((0.0, -180.0), (0.0, 179.9)),
        ((90.0, 0.0), (89.9, 120.0)),
        ((-90.0, 7.0), (-89.9, 0.0)),
    ],
)
def test_the_date_line_and_the_poles_are_places_too(at: tuple[float, float], epicentre: tuple[float, float]) -> None:
    """A tenth of a degree away is 11 km away."""
    client = Client(at, KEYS)
    assert len(client.topic_filters[-1].split("/")) == 4 + topic.CELL_LEVEL
    assert give(client, cell(at=at, lat_deg=epicentre[0], lon_deg=epicentre[1])) is Outcome.TAKEN
    assert only(client).epicentral_km == pytest.approx(11.15, abs=0.05)
    assert only(client).level == "critical"


@pytest.mark.parametrize("at", [(91.0, 0.0), (0.0, 200.0), (math.nan, 0.0)])
def test_a_place_that_is_none_is_refused(at: tuple[float, float]) -> None:
    """At once, not when the alert comes."""
    with pytest.raises(ValueError, match="no latitude and longitude"):
        Client(at)


def test_a_profile_that_a_device_cannot_follow_is_refused() -> None:
    """Likewise."""
    for name in ("intensity_model", "travel_times"):
        with pytest.raises(InputError, match="none such"):
            Client(AT, profile=_changed(load_profile("japan"), name, "none such"))


def _changed(profile: Any, name: str, value: str) -> Any:
    return replace(profile, **{name: value})


def corrupted(payload: bytes) -> st.SearchStrategy[bytes]:
    return st.tuples(st.integers(0, len(payload) - 1), st.binary(max_size=3)).map(
        lambda cut: payload[: cut[0]] + cut[1] + payload[cut[0] + len(cut[1]) :]
    )


@hypothesis.given(
    where=st.sampled_from(
        [
            topic.status("d"),
            topic.event("e"),
            topic.cell_alert("1"),
            topic.device_alert("0", DEVICE),
            topic.info("x"),
            "",
            "x",
        ]
    ),
    payload=st.one_of(
        st.binary(),
        *(corrupted(payload_of(each)) for each in (event(), cell(), device(), status(offset_s=3.0), card())),
        st.just(b"[" * 100_000),
        st.just(payload_of(event()).replace(b"2026-03-01T12:00:00.000Z", b"0001-01-01T00:00:00+14:00")),
    ),
)
def test_nothing_that_comes_over_the_wire_is_raised(where: str, payload: bytes) -> None:
    """Bytes of any kind, and true messages with some bytes changed, leave a list that can be shown."""
    client = Client(AT, device_id=DEVICE, languages=("ja",))
    client.take(where, payload, NOW)
    client.alerts(NOW)


FORBIDDEN = ("numpy", "scipy", "pyproj")
ALONE = f"""
import sys
for name in {FORBIDDEN!r}:
    sys.modules[name] = None
from datetime import datetime
from eew.client import Client
client = Client({AT!r}, {KEYS!r})
now = datetime.fromisoformat({NOW.isoformat()!r})
outcome = client.take({topic.cell_alert(cell().cell)!r}, {payload_of(cell())!r}, now)
(alert,) = client.alerts(now)
print(outcome, alert.level, round(alert.s_in_s))
"""


def test_a_device_needs_no_numpy() -> None:
    """Nor anything else that has to be compiled for arrays and maps."""
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("taken critical 9", "")
