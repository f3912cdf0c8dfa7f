"""``eew watch``: what an integrator's subscriber sees, a countdown in the terminal, until Ctrl-C."""

import argparse
import asyncio
import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from eew.bridges.home import HomePublisher
    from eew.bridges.watch import Watch
    from eew.mqtt.endpoint import Endpoint

__all__ = ["configure", "run"]

_DEFAULT_BROKER = "mqtt://127.0.0.1:1883"
#: How exactly the seconds of a countdown are kept.
_TICK_S = 0.05


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--at", metavar="LAT,LON", help="where to count down for (default: nowhere, all events shown)")
    parser.add_argument("--broker", metavar="URL", help=f"(default: {_DEFAULT_BROKER})")
    parser.add_argument(
        "--profile", metavar="NAME|FILE", help="region profile to estimate with (default: by the event's scale)"
    )
    parser.add_argument(
        "--public-key",
        metavar="BASE64URL",
        nargs="+",
        action="extend",
        help="whose alerts to believe (default: your own key's; without any, signatures are not checked)",
    )
    parser.add_argument(
        "--reconnect-s", metavar="S", help="how long to try while the broker is not there (default: 30)"
    )
    parser.add_argument("--language", metavar="LANG", help="show the alert's text, too: en, es, ja, tr, zh or zh-Hant")
    parser.add_argument(
        "--home-assistant",
        action="store_true",
        help="make entities for the place in Home Assistant, and keep them true",
    )


def run(arguments: argparse.Namespace) -> int:
    """Watch until stopped; return 0."""
    from eew.bridges.watch import Watch
    from eew.cli.place import place_of
    from eew.cli.trust import own_public_key, public_keys
    from eew.contract.signature import Verifier
    from eew.dispatch.settings import load_settings
    from eew.model.region_profile_file import load_profile
    from eew.mqtt.endpoint import Endpoint

    place = None if arguments.at is None else place_of(arguments.at, "--at")
    if arguments.home_assistant and place is None:
        raise InputError("the place of the home beside it: --at LAT,LON", field="--home-assistant")
    settings = load_settings(vars(arguments))
    endpoint = settings.placed("broker", lambda: Endpoint.parse(settings.broker or _DEFAULT_BROKER))
    if settings.profile is not None:
        settings.placed("profile", functools.partial(load_profile, settings.profile))
    keys = own_public_key() if arguments.public_key is None else public_keys(arguments.public_key)
    watch = Watch(place, settings.profile, Verifier(keys) if keys else None, _language(arguments.language))
    publisher = None
    if arguments.home_assistant and place is not None:
        from eew.bridges.home import Home, HomePublisher

        publisher = HomePublisher(watch, Home(*place))
    return interrupt.run(_run(watch, endpoint, settings.reconnect_s, publisher))


def _language(wanted: str | None) -> str | None:
    from eew.contract.text import LANGUAGES

    if wanted is not None and wanted not in LANGUAGES:
        raise InputError(f"one of {', '.join(LANGUAGES)}", field="--language", value=wanted)
    return wanted


@dataclass(slots=True)
class _Connection:
    """How the subscription is, in words."""

    url: str
    reconnect_s: float
    state: str = "waiting for the broker"

    def change(self, problem: str | None) -> None:
        """Take the state of the subscription."""
        if problem is None:
            self.state = "listening"
        else:
            self.state = f"connection lost ({problem}); trying again for {self.reconnect_s:g} s"

    def __str__(self) -> str:
        return f"{self.url}: {self.state}"


async def _run(watch: "Watch", endpoint: "Endpoint", reconnect_s: float, publisher: "HomePublisher | None") -> int:
    from rich.console import Console

    from eew.cli.stop import install_stop_signals
    from eew.model.clock import SystemClock
    from eew.model.system.cancellation import cancel_and_wait
    from eew.mqtt.subscription import Subscription

    stop = asyncio.create_task(install_stop_signals().wait())
    connection = _Connection(str(endpoint), reconnect_s)
    subscription = Subscription(
        endpoint,
        reconnect_s,
        "watch",
        watch.topic_filters,
        watch.take,
        connection.change,
        SystemClock(),
        will=None if publisher is None else publisher.will,
        over=None if publisher is None else publisher.over,
    )
    working = [asyncio.create_task(subscription.listen())]
    if publisher is not None:
        working.append(asyncio.create_task(publisher.publish()))
    console = Console(highlight=False)
    try:
        await (_draw if console.is_terminal else _say)(console, watch, connection, {stop, *working})
        for task in working:
            if task.done():
                await task
    finally:
        await cancel_and_wait(stop, *reversed(working))
    return ExitStatus.DONE


async def _draw(console: "Console", watch: "Watch", connection: _Connection, ends: "set[asyncio.Task[Any]]") -> None:
    """Keep the screen true until one of the tasks ends."""
    from rich.live import Live

    from eew.view.panel import drawn

    def look() -> "RenderableType":
        return drawn(watch.board(datetime.now(UTC)), str(connection))

    with Live(console=console, auto_refresh=False, get_renderable=look) as live:
        while not any(task.done() for task in ends):
            live.refresh()
            await asyncio.wait(ends, timeout=_TICK_S, return_when=asyncio.FIRST_COMPLETED)


async def _say(console: "Console", watch: "Watch", connection: _Connection, ends: "set[asyncio.Task[Any]]") -> None:
    """Print what is new until one of the tasks ends."""
    from eew.view.countdown import SIMULATION, Speaker

    say = functools.partial(console.print, markup=False, highlight=False, soft_wrap=True)
    speaker, said = Speaker(), connection.state
    say(SIMULATION)
    if not watch.is_checking:
        say("signatures are not checked: you have no key of your own, and there is no --public-key")
    while not any(task.done() for task in ends):
        if connection.state != said:
            said = connection.state
            say(str(connection))
        for line in speaker.lines(watch.board(datetime.now(UTC))):
            say(line)
        await asyncio.wait(ends, timeout=_TICK_S, return_when=asyncio.FIRST_COMPLETED)
