"""Libraries that only some feeds need."""

import importlib.util
from typing import TYPE_CHECKING

from eew.errors import InputError

if TYPE_CHECKING:
    import aiohttp

__all__ = ["reason_of", "require"]


def require(module: str, url: str) -> None:
    """Raise ``InputError`` saying how to install a library of the extra ``feeds``, if it is not there."""
    if importlib.util.find_spec(module) is None:
        raise InputError(f"{module} to be installed for such a feed: pip install 'eew[feeds]'", field="feed", value=url)


def reason_of(error: "aiohttp.ClientError") -> str:
    """Return what went wrong in a connection, without the library's notes to itself."""
    if (cause := getattr(error, "os_error", None)) is not None:
        return f"cannot connect: {cause.strerror or cause}"
    return str(error) or type(error).__name__
