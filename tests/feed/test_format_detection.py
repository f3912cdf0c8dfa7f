"""A file that is not what it was taken for says what it looks like."""

import functools
from pathlib import Path

import pytest

from benchmarks.feed_seeds import made_messages, real_messages, rendered_messages
from eew.cli.main import main
from eew.feed.format_detection import likeness, looks_like
from eew.feed.scenario import load_scenario, scenario_path
from eew.feed.wire_format import FORMATS, wire_format

SUSPECTS = {
    "jma-xml": "bungo-2024",
    "jma-telegram": "bungo-2024",
    "usgs": "luding-2022",
    "cap": "tohoku-2011",
    "fdsn-text": "luding-2022",
    "icl": "luding-2022",
}


@functools.cache
def message(name: str) -> bytes:
    return wire_format(name).render(load_scenario(scenario_path(SUSPECTS[name])).reports[0])


@pytest.mark.parametrize("name", FORMATS)
def test_every_message_of_a_format_is_recognised(name: str) -> None:
    """As no other: all that it can say of the shipped scenarios, one of three."""
    for data in rendered_messages(wire_format(name))[::3] + made_messages(name):
        assert looks_like(data) == (name,)


@pytest.mark.reference_data
def test_every_real_message_is_recognised(reference_data: Path) -> None:
    """Tests without an earthquake and heartbeats, too."""
    taken_for = {name: {looks_like(data) for data in real_messages(name, reference_data)[::2]} for name in FORMATS}
    found = {name: each for name, each in taken_for.items() if each}
    assert len(found) > 4
    assert found == {name: {(name,)} for name in found}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("dmdata-websocket/body.json", "dmdata"),
        ("formats-not-read/attac-cap.xml", "cap"),
        ("formats-not-read/sasmex-cap11.xml", "cap"),
        ("formats-not-read/emsc-fdsn.json", "emsc-fdsn"),
        ("formats-not-read/exptech-cwa.json", "exptech"),
        ("formats-not-read/fanstudio-cea.json", "fanstudio"),
        ("formats-not-read/kmoni.json", "kmoni"),
        ("formats-not-read/wolfx-cwa.json", "wolfx-cwa"),
        ("usgs-ids/feed.json", "usgs"),
        ("vs-sentinels/vs-no-depth.xml", "shakealert"),
        ("wolfx-fj/r1.json", "wolfx-fj"),
        ("wolfx-jma-assumed/r14.json", "wolfx-jma"),
    ],
)
@pytest.mark.reference_data
def test_recorded_messages_are_recognised(path: str, name: str, reference_data: Path) -> None:
    """Wolfx' of China tell their kind on a WebSocket only: then all that they may be are named."""
    file = reference_data.parent / "cases" / path
    if not file.is_file():
        pytest.skip(f"no {file}")
    assert name in looks_like(file.read_bytes())


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"{}", b"null", b"[{}]", b"hello", b"\xff\xfe", b"\x00" * 9, b"42", b'"text"', b'{"type":"x"}'),
        *(
            b"<a/>",
            b"<html><body/></html>",
            b"<alert/>",
            b'<!DOCTYPE a [<!ENTITY b "c">]><alert/>',
            b"id,lat\n1,2\n",
            b"a|b",
        ),
        *(b'title = "x"\n', b'{"code":551}', b'{"features":[],"type":"Topology"}', b"[" * 100_000, b"<a>" * 30_000),
    ],
    ids=repr,
)
def test_garbage_looks_like_nothing(data: bytes) -> None:
    """Nor does it break anything."""
    assert looks_like(data) == ()


def test_what_is_of_the_format_is_not_said_to_look_like_another() -> None:
    """And lines that are messages each are told as such."""
    assert likeness(message("usgs"), "usgs") is None
    assert likeness(b"nothing", "usgs") is None
    assert likeness(message("usgs"), "icl") == "it looks like usgs"
    lines = b"\n".join([message("icl")] * 2)
    assert likeness(lines, "native") == "its lines look like icl, a message each, as standard input takes them"


@pytest.mark.parametrize(
    ("name", "taken_for"),
    [("jma-xml", "native"), ("usgs", "emsc"), ("cap", "quakeml"), ("fdsn-text", "jma-telegram"), ("icl", "native")],
)
def test_listen_says_in_one_line_what_a_file_looks_like(
    name: str, taken_for: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not a complaint about each of its lines; exit 1, as for any message that is rejected."""
    path = tmp_path / "feed.dat"
    path.write_bytes(message(name))
    assert main(["feed", "listen", str(path), "--format", taken_for]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    first, counters = err.splitlines()
    expected = f"{FORMATS[taken_for].title} ({taken_for}); it looks like {name} (choose it with --format)"
    assert first == f"rejected: {path}: expected {expected}"
    assert "rejected 1," in counters
    assert taken_for == "native" or "(over)" in counters


def test_a_file_that_is_ignored_says_what_it_looks_like_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the format has another word for may be a report of another one; what it knows itself is its own."""
    path = tmp_path / "cwa.json"
    path.write_bytes(wire_format("wolfx-cwa").render(load_scenario(scenario_path("luding-2022")).reports[0]))
    assert main(["feed", "listen", str(path), "--format", "wolfx-jma"]) == 0
    line = f"ignored: {path}: cwa_eew, not jma_eew; it looks like wolfx-cwa (choose it with --format)"
    assert capsys.readouterr().err.splitlines()[0] == line
    path = tmp_path / "quarry.json"
    path.write_bytes(message("usgs").replace(b'"earthquake"', b'"quarry blast"'))
    assert main(["feed", "listen", str(path), "--format", "usgs"]) == 0
    assert capsys.readouterr().err.splitlines()[0] == f"ignored: {path}: no earthquake but quarry blast"


def test_a_file_of_the_format_with_something_wrong_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It looks like nothing else."""
    path = tmp_path / "feed.json"
    for name, member, field in (("usgs", "updated", "features[0].properties"), ("icl", "updateAt", "data[0]")):
        path.write_bytes(message(name).replace(f'"{member}"'.encode(), b'"upgraded"'))
        assert main(["feed", "listen", str(path), "--format", name]) == 1
        assert f"{field}.{member}: missing required field" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["replay", "r.jsonl"],
        ["replay", "r.xml"],
        ["cap", "r.jsonl"],
        ["scenarios", "show", "r.xml"],
        ["feed", "serve", "r.jsonl", "--as", "native"],
        ["feed", "compare", "r.xml", "--format", "dmdata", "--areas", "areas.json"],
    ],
    ids=" ".join,
)
def test_whoever_reads_a_file_says_what_it_looks_like(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input, exit 2, in one line."""
    monkeypatch.chdir(tmp_path)
    for name in ("r.jsonl", "r.xml"):
        Path(name).write_bytes(message("jma-xml"))
    ring = "[[[131,33],[132,33],[132,34],[131,33]]]"
    Path("areas.json").write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"1","name":"a"},'
        f'"geometry":{{"type":"Polygon","coordinates":{ring}}}}}]}}'
    )
    assert main(words) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "it looks like jma-xml" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["areas.json", "r.jsonl", "r.xml"]
