"""Whatever the bytes, a reader of a feed answers or refuses; the long run is benchmarks/fuzz_feeds.py."""

import functools
import json
import random
import re

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from benchmarks.feed_seeds import made_messages, rendered_messages
from benchmarks.fuzz_feeds import LIMIT_S, Failed, check
from benchmarks.mutation import MUTATORS, Mutator, mutated
from eew.feed.parsed import Ignored, Parsed
from eew.feed.wire_format import FORMATS, wire_format
from eew.model.errors import ReportDecodeError
from eew.model.records import EventReport

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["", "NaN", "2024-04-17T23:14:54+09:00", "2024/04/17 23:14:54", "jma_eew", "create", "\ud800", "1e999"]
    ),
)
formats = pytest.mark.parametrize("name", FORMATS)
no_health = settings(max_examples=40, suppress_health_check=list(HealthCheck))


@functools.cache
def seeds_of(name: str) -> tuple[bytes, ...]:
    return (*rendered_messages(wire_format(name)), *made_messages(name))


@formats
@no_health
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"\x00")
@example(b"null")
@example(b"[]")
@example(b"{}")
@example(b"<a/>")
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    """Bytes of any kind give nothing worse than a ReportDecodeError."""
    check(wire_format(name), data)


@functools.cache
def json_of(name: str) -> st.SearchStrategy[object]:
    """Return JSON of any shape, with the members of a format's own messages, so that it gets past the first look."""
    members = {member.decode() for seed in seeds_of(name) for member in re.findall(rb'"(\w+)"\s*:', seed)}
    keys = st.sampled_from(sorted(members or {"a"}))
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=8),
        max_leaves=20,
    )


@formats
@no_health
@given(data=st.data())
def test_any_json_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """JSON of any shape and type, with members that the format knows, gives nothing worse than a ReportDecodeError."""
    check(wire_format(name), json.dumps(data.draw(json_of(name))).encode())


@formats
@no_health
@given(seed=st.integers(0, 2**32))
def test_damaged_messages_are_read_or_refused_in_time(name: str, seed: int) -> None:
    """A damaged message costs no more than 100 ms of processor time, and what is read of it can be passed on."""
    data = mutated(random.Random(seed), seeds_of(name))  # noqa: S311 - it must come again
    if check(wire_format(name), data)[1] > LIMIT_S:
        # Whatever else the process had to do then, it has not to do again.
        assert min(check(wire_format(name), data)[1] for _ in range(3)) <= LIMIT_S


@pytest.mark.parametrize("mutator", MUTATORS)
def test_every_mutator_changes_messages(mutator: Mutator) -> None:
    """No kind of damage is without effect, and all of it comes again from its seed."""
    seeds = [b'{"a":"2024-04-17T23:14:54Z","b":{"c":1.5,"d":"x"}}', b'<?xml version="1.0"?><a b="1">2<c>3</c></a>']
    first, second = (
        [mutator(random.Random(number), seed, seeds) for seed in seeds for number in range(30)]  # noqa: S311 - a seed
        for _ in range(2)
    )
    assert first == second
    assert len(set(first) - set(seeds)) >= 5


class Broken:
    """A reader with a fault of one kind."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def parse(self, data: bytes, **_: object) -> tuple[Parsed, ...]:
        """Do what no reader may."""
        match self.fault:
            case "error":
                raise KeyError("depth")
            case "text":
                error = ReportDecodeError("x")
                error.args = ("x" * 5000,)
                raise error
            case "surrogate":
                raise ReportDecodeError("\ud800")
            case "nothing":
                return ()
            case "place":
                (report,) = wire_format("native").parse(seeds_of("native")[0])
                assert isinstance(report, EventReport)
                return (_with_place(report),)
        return (Ignored(data.decode()),)

    def render(self, report: EventReport) -> bytes:
        raise NotImplementedError


def _with_place(report: EventReport) -> EventReport:
    return msgspec.structs.replace(report, place="\ud800")


@pytest.mark.parametrize("fault", ["error", "text", "surrogate", "nothing", "place"])
def test_faults_are_found(fault: str) -> None:
    """Each thing that a reader must not do is seen when it does it."""
    with pytest.raises(Failed):
        check(Broken(fault), b"x")
    assert check(Broken("none"), b"x")[0] == "ignored"
