"""Whole batches of alerts, read back packet by packet by somebody else."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eew.contract.message import AlertCore, CellAlert, DeviceAlert, json_schemas
from eew.contract.signature import SigningKey, Verifier, core_of
from eew.fanout.encode import CellEncoder, DeviceEncoder, Wire
from eew.fanout.publish_template import Batch
from eew.fanout.shelter_text import ShelterIdText, ShelterText, cell_shelter_ids, cell_shelters
from eew.model.records import AlertPlan, AlertStatus, Cells, Devices, ReportKind, ShelterColumns, Shelters

PlanOf = Callable[..., AlertPlan]
CoreFor = Callable[[AlertPlan], AlertCore]
DevicesOf = Callable[[list[str]], Devices]
Published = Callable[..., list[Any]]
SchemaErrors = Callable[[dict[str, Any], object], list[str]]

LEVEL_WORDS = {1: "passive", 2: "active", 3: "critical"}
#: Instruction, flash and vibration (ms) by level, and of a cancel: docs/topics.md.
SIGNALS: dict[str, tuple[str, bool, list[int]]] = {
    "critical": ("drop_cover_hold", True, [900, 300, 900]),
    "active": ("take_care", False, [300, 300, 300]),
    "passive": ("be_aware", False, []),
    "cancel": ("all_clear", False, [300]),
}
WIRES = [(0, 4), (0, 5), (1, 4), (1, 5)]
WIRE_NAMES = ["QoS 0, 3.1.1", "QoS 0, 5", "QoS 1, 3.1.1", "QoS 1, 5"]
SAME_LENGTH = [f"d{number:09d}" for number in range(40)]
MANY_LENGTHS = ["a", "bb", "TV_3", "x" * 32, "phone-1", *(f"id{number}" for number in range(20))]


FAULT = (((38.0, 142.0, 10.0), (39.0, 143.0, 10.0), (39.0, 143.0, 30.0)),)


def wire(qos: int, version: int, *, is_compact: bool = False) -> Wire:
    return Wire(qos=qos, version=version, expiry_s=270, is_compact=is_compact)


def told(level: int, *, is_cancel: bool) -> dict[str, Any]:
    """Return a level and what follows from it."""
    word = LEVEL_WORDS[level]
    instruction, is_flashing, vibration_ms = SIGNALS["cancel" if is_cancel else word]
    return {"level": word, "instruction": instruction, "is_flashing": is_flashing, "vibration_ms": vibration_ms}


def without_signal(alert: dict[str, Any]) -> dict[str, Any]:
    """Return an alert without what follows from its level."""
    return {name: value for name, value in alert.items() if name not in {"instruction", "is_flashing", "vibration_ms"}}


def in_ms(at: datetime) -> str:
    """Return an instant as the contract prints it, milliseconds cut off."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def nearest_ms(origin_at: datetime, after_s: float) -> set[str]:
    """Return the instants that are right to the millisecond: one, or two where it lies just between."""
    exact = origin_at + timedelta(microseconds=round(after_s * 1e6))
    return {in_ms(exact + timedelta(microseconds=off_us)) for off_us in (499, 501)}


def random_plan(plan_of: PlanOf, rng: np.random.Generator, n_targets: int, **changes: Any) -> AlertPlan:
    """Return a plan to all targets in random order."""
    s_arrival_s = rng.uniform(5, 300, n_targets).astype(np.float32)
    columns = {
        "target_row": rng.permutation(n_targets).astype(np.int32),
        "level": rng.integers(1, 4, n_targets).astype(np.uint8),
        "intensity": rng.uniform(0, 7.2, n_targets).astype(np.float32),
        "p_arrival_s": (s_arrival_s / 1.75).astype(np.float32),
        "s_arrival_s": s_arrival_s,
        "s_slowness_s_km": rng.uniform(0, 0.3, n_targets).astype(np.float32),
    }
    return plan_of(n_targets, **(columns | changes))


def cancel_plan(plan_of: PlanOf, rng: np.random.Generator, n_targets: int) -> AlertPlan:
    nothing = np.full(n_targets, np.nan, dtype=np.float32)
    plan = random_plan(
        plan_of,
        rng,
        n_targets,
        report_kind=ReportKind.CANCEL,
        report_origin_at=None,
        report_lat_deg=None,
        report_lon_deg=None,
        report_depth_km=None,
        report_magnitude=None,
    )
    return replace(plan, intensity=nothing, p_arrival_s=nothing, s_arrival_s=nothing, s_slowness_s_km=nothing)


