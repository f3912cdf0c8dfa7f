"""Tasks that do not end at the first word."""

import asyncio

import pytest

from eew.model.system import cancellation as ending
from eew.model.system.cancellation import cancel_and_wait


async def test_a_task_that_forgets_a_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does that waits with ``asyncio.wait_for`` before Python 3.12."""
    monkeypatch.setattr(ending, "AGAIN_S", 0.01)
    told = 0

    async def deaf() -> None:
        nonlocal told
        while told < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                told += 1

    async def good() -> None:
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(good())]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await cancel_and_wait(*tasks)
    assert told == 3
    assert [task.cancelled() for task in tasks] == [False, True]


async def test_what_was_raised_is_left_in_the_task() -> None:
    """Also by one that was over before."""

    async def fails() -> None:
        raise ZeroDivisionError

    task = asyncio.create_task(fails())
    await asyncio.wait({task})
    await cancel_and_wait(task)
    with pytest.raises(ZeroDivisionError):
        await task


async def test_no_tasks_are_no_wait() -> None:
    """Nothing to end."""
    await cancel_and_wait()
