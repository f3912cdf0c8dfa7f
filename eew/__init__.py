"""Earthquake early-warning alert dispatch simulator. Not a warning service."""

from importlib.metadata import version

__version__ = version("eew")
__all__ = ["__version__"]
