"""``eew dispatch`` as an operator runs it: a process of its own, a real broker, signals."""

import asyncio
import fcntl
import importlib.util
import json
import signal
import socket
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import aiomqtt
import msgspec
import numpy as np
import pytest

from eew.cli import main as command
from eew.contract import topic
from eew.contract.signature import SigningKey
from eew.devices.population import store
from eew.devices.population.population import make
from eew.devices.swarm.subscriber_protocol import PacketRun, SubscriberProtocol
from eew.model.records import AlertStatus, EventReport, ReportKind
from eew.model.region_name import parse_region
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.endpoint import Endpoint

pytestmark = pytest.mark.broker

#: So many that sending them takes a while.
N = 30_000
PLACE = "35,139,100"
_START = (
    "import sys; from eew.cli import main; main.COMMANDS.setdefault('dispatch', 'the daemon'); sys.exit(main.main())"
)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("devices") / "population"
    store.save(make(parse_region(PLACE), N, 1), folder)
    return folder


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(command.COMMANDS, "dispatch", "the daemon")


def config(folder: Path, population: Path, endpoint: Endpoint, /, **changes: object) -> Path:
    values: dict[str, object] = {
        "broker": str(endpoint),
        "population": str(population),
        "state": "state",
        "profile": "japan",
        "key": "key.pem",
        "dispatcher_id": folder.name[:60],
    } | changes
    url = values.pop("url", f"{endpoint}/eew/v1/reports/{folder.name[:60]}")
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    feed = ["[[feeds]]", 'name = "local"', f'url = "{url}"']
    path = folder / "dispatch.toml"
    path.write_text("\n".join([*lines, *feed]) + "\n")
    SigningKey.load_or_create(folder / "key.pem")
    return path


@asynccontextmanager
async def daemon(path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield a daemon that is ready; its lines so far are read."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _START, "dispatch", "--config", str(path)),
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        said = ""
        while "feed.listening" not in said:
            assert process.stderr is not None
            line = (await process.stderr.readline()).decode()
            said += line
            assert line, said
        assert "not a warning service" in said.splitlines()[0]
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: asyncio.subprocess.Process, number: signal.Signals) -> tuple[int, str]:
    process.send_signal(number)
    async with asyncio.timeout(12):
        _, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


def report(report_no: int = 1, kind: ReportKind = ReportKind.NEW, magnitude: float = 7.6) -> EventReport:
    now = datetime.now(UTC).replace(microsecond=0)
    return EventReport(
        event_id="ev",
        source="test",
        report_no=report_no,
        kind=kind,
        status=AlertStatus.TEST,
        issued_at=now,
        origin_at=now - timedelta(seconds=2),
        lat_deg=35.0,
        lon_deg=139.0,
        depth_km=10.0,
        magnitude=magnitude,
    )


class Town:
    """Counts alerts by device, as the broker gives them out."""

    def __init__(self, broker: Endpoint, folder: Path) -> None:
        self._broker = broker
        self._topic = topic.reports(folder.name[:60])
        self._protocol = SubscriberProtocol(self._take, lambda _reason: None)
        self._came = asyncio.Event()
        self.n: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        await self._protocol.connect(self._broker, f"{self._topic.rsplit('/', 1)[-1]}-town")
        await self._protocol.subscribe(self._broker, [topic.device_alert("+", "+")])
        return self

    async def __aexit__(self, *of: object) -> None:
        await self._protocol.close()

    async def tell(self, message: EventReport) -> None:
        """Publish a report on the feed's topic."""
        async with aiomqtt.Client(self._broker.host, self._broker.port) as client:
            await client.publish(self._topic, msgspec.json.encode(message), qos=1)

    async def until(self, n: int) -> None:
        """Wait until so many alerts came."""
        async with asyncio.timeout(30):
            while self.n.total() < n:
                await self._next()

    async def rest(self) -> None:
        """Wait until a while passes without any."""
        try:
            while True:
                async with asyncio.timeout(0.7):
                    await self._next()
        except TimeoutError:
            pass

    async def _next(self) -> None:
        self._came.clear()
        await self._came.wait()

    def _take(self, run: PacketRun) -> None:
        self.n.update(row.tobytes().decode().rsplit("/", 1)[-1] for row in run.topic)
        self._came.set()


