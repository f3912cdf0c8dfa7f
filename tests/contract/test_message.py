"""The messages of the contract: their schemas, and their text."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eew.contract.message import MESSAGES, AlertCore, DeviceAlert, EventMessage, Status, json_schemas, payload_of

SchemaErrors = Callable[[dict[str, Any], object], list[str]]

CORE = """
    "v":1,"event_id":"20110311144640","report_no":9,"kind":"update","status":"actual","issued_at":"2011-03-11T05:47:10Z",
    "origin_at":"2011-03-11T05:46:18.500Z","lat_deg":38.1,"lon_deg":142.9,"depth_km":10,"magnitude":7.6,
    "expires_at":"2011-03-11T05:50:00.000Z","key_id":"a1b2c3d4","signature":"…"
"""
SHELTER = '{"id":"s1","name":"小学校","lat_deg":38.2,"lon_deg":140.9,"distance_m":   420,"bearing_deg":135}'
#: What every alert of version 1 has had from the first day: integrators may count on it.
ALERT_MEMBERS = {
    *("event_id", "report_no", "kind", "status", "issued_at", "origin_at", "lat_deg", "lon_deg", "depth_km"),
    *("magnitude", "expires_at", "key_id", "signature", "level", "intensity", "scale", "p_arrival_at", "s_arrival_at"),
    "info",
}
#: One message a schema, written by hand as the design page writes them.
EXAMPLES = {
    "report": """{"event_id":"20110311144640","source":"jma","report_no":4,"kind":"update","status":"actual",
        "origin_at":"2011-03-11T05:46:18Z","issued_at":"2011-03-11T05:46:48Z","detected_at":null,"lat_deg":38.2,
        "lon_deg":142.7,"depth_km":10,"magnitude":7.2,"magnitude_type":"Mj","place":"三陸沖","is_assumed":false,
        "tsunami":null,"likelihood":null,"fault":null,"areas":null,"signature":null}""",
    "device-alert": "{"
    + CORE
    + ""","level":"critical", "device_id":"d1","intensity": 5.3,"scale":"jma","p_arrival_at":"2011-03-11T05:46:40Z",
        "s_arrival_at":"2011-03-11T05:47:40.250Z","shelter":"""
    + SHELTER
    + ',"info":"jp/ja"}  ',
    "cell-alert": "{"
    + CORE
    + ""","level":"active","cell":"132113213102","intensity":4.8,"scale":"jma","p_arrival_at":"2011-03-11T05:46:40Z",
        "s_arrival_at":"2011-03-11T05:47:40Z","s_slowness_s_km":0.255,"has_fault":false,"shelters":[
        {"id":"s1","name":"n","lat_deg":38.2,"lon_deg":140.9}],"info":"jp/ja"}""",
    "event": "{"
    + CORE
    + ""","magnitude_type":"Mj","place":null,"scale":"jma","radius_km_by_level":{"critical":120.5},
        "n_alerts_by_level":{"critical":20},"texts":{"ja":{"short":"宮城県沖で地震","long":"宮城県沖で地震。","spoken":"地震です。"}},
        "is_assumed":false,"has_fault":true}""",
    "info": """{"v":1,"region":"jp","lang":"zh-Hant","title":"日本","numbers":[
        {"purpose":"message","number":"171","name":"伝言","note":null,"source":"NTT"}],"instructions":{"drop_cover_hold":"趴下","all_clear":"沒事"},"after_shaking":["a"],
        "medical":[],"rescue":[],"notice":"n"}""",
    "status": """{"v":1,"dispatcher_id":"eew-1","version":"0.1.0","state":"running","at":"2026-01-01T00:00:00.000Z",
        "n_reports":3,"last_dispatch_at":null,"clock":{"offset_s":-3.5,"speed":10},"keys":{"a1b2c3d4":"x"}}""",
    "receipt": """{"v":1,"device_id":"d1","event_id":"e","report_no":1,"level":"passive",
        "received_at":"2026-01-01T00:00:00Z","is_shown":true}""",
}


def test_every_message_has_an_example_here() -> None:
    """A message that is added gets one."""
    assert EXAMPLES.keys() == MESSAGES.keys() == json_schemas().keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_schema_and_type_take_the_examples_of_the_contract(name: str, schema_errors: SchemaErrors) -> None:
    """An independent validator and our own decoder agree."""
    assert schema_errors(json_schemas()[name], json.loads(EXAMPLES[name])) == []
    msgspec.json.decode(EXAMPLES[name], type=MESSAGES[name], strict=True)


@pytest.mark.parametrize(
    ("name", "own"),
    [("device-alert", {"device_id", "shelter"}), ("cell-alert", {"cell", "s_slowness_s_km", "shelters"})],
)
def test_alerts_have_grown_by_what_may_be_left_out(name: str, own: set[str]) -> None:
    """What was required on the first day still is, and nothing else."""
    schema = json_schemas()[name]
    assert set(schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]]["required"]) == ALERT_MEMBERS | own


@pytest.mark.parametrize(
    ("name", "short", "default"),
    [
        ("device-alert", {"shelter": None, "shelter_id": "s1"}, None),
        ("device-alert", {"shelter": None, "shelter_id": None}, None),
        ("cell-alert", {"shelters": [], "shelter_ids": ["s1", "s2", "s3"]}, ()),
        ("cell-alert", {"shelters": [], "shelter_ids": []}, ()),
    ],
)
def test_a_shelter_may_be_named_by_its_id_alone(
    name: str, short: dict[str, Any], default: object, schema_errors: SchemaErrors
) -> None:
    """For those who hold the catalogue; where no id is given there is none."""
    alert = json.loads(EXAMPLES[name]) | short
    member = "shelter_id" if name == "device-alert" else "shelter_ids"
    assert schema_errors(json_schemas()[name], alert) == []
    decoded = msgspec.json.decode(json.dumps(alert), type=MESSAGES[name])
    assert json.loads(msgspec.json.encode(getattr(decoded, member))) == short[member]
    assert getattr(msgspec.json.decode(EXAMPLES[name], type=MESSAGES[name]), member) == default


@pytest.mark.parametrize("name", ["device-alert", "cell-alert"])
def test_how_an_alert_is_felt_and_seen_may_be_left_out(name: str, schema_errors: SchemaErrors) -> None:
    """In full alerts it is there, in compact ones it follows from the level; null is the same as absent."""
    signal = {"instruction": "drop_cover_hold", "is_flashing": True, "vibration_ms": [1000, 500, 1000]}
    for said in (signal, dict.fromkeys(signal), {}):
        alert = json.loads(EXAMPLES[name]) | said
        assert schema_errors(json_schemas()[name], alert) == []
        decoded = msgspec.json.decode(json.dumps(alert), type=MESSAGES[name])
        found = json.loads(msgspec.json.encode({member: getattr(decoded, member) for member in signal}))
        assert found == dict.fromkeys(signal) | said


def test_what_is_known_of_an_event_may_be_left_out() -> None:
    """An older dispatcher's event has no texts and says nothing of its source."""
    old = json.loads(EXAMPLES["event"])
    for member in ("texts", "is_assumed", "has_fault"):
        del old[member]
    decoded = msgspec.json.decode(json.dumps(old), type=EventMessage)
    assert (decoded.texts, decoded.is_assumed, decoded.has_fault) == ({}, False, False)


