"""Where a value of a TOML file is written."""

import pytest

from eew.model.document import floats, likely_name, line_of, place_of_complaint, read_toml, spelled, value_at
from eew.model.errors import InputError, ProfileError

TEXT = """\
title = "a = b"
'quoted' = 1
notes = \'\'\'
[event]
title = 3
\'\'\'
list = [
  [1.5, 2],
]

[event]
a.b = 0.5

[[ levels . "critical" ]]
x = 1
[[levels.critical]]
x = 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 1),
        (("quoted",), 2),
        (("notes",), 3),
        (("list", 0, 1), 8),
        (("event",), 11),
        (("event", "a"), 12),
        (("event", "a", "b"), 12),
        (("event", "missing"), 11),
        (("levels",), 14),
        (("levels", "critical", 0, "x"), 15),
        (("levels", "critical", 1), 16),
        (("levels", "critical", 1, "x"), 17),
        (("missing",), None),
        ((), None),
    ],
)
def test_a_path_has_the_line_it_begins_on(path: tuple[str | int, ...], line: int | None) -> None:
    """Or that of the nearest table around it; what stands in a text of several lines is none."""
    assert line_of(TEXT, path) == line


def test_every_float_has_its_path() -> None:
    """In tables and lists, to any depth; a path leads back to its value."""
    _, tables = read_toml(TEXT.encode(), "x.toml")
    found = dict(floats(tables))
    assert found == {("list", 0, 0): 1.5, ("event", "a", "b"): 0.5}
    assert all(value_at(tables, path) == value for path, value in found.items())
    assert [spelled(path) for path in found] == ["list[0][0]", "event.a.b"]


@pytest.mark.parametrize("path", [("title", "x"), ("list", 9), ("event", 0), ("missing",)])
def test_nothing_stands_where_nothing_is(path: tuple[str | int, ...]) -> None:
    """A path may lead anywhere."""
    assert value_at(read_toml(TEXT.encode(), "x.toml")[1], path) is None


def test_a_complaint_is_taken_apart() -> None:
    """As msgspec words it, with a place and without."""
    assert place_of_complaint("Expected `int`, got `str` - at `$.a[3].b`") == (
        "Expected `int`, got `str`",
        ("a", 3, "b"),
    )
    assert place_of_complaint("Expected `object`") == ("Expected `object`", ())


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    """Some editors begin a file with one; what is no UTF-8 is found behind it, too."""
    assert read_toml(b"\xef\xbb\xbfa = 1\n", "x.toml") == ("a = 1\n", {"a": 1})
    with pytest.raises(InputError) as caught:
        read_toml(b"\xef\xbb\xbfa = 1\n# caf\xe9\n", "x.toml")
    assert (caught.value.line, caught.value.value) == (2, b"\xe9")


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"a = 1\nb = \n", 2), (b"a = 1\n\n# caf\xe9\n", 3), (b"a = 1\nb = [1,\n2\n\n", 3)],
    ids=["toml", "utf-8", "end"],
)
def test_what_is_no_toml_is_an_error_of_the_kind_asked_for(content: bytes, line: int | None) -> None:
    """With file and line."""
    with pytest.raises(InputError, match="TOML") as caught:
        read_toml(content, "x.toml", ProfileError)
    assert (type(caught.value), caught.value.file, caught.value.line) == (ProfileError, "x.toml", line)


@pytest.mark.parametrize(
    ("word", "names", "likely"),
    [
        ("latitude", ("magnitude", "magnitude_type", "lat_deg", "lon_deg"), "lat_deg"),
        ("longitude", ("magnitude", "lat_deg", "lon_deg"), "lon_deg"),
        ("depth", ("magnitude", "depth_km"), "depth_km"),
        ("depth_m", ("magnitude", "depth_km"), "depth_km"),
        ("depht_km", ("magnitude", "depth_km"), "depth_km"),
        ("mag", ("magnitude", "magnitude_type"), "magnitude"),
        ("Report-No", ("report_no", "reports"), "report_no"),
        ("mdoe", ("mode", "qos"), "mode"),
        ("qso", ("mode", "qos"), "qos"),
        ("reconect_s", ("broker", "reconnect_s"), "reconnect_s"),
        ("origin", ("origin_at", "origin_s"), None),
        ("altitude", ("magnitude", "lat_deg"), None),
        ("keyboard", ("key", "qos"), None),
        ("x", ("mode", "qos"), None),
        ("colour", ("mode", "qos"), None),
    ],
)
def test_a_name_is_likely_only_where_it_is(word: str, names: tuple[str, ...], likely: str | None) -> None:
    """Spelled out, abbreviated, in another unit or mistyped; nothing is guessed at between two, or without a reason."""
    assert likely_name(word, names) == likely
