"""The wire formats by name: each is a module of ``eew.feed.formats`` that reads and writes messages of an agency."""

import importlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from eew.feed.name_counter import Tally
from eew.feed.parsed import Parsed
from eew.model.errors import InputError
from eew.model.records import EventReport

__all__ = [
    "FORMATS",
    "Kind",
    "OwnFormat",
    "ReceiptFormat",
    "RememberingFormat",
    "TalkingFormat",
    "WireFormat",
    "wire_format",
]


class WireFormat(Protocol):
    """What a module of ``eew.feed.formats`` has."""

    def parse(self, data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
        """Read one message, which may hold several reports.

        Raises
        ------
        ReportDecodeError
            If it is no such message. Nothing else is raised, whatever the bytes.
        """
        ...

    def render(self, report: EventReport) -> bytes:
        """Write a report as the agency would, to the format's resolution."""
        ...


@runtime_checkable
class OwnFormat(WireFormat, Protocol):
    """A format of ours, in which a member that nobody knows may be a slip of the hand."""

    def unknown_members(self, data: bytes) -> tuple[str, ...]:
        """Return the members that nobody knows of the reports in a message that could be read."""
        ...

    def note_unknown(self, tally: Tally, names: Iterable[str], where: str | Path) -> None:
        """Count members that nobody knows, and say each once."""
        ...


@runtime_checkable
class ReceiptFormat(WireFormat, Protocol):
    """A format in which more than the time of issue follows from when a message came in, where it does not say it."""

    def parse_received(
        self, data: bytes, *, file: str | Path | None = None, received_at: datetime
    ) -> tuple[Parsed, ...]:
        """Read a message that came in at ``received_at``; else as ``parse``, with as many parts."""
        ...


@runtime_checkable
class TalkingFormat(WireFormat, Protocol):
    """A format whose service wants to hear from its listeners over a WebSocket."""

    def greeting(self) -> str | None:
        """Return what the service wants to be told first, such as a question for its last report."""
        ...

    def answer(self, data: bytes) -> str | None:
        """Return what a message wants to be answered with, such as a heartbeat; nothing is raised, whatever it is."""
        ...


@runtime_checkable
class RememberingFormat(WireFormat, Protocol):
    """A format whose messages name earlier ones of the same feed."""

    def for_one_feed(self) -> WireFormat:
        """Return what reads the messages of one feed in the order in which they come, and remembers them."""
        ...


class Kind(NamedTuple):
    """One wire format."""

    module: str
    title: str
    #: Of files that hold one message each.
    suffix: str
    #: How often its service is usually asked over HTTP.
    interval_s: float = 2.0


FORMATS: Mapping[str, Kind] = {
    "native": Kind("native", "EventReport as JSON, one a line", ".jsonl"),
    "jma-xml": Kind("jma_xml", "JMA disaster-prevention XML, VXSE42 to 45", ".xml"),
    "jma-telegram": Kind("jma_telegram", "JMA code telegrams, types 35 to 39, 47, 48", ".txt"),
    "dmdata": Kind("dmdata", "DMDATA eew-information JSON", ".json"),
    "jma-history": Kind("jma_history", "lists of JMA's published reports as JSON", ".json"),
    "wolfx-jma": Kind("wolfx_jma", "Wolfx jma_eew", ".json"),
    "wolfx-sc": Kind("wolfx_sc", "Wolfx sc_eew (Sichuan)", ".json"),
    "wolfx-cenc": Kind("wolfx_cenc", "Wolfx cenc_eew (CENC)", ".json"),
    "wolfx-fj": Kind("wolfx_fj", "Wolfx fj_eew (Fujian)", ".json"),
    "wolfx-cq": Kind("wolfx_cq", "Wolfx cq_eew (Chongqing)", ".json"),
    "wolfx-cwa": Kind("wolfx_cwa", "Wolfx cwa_eew (CWA, Taiwan)", ".json"),
    "kmoni": Kind("kmoni", "NIED kmoni, webservice/hypo/eew", ".json", 1.0),
    "exptech": Kind("exptech", "ExpTech (TREM), api/v2/eq/eew", ".json", 1.0),
    "fanstudio": Kind("fanstudio", "FAN Studio: cea, cea-pr, jma, cwa-eew, kma-eew, sa", ".json"),
    "icl": Kind("icl", "Institute of Care-life, chinaeew", ".json"),
    "p2pquake": Kind("p2pquake", "P2PQuake 556", ".json"),
    "shakealert": Kind("shakealert", "ShakeAlert XML, schema v10", ".xml"),
    "quakeml": Kind("quakeml", "QuakeML real-time 1.2 (SeisComP, PRESTo)", ".xml"),
    "cap": Kind("cap", "CAP 1.1 and 1.2, alone or in Atom (SASMEX, ATTAC)", ".xml"),
    "emsc": Kind("emsc", "EMSC seismic portal", ".json"),
    "emsc-fdsn": Kind("emsc_fdsn", "FDSN event service of EMSC or GlobalQuake, as JSON", ".json"),
    "fdsn-text": Kind("fdsn_text", "FDSN event services, as text", ".txt"),
    "usgs": Kind("usgs", "USGS GeoJSON summary", ".json"),
}


def wire_format(name: str) -> WireFormat:
    """Return a format by its name; raise ``InputError`` naming the option where there is none."""
    if name not in FORMATS:
        raise InputError(f"one of {', '.join(FORMATS)}", field="--format", value=name)
    module: WireFormat = importlib.import_module(f"eew.feed.formats.{FORMATS[name].module}")
    return module
