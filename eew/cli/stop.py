"""Ctrl-C and SIGTERM as an event that a command in the foreground waits for."""

import asyncio
import signal

__all__ = ["told_to_stop"]


def told_to_stop() -> asyncio.Event:
    """Return an event that is set when the user or the system wants the program to end.

    From then on both signals are ignored: the way out takes a bounded time, and an impatient second Ctrl-C must not
    spoil it.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def end() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    return stop
