"""The one reader of XML: what it refuses before it costs anything."""

import pytest

from eew.feed.xml_document import MAX_DEPTH, MAX_PARTS, parsed_xml
from eew.model.errors import ReportDecodeError

BOMB = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r>&b;</r>'


def test_document_is_returned_whatever_its_namespace() -> None:
    """The root is told by its local name, and what it holds is there."""
    root = parsed_xml(b'<?xml version="1.0"?><x:r xmlns:x="urn:u"><a>1</a></x:r>', root="r")
    assert (root.tag, root.findtext("a")) == ("{urn:u}r", "1")


def test_one_of_several_roots_is_enough() -> None:
    """A format may have messages of different roots."""
    assert parsed_xml(b"<b/>", root=("a", "b")).tag == "b"
    with pytest.raises(ReportDecodeError, match="a or b"):
        parsed_xml(b"<c/>", root=("a", "b"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-7", "cp037"])
@pytest.mark.parametrize("declared", [False, True], ids=["bare", "declared"])
def test_declared_entities_are_never_expanded(encoding: str, declared: bool) -> None:
    """A document type is refused before anything is parsed, in whatever encoding it hides."""
    head = f'<?xml version="1.0" encoding="{encoding}"?>' if declared else ""
    with pytest.raises(ReportDecodeError):
        parsed_xml((head + BOMB).encode(encoding), root="r")
    with pytest.raises(ReportDecodeError):
        parsed_xml(head.encode() + BOMB.encode(encoding), root="r")


def test_document_from_elsewhere_is_not_fetched() -> None:
    """External entities are refused with the field that names them."""
    with pytest.raises(ReportDecodeError) as caught:
        parsed_xml(b'<!DOCTYPE r SYSTEM "file:///etc/hostname"><r/>', root="r", file="x.xml")
    assert (caught.value.file, caught.value.field) == ("x.xml", "<!DOCTYPE")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        pytest.param(b"<r>" * (MAX_DEPTH + 1), "depth", id="deep"),
        pytest.param(b"<r>" + b"<a/>" * MAX_PARTS + b"</r>", "size", id="many elements"),
        pytest.param(b"<r " + b"a='1' " * (MAX_PARTS + 1) + b"/>", "size", id="many attributes"),
        pytest.param(b"<r>" + b" " * 2_000_000 + b"</r>", "size", id="long"),
    ],
)
def test_what_is_too_much_is_refused(data: bytes, field: str) -> None:
    """Depth, number of parts and length have bounds."""
    with pytest.raises(ReportDecodeError, match="at most") as caught:
        parsed_xml(data, root="r")
    assert caught.value.field == field


def test_greatest_length_is_the_callers() -> None:
    """A format that knows its messages may allow less."""
    assert parsed_xml(b"<r></r>", root="r", max_bytes=7).tag == "r"
    with pytest.raises(ReportDecodeError, match="at most 6 bytes"):
        parsed_xml(b"<r></r>", root="r", max_bytes=6)


def test_greatest_depth_is_still_read() -> None:
    """The bound itself is allowed."""
    assert parsed_xml(b"<r>" * MAX_DEPTH + b"</r>" * MAX_DEPTH, root="r").tag == "r"


@pytest.mark.parametrize("data", [b"", b"   ", b"<r>", b"<r></s>", b"<r>\0</r>", b"<r/><r/>", b"\xff", b"{}"])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    """Nothing but the one error is raised."""
    with pytest.raises(ReportDecodeError):
        parsed_xml(data, root="r")


def test_error_names_the_line() -> None:
    """XML that is not well-formed is refused with its line, however far into the document."""
    with pytest.raises(ReportDecodeError, match="well-formed") as caught:
        parsed_xml(b"<r>" + b"<a/>\n" * 19_000 + b"<", root="r")
    assert caught.value.line == 19_001
