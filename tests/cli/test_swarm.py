"""``eew swarm`` as a user runs it: a process of its own, a real broker, alerts published by hand."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from eew.cli.main import main
from eew.contract import topic
from eew.contract.message import DeviceAlert, Receipt, payload_of
from eew.contract.signature import SigningKey, core_of, in_base64url
from eew.devices.population import store
from eew.devices.population.population import make
from eew.devices.swarm.behaviour import Behaviour
from eew.model.records import AlertStatus, Devices, ReportKind
from eew.model.region_name import parse_region
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.endpoint import Endpoint

N = 200
KEY = SigningKey.from_seed(b"w" * 32)
STRANGER = SigningKey.from_seed(b"s" * 32)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("devices") / "population"
    store.save(make(parse_region("35,139,100"), N, 1), folder)
    return folder


@asynccontextmanager
async def playing(*words: str, broker: Endpoint, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield a running swarm whose devices have subscribed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "eew", "swarm", "--broker", str(broker), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"XDG_DATA_HOME": str(folder)},
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert "ready" in line, (await process.communicate())[1].decode()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: asyncio.subprocess.Process, number: signal.Signals | None = None) -> tuple[int, str, str]:
    if number is not None:
        process.send_signal(number)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def public_key() -> str:
    return f"--public-key={in_base64url(KEY.public_bytes)}"


def alert(device_id: str, key: SigningKey = KEY, **changes: Any) -> DeviceAlert:
    now = datetime.now(UTC).replace(microsecond=0)
    members: dict[str, Any] = {
        "event_id": "ev-s",
        "report_no": 1,
        "kind": ReportKind.NEW,
        "status": AlertStatus.TEST,
        "issued_at": now,
        "origin_at": now,
        "lat_deg": 35.0,
        "lon_deg": 139.0,
        "depth_km": 10.0,
        "magnitude": 7.0,
        "expires_at": now + timedelta(seconds=300),
        "key_id": key.key_id,
        "signature": "",
        "level": "critical",
        "device_id": device_id,
        "intensity": 5.0,
        "scale": "jma",
        "p_arrival_at": now,
        "s_arrival_at": now + timedelta(seconds=30),
        "shelter": None,
        "info": "jp/ja",
    }
    message = DeviceAlert(**(members | changes))
    return msgspec.structs.replace(message, signature=key.sign(core_of(message)))


def messages(devices: Devices, *alerts: dict[str, Any]) -> list[tuple[str, bytes]]:
    """Return each alert for every device, as topic and payload."""
    made = []
    for changes in alerts:
        first = alert("x", **changes)
        for row in range(len(devices)):
            device_id = devices.id[row].decode()
            where = topic.device_alert(topic.group_of(int(devices.cell[row])), device_id)
            made.append((where, payload_of(msgspec.structs.replace(first, device_id=device_id))))
    return made


@pytest.mark.broker
@pytest.mark.parametrize(
    "words",
    [
        ("--workers", "2", "--connections", "2"),
        ("--workers", "1", "--subscriptions", "each"),
        ("--workers", "2", "--connections-per-device", "1"),
    ],
    ids=["wildcard", "each", "connection-per-device"],
)
async def test_what_devices_take_refuse_and_tell_adds_up(
    words: tuple[str, ...], population: Path, embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Two reports, the first twice, the second also older, forged and expired: each device takes exactly two."""
    devices = store.load(population)
    endpoint = embedded_broker.endpoint
    expired = datetime.now(UTC) - timedelta(seconds=60)
    sent = messages(
        devices,
        {},
        {},
        {"report_no": 3, "level": "active"},
        {"report_no": 2},
        {"key": STRANGER, "report_no": 4},
        {"report_no": 5, "expires_at": expired},
    )
    options = ("--population", str(population), public_key(), "--receipt-share", "1", "--summary", "s.json")
    options = (*options[:-1], str(tmp_path / "s.json"))
    is_on = ~Behaviour.of(devices.kind, 1).is_offline
    async with (
        aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311) as client,
        playing(*options, *words, broker=endpoint, folder=tmp_path) as process,
    ):
        await client.subscribe("eew/v1/receipts/+")
        for where, payload in sent:
            await client.publish(where, payload, qos=0)
        receipts = []
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            receipts.append(msgspec.json.decode(message.payload, type=Receipt))
            if len(receipts) == 2 * is_on.sum():
                break
        # Alerts arrive in their order, and the refused ones came after those that the last receipts tell of.
        probe = messages(devices, {"report_no": 6})
        for where, payload in probe:
            await client.publish(where, payload, qos=0)
        async for message in client.messages:
            receipts.append(msgspec.json.decode(bytes(message.payload), type=Receipt))
            if len(receipts) == 3 * is_on.sum():
                break
        code, out, err = await ended(process, signal.SIGINT)
    assert (code, err) == (0, "")
    assert "\nTEST event ev-s\n" in out
    assert f"delivered {3 * N}, duplicates {N}, refused {3 * N} ({N} older, {N} expired, {N} not verified)" in out
    summary = json.loads(await asyncio.to_thread((tmp_path / "s.json").read_text))
    counts = {"taken": 3 * N, "duplicate": N, "older": N, "expired": N, "unverified": N}
    assert summary["counts"] == counts | {"unreadable": 0, "unaffected": 0, "reconnected": 0}
    assert [(each["report_no"], each["n_devices"], each["n_by_level"]["active"]) for each in summary["reports"]] == [
        (1, N, 0),
        (3, N, N),
        (6, N, 0),
    ]
    assert all(each["spread_ms"] >= 0 < each["first_s"] for each in summary["reports"])
    # Issued at the second before they were made by hand, and expired ones are not taken.
    assert 0 < summary["latency_ms"]["issue_to_device"]["p50"] < 30_000
    assert summary["delivery"] == {"expected": None, "delivered": 4 * N, "lost": None, "duplicated": N}
    assert sum(summary["outcome"].values()) == N
    assert summary["broker"]["mqtt_version"] == "3.1.1"
    assert summary["settings"]["population"] == str(population)
    on_ids = {devices.id[row].decode() for row in range(N) if is_on[row]}
    for number in (1, 3, 6):
        told = [receipt.device_id for receipt in receipts if receipt.report_no == number]
        assert sorted(told) == sorted(on_ids)


