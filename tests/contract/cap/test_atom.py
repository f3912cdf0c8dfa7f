"""The Atom feed against RFC 4287."""

from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from eew.cli.main import main

ATOM = "{http://www.w3.org/2005/Atom}"


def parsed(payload: bytes) -> ET.Element:
    return ET.fromstring(payload)  # noqa: S314 - a document of our own


@pytest.fixture
def feed(tmp_path: Path) -> ET.Element:
    """Return the feed of the false alarm."""
    path = tmp_path / "below" / "feed.xml"
    assert main(["cap", "false-alarm", "--atom", str(path)]) == 0
    return parsed(path.read_bytes())


def test_feed_and_entries_have_what_they_must(feed: ET.Element) -> None:
    """One id, title and updated each (4.1.1, 4.1.2), an author for all, ids that differ."""
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 3
    for element in (feed, *entries):
        for name in ("id", "title", "updated"):
            (text,) = [child.text or "" for child in element.findall(f"{ATOM}{name}")]
            assert text
        assert datetime.fromisoformat(element.findtext(f"{ATOM}updated") or "").tzinfo is not None
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    assert len({each.findtext(f"{ATOM}id") for each in (feed, *entries)}) == 4


def test_the_newest_comes_first_and_each_has_its_file(feed: ET.Element, tmp_path: Path) -> None:
    """An entry links to its message, which lies beside the feed."""
    times = [each.findtext(f"{ATOM}updated") or "" for each in feed.findall(f"{ATOM}entry")]
    assert times == sorted(times, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == times[0]
    for link, identifier in zip(
        feed.iter(f"{ATOM}link"), ("test-false-alarm-3-cancel", "test-false-alarm-2", "test-false-alarm-1"), strict=True
    ):
        assert link.get("type") == "application/cap+xml"
        alert = parsed((tmp_path / "below" / link.attrib["href"]).read_bytes())
        assert alert.findtext("{urn:oasis:names:tc:emergency:cap:1.2}identifier") == identifier
