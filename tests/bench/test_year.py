"""``eew bench year``: the year in small, over a real broker, and the devices it is played to."""

import argparse
import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from eew.bench import year as bench
from eew.bench.year_population import YearDevices, circles, year_devices
from eew.contract.run_summary import OutcomeCounts, PlannedCounts, RunSummary
from eew.devices.population.region import region_towns
from eew.devices.swarm.receiver import RECEIPT
from eew.devices.swarm.swarm import Receipts
from eew.dispatch.replay import Progress, RunResult
from eew.dispatch.summary import Dispatched
from eew.estimate.intensity_models import intensity_model
from eew.feed.scenario_year import Year, load_year
from eew.model.disposition import Disposition
from eew.model.errors import InputError
from eew.model.records import EventReport, ReportKind
from eew.model.region_name import Region

SHARE = 0.001


def called(*words: str) -> int:
    """Call the bench as the command line does; return its exit code."""
    parser = argparse.ArgumentParser()
    bench.configure(parser)
    return bench.run(parser.parse_args(words))


@pytest.fixture(scope="module")
def year() -> Year:
    """Return the shipped year."""
    return load_year(Path(__file__).parents[2] / "scenarios" / "china-2020" / "year.toml")


@pytest.fixture(scope="module")
def made(year: Year) -> YearDevices:
    """Return a thousandth of its devices."""
    return year_devices(year, circles(year, intensity_model("icl"), 2.0), SHARE, 1)


