"""An Atom feed of CAP messages: an entry each, with a link to its file [RFC4287]."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from urllib.parse import quote

from eew.contract.cap.cap_message import CapMessage
from eew.contract.cap.wording import wording_of
from eew.model.units import iso_utc

__all__ = ["CAP_TYPE", "feed"]

_NAMESPACE = "http://www.w3.org/2005/Atom"
#: The media type of a CAP document [CAPFEEDS].
CAP_TYPE = "application/cap+xml"
#: Names made of a domain that belongs to nobody [RFC4151], [RFC2606].
_TAG = "tag:eew.invalid,2020"


def feed(name: str, messages: Sequence[CapMessage]) -> bytes:
    """Return a feed, the newest message first.

    Parameters
    ----------
    name
        What the feed is of: such as a scenario's name.
    messages
        In the order in which they were sent, one at least. The file of each lies beside the feed under
        ``CapMessage.file_name``.
    """
    root = ET.Element("feed", xmlns=_NAMESPACE)
    newest = max(messages, key=lambda message: message.sent_at)
    _add(root, "id", f"{_TAG}:feed/{quote(name)}")
    _add(root, "title", f"{wording_of('en').mark}{name}")
    _add(root, "subtitle", wording_of("en").notice)
    _add(root, "updated", iso_utc(newest.sent_at))
    _add(ET.SubElement(root, "author"), "name", wording_of("en").sender_name)
    for message in reversed(messages):
        entry = ET.SubElement(root, "entry")
        _add(entry, "id", f"{_TAG}:cap/{message.identifier}")
        _add(entry, "title", message.headline).set("xml:lang", message.lang)
        _add(entry, "updated", iso_utc(message.sent_at))
        _add(entry, "summary", message.description).set("xml:lang", message.lang)
        ET.SubElement(entry, "category", term=message.kind)
        ET.SubElement(entry, "link", rel="alternate", type=CAP_TYPE, href=message.file_name)
    ET.indent(root, space=" ")
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add(parent: ET.Element, tag: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = text
    return element
