"""Messages of an event: their kinds, references and words."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eew.contract.alert_signal import AlertLevel
from eew.contract.cap.area import AlertPolygon
from eew.contract.cap.cap_message import CapMessage
from eew.contract.cap.history import CapHistory
from eew.contract.message import EventMessage, InfoCard
from eew.contract.text import LANGUAGES, event_texts
from eew.model.region_profile_file import load_profile
from eew.model.report import AlertStatus, ReportKind

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
START = datetime(2024, 1, 1, 7, 10, 0, 250_000, tzinfo=UTC)
SQUARE = AlertPolygon(
    (((37.0, 137.0), (37.0, 138.0), (38.0, 138.0), (38.0, 137.0), (37.0, 137.0)),), (37.5, 137.5, 40.0)
)
WIDER = AlertPolygon(
    (((36.0, 136.0), (36.0, 139.0), (39.0, 139.0), (39.0, 136.0), (36.0, 136.0)),), (37.5, 137.5, 120.0)
)
REGIONS: dict[AlertLevel, AlertPolygon] = {"critical": SQUARE, "passive": WIDER}


def parsed(payload: bytes) -> ET.Element:
    return ET.fromstring(payload)  # noqa: S314 - a document of our own


def event_of(
    number: int = 1,
    kind: ReportKind = ReportKind.NEW,
    *,
    after_s: float = 0,
    status: AlertStatus = AlertStatus.ACTUAL,
    event_id: str = "e",
    languages: tuple[str, ...] = ("en",),
    place: str | None = "Noto",
    validity_s: float = 200,
) -> EventMessage:
    is_cancel = kind is ReportKind.CANCEL
    issued_at = START + timedelta(seconds=after_s)
    event = EventMessage(
        event_id=event_id,
        report_no=number,
        kind=kind,
        status=status,
        issued_at=issued_at,
        origin_at=None if is_cancel else START - timedelta(seconds=8),
        lat_deg=None if is_cancel else 37.5,
        lon_deg=None if is_cancel else 137.5,
        depth_km=None if is_cancel else 10.0,
        magnitude=None if is_cancel else 7.4,
        expires_at=issued_at + timedelta(seconds=validity_s),
        key_id="",
        signature="",
        magnitude_type=None,
        place=place,
        scale="jma",
        radius_km_by_level={} if is_cancel else {"critical": 40.0, "active": 0.0, "passive": 120.0},
        n_alerts_by_level={},
    )
    return msgspec.structs.replace(event, texts=event_texts(event, "jp", languages))


def history() -> CapHistory:
    return CapHistory(load_profile("japan"), {})


def said(history: CapHistory, event: EventMessage, likelihood: float | None = None) -> CapMessage:
    message = history.message(event, {} if event.kind is ReportKind.CANCEL else REGIONS, likelihood)
    assert message is not None
    return message


def references(message: CapMessage) -> list[str]:
    return (parsed(message.payload).findtext(f"{CAP}references") or "").split()


def reference(message: CapMessage) -> str:
    alert = parsed(message.payload)
    return ",".join(alert.findtext(f"{CAP}{name}") or "" for name in ("sender", "identifier", "sent"))


def test_a_cancel_names_all_it_takes_back_and_where() -> None:
    """Alert, Update, Cancel: each names those before it; the cancel holds where they were heard."""
    of_event = history()
    first = said(of_event, event_of(1))
    second = said(of_event, event_of(2, ReportKind.UPDATE, after_s=1))
    cancel = said(of_event, event_of(2, ReportKind.CANCEL, after_s=20))
    assert [each.kind for each in (first, second, cancel)] == ["Alert", "Update", "Cancel"]
    assert [each.identifier for each in (first, second, cancel)] == ["e-1", "e-2", "e-2-cancel"]
    assert references(first) == []
    assert references(second) == [reference(first)]
    assert references(cancel) == [reference(first), reference(second)]
    areas = parsed(cancel.payload).findall(f"{CAP}info/{CAP}area")
    assert [area.findtext(f"{CAP}circle") for area in areas] == ["37.5000,137.5000 120.0"]


def test_what_expired_is_named_no_more() -> None:
    """A receiver holds nothing that has expired: the next message is an alert anew."""
    of_event = history()
    said(of_event, event_of(1, validity_s=30))
    assert said(of_event, event_of(2, ReportKind.UPDATE, after_s=31)).kind == "Alert"


def test_a_late_cancel_still_names_the_last_alert() -> None:
    """Without a reference a cancel would be invalid."""
    of_event = history()
    said(of_event, event_of(1, validity_s=30))
    last = said(of_event, event_of(2, ReportKind.UPDATE, after_s=5, validity_s=30))
    assert references(said(of_event, event_of(3, ReportKind.CANCEL, after_s=300))) == [reference(last)]


def test_a_report_after_a_cancel_replaces_it() -> None:
    """The cancel was the mistake: the correction names it, a second cancel does not."""
    of_event = history()
    first = said(of_event, event_of(1))
    cancel = said(of_event, event_of(1, ReportKind.CANCEL, after_s=2))
    third = said(of_event, event_of(2, ReportKind.UPDATE, after_s=4))
    assert references(third) == [reference(first), reference(cancel)]
    assert references(said(of_event, event_of(3, ReportKind.CANCEL, after_s=6))) == [reference(first), reference(third)]


def test_numbers_that_begin_anew_have_other_identifiers() -> None:
    """No two messages share an identifier."""
    of_event = history()
    messages = [
        said(of_event, event_of(1)),
        said(of_event, event_of(1, ReportKind.UPDATE, after_s=30)),
        said(of_event, event_of(1, ReportKind.UPDATE, after_s=60)),
    ]
    assert len({each.identifier for each in messages}) == 3
    assert references(messages[2]) == [reference(each) for each in messages[:2]]


def test_there_is_nothing_to_say() -> None:
    """A report that reaches nobody, and a cancel of what was never said, are no messages."""
    of_event = history()
    assert of_event.message(event_of(1, ReportKind.CANCEL), {}) is None
    assert of_event.message(event_of(2), {}) is None
    assert said(of_event, event_of(3, after_s=1)).kind == "Alert"


def test_events_know_nothing_of_each_other() -> None:
    """Seven drills at once are seven alerts."""
    of_event = history()
    said(of_event, event_of(1))
    other = said(of_event, event_of(1, event_id="e-1"))
    assert (other.kind, other.identifier) == ("Alert", "e-1-1")


def test_what_is_forgotten_is_named_no_more() -> None:
    """Only events that are kept have a past."""
    of_event = history()
    said(of_event, event_of(1))
    said(of_event, event_of(1, event_id="f"))
    of_event.keep({"f"})
    assert said(of_event, event_of(2, after_s=1)).kind == "Alert"
    assert said(of_event, event_of(2, after_s=1, event_id="f")).kind == "Update"


@settings(max_examples=40)
@given(data=st.data())
def test_a_restart_changes_no_message(data: st.DataObject) -> None:
    """Whoever recalls the reports of old goes on as if it had never been away, and says the last one again alike."""
    kinds = st.sampled_from([ReportKind.UPDATE, ReportKind.UPDATE, ReportKind.CANCEL])
    steps = data.draw(
        st.lists(st.tuples(kinds, st.integers(1, 3), st.floats(0.001, 90), st.floats(1, 200)), min_size=1, max_size=8)
    )
    events, after_s = [], 0.0
    for kind, number, wait_s, validity_s in steps:
        after_s += wait_s
        events.append(event_of(number, kind, after_s=after_s, validity_s=validity_s))
    regions = [{} if each.kind is ReportKind.CANCEL else REGIONS for each in events]
    whole = history()
    expected = [whole.message(event, region) for event, region in zip(events, regions, strict=True)]
    restarted, n_before = history(), data.draw(st.integers(0, len(events)))
    for event, region in zip(events[:n_before], regions, strict=False):
        restarted.recall(event, region)
    first = max(n_before - 1, 0)
    again = [restarted.message(event, region) for event, region in zip(events[first:], regions[first:], strict=True)]
    assert again == expected[first:]

    # Every reference names an earlier message as it was, one that a receiver may hold.
    messages = [each for each in expected if each is not None]
    assert len({each.identifier for each in messages}) == len(messages)
    for index, message in enumerate(messages):
        held = [each for each in messages[:index] if each.expires_at > message.sent_at]
        if message.kind == "Cancel":
            held = [each for each in held if each.kind != "Cancel"]
            held = held or [each for each in messages[:index] if each.kind != "Cancel"][-1:]
        assert references(message) == [reference(each) for each in held]
        assert (message.kind == "Alert") is not bool(held)


@pytest.mark.parametrize(
    ("status", "word"),
    [(AlertStatus.ACTUAL, "Test"), (AlertStatus.EXERCISE, "Exercise"), (AlertStatus.TEST, "Test")],
)
def test_nothing_is_ever_actual(status: AlertStatus, word: str) -> None:
    """Status, scope, note and the first words of each text say that it is not meant, whatever the report says."""
    alert = parsed(said(history(), event_of(status=status, languages=LANGUAGES)).payload)
    assert alert.findtext(f"{CAP}status") == word
    assert alert.findtext(f"{CAP}scope") == "Restricted"
    assert "not a warning" in (alert.findtext(f"{CAP}note") or "")
    marks = {
        AlertStatus.ACTUAL: ("SIMULATION", "SIMULACIÓN", "【シミュレーション】", "SİMÜLASYON", "【模拟】", "【模擬】"),
        AlertStatus.EXERCISE: ("EXERCISE", "SIMULACRO", "【訓練", "TATBİKAT", "【演"),
        AlertStatus.TEST: ("TEST", "PRUEBA", "DENEME", "【テスト", "【测试", "【測試"),
    }[status]
    for name in ("headline", "description"):
        texts = [element.text or "" for element in alert.iter(f"{CAP}{name}")]
        assert len(texts) == 2 * len(LANGUAGES)
        assert [text for text in texts if not text.startswith(marks)] == []


def test_each_level_says_what_concerns_it() -> None:
    """Severity, response and words go down with the level; the outer area is not told to take cover."""
    inner, outer = parsed(said(history(), event_of()).payload).findall(f"{CAP}info")
    assert [each.findtext(f"{CAP}severity") for each in (inner, outer)] == ["Extreme", "Minor"]
    assert [each.findtext(f"{CAP}responseType") for each in (inner, outer)] == ["Shelter", "Monitor"]
    assert [each.findtext(f"{CAP}urgency") for each in (inner, outer)] == ["Immediate", "Immediate"]
    assert "over" in (inner.findtext(f"{CAP}headline") or "")
    assert "over" not in (outer.findtext(f"{CAP}headline") or "")


def test_instructions_are_those_of_the_help_card() -> None:
    """A card in the language is what people are to read."""
    card = InfoCard(
        region="jp",
        lang="en",
        title="Help",
        numbers=(),
        instructions={"drop_cover_hold": "Down!", "be_aware": "Mind.", "take_care": "Care.", "all_clear": "Done."},
        after_shaking=(),
        medical=(),
        rescue=(),
        notice="No real alert.",
    )
    alert = parsed(said(CapHistory(load_profile("japan"), {"en": card}), event_of()).payload)
    assert [each.text for each in alert.iter(f"{CAP}instruction")] == ["Down!", "Mind."]
    assert all((each.text or "").endswith("No real alert.") for each in alert.iter(f"{CAP}description"))


@pytest.mark.parametrize(
    ("likelihood", "words"),
    [(None, ["Likely", "Possible"]), (0.9, ["Likely", "Possible"]), (0.5, ["Possible"] * 2), (0.01, ["Unlikely"] * 2)],
)
def test_a_doubtful_report_is_less_certain(likelihood: float | None, words: list[str]) -> None:
    """CAP calls likely what has more than an even chance; a report never makes it surer than the profile."""
    alert = parsed(said(history(), event_of(), likelihood).payload)
    assert [each.text for each in alert.iter(f"{CAP}certainty")] == words


def test_times_are_whole_seconds_and_no_end_is_cut_short() -> None:
    """07:10:00.250 is sent at :00 and, 200 s later, ends at :21."""
    alert = parsed(said(history(), event_of()).payload)
    assert alert.findtext(f"{CAP}sent") == "2024-01-01T07:10:00-00:00"
    assert alert.findtext(f"{CAP}info/{CAP}expires") == "2024-01-01T07:13:21-00:00"


@settings(max_examples=40)
@given(place=st.text(max_size=300))
def test_any_name_of_a_place_gives_a_good_message(place: str) -> None:
    """Feeds may say what they like."""
    message = said(history(), event_of(languages=("ja", "tr"), place=place))
    headlines = [each.text or "" for each in parsed(message.payload).iter(f"{CAP}headline")]
    assert all(0 < len(line) <= 160 for line in headlines)


def test_every_language_is_valid(cap_problems: Callable[[bytes], list[str]]) -> None:
    """One info for each level and language, and one a language in a cancel."""
    of_event = history()
    first = said(of_event, event_of(languages=LANGUAGES))
    cancel = said(of_event, event_of(1, ReportKind.CANCEL, after_s=3, languages=LANGUAGES))
    for message, n_levels in ((first, 2), (cancel, 1)):
        assert cap_problems(message.payload) == []
        languages = [each.text for each in parsed(message.payload).iter(f"{CAP}language")]
        assert languages == list(LANGUAGES) * n_levels
