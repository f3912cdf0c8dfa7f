"""What is said of an event, and on one device: the same for every language, whatever an agency calls the place."""

import math
import re
import string
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.contract.alert_signal import AlertLevel
from eew.contract.message import EventMessage, EventText, ShelterReference
from eew.contract.text import LANGUAGES, event_texts, own_text
from eew.model.errors import InputError
from eew.model.report import AlertStatus, ReportKind

LEVELS: tuple[AlertLevel, ...] = ("critical", "active", "passive")
#: What an exercise and a test begin with, written and spoken; typed here again on purpose.
MARKS = {
    "en": ("EXERCISE: ", "This is an exercise. ", "TEST: ", "This is a test. "),
    "es": ("SIMULACRO: ", "Esto es un simulacro. ", "PRUEBA: ", "Esto es una prueba. "),
    "ja": ("【訓練】", "これは訓練です。", "【テスト】", "これはテストです。"),
    "tr": ("TATBİKAT: ", "Bu bir tatbikattır. ", "DENEME: ", "Bu bir denemedir. "),
    "zh": ("【演练】", "这是演练。", "【测试】", "这是测试。"),
    "zh-Hant": ("【演練】", "這是演練。", "【測試】", "這是測試。"),
}
#: The words of each country's drill.
DROP = {
    "en": "Drop, cover, hold on",
    "es": "Agáchate, cúbrete, sujétate",
    "ja": "低く、頭を守り、動かない",
    "tr": "Çök, kapan, tutun",
    "zh": "伏地、遮挡、手抓牢",
    "zh-Hant": "趴下、掩護、穩住",
}
SHELTER = ShelterReference(id="s", name="東小学校", lat_deg=0, lon_deg=0, distance_m=423, bearing_deg=130)

names = st.one_of(
    st.text(max_size=60), st.text("ab c東京沖é😀", min_size=60, max_size=120), st.just("10 km NW of Ridgecrest, CA")
)
shelters = st.builds(
    ShelterReference,
    id=st.just("s"),
    name=names,
    lat_deg=st.just(0.0),
    lon_deg=st.just(0.0),
    distance_m=st.none() | st.integers(0, 200_000),
    bearing_deg=st.none() | st.integers(0, 359),
)
own_texts = st.fixed_dictionaries(
    {
        "language": st.sampled_from(LANGUAGES),
        "level": st.sampled_from(LEVELS),
        "kind": st.sampled_from(ReportKind),
        "status": st.sampled_from(AlertStatus),
        "s_in_s": st.none() | st.floats(-3000, 3000) | st.just(math.nan),
        "intensity": st.none() | st.floats(-3, 13) | st.just(math.nan),
        "scale": st.sampled_from(["jma", "mmi", "csis", "cwa", "new"]),
        "place": st.none() | names,
        "magnitude": st.none() | st.floats(-2, 10),
        "shelter": st.none() | shelters,
        "region": st.sampled_from(["int", "us", "jp"]),
    }
)


def message(**changes: Any) -> EventMessage:
    """Return an event that reaches all levels."""
    members: dict[str, Any] = {
        "event_id": "ev-1",
        "report_no": 9,
        "kind": ReportKind.UPDATE,
        "status": AlertStatus.ACTUAL,
        "issued_at": datetime(2011, 3, 11, 5, 47, 2, tzinfo=UTC),
        "origin_at": datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC),
        "lat_deg": 38.1,
        "lon_deg": 142.9,
        "depth_km": 10.0,
        "magnitude": 7.6,
        "expires_at": datetime(2011, 3, 11, 5, 57, tzinfo=UTC),
        "key_id": "",
        "signature": "",
        "magnitude_type": "Mj",
        "place": "三陸沖",
        "scale": "jma",
        "radius_km_by_level": {"critical": 312.0, "active": 500.0, "passive": 900.0},
        "n_alerts_by_level": {"critical": 3, "active": 0, "passive": 0},
    }
    return EventMessage(**members | changes)


events = st.builds(
    message,
    kind=st.sampled_from(ReportKind),
    status=st.sampled_from(AlertStatus),
    magnitude=st.none() | st.floats(-2, 10),
    place=st.none() | names,
    is_assumed=st.booleans(),
    radius_km_by_level=st.dictionaries(st.sampled_from(LEVELS), st.floats(0, 20_000)),
)


def units(text: str) -> int:
    """Count as UTF-16 does."""
    return sum(2 if letter > "\uffff" else 1 for letter in text)


def own(language: str, level: AlertLevel = "critical", s_in_s: float | None = 12.9, **changes: Any) -> EventText:
    """Return what a device says of a typical alert."""
    members: dict[str, Any] = {"kind": ReportKind.UPDATE, "status": AlertStatus.ACTUAL}
    return own_text(language, level=level, s_in_s=s_in_s, **members | changes)


