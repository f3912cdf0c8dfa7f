"""On which line of a TOML text each key and each element of a list begins.

tomllib keeps no places, so the text is walked once more. Only a text that tomllib has read is given here: nothing is
checked, and what tomllib would refuse has no meaning.
"""

import re
import tomllib
from bisect import bisect_left
from functools import lru_cache

__all__ = ["Steps", "lines_by_path"]

#: Keys and indices from the top of a document down to a value.
Steps = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*+")
_SPACE = re.compile(r"[ \t]*+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]++")
#: The quotes that close a text of several lines may follow one or two that belong to it.
_TEXT = re.compile(
    r'"""(?:\\.|[^"\\]|"(?!""))*+"{3,5}'
    r"|'''(?:[^']|'(?!''))*+'{3,5}"
    r'|"(?:\\.|[^"\\])*+"'
    r"|'[^']*+'",
    re.DOTALL,
)
_OTHER = re.compile(r"[^,\]}#\n]++")


@lru_cache(maxsize=4)
def lines_by_path(text: str) -> dict[Steps, int]:
    """Return the line, counted from 1, on which each value of a document begins.

    Returns
    -------
    dict
        By path. A key has the line on which it stands, a table that of its header, or where it is first named if it has
        none; an element of a list the line of its first character.
    """
    return _Walk(text).lines


class _Walk:
    """One walk over a text, from its first character to its last."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Steps, int] = {}
        self._text = text
        self._at = 0
        self._line_ends = [match.start() for match in re.finditer("\n", text)]
        #: How many tables each list of tables has so far.
        self._n_tables: dict[Steps, int] = {}
        table: Steps = ()
        while self._skip(_BLANK) < len(text):
            if self._found("["):
                table = self._header()
            else:
                self._assignment(table)

    @property
    def _line(self) -> int:
        return bisect_left(self._line_ends, self._at) + 1

    def _skip(self, blank: re.Pattern[str]) -> int:
        match = blank.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at

    def _found(self, mark: str) -> bool:
        """Step over a mark if it is next."""
        is_next = self._text.startswith(mark, self._at)
        self._at += len(mark) * is_next
        return is_next

    def _header(self) -> Steps:
        """Take ``[a.b]`` or ``[[a.b]]``, its first bracket gone; return where what follows belongs."""
        line, is_list = self._line, self._found("[")
        *above, last = self._keys()
        self._at += 2 if is_list else 1
        path: Steps = ()
        for key in above:
            path = self._newest((*path, key), line)
        path = (*path, last)
        if not is_list:
            self.lines[path] = line
            return path
        self._n_tables[path] = self._n_tables.get(path, 0) + 1
        return self._newest(path, line)

    def _newest(self, path: Steps, line: int) -> Steps:
        """Return a path, into the newest of its tables where it is a list of tables; at the latest it begins here."""
        self.lines.setdefault(path, line)
        if path in self._n_tables:
            path = (*path, self._n_tables[path] - 1)
            self.lines.setdefault(path, line)
        return path

    def _assignment(self, path: Steps) -> None:
        """Take ``a.b = value`` in the table at a path."""
        line = self._line
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._found("=")
        self._skip(_BLANK)
        self._value(path)

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            match = _BARE_KEY.match(self._text, self._at) or _TEXT.match(self._text, self._at)
            word = match[0] if match else ""
            self._at += len(word) or 1
            # What a quoted key means is read by who knows.
            keys.append(word if word[:1] not in {'"', "'"} else next(iter(tomllib.loads(f"{word} = 0"))))
            self._skip(_SPACE)
            if not self._found("."):
                return keys

    def _value(self, path: Steps) -> None:
        if self._found("["):
            index = 0
            while self._skip(_BLANK) < len(self._text) and not self._found("]"):
                here = (*path, index)
                self.lines[here] = self._line
                self._value(here)
                self._skip(_BLANK)
                index += self._found(",")
        elif self._found("{"):
            while self._skip(_BLANK) < len(self._text) and not self._found("}"):
                self._assignment(path)
                self._skip(_BLANK)
                self._found(",")
        else:
            match = _TEXT.match(self._text, self._at) or _OTHER.match(self._text, self._at)
            # It goes on in any case, so that the walk ends whatever the text is.
            self._at = match.end() if match else self._at + 1
