"""Damage to messages of feeds: what lines, programs and attackers do to them; all from a seed."""

import random
import re
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["MUTATORS", "Mutator", "mutated"]

Mutator = Callable[[random.Random, bytes, Sequence[bytes]], bytes]

_NUMBER: Final = re.compile(rb"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_JSON_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_JSON_MEMBER: Final = re.compile(
    rb'"[^"\\]*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[^\s,{}\[\]"]+|\[[^\[\]{}]*\]|\{[^{}]*\})\s*,?'
)
_JSON_VALUE: Final = re.compile(rb'(?<=:)\s*(?:"(?:[^"\\]|\\.)*"|[^\s,{}\[\]"]+)')
_XML_ELEMENT: Final = re.compile(rb"<([\w:.-]+)(?:\s[^<>]*)?(?:/>|>[^<>]*</\1>)")
_XML_TEXT: Final = re.compile(rb"(?<=>)[^<>]+(?=<)")
_XML_ATTRIBUTE: Final = re.compile(rb'\s[\w:.-]+="[^"]*"')
_TIME: Final = re.compile(rb"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?|\b\d{12,14}\b")
_WORD: Final = re.compile(rb"[^\s<>\"{}\[\],:=/]+")

_NUMBERS: Final = (
    b"NaN", b"nan", b"-nan", b"Infinity", b"-Infinity", b"inf", b"1e999", b"-1e999", b"1e308", b"5e-324", b"-0",
    b"-0.0", b"0", b"-1", b"-200", b"-999", b"91", b"-181", b"360.1", b"1e2", b"0x10", b"1_000", b"+5",
    b"00012", b"2147483648", b"9223372036854775808", b"18446744073709551616", b"-9223372036854775809",
    b"253402300800000", b"-62135596800001", b"1e18", b"1.", b".5", b"--1", b"1e", b"9" * 400, b"9" * 5000,
    b"0." + b"1" * 5000, b"1e" + b"9" * 50, "１２".encode(), "٣".encode(), "²".encode(), b"",
)  # fmt: skip
_TIMES: Final = (
    b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"0001-01-01T00:00:00Z",
    b"9999-12-31T23:59:59.999999Z", b"0000-00-00T00:00:00Z", b"2024-02-30T00:00:00Z", b"2024-04-17T24:00:00Z",
    b"2024-04-17T23:59:60Z", b"2024-04-17 23:14:54", b"2024/04/17 23:14:54", b"2024-04-17T23:14:54+99:99",
    b"2024-04-17T23:14:54.123456789012345678901234567890Z", b"2024-W16-3", b"20240417", b"2024-04-17",
    b"10000-01-01T00:00:00Z", b"-0001-01-01T00:00:00Z", b"99999999999999", b"00000000000000", b"20240230250000",
    b"//////////////", b"", "２０２４-04-17T23:14:54Z".encode(),
)  # fmt: skip
_VALUES: Final = (
    b"null", b"true", b"false", b"[]", b"{}", b'""', b'" "', b"0", b"-1", b"1e999", b"NaN", b"[[]]", b"[null]",
    b"[{}]", b'{"":null}', b'"\\u0000"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"+/#"', b'"\\n\\r"', b'"true"',
    b'"NaN"', b"12345678901234567890123",
)  # fmt: skip
_TEXTS: Final = (
    b"", b" ", b"\n", b"NaN", b"null", b"over", b"&#0;", b"&#xD800;", b"&#x110000;", b"&amp;&lt;", b"&nbsp;",
    b"<![CDATA[]]>", b"<!-- -->", b"<x/>", "通常".encode(), "取消".encode(), "訓練".encode(),
    b"+91.0+181.0-99999999/", b"+1+2+3+4+5/", b"+-+-/", b"//////", "１２３".encode(), b"\x00", "\ufffe".encode(),
    "\U0001f300".encode(), b"a" * 70,
)  # fmt: skip
_NOT_UTF8: Final = (
    b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80", b"\xe3\x81", b"\x80", b"\x00", b"\xef\xbb\xbf", b"\x1b$B", b"\x82\xa0",
)  # fmt: skip
_BOMBS: Final = (
    b'<!DOCTYPE r [<!ENTITY a0 "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 12))
    + b"]>",
    b'<!DOCTYPE r [<!ENTITY a11 "' + b"x" * 100_000 + b'">]>',
    b'<!DOCTYPE r [<!ENTITY a11 SYSTEM "file:///etc/hostname">]>',
    b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">',
    b'<!DOCTYPE r [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
    b'<!DOCTYPE r [<!ENTITY a11 "&a11;">]>',
    b'<!DOCTYPE r [<!ATTLIST r x CDATA "' + b"y" * 1000 + b'">]>',
)
#: How deep messages are nested: around the limits of parsers, and far beyond.
_DEPTHS: Final = (20, 300, 1200, 20_000)
#: How often a piece is repeated; the last is more than any message.
_TIMES_REPEATED: Final = (2, 2, 2, 10, 300)
_LARGE_BYTES: Final = 1 << 20
_ENCODINGS: Final = ("utf-16", "utf-16-le", "utf-32", "utf-7", "shift_jis", "euc_jp", "utf-8-sig", "cp037")
#: One in so many is made large: it costs as much as a hundred others.
_LARGE_EVERY: Final = 300


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return one of the messages, damaged one to four times."""
    data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        data = rng.choice(MUTATORS)(rng, data, seeds)
    if rng.randrange(_LARGE_EVERY) == 0:
        data = _large(rng, data)
    return data


def _flip(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Change some bits or bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 40)) if changed else 0):
        changed[rng.randrange(len(changed))] ^= rng.choice((1, 2, 4, 8, 16, 32, 64, 128, 255))
    return bytes(changed)


def _truncate(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Keep the beginning, the end, or all but a piece."""
    first, second = sorted(rng.randint(0, len(data)) for _ in range(2))
    return rng.choice((data[:second], data[first:], data[:first] + data[second:]))


