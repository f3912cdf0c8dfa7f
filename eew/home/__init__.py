"""Home Assistant: what its MQTT discovery is told of a place, and what the place's entities show."""

from eew.home.announcer import Announcer, Message
from eew.home.discovery import Home
from eew.home.publisher import Publisher
from eew.home.state import Side, State, state

__all__ = ["Announcer", "Home", "Message", "Publisher", "Side", "State", "state"]