def nearest_shelters(shelters: Shelters, rng: np.random.Generator, n_devices: int) -> ShelterColumns:
    row = rng.integers(-1, len(shelters), n_devices).astype(np.int32)
    distance_m = np.where(row < 0, np.nan, rng.uniform(0, 30_000, n_devices)).astype(np.float32)
    return ShelterColumns(row, distance_m, rng.integers(0, 360, n_devices).astype(np.uint16))


def expected_core(plan: AlertPlan, core: AlertCore) -> dict[str, Any]:
    report = plan.report
    return {
        "v": 1,
        "event_id": report.event_id,
        "report_no": report.report_no,
        "kind": report.kind.value,
        "status": report.status.value,
        "issued_at": in_ms(report.issued_at),
        "origin_at": None if report.origin_at is None else in_ms(report.origin_at),
        "lat_deg": report.lat_deg,
        "lon_deg": report.lon_deg,
        "depth_km": report.depth_km,
        "magnitude": report.magnitude,
        "expires_at": in_ms(plan.expires_at),
        "key_id": core.key_id,
        "signature": core.signature,
        "scale": plan.scale,
        "info": plan.info,
    }


def check_arrivals(alert: dict[str, Any], plan: AlertPlan, at: int) -> None:
    """Take intensity and arrivals out of an alert and compare them with alert ``at`` of the plan."""
    shown = {name: alert.pop(name) for name in ("intensity", "p_arrival_at", "s_arrival_at")}
    origin_at = plan.report.origin_at
    if origin_at is None:
        assert set(shown.values()) == {None}
        return
    assert Decimal(str(shown["intensity"])) == Decimal(float(plan.intensity[at])).quantize(Decimal("0.1"), ROUND_DOWN)
    assert shown["p_arrival_at"] in nearest_ms(origin_at, float(plan.p_arrival_s[at]))
    assert shown["s_arrival_at"] in nearest_ms(origin_at, float(plan.s_arrival_s[at]))


def check_envelope(packets: list[Any], plan: AlertPlan, qos: int, version: int) -> None:
    """Compare what is around the payloads."""
    assert len(packets) == len(plan)
    assert {packet.qos for packet in packets} == {qos}
    assert not any(packet.is_duplicate or packet.is_retained for packet in packets)
    assert [packet.packet_id for packet in packets] == (list(range(7, 7 + len(plan))) if qos else [None] * len(plan))
    properties = {
        "MessageExpiryInterval": 270,
        "UserProperty": [("event_id", plan.report.event_id), ("report_no", str(plan.report.report_no))],
    }
    assert all(packet.properties == (properties if version == 5 else {}) for packet in packets)


def check_signature(alert: AlertCore, key: SigningKey) -> None:
    """Let a device that has nothing but the JSON check it."""
    verifier = Verifier({key.key_id: key.public_bytes})
    assert verifier.verify(alert.key_id, core_of(alert), alert.signature)


def numbered(batch: Batch) -> bytes:
    batch.number(np.arange(7, 7 + len(batch)).astype(np.uint16))
    return batch.data.tobytes()


@pytest.fixture
def key() -> SigningKey:
    """Return the key that ``core_for`` signs with."""
    return SigningKey.from_seed(bytes(range(32)))


