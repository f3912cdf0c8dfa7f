"""Home Assistant's discovery of a place: topics, names and the discovery message.

Every option is one that [HAMQTT] documents.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from eew import __version__
from eew.bridges.home.state import LEVEL_WORDS, SIDES
from eew.view.countdown import SIMULATION

__all__ = ["EXPIRE_S", "OFFLINE", "ONLINE", "Home"]

ONLINE, OFFLINE = "online", "offline"
#: What was said longer ago is shown as unavailable: whoever says it repeats it at least every third of this.
EXPIRE_S = 30
#: Home Assistant's default.
_PREFIX = "homeassistant"
#: About 1 km: a wave needs a fraction of a second for it, and nobody's house is named on the broker.
_DECIMALS = 2
_ALERT = "{{{{ value_json.{side}.alert | tojson }}}}"

#: Of each entity: platform, key, name, and its own options; ``{side}`` is filled in.
_ENTITIES: Sequence[tuple[str, str, str, dict[str, Any]]] = (
    (
        "binary_sensor",
        "shaking_expected",
        "Shaking expected",
        {
            "device_class": "safety",
            "value_template": "{{{{ 'ON' if value_json.{side}.shaking_expected else 'OFF' }}}}",
            "json_attributes_template": _ALERT,
        },
    ),
    (
        "sensor",
        "seconds_to_s",
        "Seconds to the S wave",
        {
            "device_class": "duration",
            "unit_of_measurement": "s",
            "value_template": "{{{{ value_json.{side}.seconds_to_s }}}}",
        },
    ),
    (
        "sensor",
        "intensity",
        "Intensity",
        {
            "suggested_display_precision": 1,
            "value_template": "{{{{ value_json.{side}.intensity }}}}",
            "json_attributes_template": _ALERT,
        },
    ),
    (
        "sensor",
        "magnitude",
        "Magnitude",
        {"suggested_display_precision": 1, "value_template": "{{{{ value_json.{side}.magnitude }}}}"},
    ),
    (
        "sensor",
        "level",
        "Alert level",
        {
            "device_class": "enum",
            "options": list(LEVEL_WORDS),
            "value_template": "{{{{ value_json.{side}.level }}}}",
            "json_attributes_template": _ALERT,
        },
    ),
)


class Home:
    """One place as Home Assistant knows it.

    Parameters
    ----------
    lat_deg, lon_deg
        The place; only its hundredths of a degree are used.
    """

    def __init__(self, lat_deg: float, lon_deg: float) -> None:
        north, east = ("n" if lat_deg >= 0 else "s"), ("e" if lon_deg >= 0 else "w")
        lat, lon = f"{abs(lat_deg):.{_DECIMALS}f}", f"{abs(lon_deg):.{_DECIMALS}f}"
        self._name = f"Earthquake simulation {lat} {north.upper()} {lon} {east.upper()}"
        #: Names the place in topics and entities.
        self.node = f"{north}{lat}_{east}{lon}".replace(".", "_")

    @property
    def discovery_topic(self) -> str:
        """Where the discovery message is kept; an empty one there removes the device and its entities."""
        return f"{_PREFIX}/device/eew_{self.node}/config"

    @property
    def state_topic(self) -> str:
        """Where the state goes, all entities' and their attributes' in one message."""
        return f"eew/bridges/home/{self.node}/state"

    @property
    def availability_topic(self) -> str:
        """Where it is kept whether the state can be relied on."""
        return f"eew/bridges/home/{self.node}/availability"

    def discovery(self) -> bytes:
        """Return the discovery message."""
        return msgspec.json.encode(
            {
                "device": {
                    "identifiers": [f"eew_{self.node}"],
                    "name": self._name,
                    "manufacturer": "eew",
                    "model": SIMULATION,
                    "sw_version": __version__,
                },
                "origin": {"name": "eew", "sw_version": __version__},
                "availability": [
                    {
                        "topic": self.availability_topic,
                        "payload_available": ONLINE,
                        "payload_not_available": OFFLINE,
                    }
                ],
                "state_topic": self.state_topic,
                "components": {
                    f"{prefix}{key}": self._component(platform, f"{prefix}{key}", f"{title}{name}", side, options)
                    for side, prefix, title in SIDES
                    for platform, key, name, options in _ENTITIES
                },
            }
        )

    def _component(self, platform: str, key: str, name: str, side: str, options: dict[str, Any]) -> dict[str, Any]:
        own = {
            option: value.format(side=side) if option.endswith("_template") else value
            for option, value in options.items()
        }
        # Attributes come with the state in one message, so an automation never sees one without the other.
        attributes = {"json_attributes_topic": self.state_topic} if "json_attributes_template" in options else {}
        return {
            "platform": platform,
            "unique_id": f"eew_{self.node}_{key}",
            "default_entity_id": f"{platform}.eew_{self.node}_{key}",
            "name": name,
            "qos": 1,
            "expire_after": EXPIRE_S,
            **own,
            **attributes,
        }
