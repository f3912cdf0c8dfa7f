"""``eew watch`` as a user runs it: a process of its own, a real broker, signed messages."""

import asyncio
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
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
from eew.contract.message import Clock, EventMessage, Status, payload_of
from eew.contract.signature import SigningKey, core_of, in_base64url
from eew.model.records import AlertStatus, ReportKind
from eew.mqtt.embedded import EmbeddedBroker
from eew.mqtt.endpoint import Endpoint

KEY = SigningKey.from_seed(b"w" * 32)
STRANGER = SigningKey.from_seed(b"s" * 32)
#: When the earthquake of these tests was: long ago, so only a follower of the status sees it.
ORIGIN = datetime(2011, 3, 11, 5, 46, 18, tzinfo=UTC)


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"XDG_DATA_HOME": str(folder), "TERM": "xterm", "COLUMNS": "80", "LINES": "40"}


@asynccontextmanager
async def watching(folder: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "eew", "watch", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(folder),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_with(process: asyncio.subprocess.Process, words: str) -> str:
    """Return the first line that holds the words."""
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode():
        if words in line:
            return line.rstrip("\n")
    raise AssertionError((await process.communicate())[1].decode())


def event(key: SigningKey = KEY, **changes: Any) -> EventMessage:
    members: dict[str, Any] = {
        "event_id": "ev-w",
        "report_no": 1,
        "kind": ReportKind.NEW,
        "status": AlertStatus.EXERCISE,
        "issued_at": ORIGIN + timedelta(seconds=20),
        "origin_at": ORIGIN,
        "lat_deg": 38.1,
        "lon_deg": 142.9,
        "depth_km": 10.0,
        "magnitude": 8.1,
        "expires_at": ORIGIN + timedelta(seconds=600),
        "key_id": key.key_id,
        "signature": "",
        "magnitude_type": "Mw",
        "place": "三陸沖",
        "scale": "jma",
        "radius_km_by_level": {"critical": 300.0, "active": 500.0, "passive": 900.0},
        "n_alerts_by_level": {"critical": 7, "active": 8, "passive": 9},
    }
    message = EventMessage(**(members | changes))
    return msgspec.structs.replace(message, signature=key.sign(core_of(message)))


def status(origin_s: float) -> Status:
    """Return a replay's status: it is now so many seconds after the origin."""
    now = datetime.now(UTC)
    return Status(
        dispatcher_id="hand",
        version="0",
        state="running",
        at=now,
        n_reports=1,
        last_dispatch_at=None,
        clock=Clock(offset_s=(ORIGIN - now).total_seconds() + origin_s, speed=1.0),
        keys={KEY.key_id: in_base64url(KEY.public_bytes)},
    )


async def publish(endpoint: Endpoint, *messages: EventMessage | Status) -> None:
    async with aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        for message in messages:
            where = topic.status("hand") if isinstance(message, Status) else topic.event(message.event_id)
            await client.publish(where, payload_of(message), qos=1, retain=True)


@asynccontextmanager
async def home_assistant(endpoint: Endpoint) -> AsyncIterator[asyncio.Queue[tuple[str, bytes, bool]]]:
    """Listen as Home Assistant does; yield what comes: topic, payload, and whether it was kept by the broker."""
    heard: asyncio.Queue[tuple[str, bytes, bool]] = asyncio.Queue()

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            heard.put_nowait((message.topic.value, message.payload, message.retain))

    async with aiomqtt.Client(endpoint.host, endpoint.port, protocol=aiomqtt.ProtocolVersion.V311) as client:
        await client.subscribe([("homeassistant/#", 1), ("eew/bridges/home/#", 1)])
        task = asyncio.create_task(listen(client))
        try:
            yield heard
        finally:
            task.cancel()


async def until(heard: asyncio.Queue[tuple[str, bytes, bool]], topic_end: str, words: bytes) -> bytes:
    """Return the payload of the first message of such a topic that holds the words."""
    while True:
        where, payload, _ = await heard.get()
        if where.endswith(topic_end) and words in payload:
            return payload


def public_key() -> str:
    return f"--public-key={in_base64url(KEY.public_bytes)}"


@pytest.mark.broker
async def test_a_signed_report_is_counted_down_and_cancelled(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """It is shown, a forged one is not, and Ctrl-C is a success."""
    endpoint = embedded_broker.endpoint
    async with watching(tmp_path, "--at", "38.26,140.87", "--broker", str(endpoint), public_key()) as process:
        await line_with(process, "listening")
        await publish(endpoint, status(40.0), event(event_id="ev-x"))
        line = await line_with(process, "of ev-x")
        assert line.startswith("EXERCISE report 1 (new) of ev-x: 三陸沖, Mw 8.1; CRITICAL, intensity")
        assert line.endswith("issued 2011-03-11T05:46:38Z; signature verified")
        # 179 km away at 10 km depth: S some 49 s after the origin by TauP (ak135).
        assert re.search(r"S wave in [5-9] s, P wave passed; 1(78|79|80) km away", line)
        await line_with(process, "S wave in 5 s")
        await publish(endpoint, event(STRANGER, event_id="ev-x", report_no=2, magnitude=9.0))
        assert "report 2 of ev-x" in await line_with(process, "refused")
        unknown: dict[str, Any] = dict.fromkeys(("origin_at", "lat_deg", "lon_deg", "depth_km", "magnitude"))
        await publish(endpoint, event(event_id="ev-x", kind=ReportKind.CANCEL, **unknown))
        line = await line_with(process, "(cancel)")
        assert line.startswith("EXERCISE ")
        assert "CANCELLED: this was not an earthquake" in line
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        assert (process.returncode, out, err) == (0, b"", b"")


def read_to_end(terminal: int) -> None:
    """Read until nobody has the other end any more; Linux calls that an error."""
    with contextlib.suppress(OSError):
        while os.read(terminal, 65536):
            pass


@pytest.mark.broker
@pytest.mark.parametrize("more", [(), ("--home-assistant",)])
async def test_a_terminal_gets_a_panel(embedded_broker: EmbeddedBroker, tmp_path: Path, more: tuple[str, ...]) -> None:
    """With the seconds, the exercise mark and what this is not; also while a home is told."""
    endpoint = embedded_broker.endpoint
    await publish(endpoint, status(30.0), event())
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "eew", "watch", "--at", "38.26,140.87", "--broker", str(endpoint), public_key(), *more),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(tmp_path),
    )
    os.close(theirs)
    shown = ""
    try:
        while not re.search(r"EXERCISE S wave in 1\d s", shown):
            shown += (await asyncio.to_thread(os.read, ours, 65536)).decode(errors="replace")
        process.send_signal(signal.SIGTERM)
        # Who draws on a terminal that nobody reads waits for ever.
        await asyncio.gather(process.wait(), asyncio.to_thread(read_to_end, ours))
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)
    assert "EXERCISE 三陸沖, Mw 8.1" in shown
    assert "CRITICAL: protect yourself now" in shown
    assert "Simulation: this is not a warning service" in shown