@pytest.mark.parametrize("ids", [SAME_LENGTH, MANY_LENGTHS], ids=["ids of one length", "ids of many lengths"])
@pytest.mark.parametrize("is_cancel", [False, True], ids=["solution", "cancel"])
@pytest.mark.parametrize(("qos", "version"), WIRES, ids=WIRE_NAMES)
def test_every_device_alert_says_what_the_plan_says(
    qos: int,
    version: int,
    is_cancel: bool,
    ids: list[str],
    plan_of: PlanOf,
    core_for: CoreFor,
    devices_of: DevicesOf,
    shelters: Shelters,
    published: Published,
    schema_errors: SchemaErrors,
    key: SigningKey,
    rng: np.random.Generator,
) -> None:
    """Topic, packet and payload of each, against schema, strict decoding and signature."""
    devices = devices_of(ids)
    nearest = nearest_shelters(shelters, rng, len(devices))
    plan = cancel_plan(plan_of, rng, len(devices)) if is_cancel else random_plan(plan_of, rng, len(devices))
    core = core_for(plan)
    batch = DeviceEncoder(plan, core, devices, ShelterText(shelters, nearest), wire(qos, version)).encode(0, len(plan))
    packets = published(numbered(batch), version)
    check_envelope(packets, plan, qos, version)
    schema = json_schemas()["device-alert"]
    for at, (row, packet) in enumerate(zip(plan.target_row, packets, strict=True)):
        device_id = devices.id[row].decode()
        digits = np.base_repr(int(devices.cell[row]), 4).zfill(15)
        assert packet.topic == f"eew/v1/alerts/device/{digits[:10]}/{device_id}"
        alert = json.loads(packet.payload)
        assert schema_errors(schema, alert) == []
        check_signature(msgspec.json.decode(packet.payload, type=DeviceAlert, strict=True), key)
        check_arrivals(alert, plan, at)
        place = alert.pop("shelter")
        shelter_row = int(nearest.shelter_row[row])
        if shelter_row < 0:
            assert place is None
        else:
            assert (place["id"], place["bearing_deg"]) == (shelters.id[shelter_row], nearest.bearing_deg[row])
            assert place["distance_m"] == round(float(nearest.distance_m[row]))
        signal = told(int(plan.level[at]), is_cancel=is_cancel)
        assert alert == expected_core(plan, core) | signal | {"device_id": device_id}


@pytest.mark.parametrize("is_cancel", [False, True], ids=["solution", "cancel"])
@pytest.mark.parametrize(("qos", "version"), WIRES, ids=WIRE_NAMES)
@pytest.mark.parametrize("level", [1, 12, 15])
def test_every_cell_alert_says_what_the_plan_says(
    level: int,
    qos: int,
    version: int,
    is_cancel: bool,
    plan_of: PlanOf,
    core_for: CoreFor,
    shelters: Shelters,
    published: Published,
    schema_errors: SchemaErrors,
    key: SigningKey,
    rng: np.random.Generator,
) -> None:
    """Likewise, with none to three shelters."""
    cell = np.unique(rng.integers(0, 4**level, 30)).astype(np.uint32)
    table = Cells(level, cell, np.arange(len(cell) + 1, dtype=np.int32))
    n_shelters = rng.integers(0, 4, len(cell))
    nearest_row = np.where(np.arange(3) < n_shelters[:, None], rng.integers(0, 5, (len(cell), 3)), -1).astype(np.int32)
    plan = cancel_plan(plan_of, rng, len(cell)) if is_cancel else random_plan(plan_of, rng, len(cell))
    core = core_for(plan)
    encoder = CellEncoder(plan, core, table, cell_shelters(shelters, nearest_row), wire(qos, version))
    packets = published(numbered(encoder.encode(0, len(plan))), version)
    check_envelope(packets, plan, qos, version)
    schema = json_schemas()["cell-alert"]
    for at, (row, packet) in enumerate(zip(plan.target_row, packets, strict=True)):
        digits = np.base_repr(int(cell[row]), 4).zfill(level)
        assert packet.topic == "eew/v1/alerts/cell/" + "/".join(digits)
        alert = json.loads(packet.payload)
        assert schema_errors(schema, alert) == []
        check_signature(msgspec.json.decode(packet.payload, type=CellAlert, strict=True), key)
        check_arrivals(alert, plan, at)
        slowness = alert.pop("s_slowness_s_km")
        if is_cancel:
            assert slowness is None
        else:
            assert slowness == pytest.approx(plan.s_slowness_s_km[at], abs=0.0005001)
        places = alert.pop("shelters")
        assert [place["id"] for place in places] == [shelters.id[each] for each in nearest_row[row] if each >= 0]
        signal = told(int(plan.level[at]), is_cancel=is_cancel)
        assert alert == expected_core(plan, core) | signal | {"cell": digits, "has_fault": False}


@pytest.fixture
def one_device(devices_of: DevicesOf, shelters: Shelters) -> tuple[Devices, ShelterText]:
    """Return a population of one, without a shelter."""
    nobody = ShelterColumns(
        np.array([-1], dtype=np.int32), np.array([np.nan], dtype=np.float32), np.zeros(1, dtype=np.uint16)
    )
    return devices_of(["d1"]), ShelterText(shelters, nobody)


