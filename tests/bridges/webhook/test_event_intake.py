"""Which messages become events, for whom, and what these say."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from eew.bridges.webhook.event_filter import EventFilter
from eew.bridges.webhook.event_intake import EventIntake
from eew.bridges.webhook.webhook_event import webhook_event_of
from eew.contract import topic
from eew.contract.message import Clock, EventMessage, Status, payload_of
from eew.contract.signature import SigningKey, in_base64url
from eew.model.region_profile import Level
from eew.model.report import AlertStatus, ReportKind

Make = Callable[..., EventMessage]

ISSUED = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
NOW = ISSUED + timedelta(seconds=1)


@pytest.fixture
def intake(key: SigningKey) -> EventIntake:
    """Return an intake that trusts the key of the messages."""
    return EventIntake({key.key_id: key.public_bytes})


def taken(intake: EventIntake, message: EventMessage, at: datetime = NOW) -> float | None:
    news = intake.take(topic.event(message.event_id), payload_of(message), at)
    return None if news is None else news.expires_in_s


def test_a_signed_report_is_news_once_until_it_expires(intake: EventIntake, event: Make) -> None:
    """Said again, as a broker does after each connection, it is none."""
    assert taken(intake, event()) == 294
    assert taken(intake, event()) is None
    assert taken(intake, event(report_no=3)) == 294
    assert taken(intake, event(report_no=2)) is None


def test_what_nobody_trusted_signed_is_not_news(intake: EventIntake, event: Make) -> None:
    """Neither a stranger's nor one that was changed on its way."""
    assert taken(intake, event(key=SigningKey.from_seed(b"s" * 32))) is None
    assert taken(intake, msgspec.structs.replace(event(), magnitude=9.0)) is None
    assert intake.n_by_outcome.total() == 2


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"v":1}', b'{"v":2}'])
def test_what_is_no_event_is_not_news(intake: EventIntake, payload: bytes) -> None:
    """Anybody may publish anything."""
    assert intake.take(topic.event("ev-1"), payload, NOW) is None


def test_an_expired_report_is_not_news(intake: EventIntake, event: Make) -> None:
    """A retained message of yesterday sets off nothing."""
    assert taken(intake, event(), NOW + timedelta(seconds=294)) is None
    assert taken(intake, event(event_id="ev-2", kind=ReportKind.CANCEL), NOW + timedelta(days=1)) is None


def test_a_cancel_that_comes_late_is_news_where_its_event_was_known(intake: EventIntake, event: Make) -> None:
    """Whoever was told hears that it was nothing, however long the broker was away."""
    assert taken(intake, event()) is not None
    assert taken(intake, event(report_no=2, kind=ReportKind.CANCEL), NOW + timedelta(days=1)) is not None


def test_a_replay_lives_in_the_earthquakes_time(intake: EventIntake, event: Make, key: SigningKey) -> None:
    """Its events are years old and not expired."""
    wall_at = NOW + timedelta(days=4000)
    status = Status(
        dispatcher_id="d",
        version="0",
        state="running",
        at=wall_at,
        n_reports=0,
        last_dispatch_at=None,
        clock=Clock(offset_s=-4000 * 86400.0, speed=1.0),
        keys={key.key_id: in_base64url(key.public_bytes)},
    )
    assert intake.take(topic.status("d"), payload_of(status), wall_at) is None
    assert taken(intake, event(), wall_at) == 294


@pytest.mark.parametrize(
    ("status", "subject"),
    [(AlertStatus.ACTUAL, "event"), (AlertStatus.EXERCISE, "exercise"), (AlertStatus.TEST, "test")],
)
def test_a_drill_has_a_type_of_its_own(event: Make, status: AlertStatus, subject: str) -> None:
    """Whoever acts on eew.event cannot take an exercise for an earthquake."""
    message = event(status=status, report_no=4, kind=ReportKind.UPDATE)
    webhook_event = webhook_event_of(message, payload_of(message), 0)
    body = json.loads(webhook_event.body)
    assert body["type"] == f"eew.{subject}.update"
    assert body["timestamp"] == "2026-03-01T12:00:05.000Z"
    assert body["data"] == json.loads(payload_of(message))
    assert webhook_event.webhook_id == "ev-1-4-update"
    assert webhook_event.words == f"id=ev-1-4-update type=eew.{subject}.update"


def test_members_we_do_not_know_are_passed_on_and_one_given_twice_once(event: Make) -> None:
    """The last one counts, as it did for the signature: no reader may understand another."""
    payload = payload_of(event())
    doubled = b'{"kind":"cancel","x":{"y":[1,2.5,"\xe6\xb9\xbe"]},' + payload[1:]
    webhook_event = webhook_event_of(event(), doubled, 0)
    assert webhook_event.body.count('"kind"') == 1
    data = json.loads(webhook_event.body)["data"]
    assert data.pop("x") == {"y": [1, 2.5, "湾"]}
    assert data == json.loads(payload)


def test_an_endpoint_hears_what_is_loud_enough_and_all_that_follows(event: Make) -> None:
    """A report that became weaker is told to who was told of the strong one."""
    wanted = EventFilter(Level.ACTIVE, [AlertStatus.ACTUAL])
    weak, strong = {"passive": 80.0}, {"passive": 80.0, "active": 20.0}
    assert not wanted.wants(event(radius_km_by_level=weak))
    assert wanted.wants(event(report_no=2, radius_km_by_level=strong))
    assert wanted.wants(event(report_no=3, radius_km_by_level=weak))
    assert not wanted.wants(event(event_id="ev-2", radius_km_by_level=weak))


def test_an_endpoint_hears_of_drills_only_if_it_asked_for_them(event: Make) -> None:
    """Their cancels neither; the cancel of an earthquake always, as it may have been told before a restart."""
    drill = event(status=AlertStatus.EXERCISE)
    drill_cancel = event(status=AlertStatus.EXERCISE, kind=ReportKind.CANCEL)
    careful = EventFilter(Level.CRITICAL, [AlertStatus.ACTUAL])
    assert not careful.wants(drill)
    assert not careful.wants(drill_cancel)
    assert careful.wants(event(event_id="ev-9", kind=ReportKind.CANCEL))
    assert EventFilter(Level.NONE, list(AlertStatus)).wants(drill)
