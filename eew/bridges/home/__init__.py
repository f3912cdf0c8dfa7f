"""Home Assistant: what its MQTT discovery is told of a place, and what the place's entities show."""

from eew.bridges.home.announcer import Announcer, Message
from eew.bridges.home.discovery import Home
from eew.bridges.home.mqtt_publisher import Publisher
from eew.bridges.home.state import Side, State, state

__all__ = ["Announcer", "Home", "Message", "Publisher", "Side", "State", "state"]
