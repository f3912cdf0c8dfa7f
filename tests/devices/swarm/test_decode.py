"""Alerts read in bulk against each read by the standard library's JSON."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.devices.swarm.decode import Alerts, cell_alerts, device_alerts

ORIGIN_AT = datetime(2011, 3, 11, 5, 46, 18, 100000, tzinfo=UTC)
CODES = {"passive": 1, "active": 2, "critical": 3}
WIDTH = 900
#: Instruction, flash and vibration (ms) by level, and of a cancel: docs/topics.md.
SIGNALS: dict[str, dict[str, Any]] = {
    "critical": {"instruction": "drop_cover_hold", "is_flashing": True, "vibration_ms": [900, 300, 900]},
    "active": {"instruction": "take_care", "is_flashing": False, "vibration_ms": [300, 300, 300]},
    "passive": {"instruction": "be_aware", "is_flashing": False, "vibration_ms": []},
    "cancel": {"instruction": "all_clear", "is_flashing": False, "vibration_ms": [300]},
}
#: Event, report, kind, device, level, S arrival: what a device needs of an alert.
Read = tuple[str, int, str, str, int, float | None]


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def alert(
    device_id: str = "d000000001",
    level: str = "active",
    s_arrival_s: float | None = 42.5,
    *,
    event_id: str = "20110311144640",
    report_no: int = 9,
    kind: str = "update",
    origin_at: datetime = ORIGIN_AT,
) -> dict[str, Any]:
    """Return the members of an alert in the order of the contract."""
    s_arrival_at = None if s_arrival_s is None else iso(origin_at + timedelta(seconds=s_arrival_s))
    return {
        "v": 1,
        "event_id": event_id,
        "report_no": report_no,
        "kind": kind,
        "status": "actual",
        "issued_at": iso(origin_at + timedelta(seconds=44)),
        "origin_at": iso(origin_at),
        "lat_deg": 38.1,
        "lon_deg": 142.9,
        "depth_km": 10.0,
        "magnitude": 7.6,
        "expires_at": iso(origin_at + timedelta(seconds=600)),
        "key_id": "0a1b2c3d",
        "signature": "s" * 86,
        "level": level,
        "device_id": device_id,
        "intensity": None if s_arrival_s is None else 5.3,
        "scale": "jma",
        "p_arrival_at": s_arrival_at,
        "s_arrival_at": s_arrival_at,
        "shelter": {
            "id": "s1",
            "name": "小学校",
            "lat_deg": 38.0,
            "lon_deg": 141.0,
            "distance_m": 420,
            "bearing_deg": 9,
        },
        "info": "jp/ja",
    }


def as_ours(members: dict[str, Any]) -> bytes:
    """Return an alert as the dispatcher writes it: no spaces but after the level, so that all levels are as long."""
    text = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    return text.replace(f'"{members["level"]}",', f'"{members["level"]}",'.ljust(11), 1).encode()


def as_full(members: dict[str, Any]) -> bytes:
    """Return an alert with what follows from its level, as the dispatcher writes it when it is not compact."""
    signal = SIGNALS["cancel" if members["kind"] == "cancel" else members["level"]]
    plain = json.dumps({"level": members["level"]}, separators=(",", ":"))[1:-1] + ","
    told = json.dumps({"level": members["level"]} | signal, separators=(",", ":"))[1:-1] + ","
    text = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    return text.replace(plain, told.ljust(110), 1).encode()


def as_loud(members: dict[str, Any]) -> bytes:
    """Return an alert of a dispatcher that lets every level flash."""
    return as_full(members).replace(b'"is_flashing":false', b'"is_flashing":true ')


def as_spaced(members: dict[str, Any]) -> bytes:
    return json.dumps(members, indent=1).encode()


def as_shuffled(members: dict[str, Any]) -> bytes:
    return json.dumps(dict(sorted(members.items(), reverse=True)), separators=(",", ":")).encode()


def as_escaped(members: dict[str, Any]) -> bytes:
    """Return an alert whose id begins with an escaped character."""
    escaped = f'"device_id":"\\u{ord(members["device_id"][0]):04x}{members["device_id"][1:]}"'
    return as_ours(members).replace(f'"device_id":"{members["device_id"]}"'.encode(), escaped.encode())


def as_misleading(members: dict[str, Any]) -> bytes:
    """Return an alert with a member nobody knows, that has members of the names that are looked for."""
    return as_ours({"x": {"w": 0, "level": "passive", "device_id": "d9", "s_arrival_at": None}} | members)


def as_twice(members: dict[str, Any]) -> bytes:
    """Return an alert whose level is said once in another member, compactly, and then with spaces."""
    inner = '{"x":{"w":0,"level":"passive",'
    return as_spaced(members).replace(b"{", inner.encode() + b'"device_id":"d9"},', 1)


def as_micro(members: dict[str, Any]) -> bytes:
    """Return an alert with instants to the microsecond."""
    return as_ours(members).replace(b'00Z"', b'00000Z"')


def as_odd(members: dict[str, Any]) -> bytes:
    """Return an alert that is ours but for a space before the comma that follows the level."""
    text = as_ours(members)
    return text.replace(f'"{members["level"]}",'.encode(), f'"{members["level"]}" ,'.encode(), 1)


LAYOUTS = (as_odd, as_ours, as_full, as_loud, as_spaced, as_shuffled, as_escaped, as_misleading, as_twice, as_micro)


def rows_of(payloads: Sequence[bytes], width: int = WIDTH) -> npt.NDArray[np.uint8]:
    """Return payloads as a run, padded with spaces to one length."""
    assert all(len(payload) <= width for payload in payloads)
    joined = b"".join(payload.ljust(width) for payload in payloads)
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(payloads), width)


def read(found: Sequence[Alerts | None]) -> list[Read]:
    out: list[Read] = []
    for alerts in found:
        if alerts is None:
            continue
        core = alerts.core
        for each, level, s_arrival_s in zip(alerts.device_id, alerts.level, alerts.s_arrival_s, strict=True):
            s = None if np.isnan(s_arrival_s) else round(float(s_arrival_s), 2)
            out.append((core.event_id, core.report_no, core.kind.value, each.decode(), int(level), s))
    return sorted(out, key=repr)


def by_standard_library(payload: bytes) -> Read:
    """Return what an alert says, read one member at a time."""
    members = json.loads(payload)
    s_arrival_s = None
    if members["s_arrival_at"] is not None:
        after = datetime.fromisoformat(members["s_arrival_at"]) - datetime.fromisoformat(members["origin_at"])
        s_arrival_s = round(after.total_seconds(), 2)
    return (
        members["event_id"],
        members["report_no"],
        members["kind"],
        members["device_id"],
        CODES[members["level"]],
        s_arrival_s,
    )


alerts_ = st.builds(
    alert,
    device_id=st.sampled_from(["d000000001", "d000000002", "d9", "tv-7", "ab", "A", "d12345"]),
    level=st.sampled_from(list(CODES)),
    s_arrival_s=st.sampled_from([None, 0.0, 12.34, 42.5, 99.99, 600.0, 50_000.0, 66_000.0]) | st.integers(0, 900),
    event_id=st.sampled_from(["e1", "e2"]),
    report_no=st.sampled_from([1, 9]),
    kind=st.sampled_from(["update", "cancel"]),
    origin_at=st.sampled_from([ORIGIN_AT, datetime(2023, 12, 31, 23, 59, 30, tzinfo=UTC)]),
)
payloads_ = st.lists(st.builds(lambda layout, members: layout(members), st.sampled_from(LAYOUTS), alerts_), max_size=8)
garbage = st.sampled_from(
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{" * 800,
        b'{"v":1}',
        as_ours(alert() | {"v": 2}),
        as_ours(alert() | {"level": "none"}),
        as_ours(alert() | {"expires_at": None}),
        as_ours(alert() | {"issued_at": "2011-03-11T05:46:18"}),
        as_ours(alert() | {"issued_at": "0001-01-01T00:00:00+23:59"}),
        as_ours(alert() | {"expires_at": "9999-12-31T23:59:59-23:59"}),
        as_ours(alert() | {"report_no": 0}),
        as_ours(alert() | {"report_no": 30_001}),
        as_ours(alert() | {"report_no": 10**30}),
        as_ours(alert() | {"event_id": "a/b"}),
        as_ours(alert())[:-1],
        as_ours(alert()).replace(b"jma", b"\xff\xfe\xfd"),
    ]
)


@given(st.lists(st.tuples(payloads_, st.lists(garbage, max_size=2)), max_size=3), st.randoms(use_true_random=False))
def test_alerts_are_what_the_standard_library_reads(parts: list[tuple[list[bytes], list[bytes]]], random: Any) -> None:
    """In any layout, of several reports in one run, with garbage in between: each is read, or counted as unreadable."""
    good = [payload for payloads, _ in parts for payload in payloads]
    bad = [payload for _, payloads in parts for payload in payloads]
    mixed = good + bad
    random.shuffle(mixed)
    found = list(device_alerts(rows_of(mixed)))
    assert read(found) == sorted((by_standard_library(payload) for payload in good), key=repr)
    assert found.count(None) == len(bad)


def test_alike_alerts_are_read_at_once(rng: np.random.Generator) -> None:
    """A run of two thousand alerts of one report, as the dispatcher writes them, is one bundle."""
    payloads = [
        as_ours(alert(f"d{i:09d}", str(rng.choice(list(CODES))), float(rng.integers(0, 9000)) / 100))
        for i in range(2000)
    ]
    found = list(device_alerts(rows_of(payloads)))
    assert len(found) == 1
    assert read(found) == sorted((by_standard_library(payload) for payload in payloads), key=repr)


def test_an_escaped_id_among_plain_ones_is_read_as_what_it_means() -> None:
    """Six characters that say A are no id of six characters."""
    payloads = [as_ours(alert("d12345")), as_escaped(alert("A")), as_ours(alert("d12346"))]
    assert [each[3] for each in read(list(device_alerts(rows_of(payloads))))] == ["A", "d12345", "d12346"]


def test_two_reports_in_one_run_are_two_bundles() -> None:
    """However they are interleaved, each bundle has one core."""
    payloads = [as_ours(alert(f"d{i:09d}", report_no=9 + i % 2)) for i in range(200)]
    found = [alerts for alerts in device_alerts(rows_of(payloads)) if alerts is not None]
    assert [(alerts.core.report_no, len(alerts.device_id)) for alerts in found] == [(9, 100), (10, 100)]


def test_an_s_arrival_past_midnight_is_after_the_origin() -> None:
    """23:59:30 and 75 s is 00:00:45 of the new year; before and after midnight come in one run."""
    origin_at = datetime(2023, 12, 31, 23, 59, 30, tzinfo=UTC)
    told_s = {"a": 20, "b": 75, "c": 29.99, "d": 30}
    payloads = [as_ours(alert(each, s_arrival_s=after_s, origin_at=origin_at)) for each, after_s in told_s.items()]
    found = read(list(device_alerts(rows_of(payloads))))
    assert {each[3]: each[5] for each in found} == told_s


@pytest.mark.parametrize("level", CODES)
def test_levels_are_codes(level: str) -> None:
    """Each word has the code of ``Level``, alone and in a run."""
    for n in (1, 3):
        (alerts,) = device_alerts(rows_of([as_ours(alert(f"d{i:09d}", level)) for i in range(n)]))
        assert alerts is not None
        assert alerts.level.tolist() == [CODES[level]] * n


def test_a_cancel_has_no_s_arrival() -> None:
    """It says so with null, and so do the columns with NaN."""
    payloads = [as_ours(alert(f"d{i:09d}", s_arrival_s=None, kind="cancel")) for i in range(3)]
    (alerts,) = device_alerts(rows_of(payloads))
    assert alerts is not None
    assert np.isnan(alerts.s_arrival_s).all()


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        (b'"active",  "device_id"', b'"aktive",  "device_id"'),
        (b'"active",  "device_id"', b'"none",    "device_id"'),
        (b":00.600Z", b":0x.600Z"),
        (b":00.600Z", b":00,600Z"),
        (b'"device_id"', b'"device-id"'),
    ],
    ids=["level", "no-level", "digit", "point", "name"],
)
def test_one_broken_alert_among_good_ones_is_not_taken(what: bytes, instead: bytes) -> None:
    """What is laid out as the others and yet says nonsense is unreadable and is not read as something near."""
    payloads = [as_ours(alert(f"d{i:09d}", s_arrival_s=42.5)) for i in range(5)]
    assert what in payloads[2]
    payloads[2] = payloads[2].replace(what, instead)
    found = list(device_alerts(rows_of(payloads)))
    assert found.count(None) == 1
    assert [each[3] for each in read(found)] == [f"d{i:09d}" for i in (0, 1, 3, 4)]


def test_the_payload_is_not_written_to() -> None:
    """A run is shared with whoever reads it next."""
    rows = rows_of([as_ours(alert(f"d{i:09d}")) for i in range(3)])
    assert not rows.flags.writeable
    before = rows.copy()
    list(device_alerts(rows))
    np.testing.assert_array_equal(rows, before)


def cell_alert(**changes: Any) -> bytes:
    members = alert()
    for name in ("device_id", "shelter"):
        del members[name]
    return json.dumps(members | {"cell": "133002110321", "s_slowness_s_km": 0.225, "shelters": []} | changes).encode()


def test_cell_alerts_are_read_one_by_one() -> None:
    """Members that are missing have their defaults, unknown ones are ignored, garbage is nothing."""
    other = cell_alert(cell="133002110322", has_fault=True, news=1)
    payloads = [cell_alert(), b"{}", other, b"\xff", cell_alert(cell="4")]
    found = list(cell_alerts(rows_of(payloads)))
    assert [None if each is None else (each.cell, each.has_fault) for each in found] == [
        ("133002110321", False),
        None,
        ("133002110322", True),
        None,
        None,
    ]


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise(noise: bytes) -> None:
    """A device that crashes on a message is a device that warns nobody any more."""
    for run in (rows_of([noise], len(noise)), rows_of([noise, as_ours(alert()), noise])):
        assert list(device_alerts(run)).count(None) == len(run) - (len(run) == 3)
        assert list(cell_alerts(run)) == [None] * len(run)


def test_brackets_without_end_are_unreadable() -> None:
    """A member nobody knows that nests a hundred thousand times is skipped with the alert it is in."""
    payload = as_ours(alert())[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert list(device_alerts(rows_of([payload], len(payload)))) == [None]
