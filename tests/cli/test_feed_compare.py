"""``eew feed compare`` as a user runs it."""

import argparse
import json
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eew.cli import feed_compare
from eew.feed.formats import jma_xml
from eew.model.errors import InputError
from eew.model.records import AlertStatus, AreaAnswer, EventReport, ReportKind

ORIGIN_AT = datetime(2024, 4, 17, 14, 14, 47, tzinfo=UTC)
SQUARE = [[132.0, 33.0], [133.0, 33.0], [133.0, 34.0], [132.0, 34.0], [132.0, 33.0]]
BUNGO = "reports/jma_xml_bungo_2024"
AREAS = "areas/jma_AreaForecastLocalE_20240520.geojson"
JMA2001 = "traveltime/tjma2001.csv"

Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs the command and returns what it printed."""

    def run(*words: str | Path) -> str:
        parser = argparse.ArgumentParser()
        feed_compare.configure(parser)
        assert feed_compare.run(parser.parse_args([str(word) for word in words])) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def areas(tmp_path: Path) -> Path:
    """Return a file of one square area, 100 to 200 km east of 131E."""
    path = tmp_path / "areas.geojson"
    geometry = {"type": "Polygon", "coordinates": [SQUARE]}
    feature = {"type": "Feature", "properties": {"code": "622", "name": "愛媛県南予"}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    return path


def message(path: Path, report_no: int, *answers: AreaAnswer, kind: ReportKind = ReportKind.UPDATE) -> Path:
    report = EventReport(
        event_id="20240417231454",
        source="jma",
        report_no=report_no,
        kind=kind,
        status=AlertStatus.ACTUAL,
        issued_at=ORIGIN_AT + timedelta(seconds=15),
        origin_at=ORIGIN_AT,
        lat_deg=33.5,
        lon_deg=131.0,
        depth_km=10,
        magnitude=6.4,
        areas=answers,
    )
    path.write_bytes(jma_xml.render(report))
    return path


def test_one_area_is_compared_at_its_near_edge(run: Run, tmp_path: Path, areas: Path) -> None:
    """At 132E, 93 km from the epicentre, the S wave at 3.5 km/s comes after 26.7 s: 3.3 s before the agency's 30 s."""
    told = AreaAnswer(code="622", intensity_from=4.0, intensity_to=4.5, s_arrival_at=ORIGIN_AT + timedelta(seconds=30))
    elsewhere = AreaAnswer(code="999", intensity_from=3.0, intensity_to=3.0)
    file = message(tmp_path / "1.xml", 9, told, elsewhere)
    words = (file, "--areas", areas, "--travel-times", "constant-6.0-3.5")
    answer: dict[str, Any] = json.loads(run(*words, "--json"))
    assert (answer["n_reports"], answer["n_compared"], answer["unknown_codes"]) == (1, 1, ["999"])
    (row, other) = answer["rows"]
    assert row["epicentral_km"] == pytest.approx(92.9, abs=0.2)
    assert row["our_s_arrival_s"] == pytest.approx((92.9**2 + 10**2) ** 0.5 / 3.5, abs=0.1)
    assert row["later_s"] == pytest.approx(-3.3, abs=0.1)
    # By hand from [SM99]: Mw 6.229, D 10 km, X = 93.4 − 9.2 km; 2.68 + 1.72 log10(1.31 × 5.33 cm/s) = 3.3 … class 3.
    assert (row["our_class"], row["agency_class_from"], row["agency_class_to"]) == ("3", "4", "5-")
    assert (other["epicentral_km"], other["our_s_arrival_s"], other["later_s"], other["our_class"]) == (None,) * 4
    assert answer["figures"]["n_below"] == answer["figures"]["n_intensities"] == 1
    text = run(*words)
    assert re.search(r"622 愛媛県南予 +1 +92\.\d +26\.7 +30\.0 +-3\.3 +-3\.3 +3\.\d +4 to 5- +0%", text)
    assert "reckons to its reference points and not to the polygon's edge" in text


def test_several_reports_come_together_by_area(run: Run, tmp_path: Path, areas: Path) -> None:
    """An area of two reports is one line; a cancel and a report without areas are counted and left out."""
    answers = [AreaAnswer(code="622", s_arrival_at=ORIGIN_AT + timedelta(seconds=after_s)) for after_s in (28, 32)]
    files = [message(tmp_path / f"{no}.xml", no, answer) for no, answer in enumerate(answers, start=2)]
    files += [message(tmp_path / "1.xml", 1), message(tmp_path / "4.xml", 4, answers[0], kind=ReportKind.CANCEL)]
    words = (*files, "--areas", areas, "--travel-times", "constant-6.0-3.5", "--json")
    answer: dict[str, Any] = json.loads(run(*words))
    assert (answer["n_reports"], answer["n_compared"], len(answer["rows"])) == (4, 2, 2)
    (area,) = answer["areas"]
    assert (area["n_reports"], area["agency_s_arrival_s"]) == (2, 30)
    assert area["max_later_s"] - area["min_later_s"] == pytest.approx(4)


def test_files_without_areas_are_refused(run: Run, tmp_path: Path, areas: Path) -> None:
    """Nothing to compare is said, not printed as an empty table."""
    with pytest.raises(InputError, match="at least one report with"):
        run(message(tmp_path / "1.xml", 1), "--areas", areas)


def test_bad_file_and_format_are_named(run: Run, tmp_path: Path, areas: Path) -> None:
    """What is no message of the format, and a format that nobody knows, are named."""
    bad = tmp_path / "bad.xml"
    bad.write_bytes(b"<a/>")
    with pytest.raises(InputError, match=r"bad\.xml"):
        run(bad, "--areas", areas)
    with pytest.raises(InputError, match=r"--format.*morse"):
        run(bad, "--areas", areas, "--format", "morse")


@pytest.mark.reference_data
@pytest.mark.parametrize(("pattern", "n_arrivals"), [("36_*", 440), ("77_*", 539)], ids=["VXSE44", "VXSE45"])
def test_our_s_arrivals_of_bungo_are_never_much_later_than_jmas(
    run: Run, reference_data: Path, pattern: str, n_arrivals: int
) -> None:
    """With JMA's own table our S wave is 3 to 5 s earlier in the median, and nowhere more than 1 s later."""
    files = sorted((reference_data / BUNGO).glob(f"{pattern}.xml"))
    words = ("--areas", reference_data / AREAS, "--travel-times", reference_data / JMA2001, "--json")
    answer: dict[str, Any] = json.loads(run(*files, *words))
    found = answer["figures"]
    assert (answer["n_reports"], answer["unknown_codes"], found["n_arrivals"]) == (33, [], n_arrivals)
    assert found["max_later_s"] <= 1
    assert -5 <= found["median_later_s"] <= -3
    assert found["share_in_time"] == 1.0
    assert found["share_within_one_class"] >= 0.95


@pytest.mark.reference_data
def test_published_table_is_what_the_command_prints(
    run: Run, reference_data: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/comparison.md shows the command line and, below it, what that prints today."""
    text = (project / "docs/comparison.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```text\n\$ eew feed compare (.*?[^\\])\n(.*?)```", text, re.DOTALL)
    assert blocks
    monkeypatch.chdir(reference_data)
    for line, printed in blocks:
        words: list[str] = []
        for word in shlex.split(line.replace("\\\n", " ")):
            words += sorted(map(str, Path().glob(word))) if "*" in word else [word]
        assert [row.rstrip() for row in run(*words).splitlines()] == printed.splitlines()
