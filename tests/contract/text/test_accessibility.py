"""The rules of docs/accessibility.md, each with a test: texts, signals, and the panel without colour."""

import io
import itertools
import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from eew.contract.alert_signal import INSTRUCTIONS, AlertLevel, signal_of
from eew.contract.card import all_cards
from eew.contract.message import EventMessage, EventText, InfoCard, ShelterReference
from eew.contract.text import LANGUAGES, event_texts, own_text
from eew.model.report import AlertStatus, ReportKind
from eew.view.countdown import Board, LocalEstimate, Seen
from eew.view.panel import drawn

LEVELS: tuple[AlertLevel, ...] = ("critical", "active", "passive")
KINDS = (ReportKind.UPDATE, ReportKind.CANCEL)
#: Punctuation that a voice takes for a pause, and what stands inside words and numbers.
PAUSES = set(".,:!?¡¿'’-。、！？：，・ ")
#: Abbreviations and units that a voice would spell out or misread.
ABBREVIATIONS = re.compile(r"\b(?:km|m|mi|ft|s|sec|min|M|MMI|JMA|CSIS|CWA|N|NE|E|SE|S|SW|W|NW|[IVX]{2,}|[IVX]\.)\b")
MOST_WORDS = 15
MOST_CHARACTERS = 30
#: Turkish builds long words out of short ones.
MOST_LETTERS = {"en": 13, "es": 13, "tr": 17}
SHELTERS = (
    None,
    ShelterReference(id="s", name="Park", lat_deg=0, lon_deg=0, distance_m=423, bearing_deg=130),
    ShelterReference(id="s", name="Park", lat_deg=0, lon_deg=0, distance_m=2430),
    ShelterReference(id="s", name="Park", lat_deg=0, lon_deg=0),
)


def own_texts(language: str) -> list[EventText]:
    """Return what devices say: each level, kind, status, moment, scale and shelter."""
    return [
        own_text(
            language,
            level=level,
            kind=kind,
            status=status,
            s_in_s=s_in_s,
            intensity=intensity,
            scale=scale,
            place="Lima",
            magnitude=7.6,
            shelter=shelter,
            region=region,
        )
        for level, kind, status in itertools.product(LEVELS, KINDS, AlertStatus)
        for s_in_s, scale, intensity, shelter, region in (
            (12.0, "jma", 5.3, SHELTERS[1], "us"),
            (1.0, "mmi", 7.2, SHELTERS[2], "int"),
            (0.0, "csis", 6.0, SHELTERS[3], "us"),
            (-61.0, "cwa", 4.9, SHELTERS[0], "int"),
            (None, "cwa", 4.0, SHELTERS[2], "us"),
        )
    ]


def public_texts(language: str) -> list[EventText]:
    """Return what is said to everybody."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    radii: list[dict[str, float]] = [{}, {"critical": 120.0}, {"active": 120.0}, {"passive": 120.0}]
    return [
        event_texts(
            EventMessage(
                event_id="e",
                report_no=1,
                kind=kind,
                status=status,
                issued_at=at,
                origin_at=at,
                lat_deg=0.0,
                lon_deg=0.0,
                depth_km=10.0,
                magnitude=magnitude,
                expires_at=at,
                key_id="",
                signature="",
                magnitude_type=None,
                place="10 km NNW of Lima (Peru) / 秘鲁",
                scale="mmi",
                radius_km_by_level=radius,
                n_alerts_by_level={},
            ),
            "int",
            [language],
        )[language]
        for kind, status in itertools.product(KINDS, AlertStatus)
        for magnitude in (None, 7.6)
        for radius in radii
    ]


def all_texts(language: str) -> list[EventText]:
    return own_texts(language) + public_texts(language)


def sentences(text: str) -> list[str]:
    """Return a text's sentences; a decimal point ends none, and the mark of an exercise begins one."""
    parts = re.split(r"(?<=[.!?])\s+|(?<=[。！？】])", text)
    return [part.strip() for part in parts if part and part.strip()]


def complaints(text: str, language: str) -> list[str]:
    """Return the sentences of a text that are not simple, and why."""
    found = []
    for sentence in sentences(text):
        if language in {"ja", "zh", "zh-Hant"}:
            if len(sentence) > MOST_CHARACTERS:
                found.append(f"{len(sentence)} characters: {sentence}")
            continue
        words = re.findall(r"[^\W\d_]+", sentence)
        if len(sentence.split()) > MOST_WORDS:
            found.append(f"{len(sentence.split())} words: {sentence}")
        found += [f"a long word: {word}" for word in words if len(word) > MOST_LETTERS[language]]
    return found


def card_texts(card: InfoCard) -> list[str]:
    """Return all that a card says in sentences."""
    notes = [number.note for number in card.numbers if number.note is not None]
    return [*card.instructions.values(), *card.after_shaking, *card.medical, *card.rescue, card.notice, *notes]


def test_what_is_read_aloud_has_no_signs() -> None:
    """Only letters, digits and pauses; no abbreviations, no Roman degrees, no capitals-only words."""
    for language in LANGUAGES:
        for text in all_texts(language):
            signs = {each for each in text.spoken if unicodedata.category(each)[0] not in "LMN"} - PAUSES
            assert not signs, text.spoken
            assert not ABBREVIATIONS.search(text.spoken), text.spoken
            assert not re.search(r"[A-ZÀ-ÞİŞĞ]{2,}", text.spoken), text.spoken