@pytest.mark.parametrize(
    "origin_at",
    [datetime(2023, 12, 31, 23, 59, 58, 999_900, UTC), datetime(2024, 2, 28, 23, 59, 30, 1, UTC)],
    ids=["new year", "leap day"],
)
def test_arrivals_after_midnight_are_of_the_next_day(
    origin_at: datetime,
    plan_of: PlanOf,
    core_for: CoreFor,
    one_device: tuple[Devices, ShelterText],
    published: Published,
) -> None:
    """P before, S after; the origin's own microseconds count."""
    plan = plan_of(
        1,
        report_origin_at=origin_at,
        p_arrival_s=np.array([0.5], dtype=np.float32),
        s_arrival_s=np.array([90.25], dtype=np.float32),
    )
    (packet,) = published(DeviceEncoder(plan, core_for(plan), *one_device, wire(0, 4)).encode(0, 1).data.tobytes())
    check_arrivals(json.loads(packet.payload), plan, 0)


@pytest.mark.parametrize("magnitude", [7.2, 7.25, 0.1, 10.0, -0.5, None])
@pytest.mark.parametrize("lat_deg", [38.1, -0.00001, 89.99999, 1e-5])
@pytest.mark.parametrize("microsecond", [0, 1, 500, 999_999])
def test_the_signature_holds_for_what_is_printed(
    magnitude: float | None,
    lat_deg: float,
    microsecond: int,
    plan_of: PlanOf,
    core_for: CoreFor,
    one_device: tuple[Devices, ShelterText],
    published: Published,
    key: SigningKey,
) -> None:
    """Awkward numbers and microseconds: the core of the JSON is the core that was signed."""
    plan = plan_of(
        1,
        report_magnitude=magnitude,
        report_lat_deg=lat_deg,
        report_origin_at=datetime(2011, 3, 11, 5, 46, 18, microsecond, UTC),
        report_issued_at=datetime(2011, 3, 11, 5, 46, 59, microsecond, UTC),
        report_status=AlertStatus.EXERCISE,
        expires_at=datetime(2011, 3, 11, 5, 59, 59, microsecond, UTC),
    )
    core = core_for(plan)
    (packet,) = published(DeviceEncoder(plan, core, *one_device, wire(0, 4)).encode(0, 1).data.tobytes())
    alert = msgspec.json.decode(packet.payload, type=DeviceAlert, strict=True)
    assert core_of(alert) == core_of(core)
    check_signature(alert, key)


def test_a_fault_is_told_to_the_cells(
    plan_of: PlanOf, core_for: CoreFor, shelters: Shelters, published: Published
) -> None:
    """The core leaves it out, so the cell alert must say that there is one."""
    plan = plan_of(1, report_fault=FAULT)
    table = Cells(2, np.array([5], dtype=np.uint32), np.array([0, 1], dtype=np.int32))
    text = cell_shelters(shelters, np.full((1, 3), -1, dtype=np.int32))
    for is_compact in (False, True):
        encoder = CellEncoder(plan, core_for(plan), table, text, wire(0, 4, is_compact=is_compact))
        (packet,) = published(encoder.encode(0, 1).data.tobytes())
        assert json.loads(packet.payload)["has_fault"] is True


def check_short(packets: list[Any], short: list[Any], version: int) -> None:
    """Compare what is around short alerts with what is around the full ones: the same, but for user properties."""
    for packet, other in zip(packets, short, strict=True):
        properties = {"MessageExpiryInterval": 270} if version == 5 else {}
        assert other == replace(packet, payload=other.payload, properties=properties)
        assert len(other.payload) < len(packet.payload)


