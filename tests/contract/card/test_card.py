"""The help cards: complete, sourced, small, and as the contract says."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eew.contract.alert_signal import INSTRUCTIONS
from eew.contract.card import all_cards, card_names, load_card
from eew.contract.message import InfoCard, json_schemas, payload_of
from eew.contract.text import LANGUAGES
from eew.model.errors import InputError
from eew.model.region_profile_file import load_profile, profile_names

#: What issue and terms ask for.
ASKED = {
    *("cn/zh", "cn/en", "jp/ja", "jp/en", "tw/zh-Hant", "tw/en", "tr/tr", "tr/en"),
    *("us/en", "us/es", "mx/es", "mx/en", "int/en"),
}
#: The numbers of each country, typed here again from the pages they were read on.
EMERGENCY = {
    "cn": {"110", "119", "120"},
    "jp": {"110", "119", "118", "171"},
    "tw": {"110", "119", "118", "1991", "112"},
    "tr": {"112"},
    "us": {"911", "18009855990"},
    "mx": {"911"},
    "int": {"112"},
}
cards = pytest.mark.parametrize("card", all_cards(), ids=lambda card: f"{card.region}/{card.lang}")


def test_the_cards_that_were_asked_for_are_there() -> None:
    """And those of every profile, which is where alerts refer to."""
    assert set(card_names()) >= ASKED
    assert {load_profile(name).info for name in profile_names()} <= set(card_names())
    assert [f"{card.region}/{card.lang}" for card in all_cards()] == list(card_names())


@cards
def test_a_card_keeps_the_contract(
    card: InfoCard, schema_errors: Callable[[dict[str, Any], object], list[str]]
) -> None:
    """It is valid by the published schema, comes back as it was, and is below 4 kB."""
    payload = payload_of(card)
    assert not schema_errors(json_schemas()["info"], msgspec.json.decode(payload))
    assert msgspec.json.decode(payload, type=InfoCard) == card
    assert len(payload) < 4000


@cards
def test_a_card_is_complete(card: InfoCard) -> None:
    """Each instruction, each section, the notice, in a language that alerts have; nothing left open, no doubles."""
    assert card.lang in LANGUAGES
    assert set(card.instructions) == set(INSTRUCTIONS)
    assert card.after_shaking
    assert card.medical
    assert card.rescue
    assert card.notice
    texts = [*card.instructions.values(), *card.after_shaking, *card.medical, *card.rescue, card.title, card.notice]
    assert not [text for text in texts if "{" in text or "}" in text or text != text.strip()]
    assert len(set(texts)) == len(texts)


@cards
def test_a_card_has_the_countrys_numbers(card: InfoCard) -> None:
    """No number stands twice, and whom to call for the hurt and the trapped is one of them."""
    numbers = [number.number for number in card.numbers]
    assert set(numbers) >= EMERGENCY[card.region]
    assert len(set(numbers)) == len(numbers)
    for section in (card.medical, card.rescue):
        (called,) = re.findall(r"\d+", " ".join(section))
        assert called in numbers


def test_every_number_has_its_source(project: Path) -> None:
    """Each names a key of docs/sources.md."""
    known = set(re.findall(r"\[[A-Z0-9-]+\]", (project / "docs/sources.md").read_text(encoding="utf-8")))
    for path in (project / "eew/contract/card/cards").glob("*.toml"):
        for number in tomllib.loads(path.read_text(encoding="utf-8"))["numbers"]:
            keys = set(re.findall(r"\[[A-Z0-9-]+\]", number["source"]))
            assert keys
            assert keys <= known, f"{path.name}: {sorted(keys - known)}"


def test_languages_of_a_region_have_the_same_numbers() -> None:
    """A translation leaves out none."""
    by_region: dict[str, set[tuple[str, ...]]] = {}
    for card in all_cards():
        by_region.setdefault(card.region, set()).add(tuple(number.number for number in card.numbers))
    assert all(len(numbers) == 1 for numbers in by_region.values())


def test_a_file_of_another_region_says_its_own_name(project: Path) -> None:
    """File names, regions and languages agree, and a note is in all languages of its card or in none."""
    for path in (project / "eew/contract/card/cards").glob("*.toml"):
        region = tomllib.loads(path.read_text(encoding="utf-8"))
        assert region["region"] == path.stem
        for number in region["numbers"]:
            assert set(number["name"]) == set(region["name"])
            assert set(number.get("note", region["name"])) == set(region["name"])
    for path in (project / "eew/contract/card/guidance").glob("*.toml"):
        assert tomllib.loads(path.read_text(encoding="utf-8"))["lang"] == path.stem


@pytest.mark.parametrize("name", ["jp", "jp/tr", "xx/en", "../jp/ja", ""])
def test_an_unknown_card_is_refused(name: str) -> None:
    """The error names those there are."""
    with pytest.raises(InputError, match="expected one of cn/en, cn/zh"):
        load_card(name)