@pytest.mark.parametrize("name", EXAMPLES)
def test_members_that_nobody_knows_are_ignored(name: str, schema_errors: SchemaErrors) -> None:
    """Version 1 may grow: old readers must not break."""
    grown = json.loads(EXAMPLES[name]) | {"new_member": [1]}
    assert schema_errors(json_schemas()[name], grown) == []
    decoded = msgspec.json.decode(json.dumps(grown), type=MESSAGES[name])
    assert decoded == msgspec.json.decode(EXAMPLES[name], type=MESSAGES[name])


@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("device-alert", "level", "loud"),
        ("device-alert", "report_no", 0),
        ("device-alert", "report_no", 30_001),
        ("device-alert", "event_id", "a/b"),
        ("device-alert", "v", 2),
        ("cell-alert", "cell", "124"),
        ("cell-alert", "shelters", [{"id": "s", "name": "n", "lat_deg": 1.0, "lon_deg": 1.0}] * 4),
        ("cell-alert", "shelter_ids", ["s"] * 4),
        ("device-alert", "shelter_id", 7),
        ("device-alert", "instruction", "run"),
        ("device-alert", "vibration_ms", [0]),
        ("cell-alert", "vibration_ms", [10_001]),
        ("event", "texts", {"en": {"short": "s" * 91, "long": "l", "spoken": "s"}}),
        ("event", "texts", {"en": {"short": "s", "long": "l" * 361, "spoken": "s"}}),
        ("info", "region", "JP"),
        ("info", "lang", "j"),
        ("info", "numbers", [{"purpose": "fun", "number": "119", "name": "n", "source": "s"}]),
        ("info", "numbers", [{"purpose": "fire", "number": "one", "name": "n", "source": "s"}]),
        ("status", "state", "fine"),
        ("report", "lat_deg", 91),
    ],
)
def test_schema_and_type_refuse_the_same(name: str, member: str, value: object, schema_errors: SchemaErrors) -> None:
    """What the schema says an integrator must not send, we do not take."""
    wrong = json.loads(EXAMPLES[name]) | {member: value}
    assert schema_errors(json_schemas()[name], wrong) != []
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(wrong), type=MESSAGES[name])


def core(at: datetime) -> AlertCore:
    decoded = msgspec.json.decode("{" + CORE + "}", type=AlertCore)
    return msgspec.structs.replace(decoded, issued_at=at, origin_at=None, expires_at=at)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.integers(-720, 840))  # noqa: DTZ001 - hypothesis wants them so
def test_instants_have_milliseconds_cut_off_and_are_in_utc(naive: datetime, zone_min: int) -> None:
    """Printed as ``strftime`` would, less the microseconds, whatever the zone."""
    at = naive.replace(tzinfo=UTC)
    printed = json.loads(payload_of(core(at.astimezone(timezone(timedelta(minutes=zone_min))))))
    expected = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
    assert (printed["issued_at"], printed["origin_at"], printed["expires_at"]) == (expected, None, expected)


def test_a_payload_reads_back_as_the_message() -> None:
    """Nothing but microseconds is left out, nested members included."""
    for name, kind in (("device-alert", DeviceAlert), ("status", Status)):
        message = msgspec.json.decode(EXAMPLES[name], type=kind)
        assert msgspec.json.decode(payload_of(message), type=kind) == message
