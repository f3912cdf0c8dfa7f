"""The daemon against a real broker, with feeds that say what the test lets them say."""

import asyncio
import json
import logging
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from eew.contract import topic
from eew.contract.signature import SigningKey
from eew.devices.population import store
from eew.devices.population.population import make
from eew.dispatch.daemon import ConfigFile, Daemon, read_config
from eew.dispatch.dispatcher import Dispatcher, DispatchResult
from eew.dispatch.metrics import MetricsServer
from eew.feed.intake import FeedCounts
from eew.feed.source import FeedState
from eew.model.clock import Clock
from eew.model.errors import BrokerConnectError, BrokerLostError, InputError, ReportDecodeError
from eew.model.records import AlertStatus, EventReport, ReportKind
from eew.model.region_name import parse_region
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.endpoint import Endpoint

pytestmark = pytest.mark.broker

N = 120


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("devices") / "population"
    store.save(make(parse_region("35,139,60"), N, 1), folder)
    return folder


class Script:
    """A feed that says what it is told to say, and fails when told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = FeedState.LISTENING
        self.counts = FeedCounts()
        self.said: asyncio.Queue[EventReport | Exception] = asyncio.Queue()
        self.is_closed = False

    async def reports(self) -> AsyncGenerator[EventReport]:
        try:
            while True:
                said = await self.said.get()
                if isinstance(said, Exception):
                    raise said
                self.counts.n_received += 1
                yield said
        finally:
            self.is_closed = True


class Station:
    """A configuration file, the feeds it names and what a subscriber sees."""

    def __init__(self, folder: Path, population: Path, endpoint: Endpoint) -> None:
        self.path = folder / "dispatch.toml"
        self.endpoint = endpoint
        self.feeds: dict[str, Script] = {}
        self.values: dict[str, object] = {
            "broker": str(endpoint),
            "population": str(population),
            "state": "state",
            "profile": "japan",
            "key": "key.pem",
            "dispatcher_id": folder.name[-60:],
            "reconnect_s": 0.3,
        }
        SigningKey.load_or_create(folder / "key.pem")
        self.write()

    def write(self, *feeds: str, **changes: object) -> None:
        """Write the file anew."""
        self.values |= changes
        lines = [f"{name} = {json.dumps(value)}" for name, value in self.values.items()]
        for name in feeds or ("a",):
            lines += ["[[feeds]]", f'name = "{name}"', 'url = "-"']
        self.path.write_text("\n".join(lines) + "\n")

    def open_feed(self, file: ConfigFile, number: int, _: Clock) -> Script:
        name = file.config.feeds[number].name
        self.feeds[name] = Script(name)
        return self.feeds[name]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Daemon]:
        """Yield a daemon that hangs on its feeds; stop it in order afterwards."""
        self.feeds.clear()
        what = Daemon(read_config(self.path), self.open_feed)
        task = asyncio.create_task(what.run())
        try:
            while not self.feeds or not what._feeds.configs:
                await asyncio.wait({task}, timeout=0.01)
                if task.done():
                    task.result()
            yield what
        finally:
            what.stop()
            async with asyncio.timeout(10):
                await task


@pytest.fixture
def station(tmp_path: Path, population: Path, embedded_broker: EmbeddedBroker) -> Station:
    return Station(tmp_path, population, embedded_broker.endpoint)


class Ears:
    """What a subscriber hears: alerts as (device, event, report, level), and the last retained of each other topic."""

    def __init__(self, endpoint: Endpoint, dispatcher_id: object) -> None:
        self._client = aiomqtt.Client(endpoint.host, endpoint.port)
        self._status = topic.status(str(dispatcher_id))
        self.alerts: list[tuple[str, str, int, str]] = []
        self.standing: dict[str, dict[str, Any] | None] = {}
        self._came = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Ears"]:
        async with self._client as client:
            for each in (topic.device_alert("+", "+"), self._status, topic.event("+")):
                await client.subscribe(each, qos=1)
            listening = asyncio.create_task(self._listen())
            try:
                yield self
            finally:
                listening.cancel()
                await asyncio.wait({listening})

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait until something holds of what was heard."""
        async with asyncio.timeout(20):
            while not is_true():
                self._came.clear()
                await self._came.wait()

    @property
    def n_reports(self) -> int:
        status = self.standing.get(self._status)
        return 0 if status is None else int(status["n_reports"])

    @property
    def state(self) -> str | None:
        status = self.standing.get(self._status)
        return None if status is None else str(status["state"])

    async def _listen(self) -> None:
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes)
            members = msgspec.json.decode(message.payload) if message.payload else None
            if members is not None and "/alerts/" in message.topic.value:
                self.alerts.append((members["device_id"], members["event_id"], members["report_no"], members["level"]))
            else:
                self.standing[message.topic.value] = members
            self._came.set()