@pytest.mark.parametrize("ids", [SAME_LENGTH, MANY_LENGTHS], ids=["ids of one length", "ids of many lengths"])
@pytest.mark.parametrize("is_cancel", [False, True], ids=["solution", "cancel"])
@pytest.mark.parametrize(("qos", "version"), WIRES, ids=WIRE_NAMES)
def test_a_short_device_alert_says_the_same_but_for_the_shelter(
    qos: int,
    version: int,
    is_cancel: bool,
    ids: list[str],
    plan_of: PlanOf,
    core_for: CoreFor,
    devices_of: DevicesOf,
    shelters: Shelters,
    published: Published,
    schema_errors: SchemaErrors,
    key: SigningKey,
    rng: np.random.Generator,
) -> None:
    """Core, level and arrivals are those of the full alert, which is checked above; the shelter is its id."""
    devices = devices_of(ids)
    nearest = nearest_shelters(shelters, rng, len(devices))
    plan = cancel_plan(plan_of, rng, len(devices)) if is_cancel else random_plan(plan_of, rng, len(devices))
    core = core_for(plan)
    full = DeviceEncoder(plan, core, devices, ShelterText(shelters, nearest), wire(qos, version))
    short_wire = wire(qos, version, is_compact=True)
    short = DeviceEncoder(plan, core, devices, ShelterIdText(shelters, nearest), short_wire)
    packets = published(numbered(full.encode(0, len(plan))), version)
    short_packets = published(numbered(short.encode(0, len(plan))), version)
    check_short(packets, short_packets, version)
    schema = json_schemas()["device-alert"]
    for row, packet, other in zip(plan.target_row, packets, short_packets, strict=True):
        alert = json.loads(other.payload)
        assert schema_errors(schema, alert) == []
        check_signature(msgspec.json.decode(other.payload, type=DeviceAlert, strict=True), key)
        shelter_row = int(nearest.shelter_row[row])
        assert alert.pop("shelter_id") == (None if shelter_row < 0 else shelters.id[shelter_row])
        assert alert == without_signal(json.loads(packet.payload)) | {"shelter": None}


@pytest.mark.parametrize("has_fault", [False, True], ids=["point", "fault"])
@pytest.mark.parametrize("is_cancel", [False, True], ids=["solution", "cancel"])
@pytest.mark.parametrize(("qos", "version"), WIRES, ids=WIRE_NAMES)
def test_a_short_cell_alert_says_the_same_but_for_the_shelters(
    qos: int,
    version: int,
    is_cancel: bool,
    has_fault: bool,
    plan_of: PlanOf,
    core_for: CoreFor,
    shelters: Shelters,
    published: Published,
    schema_errors: SchemaErrors,
    key: SigningKey,
    rng: np.random.Generator,
) -> None:
    """Likewise, with none to three ids; that there is no fault goes without saying."""
    cell = np.unique(rng.integers(0, 4**12, 30)).astype(np.uint32)
    table = Cells(12, cell, np.arange(len(cell) + 1, dtype=np.int32))
    n_shelters = rng.integers(0, 4, len(cell))
    nearest_row = np.where(np.arange(3) < n_shelters[:, None], rng.integers(0, 5, (len(cell), 3)), -1).astype(np.int32)
    plan = (cancel_plan if is_cancel else random_plan)(plan_of, rng, len(cell))
    if has_fault:
        plan = replace(plan, report=msgspec.structs.replace(plan.report, fault=FAULT))
    core = core_for(plan)
    full = CellEncoder(plan, core, table, cell_shelters(shelters, nearest_row), wire(qos, version))
    short_wire = wire(qos, version, is_compact=True)
    short = CellEncoder(plan, core, table, cell_shelter_ids(shelters, nearest_row), short_wire)
    packets = published(numbered(full.encode(0, len(plan))), version)
    short_packets = published(numbered(short.encode(0, len(plan))), version)
    check_short(packets, short_packets, version)
    schema = json_schemas()["cell-alert"]
    for row, packet, other in zip(plan.target_row, packets, short_packets, strict=True):
        alert = json.loads(other.payload)
        assert schema_errors(schema, alert) == []
        check_signature(msgspec.json.decode(other.payload, type=CellAlert, strict=True), key)
        assert alert.pop("shelter_ids") == [shelters.id[each] for each in nearest_row[row] if each >= 0]
        assert {"has_fault": False} | alert == without_signal(json.loads(packet.payload)) | {"shelters": []}


