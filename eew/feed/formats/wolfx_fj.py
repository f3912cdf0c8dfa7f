"""Wolfx ``fj_eew``: warnings of Fujian; the last report is marked, there is no depth.

The magnitude is misspelt, and an event's name ends in the report's number.
"""

from eew.feed.formats.wolfx import answer
from eew.feed.formats.wolfx_china import WolfxChina

__all__ = ["answer", "greeting", "parse", "render"]

_FEED = WolfxChina("fj", magnitude_key="Magunitude", says_depth=False, says_final=True, is_id_numbered=True)
greeting = _FEED.greeting
parse = _FEED.parse
render = _FEED.render