@pytest.fixture
async def ears(station: Station) -> AsyncIterator[Ears]:
    async with Ears(station.endpoint, station.values["dispatcher_id"]).open() as heard:
        yield heard


async def until(is_true: Callable[[], bool]) -> None:
    """Wait until something holds of the daemon."""
    async with asyncio.timeout(20):
        while not is_true():  # noqa: ASYNC110 - a daemon does not tell tests what it has done
            await asyncio.sleep(0.005)


def report(
    event_id: str, report_no: int = 1, kind: ReportKind = ReportKind.NEW, magnitude: float = 7.4, age_s: float = 0
) -> EventReport:
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=age_s)
    is_cancel = kind is ReportKind.CANCEL
    return EventReport(
        event_id=event_id,
        source="jma",
        report_no=report_no,
        kind=kind,
        status=AlertStatus.TEST,
        issued_at=now,
        origin_at=None if is_cancel else now - timedelta(seconds=3),
        lat_deg=None if is_cancel else 35.0,
        lon_deg=None if is_cancel else 139.0,
        depth_km=None if is_cancel else 10.0,
        magnitude=None if is_cancel else magnitude,
    )


async def test_a_report_reaches_every_device_and_the_status_says_so(station: Station, ears: Ears) -> None:
    """Alerts, the event as it stands, a running status; stopped, the event is taken down and the status says it."""
    async with station.running():
        await ears.until(lambda: ears.state == "running")
        await station.feeds["a"].said.put(report("a1"))
        await ears.until(lambda: len(ears.alerts) == N and topic.event("a1") in ears.standing)
        await ears.until(lambda: ears.n_reports == 1)
    await ears.until(lambda: ears.state == "stopped" and ears.standing[topic.event("a1")] is None)
    assert len({device for device, *_ in ears.alerts}) == N
    assert station.feeds["a"].is_closed


async def test_the_clock_is_the_present(station: Station, ears: Ears) -> None:
    """A report from an hour ago tells nobody; one from now, after it, does."""
    async with station.running() as what:
        await station.feeds["a"].said.put(report("old", age_s=3600))
        await station.feeds["a"].said.put(report("new"))
        await ears.until(lambda: len(ears.alerts) == N)
        assert {event for _, event, *_ in ears.alerts} == {"new"}
        assert what._figures.n_reports == {("a", "stale"): 1, ("a", "accepted"): 1}


async def test_after_a_restart_a_repeated_report_tells_nobody_and_a_cancel_all_who_were_told(
    station: Station, ears: Ears
) -> None:
    """What was acted on and who was told outlive the daemon."""
    first = report("r1")
    async with station.running():
        await station.feeds["a"].said.put(first)
        await ears.until(lambda: len(ears.alerts) == N)
    async with station.running():
        await station.feeds["a"].said.put(first)
        await station.feeds["a"].said.put(report("r1", 2, ReportKind.CANCEL))
        await ears.until(lambda: len(ears.alerts) == 2 * N)
    assert [number for *_, number, _ in ears.alerts] == [1] * N + [2] * N
    assert len({device for device, _, number, _ in ears.alerts if number == 2}) == N


async def test_reports_at_hand_when_it_is_stopped_are_acted_on_by_the_next(station: Station, ears: Ears) -> None:
    """A report that came, and that nobody had time for, is not lost."""
    async with station.running() as what, what._deciding:
        # Whoever decides is held up, as by a report that takes long.
        await station.feeds["a"].said.put(report("h1"))
        await station.feeds["a"].said.put(report("h1", 2, ReportKind.UPDATE, 8.0))
        await until(lambda: station.feeds["a"].counts.n_received == 2)
        what.stop()
        await asyncio.sleep(0)
    async with station.running():
        await ears.until(lambda: sum(number == 2 for *_, number, _ in ears.alerts) == N)
    assert len({device for device, _, number, _ in ears.alerts if number == 2}) == N


