"""Print the alerts of an eew broker, each of them verified, without eew installed. A simulation, not a warning service.

    pip install paho-mqtt cryptography
    python python_plain.py mqtt://127.0.0.1:1883                    every event as it stands
    python python_plain.py mqtt://127.0.0.1:1883 35.45,139.63       the alerts of the map cell around a place

The keys are those that the dispatchers' status messages name. That finds out what was damaged or made up by someone
who may only write alerts, but it takes the broker's word for who the dispatchers are.
"""

import base64
import contextlib
import json
import math
import re
import sys
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from paho.mqtt.enums import CallbackAPIVersion

PLACE = re.compile(r"-?\d+(\.\d+)?,-?\d+(\.\d+)?")


def say(*words: object) -> None:
    """Print a line without control characters, whoever wrote the words."""
    print("".join(each if each.isprintable() else "?" for each in " ".join(map(str, words))), flush=True)


def cell_of(lat_deg: float, lon_deg: float, level: int = 12) -> str:
    """Return the map cell: one digit 0-3 a level, each a quarter of the one before (Web Mercator quadkey)."""
    side = 2**level
    phi = math.radians(min(max(lat_deg, -85.0511287798), 85.0511287798))
    position = (lon_deg / 360 + 0.5, 0.5 - math.asinh(math.tan(phi)) / (2 * math.pi))
    column, row = (min(max(int(each * side), 0), side - 1) for each in position)
    return "/".join(str((column >> bit & 1) + 2 * (row >> bit & 1)) for bit in reversed(range(level)))


def core_of(alert: dict[str, Any]) -> bytes:
    """Return the twelve lines that are signed: unknown is empty, a zero has no sign."""
    decimals = {"lat_deg": 5, "lon_deg": 5, "depth_km": 3, "magnitude": 2}
    members = ("event_id", "report_no", "kind", "status", "issued_at", "origin_at", *decimals, "expires_at")
    lines = ["eew-core-v1"]
    for name in members:
        value = alert[name]
        if value is None:
            lines.append("")
        else:
            # Adding 0.0 takes the sign from a zero.
            lines.append(f"{round(value, decimals[name]) + 0.0:.{decimals[name]}f}" if name in decimals else str(value))
    return "\n".join(lines).encode()


class Subscriber:
    """What is known of dispatchers and events."""

    def __init__(self, alerts: str) -> None:
        self.alerts = alerts
        self.is_listening = False
        #: By key id: the key, and event time less wall clock, s; not zero in a replay.
        self.signers: dict[str, tuple[Ed25519PublicKey, float]] = {}
        #: The newest that was shown, by event id.
        self.ranks: dict[str, int] = {}

    def on_connect(self, client: mqtt.Client, *_: object) -> None:
        """Ask for the dispatchers first, and for alerts when it is known whom to believe."""
        say("connected, waiting for a dispatcher's status")
        self.is_listening = False
        client.subscribe("eew/v1/status/+")

    def on_message(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        """Take one message; an empty one only says that nothing is retained there any more."""
        if not message.payload:
            return
        try:
            content = json.loads(message.payload)
            if message.topic.startswith("eew/v1/status/"):
                self.learn(content)
            else:
                self.judge(content)
            if not self.is_listening:
                self.is_listening = True
                client.subscribe(self.alerts)
                say("listening to", self.alerts)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            say("unreadable message on", message.topic, repr(error))

    def learn(self, status: dict[str, Any]) -> None:
        """Learn keys and clock from a dispatcher's heartbeat."""
        offset_s = status["clock"]["offset_s"] if status["clock"] else 0.0
        for key_id, text in status["keys"].items():
            key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(text + "="))
            self.signers[key_id] = key, offset_s

    def judge(self, alert: dict[str, Any]) -> None:
        """Print an alert or event that is genuine, valid and news."""
        event_id, report_no, kind = alert["event_id"], alert["report_no"], alert["kind"]
        try:
            key, offset_s = self.signers[alert["key_id"]]
            key.verify(base64.urlsafe_b64decode(alert["signature"] + "=="), core_of(alert))
        except (KeyError, InvalidSignature):
            say("refused", event_id, f"{report_no}:", "not signed with a trusted key")
            return
        now_s = time.time() + offset_s
        # A cancel may have the number of the report that it takes back, and comes after it.
        rank = 2 * report_no + (kind == "cancel")
        if datetime.fromisoformat(alert["expires_at"]).timestamp() <= now_s or rank <= self.ranks.get(event_id, 0):
            return
        self.ranks[event_id] = rank
        meant = [] if alert["status"] == "actual" else [alert["status"].upper()]
        if kind == "cancel":
            say(*meant, "cancelled", event_id, report_no, kind)
            return
        # An event has no level of its own: the loudest that anybody is told.
        told = alert.get("n_alerts_by_level", {})
        loudest = next((each for each in ("critical", "active", "passive") if told.get(each)), "none")
        level = alert.get("level", loudest)
        place = alert.get("place") or f"{alert['lat_deg']},{alert['lon_deg']}"
        words = [level, event_id, report_no, kind, f"M{alert['magnitude'] or '?'}", place]
        if s_arrival_at := alert.get("s_arrival_at"):
            words.append(f"S in {datetime.fromisoformat(s_arrival_at).timestamp() - now_s:.1f} s")
        say(*meant, *words)


def main() -> None:
    """Subscribe until Ctrl-C."""
    url = urlsplit(sys.argv[1] if len(sys.argv) in {2, 3} else "")
    if url.scheme != "mqtt" or not url.hostname or not all(map(PLACE.fullmatch, sys.argv[2:])):
        sys.exit("usage: python_plain.py mqtt://HOST[:PORT] [LAT,LON]")
    alerts = "eew/v1/events/+"
    if len(sys.argv) == 3:
        lat_deg, lon_deg = map(float, sys.argv[2].split(","))
        alerts = f"eew/v1/alerts/cell/{cell_of(lat_deg, lon_deg)}"
    subscriber = Subscriber(alerts)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.on_connect = subscriber.on_connect
    client.on_message = subscriber.on_message
    try:
        client.connect(url.hostname, url.port or 1883)
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    with contextlib.suppress(KeyboardInterrupt):
        client.loop_forever()


if __name__ == "__main__":
    main()
