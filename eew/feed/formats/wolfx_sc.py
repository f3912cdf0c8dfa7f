"""Wolfx ``sc_eew``: warnings of Sichuan; the magnitude is misspelt, an event's name ends in the report's number."""

from eew.feed.formats.wolfx import answer
from eew.feed.formats.wolfx_china import WolfxChina

__all__ = ["answer", "greeting", "parse", "render"]

_FEED = WolfxChina("sc", magnitude_key="Magunitude", is_id_numbered=True)
greeting = _FEED.greeting
parse = _FEED.parse
render = _FEED.render