def surface_km(lat_deg: float, lon_deg: float, to_lat_deg: Any, to_lon_deg: Any) -> Any:
    """Return great-circle distances on a sphere, by the haversine formula."""
    lat, lon, to_lat, to_lon = map(np.radians, (lat_deg, lon_deg, np.float64(to_lat_deg), np.float64(to_lon_deg)))
    half = np.sin((to_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(to_lat) * np.sin((to_lon - lon) / 2) ** 2
    return 2 * 6371.0 * np.arcsin(np.sqrt(half))


def reach_km(report: EventReport) -> float:
    """Return how far intensity II reaches by ICL's formula, solved for the distance from the focus."""
    assert report.magnitude is not None
    assert report.depth_km is not None
    focal_km: float = np.exp((2.941 + 1.363 * report.magnitude - 2.0) / 1.494) - 7.0
    return float(np.sqrt(focal_km**2 - report.depth_km**2))


@pytest.mark.broker
@pytest.mark.long(60, reason="29 earthquakes one after the other, each until half a second is quiet")
@pytest.mark.parametrize("mode", ["device", "cell"])
def test_a_small_year_tells_all_29_and_loses_nothing(
    mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousandth of the devices: every earthquake has a line, totals are the sums of the lines, nothing is lost."""
    monkeypatch.setitem(bench._QUIET_S, "cell", 0.2)
    path = tmp_path / "year.json"
    assert called("--share", str(SHARE), "--mode", mode, "--json", str(path)) == 0
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    events = result["events"]
    assert result["n_events"] == len(events) == 29
    assert [each["event_id"] for each in events] == sorted(each["event_id"] for each in events)
    assert result["n_alerts"] == sum(each["n_alerts"] for each in events)
    for word in ("critical", "active", "passive"):
        assert result["n_alerts_by_level"][word] == sum(each["n_alerts_by_level"][word] for each in events)
    assert all(each["n_alerts"] == sum(each["n_alerts_by_level"].values()) <= each["n_around"] for each in events)
    took_s = [each["report_to_last_device_s"] for each in events if each["n_alerts"]]
    assert min(took_s) > 0
    assert result["worst_report_to_last_device_s"] == max(took_s)
    assert result["dispatch_s"] == pytest.approx(sum(took_s), abs=0.001)
    delivery = result["delivery"]
    assert delivery["lost"] == delivery["duplicated"] == 0
    assert delivery["expected"] == delivery["delivered"] >= result["n_alerts"]
    # Of a thousandth of the devices about a thousandth of the alerts.
    assert 9_000 < result["n_alerts"] < 10_400
    assert result["settings"]["share"] == SHARE
    assert result["reported"] == {"n_events": 29, "n_alerts": 9_400_000}
    out = capsys.readouterr().out
    assert "Guye, Tangshan, Hebei" in out
    assert out.rstrip().splitlines()[-1].startswith("delivery ")


def test_devices_live_around_the_earthquakes_and_in_the_country(year: Year, made: YearDevices) -> None:
    """All within 50 km of where intensity II ends, counted the same by another formula; none far beyond the border."""
    devices = made.devices
    is_near = np.zeros(len(devices), dtype=np.bool_)
    for report in year.reports:
        assert report.lat_deg is not None
        assert report.lon_deg is not None
        away_km = surface_km(report.lat_deg, report.lon_deg, devices.lat_deg, devices.lon_deg)
        limit_km = reach_km(report) + 50.0
        # The sphere is 0.3 % off at most, the grid of the reach 1 km.
        is_near |= away_km <= 1.003 * limit_km + 1.0
        n_least, n_most = ((away_km <= limit_km * each - sign).sum() for each, sign in ((0.997, 1.5), (1.003, -1.0)))
        assert n_least <= made.n_around[report.event_id] <= n_most
    assert is_near.all()
    # Almaty, Bishkek and Fergana felt Jiashi's M 6.4 too, on phones of other countries.
    for lat_deg, lon_deg in ((43.25, 76.95), (42.87, 74.59), (40.38, 71.79)):
        assert surface_km(lat_deg, lon_deg, devices.lat_deg, devices.lon_deg).min() > 60


def test_everybody_who_may_be_told_is_there(year: Year, made: YearDevices) -> None:
    """Devices around a town within reach are the stated share of its people: nothing is cut off near Tangshan."""
    hebei = region_towns(Region("hebei", code="CN.10"))
    epicentre = (39.78, 118.44)
    n_people = hebei.population[surface_km(*epicentre, hebei.lat_deg, hebei.lon_deg) < 100].sum()
    n_devices = (surface_km(*epicentre, made.devices.lat_deg, made.devices.lon_deg) < 100).sum()
    assert n_devices == pytest.approx(n_people * year.devices_per_inhabitant * SHARE, rel=0.15)


def test_devices_are_one_population(year: Year, made: YearDevices) -> None:
    """Ids are unique across provinces, rows are in the order of their cells, and a seed gives the same again."""
    devices = made.devices
    assert len(np.unique(devices.id)) == len(devices)
    assert (np.diff(devices.cell.astype(np.int64)) >= 0).all()
    again = year_devices(year, circles(year, intensity_model("icl"), 2.0), SHARE, 1).devices
    for name in ("id", "lat_deg", "lon_deg", "cell", "kind"):
        np.testing.assert_array_equal(getattr(again, name), getattr(devices, name))


def test_a_share_without_anybody_is_refused(year: Year) -> None:
    """An earthquake far from every town has no devices around it."""
    nowhere = replace(year, reports=year.reports[:1])
    with pytest.raises(InputError, match="nobody is left"):
        year_devices(nowhere, circles(nowhere, intensity_model("icl"), 2.0), 1e-9, 1)


def test_a_lost_alert_is_exit_1_and_in_the_last_line(
    year: Year, run_summary: RunSummary, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A year of which one alert came and one was lost is told as it is, and fails."""
    first = year.reports[0]
    lines = np.array([(5_250_000_000, 0, 9.0, 0, 2)], dtype=RECEIPT)
    summary = msgspec.structs.replace(
        run_summary,
        conservation=PlannedCounts(selected=2, sent=2, superseded=0, expired=0, failed=0),
        delivery=msgspec.structs.replace(run_summary.delivery, expected=2, delivered=1, lost=1, duplicated=0),
        outcome=OutcomeCounts(in_time=1, late_by_physics=0, late_by_dispatch=0, not_told=1),
    )
    dispatched = [Dispatched(each, Disposition.ACCEPTED, 5.0, 5.01, None) for each in year.reports]
    receipts = Receipts(lines, [(first.event_id, 1, ReportKind.NEW)], {})
    result = RunResult(summary, None, dispatched, receipts)
    n_around = {each.event_id: 7 for each in year.reports}
    monkeypatch.setattr(bench, "_played", lambda *_: (result, n_around))
    assert called() == 1
    said = capsys.readouterr()
    assert said.err == "eew bench: of 2 alerts expected: lost 1\n"
    out = said.out.rstrip().splitlines()
    assert out[3].split()[-6:] == ["0", "1", "0", "1", "0.250", "s"]
    assert out[4].split()[-5:] == ["0", "0", "0", "0", "–"]
    assert out[-1] == "delivery   expected 2 = delivered 1 + lost 1; duplicated 0"


@pytest.mark.parametrize("mode", ["device", "cell"])
async def test_the_next_earthquake_waits_for_the_last_device(
    mode: str, year: Year, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report comes when the devices have taken all alerts of the one before, or none came for long."""
    so_far, waits = Progress(), 0

    async def tick(_: float) -> None:
        nonlocal waits
        waits += 1
        so_far.n_taken = min(so_far.n_taken + 10, 100)

    monkeypatch.setattr(asyncio, "sleep", tick)
    show: Callable[[float], None] = lambda _: None  # noqa: E731 - nobody looks
    reports = bench._one_after_another(year.reports[:2], so_far, mode, show)
    assert await anext(reports) is year.reports[0]
    so_far.n_planned = 100
    assert await anext(reports) is year.reports[1]
    assert so_far.n_taken == 100
    so_far.n_planned = 101
    waits = 0
    with pytest.raises(StopAsyncIteration):
        await anext(reports)
    assert waits * bench._TICK_S == pytest.approx(bench._QUIET_S[mode], abs=2 * bench._TICK_S)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--share", "0"),
        ("--share", "1.1"),
        ("--share", "nan"),
        ("--share", "all"),
        ("--mode", "sms"),
        ("--qos", "2"),
        ("--broker", "here"),
    ],
)
def test_bad_options_are_refused_with_their_value(option: str, value: str) -> None:
    """Before anything is made or started."""
    with pytest.raises(InputError) as caught:
        called(option, value)
    assert value in str(caught.value)


def test_a_json_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    """Minutes of playing are not thrown away."""
    with pytest.raises(InputError, match="--json"):
        called("--json", str(tmp_path / "nowhere" / "year.json"))
