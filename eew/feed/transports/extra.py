"""Libraries that only some feeds need."""

from typing import TYPE_CHECKING

from eew.model.system import extras

if TYPE_CHECKING:
    import aiohttp

__all__ = ["reason_of", "require"]


def require(module: str, url: str) -> None:
    """Raise ``InputError`` saying how to install a library of the extra ``feeds``, if it is not there."""
    extras.require("feeds", module, field="feed", value=url)


def reason_of(error: "aiohttp.ClientError") -> str:
    """Return what went wrong in a connection, without the library's notes to itself, and without addresses.

    An address may hold a key or a ticket.
    """
    if (cause := getattr(error, "os_error", None)) is not None:
        return f"cannot connect: {cause.strerror or cause}"
    if (status := getattr(error, "status", None)) is not None:
        return f"the server answers {status} {getattr(error, 'message', '')}".rstrip()
    if hasattr(error, "url"):
        return "an address that cannot be one"
    return str(error) or type(error).__name__
