"""Numbers in words, against the Unicode locale data."""

import pytest
from babel import Locale
from babel.numbers import format_decimal

from eew.contract.text import LANGUAGES
from eew.contract.text.language import load_language
from eew.contract.text.quantity import Reading, plural

LOCALES = {"en": "en", "es": "es_MX", "ja": "ja", "tr": "tr", "zh": "zh", "zh-Hant": "zh_Hant"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", [0, 1, 2, 5, 10, 11, 21, 50, 100, 101, 119, 0.1, 0.9, 1.1, 1.2, 2.1, 9.9])
def test_plurals_are_those_of_cldr(language: str, number: float) -> None:
    """Every number that is shown takes the form that CLDR's rules choose, of the forms that the language has."""
    categories = Locale.parse(LOCALES[language]).plural_form
    expected = categories(number)
    unit = load_language(language).units.kilometre
    assert (unit.one is not None) == ("one" in categories.tags)
    if unit.one is None:
        assert expected == "other"
    else:
        assert plural(f"{number:g}") == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_decimals_are_written_as_in_cldr(language: str) -> None:
    """A point or a comma."""
    words = load_language(language)
    assert Reading(words, is_spoken=False, region="int").magnitude(7.6) == format_decimal(7.6, locale=LOCALES[language])


@pytest.mark.parametrize(
    ("distance_km", "said"),
    [
        (0.0, "10 metres"),
        (0.044, "40 metres"),
        (0.123, "100 metres"),
        (0.43, "450 metres"),
        (0.98, "1 kilometre"),
        (1.04, "1 kilometre"),
        (1.26, "1.3 kilometres"),
        (9.96, "10 kilometres"),
        (42.4, "42 kilometres"),
        (312.0, "310 kilometres"),
    ],
)
def test_distances_are_rounded_to_be_remembered(distance_km: float, said: str) -> None:
    """Two figures at most behind which nobody walks differently."""
    assert Reading(load_language("en"), is_spoken=True, region="int").distance(distance_km) == said


@pytest.mark.parametrize(
    ("bearing_deg", "said"),
    [(0, "north"), (22, "north"), (23, "northeast"), (180, "south"), (338, "north"), (337, "northwest")],
)
def test_directions_are_the_nearest_of_eight(bearing_deg: int, said: str) -> None:
    """Each takes 45 degrees."""
    assert Reading(load_language("en"), is_spoken=True, region="int").direction(bearing_deg) == said
