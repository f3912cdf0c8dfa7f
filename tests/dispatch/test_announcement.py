"""What everybody may read of an event, and that it follows the alerts in their order."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast
from xml.etree import ElementTree as ET

import aiomqtt
import msgspec
import pytest

from eew.contract.message import AlertCore, EventMessage, InfoCard
from eew.dispatch.announcement import Announcements, Announcer
from eew.dispatch.dispatcher import ActedOn
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.fanout.retained_publisher import MqttRetainedPublisher, RetainedPublisher
from eew.feed.scenario import load_scenario, scenario_path
from eew.model.disposition import Disposition
from eew.model.records import EventReport, Profile, ReportKind
from eew.model.region_profile_file import load_profile
from eew.mqtt.embedded import EmbeddedBroker
from eew.physics.travel_time_table import TravelTimeTable

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
JAPAN = load_profile("japan")
REPORTS = load_scenario(scenario_path("false-alarm")).reports


def announcements(profile: Profile = JAPAN) -> Announcements:
    table = TravelTimeTable.load(profile.travel_times)
    return Announcements(profile, Estimator(table, intensity_model(profile.intensity_model), profile.default_depth_km))


def handled(report: EventReport) -> ActedOn:
    """Return a report that was acted on, as the dispatcher returns it."""
    core = AlertCore(
        **{name: getattr(report, name) for name in AlertCore.__struct_fields__ if hasattr(report, name)}
        | {"signature": "s"},
        expires_at=report.issued_at + timedelta(seconds=120),
        key_id="k",
    )
    radii = {} if report.kind is ReportKind.CANCEL else {"critical": 20.0, "active": 50.0, "passive": 150.0}
    return ActedOn(report, Disposition.ACCEPTED, 0.0, 0.0, core=core, radius_km_by_level=radii)


ALL = [handled(report) for report in REPORTS]


@dataclass
class Recorder:
    """A retained publisher that only remembers."""

    said: list[tuple[str, str, int]] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)

    def publish_info(self, card: InfoCard) -> None:
        self.cards.append(f"{card.region}/{card.lang}")

    def publish_event(self, message: EventMessage) -> None:
        self.said.append(("event", message.kind.value, message.report_no))

    def publish_cap(self, event_id: str, payload: bytes) -> None:
        assert event_id == REPORTS[0].event_id
        message = ET.fromstring(payload)  # noqa: S314 - a document of our own
        self.said.append(("cap", message.findtext(f"{CAP}msgType") or "", 0))


def as_retained(recorder: Recorder) -> RetainedPublisher:
    return cast("RetainedPublisher", recorder)


async def test_each_report_is_told_first_as_an_event_then_as_cap() -> None:
    """In the order of the reports; the block ends when all is told."""
    recorder = Recorder()
    async with Announcer(as_retained(recorder), announcements()) as announcer:
        for each in ALL:
            announcer.tell(each)
    kinds = [(each.report.kind.value, each.report.report_no) for each in ALL]
    caps = ["Alert", "Update", "Cancel"]
    assert recorder.said == [
        told
        for (kind, number), cap in zip(kinds, caps, strict=True)
        for told in (("event", kind, number), ("cap", cap, 0))
    ]


async def test_the_cards_of_all_regions_are_there_at_once() -> None:
    """Help is on the devices before there is an earthquake."""
    recorder = Recorder()
    async with Announcer(as_retained(recorder), announcements()):
        assert {"jp/ja", "jp/en", "cn/zh", "tw/zh-Hant", "tr/tr", "us/es", "mx/es", "int/en"} <= set(recorder.cards)


async def test_one_announcement_that_breaks_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with its event, and the next is told."""
    told = announcements()
    whole: Callable[[ActedOn], EventMessage] = told.event

    def breaks_once(each: ActedOn) -> EventMessage:
        if each is ALL[0]:
            raise ZeroDivisionError
        return whole(each)

    monkeypatch.setattr(told, "event", breaks_once)
    recorder = Recorder()
    with caplog.at_level(logging.ERROR):
        async with Announcer(as_retained(recorder), told) as announcer:
            for each in ALL[:2]:
                announcer.tell(each)
    assert [each[:2] for each in recorder.said] == [("event", "update"), ("cap", "Alert")]
    assert [record.getMessage() for record in caplog.records] == [f"announcement.broke event={REPORTS[0].event_id}"]


