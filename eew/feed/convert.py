"""Scenario files made from reports of any format."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from eew.feed.formats.jma_xml import decode_jma_xml
from eew.feed.formats.native import load_reports
from eew.feed.scenario import EVENT_KEYS, IDENTITY_KEYS, REPORT_KEYS, Scenario, misordered
from eew.model.errors import MISSING_FIELD, InputError
from eew.model.records import EventReport, IssueBasis, ReportKind
from eew.model.units import iso_utc

__all__ = ["read_reports", "scenario_toml"]

_DEFAULTS: dict[str, tuple[object, ...]] = {"is_assumed": (False,), "issue_basis": (IssueBasis.STATED,)}
#: Said by each report itself, even where all agree.
_ALWAYS_OWN = ("lat_deg", "lon_deg", "depth_km", "magnitude", "is_assumed", "fault")


def read_reports(paths: Sequence[str | Path]) -> tuple[EventReport, ...]:
    """Read files of reports, by their ending ``.xml`` (JMA) or ``.jsonl`` (native), in the order of their issue.

    Raises
    ------
    InputError
        If a file is of neither sort or bad, or the reports cannot follow each other.
    """
    found: list[tuple[EventReport, Path]] = []
    for path in map(Path, paths):
        match path.suffix.lower():
            case ".xml":
                found.append((decode_jma_xml(path.read_bytes(), file=path), path))
            case ".jsonl":
                found += [(report, path) for report in load_reports(path)]
            case suffix:
                raise InputError("a file ending in .xml (JMA) or .jsonl (native)", file=path, value=suffix)
    found.sort(key=lambda pair: (pair[0].issued_at, pair[0].report_no, pair[0].kind is ReportKind.CANCEL))
    if (wrong := misordered(report for report, _ in found)) is not None:
        index, field, expected = wrong
        report, path = found[index]
        raise InputError(f"{expected} (VXSE44 or 45, not both)", file=path, field=field, value=getattr(report, field))
    for report, path in found:
        if report.kind is not ReportKind.CANCEL and not report.is_located:
            raise InputError(f"{MISSING_FIELD}: a scenario has no areas", file=path, field="origin_at")
    return tuple(report for report, _ in found)


def scenario_toml(scenario: Scenario) -> str:
    """Write a scenario as its file's text.

    Notes
    -----
    Seconds count from the first origin time that a report states (or its issue, where none does). Areas and
    signatures of reports are left out. What a reader gets from the text is otherwise the same scenario.
    """
    reports = scenario.reports
    zero_at = next((report.origin_at for report in reports if report.origin_at is not None), reports[0].issued_at)
    shared = _shared(reports)
    lines = [f"title = {_value(scenario.title)}", "sources = ["]
    lines += [f"  {_value(source)}," for source in scenario.sources]
    lines += ["]", f"licence = {_value(scenario.licence)}", f"profile = {_value(scenario.profile)}"]
    if scenario.notes:
        lines.append(f"notes = {_value(scenario.notes)}")
    lines += ["", "[population]"]
    if "," in scenario.population:
        places = zip(("lat_deg", "lon_deg", "radius_km"), scenario.population.split(","), strict=True)
        lines += [f"{key} = {_value(float(text))}" for key, text in places]
    else:
        lines.append(f"region = {_value(scenario.population)}")
    lines += ["", "[event]", f"origin_at = {_value(zero_at)}"]
    lines += [f"{key} = {_value(value)}" for key, value in shared.items()]
    for report in reports:
        lines += ["", "[[reports]]"]
        lines += [f"{key} = {_value(value)}" for key, value in _own(report, zero_at, shared).items()]
    return "\n".join(lines) + "\n"


def _shared(reports: Sequence[EventReport]) -> dict[str, Any]:
    """Return what all reports say alike: a cancel takes over only who it is of, so the rest counts without it."""
    described = [report for report in reports if report.kind is not ReportKind.CANCEL]
    shared = {}
    for key in EVENT_KEYS:
        among = reports if key in IDENTITY_KEYS else described
        if key in {"origin_at", *_ALWAYS_OWN} or not among:
            continue
        first = getattr(among[0], key)
        if first not in {None, IssueBasis.STATED} and all(getattr(report, key) == first for report in among):
            shared[key] = first
    return shared


def _own(report: EventReport, zero_at: datetime, shared: dict[str, Any]) -> dict[str, Any]:
    """Return what a report must say itself, by the scenario's keys."""
    own: dict[str, Any] = {}
    for key in REPORT_KEYS:
        if key == "issued_s":
            own[key] = (report.issued_at - zero_at).total_seconds()
        elif key == "origin_s":
            is_cancel = report.kind is ReportKind.CANCEL
            if report.origin_at is not None and (is_cancel or report.origin_at != zero_at):
                own[key] = (report.origin_at - zero_at).total_seconds()
        else:
            value = getattr(report, key)
            is_inherited = key in shared and report.kind is not ReportKind.CANCEL
            is_identity = key in shared and key in IDENTITY_KEYS
            is_default = value in _DEFAULTS.get(key, (None,))
            if not (is_inherited or is_identity or is_default):
                own[key] = value
    return own


def _value(value: object) -> str:
    """Return a value in TOML; a text in JSON's notation is one in TOML's, but for the control character DEL."""
    if isinstance(value, datetime):
        return iso_utc(value, None)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
