"""Lengths as cell broadcast counts them, and names made to fit."""

import unicodedata

__all__ = ["LONG", "SHORT", "clean", "length", "shortened"]

#: Characters of a wireless emergency alert in the United States, on the oldest phones and on today's [WEA-LENGTH].
SHORT = 90
LONG = 360

_ELLIPSIS = "…"
#: Where a name of several words may end.
_BREAKS = " -/,、，・"


def length(text: str) -> int:
    """Return the length of a text in UTF-16 code units.

    WEA's 90 and 360 are characters of the 7-bit alphabet, of which a page of cell broadcast has 93. Any other letter,
    a Turkish ş or a kanji, makes the whole message UCS-2 with 41 a page [TS23038]. There one beyond the basic plane
    takes two, so it counts twice here. A phone that joins pages shows 90 of them on three, 360 on nine.
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(name: str) -> str:
    """Return an agency's name as one line of letters, digits and punctuation: no control characters, no emoji."""
    composed = unicodedata.normalize("NFC", name)
    kept = (
        ""
        if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk"} and not letter.isspace()
        else letter
        for letter in composed
    )
    # Variation selectors only follow emoji here.
    return " ".join("".join(letter for letter in kept if not "\ufe00" <= letter <= "\ufe0f").split())


def shortened(name: str, room: int) -> str | None:
    """Return a name cut at the end of a word so that it fits, with an ellipsis; ``None`` where not a word of it does.

    Scripts without spaces are cut between two letters, and keep two of them at least.
    """
    if length(name) <= room:
        return name
    for end in range(min(len(name) - 1, max(room, 0)), 0, -1):
        head = name[:end].rstrip(_BREAKS)
        if head and _is_end_of_word(name, end) and length(head) + 1 <= room:
            return head + _ELLIPSIS
    return None


def _is_end_of_word(name: str, end: int) -> bool:
    if name[end] in _BREAKS:
        return True
    # The next letter may belong to this one.
    if unicodedata.combining(name[end]):
        return False
    return end >= 2 and _has_no_spaces(name[end - 1]) and _has_no_spaces(name[end])


def _has_no_spaces(letter: str) -> bool:
    """Return whether a letter is of a script that is written without spaces: kanji, kana."""
    return "\u3040" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff" or letter >= "\U00020000"
