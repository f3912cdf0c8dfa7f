"""Wolfx ``cenc_eew``: warnings of the China Earthquake Networks Center, which do not say when they were issued."""

from eew.feed.formats.wolfx import answer
from eew.feed.formats.wolfx_china import WolfxChina

__all__ = ["answer", "greeting", "parse", "render"]

_FEED = WolfxChina("cenc", magnitude_key="Magnitude", says_issue=False)
greeting = _FEED.greeting
parse = _FEED.parse
render = _FEED.render
