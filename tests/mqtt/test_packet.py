"""MQTT packets against the standards' own examples and paho-mqtt."""

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from eew.mqtt.packet import (
    PUBACK,
    PUBLISH,
    V3,
    V5,
    PacketError,
    connack,
    connect,
    packet_at,
    publish_head,
    string,
    suback_codes,
    subscribe,
    varint,
)

#: [MQTT3] table 2.4 and the example above it.
VARINTS = {
    0: "00",
    127: "7f",
    128: "8001",
    321: "c102",
    16_383: "ff7f",
    16_384: "808001",
    2_097_151: "ffff7f",
    2_097_152: "80808001",
    268_435_455: "ffffff7f",
}


def written_by_paho(
    version: int, act: Callable[[paho.Client], object], client_id: str = "", login: tuple[str, str | None] | None = None
) -> bytes:
    """Return what paho-mqtt writes after its CONNECT; the CONNECT itself where ``act`` does nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion(version),
            clean_session=True if version == V3 else None,
        )
        if login is not None:
            client.username_pw_set(*login)
        client.connect("127.0.0.1", server.getsockname()[1], keepalive=60)
        connection, _ = server.accept()
        own = client.socket()
        assert own is not None
        with connection, contextlib.closing(own):
            first = whole_packet(connection)
            connection.sendall(b"\x20\x02\x00\x00" if version == V3 else b"\x20\x03\x00\x00\x00")
            client.loop_read()
            act(client)
            client.loop_write()
            # What was done after the CONNECT, if anything.
            connection.setblocking(False)
            try:
                return connection.recv(65536)
            except BlockingIOError:
                return first


def properties_of(packet_type: int, **values: object) -> Any:
    properties: Any = Properties(packet_type)  # type: ignore[no-untyped-call]  # paho has no types here
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def whole_packet(connection: socket.socket) -> bytes:
    data = b""
    while packet_at(data, 0, len(data)) is None:
        data += connection.recv(65536)
    return data


@pytest.mark.parametrize(("value", "expected"), VARINTS.items())
def test_lengths_are_written_as_the_standard_says(value: int, expected: str) -> None:
    """The edges of one to four bytes, and the standard's example 321."""
    assert varint(value).hex() == expected


@pytest.mark.parametrize("value", [-1, 268_435_456])
def test_a_length_that_no_packet_can_have_is_an_error(value: int) -> None:
    """The caller hears of it before a broker does."""
    with pytest.raises(PacketError, match=str(value)):
        varint(value)


def test_text_is_utf8_behind_its_length_in_bytes() -> None:
    """The standard's own example: A and U+2A6D4 ([MQTT3] figure 1.2)."""
    assert string("A\U0002a6d4") == bytes.fromhex("00 05 41 F0 AA 9B 94")


@pytest.mark.parametrize("version", [V3, V5])
@pytest.mark.parametrize("login", [None, ("Ü", None), ("u", "secret")], ids=["nobody", "name", "name and password"])
def test_connect_is_what_paho_writes(version: int, login: tuple[str, str | None] | None) -> None:
    """The same bytes for the same session."""
    expected = written_by_paho(version, lambda _: None, "eew-1", login)
    username, password = login or (None, None)
    assert connect("eew-1", version, keepalive_s=60, username=username, password=password) == expected


def test_connect_with_a_session_that_lasts() -> None:
    """Clean flag off; MQTT 5 says for how long ([MQTT5] 3.1.2.11.2), by hand."""
    assert connect("a", V3, is_clean=False) == b"\x10\x0d\x00\x04MQTT\x04\x00\x00\x00\x00\x01a"
    assert connect("a", V5, is_clean=False) == b"\x10\x13\x00\x04MQTT\x05\x00\x00\x00\x05\x11\x00\x00\x00\x3c\x00\x01a"


def test_a_password_without_a_name_stays_away_from_mqtt_3() -> None:
    """[MQTT-3.1.2-22]: a broker would have to close the connection."""
    assert connect("a", V3, password="secret") == connect("a", V3)  # noqa: S106 - a made-up one
    assert b"secret" in connect("a", V5, password="secret")  # noqa: S106 - likewise


@pytest.mark.parametrize("version", [V3, V5])
def test_subscribe_is_what_paho_writes(version: int) -> None:
    """Two filters in one packet, the first id."""
    filters = ["eew/v1/alerts/device/1321132131/+", "eew/v1/status/#"]
    expected = written_by_paho(version, lambda client: client.subscribe([(each, 0) for each in filters]))
    assert subscribe(1, filters, version) == expected


def test_publish_has_the_variable_header_of_the_standard() -> None:
    """[MQTT3] figure 3.10: topic a/b, packet id 10, which is for the sender to write."""
    head, id_at = publish_head(b"a/b", 0, qos=1, version=V3)
    assert id_at is not None
    numbered = head[:id_at] + (10).to_bytes(2, "big") + head[id_at + 2 :]
    assert numbered == b"\x32\x07" + bytes.fromhex("00 03 61 2F 62 00 0A")


