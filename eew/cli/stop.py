"""Ctrl-C, SIGTERM and SIGHUP as an event that a command in the foreground waits for."""

import asyncio

from eew.model.system import interrupt

__all__ = ["install_stop_signals"]


def install_stop_signals() -> asyncio.Event:
    """Install handlers for the stop signals; return an event that the first of them sets.

    An impatient second Ctrl-C does not spoil the way out, which takes a bounded time.
    """
    stop = asyncio.Event()
    interrupt.on_stop(stop.set)
    return stop
