"""What a daemon needs short of the network: loaded, opened, and all that is wrong with it found at once.

A daemon starts with this, and ``eew dispatch --check`` is nothing else.
"""

import asyncio
import zlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from eew.contract.signature import SigningKey
from eew.dispatch.daemon.config import ConfigFile, RegionConfig
from eew.dispatch.daemon.feed_supervisor import ReportFeed
from eew.dispatch.journal import Journal, is_in_use
from eew.dispatch.metrics import MetricsServer
from eew.model.clock import Clock
from eew.model.document_faults import noted, refuse
from eew.model.errors import InputError
from eew.model.records import Devices
from eew.model.system.interrupt import work_folder
from eew.mqtt.endpoint import Endpoint

__all__ = ["OpenFeed", "Prepared", "prepare"]

OpenFeed = Callable[[ConfigFile, int, Clock], ReportFeed]


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a configuration names; nothing is connected yet."""

    endpoint: Endpoint
    region: RegionConfig
    devices: Devices
    key: SigningKey
    feeds: tuple[ReportFeed, ...]
    #: ``None`` where it was only to be tried, and a daemon runs that has it.
    journal: Journal | None
    metrics: MetricsServer | None


async def prepare(
    stack: AsyncExitStack, file: ConfigFile, open_feed: OpenFeed, clock: Clock, *, only_try: bool = False
) -> Prepared:
    """Load and open all that a configuration names; closed with the stack.

    Parameters
    ----------
    stack
        What closes it.
    file
        The configuration.
    open_feed
        Makes the feed of a ``[[feeds]]`` table.
    clock
        Of the feeds.
    only_try
        Nothing of it is kept: a folder for the journal that is not there is tried in one beside it, and a daemon that
        runs there is left the folder and the port that it has.

    Raises
    ------
    InputError
        The first thing that is not usable, the others in its ``also``.
    """
    faults: list[InputError] = []
    audience = ""
    journal: Journal | None = None
    metrics: MetricsServer | None = None
    feeds = []
    with noted(faults):
        endpoint = file.endpoint()
    with noted(faults):
        region = await asyncio.to_thread(file.region)
    with noted(faults):
        devices = await asyncio.to_thread(file.devices)
        audience = await asyncio.to_thread(_fingerprint, file.config.mode, devices)
    with noted(faults):
        key = await asyncio.to_thread(file.key)
    for number in range(len(file.config.feeds)):
        with noted(faults):
            feeds.append(open_feed(file, number, clock))
    if not (only_try and await asyncio.to_thread(is_in_use, file.state)):
        with noted(faults), file.document.placing(("state",)):
            folder = _tried(stack, file.state) if only_try and not file.state.exists() else file.state
            journal = await Journal.open(folder, audience)
            stack.push_async_callback(journal.close)
        if (port := file.config.metrics_port) is not None:
            with noted(faults):
                metrics = file.document.placed(("metrics_port",), partial(MetricsServer, port))
                stack.push_async_callback(asyncio.to_thread, metrics.close)
    refuse(faults)
    return Prepared(endpoint, region, devices, key, tuple(feeds), journal, metrics)


def _tried(stack: AsyncExitStack, folder: Path) -> Path:
    """Return a folder where another could be made, gone with the stack."""
    above = next(each for each in folder.absolute().parents if each.exists())
    try:
        return stack.enter_context(work_folder(".eew-check-", above)) / folder.name
    except OSError as error:
        raise InputError("a folder that can be written", file=folder, value=error.strerror) from error


def _fingerprint(mode: str, devices: Devices) -> str:
    """Name whom rows mean: with other devices, or in the other mode, they mean others."""
    sums = (zlib.crc32(column.tobytes()) for column in (devices.id, devices.cell))
    return f"{mode} {len(devices)} {' '.join(f'{each:08x}' for each in sums)}"
