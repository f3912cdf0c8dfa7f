"""Times as text and numbers, and texts as they may be shown, the same way everywhere."""

import re
from datetime import UTC, datetime, timedelta

__all__ = ["at_after", "iso_utc", "masked", "printable", "seconds_after"]


def iso_utc(at: datetime, digits: int | None = 3) -> str:
    """Return an instant as ISO 8601 in UTC with a Z, and so many decimals, cut off: 0 to 6; ``None``: 6 or none."""
    local = at.astimezone(UTC).replace(tzinfo=None)
    if digits is None:
        return local.isoformat() + "Z"
    return local.isoformat(timespec="microseconds")[: 20 + digits if digits else 19] + "Z"


def masked(url: str) -> str:
    """Return a URL as it may be shown: nothing of what may be a name and a password, also where it is written wrong.

    All before the last ``@`` may be that: who forgets to escape a slash makes a part of the password a path.
    """
    return re.sub(r"//.*@", "//…@", url)


def seconds_after(at: datetime, origin_at: datetime) -> float:
    """Return how many seconds ``at`` lies after ``origin_at`` (negative: before)."""
    return (at - origin_at).total_seconds()


def at_after(origin_at: datetime, after_s: float) -> datetime:
    """Return the instant ``after_s`` seconds after ``origin_at``, to the microsecond."""
    return origin_at + timedelta(seconds=float(after_s))


def printable(text: str) -> str:
    """Return a text from outside as a terminal may be shown it: no control character can move its cursor."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