@pytest.mark.broker
async def test_it_ends_by_itself_after_the_time_given(
    population: Path, embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """And makes the user's own key, if there is none yet, since nobody else's was named."""
    path = tmp_path / "s.json"
    options = ("--population", str(population), "--for-s", "0.1", "--summary", str(path))
    async with playing(*options, broker=embedded_broker.endpoint, folder=tmp_path) as process:
        code, out, err = await ended(process)
    assert (code, err) == (0, "")
    assert "delivered 0, duplicates 0, refused 0" in out
    assert json.loads(await asyncio.to_thread(path.read_text))["stopped"] is None
    assert (await asyncio.to_thread(os.listdir, tmp_path / "eew")) == ["signing-key.pem"]


@pytest.mark.broker
@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("--expect", str(N), "--fail-if", "lost>0", "--fail-if", "p99 > 1000s"), 0, ""),
        (("--expect", str(N + 1)), 1, f"eew swarm: --expect: {N} of {N + 1} alerts reached devices\n"),
        (("--expect", str(N + 1), "--fail-if", "lost>0"), 1, "eew swarm: --fail-if 'lost>0': lost was 1\n"),
        (("--fail-if", "max>1us"), 1, "eew swarm: --fail-if 'max>1us': max was "),
        (("--fail-if", "late>=0"), 1, "eew swarm: --fail-if 'late>=0': late was 0\n"),
    ],
    ids=["all kept", "one is missing", "and that is a limit", "too slow", "too late"],
)
async def test_limits_decide_the_exit_code(
    words: tuple[str, ...],
    code: int,
    complaint: str,
    population: Path,
    embedded_broker: EmbeddedBroker,
    tmp_path: Path,
) -> None:
    """Of a dispatcher that is not ours: every device is told once, and what was asked of that holds or not."""
    devices, endpoint = store.load(population), embedded_broker.endpoint
    options = ("--population", str(population), public_key(), "--receipt-share", "1", *words)
    is_on = ~Behaviour.of(devices.kind, 1).is_offline
    async with (
        aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311) as client,
        playing(*options, broker=endpoint, folder=tmp_path) as process,
    ):
        await client.subscribe("eew/v1/receipts/+")
        for where, payload in messages(devices, {}):
            await client.publish(where, payload, qos=0)
        n_told = 0
        async for _ in client.messages:
            n_told += 1
            if n_told == is_on.sum():
                break
        found, out, err = await ended(process, signal.SIGINT)
    assert (found, err[: len(complaint)]) == (code, complaint)
    assert (err == "") == (complaint == "")
    if "--expect" in words:
        n_lost = int(words[1]) - N
        assert f"expected   {N + n_lost:,}: taken {N}, overtaken by a newer report 0, lost {n_lost}" in out
    assert "S wave     notified before it 200, after it 0" in out


