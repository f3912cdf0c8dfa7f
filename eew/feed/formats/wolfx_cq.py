"""Wolfx ``cq_eew``: warnings of Chongqing."""

from eew.feed.formats.wolfx import answer
from eew.feed.formats.wolfx_china import WolfxChina

__all__ = ["answer", "greeting", "parse", "render"]

_FEED = WolfxChina("cq", magnitude_key="Magnitude")
greeting = _FEED.greeting
parse = _FEED.parse
render = _FEED.render
