"""The end of tasks, and of threads."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

__all__ = ["cancel_and_wait", "to_the_end"]

P = ParamSpec("P")
T = TypeVar("T")

#: How long a task has to heed a cancellation before it is told again, s.
AGAIN_S: Final = 0.5


async def cancel_and_wait(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel tasks until they have ended; what they raised is left in them.

    Once is not enough: before Python 3.12 ``asyncio.wait_for``, with which aiomqtt waits for the broker's word, forgets
    a cancellation that comes together with what it waits for, and a task without end goes on.
    """
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            # Or asyncio would complain that nobody asked.
            task.exception()


async def to_the_end(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run a blocking function in a thread and wait for it, even if cancelled meanwhile; then be cancelled.

    For what writes into a folder that is removed when whoever asked for it has gone.
    """
    running = asyncio.ensure_future(asyncio.to_thread(function, *arguments, **named))
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        await cancel_and_wait(running)
        raise cancelled
    return running.result()
