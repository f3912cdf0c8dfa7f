"""What a swarm received, as a person reads it."""

from typing import Any

import pytest
from rich.console import Console

from eew.view.swarm_table import figures_in_words, print_reports


def report(report_no: int, n: int, n_unaffected: int = 0, status: str = "actual") -> dict[str, Any]:
    return {
        "event_id": "20110311144640",
        "report_no": report_no,
        "kind": "update",
        "status": status,
        "n_devices": n,
        "n_by_level": {"critical": n, "active": n, "passive": n},
        "n_unaffected": n_unaffected,
        "first_s": 1234.5,
        "spread_ms": 1.0,
        "latency_ms": {"p50": 12_345.6, "p90": 20_000.0, "p99": 23_456.7, "p99_9": 30_000.0, "max": 34_567.8},
    }


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("n_unaffected", [0, 1_000_000])
def test_a_number_is_never_cut(width: int, n_unaffected: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A narrow terminal goes without some columns instead, never without devices and latencies."""
    reports = [report(1, 91), report(12, 99_999, n_unaffected)]
    print_reports(reports, Console(width=width, highlight=False, force_terminal=True, color_system=None))
    out = capsys.readouterr().out
    assert "…" not in out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= width
    for shown in ("devices", "p99", "max", "99,999", "23,457", "34,568"):
        assert shown in out
    assert ("harmless" in out) == (n_unaffected > 0)
    if width == 60:
        assert "no room for: " in out


@pytest.mark.parametrize("status", ["exercise", "test"])
def test_what_is_not_meant_is_marked_in_every_line(status: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The event, and each of its reports; one that is meant has no such column."""
    print_reports([report(1, 5, status=status), report(2, 5, status=status)], Console(highlight=False))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{status.upper()} event 20110311144640"
    assert [status.upper() in line for line in lines[3:5]] == [True, True]
    print_reports([report(1, 5)], Console(highlight=False))
    assert "status" not in capsys.readouterr().out


def summary(p50: float | None, expected: int | None = None) -> dict[str, Any]:
    latency = dict.fromkeys(("p50", "p90", "p99", "p99_9", "max"), p50)
    return {
        "counts": {"taken": 85, "older": 5},
        "delivery": {"expected": expected, "delivered": 90, "lost": 10 if expected else None, "duplicated": 0},
        "latency_ms": {"issue_to_device": latency},
        "alerts_a_second": None if p50 is None else 41_000.0,
        "outcome": {"in_time": 4900, "late_by_physics": 80, "late_by_dispatch": 20},
    }


def test_the_figures_are_a_line_each() -> None:
    """Losses where it was said how many there should be; who was notified before the S wave, and who after it."""
    assert list(figures_in_words(summary(12.0, 100))) == [
        "expected   100: taken 85, overtaken by a newer report 5, lost 10",
        "latency    issue to device: p50 12, p90 12, p99 12, p99.9 12, max 12 ms",
        "rate       41,000 alerts/s, while any were under way",
        "S wave     notified before it 4,900, after it 100 (for 80 of them it came before the report was issued)",
    ]
    assert list(figures_in_words(summary(None))) == []


def test_clocks_that_differ_are_said() -> None:
    """An alert that comes before it was issued is a wrong clock."""
    assert any("clock" in line for line in figures_in_words(summary(-5000.0)))