@pytest.mark.parametrize("version", [V3, V5])
@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("retain", [False, True])
@pytest.mark.parametrize("n_payload", [0, 1, 100, 127, 128, 20_000])
def test_publish_is_what_paho_writes(version: int, qos: int, retain: bool, n_payload: int) -> None:
    """Expiry and user properties are there with MQTT 5 and only then."""
    payload = b"x" * n_payload
    properties: Any = None
    if version == V5:
        properties = properties_of(
            PacketTypes.PUBLISH,
            MessageExpiryInterval=300,
            UserProperty=[("event_id", "20110311144640"), ("report_no", "4")],
        )
    expected = written_by_paho(
        version, lambda client: client.publish("eew/v1/a", payload, qos, retain=retain, properties=properties)
    )
    head, id_at = publish_head(
        b"eew/v1/a",
        n_payload,
        qos=qos,
        version=version,
        retain=retain,
        expiry_s=300,
        user_properties=[("event_id", "20110311144640"), ("report_no", "4")],
    )
    if id_at is not None:
        head = head[:id_at] + b"\x00\x01" + head[id_at + 2 :]
    assert (id_at is None) == (qos == 0)
    assert head + payload == expected


def test_connack_of_mqtt_3() -> None:
    """Two bytes: session present and the code."""
    assert (connack(b"\x01\x00").is_session_present, connack(b"\x01\x00").code) == (True, 0)
    assert connack(b"\x00\x05").code == 5
    assert connack(b"\x00\x00").receive_max == 65535


def test_connack_of_mqtt_5_with_every_property() -> None:
    """What we need is found among all that a broker may say, in whatever order."""
    properties = properties_of(
        PacketTypes.CONNACK,
        AssignedClientIdentifier="assigned",
        SessionExpiryInterval=0x21002100,
        ReasonString="because!",
        UserProperty=[("!", "\x13\x00"), ("a", "")],
        ReceiveMaximum=20,
        TopicAliasMaximum=10,
        MaximumQoS=1,
        RetainAvailable=0,
        MaximumPacketSize=1000,
        WildcardSubscriptionAvailable=1,
        SubscriptionIdentifierAvailable=1,
        SharedSubscriptionAvailable=1,
        ServerKeepAlive=12,
        ResponseInformation="response",
        ServerReference="elsewhere",
        AuthenticationMethod="method",
        AuthenticationData=b"\x00\xff",
    )
    answer = connack(b"\x00\x00" + properties.pack())
    assert (answer.code, answer.receive_max, answer.keepalive_s) == (0, 20, 12)


def test_connack_of_mqtt_5_without_properties() -> None:
    """What is not said has the standard's default."""
    answer = connack(b"\x00\x84\x00")
    assert (answer.code, answer.receive_max, answer.keepalive_s) == (0x84, 65535, None)


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00", b"\x00\x00\x05\x21", b"\x00\x00\x01\x21", b"\x00\x00\x02\x7f\x00", b"\x00\x00\x03\x21\x00\x00"],
    ids=["empty", "no code", "short", "cut off", "unknown", "receive maximum 0"],
)
def test_a_broken_connack_is_an_error(body: bytes) -> None:
    """Whatever comes over the wire ends in the one error that the protocol knows."""
    with pytest.raises(PacketError):
        connack(body)


@given(st.binary(max_size=40))
def test_no_connack_raises_anything_else(body: bytes) -> None:
    """Garbage is refused, or read; nothing else happens."""
    with contextlib.suppress(PacketError):
        connack(body)


def test_suback_codes_stand_behind_id_and_properties() -> None:
    """One code a filter."""
    assert suback_codes(b"\x00\x01\x00\x80", V3) == b"\x00\x80"
    properties = properties_of(PacketTypes.SUBACK, ReasonString="no")
    assert suback_codes(b"\x00\x01" + properties.pack() + b"\x00\x87", V5) == b"\x00\x87"


packets = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=8)


@given(packets, st.data())
def test_packets_are_found_once_they_are_whole_however_they_are_cut(
    wanted: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    """Any way to split the bytes gives the same packets."""
    stream = b"".join(bytes((kind,)) + varint(len(body)) + body for kind, body in wanted)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    found, at = [], 0
    for end in (*cuts, len(stream)):
        while (one := packet_at(stream, at, end)) is not None:
            found.append((one[0], stream[one[1] : one[2]]))
            at = one[2]
            assert at <= end
    assert found == wanted


def test_a_length_of_five_bytes_is_no_mqtt() -> None:
    """[MQTT3] 2.2.3: four bytes at most; with three that go on, it may still become one."""
    assert packet_at(b"\x30\xff\xff\xff", 0, 4) is None
    with pytest.raises(PacketError, match="four bytes"):
        packet_at(b"\x30\xff\xff\xff\xff", 0, 5)
    assert {PUBLISH, PUBACK} == {0x30, 0x40}
