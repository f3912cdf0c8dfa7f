"""``eew card`` as a user meets it."""

import json

import msgspec
import pytest

from eew.cli.main import main
from eew.contract.card import card_names, load_card
from eew.contract.message import InfoCard


def test_the_list_has_a_line_a_card(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its title and numbers."""
    assert main(["card"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(card_names())
    (japan,) = [line for line in lines if line.startswith("jp/en")]
    assert japan.endswith("Earthquake help: Japan: 119 110 118 171 #7119")


def test_a_card_is_shown_to_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Title, numbers with their source, and every sentence."""
    assert main(["card", "jp/ja"]) == 0
    out = capsys.readouterr().out
    card = load_card("jp/ja")
    for words in (card.title, card.notice, *card.instructions.values(), *card.medical, *card.rescue):
        assert words in out
    for number in card.numbers:
        assert number.number in out
        assert number.source in out


def test_json_is_what_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    """The card as its payload; the list as one object."""
    assert main(["card", "tr/tr", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out, type=InfoCard) == load_card("tr/tr")
    assert main(["card", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"cards": list(card_names())}


def test_an_unknown_card_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names those there are."""
    assert main(["card", "jp/xx"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("eew card: card: 'jp/xx': expected one of cn/en,")
    assert error.count("\n") == 1
