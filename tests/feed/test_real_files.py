"""Every real message at hand is read, or ignored with a reason; the table of them all is printed."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from eew.feed.parsed import Heartbeat, Ignored, Parsed
from eew.feed.wire_format import wire_format
from eew.model.records import AlertStatus, EventReport, ReportKind

pytestmark = pytest.mark.reference_data

#: The format of each file, by the pattern that it matches.
FORMATS = {
    "reports/jma_xml_bungo_2024/*.xml": "jma-xml",
    "reports/jma_telegrams/*": "jma-telegram",
    "reports/dmdata/*.json": "dmdata",
    "reports/jma_*.json": "jma-history",
    "reports/quakeml_rt_*/*.xml": "quakeml",
    "shakealert/*.xml": "shakealert",
}

#: Counted by hand in the files: files, reports, heartbeats, ignored.
COUNTS = {
    # VXSE44 and 45: 32 reports and a cancel each; VXSE43: 2 warnings and a cancel; VXSE42: a test without earthquake.
    "jma-xml": (70, 69, 0, 1),
    "jma-telegram": (9, 9, 0, 0),
    "dmdata": (5, 5, 0, 0),
    # Noto: 20 reports; the drill: one of each of 7 events.
    "jma-history": (2, 27, 0, 0),
    "quakeml": (90, 90, 0, 0),
    # Two events as three messages each, and one with its contours; the status of the system.
    "shakealert": (8, 7, 1, 0),
}


def said(parsed: tuple[Parsed, ...]) -> str:
    """Return what a file turned out to be, in words."""
    reports = [part for part in parsed if isinstance(part, EventReport)]
    words = [f"heartbeat of {part.source}" for part in parsed if isinstance(part, Heartbeat)]
    words += [f"ignored: {part.reason}" for part in parsed if isinstance(part, Ignored)]
    if len(reports) == 1:
        (report,) = reports
        magnitude = "unknown" if report.magnitude is None else f"{report.magnitude:g}"
        words.append(f"report {report.report_no} of {report.event_id}, {report.kind} {report.status}, M {magnitude}")
    elif reports:
        n_events = len({report.event_id for report in reports})
        words.append(f"{len(reports)} reports of {n_events} {'event' if n_events == 1 else 'events'}")
    return "; ".join(words)


@pytest.fixture
def files(reference_data: Path) -> dict[Path, str]:
    """Return the format of every file of real messages, in the order of their names."""
    found = [(path, name) for pattern, name in FORMATS.items() for path in reference_data.glob(pattern)]
    assert len({path for path, _ in found}) == len(found)
    return dict(sorted(found))


def test_every_real_file_is_read_or_ignored_with_a_reason(
    files: dict[Path, str], reference_data: Path, record_property: Callable[[str, object], None]
) -> None:
    """None raises, and each format has as many files, reports, heartbeats and ignored messages as were counted."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTS}
    lines = []
    for path, name in files.items():
        parsed = wire_format(name).parse(path.read_bytes(), file=path)
        counts[name]["file"] += 1
        counts[name].update(type(part).__name__ for part in parsed)
        lines.append(f"{path.relative_to(reference_data)!s:<76} {name:<13} {said(parsed)}")
    for name, count in counts.items():
        lines.append(f"{name:<13}" + "".join(f"  {number} {kind}" for kind, number in count.items()))
    record_property("table: real messages", "\n".join(lines))
    kinds = ("file", "EventReport", "Heartbeat", "Ignored")
    assert {name: tuple(count[kind] for kind in kinds) for name, count in counts.items()} == COUNTS


def test_no_real_file_is_passed_over(files: dict[Path, str], reference_data: Path) -> None:
    """Every file of the two folders has a format."""
    folders = (reference_data / "reports", reference_data / "shakealert")
    assert {path for folder in folders for path in folder.rglob("*") if path.is_file()} == set(files)


def test_real_files_are_of_the_kinds_that_were_counted(files: dict[Path, str]) -> None:
    """Cancels, exercises and tests are told apart from what is meant."""
    kinds: Counter[tuple[str, str]] = Counter()
    for path, name in files.items():
        for part in wire_format(name).parse(path.read_bytes(), file=path):
            if isinstance(part, EventReport):
                kinds[name, "cancel"] += part.kind is ReportKind.CANCEL
                kinds[name, "final"] += part.kind is ReportKind.FINAL
                kinds[name, part.status] += 1
    # 取消 in the last of VXSE43, 44 and 45; 通常 in all but VXSE42.
    assert (kinds["jma-xml", "cancel"], kinds["jma-xml", AlertStatus.ACTUAL]) == (3, 69)
    # Type 39 twice; NCN98 twice; status 00 or 10 (cancel) in all.
    assert (kinds["jma-telegram", "cancel"], kinds["jma-telegram", "final"]) == (2, 2)
    assert kinds["jma-telegram", AlertStatus.ACTUAL] == 9
    # isCanceled twice, isLastInfo without it once.
    assert (kinds["dmdata", "cancel"], kinds["dmdata", "final"]) == (2, 1)
    # The drill says in its comment that it is one; Noto was meant.
    assert (kinds["jma-history", AlertStatus.EXERCISE], kinds["jma-history", AlertStatus.ACTUAL]) == (7, 20)
    assert kinds["shakealert", AlertStatus.TEST] == 7
    assert kinds["quakeml", AlertStatus.ACTUAL] == 90
