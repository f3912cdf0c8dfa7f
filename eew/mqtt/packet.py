"""MQTT control packets (3.1.1 and 5) as bytes: the few that the hot path writes and reads itself.

Sections are those of the OASIS standards [MQTT3], [MQTT5].
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "CONNACK",
    "DISCONNECT",
    "DISCONNECT_BYTES",
    "PINGREQ",
    "PINGRESP",
    "PUBACK",
    "PUBLISH",
    "SUBACK",
    "V3",
    "V5",
    "ConnAck",
    "PacketError",
    "connack",
    "connect",
    "packet_at",
    "publish_head",
    "string",
    "suback_codes",
    "subscribe",
    "varint",
]

V3, V5 = 4, 5
CONNACK, PUBLISH, PUBACK, SUBACK = 0x20, 0x30, 0x40, 0x90
PINGRESP, DISCONNECT = 0xD0, 0xE0
#: The two packets that have no body and are only written.
PINGREQ, DISCONNECT_BYTES = b"\xc0\x00", b"\xe0\x00"

_MESSAGE_EXPIRY, _SESSION_EXPIRY, _USER_PROPERTY = 0x02, 0x11, 0x26
_SERVER_KEEPALIVE, _RECEIVE_MAXIMUM = 0x13, 0x21
_SESSION_EXPIRY_S = 60
_VARINT_MAX = 268_435_455
#: Bytes after the identifier of each CONNACK property of fixed length, and those that are text (section 3.2.2.3).
_PROPERTY_SIZE = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
_TEXT_PROPERTIES = {0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F, _USER_PROPERTY}


class PacketError(ValueError):
    """Bytes that are no MQTT packet."""


@dataclass(frozen=True, slots=True)
class ConnAck:
    """The broker's answer to a CONNECT (section 3.2)."""

    code: int
    is_session_present: bool
    #: How many QoS 1 publishes the broker takes unacknowledged.
    receive_max: int = 65535
    #: How often the broker wants to hear from us, where it does not take our word for it; 0: never.
    keepalive_s: int | None = None


def varint(value: int) -> bytes:
    """Return a variable byte integer, 0 to 268 435 455 (section 1.5.5); raise ``PacketError`` for any other."""
    if not 0 <= value <= _VARINT_MAX:
        raise PacketError(f"{value} is no length of a packet, 0 to {_VARINT_MAX}")
    out = bytearray()
    while True:
        value, digit = divmod(value, 128)
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def string(text: str) -> bytes:
    """Return a UTF-8 string with its length before it (section 1.5.4)."""
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def connect(
    client_id: str,
    version: int,
    *,
    keepalive_s: int = 0,
    is_clean: bool = True,
    username: str | None = None,
    password: str | None = None,
) -> bytes:
    """Return a CONNECT packet (section 3.1); MQTT 3.1.1 has no password without a name."""
    if username is None and version == V3:
        password = None
    flags = (0x02 if is_clean else 0) | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    body = string("MQTT") + bytes((version, flags)) + struct.pack(">H", keepalive_s)
    if version == V5:
        properties = b"" if is_clean else struct.pack(">BI", _SESSION_EXPIRY, _SESSION_EXPIRY_S)
        body += varint(len(properties)) + properties
    body += string(client_id)
    if username is not None:
        body += string(username)
    if password is not None:
        body += string(password)
    return b"\x10" + varint(len(body)) + body


def connack(body: bytes) -> ConnAck:
    """Return what a CONNACK's body says; raise ``PacketError`` if it is none."""
    if len(body) < 2:
        raise PacketError(f"a CONNACK of {len(body)} bytes")
    numbers = {}
    if len(body) > 2:
        n_properties, at = _varint_at(body, 2)
        if at + n_properties != len(body):
            raise PacketError("a CONNACK whose properties have another length than it says")
        while at < len(body):
            end = _property_end(body, at)
            numbers[body[at]] = int.from_bytes(body[at + 1 : end], "big")
            at = end
    receive_max = numbers.get(_RECEIVE_MAXIMUM, 65535)
    if receive_max == 0:
        raise PacketError("a receive maximum of 0")
    return ConnAck(body[1], bool(body[0] & 1), receive_max, numbers.get(_SERVER_KEEPALIVE))


def subscribe(packet_id: int, topic_filters: Iterable[str], version: int) -> bytes:
    """Return a SUBSCRIBE packet for QoS 0 (section 3.8)."""
    body = struct.pack(">H", packet_id) + (b"\x00" if version == V5 else b"")
    body += b"".join(string(topic_filter) + b"\x00" for topic_filter in topic_filters)
    return b"\x82" + varint(len(body)) + body


def suback_codes(body: bytes, version: int) -> bytes:
    """Return the reason codes of a SUBACK's body, one a filter; 0x80 and above is a refusal."""
    if version == V3:
        return body[2:]
    n_properties, start = _varint_at(body, 2)
    return body[start + n_properties :]


def publish_head(
    topic: bytes,
    n_payload: int,
    *,
    qos: int,
    version: int,
    retain: bool = False,
    expiry_s: int | None = None,
    user_properties: Iterable[tuple[str, str]] = (),
) -> tuple[bytes, int | None]:
    """Return all of a PUBLISH packet before its payload, and where in it the packet id stands (QoS 1).

    The packet id is left zero: the sender writes it.
    """
    properties = b""
    if version == V5:
        inner = b"" if expiry_s is None else struct.pack(">BI", _MESSAGE_EXPIRY, expiry_s)
        inner += b"".join(bytes((_USER_PROPERTY,)) + string(key) + string(value) for key, value in user_properties)
        properties = varint(len(inner)) + inner
    n_rest = 2 + len(topic) + (2 if qos else 0) + len(properties) + n_payload
    fixed = bytes((PUBLISH | qos << 1 | int(retain),)) + varint(n_rest)
    before_id = fixed + struct.pack(">H", len(topic)) + topic
    return before_id + (b"\x00\x00" if qos else b"") + properties, len(before_id) if qos else None


def packet_at(data: bytes | bytearray | memoryview, at: int, end: int) -> tuple[int, int, int] | None:
    """Return type with flags, start of the body and end of the packet that begins at ``at``; ``None``: incomplete.

    Raises
    ------
    PacketError
        If the length takes more than four bytes: this is no MQTT.
    """
    value = shift = 0
    position = at + 1
    while position < end:
        digit = data[position]
        value |= (digit & 0x7F) << shift
        position += 1
        if digit < 0x80:
            return (data[at], position, position + value) if position + value <= end else None
        shift += 7
        if shift > 21:
            raise PacketError(f"remaining length of more than four bytes at {at}")
    return None


def _varint_at(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable byte integer and where the next byte stands."""
    value = 0
    for position, digit in enumerate(data[at : at + 4]):
        value |= (digit & 0x7F) << 7 * position
        if digit < 0x80:
            return value, at + position + 1
    raise PacketError(f"no length at {at}")


def _property_end(data: bytes, at: int) -> int:
    """Return where the property at ``at`` ends."""
    identifier, end = data[at], at + 1
    if identifier in _PROPERTY_SIZE:
        end += _PROPERTY_SIZE[identifier]
    elif identifier in _TEXT_PROPERTIES:
        for _ in range(2 if identifier == _USER_PROPERTY else 1):
            end += 2 + int.from_bytes(data[end : end + 2], "big")
    else:
        raise PacketError(f"unknown property {identifier:#04x}")
    if end > len(data):
        raise PacketError(f"property {identifier:#04x} is cut off")
    return end
