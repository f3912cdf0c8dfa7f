"""What became of a report, in one word: the words of metrics, journal and run summaries, which keep them."""

from enum import StrEnum

__all__ = ["Disposition"]


class Disposition(StrEnum):
    """What became of a part of a feed's message, of the report in it, and of that report in its merged event."""

    # Reading the feed

    #: A report, handed on to the decision.
    PARSED = "parsed"
    #: No report: the feed lives.
    HEARTBEAT = "heartbeat"
    #: Nothing that the format is read for.
    IGNORED = "ignored"
    #: Nothing that could be read.
    REJECTED = "rejected"
    #: Issued longer ago than the feed's limit.
    LATE = "late"

    # In its agency's own sequence; a feed knows duplicates, too

    #: New, update or final of a living event: goes on.
    ACCEPTED = "accepted"
    #: A report numbered above a cancel: the cancel was the mistake, the event lives again.
    CORRECTED = "corrected"
    #: Numbered at or below the last one acted on, yet issued clearly after it with other content: the agency began
    #: its numbers anew.
    RESTARTED = "restarted"
    #: It was not an earthquake: those who were notified are told so.
    CANCELLED = "cancelled"
    #: The very report that was acted on last, once more.
    DUPLICATE = "duplicate"
    #: A report that was acted on, once more by another relay, under a number of another count.
    COPY = "copy"
    #: Numbered below the last one acted on, or of another count and issued before it: overtaken on its way.
    OLDER = "older"
    #: The number of the last one acted on with other content: the first one stands.
    CONFLICTING = "conflicting"
    #: Issued too long after its origin, or too long ago.
    STALE = "stale"

    # Beside other agencies' solutions, of a report that its own sequence accepts

    #: Another agency's solution is preferred.
    NOT_PREFERRED = "yields"
    #: The agency itself goes on under a newer id, or has gone further by another relay.
    SUPERSEDED = "superseded"
    #: A cancel that takes back this agency's solution only: another one is preferred, or all is taken back already.
    WITHDRAWN = "withdrawn"
    #: It says which areas are shaken and not from where: it notifies nobody, and takes nothing back.
    AREAS_ONLY = "areas_only"

    @property
    def is_acted_on(self) -> bool:
        """Whether the report changes what people are told."""
        return self in _ACTED_ON

    @property
    def is_kept(self) -> bool:
        """Whether what follows is judged by it: a copy tells where its count stands."""
        return self is Disposition.COPY or self in _ACTED_ON


_ACTED_ON = frozenset({Disposition.ACCEPTED, Disposition.CORRECTED, Disposition.RESTARTED, Disposition.CANCELLED})