async def test_an_error_ends_the_block_without_waiting() -> None:
    """What is not told yet is left."""
    recorder = Recorder()

    async def fail() -> None:
        async with Announcer(as_retained(recorder), announcements()) as announcer:
            announcer.tell(ALL[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not recorder.said


@pytest.mark.parametrize(
    ("info", "languages"),
    [
        ("jp/ja", ["ja", "en"]),
        ("us/en", ["en", "es"]),
        ("tr/tr", ["tr", "en"]),
        ("fr/fr", ["en"]),
        ("cl/es", ["es", "en"]),
    ],
)
def test_an_event_is_told_in_the_languages_of_its_region(info: str, languages: list[str]) -> None:
    """Those of the region's cards, the profile's first; of a region without cards, its own where there are texts."""
    message = announcements(replace(JAPAN, info=info)).event(ALL[0])
    assert list(message.texts) == languages


def test_the_event_says_what_the_core_leaves_out() -> None:
    """That the hypocentre is only assumed, or that there is a fault."""
    changed = [
        msgspec.structs.replace(REPORTS[0], is_assumed=True),
        msgspec.structs.replace(REPORTS[0], fault=(((35.0, 139.0, 5.0), (35.1, 139.1, 5.0), (35.1, 139.1, 9.0)),)),
    ]
    told = [announcements().event(handled(report)) for report in (REPORTS[0], *changed)]
    assert [(each.is_assumed, each.has_fault) for each in told] == [(False, False), (True, False), (False, True)]


def test_who_recalls_goes_on_where_another_stood() -> None:
    """The cancel is the same, byte by byte, as if one dispatcher had lived through it all."""
    one, other = announcements(), announcements()
    for each in ALL[:-1]:
        one.cap(each, one.event(each))
        other.recall(each)
    payloads = []
    for told in (one, other):
        cap = told.cap(ALL[-1], told.event(ALL[-1]))
        assert cap is not None
        payloads.append(cap.payload)
    assert payloads[0] == payloads[1]
    assert payloads[0].count(b"</references>") == 1


def test_another_practice_forgets_nothing() -> None:
    """After a reload the next message still takes the place of those before."""
    told = announcements()
    told.cap(ALL[0], told.event(ALL[0]))
    taiwan = load_profile("taiwan")
    table = TravelTimeTable.load(taiwan.travel_times)
    told.refit(taiwan, Estimator(table, intensity_model(taiwan.intensity_model), taiwan.default_depth_km))
    message = told.event(ALL[1])
    cap = told.cap(ALL[1], message)
    assert cap is not None
    assert (cap.kind, list(message.texts)) == ("Update", ["zh-Hant", "en"])


def test_what_is_kept_no_longer_is_not_referred_to() -> None:
    """An event that has expired and is reported again begins anew."""
    told = announcements()
    told.cap(ALL[0], told.event(ALL[0]))
    told.keep(frozenset())
    cap = told.cap(ALL[1], told.event(ALL[1]))
    assert cap is not None
    assert cap.kind == "Alert"


@pytest.mark.broker
async def test_a_subscriber_gets_all_three(embedded_broker: EmbeddedBroker) -> None:
    """Card, event with texts, and CAP, over the wire."""
    endpoint, found = embedded_broker.endpoint, dict[str, Any]()
    async with aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        await client.subscribe([("eew/v1/events/+", 1), ("eew/v1/cap/+", 1), ("eew/v1/info/jp/ja", 1)])
        async with (
            MqttRetainedPublisher(endpoint, "announces", {}) as retained,
            Announcer(retained, announcements()) as announcer,
        ):
            announcer.tell(ALL[0])
            async for message in client.messages:
                found[message.topic.value.split("/")[2]] = message.payload
                if len(found) == 3:
                    break
    event = msgspec.json.decode(found["events"], type=EventMessage)
    assert set(event.texts) == {"ja", "en"}
    assert all(text.short for text in event.texts.values())
    assert b"<headline>" in found["cap"]
    assert msgspec.json.decode(found["info"], type=InfoCard).lang == "ja"
