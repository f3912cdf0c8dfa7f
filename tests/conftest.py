"""Fixtures that every test may use."""

import asyncio
import inspect
import json
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import jsonschema
import msgspec
import numpy as np
import pytest
import pytest_asyncio
from blockbuster import BlockBuster

from eew.contract.run_summary import RunSummary
from eew.model.clock import ManualClock
from eew.model.errors import BrokerConnectError
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.endpoint import Endpoint
from eew.mqtt.ready import wait_until_ready

hypothesis.settings.register_profile("eew", deadline=None, print_blob=True)
hypothesis.settings.load_profile("eew")

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent
#: Functions that may block the loop, by file.
MAY_BLOCK = {
    # What a command begins with, before anything else runs on the loop, and what a bench ends with.
    "eew/__init__.py": {"__getattr__"},
    "eew/bench/machine.py": {"<module>", "machine_facts"},
    "eew/bench/peer_clients.py": {"installed_version"},
    "eew/bench/peers.py": {"_print"},
    "eew/bench/result.py": {"write"},
    "eew/bench/setup.py": {"open_loads"},
    "eew/cli/dispatch.py": {"_check"},
    "eew/contract/card/card.py": {"all_cards"},
    "eew/dispatch/daemon/daemon.py": {"_start"},
    "eew/dispatch/settings.py": {"placed"},
    "eew/devices/swarm/swarm.py": {"_start"},
    "eew/feed/servers/folder_writer.py": {"__aenter__"},
    "eew/feed/transports/folder_watcher.py": {"messages"},
    "eew/model/system/extras.py": {"how_to_install"},
    "eew/model/system/interrupt.py": {"work_folder"},
    # A small file of the package, once a language.
    "eew/contract/text/language.py": {"load_language"},
    # A file that no disk is behind.
    "eew/model/system/memory.py": {"anonymous_resident_bytes"},
}


@pytest.fixture(autouse=True)
def no_blocking_call() -> Iterator[None]:
    """Fail a test in which our code blocks the event loop; what a test itself reads on its loop holds up nobody."""
    blockbuster = BlockBuster("eew")
    for function in blockbuster.functions.values():
        function.can_block_predicate = _or_called_by_the_test(function.can_block_predicate)
        for file, names in MAY_BLOCK.items():
            function.can_block_in(file, names)
    blockbuster.activate()
    yield
    blockbuster.deactivate()


@pytest.fixture
def project() -> Path:
    """Return the project's top folder."""
    return PROJECT


@pytest.fixture
def reference_data() -> Path:
    """Return the folder of real data, or skip where it is absent."""
    folder = Path(os.environ.get("EEW_REFERENCE_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder} (set EEW_REFERENCE_DATA)")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a seeded source of random numbers."""
    return np.random.default_rng(20110311)


@pytest.fixture
def manual_clock() -> ManualClock:
    """Return a clock that moves only when told."""
    return ManualClock()


@pytest.fixture
def schema_errors() -> Callable[[dict[str, Any], object], list[str]]:
    """Return what asks jsonschema what is wrong with a value; a schema that is none fails the test."""
    draft = jsonschema.Draft202012Validator
    checkers: dict[str, Any] = {}

    def errors(schema: dict[str, Any], value: object) -> list[str]:
        text = json.dumps(schema)
        if text not in checkers:
            draft.check_schema(schema)
            checkers[text] = draft(schema, format_checker=draft.FORMAT_CHECKER)
        return [error.message for error in checkers[text].iter_errors(value)]

    return errors


@pytest.fixture
def run_summary(project: Path) -> RunSummary:
    """Return the summary of a real run: a false alarm, to 300 devices."""
    text = (project / "tests" / "contract" / "schemas" / "run-summary.json").read_text(encoding="utf-8")
    return msgspec.json.decode(text, type=RunSummary)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def embedded_broker() -> AsyncIterator[EmbeddedBroker]:
    """Return a running embedded broker, one for the tests of a module."""
    async with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(scope="module")
def mosquitto_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """Return the address of a running mosquitto, or skip where it is not installed."""
    binary = shutil.which(
        "mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
    )
    if binary is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto, brew install mosquitto)")
    folder = tmp_path_factory.mktemp("mosquitto")
    # Mosquitto cannot pick a port itself; another process may take the free one before it does.
    for _ in range(5):
        endpoint = Endpoint("127.0.0.1", _free_port())
        process = _start_mosquitto(binary, folder, endpoint.port)
        try:
            asyncio.run(wait_until_ready(endpoint, 5))
            if process.poll() is not None:
                continue
            yield endpoint
        except BrokerConnectError:
            continue
        finally:
            process.terminate()
            process.wait(10)
        return
    pytest.fail((folder / "log").read_text())


@pytest.fixture(params=["embedded", "mosquitto"])
def broker_endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """Return the address of each of the two brokers in turn."""
    if request.param == "embedded":
        broker: EmbeddedBroker = request.getfixturevalue("embedded_broker")
        return broker.endpoint
    endpoint: Endpoint = request.getfixturevalue("mosquitto_broker")
    return endpoint


def _or_called_by_the_test(can_block: Callable[..., bool]) -> Callable[..., bool]:
    def can_block_here(*arguments: object, **named: object) -> bool:
        return can_block(*arguments, **named) or _is_called_by_the_test()

    return can_block_here


def _is_called_by_the_test() -> bool:
    """Return whether the coroutine that is running is one of the tests, and none of ours."""
    frame = inspect.currentframe()
    while frame is not None and not frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        frame = frame.f_back
    return frame is not None and Path(frame.f_code.co_filename).is_relative_to(TESTS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start_mosquitto(binary: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false", "max_queued_messages 0"]
    if os.geteuid() == 0:
        # Started as root it would change to a user who may not be there.
        lines.append("user root")
    configuration = folder / "mosquitto.conf"
    configuration.write_text("\n".join(lines) + "\n")
    with (folder / "log").open("wb") as log:
        return subprocess.Popen([binary, "-c", configuration], stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the few tests that need longer their own limit; each says why."""
    for item in items:
        if (long := item.get_closest_marker("long")) is not None:
            item.add_marker(pytest.mark.timeout(long.args[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests recorded, whichever process they ran in."""
    for report in terminalreporter.stats.get("passed", []):
        for name, text in getattr(report, "user_properties", []):
            if name.startswith("table: "):
                terminalreporter.section(name.removeprefix("table: "))
                terminalreporter.write_line(text)
