"""What a bench is set up with, and what is left when it is given up."""

import asyncio
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from eew.bench.setup import open_loads
from eew.devices.population import population, store
from eew.dispatch.settings import Settings
from eew.mqtt.embedded import EmbeddedBroker

pytestmark = pytest.mark.broker


async def test_devices_that_are_still_made_leave_no_folder(
    embedded_broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are made in a thread, which must not write into a folder that was removed, or make it again."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    making, go, is_over = threading.Event(), threading.Event(), threading.Event()
    make, save = population.make, store.save

    def slow(*arguments: Any) -> object:
        making.set()
        go.wait(10)
        return make(*arguments)

    def saved(*arguments: Any) -> None:
        try:
            save(*arguments)
        finally:
            is_over.set()

    monkeypatch.setattr(population, "make", slow)
    monkeypatch.setattr(store, "save", saved)

    async def use() -> None:
        async with open_loads(Settings(broker=str(embedded_broker.endpoint)), [10]):
            raise AssertionError("it is given up before")

    task = asyncio.create_task(use())
    await asyncio.to_thread(making.wait, 10)
    task.cancel()
    asyncio.get_running_loop().call_later(0.05, go.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(is_over.wait, 10)
    assert await asyncio.to_thread(lambda: [*tmp_path.iterdir()]) == []
