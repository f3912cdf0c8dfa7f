"""``eew webhook``: posts a broker's event messages to endpoints, until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import functools
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt

if TYPE_CHECKING:
    from eew.bridges.webhook.config import WebhookConfigFile

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--config", metavar="FILE", required=True, help="TOML; see docs/webhooks.md")
    parser.add_argument("--check", action="store_true", help="only say whether the configuration is usable")
    parser.add_argument("--verbose", action="store_true", help="also log what was left alone, and why")


def run(arguments: argparse.Namespace) -> int:
    """Post until stopped; return 0, or 1 if something was lost."""
    from eew.cli.faults import tell_all

    try:
        file, keys, secrets = _prepared(Path(arguments.config))
    except InputError as error:
        if arguments.check:
            return tell_all("webhook", error)
        raise
    if arguments.check:
        print(f"{file.path} is usable: broker {file.broker()}, believes {', '.join(keys)}")
        for each, its in zip(file.config.endpoints, secrets, strict=True):
            statuses = ", ".join(each.statuses)
            print(f"  endpoint {each.name}: {statuses}; least level {each.min_level}; {len(its)} secret(s)")
        return ExitStatus.DONE
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("eew").setLevel(logging.DEBUG if arguments.verbose else logging.INFO)
    logging.getLogger(__name__).info("eew is a simulator, not a warning service")
    return interrupt.run(_serve(file, keys, secrets))


def _prepared(path: Path) -> "tuple[WebhookConfigFile, dict[str, bytes], list[tuple[bytes, ...]]]":
    """Read the configuration, whose alerts to believe, and the secrets of each endpoint.

    Raises
    ------
    InputError
        The first thing that is not usable, the others in its ``also``; packages that are missing come first, as the
        configuration cannot be read without them.
    """
    from eew.model.document_faults import noted, refuse
    from eew.model.system.extras import require

    require("webhooks", "aiohttp", "standardwebhooks")
    from eew.bridges.webhook.config import read_config

    file = read_config(path)
    faults: list[InputError] = []
    secrets = []
    with noted(faults):
        file.broker()
    with noted(faults):
        keys = _keys(file)
    for number in range(len(file.config.endpoints)):
        with noted(faults):
            secrets.append(file.secrets(number, os.environ))
    refuse(faults)
    return file, keys, secrets


def _keys(file: "WebhookConfigFile") -> dict[str, bytes]:
    """Return whose alerts to believe; without anybody, a stranger could set off what hangs on an endpoint."""
    from eew.cli.trust import own_public_key, public_keys

    texts = file.config.public_keys
    if texts is not None:
        return file.document.placed(("public_keys",), lambda: public_keys(texts))
    keys = own_public_key()
    if not keys:
        raise file.document.wrong(("public_keys",), "whose alerts to believe: you have no key of your own")
    return keys


def _note(broker: str, problem: str | None) -> None:
    logger = logging.getLogger(__name__)
    if problem is None:
        logger.info("broker.listening broker=%s", broker)
    else:
        logger.warning("broker.lost broker=%s reason=%r", broker, problem)


async def _serve(file: "WebhookConfigFile", keys: dict[str, bytes], secrets: list[tuple[bytes, ...]]) -> int:
    import random
    from concurrent.futures import ThreadPoolExecutor

    import aiohttp

    from eew.bridges.webhook.breaker import Breaker
    from eew.bridges.webhook.bridge import Bridge, WebhookEndpoint
    from eew.bridges.webhook.delivery_queue import DeliveryQueue
    from eew.bridges.webhook.event_filter import EventFilter
    from eew.bridges.webhook.event_intake import EventIntake
    from eew.bridges.webhook.sender import Sender
    from eew.cli.stop import install_stop_signals
    from eew.contract import topic
    from eew.model.clock import SystemClock
    from eew.mqtt.subscription import Subscription

    def wall() -> datetime:
        return datetime.now(UTC)

    clock, stop = SystemClock(), install_stop_signals()
    # A name that is looked up for long must not keep others from being looked up.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(len(secrets) + 2))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        endpoints = [
            WebhookEndpoint(
                EventFilter(each.least, each.statuses),
                Sender(
                    each.name,
                    each.url,
                    its,
                    DeliveryQueue(Breaker(each.breaker_failures, each.breaker_open_s), random.random),
                    session,
                    clock=clock,
                    wall=wall,
                    timeout_s=each.timeout_s,
                ),
            )
            for each, its in zip(file.config.endpoints, secrets, strict=True)
        ]
        bridge = Bridge(EventIntake(keys), endpoints, clock=clock, wall=wall)
        # The clock of a replay comes before the events that stand in its time.
        filters = (topic.status("+"), topic.event("+"))
        broker, reconnect_s = file.broker(), file.config.reconnect_s
        subscription = Subscription(
            broker, reconnect_s, "webhook", filters, bridge.take, functools.partial(_note, str(broker)), clock
        )
        is_whole = await bridge.run(subscription.listen, stop)
    return ExitStatus.DONE if is_whole else ExitStatus.FAILED
