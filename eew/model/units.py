"""Times as text and numbers, and texts as a terminal may be shown them, the same way everywhere."""

from datetime import UTC, datetime, timedelta

__all__ = ["at_after", "iso_utc", "printable", "seconds_after"]


def iso_utc(at: datetime, digits: int = 3) -> str:
    """Return an instant as ISO 8601 in UTC with ``digits`` decimals (0 to 6) and a Z."""
    at = at.astimezone(UTC)
    if digits == 0:
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[: 20 + digits] + "Z"


def seconds_after(at: datetime, origin_at: datetime) -> float:
    """Return how many seconds ``at`` lies after ``origin_at`` (negative: before)."""
    return (at - origin_at).total_seconds()


def at_after(origin_at: datetime, after_s: float) -> datetime:
    """Return the instant ``after_s`` seconds after ``origin_at``, to the microsecond."""
    return origin_at + timedelta(seconds=float(after_s))


def printable(text: str) -> str:
    """Return a text from outside as a terminal may be shown it: no control character can move its cursor."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
