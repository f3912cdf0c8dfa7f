"""How many connections one process may hold: each is an open file."""

import math
import resource

from eew.model.errors import InputError

__all__ = ["allow_connections"]

#: What a process has open besides: pipes, mapped columns, libraries.
_BESIDES = 64


def allow_connections(n_connections: int) -> None:
    """Let this process and those it starts open so many connections, as far as the system lets us.

    Raises
    ------
    InputError
        If the system's limit is lower.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n_connections + _BESIDES
    if wanted <= _limit(soft):
        return
    try:
        # More than the hard limit is a ValueError; Darwin has one of its own below an infinite one.
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError) as error:
        most = soft if hard == resource.RLIM_INFINITY else hard
        raise InputError(
            f"at most {most - _BESIDES} a worker, as the system allows it no more open files (ulimit -n): "
            "take more workers or fewer devices",
            field="connections",
            value=n_connections,
        ) from error


def _limit(soft: int) -> float:
    return math.inf if soft == resource.RLIM_INFINITY else soft
