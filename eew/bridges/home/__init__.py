"""Home Assistant: the MQTT discovery of a place, and what the place's entities show."""

from eew.bridges.home.announcer import HomeAnnouncer, HomeMessage
from eew.bridges.home.discovery import Home
from eew.bridges.home.mqtt_publisher import HomePublisher
from eew.bridges.home.state import Side, State, state

__all__ = ["Home", "HomeAnnouncer", "HomeMessage", "HomePublisher", "Side", "State", "state"]
