"""Wolfx ``cq_eew``: warnings of Chongqing."""

from eew.feed.formats.wolfx_china import WolfxChina

__all__ = ["parse", "render"]

_FEED = WolfxChina("cq", magnitude_key="Magnitude")
parse = _FEED.parse
render = _FEED.render
