"""Ctrl-C, SIGTERM and SIGHUP as an event that a command in the foreground waits for."""

import asyncio

from eew.model.system import interrupt

__all__ = ["told_to_stop"]


def told_to_stop() -> asyncio.Event:
    """Return an event that is set when the user or the system wants the program to end.

    An impatient second Ctrl-C does not spoil the way out, which takes a bounded time.
    """
    stop = asyncio.Event()
    interrupt.on_stop(stop.set)
    return stop
