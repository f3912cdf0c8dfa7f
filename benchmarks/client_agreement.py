"""Print how a device that works out its own alert from its cell's agrees with the dispatcher's device mode."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import numpy as np
from rich.progress import track

from eew.client import Client
from eew.contract import topic
from eew.contract.message import AlertCore
from eew.contract.signature import SigningKey, Verifier, core_of
from eew.decision.policy import is_issued, levels
from eew.decision.revision import EventState
from eew.devices.population.population import make
from eew.dispatch.audience import CellAudience, Send
from eew.dispatch.planner import Outlook, Planner
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.estimate.targets import Targets
from eew.feed.scenario import load_scenario, scenario_path
from eew.model.records import Devices, EventReport, Level, Profile
from eew.model.region_name import parse_region
from eew.model.region_profile_file import load_profile
from eew.mqtt import packet
from eew.physics import cells
from eew.physics.travel_time_table import TravelTimeTable
from eew.shelter.synthetic import synthetic_shelters

__all__ = ["SCENARIOS", "Agreement", "agreements"]

SCENARIOS = ("tohoku-2011", "luding-2022", "turkiye-2023")
#: Reports of a long sequence that are looked at: the first, the last, and some between.
MOST_REPORTS = 3
KEY = SigningKey.from_seed(b"agreement" + bytes(23))


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one report, at all places."""

    scenario: str
    report_no: int
    n_places: int
    #: Told by the dispatcher's device mode.
    n_told: int
    n_other_level: int
    #: Greatest, and of 999 in 1 000 places; of the places that got a cell's alert.
    max_s: float
    p99_9_s: float


def agreements(name: str, n_places: int, seed: int, *, has_progress: bool = False) -> Iterator[Agreement]:
    """Yield, for some reports of a scenario, how each place's own estimate differs from the dispatcher's for it."""
    scenario = load_scenario(scenario_path(name))
    profile = load_profile(scenario.profile)
    devices = make(parse_region(scenario.population), n_places, seed)
    told_of = [each for each in scenario.reports if each.magnitude is not None and not each.is_assumed]
    chosen = np.unique(np.linspace(0, len(told_of) - 1, MOST_REPORTS).astype(int))
    estimator = Estimator(
        TravelTimeTable.load(profile.travel_times), intensity_model(profile.intensity_model), profile.default_depth_km
    )
    for report in (told_of[at] for at in chosen):
        yield _agreement(name, report, devices, profile, estimator, has_progress=has_progress)


def _agreement(
    name: str, report: EventReport, devices: Devices, profile: Profile, estimator: Estimator, *, has_progress: bool
) -> Agreement:
    n = len(devices)
    estimate = estimator.estimate(report, Targets.of(devices.lat_deg, devices.lon_deg), -np.inf)
    expected_level = np.zeros(n, dtype=np.uint8)
    expected_s = np.full(n, np.nan)
    expected_s[estimate.target_row] = estimate.s_arrival_s
    if is_issued(profile, report.magnitude, estimate.max_intensity, report.depth_km):
        expected_level[estimate.target_row] = levels(
            profile, report.magnitude, estimate.intensity, estimate.max_intensity
        )
    payloads = _cell_payloads(report, devices, profile, estimator)
    verifier = Verifier({KEY.key_id: KEY.public_bytes})
    own_level = np.zeros(n, dtype=np.uint8)
    own_s = np.full(n, np.nan)
    digits = _cell_digits(devices)
    rows: Iterator[int] = iter(range(n))
    for row in track(rows, name, total=n) if has_progress else rows:
        payload = payloads.get(digits[row])
        if payload is None:
            continue
        client = Client((float(devices.lat_deg[row]), float(devices.lon_deg[row])), verifier, profile)
        client.take(topic.cell_alert(digits[row]), payload, report.issued_at)
        (alert,) = client.alerts(report.origin_at or report.issued_at)
        own_level[row] = Level[alert.level.upper()]
        own_s[row] = np.nan if alert.s_in_s is None else alert.s_in_s
    has_alert = ~np.isnan(own_s)
    difference_s = np.abs(own_s - expected_s)[has_alert]
    return Agreement(
        name,
        report.report_no,
        n,
        int(np.count_nonzero(expected_level)),
        int(np.count_nonzero(own_level != expected_level)),
        float(difference_s.max(initial=0.0)),
        float(np.quantile(difference_s, 0.999)) if difference_s.size else 0.0,
    )


def _cell_payloads(report: EventReport, devices: Devices, profile: Profile, estimator: Estimator) -> dict[str, bytes]:
    """Return the alerts of a report as the dispatcher writes them, by the cell's digits."""
    shelters = synthetic_shelters(devices.lat_deg[:100], devices.lon_deg[:100], np.full(100, 40_000), seed=1)
    audience = CellAudience(devices, shelters, Send(qos=0, version=packet.V3, payload="full"))
    planner = Planner(profile, estimator, audience)
    if (solution := report.solution) is None:
        return {}
    outlook = planner.outlook(report, solution)
    state = EventState(len(audience), solution.origin_at, has_extent=True)
    plan = planner.whole(
        report, outlook, planner.estimate(report, solution), state, report.issued_at + timedelta(seconds=1), 1e5, None
    )
    batch = audience.encoder(plan, _signed(report, outlook)).encode(0, len(plan))
    found = (row[row.index(b"{") :] for row in (each.tobytes() for each in batch.data))
    return {msgspec.json.decode(payload)["cell"]: payload for payload in found}


def _signed(report: EventReport, outlook: Outlook) -> AlertCore:
    names = ("event_id", "report_no", "kind", "status", "issued_at", "origin_at", "lat_deg", "lon_deg", "depth_km")
    members = {name: getattr(report, name) for name in names}
    core = AlertCore(
        **members, magnitude=report.magnitude, expires_at=outlook.expires_at, key_id=KEY.key_id, signature=""
    )
    return msgspec.structs.replace(core, signature=KEY.sign(core_of(core)))


def _cell_digits(devices: Devices) -> list[str]:
    cell = cells.ancestor(devices.cell, cells.DEVICE_LEVEL, topic.CELL_LEVEL)
    return [row.tobytes().decode() for row in cells.digits(cell, topic.CELL_LEVEL)]


def main() -> int:
    """Print the table; return 1 where the figures of docs are not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print("scenario       report   places     told  other level  same level  S p99.9 ms  S max ms")
    is_met = True
    for name in SCENARIOS:
        for each in agreements(name, arguments.places, arguments.seed, has_progress=sys.stderr.isatty()):
            same = 1 - each.n_other_level / each.n_places
            is_met &= same >= 0.999 and each.max_s <= 0.05
            print(
                f"{each.scenario:14} {each.report_no:6,} {each.n_places:8,} {each.n_told:8,} {each.n_other_level:12,}"
                f" {same:11.4%} {each.p99_9_s * 1e3:11.2f} {each.max_s * 1e3:9.2f}"
            )
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
