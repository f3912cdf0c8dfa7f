"""``eew dispatch``: the daemon: feeds in, alerts out, until SIGTERM or Ctrl-C."""

import argparse
import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt

if TYPE_CHECKING:
    from eew.dispatch.daemon import ConfigFile, Daemon
    from eew.feed.source import Feed
    from eew.model.clock import Clock

__all__ = ["configure", "run"]

logger = logging.getLogger(__name__)


#: A process ended by a signal has this and the signal's number as its exit code.
_BY_SIGNAL = 128


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--config", metavar="FILE", required=True, help="TOML; see docs/dispatch.md")
    parser.add_argument("--check", action="store_true", help="only say whether the configuration is usable")
    parser.add_argument("--verbose", action="store_true", help="also log what was left alone, and why")


def run(arguments: argparse.Namespace) -> int:
    """Dispatch; return 0 when stopped by SIGTERM, 130 by Ctrl-C."""
    from eew.dispatch.daemon import Daemon, read_config

    if arguments.check:
        return interrupt.run(_check(Path(arguments.config)))
    file = read_config(Path(arguments.config))
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("eew").setLevel(logging.DEBUG if arguments.verbose else logging.INFO)
    logger.info("eew is a simulator's dispatcher, not a warning service")
    return interrupt.run(_serve(Daemon(file)))


async def _check(path: Path) -> int:
    """Prepare what a start prepares, and say what it is, or all that is wrong with it."""
    from contextlib import AsyncExitStack

    from eew.cli.faults import tell_all
    from eew.dispatch.daemon import prepare, read_config
    from eew.model.clock import SystemClock

    feeds: list[Feed] = []

    def open_feed(file: "ConfigFile", number: int, clock: "Clock") -> "Feed":
        feeds.append(file.feed(number, clock))
        return feeds[-1]

    try:
        file = read_config(path)
        async with AsyncExitStack() as stack:
            ready = await prepare(stack, file, open_feed, SystemClock(), only_try=True)
    except InputError as error:
        return tell_all("dispatch", error)
    print(
        f"{file.path} is usable: {len(ready.devices):,} devices ({file.config.mode} mode), "
        f"profile {ready.region.profile.name}, {len(ready.region.shelters):,} shelters, broker {ready.endpoint}"
    )
    for feed in feeds:
        print(f"  feed {feed.name}: {feed.format_name} from {feed.address}")
    if ready.journal is None:
        print(f"  a daemon runs with {file.state}: its folder and its metrics port were left alone")
    return ExitStatus.DONE


async def _serve(daemon: "Daemon") -> int:
    """Run the daemon under its signals: the first to stop ends it in order, the second at once."""
    stopped_by: list[signal.Signals] = []

    def take(number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            daemon.reload()
            return
        if stopped_by:
            os._exit(_BY_SIGNAL + number)
        stopped_by.append(number)
        daemon.stop()

    interrupt.hand_over(take)
    await daemon.run()
    return ExitStatus.INTERRUPTED if stopped_by == [signal.SIGINT] else ExitStatus.DONE