def begins(text: EventText, language: str, status: AlertStatus) -> bool:
    """Return whether the three texts begin with the mark of the status."""
    if status is AlertStatus.ACTUAL:
        return not any(each.startswith(MARKS[language]) for each in (text.short, text.long, text.spoken))
    written, spoken = MARKS[language][:2] if status is AlertStatus.EXERCISE else MARKS[language][2:]
    return text.short.startswith(written) and text.long.startswith(written) and text.spoken.startswith(spoken)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", AlertStatus)
def test_what_must_be_said_always_fits(language: str, status: AlertStatus) -> None:
    """The smallest screen holds mark, instruction and shaking of every level at every moment, uncut."""
    for level in LEVELS:
        for kind in ReportKind:
            for s_in_s in (None, 1.0, 119.0, 3000.0, 0.0, -61.0, math.inf):
                text = own(language, level, s_in_s, kind=kind, status=status)
                assert units(text.short) <= 90
                assert text.short == text.long
            event = message(kind=kind, status=status, place=None, magnitude=None, radius_km_by_level={level: 1.0})
            assert units(event_texts(event, "int", [language])[language].short) <= 90


@given(own_texts)
def test_the_texts_of_a_device_keep_the_rules(given_values: dict[str, Any]) -> None:
    """Lengths, the mark, no place for a value left open, and all that must be said, whatever the names are."""
    text = own_text(**given_values)
    bare = own_text(**given_values | {"place": None, "magnitude": None, "intensity": None, "shelter": None})
    assert units(text.short) <= 90
    assert units(text.long) <= 360
    assert begins(text, given_values["language"], given_values["status"])
    assert text.short.startswith(bare.short)
    assert text.long.startswith(bare.long)
    assert text.spoken.startswith(bare.spoken)
    assert not re.search(r"[{}\n\0]", bare.short + bare.long + bare.spoken)


@given(events, st.sampled_from(["int", "us"]))
def test_the_texts_of_an_event_keep_the_rules(event: EventMessage, region: str) -> None:
    """The same for everybody's text, in every language."""
    texts = event_texts(event, region, LANGUAGES)
    assert tuple(texts) == LANGUAGES
    for language, text in texts.items():
        assert units(text.short) <= 90
        assert units(text.long) <= 360
        assert begins(text, language, event.status)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_to_do_comes_before_any_detail(language: str) -> None:
    """The imperative of a critical alert stands before the first number and the place."""
    everything: dict[str, Any] = {
        "intensity": 5.3,
        "scale": "mmi",
        "place": "三陸沖",
        "magnitude": 7.6,
        "shelter": SHELTER,
    }
    for text in (own(language, **everything), event_texts(message(), "int", [language])[language]):
        for said in (text.short, text.long, text.spoken):
            first_detail = re.search(r"\d|三陸沖|東小学校", said)
            assert first_detail
            assert 0 <= said.lower().find(DROP[language].lower()) < first_detail.start()


@pytest.mark.parametrize(
    ("s_in_s", "said"),
    [
        (12.9, "Strong shaking in 12 seconds."),
        (1.99, "Strong shaking in 1 second."),
        (0.99, "Strong shaking now."),
        (-59.9, "Strong shaking now."),
        (-60.0, "The worst should be over."),
        (119.9, "Strong shaking in 119 seconds."),
        (179.9, "Strong shaking in 2 minutes."),
        (None, "Expect strong shaking."),
        (math.nan, "Expect strong shaking."),
    ],
)
def test_seconds_are_cut_and_counted_in_words(s_in_s: float | None, said: str) -> None:
    """Nobody is promised more time than there is, and one second is one."""
    text = own("en", s_in_s=s_in_s)
    assert said in text.short
    assert said in text.long
    assert said in text.spoken


