"""Wolfx ``cenc_eew``: warnings of the China Earthquake Networks Center."""

from eew.feed.formats.wolfx_china import WolfxChina

__all__ = ["parse", "render"]

_FEED = WolfxChina("cenc", magnitude_key="Magnitude")
parse = _FEED.parse
render = _FEED.render
