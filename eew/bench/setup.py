"""What a load test is set up with: options, a broker, and a population that all feels the bench's earthquake."""

import argparse
import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from eew.model.option_number import whole_number_of
from eew.model.system import interrupt
from eew.model.system.cancellation import to_the_end
from eew.model.system.output import check_file

if TYPE_CHECKING:
    from eew.bench.load import Load
    from eew.contract.signature import SigningKey
    from eew.dispatch.settings import Settings

__all__ = [
    "Measured",
    "add_load_options",
    "load_options",
    "open_loads",
    "signing_key",
    "warm_up_size",
]

#: Where everybody lives within reach of the bench's earthquake: around Tokyo Bay.
_LAT_DEG, _LON_DEG, _RADIUS_KM = 35.6, 139.8, 300


class Measured(NamedTuple):
    """How a measurement is made."""

    settings: "Settings"
    n_runs: int
    json_path: Path | None


def add_load_options(parser: argparse.ArgumentParser, *, n_runs: int = 3) -> None:
    """Add the options that every load test has."""
    parser.add_argument("--devices", metavar="N", help="how many simulated devices (default 100000)")
    parser.add_argument("--mode", metavar="device|cell", help="one alert a device (default) or one a populated cell")
    parser.add_argument("--qos", metavar="0|1", help="MQTT quality of service of alerts (default 0)")
    parser.add_argument("--subscriptions", metavar="wildcard|each", help="how devices on one connection subscribe")
    parser.add_argument("--payload", metavar="full|compact", help="all that helps (default), or what must be known now")
    parser.add_argument("--workers", metavar="N", help="processes that play devices (default 2)")
    parser.add_argument("--connections", metavar="N", help="connections of each worker (default 5)")
    parser.add_argument("--broker", metavar="URL", help="mqtt://host:port, instead of the embedded broker")
    parser.add_argument("--seed", metavar="S", help="of the population (default 1)")
    parser.add_argument(
        "--runs", dest="n_runs", metavar="N", default=str(n_runs), help=f"alternated (default {n_runs})"
    )
    parser.add_argument("--json", metavar="PATH", type=Path, help="also write all figures there")


def load_options(arguments: argparse.Namespace) -> Measured:
    """Return how to measure; raise ``InputError`` where an option is not usable."""
    from eew.dispatch.settings import load_settings

    n_runs = whole_number_of(arguments.n_runs, "--runs", 1, 1000)
    check_file(arguments.json, "--json")
    return Measured(load_settings(vars(arguments) | {"speed": "max"}), n_runs, arguments.json)


async def signing_key(settings: "Settings") -> "SigningKey":
    """Return the key of the settings, else the user's own."""
    from eew.contract.signature import SigningKey

    return await asyncio.to_thread(SigningKey.named_or_own, Path(settings.key) if settings.key else None)


@asynccontextmanager
async def open_loads(settings: "Settings", sizes: Sequence[int]) -> AsyncIterator[list["Load"]]:
    """Make a load of each size over one broker, which is started if none was named."""
    import msgspec

    from eew.bench.load import Load
    from eew.devices.population import store
    from eew.devices.population.population import make
    from eew.model.region_name import parse_region
    from eew.model.region_profile_file import load_profile
    from eew.mqtt.aiomqtt_client import broker_facts
    from eew.mqtt.embedded import EmbeddedBroker
    from eew.mqtt.endpoint import Endpoint
    from eew.mqtt.ready import wait_until_ready
    from eew.shelter import catalogue

    async with AsyncExitStack() as stack:
        folder = stack.enter_context(interrupt.work_folder("eew-bench-"))
        if settings.broker is None:
            embedded = await stack.enter_async_context(EmbeddedBroker())
            endpoint, broker = embedded.endpoint, embedded.facts
        else:
            endpoint = settings.placed("broker", partial(Endpoint.parse, settings.broker))
            await wait_until_ready(endpoint, settings.reconnect_s, says_so=True)
            broker = await broker_facts(endpoint)
        settings = msgspec.structs.replace(settings, broker=settings.broker or str(endpoint))
        profile = settings.placed("profile", partial(load_profile, settings.profile or "japan"))
        shelters = await asyncio.to_thread(catalogue.load, settings.shelters or catalogue.default_catalogue_path())
        region = parse_region(f"{_LAT_DEG},{_LON_DEG},{_RADIUS_KM}")

        def loaded(n_devices: int) -> Load:
            path = folder / f"{n_devices}"
            store.save(make(region, n_devices, settings.seed), path)
            return Load(settings, endpoint, broker, store.load(path), path, profile, shelters, _LAT_DEG, _LON_DEG)

        yield [await to_the_end(loaded, n_devices) for n_devices in sizes]


def warm_up_size(n_devices: int) -> int:
    """Return how many devices a run before the first that counts is made with."""
    return max(1, math.ceil(n_devices / 20))