def _duplicate(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Say a piece or the whole again, or go on as another message."""
    first, second = sorted(rng.randint(0, len(data)) for _ in range(2))
    piece = data[first : min(second, first + 2000)]
    other = rng.choice(seeds)
    return rng.choice(
        (
            data[:second] + piece * rng.choice(_TIMES_REPEATED) + data[second:],
            data + data,
            data + b"\n" + other,
            data[:first] + other[min(first, len(other)) :],
        )
    )


def _swap_numbers(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Put one number of the message in another's place."""
    other = _found(rng, data, _NUMBER)
    return data if other is None else _replaced(rng, data, _NUMBER, (other[0],))


def _huge_number(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Put a number there that is huge, none, or none at all."""
    return _replaced(rng, data, _NUMBER, _NUMBERS)


def _strange_time(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Put a time there that is no time, or at the end of the calendar."""
    return _replaced(rng, data, _TIME, _TIMES)


def _drop(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Leave a member, an element, an attribute or a word out."""
    pattern = rng.choice((_XML_ELEMENT, _XML_ATTRIBUTE, _WORD) if _is_xml(data) else (_JSON_MEMBER, _WORD))
    return _replaced(rng, data, pattern, (b"",))


def _strange_value(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Put a value of another type or sense there."""
    if _is_xml(data):
        return _replaced(rng, data, _XML_TEXT, _TEXTS)
    return _replaced(rng, data, _JSON_VALUE, _VALUES) if b'":' in data else _replaced(rng, data, _WORD, _TEXTS)


def _swap_values(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Put a value in the place of another, of this message or another."""
    pattern = _XML_TEXT if _is_xml(data) else _JSON_STRING if b'"' in data else _WORD
    other = _found(rng, rng.choice((data, rng.choice(seeds))), pattern)
    return data if other is None else _replaced(rng, data, pattern, (other[0],))


def _nest(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Nest a value, or the whole, deeply."""
    depth = rng.choice(_DEPTHS)
    if _is_xml(data):
        opened, closed, pattern = b"<a>", b"</a>", _XML_TEXT
    else:
        opened, closed = rng.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"[", b"")))
        pattern = _JSON_VALUE
    inside = rng.choice((b"1", b""))
    nested = opened * depth + inside + closed * depth
    return rng.choice((nested, opened * depth + data + closed * depth, _replaced(rng, data, pattern, (nested,))))


def _not_utf8(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Put bytes there that are no UTF-8."""
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(_NOT_UTF8) + data[at:]


def _encoded(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Write the message in another encoding, or say that it is in one."""
    encoding = rng.choice(_ENCODINGS)
    if rng.random() < 0.5:
        return data.replace(b"UTF-8", encoding.encode(), 1)
    return data.decode(errors="replace").encode(encoding, errors="replace")


def _bomb(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Declare entities that grow, or that are someone's files, and refer to them."""
    head = data.find(b"?>") + 2 if data.startswith(b"<?xml") else 0
    referring = _replaced(rng, data[head:], _XML_TEXT, (b"&a11;", b"&a11;" * 1000))
    return data[:head] + rng.choice(_BOMBS) + referring


def _large(rng: random.Random, data: bytes) -> bytes:
    """Make a message of a megabyte of it."""
    at = rng.randint(0, len(data))
    filling = rng.choice((b" ", b"a", b"1", b"[", b"<a>", b"\n", b"\xe3\x81\x82", b'"a":1,', b"[1],", b"<a/>", b"-"))
    return data[:at] + filling * (_LARGE_BYTES // len(filling)) + data[at:]


def _replaced(rng: random.Random, data: bytes, pattern: re.Pattern[bytes], values: Sequence[bytes]) -> bytes:
    place = _found(rng, data, pattern)
    return data if place is None else data[: place.start()] + rng.choice(values) + data[place.end() :]


def _found(rng: random.Random, data: bytes, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
    """Return a place that the pattern matches, after a random one: messages are long, and all places are many."""
    return pattern.search(data, rng.randint(0, len(data))) or pattern.search(data)


def _is_xml(data: bytes) -> bool:
    return data.lstrip()[:1] == b"<"


MUTATORS: Final[tuple[Mutator, ...]] = (
    _flip,
    _truncate,
    _duplicate,
    _swap_numbers,
    _huge_number,
    _strange_time,
    _drop,
    _strange_value,
    _swap_values,
    _nest,
    _not_utf8,
    _encoded,
    _bomb,
)