def plans(folder: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(folder / "state" / "journal.db")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM plans ORDER BY id")]


def confirmed_ids(folder: Path, population: Path) -> Iterator[str]:
    """Yield whom the journal says were told, read without its code."""
    device_id = np.load(population / "id.npy")
    for plan in plans(folder):
        row = np.load(folder / "state" / "plans" / f"{plan['id']}.npy")
        for start, end in json.loads(plan["confirmed"]):
            yield from (device_id[each].decode() for each in row[start:end])


async def test_what_was_in_flight_at_sigterm_is_confirmed_and_a_restart_sends_the_rest_once(
    embedded_broker: EmbeddedBroker, population: Path, tmp_path: Path
) -> None:
    """Stopped in the middle, all that was taken is confirmed and written down; two runs tell each device once."""
    path = config(tmp_path, population, embedded_broker.endpoint)
    async with Town(embedded_broker.endpoint, tmp_path) as town:
        async with daemon(path) as process:
            await town.tell(report())
            await town.until(1)
            code, said = await ended(process, signal.SIGTERM)
        assert code == 0, said
        (plan,) = plans(tmp_path)
        assert 0 < plan["n_confirmed"] == plan["n_taken"] < plan["n_alerts"] == N
        await town.until(plan["n_confirmed"])
        await town.rest()
        assert set(town.n) == set(confirmed_ids(tmp_path, population))
        async with daemon(path) as process:
            await town.until(N)
            await town.rest()
            code, said = await ended(process, signal.SIGTERM)
    assert code == 0, said
    assert len(town.n) == N
    assert set(town.n.values()) == {1}
    assert sum(each["n_confirmed"] for each in plans(tmp_path)) == N


async def test_after_kill_9_nobody_is_left_out_and_whom_the_journal_knows_told_is_not_told_again(
    embedded_broker: EmbeddedBroker, population: Path, tmp_path: Path
) -> None:
    """Killed in the middle, the next daemon tells all but those whose confirmation was written down."""
    path = config(tmp_path, population, embedded_broker.endpoint)
    async with Town(embedded_broker.endpoint, tmp_path) as town:
        async with daemon(path) as process:
            await town.tell(report())
            while not set(confirmed_ids(tmp_path, population)):
                await town.until(town.n.total() + 1)
            code, _ = await ended(process, signal.SIGKILL)
        assert code == -signal.SIGKILL
        known = set(confirmed_ids(tmp_path, population))
        assert 0 < len(known) < N
        await town.rest()
        before = dict(town.n)
        town.n.clear()
        async with daemon(path) as process:
            await town.until(N - len(known))
            await town.rest()
            await ended(process, signal.SIGTERM)
    assert not known & set(town.n)
    assert len(set(before) | set(town.n)) == N
    assert set(town.n.values()) == {1}


async def test_a_second_signal_ends_it_at_once_and_ctrl_c_exits_130(
    embedded_broker: EmbeddedBroker, population: Path, tmp_path: Path
) -> None:
    """Ctrl-C stops in order with 130; two signals in a row do not wait for anything."""
    path = config(tmp_path, population, embedded_broker.endpoint)
    async with daemon(path) as process:
        code, said = await ended(process, signal.SIGINT)
    assert code == 130, said
    assert "dispatch.stopped" in said
    async with daemon(path) as process:
        # Both wait while it is stopped, and are seen together.
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        code, said = await ended(process, signal.SIGCONT)
    assert code in {128 + signal.SIGINT, 128 + signal.SIGTERM}
    assert "dispatch.stopped" not in said


async def test_the_log_is_our_own(embedded_broker: EmbeddedBroker, population: Path, tmp_path: Path) -> None:
    """Not what a library counts each time a folder changes."""
    folder = tmp_path / "feed"
    folder.mkdir()
    path = config(tmp_path, population, embedded_broker.endpoint, url=f"dir:{folder}")
    async with daemon(path) as process:
        assert process.stderr is not None
        said = ""
        for number in (1, 2):
            (folder / f"{number}.jsonl").write_bytes(msgspec.json.encode(report(number, magnitude=6.0 + number)))
            async with asyncio.timeout(12):
                while said.count("dispatch.done") < number:
                    said += (await process.stderr.readline()).decode()
        _, rest = await ended(process, signal.SIGTERM)
    words = [line.split(" INFO ")[1].split()[0] for line in (said + rest).splitlines()]
    assert set(words) == {"report.acted", "dispatch.done", "dispatch.stopping", "dispatch.stopped"}


async def test_sighup_with_a_bad_file_keeps_the_old_configuration(
    embedded_broker: EmbeddedBroker, population: Path, tmp_path: Path
) -> None:
    """A bad file is refused in one line with file, line and field; a good one is taken; alerts go on after both."""
    path = config(tmp_path, population, embedded_broker.endpoint)
    good = path.read_text()
    async with Town(embedded_broker.endpoint, tmp_path) as town, daemon(path) as process:
        assert process.stderr is not None
        path.write_text(good.replace('"japan"', '"japn"'))
        process.send_signal(signal.SIGHUP)
        line = (await process.stderr.readline()).decode()
        assert f"reload.refused {path}:4: profile: " in line
        path.write_text(good.replace('"japan"', '"taiwan"'))
        process.send_signal(signal.SIGHUP)
        line = (await process.stderr.readline()).decode()
        assert "reload.done profile=taiwan" in line
        await town.tell(report())
        await town.until(1)
        code, said = await ended(process, signal.SIGTERM)
    assert code == 0, said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mode": "town"}, ":7: mode: 'town': expected device or cell"),
        ({"mdoe": "cell"}, ":7: mdoe: unknown key, likely mode: expected one of broker, "),
        ({"qos": 2}, ":7: qos: 2: expected a whole number"),
        ({"broker": "http://x"}, ":1: broker: 'http://x': expected mqtt://"),
        ({"population": "nowhere"}, "nowhere"),
        ({"shelters": "nowhere"}, "nowhere"),
        ({"travel_times": "nowhere"}, ":7: travel_times: 'nowhere': expected"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_a_wrong_value_is_one_line_with_its_place(
    changes: dict[str, object], said: str, population: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--check`` exits 2 and says file, line, field, value and what was expected."""
    path = config(tmp_path, population, Endpoint("127.0.0.1", 1883), **changes)
    assert command.main(["dispatch", "--config", str(path), "--check"]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_check_says_what_a_good_configuration_is(
    population: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--check`` exits 0 without a broker, and names devices, profile and feeds."""
    path = config(tmp_path, population, Endpoint("127.0.0.1", 1))
    assert command.main(["dispatch", "--config", str(path), "--check"]) == 0
    out = capsys.readouterr().out
    assert "30,000 devices" in out
    assert "feed local: native from mqtt://127.0.0.1:1/" in out
    assert not (tmp_path / "state").exists()


def _state_in_a_file(folder: Path, _: pytest.MonkeyPatch) -> dict[str, object]:
    (folder / "file").touch()
    return {"state": "file/state"}


def _state_of_something_else(folder: Path, _: pytest.MonkeyPatch) -> dict[str, object]:
    (folder / "other").mkdir()
    (folder / "other" / "journal.db").write_text("no database " * 100)
    return {"state": "other"}


def _open_key(folder: Path, _: pytest.MonkeyPatch) -> dict[str, object]:
    SigningKey.load_or_create(folder / "mine.pem")
    (folder / "mine.pem").chmod(0o644)
    return {"key": "mine.pem"}


def _without(module: str) -> Callable[[str], object]:
    find_spec = importlib.util.find_spec
    return lambda name: None if name == module else find_spec(name)


def _no_metrics(_: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setattr("importlib.util.find_spec", _without("prometheus_client"))
    return {"metrics_port": 0}


def _no_websocket(_: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setattr("importlib.util.find_spec", _without("aiohttp"))
    return {"url": "ws://127.0.0.1:1/"}


def _no_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setattr("importlib.util.find_spec", _without("watchfiles"))
    return {"url": f"dir:{folder}"}


REFUSALS: dict[str, tuple[Callable[[Path, pytest.MonkeyPatch], dict[str, object]], str]] = {
    "population": (
        lambda *_: {"population": "nowhere"},
        ":2: population: {folder}/nowhere/devices.toml: 'missing': expected a population",
    ),
    "profile": (lambda *_: {"profile": "japn"}, ": profile: "),
    "travel times": (lambda *_: {"travel_times": "nowhere"}, ": travel_times: 'nowhere': expected"),
    "shelters": (lambda *_: {"shelters": "nowhere"}, ": shelters: {folder}/nowhere: expected a shelter catalogue"),
    "a key that is not there": (
        lambda *_: {"key": "nokey"},
        ": key: {folder}/nokey: 'missing': expected a key that is there: make",
    ),
    "key": (_open_key, ": key: {folder}/mine.pem: permissions: '0644': expected permissions 0600"),
    "a file where the state should be": (
        _state_in_a_file,
        ":3: state: {folder}/file/state: 'Not a directory': expected a folder",
    ),
    "no journal": (
        _state_of_something_else,
        ":3: state: {folder}/other/journal.db: 'file is not a database': expected a journal",
    ),
    "a feed that is not there": (lambda *_: {"url": "dir:nowhere"}, ": feeds[0].url: "),
    "no library for metrics": (_no_metrics, ": metrics_port: 0: expected prometheus_client to be installed: "),
    "no library for WebSockets": (
        _no_websocket,
        ": feeds[0].url: 'ws://127.0.0.1:1/': expected aiohttp to be installed: ",
    ),
    "no library for folders": (_no_folder, ": expected watchfiles to be installed: "),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_check_refuses_what_a_start_refuses(
    what: str, population: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same words, with exit 2, and before anything is connected: there is no broker here."""
    make_wrong, said = REFUSALS[what]
    path = config(tmp_path, population, Endpoint("127.0.0.1", 1), reconnect_s=0, **make_wrong(tmp_path, monkeypatch))
    words = ["dispatch", "--config", str(path)]
    assert command.main([*words, "--check"]) == 2
    checked = capsys.readouterr().err
    assert said.format(folder=tmp_path) in checked
    assert checked.startswith(f"eew dispatch: {path}:")
    assert checked.count("\n") == 1
    assert command.main(words) == 2
    assert checked in capsys.readouterr().err


def test_a_feeds_key_that_is_not_there_is_no_fault_of_its_url(
    population: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line that names the file is told, and what is wrong with it."""
    path = config(tmp_path, population, Endpoint("127.0.0.1", 1), url="dmdata://api.example.net")
    path.write_text(path.read_text() + 'key_file = "nokey"\n')
    line = path.read_text().splitlines().index('key_file = "nokey"') + 1
    assert command.main(["dispatch", "--config", str(path), "--check"]) == 2
    said = f"{tmp_path}/nokey: 'No such file or directory': expected a file that can be read"
    assert capsys.readouterr().err == f"eew dispatch: {path}:{line}: feeds[0].key_file: {said}\n"


def test_check_shows_all_that_is_wrong(population: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line each; a port that is taken is one, too."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        wrong: dict[str, object] = {"profile": "japn", "shelters": "nowhere", "population": "x", "metrics_port": port}
        wrong |= _state_in_a_file(tmp_path, pytest.MonkeyPatch())
        path = config(tmp_path, population, Endpoint("127.0.0.1", 1), **wrong)
        assert command.main(["dispatch", "--config", str(path), "--check"]) == 2
    lines = capsys.readouterr().err.splitlines()
    expected = ["2: population: ", "3: state: ", "4: profile: ", "7: shelters: ", "8: metrics_port: "]
    assert len(lines) == len(expected)
    expected = [f"eew dispatch: {path}:{part}" for part in expected]
    assert all(line.startswith(part) for part, line in zip(expected, lines, strict=True)), lines
    assert {each.name for each in tmp_path.iterdir()} == {"dispatch.toml", "file", "key.pem"}


def test_check_leaves_a_daemon_that_runs_alone(
    population: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that a new configuration is checked before SIGHUP: what the daemon has is said to be its own."""
    path = config(tmp_path, population, Endpoint("127.0.0.1", 1), reconnect_s=0)
    check = ["dispatch", "--config", str(path), "--check"]
    (tmp_path / "state").mkdir()
    with (tmp_path / "state" / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command.main(check) == 0
        assert f"a daemon runs with {tmp_path / 'state'}" in capsys.readouterr().out
        assert command.main(check[:-1]) == 2
        assert "another dispatcher uses this one" in capsys.readouterr().err
    assert command.main(check) == 0
    assert "a daemon runs" not in capsys.readouterr().out


def test_an_unreachable_broker_is_exit_3(population: Path, tmp_path: Path) -> None:
    """Nobody listens there: exit 3 once ``reconnect_s`` has passed."""
    path = config(tmp_path, population, Endpoint("127.0.0.1", 1), reconnect_s=0.1)
    assert command.main(["dispatch", "--config", str(path)]) == 3


def test_the_example_is_a_configuration(project: Path, population: Path, tmp_path: Path) -> None:
    """``examples/dispatch.toml`` is usable once there are devices beside it."""
    path = tmp_path / "dispatch.toml"
    text = (project / "examples" / "dispatch.toml").read_text()
    path.write_text(text.replace('population = "population"', f'population = "{population}"'))
    assert command.main(["dispatch", "--config", str(path), "--check"]) == 0
