"""All that is wrong with tables that should be records."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from eew.model.document import Document, Steps, spelled
from eew.model.document_faults import complaints, record_of
from eew.model.errors import InputError, ScenarioError
from eew.model.report import AlertStatus, TopicWord


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    """A table within."""

    name: TopicWord
    lat_deg: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    statuses: Annotated[tuple[AlertStatus, ...], msgspec.Meta(min_length=1)] = (AlertStatus.ACTUAL,)
    variable: Annotated[str, msgspec.Meta(pattern="^[a-z]$", description="one letter")] | None = None


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    """The whole."""

    mode: Literal["tv", "phone"]
    inner: Annotated[tuple[Inner, ...], msgspec.Meta(min_length=1)]
    one: Inner | None = None
    n: Annotated[int, msgspec.Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        if self.n == 7:
            raise ValueError("missing required field `eight` (only 7 needs it)")


BAD = """\
mode = "radio"
colour = 1
[[inner]]
name = "a b"
latitude = 3
[[inner]]
name = 4
lat_deg = 91
statuses = ["actual", "real"]
variable = "ab"
[one]
lat_deg = nan
"""


def document(text: str) -> Document:
    return Document(Path("x.toml"), text, tomllib.loads(text), ScenarioError)


def test_all_faults_are_found_in_the_order_of_their_lines() -> None:
    """Of each table: unknown keys, missing ones, every wrong value; a slip of the hand is one fault, not two."""
    with pytest.raises(ScenarioError) as caught:
        record_of(document(BAD), Outer)
    found = [caught.value, *caught.value.also]
    assert [(each.line, each.field, each.problem, each.expected) for each in found] == [
        (1, "mode", None, "tv or phone"),
        (2, "colour", "unknown key", "one of mode, inner, one, n"),
        (4, "inner[0].name", None, "1 to 64 of A-Z a-z 0-9 _ -"),
        (5, "inner[0].latitude", "unknown key, likely lat_deg", "one of name, lat_deg, statuses, variable"),
        (7, "inner[1].name", None, "text"),
        (8, "inner[1].lat_deg", None, "a number of at most 90.0"),
        (9, "inner[1].statuses[1]", None, "actual or exercise or test"),
        (10, "inner[1].variable", None, "one letter"),
        (11, "one.name", None, "missing required field"),
        (12, "one.lat_deg", None, "a finite number"),
    ]
    assert all(type(each) is ScenarioError for each in found)


@pytest.mark.parametrize(
    ("value", "where", "expected"),
    [
        ({"mode": "tv", "inner": []}, "inner", "a list that is not empty"),
        ({"mode": "tv", "inner": [3]}, "inner[0]", "a table"),
        ({"mode": "tv", "inner": 3}, "inner", "a list"),
        ({"mode": "tv", "inner": [{"name": "a", "lat_deg": 1, "statuses": []}]}, "inner[0].statuses", "a list that is"),
        (
            {"mode": "tv", "inner": [{"name": "a", "lat_deg": 1}], "n": 7},
            "eight",
            "missing required field (only 7 needs it)",
        ),
        (3, "", "a table"),
    ],
)  # fmt: skip
def test_what_only_the_whole_shows_is_found_too(value: object, where: str, expected: str) -> None:
    """Lengths, tables that are none, and a record's own check."""
    (found,) = complaints(value, Outer)
    assert spelled(found.path) == where
    assert found.expected.startswith(expected)


def test_there_is_a_complaint_where_and_only_where_it_cannot_be_converted() -> None:
    """What is complained of is what msgspec refuses."""
    good = {"mode": "tv", "inner": [{"name": "a", "lat_deg": 1}]}
    assert list(complaints(good, Outer)) == []
    assert msgspec.convert(good, Outer).inner[0].lat_deg == 1


def test_a_secret_is_not_shown() -> None:
    """Where the document says that one may stand, and under a key that nobody knows."""
    hush: Steps = ("mode",)
    text = 'mode = "hush"\nmdoe = "hush"\n'
    file = Document(Path("x.toml"), text, tomllib.loads(text), is_secret=lambda steps: steps == hush)
    with pytest.raises(InputError) as caught:
        record_of(file, Outer)
    assert all("hush" not in str(each) for each in (caught.value, *caught.value.also))