@pytest.mark.broker
@pytest.mark.long(60, reason="a swarm beside a whole replay")
async def test_it_measures_what_a_replay_measures_of_itself(population: Path, tmp_path: Path) -> None:
    """At full speed, where the clock jumps with each report: the latencies of both are the same but for moments."""
    (tmp_path / "eew").mkdir()
    options = ("--population", str(population), "--summary", str(tmp_path / "swarm.json"))
    replay = ("tohoku-2011", "--population", str(population), "--speed", "max")
    # A broker of its own: what the replay leaves there tells others what time it is.
    async with (
        EmbeddedBroker() as broker,
        playing(*options, broker=broker.endpoint, folder=tmp_path) as process,
    ):
        replaying = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "eew", "replay", *replay, "--broker", str(broker.endpoint)),
            *("--summary", str(tmp_path / "replay.json")),
            stdout=asyncio.subprocess.DEVNULL,
            cwd=tmp_path,
            env=os.environ | {"XDG_DATA_HOME": str(tmp_path)},
        )
        assert await replaying.wait() == 0
        code, _, err = await ended(process, signal.SIGINT)
    assert (code, err) == (0, "")
    ours, theirs = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("swarm", "replay"))
    assert ours["delivery"]["delivered"] == theirs["delivery"]["delivered"] > N, ours["counts"]
    mine, its = ours["latency_ms"]["issue_to_device"], theirs["latency_ms"]["report_to_device"]
    # Two swarms decode on the same cores; by a wrong report's clock it would be seconds.
    assert {name: mine[name] for name in mine} == pytest.approx(its, abs=300)
    assert ours["outcome"] == {name: theirs["outcome"][name] for name in ours["outcome"]}


@pytest.mark.broker
async def test_a_broker_that_dies_is_exit_3(population: Path, tmp_path: Path) -> None:
    """With the counts so far, and one line that names the broker."""
    async with EmbeddedBroker() as broker:
        url = str(broker.endpoint)
        options = ("--population", str(population), public_key(), "--reconnect-s", "0.2")
        running = playing(*options, broker=broker.endpoint, folder=tmp_path)
        process = await running.__aenter__()
    try:
        code, out, err = await ended(process)
    finally:
        await running.__aexit__(None, None, None)
    assert code == 3
    assert "delivered 0" in out
    assert err.count("\n") == 1
    assert err.startswith(f"eew swarm: broker {url}: the devices' connections were cut")


@pytest.mark.broker
async def test_its_workers_end_when_it_is_killed(
    population: Path, embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """They hold its standard error; when the last of them is gone, that ends."""
    options = ("--population", str(population), public_key())
    async with playing(*options, broker=embedded_broker.endpoint, folder=tmp_path) as process:
        process.kill()
        assert process.stderr is not None
        assert await process.stderr.read() == b""


def test_no_broker_at_the_start_is_one_line_and_exit_3(population: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the address."""
    words = ["--population", str(population), "--broker", "mqtt://127.0.0.1:9", "--reconnect-s", "0"]
    assert main(["swarm", *words, public_key()]) == 3
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("eew swarm: broker mqtt://127.0.0.1:9: ")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--mode", "both"], "--mode"),
        (["--workers", "0"], "--workers"),
        (["--connections", "many"], "--connections"),
        (["--connections-per-device", "2"], "--connections-per-device"),
        (["--subscriptions", "none"], "--subscriptions"),
        (["--receipt-share", "1.5"], "--receipt-share"),
        (["--for-s", "nan"], "--for-s"),
        (["--expect", "-1"], "--expect"),
        (["--expect", "many"], "--expect"),
        (["--fail-if", "p99"], "p50, p90, p99, p99.9, max, lost, duplicated, late, rate"),
        (["--fail-if", "p98>1s"], "p50, p90, p99, p99.9, max, lost, duplicated, late, rate"),
        (["--fail-if", "lost>0"], "--expect N"),
        (["--summary", "/nowhere/s.json"], "--summary"),
        (["--for-s", "soon"], "--for-s"),
        (["--profile", "atlantis"], "profile"),
        (["--broker", "host"], "--broker"),
        (["--public-key", "abc"], "--public-key"),
        (["--population", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(
    words: list[str], named: str, population: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the option, and nothing is started."""
    assert main(["swarm", "--population", str(population), *words]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert named in err


def test_a_population_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The line says how one is made."""
    assert main(["swarm"]) == 2
    assert "eew devices make" in capsys.readouterr().err
