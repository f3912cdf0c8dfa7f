"""What a command's exit code says."""

from enum import IntEnum

__all__ = ["ExitStatus"]


class ExitStatus(IntEnum):
    """The exit code of a command, and of a worker of the swarm."""

    DONE = 0
    #: Something was lost or failed, or is above a limit that the user set.
    FAILED = 1
    BAD_INPUT = 2
    #: No broker, or no feed, could be reached.
    UNREACHABLE = 3
    #: As a shell says it of what SIGINT ended.
    INTERRUPTED = 130
