"""Packages that only some commands need: the extras of ``pyproject.toml``, and how to come by them."""

import importlib.util
import shlex
import sys
from importlib.metadata import requires

from eew.model.errors import InputError

__all__ = ["how_to_install", "require"]


def how_to_install(extra: str) -> str:
    """Return the command that brings the packages of an extra to the Python that runs.

    It names the packages and not the extra: so it is right in a checkout, beside a wheel from anywhere, and in an
    environment that was made by hand.
    """
    asked_for = (line.partition(";") for line in requires("eew") or ())
    packages = [name.strip() for name, _, marker in asked_for if marker.split() == ["extra", "==", f"'{extra}'"]]
    return shlex.join([sys.executable, "-m", "pip", "install", *packages])


def require(extra: str, *modules: str, field: str | None = None, value: object = None) -> None:
    """Raise ``InputError`` saying how to install an extra, if one of its modules is not there."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        expected = f"{' and '.join(missing)} to be installed: {how_to_install(extra)}"
        raise InputError(expected, field=field, value=value)
