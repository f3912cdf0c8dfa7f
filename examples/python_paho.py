"""Count down for a place with eew.client and paho-mqtt. A simulation, not a warning service.

    python python_paho.py mqtt://127.0.0.1:1883 35.45,139.63

It needs eew (docs/install.md), and paho-mqtt.

Believed is whoever the first status message names. That finds out what was damaged or made up by someone who may only
write alerts, but it takes the broker's word for who the dispatcher is: give ``Client`` the keys you know, if you do.
"""

import base64
import contextlib
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from eew.client import Client, Outcome, OwnAlert


def trusting(at: tuple[float, float], topic: str, status: bytes) -> Client | None:
    """Return a client that believes the keys that a status message names, ``None`` where it names none."""
    listening = Client()
    listening.take(topic, status)
    keys = {name: text for each in listening.statuses for name, text in each.keys.items()}
    return Client(at, {name: base64.urlsafe_b64decode(text + "=") for name, text in keys.items()}) if keys else None


def line(alert: OwnAlert) -> str:
    """Return an alert in words; an exercise or a test says so first."""
    words = [] if alert.status == "actual" else [alert.status.upper()]
    if alert.kind == "cancel":
        return " ".join([*words, "cancelled", alert.event_id, str(alert.report_no), alert.kind])
    place = alert.event and alert.event.place
    words += [alert.level, alert.event_id, str(alert.report_no), alert.kind, f"M{alert.message.magnitude}"]
    words.append(place if place and place.isprintable() else f"{alert.message.lat_deg},{alert.message.lon_deg}")
    return " ".join(words) + ("" if alert.s_in_s is None else f" S in {alert.s_in_s:.1f} s")


def news(client: Client, shown: dict[str, tuple[object, ...]]) -> Iterator[str]:
    """Return a line for each alert that says something else than was shown of its event."""
    for alert in client.alerts(datetime.now(UTC)):
        said = (alert.report_no, alert.kind, alert.level)
        if shown.get(alert.event_id) != said:
            shown[alert.event_id] = said
            yield line(alert)


class Subscriber:
    """What paho calls, from its own thread."""

    def __init__(self, at: tuple[float, float]) -> None:
        self.at = at
        self.client: Client | None = None
        self.shown: dict[str, tuple[object, ...]] = {}

    def on_connect(self, mqtt: paho.Client, *_: object) -> None:
        """Ask for the dispatchers, and after a broken connection for everything again."""
        print("connected, waiting for a dispatcher's status", flush=True)
        mqtt.subscribe("eew/v1/status/+")
        self.listen(mqtt)

    def on_message(self, mqtt: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        """Take one message."""
        if self.client is None:
            self.client = trusting(self.at, message.topic, bytes(message.payload))
            self.listen(mqtt)
        if self.client is None:
            return
        outcome = self.client.take(message.topic, bytes(message.payload), datetime.now(UTC))
        if outcome is Outcome.UNVERIFIED and self.client.refused:
            print("refused", self.client.refused.event_id, f"{self.client.refused.report_no}:", outcome, flush=True)
        elif outcome is Outcome.UNREADABLE:
            print("unreadable message", flush=True)
        for text in news(self.client, self.shown):
            print(text, flush=True)

    def listen(self, mqtt: paho.Client) -> None:
        """Subscribe to alerts, once it is known whom to believe."""
        if self.client is not None:
            mqtt.subscribe([(each, 0) for each in self.client.topic_filters])
            print("listening to", *self.client.topic_filters, flush=True)


def main() -> None:
    """Listen until Ctrl-C."""
    url, (lat_deg, lon_deg) = urlsplit(sys.argv[1]), map(float, sys.argv[2].split(","))
    subscriber = Subscriber((lat_deg, lon_deg))
    mqtt = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    mqtt.on_connect, mqtt.on_message = subscriber.on_connect, subscriber.on_message
    try:
        mqtt.connect(url.hostname or "", url.port or 1883)
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    with contextlib.suppress(KeyboardInterrupt):
        mqtt.loop_forever()


if __name__ == "__main__":
    if len(sys.argv) != 3 or not re.fullmatch(r"mqtt://\S+ -?\d+(\.\d+)?,-?\d+(\.\d+)?", " ".join(sys.argv[1:])):
        sys.exit("usage: python_paho.py mqtt://HOST[:PORT] LAT,LON")
    main()
