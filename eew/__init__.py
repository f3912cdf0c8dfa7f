"""Earthquake early-warning alert dispatch simulator. Not a warning service."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Return ``__version__``: reading the metadata takes as long as starting Python, and few commands ask for it."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("eew")
