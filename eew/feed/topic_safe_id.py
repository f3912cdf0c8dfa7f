"""Agencies' names of events as ids that are safe in one topic level, and back."""

import re

__all__ = ["agency_name", "topic_safe_id"]

#: An underline is written so, too, where what follows would make it look like a byte written so.
_NO_WORD = re.compile(rb"[^A-Za-z0-9_-]|_(?=x[0-9A-F]{2})")
_MAX_LENGTH = 64
_BYTE = re.compile(rb"_x([0-9A-F]{2})")


def topic_safe_id(name: str) -> str:
    """Return a name as it may stand in one topic level: each byte that may not is written ``_x`` and two hex digits.

    Two names never become one; a name of letters, digits, ``-`` and ``_`` is (but for ``_x2E`` and the like) itself.
    So is one that is longer than any word may be: it will be refused.
    """
    if len(name) > _MAX_LENGTH:
        return name
    data = name.encode(errors="surrogatepass")
    return _NO_WORD.sub(lambda found: b"_x%02X" % found[0][0], data).decode("ascii")


def agency_name(word: str) -> str:
    """Return the name of which ``topic_safe_id`` makes a word; a word that it makes of no name is returned as it is."""
    try:
        name = _BYTE.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), word.encode()).decode()
    except UnicodeDecodeError:
        return word
    return name if topic_safe_id(name) == word else word