async def test_another_agency_s_word_after_a_restart_is_of_the_same_earthquake(station: Station, ears: Ears) -> None:
    """Which reports are of one earthquake outlives the daemon: nobody is notified of it under another name."""
    first = report("s1")
    async with station.running():
        await station.feeds["a"].said.put(first)
        await ears.until(lambda: len(ears.alerts) == N)
    async with station.running() as what:
        await station.feeds["a"].said.put(msgspec.structs.replace(first, source="icl", event_id="s2", magnitude=7.3))
        await until(lambda: what._figures.n_reports.total() == 1)
        await station.feeds["a"].said.put(report("s1", 2, ReportKind.UPDATE, 8.0))
        await ears.until(lambda: len(ears.alerts) >= 2 * N)
    assert len({event for _, event, *_ in ears.alerts}) == 1


async def test_reload_changes_feeds_and_thresholds_between_two_reports(
    station: Station, ears: Ears, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A feed goes, one comes, one stays as it was; a profile that asks for more tells fewer."""
    caplog.set_level(logging.INFO)
    station.write("a", "b")
    async with station.running() as what:
        staying, going = station.feeds["a"], station.feeds["b"]
        japan = (project / "eew" / "model" / "profiles" / "japan.toml").read_text()
        strict = station.path.parent / "strict.toml"
        before, _, _ = japan.partition("[[issue]]")
        strict.write_text(before + "[[issue]]\nmin_magnitude = 9.5\n")
        station.write("a", "c", profile="strict.toml")
        what.reload()
        await until(lambda: "c" in what._feeds.configs)
        assert (going.is_closed, staying.is_closed, list(what._feeds.configs)) == (True, False, ["a", "c"])
        assert station.feeds["a"] is staying
        await staying.said.put(report("l1", magnitude=7.4))
        await ears.until(lambda: topic.event("l1") in ears.standing)
        assert ears.alerts == []
        station.write("a", "c", profile="japan")
        what.reload()
        await until(lambda: caplog.text.count("reload.done") == 2)
        await station.feeds["c"].said.put(report("l2", magnitude=7.4))
        await ears.until(lambda: len(ears.alerts) == N)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"profile": "nowhere"}, "profile: "), ({"qos": 0}, "qos: 0: expected 1"), ({"mode": "cell"}, "needs a restart")],
    ids=["unusable", "fixed", "mode"],
)
async def test_a_bad_reload_is_refused_in_one_line_and_changes_nothing(
    changes: dict[str, object], said: str, station: Station, ears: Ears, caplog: pytest.LogCaptureFixture
) -> None:
    """The old configuration stays, feeds included, and alerts go on."""
    station.write("a", qos=1)
    async with station.running() as what:
        station.write("b", **changes)
        what.reload()
        await until(lambda: "reload.refused" in caplog.text)
        (record,) = [each for each in caplog.records if each.message.startswith("reload.")]
        assert f"{station.path}:" in record.message
        assert said in record.message
        assert "\n" not in record.message
        assert list(what._feeds.configs) == ["a"]
        await station.feeds["a"].said.put(report("b1"))
        await ears.until(lambda: len(ears.alerts) == N)


@pytest.mark.parametrize("error", [ReportDecodeError("sense"), ValueError("a mistake of ours")])
async def test_a_feed_that_fails_leaves_the_others_alone(error: Exception, station: Station, ears: Ears) -> None:
    """Whatever ends one feed, reports of another are told."""
    station.write("a", "b")
    async with station.running():
        await station.feeds["a"].said.put(error)
        await until(lambda: station.feeds["a"].is_closed)
        await station.feeds["b"].said.put(report("f1"))
        await ears.until(lambda: len(ears.alerts) == N)


async def test_a_report_that_breaks_the_dispatcher_does_not_end_it(
    station: Station, ears: Ears, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One mistake costs one report, which is counted; every line about a report says that it is a test."""
    caplog.set_level(logging.DEBUG)
    real = Dispatcher.handle

    async def breaking(self: Dispatcher, of: EventReport) -> tuple[DispatchResult, ...]:
        if of.event_id == "x1":
            raise ValueError("a mistake of ours")
        return await real(self, of)

    monkeypatch.setattr(Dispatcher, "handle", breaking)
    async with station.running() as what:
        for event_id in ("x1", "x2", "x2"):
            await station.feeds["a"].said.put(report(event_id))
        await ears.until(lambda: len(ears.alerts) == N)
        await until(lambda: what._figures.n_reports[("a", "duplicate")] == 1)
        assert what._figures.n_reports == {("a", "broke"): 1, ("a", "accepted"): 1, ("a", "duplicate"): 1}
    told = [each.getMessage() for each in caplog.records if " event=x" in each.getMessage()]
    assert {line.split()[0] for line in told} == {"report.broke", "report.acted", "report.left", "dispatch.done"}
    assert [line for line in told if " status=test " not in f"{line} "] == []


async def test_metrics_tell_what_happened(station: Station, ears: Ears) -> None:
    """Reports, alerts by level and outcome, spans and feeds, as Prometheus reads them; conservation holds."""
    station.write("a", "b", metrics_port=0)
    async with station.running() as what:
        station.feeds["b"].state = FeedState.SILENT
        await station.feeds["a"].said.put(report("m1"))
        await ears.until(lambda: len(ears.alerts) == N)
        await until(lambda: what._figures.n_alerts["critical", "sent"] > 0)
        assert isinstance(what._metrics, MetricsServer)
        what._metrics.show(what._figures)
        url = f"http://127.0.0.1:{what._metrics.port}/metrics"
        body = await asyncio.to_thread(lambda: urllib.request.urlopen(url).read().decode())
    lines = dict(line.rsplit(" ", 1) for line in body.splitlines() if line.startswith("eew_"))
    assert lines['eew_reports_total{feed="a",verdict="accepted"}'] == "1.0"
    assert lines['eew_feed_messages_total{feed="a",outcome="received"}'] == "1.0"
    assert (lines['eew_feed_silent{feed="a"}'], lines['eew_feed_silent{feed="b"}']) == ("0.0", "1.0")
    assert lines["eew_broker_connected"] == "1.0"
    assert lines["eew_report_to_first_alert_seconds_count"] == "1.0"
    assert lines['eew_report_to_last_alert_seconds_bucket{le="+Inf"}'] == "1.0"
    by_outcome = {
        outcome: sum(float(n) for key, n in lines.items() if "eew_alerts_total" in key and f'"{outcome}"' in key)
        for outcome in ("planned", "sent", "superseded", "expired", "failed")
    }
    assert by_outcome == {"planned": N, "sent": N, "superseded": 0, "expired": 0, "failed": 0}


def test_metrics_without_their_library_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, before anything is started."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(InputError, match=r"python\S* -m pip install 'aiohttp>=\S+ 'prometheus-client>=\S+ 'w"):
        MetricsServer(0)


async def test_a_broker_that_stays_away_ends_it_also_when_there_is_nothing_to_send(
    tmp_path: Path, population: Path
) -> None:
    """After ``reconnect_s`` it gives up, so that whoever looks after it knows."""
    async with EmbeddedBroker() as broker:
        station = Station(tmp_path, population, broker.endpoint)
        what = Daemon(read_config(station.path), station.open_feed)
        task = asyncio.create_task(what.run())
        await until(lambda: bool(what._feeds.configs))
    async with asyncio.timeout(15):
        with pytest.raises(BrokerLostError):
            await task


async def test_a_broker_that_is_not_there_is_an_error_within_reconnect_s(tmp_path: Path, population: Path) -> None:
    """Nobody listens on that port."""
    station = Station(tmp_path, population, Endpoint("127.0.0.1", 1))
    with pytest.raises(BrokerConnectError):
        await Daemon(read_config(station.path), station.open_feed).run()


async def test_it_can_be_stopped_before_it_has_started(tmp_path: Path, population: Path) -> None:
    """While it waits for a broker it ends at once when told to."""
    station = Station(tmp_path, population, Endpoint("127.0.0.1", 1))
    station.write(reconnect_s=600)
    what = Daemon(read_config(station.path), station.open_feed)
    task = asyncio.create_task(what.run())
    await asyncio.sleep(0)
    what.stop()
    async with asyncio.timeout(10):
        await task