@pytest.mark.broker
async def test_home_assistant_is_told_of_an_exercise_and_of_the_end(tmp_path: Path) -> None:
    """Its entities are made, come to life with the dispatcher, count down, and are unavailable once we are gone."""
    words = ("--home-assistant", "--at", "38.26,140.87", public_key())
    async with EmbeddedBroker() as broker, home_assistant(broker.endpoint) as heard:
        async with watching(tmp_path, "--broker", str(broker.endpoint), *words) as process:
            told = json.loads(await until(heard, "device/eew_n38_26_e140_87/config", b"components"))
            assert told["state_topic"] == "eew/bridges/home/n38_26_e140_87/state"
            await until(heard, "/availability", b"offline")
            await publish(broker.endpoint, status(30.0), event())
            await until(heard, "/availability", b"online")
            wire = json.loads(await until(heard, "/state", b'"shaking_expected":true'))
            # 179 km away at 10 km depth: S some 49 s after the origin by TauP (ak135).
            seconds = wire["exercise"]["seconds_to_s"]
            assert 15 <= seconds <= 19
            assert wire["exercise"]["level"] == "critical"
            assert wire["exercise"]["magnitude"] == 8.1
            alert = wire["exercise"]["alert"]
            assert alert["headline"].startswith("EXERCISE 三陸沖, Mw 8.1: CRITICAL")
            assert (alert["status"], alert["verified"]) == ("exercise", True)
            assert (alert["origin_at"], alert["lat_deg"]) == ("2011-03-11T05:46:18Z", 38.1)
            assert wire["actual"]["level"] == "none"
            assert not wire["actual"]["shaking_expected"]
            await until(heard, "/state", f'"seconds_to_s":{seconds - 1}'.encode())
            unknown: dict[str, Any] = dict.fromkeys(("origin_at", "lat_deg", "lon_deg", "depth_km", "magnitude"))
            await publish(broker.endpoint, event(kind=ReportKind.CANCEL, **unknown))
            wire = json.loads(await until(heard, "/state", b'"kind":"cancel"'))
            assert not wire["exercise"]["shaking_expected"]
            process.send_signal(signal.SIGINT)
            await until(heard, "/availability", b"offline")
            _, err = await process.communicate()
            assert (process.returncode, err) == (0, b"")
        async with home_assistant(broker.endpoint) as later:
            kept = sorted([await later.get(), await later.get()])
            assert [(where, is_kept) for where, _, is_kept in kept] == [
                ("eew/bridges/home/n38_26_e140_87/availability", True),
                ("homeassistant/device/eew_n38_26_e140_87/config", True),
            ]
            assert kept[0][1] == b"offline"


