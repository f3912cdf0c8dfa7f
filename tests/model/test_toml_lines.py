"""Lines of a TOML document, against documents whose places are known because each line was written here."""

import tomllib
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from eew.model.document import line_of, value_at
from eew.model.toml_lines import Steps

#: What confuses who reads line by line.
NASTY = st.sampled_from([
    "'''", '"""', "[a]", "[[a]]", "a = 1", "# no comment", "=", "\\", "{", "}", "]", ",", "\u2028", "\x85", "é",
    '"', "'", "\t", ".", "a.b = '''", '""', "''",
])  # fmt: skip
TEXTS = st.lists(NASTY | st.text("abc =[]{}#'\"\\,.", max_size=4), max_size=6).map("".join)
KEYS = st.text("abz_-09", min_size=1, max_size=3) | TEXTS


class Writer:
    """A document as it grows, and the line on which each path was begun."""

    def __init__(self, end: str, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.text = ""
        self.lines: dict[Steps, int] = {}
        self._end = end
        self._draw = draw

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def put(self, words: str) -> None:
        self.text += words.replace("\n", self._end)

    def noise(self, *, is_open: bool = False) -> None:
        """Write what means nothing; over several lines where that is allowed."""
        comment = "# " + self._draw(TEXTS)
        choices = ["", " ", "\t", f"\n{comment}\n", "\n\n", f"{comment}\n"] if is_open else ["", " ", "\t"]
        self.put(self._draw(st.sampled_from(choices)))

    def key(self, key: str) -> None:
        is_bare = bool(key) and all(each in "abz_-09" for each in key)
        how = self._draw(st.sampled_from(["bare"] * is_bare + ["basic"] + ["literal"] * ("'" not in key)))
        # A control character may not stand in a literal text, but for the tab.
        if how == "literal" and "\x85" in key:
            how = "basic"
        self.put({"bare": key, "basic": basic(key), "literal": f"'{key}'"}[how])

    def value(self, path: Steps, depth: int = 0) -> None:
        self.lines.setdefault(path, self.line)
        kind = self._draw(
            st.sampled_from(["number", "date", "text", "basic", "literal", *["list", "table"] * (depth < 2)])
        )
        if kind == "number":
            self.put(self._draw(st.sampled_from(["1", "-2.5", "inf", "true", "1_000", "0x1f"])))
        elif kind == "date":
            self.put("1979-05-27 07:32:00Z")
        elif kind == "text":
            self.put(basic(self._draw(TEXTS)))
        elif kind == "basic":
            parts = [basic(each)[1:-1] for each in self._draw(st.lists(TEXTS, max_size=3))]
            # Quotes of its own: within, and right before the end.
            inner = self._draw(st.sampled_from(["\n", '"\n', '""\n', "\\\n", "'''\n"])).join(parts)
            self.put(f'"""{inner}{self._draw(st.sampled_from(["", chr(34), chr(34) * 2]))}"""')
        elif kind == "literal":
            parts = [each.replace("'", "") for each in self._draw(st.lists(TEXTS, max_size=3))]
            inner = self._draw(st.sampled_from(["\n", "'\n", "''\n", '"""\n'])).join(parts)
            self.put(f"'''{inner}{self._draw(st.sampled_from(['', chr(39), chr(39) * 2]))}'''")
        elif kind == "list":
            self.put("[")
            n = self._draw(st.integers(0, 3))
            for index in range(n):
                self.noise(is_open=True)
                self.value((*path, index), depth + 1)
                self.noise(is_open=True)
                self.put("," if index < n - 1 or self._draw(st.booleans()) else "")
            self.noise(is_open=True)
            self.put("]")
        else:
            self.put("{")
            keys = self._draw(st.lists(KEYS, max_size=3, unique=True))
            for index, key in enumerate(keys):
                self.put(", " if index else "")
                self.assignment(path, key, depth + 1)
            self.put("}")

    def assignment(self, table: Steps, key: str, depth: int = 0) -> None:
        self.noise()
        self.lines.setdefault((*table, key), self.line)
        self.key(key)
        path: Steps = (*table, key)
        if self._draw(st.booleans()):
            inner = self._draw(KEYS)
            self.noise()
            self.put(".")
            self.noise()
            self.lines.setdefault((*path, inner), self.line)
            self.key(inner)
            path = (*path, inner)
        self.noise()
        self.put("=")
        self.noise()
        line = self.line
        self.value(path, depth)
        assert self.lines[path] == line, "a value begins on the line of its key"
        self.noise()

    def table(self, path: Steps) -> None:
        for key in self._draw(st.lists(KEYS, max_size=3, unique=True)):
            # A table below has this name.
            if key == "sub":
                continue
            self.noise(is_open=True)
            self.assignment(path, key)
            self.put("\n")

    def header(self, *keys: str, marks: str) -> None:
        self.put(marks[: len(marks) // 2])
        for index, key in enumerate(keys):
            self.put("." if index else "")
            self.noise()
            self.key(key)
            self.noise()
        self.put(marks[len(marks) // 2 :])
        self.put(self._draw(st.sampled_from(["\n", " # [x]\n", "\t\n"])))


def basic(text: str) -> str:
    """Return a TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\x85", "\\u0085")
    return f'"{escaped}"'


@st.composite
def documents(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Writer:
    """Return documents of plain tables and lists of tables, with tables within each."""
    writer = Writer(draw(st.sampled_from(["\n", "\r\n"])), draw)
    writer.table(())
    used = {path[0] for path in writer.lines}
    for name in draw(st.lists(KEYS, max_size=3, unique=True)):
        if name in used:
            continue
        n = draw(st.integers(0, 3))
        for index in range(max(n, 1)):
            writer.noise(is_open=True)
            line = writer.line
            path: Steps = (name,) if n == 0 else (name, index)
            writer.lines.setdefault((name,), line)
            writer.lines[path] = line
            writer.header(name, marks="[]" if n == 0 else "[[]]")
            writer.table(path)
            if draw(st.booleans()):
                writer.lines[(*path, "sub")] = writer.line
                writer.header(name, "sub", marks="[]")
                writer.table((*path, "sub"))
    return writer


@given(documents())
@settings(max_examples=150, deadline=None)
def test_every_value_of_a_random_document_has_the_line_on_which_it_was_written(document: Writer) -> None:
    """Texts hold quotes, brackets, headers and line separators; the oracle is whoever wrote the lines."""
    tables = tomllib.loads(document.text)
    for path, line in document.lines.items():
        assert value_at(tables, path) is not None, path
        assert line_of(document.text, path) == line, (path, document.text)


@pytest.mark.parametrize(
    "text",
    ["quoted = \"it'''s\"\n", 'quoted = \'a """ b\'\n', "# it'''s\n", "list = [\"'''\", 1]\n", "k.\"'''\" = 1\n"],
    ids=["basic", "literal", "comment", "list", "key"],
)
def test_three_quotes_within_a_text_do_not_hide_what_follows(text: str) -> None:
    """The lines below are found as before."""
    assert line_of(text + "\n[event]\nlat_deg = 100\n", ("event", "lat_deg")) == text.count("\n") + 3


def test_a_table_within_the_newest_of_a_list_of_tables_is_found() -> None:
    """``[reports.extra]`` belongs to the report above it."""
    text = "[[reports]]\nno = 1\n[reports.extra]\na = 1\n[[reports]]\n[reports.extra]\n\na = 2\n"
    assert line_of(text, ("reports", 1, "extra", "a")) == 8
    assert line_of(text, ("reports", 1, "extra", "b")) == 6
