"""The ten classes of JMA's scale."""

import pytest

from eew.feed.jma_class import class_of_intensity, intensity_of_class, intensity_or_none


@pytest.mark.parametrize(
    ("spellings", "begins"),
    [
        (("0", "00", "０"), 0.0),
        (("1", "01"), 0.5),
        (("2",), 1.5),
        (("3", "03"), 2.5),
        (("4", "04", "４"), 3.5),
        (("5-", "5弱", "５弱"), 4.5),
        (("5+", "5強", "5强"), 5.0),
        (("6-", "6弱", "６－"), 5.5),
        (("6+", "6強", "６強"), 6.0),
        (("7", "07"), 6.5),
    ],
)
def test_class_begins_where_jma_says(spellings: tuple[str, ...], begins: float) -> None:
    """JMA rounds the instrumental intensity to classes; 5 and 6 are halved at 5.0 and 6.0."""
    assert {intensity_of_class(word) for word in spellings} == {begins}
    assert class_of_intensity(begins) == spellings[0]
    assert class_of_intensity(begins + 0.4) == spellings[0]


@pytest.mark.parametrize("word", ["", "不明", "//", "over", "5", "8", "5*", "-1", "4-"])
def test_other_word_is_no_class(word: str) -> None:
    """Unknown, "or more" and the undivided 5 and 6 of before 1996 have no beginning."""
    assert intensity_or_none(word) is None
    with pytest.raises(ValueError, match="expected a class of intensity: 0, 1, 2, 3, 4, 5-, 5"):
        intensity_of_class(word)


def test_less_than_the_least_is_class_0() -> None:
    """Class 0 has no lower edge."""
    assert class_of_intensity(-1.0) == "0"
