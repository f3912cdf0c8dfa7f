"""The event service of EMSC (FDSN, ``format=json``) and of GlobalQuake: GeoJSON of a catalogue, minutes late."""

from pathlib import Path

import msgspec

from eew.feed.formats.emsc import feature_of, solution
from eew.feed.json_message import parsed_each, parsed_json
from eew.feed.parsed import Heartbeat, Parsed
from eew.feed.unsupported import refuse_unsupported
from eew.model.records import EventReport, ReportKind

__all__ = ["parse", "render"]

_TYPES = ("FeatureCollection", "Feature")


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read a collection of features, or one.

    Returns
    -------
    tuple of Parsed
        In the order of the collection; a heartbeat where it is empty.

    Raises
    ------
    ReportDecodeError
        If it is neither, or something is wrong with every feature.

    Notes
    -----
    As in ``eew.feed.formats.emsc``, of the same events under the same ids. Each is an update, since an answer does not
    say what it has said before, and there are no cancels: what is taken back is no longer listed.

    References
    ----------
    [EMSC-FDSN], [GLOBALQUAKE]
    """
    document = parsed_json(data, file=file)
    kind = document.text("type")
    if kind not in _TYPES:
        raise document.error("type", " or ".join(_TYPES))
    if kind == "Feature":
        return (solution(document, ReportKind.UPDATE, file), *document.spared.parts())
    features = document.objects("features")
    if not features:
        return (Heartbeat("emsc"),)
    return parsed_each(features, lambda feature: solution(feature, ReportKind.UPDATE, file))


def render(report: EventReport) -> bytes:
    """Write a collection of one feature; resolution and what is not sayable as of EMSC's stream.

    Raises
    ------
    InputError
        If it is a cancel or no real alert: written down it would read as an alert.
    """
    refuse_unsupported(report, "emsc-fdsn", has_cancel=False)
    return msgspec.json.encode(
        {"type": "FeatureCollection", "metadata": {"count": 1}, "features": [feature_of(report)]}
    )