def test_the_examples_read_as_meant() -> None:
    """One text of each language, word by word."""
    assert [own(language, place="X", magnitude=7.6).short for language in LANGUAGES] == [
        "Earthquake! Drop, cover, hold on. Strong shaking in 12 seconds. M7.6, X.",
        "¡Sismo! Agáchate, cúbrete, sujétate. Sacudida fuerte en 12 segundos. M7.6, X.",
        "地震です！まず低く、頭を守り、動かないでください。あと12秒で強い揺れが来ます。X、M7.6。",
        "Deprem! Çök, kapan, tutun. 12 saniye sonra şiddetli sarsıntı. M7,6, X.",
        "地震！伏地、遮挡、手抓牢。12秒后有强烈震动。X，7.6级。",
        "地震！趴下、掩護、穩住。12秒後有強烈搖晃。X，規模7.6。",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cancel_takes_everything_back(language: str) -> None:
    """Neither seconds nor a magnitude are left, and it says so first, also in an exercise."""
    cancel = own(
        language, kind=ReportKind.CANCEL, magnitude=7.6, place=None, intensity=5.0, scale="jma", shelter=SHELTER
    )
    assert not re.search(r"\d", cancel.long)
    assert DROP[language].lower() not in cancel.long.lower()
    of_event = event_texts(message(kind=ReportKind.CANCEL), "int", [language])[language]
    assert of_event == cancel
    drill = event_texts(message(kind=ReportKind.CANCEL, status=AlertStatus.EXERCISE), "int", [language])[language]
    assert drill.long == MARKS[language][0] + cancel.long


def test_an_assumed_hypocentre_has_no_magnitude() -> None:
    """The magnitude that comes with it says nothing, nor does a reach worked out from it."""
    text = event_texts(message(is_assumed=True, magnitude=1.0), "int", ["en"])["en"]
    assert text.long == (
        "Earthquake! Drop, cover, hold on if you feel shaking. Place: 三陸沖. Its strength is not known yet."
    )


def test_an_event_without_alerts_asks_for_nothing() -> None:
    """No level reaches anywhere."""
    text = event_texts(message(radius_km_by_level={"critical": 0.0}), "int", ["en"])["en"]
    assert text.short == "Earthquake. You do not need to do anything. M7.6, 三陸沖."


def test_long_names_are_cut_at_a_word() -> None:
    """Never inside one; a script without spaces between two letters; a way from a town is left out as a whole."""
    long_place = "Pazarcık and the villages around it, Kahramanmaraş"
    assert own("en", place=long_place, magnitude=7.6).short.endswith(". M7.6, Pazarcık and the…")
    cut = own("en", place="宮" * 80, magnitude=7.6).short
    assert re.fullmatch(r".*M7\.6, 宮{10,}…", cut)
    assert units(cut) in {89, 90}
    assert own("en", place="L" * 400, magnitude=7.6).short.endswith("seconds. M7.6.")
    far = "10 km NW of Ridgecrest, CA"
    assert own("en", place=far, magnitude=7.6).short.endswith("M7.6, Ridgecrest, CA.")
    assert own("es", place=far, magnitude=7.6).long.endswith("Magnitud 7.6, 10 km al noroeste de Ridgecrest, CA.")


def test_the_united_states_have_miles() -> None:
    """Feet for what is near; kilometres and metres elsewhere; to the ear in full words."""
    told = own("en", shelter=SHELTER, region="us")
    assert "0.3 mi southeast" in told.long
    assert "0.3 miles southeast" in told.spoken
    near = ShelterReference(id="s", name="Park", lat_deg=0, lon_deg=0, distance_m=120, bearing_deg=350)
    assert "400 ft north" in own("en", shelter=near, region="us").long
    assert "120 m" not in own("en", shelter=near, region="us").long
    assert "a 400 pies al norte" in own("es", shelter=near, region="us").spoken
    assert "100 metres north" in own("en", shelter=near, region="int").spoken
    mile = ShelterReference(id="s", name="Park", lat_deg=0, lon_deg=0, distance_m=1609)
    assert "1 mile away" in own("en", shelter=mile, region="us").spoken
    assert "1,6 kilometre ileride" in own("tr", shelter=mile, region="tr").spoken
    assert "190 miles" in event_texts(message(), "us", ["en"])["en"].spoken


@pytest.mark.parametrize(
    ("language", "intensity", "scale", "long", "spoken"),
    [
        ("ja", 5.3, "jma", "震度5強の", "震度5強の"),
        ("ja", 4.9, "jma", "震度5弱の", "震度5弱の"),
        ("en", 5.9, "jma", "6 lower on the Japanese", "6 lower on the Japanese"),
        ("en", 7.9, "mmi", " VII on the Mercalli", " 7 on the Mercalli"),
        ("es", 4.0, "mmi", " IV en la escala", " 4 en la escala"),
        ("tr", 9.2, "mmi", "ölçeğinde IX.", "ölçeğinde 9."),
        ("zh", 6.4, "csis", "烈度6度", "烈度6度"),
        ("zh-Hant", 3.6, "cwa", "震度4級", "震度4級"),
        ("zh-Hant", 6.1, "cwa", "震度6強", "震度6強"),
    ],
)
def test_intensities_read_as_on_their_scale(
    language: str, intensity: float, scale: str, long: str, spoken: str
) -> None:
    """Classes by name, degrees in Roman numerals for the eye where that is the custom, in digits for the ear."""
    text = own(language, intensity=intensity, scale=scale)
    assert long in text.long
    assert spoken in text.spoken


def test_an_unknown_language_is_refused() -> None:
    """The error names those there are."""
    with pytest.raises(InputError, match="language: 'xx': expected one of en, es, ja, tr, zh, zh-Hant"):
        own("xx")


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a file and where it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    elif isinstance(value, str):
        yield path, value


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_language_has_every_template(project: Path) -> None:
    """The same keys with the same places for values, in every file there is; plural forms may differ."""
    folder = project / "eew/contract/text/languages"
    assert {path.stem for path in folder.glob("*.toml")} == set(LANGUAGES)
    shapes = {}
    for path in folder.glob("*.toml"):
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        assert tables["lang"] == path.stem
        texts = list(leaves(tables))
        assert all(text.strip() for place, text in texts if place != ".joiner")
        shapes[path.stem] = {place: fields(text) for place, text in texts if not place.endswith((".one", ".written"))}
    for shape in shapes.values():
        assert shape == shapes["en"]
