"""Wolfx ``fj_eew``: warnings of Fujian; the magnitude is misspelt, there is no depth, and the last report is marked."""

from eew.feed.formats.wolfx_china import WolfxChina

__all__ = ["parse", "render"]

_FEED = WolfxChina("fj", magnitude_key="Magunitude", says_depth=False, says_final=True)
parse = _FEED.parse
render = _FEED.render
