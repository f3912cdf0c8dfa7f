"""Signals as one orderly end, in this process."""

import asyncio
import importlib
import os
import signal
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eew.model.system import interrupt
from eew.model.system.cancellation import to_the_end


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Take the signals for a test, and give them back."""
    before = [signal.getsignal(number) for number in interrupt.SIGNALS]
    with interrupt.heeded(is_last=False):
        yield
    assert [signal.getsignal(number) for number in interrupt.SIGNALS] == before


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", interrupt.SIGNALS)
def test_the_first_ends_what_runs_and_the_next_change_nothing(number: signal.Signals) -> None:
    """Whichever they are."""
    with pytest.raises(KeyboardInterrupt):
        send(number)
    for each in interrupt.SIGNALS:
        send(each)
    assert interrupt.stopped_by() == number


def test_whoever_was_patient_may_press_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way out took too long for them."""
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)
    monkeypatch.setattr(interrupt, "PATIENCE_S", 0.0)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGTERM)
    assert interrupt.stopped_by() is signal.SIGINT


def test_a_held_section_ends_first() -> None:
    """Sections within it, too."""
    done = []

    def hold() -> None:
        with interrupt.held():
            with interrupt.held():
                send(signal.SIGTERM)
                done.append("inner")
            done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        hold()
    assert done == ["inner", "outer"]


def test_a_work_folder_is_gone_whenever_the_signal_comes(tmp_path: Path) -> None:
    """As a rule while it is used."""

    def work() -> None:
        with interrupt.work_folder("work-", tmp_path) as folder:
            (folder / "x").touch()
            send(signal.SIGHUP)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["tempfile.mkdtemp", "shutil.rmtree"])
def test_a_work_folder_is_made_and_removed_whole(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal in the middle of it waits."""
    module, name = place.split(".")
    function = getattr(importlib.import_module(module), name)

    def interrupted(*arguments: Any, **named: Any) -> object:
        send(signal.SIGINT)
        return function(*arguments, **named)

    monkeypatch.setattr(place, interrupted)
    with pytest.raises(KeyboardInterrupt), interrupt.work_folder("work-", tmp_path) as folder:
        (folder / "x").touch()
    assert list(tmp_path.iterdir()) == []


def test_a_coroutine_is_cancelled_and_ends_in_order() -> None:
    """What it does on its way out is not broken off by further ones."""
    done = []

    async def main() -> None:
        try:
            send(signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            send(signal.SIGINT)
            await asyncio.sleep(0.01)
            done.append("in order")

    with pytest.raises(KeyboardInterrupt):
        interrupt.run(main())
    assert done == ["in order"]


def test_a_coroutine_may_have_a_way_out_of_its_own() -> None:
    """Then it returns what it will."""

    async def main() -> str:
        stop = asyncio.Event()
        interrupt.on_stop(stop.set)
        send(signal.SIGHUP)
        await stop.wait()
        send(signal.SIGINT)
        return "told"

    assert interrupt.run(main()) == "told"
    assert interrupt.stopped_by() is signal.SIGHUP


def test_all_signals_may_be_handed_over() -> None:
    """As a daemon does for which a hangup means another thing."""
    taken: list[signal.Signals] = []

    async def main() -> None:
        interrupt.hand_over(taken.append)
        for number in interrupt.SIGNALS:
            send(number)
            await asyncio.sleep(0.01)

    interrupt.run(main())
    assert taken == list(interrupt.SIGNALS)
    assert interrupt.stopped_by() is None


def test_a_result_is_returned_and_a_cancellation_of_its_own_is_none_of_ours() -> None:
    """No signal, no interrupt."""

    async def result() -> int:
        return 7

    async def cancelled() -> None:
        raise asyncio.CancelledError

    assert interrupt.run(result()) == 7
    with pytest.raises(asyncio.CancelledError):
        interrupt.run(cancelled())


def test_a_thread_that_writes_is_waited_for() -> None:
    """Then the cancellation is heeded."""
    done = []

    def write() -> None:
        asyncio.run(asyncio.sleep(0.05))
        done.append("written")

    async def main() -> None:
        send(signal.SIGTERM)
        await to_the_end(write)
        done.append("never")

    with pytest.raises(KeyboardInterrupt):
        interrupt.run(main())
    assert done == ["written"]


def test_an_interrupt_that_python_would_ignore_still_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """It comes in a weak reference's callback, as those of the import system are: nothing may be printed nor lost."""

    class Thing:
        """Something to refer to."""

    def lose(_reference: object) -> None:
        signal.raise_signal(signal.SIGINT)

    thing = Thing()
    reference = weakref.ref(thing, lose)
    del thing
    assert reference() is None
    with pytest.raises(KeyboardInterrupt):
        threading.Event().wait(10)
    assert capsys.readouterr().err == ""