def test_no_text_has_emoji_or_shouts() -> None:
    """Symbols are nowhere, and only the mark of an exercise or test is in capitals."""
    marks = ("EXERCISE: ", "TEST: ", "SIMULACRO: ", "PRUEBA: ", "TATBİKAT: ", "DENEME: ")
    texts = [each for language in LANGUAGES for text in all_texts(language) for each in (text.short, text.long)]
    texts += [each for card in all_cards() for each in card_texts(card)]
    for text in texts:
        assert not any(unicodedata.category(each) in {"So", "Sk", "Cc", "Cs"} for each in text)
        for mark in marks:
            text = text.removeprefix(mark)  # noqa: PLW2901 - what stands behind the mark
        # A degree in Roman numerals is no shouting.
        assert not re.search(r"(?![IVX]+\b)\b[A-ZÀ-ÞİŞĞ]{2,}\b", text), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_alerts_are_simple(language: str) -> None:
    """At most 15 short words a sentence, or 30 characters where there are no spaces."""
    found = {
        each
        for text in own_texts(language)
        for part in (text.short, text.long, text.spoken)
        for each in complaints(part, language)
    }
    assert not found


@pytest.mark.parametrize("card", all_cards(), ids=lambda card: f"{card.region}/{card.lang}")
def test_cards_are_simple(card: InfoCard) -> None:
    """The same for help cards."""
    assert not [each for text in card_texts(card) for each in complaints(text, card.lang)]


def test_the_measure_of_simplicity_is_not_blind() -> None:
    """A long sentence and a long word are found, in either kind of script."""
    assert complaints("one " * 16 + ".", "en")
    assert complaints("Incomprehensibility.", "en")
    assert complaints("長" * 31 + "。", "ja")
    assert not complaints("Drop, cover, hold on. Strong shaking in 7.5 seconds.", "en")


def test_levels_differ_without_sound_and_colour() -> None:
    """Who only feels the phone tells the levels and a cancel apart; the louder, the longer it vibrates."""
    signals = [signal_of(level, ReportKind.UPDATE) for level in LEVELS] + [signal_of("critical", ReportKind.CANCEL)]
    assert len({signal.vibration_ms for signal in signals}) == 4
    assert len({signal.instruction for signal in signals}) == 4
    assert {signal.instruction for signal in signals} == set(INSTRUCTIONS)
    vibrating_ms = [sum(signal_of(level, ReportKind.UPDATE).vibration_ms[::2]) for level in LEVELS]
    assert vibrating_ms == sorted(vibrating_ms, reverse=True)
    assert [signal_of(level, ReportKind.UPDATE).is_flashing for level in LEVELS] == [True, False, False]


def test_every_cancel_feels_the_same() -> None:
    """Whatever the level was."""
    assert len({signal_of(level, ReportKind.CANCEL) for level in LEVELS}) == 1


def test_a_flash_in_the_rhythm_of_the_vibration_is_safe() -> None:
    """No second has more than three flashes [WCAG22 2.3.1]."""
    for level, kind in itertools.product(LEVELS, ReportKind):
        starts_ms = [sum(signal_of(level, kind).vibration_ms[:index]) for index in range(0, 10, 2)]
        starts_ms = sorted(set(starts_ms))
        assert all(sum(begin <= each < begin + 1000 for each in starts_ms) <= 3 for begin in starts_ms)


def test_texts_differ_by_level_and_kind() -> None:
    """No two levels, and no cancel, share a word-for-word text in any language."""
    for language in LANGUAGES:
        texts = [
            own_text(language, level=level, kind=kind, status=AlertStatus.ACTUAL, s_in_s=9.0).long
            for level, kind in (*((level, ReportKind.UPDATE) for level in LEVELS), ("critical", ReportKind.CANCEL))
        ]
        assert len(set(texts)) == 4


def test_the_panel_says_in_words_what_it_says_in_colour() -> None:
    """Without colours every level, an exercise, a test and a cancel can be told from one another."""
    shown = {}
    cases: list[tuple[str, AlertLevel | None, ReportKind, AlertStatus]] = [
        *((level, level, ReportKind.UPDATE, AlertStatus.ACTUAL) for level in LEVELS),
        ("cancel", None, ReportKind.CANCEL, AlertStatus.ACTUAL),
        ("exercise", "critical", ReportKind.UPDATE, AlertStatus.EXERCISE),
        ("test", "critical", ReportKind.UPDATE, AlertStatus.TEST),
    ]
    for name, level, kind, status in cases:
        seen = Seen(
            event_id="ev-1",
            report_no=9,
            kind=kind,
            status=status,
            rank=18,
            issued_at=datetime(2011, 3, 11, 5, 47, 2, tzinfo=UTC),
            place="三陸沖",
            magnitude=7.6,
            magnitude_type="Mj",
            depth_km=10.0,
            is_verified=True,
            local=None if level is None else LocalEstimate(179.2, level, 3.86, "jma", 5.0, 25.0),
            radius_km_by_level={},
            n_alerts_by_level={},
        )
        console = Console(file=io.StringIO(), width=80, color_system=None, force_terminal=True)
        with console.capture() as capture:
            console.print(drawn(Board((seen,), (), 0, None, 0), "listening"))
        shown[name] = capture.get()
        assert "\x1b[3" not in shown[name]
    assert len(set(shown.values())) == len(cases)
    said = {"cancel": "CANCELLED", "exercise": "EXERCISE", "test": "TEST", "active": "ACTIVE", "passive": "PASSIVE"}
    for name, words in said.items():
        assert words in shown[name]
        assert not any(words in other for each, other in shown.items() if each != name)
    assert "CRITICAL" in shown["critical"]


def test_every_rule_on_the_page_names_a_test(project: Path) -> None:
    """Each row of docs/accessibility.md points to a test that there is."""
    page = (project / "docs/accessibility.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)`", page)
    assert len(named) >= 10
    tests = "".join(path.read_text(encoding="utf-8") for path in (project / "tests").rglob("test_*.py"))
    assert not [name for name in named if f"def {name}(" not in tests]
