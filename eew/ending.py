"""The end of tasks."""

import asyncio
from typing import Any, Final

__all__ = ["ended"]

#: How long a task has to heed a cancellation before it is told again, s.
AGAIN_S: Final = 0.5


async def ended(*tasks: "asyncio.Future[Any]") -> None:
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
