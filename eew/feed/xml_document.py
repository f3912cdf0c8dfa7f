"""The one reader of XML from outside: no declarations, and bounds on size, depth and number of elements."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast
from xml.etree import ElementTree as ET

from eew.model.errors import ReportDecodeError

__all__ = ["parsed_xml"]

#: The deepest message of any agency has 11 levels.
MAX_DEPTH = 64
#: Of elements, and of attributes. JMA's longest telegrams have some 2 500 elements.
MAX_PARTS = 20_000
#: Read piece by piece, so that what nests or branches without end is given up early.
_PIECE = 65_536


def parsed_xml(
    data: bytes, *, file: str | Path | None = None, root: str | tuple[str, ...], max_bytes: int = 2_000_000
) -> ET.Element:
    """Parse what holds no declarations: without them there are no entities to expand or to fetch.

    Parameters
    ----------
    data
        The document, UTF-8.
    file
        Where it came from, for the error.
    root
        What the outermost element must be called, whatever its namespace: one name or several to choose from.
    max_bytes
        What is longer is not read.

    Returns
    -------
    Element
        The outermost one.

    Raises
    ------
    ReportDecodeError
        If it is no such document, or too long, too deep or too branched.
    """
    if len(data) > max_bytes:
        raise ReportDecodeError(f"at most {max_bytes} bytes", file=file, field="size", value=len(data))
    try:
        # Decoded here, so that an encoding named in the document cannot hide a declaration from the next test.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReportDecodeError("UTF-8", file=file, value=data[:20]) from error
    # UTF-16 of plain letters is UTF-8, too, with a NUL beside each: the parser would take it for UTF-16 by itself.
    for forbidden, shown in (("<!DOCTYPE", "<!DOCTYPE"), ("<!ENTITY", "<!ENTITY"), ("\0", "NUL")):
        if forbidden in text:
            raise ReportDecodeError("a document without document type, entities or NUL", file=file, field=shown)
    if (n_equal := text.count("=")) > MAX_PARTS:
        raise ReportDecodeError(f"at most {MAX_PARTS} attributes", file=file, field="size", value=n_equal)
    try:
        element = _root_of(text, file)
    except (ET.ParseError, ValueError) as error:
        line = error.position[0] if isinstance(error, ET.ParseError) else None
        raise ReportDecodeError(f"well-formed XML ({error})", file=file, line=line) from error
    names = (root,) if isinstance(root, str) else root
    if element.tag.rpartition("}")[2] not in names:
        raise ReportDecodeError(f"{' or '.join(names)}, the root", file=file, field="root", value=element.tag)
    return element


def _root_of(text: str, file: str | Path | None) -> ET.Element:
    """Return the outermost element; raise the parser's own error where the text is not well-formed."""
    parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
    outermost: ET.Element | None = None
    depth = n_elements = 0
    for start in range(0, len(text), _PIECE):
        parser.feed(text[start : start + _PIECE])
        for event, element in cast("Iterator[tuple[str, ET.Element]]", parser.read_events()):
            if event == "end":
                depth -= 1
                continue
            outermost = element if outermost is None else outermost
            depth += 1
            n_elements += 1
            if depth > MAX_DEPTH:
                raise ReportDecodeError(f"at most {MAX_DEPTH} levels of elements", file=file, field="depth")
            if n_elements > MAX_PARTS:
                raise ReportDecodeError(f"at most {MAX_PARTS} elements", file=file, field="size")
    parser.close()
    if outermost is None:
        raise ValueError("no element found")
    return outermost
