"""Server-sent events: the data of each, however the stream is cut."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eew.feed.transports.event_stream import EventStream


def events_of(*chunks: bytes, max_bytes: int = 100) -> list[bytes]:
    stream = EventStream(max_bytes)
    return [data for chunk in chunks for data in stream.events(chunk)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"data: [1]\n\n", [b"[1]"], id="one"),
        pytest.param(b"data:[1]\ndata: 2\n\ndata\n\n", [b"[1]\n2", b""], id="lines are joined"),
        pytest.param(b"data:  x\r\n\r\ndata: y\r\r", [b" x", b"y"], id="any line end; one space goes"),
        pytest.param(b": still here\n\nevent: eew\nid: 7\nretry: 100\n\n", [], id="no data"),
        pytest.param(b"\xef\xbb\xbfdata: x\n\n", [b"x"], id="byte order mark"),
        pytest.param(b"data: cut", [], id="cut off"),
        pytest.param(b"data: cut\n", [], id="cut off at a line"),
    ],
)
def test_the_data_of_an_event_are_its_data_lines(stream: bytes, expected: list[bytes]) -> None:
    """By the rules of the HTML standard."""
    assert events_of(stream) == expected


@example([19, 19])
@given(st.lists(st.integers(0, 60), max_size=6))
@example([19, 19])
def test_it_does_not_matter_how_a_stream_is_cut(cuts: list[int]) -> None:
    """Not even within the two bytes of a line's end."""
    stream = b": hello\r\ndata: [1,\r\ndata: 2]\r\n\r\nevent: x\rdata: y\r\rdata:z\n\n"
    at = [0, *sorted(cuts), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(at)]
    assert events_of(*chunks) == [b"[1,\n2]", b"y", b"z"]


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 101, b"data: 0123456789\n" * 10, b"x" * 101])
def test_an_event_that_is_too_long_is_a_lost_connection(stream: bytes) -> None:
    """Whether its line has an end or not."""
    with pytest.raises(ConnectionError, match="more than 100 bytes"):
        events_of(stream)
