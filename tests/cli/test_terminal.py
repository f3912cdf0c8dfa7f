"""What the commands print on terminals of 60, 80 and 120 columns: nothing that is one word is broken."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from eew.feed.formats.native import encode_report
from eew.feed.scenario import load_scenario

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WIDTHS = (60, 80, 120)


def on_terminal(width: int, *words: str) -> list[str]:
    """Run ``eew`` on a terminal of its own; return its lines as it sent them."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "eew", *words],
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=subprocess.DEVNULL,
        env=environment | {"TERM": "xterm-256color"},
    )
    os.close(its)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:
        pass  # this is how Linux says that nobody writes any more
    finally:
        os.close(ours)
        code = process.wait(15)
    assert code == 0
    return [line.rstrip() for line in _ESCAPE.sub("", said.decode()).replace("\r", "").split("\n")]


def scenario_names(project: Path) -> list[str]:
    return [path.stem for path in (project / "scenarios").glob("*.toml")]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_of_scenarios_keeps_names_whole(width: int, project: Path) -> None:
    """Each name begins a line."""
    lines = on_terminal(width, "scenarios", "list")
    assert all(cell_len(line) <= width for line in lines)
    assert set(scenario_names(project)) <= {line.split(" ")[0] for line in lines}
    assert any("played by `eew bench year`" in line for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["tohoku-2011", "drill", "bungo-2024"])
def test_a_scenario_keeps_a_report_in_one_line(width: int, name: str, project: Path) -> None:
    """With its whole instant, kind and magnitude; the status is told above where it has no column."""
    lines = on_terminal(width, "scenarios", "show", name)
    assert all(cell_len(line) <= width for line in lines)
    scenario = load_scenario(project / "scenarios" / f"{name}.toml")
    rows = [line for line in lines if re.search(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\b", line)]
    assert len(rows) == len(scenario.reports)
    for row, report in zip(rows, scenario.reports, strict=True):
        assert f" {report.kind.value} " in f"{row} "
        assert report.magnitude is None or f"{report.magnitude:.1f}" in row.split()
    assert f"status {scenario.reports[0].status.value}" in " ".join(lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_predictions_and_shelters_keep_a_place_in_one_line(width: int) -> None:
    """Coordinates and numbers are whole."""
    places = ["35.1,139.2", "36.00001,140.00001", "35.68,139.76"]
    lines = on_terminal(width, "predict", "--magnitude", "7", "--depth-km", "10", "--at", "35,139", "--for", *places)
    assert all(cell_len(line) <= width for line in lines)
    assert [place for place in places if any(line.split()[:1] == [place] for line in lines)] == places
    assert "A calculation from formulas, not a warning: eew is not a warning service." in " ".join(lines)
    lines = on_terminal(width, "shelters", "nearest", "35.6,139.7")
    assert all(cell_len(line) <= width for line in lines)
    assert sum(line.count("35.") for line in lines if re.search(r"\b35\.\d{5},139\.\d{5}\b", line)) == 3


@pytest.mark.parametrize("width", WIDTHS)
def test_a_feeds_reports_keep_instants_and_ids_whole(width: int, project: Path, tmp_path: Path) -> None:
    """Lines break at spaces."""
    reports = load_scenario(project / "scenarios" / "drill.toml").reports
    path = tmp_path / "drill.jsonl"
    path.write_bytes(b"\n".join(map(encode_report, reports)))
    lines = on_terminal(width, "feed", "listen", str(path))
    assert all(cell_len(line) <= width for line in lines)
    words = " ".join(lines).split()
    assert [word for word in words if word.startswith("drill-")] == [report.event_id for report in reports]
    assert words.count("EXERCISE") == len(reports)
    assert json.loads(on_terminal(width, "feed", "listen", "--json", str(path))[0])["event_id"] == "drill-1"


def test_an_order_of_sending_keeps_its_table_whole(tmp_path: Path) -> None:
    """At the narrowest, with one row an order."""
    words = ("bench", "order", "--scenarios", "luding-2022", "--devices", "2000", "--rates", "2000")
    lines = on_terminal(60, *words, "--json", str(tmp_path / "order.json"))
    assert all(cell_len(line) <= 60 for line in lines)
    assert any(line.split()[:3] == ["luding-2022", "2,000", "optimal"] for line in lines)
