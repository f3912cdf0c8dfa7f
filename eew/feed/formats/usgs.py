"""USGS GeoJSON: the summary of a catalogue, minutes late, as a collection of features or one of them."""

from pathlib import Path

import msgspec

from eew.feed.formats.native import as_report
from eew.feed.json_message import Members, epoch_ms, parsed_each, parsed_json
from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.synthetic_report_no import LAST_NO, JoinedIds, synthetic_report_no
from eew.feed.topic_safe_id import agency_name, topic_safe_id
from eew.feed.unsupported import refuse_unsupported
from eew.model.records import AlertStatus, EventReport, ReportKind

__all__ = ["for_one_feed", "parse", "render"]

_SOURCE = "usgs"
_EARTHQUAKES = frozenset({"earthquake", "induced or triggered event"})
_DELETED = "deleted"
_TYPES = ("FeatureCollection", "Feature")
#: Of one earthquake; those with most have some ten.
_MOST_IDS = 64


class _Reader:
    """Reads the messages of one feed."""

    def __init__(self) -> None:
        self._joined = JoinedIds()

    def parse(self, data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
        """Read one message."""
        return _parsed(data, file, self._joined)

    def render(self, report: EventReport) -> bytes:
        """Write a report."""
        return render(report)


def for_one_feed() -> _Reader:
    """Return what reads the messages of one feed and remembers by which ids each earthquake was listed."""
    return _Reader()


def parse(data: bytes, *, file: str | Path | None = None) -> tuple[Parsed, ...]:
    """Read a collection of features, or one.

    Returns
    -------
    tuple of Parsed
        In the order of the collection, which is from the latest origin to the earliest; a heartbeat where it is empty.

    Raises
    ------
    ReportDecodeError
        If it is neither, or something is wrong with every feature.

    Notes
    -----
    - Times are milliseconds since 1970; ``updated`` is the issue.
    - A catalogue does not count its solutions: the number of a report grows with ``updated`` after the origin
      (``eew.feed.synthetic_report_no``), and each is an update, since a summary does not say what it has said
      before. The status ``deleted`` is a cancel and gets the last number.
    - The coordinates are longitude, latitude, depth. Magnitude and depth may be null.
    - ``tsunami`` says only that another page may know more; it is not read.
    - ``ids`` are all that the catalogue knows an earthquake by. Where it is listed under another of them later (``id``
      is that of the network that is preferred now), a feed keeps its first name: it is the same earthquake. That an id
      is deleted which it is not listed under any more does not take it back.
    - What is no earthquake by its type (quarry blast, explosion, ice quake …) is ignored.

    References
    ----------
    [USGS-GEOJSON]
    """
    return _parsed(data, file, JoinedIds())


def render(report: EventReport) -> bytes:
    """Write a collection of one feature.

    Resolution: 1 ms, 0.0001°, 0.01 km, 0.01 of magnitude. Not sayable: the number of the report, whether it is the
    first or the last, an exercise or test, the areas.

    Raises
    ------
    InputError
        If it is no real alert: written down it would read as one.
    """
    refuse_unsupported(report, "usgs", has_cancel=True)
    place = (report.lon_deg, report.lat_deg, report.depth_km)
    coordinates = [None if each is None else round(each, 4) for each in place]
    feature = {
        "type": "Feature",
        "properties": {
            "mag": None if report.magnitude is None else round(report.magnitude, 2),
            "place": report.place,
            "time": None if report.origin_at is None else epoch_ms(report.origin_at),
            "updated": epoch_ms(report.issued_at),
            "status": _DELETED if report.kind is ReportKind.CANCEL else "automatic",
            "magType": report.magnitude_type,
            "type": "earthquake",
        },
        "geometry": {"type": "Point", "coordinates": coordinates},
        "id": agency_name(report.event_id),
    }
    return msgspec.json.encode({"type": "FeatureCollection", "features": [feature]})


def _parsed(data: bytes, file: str | Path | None, joined: JoinedIds) -> tuple[Parsed, ...]:
    document = parsed_json(data, file=file)
    kind = document.text("type")
    if kind not in _TYPES:
        raise document.error("type", " or ".join(_TYPES))
    if kind == "Feature":
        return (_solution(document, file, joined), *document.spared.parts())
    features = document.objects("features")
    if not features:
        generated_at = document.members("metadata").epoch_ms_or_none("generated") if "metadata" in document else None
        return (Heartbeat(_SOURCE, generated_at),)
    return parsed_each(features, lambda feature: _solution(feature, file, joined))


def _solution(feature: Members, file: str | Path | None, joined: JoinedIds) -> Parsed:
    said = feature.members("properties")
    kind = said.text_or_none("type") or "earthquake"
    if kind not in _EARTHQUAKES:
        return Ignored(f"no earthquake but {kind[:40]}")
    is_deleted = said.text_or_none("status") == _DELETED
    geometry = feature.members("geometry")
    coordinates = geometry.numbers("coordinates")
    if len(coordinates) not in {2, 3}:
        raise geometry.error("coordinates", "longitude, latitude and depth")
    origin_at = said.epoch_ms_or_none("time") if is_deleted else said.epoch_ms("time")
    issued_at = said.epoch_ms("updated")
    members = {
        "event_id": topic_safe_id(feature.text("id")),
        "source": _SOURCE,
        "report_no": LAST_NO if is_deleted or origin_at is None else synthetic_report_no(origin_at, issued_at),
        "kind": ReportKind.CANCEL if is_deleted else ReportKind.UPDATE,
        "status": AlertStatus.ACTUAL,
        "issued_at": issued_at,
        "origin_at": origin_at,
        "lat_deg": coordinates[1],
        "lon_deg": coordinates[0],
        "depth_km": coordinates[2] if len(coordinates) == 3 else None,
        "magnitude": said.number_or_none("mag"),
        "magnitude_type": said.text_or_none("magType"),
        "place": said.text_or_none("place"),
    }
    report = as_report(members, file=file, spared=feature.spared)
    if is_deleted and joined.lists_otherwise(report.event_id):
        return Ignored("an id is deleted whose earthquake is listed under another")
    ids = [topic_safe_id(each) for each in (said.text_or_none("ids") or "").split(",")[:_MOST_IDS] if each]
    return msgspec.structs.replace(report, event_id=joined.name_of(report.event_id, ids))
