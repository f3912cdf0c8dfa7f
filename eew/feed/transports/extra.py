"""Libraries that only some feeds need."""

from typing import TYPE_CHECKING

from eew import extras

if TYPE_CHECKING:
    import aiohttp

__all__ = ["reason_of", "require"]


def require(module: str, url: str) -> None:
    """Raise ``InputError`` saying how to install a library of the extra ``feeds``, if it is not there."""
    extras.require("feeds", module, field="feed", value=url)


def reason_of(error: "aiohttp.ClientError") -> str:
    """Return what went wrong in a connection, without the library's notes to itself."""
    if (cause := getattr(error, "os_error", None)) is not None:
        return f"cannot connect: {cause.strerror or cause}"
    return str(error) or type(error).__name__
