"""SIGINT, SIGTERM and SIGHUP as one orderly end of a command.

The first one ends it: ``KeyboardInterrupt`` outside an event loop; within ``run`` the coroutine is cancelled, or what
it asked for with ``on_stop`` is called. What comes right after it is the same wish and changes nothing; whoever has
waited for ``PATIENCE_S`` may press again.
"""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    import asyncio

__all__ = ["SIGNALS", "hand_over", "heeded", "held", "on_stop", "run", "stopped_by", "work_folder"]

T = TypeVar("T")

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Later signals within this time are the same wish.
PATIENCE_S: Final = 5.0
#: Until a signal whose exception was ignored is taken again: by then Python has left what ignores it.
_AGAIN_S: Final = 0.01

Taker = Callable[[signal.Signals], None]


class _Wish:
    """What was asked of this process so far, and who is to be told; touched in the main thread only."""

    def __init__(self) -> None:
        self.stopped_by: signal.Signals | None = None
        self.heeded_s = 0.0
        #: Sections that must not be broken off, one within the other.
        self.n_held = 0
        #: One of them is to be followed by ``KeyboardInterrupt``.
        self.is_owed = False
        #: Of a running loop: what cancels its coroutine, and what is done instead where that asked for it.
        self.cancel: Callable[[], None] | None = None
        self.stop: Callable[[], None] | None = None
        self.taker: Taker | None = None

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        if self.taker is not None:
            self.taker(signal.Signals(number))
            return
        is_first, now_s = self.stopped_by is None, time.monotonic()
        if not is_first and now_s - self.heeded_s < PATIENCE_S:
            return
        self.stopped_by, self.heeded_s = self.stopped_by or signal.Signals(number), now_s
        if is_first and self.stop is not None:
            self.stop()
        elif self.cancel is not None:
            self.cancel()
        elif self.n_held:
            self.is_owed = True
        else:
            raise KeyboardInterrupt

    def take_again(self, ignored: "sys.UnraisableHookArgs") -> None:
        """Take a signal once more whose exception came where Python ignores all, as in a weak reference's callback."""
        if self.stopped_by is None or not issubclass(ignored.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(ignored)
            return
        number, self.stopped_by = self.stopped_by, None
        again = threading.Timer(_AGAIN_S, signal.pthread_kill, (threading.main_thread().ident, number))
        again.daemon = True
        again.start()


_wish = _Wish()


def stopped_by() -> signal.Signals | None:
    """Return the signal that told this command to end, if one did."""
    return _wish.stopped_by


@contextlib.contextmanager
def heeded(*, is_last: bool) -> Iterator[None]:
    """Heed the signals as long as the block lasts.

    A hangup that is ignored (``nohup``) stays so. Outside the main thread nothing is changed.

    Parameters
    ----------
    is_last
        The process ends after the block: nothing may disturb that any more.
    """
    global _wish  # noqa: PLW0603 - as the signals are the process's own, so is what they asked for
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]
    wish = _wish = _Wish()
    for number in before:
        signal.signal(number, wish.take)
    hook_before, sys.unraisablehook = sys.unraisablehook, wish.take_again
    try:
        yield
    finally:
        wish.n_held += 1
        sys.unraisablehook = hook_before
        if is_last:
            # Python complains of a signal that it finds ignored when it comes to it: none may be on its way.
            signal.pthread_sigmask(signal.SIG_BLOCK, before)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if is_last else handler)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Let a signal wait until the block has ended."""
    wish = _wish
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wish.n_held += 1
    try:
        yield
    finally:
        wish.n_held -= 1
        if wish.is_owed and not wish.n_held:
            wish.is_owed = False
            raise KeyboardInterrupt


@contextlib.contextmanager
def work_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Give a new folder that is gone after the block, whenever a signal comes.

    Parameters
    ----------
    prefix
        What its name begins with.
    parent
        An existing folder; ``None``: the system's for temporary files.
    """
    import shutil
    import tempfile

    folder: Path | None = None
    try:
        with held():
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        yield folder
    finally:
        if folder is not None:
            with held():
                shutil.rmtree(folder)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own, as ``asyncio.run`` does.

    Raises
    ------
    KeyboardInterrupt
        If a signal has cancelled it: after it has ended in order.
    """
    import asyncio

    wish = _wish
    with held():
        try:
            with asyncio.Runner() as runner:
                return runner.run(_led(main, wish))
        except asyncio.CancelledError:
            if wish.stopped_by is None:
                raise
            raise KeyboardInterrupt from None
        finally:
            wish.cancel = wish.stop = wish.taker = None


async def _led(main: Coroutine[Any, Any, T], wish: _Wish) -> T:
    """Await it as the task that a signal cancels."""
    import asyncio

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is None:
        raise AssertionError("a coroutine runs in a task")
    wish.cancel = lambda: _soon(loop, task.cancel)
    if wish.is_owed:
        wish.is_owed = False
        wish.cancel()
    return await main


def on_stop(tell: Callable[[], object]) -> None:
    """Let a signal call this in the running loop instead of cancelling; one after ``PATIENCE_S`` still cancels."""
    import asyncio

    loop = asyncio.get_running_loop()
    _wish.stop = lambda: _soon(loop, tell)


def hand_over(taker: Taker) -> None:
    """Give every signal to this as it comes, in the running loop, to make of it what it will."""
    import asyncio

    loop = asyncio.get_running_loop()
    _wish.taker = lambda number: _soon(loop, lambda: taker(number))


def _soon(loop: "asyncio.AbstractEventLoop", call: Callable[[], object]) -> None:
    """Call something in the loop, which a signal may have found asleep, or closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
