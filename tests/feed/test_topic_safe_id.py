"""Names of events as words of a topic."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.feed.topic_safe_id import agency_name, topic_safe_id


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("20110311144640", "20110311144640"),
        ("20201230_0000082", "20201230_0000082"),
        ("202607181347.0001", "202607181347_x2E0001"),
        ("a/b #+", "a_x2Fb_x20_x23_x2B"),
        ("地", "_xE5_x9C_xB0"),
        ("a_x2E", "a_x5Fx2E"),
    ],
)
def test_name_is_written_as_a_word(name: str, word: str) -> None:
    """What may stand in a topic stays; every other byte of its UTF-8 is written in two digits."""
    assert topic_safe_id(name) == word


@given(st.text(max_size=64))
def test_every_name_comes_back_from_its_word(name: str) -> None:
    """So two names never become one word, and a word is fit for a topic."""
    word = topic_safe_id(name)
    assert re.fullmatch("[A-Za-z0-9_-]*", word)
    assert agency_name(word) == name


def test_name_too_long_for_a_word_stays() -> None:
    """It is refused where the report is checked; nothing is spent on it before."""
    assert topic_safe_id("." * 65) == "." * 65


@given(st.text("ab_x25EF", max_size=12))
def test_word_of_no_name_stays(word: str) -> None:
    """A word comes back from what it is named by, unless nothing is written so."""
    assert topic_safe_id(agency_name(word)) == word or agency_name(word) == word