@st.composite
def catalogues(draw: st.DrawFn) -> Shelters:
    """Return one to six places with any names and ids."""
    n = draw(st.integers(1, 6))
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    lat_deg = st.floats(-90, 90, allow_subnormal=False)
    return Shelters(
        id=tuple(draw(st.lists(text, min_size=n, max_size=n, unique=True))),
        name=tuple(draw(st.lists(text, min_size=n, max_size=n))),
        lat_deg=np.array(draw(st.lists(lat_deg, min_size=n, max_size=n))),
        lon_deg=np.zeros(n),
        hazards=np.ones(n, dtype=np.uint8),
        capacity=np.full(n, np.nan, dtype=np.float32),
        title="any",
        licence="none",
        is_synthetic=True,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    places=catalogues(),
    n=st.integers(1, 30),
    seed=st.integers(0, 2**32 - 1),
    is_cancel=st.booleans(),
    how=st.sampled_from(WIRES),
    data=st.data(),
)
def test_a_short_packet_is_shorter_and_all_have_one_length(
    places: Shelters,
    n: int,
    seed: int,
    is_cancel: bool,
    how: tuple[int, int],
    data: st.DataObject,
    plan_of: PlanOf,
    core_for: CoreFor,
    devices_of: DevicesOf,
    published: Published,
) -> None:
    """Whatever the plan, the catalogue and the ids, to devices and to cells, with shelters and without."""
    rng = np.random.default_rng(seed)
    plan = (cancel_plan if is_cancel else random_plan)(plan_of, rng, n)
    core, (full_wire, short_wire) = core_for(plan), (wire(*how), wire(*how, is_compact=True))
    lengths = data.draw(st.lists(st.integers(2, 30), min_size=n, max_size=n))
    devices = devices_of([f"{number:02d}{'x' * (length - 2)}" for number, length in enumerate(lengths)])
    nearest = nearest_shelters(places, rng, n)
    table = Cells(8, np.arange(n, dtype=np.uint32), np.arange(n + 1, dtype=np.int32))
    near_row = rng.integers(-1, len(places), (n, 3)).astype(np.int32)
    for full, short in (
        (
            DeviceEncoder(plan, core, devices, ShelterText(places, nearest), full_wire),
            DeviceEncoder(plan, core, devices, ShelterIdText(places, nearest), short_wire),
        ),
        (
            CellEncoder(plan, core, table, cell_shelters(places, near_row), full_wire),
            CellEncoder(plan, core, table, cell_shelter_ids(places, near_row), short_wire),
        ),
    ):
        batch = short.encode(0, n)
        assert batch.data.shape[1] < full.encode(0, n).data.shape[1]
        packets = published(numbered(batch), how[1])
        assert [packet.packet_id for packet in packets] == (list(range(7, 7 + n)) if how[0] else [None] * n)
        assert all(json.loads(packet.payload)["signature"] == core.signature for packet in packets)


def test_any_portions_give_the_same_packets(
    plan_of: PlanOf, core_for: CoreFor, devices_of: DevicesOf, shelters: Shelters, rng: np.random.Generator
) -> None:
    """However a plan is cut, and whichever ids fall together; inputs are left as they were."""
    devices = devices_of(MANY_LENGTHS)
    nearest = nearest_shelters(shelters, rng, len(devices))
    plan = random_plan(plan_of, rng, len(devices))
    for column in (plan.target_row, plan.level, plan.intensity, plan.s_arrival_s, devices.id, nearest.bearing_deg):
        column.setflags(write=False)
    encoder = DeviceEncoder(plan, core_for(plan), devices, ShelterText(shelters, nearest), wire(1, 4))
    whole = encoder.encode(0, len(plan)).data
    for cut in (1, 5, len(plan) - 1):
        first, second = encoder.encode(0, cut).data, encoder.encode(cut, len(plan)).data
        assert np.array_equal(np.concatenate([first, second]), whole)
    assert len(encoder.encode(3, 3)) == 0


def test_texts_of_a_profile_are_escaped(
    plan_of: PlanOf, core_for: CoreFor, one_device: tuple[Devices, ShelterText], published: Published
) -> None:
    """A quote in a profile's words cannot break the JSON."""
    plan = plan_of(1, scale='"mmi"', info='jp/"ja"')
    (packet,) = published(DeviceEncoder(plan, core_for(plan), *one_device, wire(0, 4)).encode(0, 1).data.tobytes())
    alert = json.loads(packet.payload)
    assert (alert["scale"], alert["info"]) == ('"mmi"', 'jp/"ja"')