@pytest.mark.broker
async def test_home_assistant_is_told_of_an_earthquake_and_by_the_last_will_of_a_crash(tmp_path: Path) -> None:
    """What is meant goes to the entities of what is meant; of a killed watcher nothing stays on."""
    now = datetime.now(UTC)
    times: dict[str, Any] = {
        "origin_at": now - timedelta(seconds=20),
        "issued_at": now,
        "expires_at": now + timedelta(seconds=300),
    }
    living = msgspec.structs.replace(status(0.0), clock=None)
    words = ("--home-assistant", "--at", "38.26,140.87", public_key())
    async with EmbeddedBroker() as broker, home_assistant(broker.endpoint) as heard:
        await publish(broker.endpoint, living, event(status=AlertStatus.ACTUAL, **times))
        async with watching(tmp_path, "--broker", str(broker.endpoint), *words) as process:
            wire = json.loads(await until(heard, "/state", b'"shaking_expected":true'))
            assert wire["actual"]["shaking_expected"]
            assert wire["actual"]["alert"]["exercise"] is False
            assert wire["exercise"] == {
                "shaking_expected": False,
                "seconds_to_s": None,
                "intensity": None,
                "magnitude": None,
                "level": "none",
                "alert": {},
            }
            process.kill()
            await until(heard, "/availability", b"offline")


@pytest.mark.broker
async def test_without_a_key_it_says_that_signatures_are_not_checked(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """No key is made for it, and no place means no countdown."""
    endpoint = embedded_broker.endpoint
    async with watching(tmp_path, "--broker", str(endpoint)) as process:
        assert "signatures are not checked" in await line_with(process, "signatures")
        await line_with(process, "listening")
        await publish(endpoint, status(30.0), event(event_id="ev-keyless"))
        line = await line_with(process, "of ev-keyless")
        assert "critical within 300 km, 7 alerts" in line
        assert line.endswith("signature not checked")
    assert not await asyncio.to_thread(os.listdir, tmp_path)


@pytest.mark.broker
async def test_ones_own_key_is_trusted(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Where there is one, alerts of others are refused."""
    key = SigningKey.load_or_create(tmp_path / "eew" / "signing-key.pem")
    endpoint = embedded_broker.endpoint
    async with watching(tmp_path, "--broker", str(endpoint)) as process:
        await line_with(process, "listening")
        await publish(endpoint, status(30.0), event(event_id="ev-own"), event(key, event_id="ev-own", report_no=2))
        lines = [await line_with(process, "of ev-own") for _ in range(2)]
    assert any(line.startswith("refused: EXERCISE report 1") for line in lines)
    assert any("report 2" in line and line.endswith("signature verified") for line in lines)


@pytest.mark.broker
async def test_a_broker_that_goes_away_for_good_is_exit_3(tmp_path: Path) -> None:
    """After as long as it was told to try."""
    async with EmbeddedBroker() as broker:
        url = str(broker.endpoint)
        words = ("--broker", url, "--reconnect-s", "0.5")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "eew", "watch", *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(tmp_path),
        )
        await line_with(process, "listening")
    await line_with(process, "connection lost")
    _, err = await process.communicate()
    assert process.returncode == 3
    assert err.decode().count("\n") == 1
    assert err.decode().startswith(f"eew watch: broker {url}: ")
    assert "gave up after 0.5 s" in err.decode()


@pytest.mark.broker
async def test_a_broker_that_comes_back_is_listened_to_again(tmp_path: Path) -> None:
    """On the same port, with all that was known still known."""
    async with EmbeddedBroker() as broker:
        port = broker.endpoint.port
        await publish(broker.endpoint, status(30.0), event())
        words = ("--at", "38.26,140.87", "--broker", str(broker.endpoint), public_key())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "eew", "watch", *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(tmp_path),
        )
        await line_with(process, "report 1")
    try:
        await line_with(process, "connection lost")
        async with EmbeddedBroker(port=port) as broker:
            await line_with(process, "listening")
            await publish(broker.endpoint, event(report_no=2))
            await line_with(process, "report 2")
    finally:
        process.kill()
        await process.communicate()


def test_no_broker_at_the_start_is_one_line_and_exit_3(tmp_path: Path) -> None:
    """With the address; without patience, nothing is said of waiting."""
    done = subprocess.run(
        [sys.executable, "-m", "eew", "watch", "--broker", "mqtt://127.0.0.1:9", "--reconnect-s", "0"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(tmp_path),
    )
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("eew watch: broker mqtt://127.0.0.1:9: ")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--at", "91,0"], "--at"),
        (["--at", "north"], "--at"),
        (["--broker", "http://x"], "--broker"),
        (["--public-key", "abc"], "--public-key"),
        (["--public-key", "é" * 43], "--public-key"),
        (["--reconnect-s", "-1"], "--reconnect-s"),
        (["--profile", "atlantis"], "profile"),
        (["--home-assistant"], "--home-assistant: expected the place of the home beside it: --at LAT,LON"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(words: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the option and the value."""
    assert main(["watch", *words]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert named in err
