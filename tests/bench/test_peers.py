"""``eew bench peers``: other clients deliver what they were given, and what is not installed is said."""

import asyncio
import json
import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiomqtt
import numpy as np
import pytest

from eew.bench import load, peer_clients, peers
from eew.bench.peer_clients import PUBLISHERS, TAUP, Peer, installed_version
from eew.cli.main import main
from eew.fanout.publish_template import Batch
from eew.model.errors import BrokerConnectError
from eew.mqtt.endpoint import Endpoint

EEW = ("eew, report to last device", "eew, publisher alone")


def bench(folder: Path, *words: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run it small, as a user does, and return what it said and wrote."""
    done = subprocess.run(
        [sys.executable, "-m", "eew", "bench", "peers", "--devices", "2000", "--runs", "1", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
        env=os.environ | {"XDG_DATA_HOME": str(folder)} | environment,
    )
    path = folder / "peers.json"
    return done, json.loads(path.read_text()) if path.exists() else {}


@pytest.mark.broker
@pytest.mark.long(180, reason="seven ways to send the same alerts, each with processes of its own")
def test_each_client_delivers_what_it_was_given(tmp_path: Path) -> None:
    """Rates, ratios and deliveries of all are in the JSON, and TauP's arrivals are eew's."""
    done, figures = bench(tmp_path, "--peer-alerts", "500", "--json", "peers.json")
    assert (done.returncode, done.stderr) == (0, "")
    # Once the whole road, once the publisher alone.
    assert figures["delivery"] == {"expected": 4000, "delivered": 4000, "lost": 0, "duplicated": 0}
    assert figures["settings"]["peer_alerts"] == 500
    assert [(name, row["aim"]) for name, row in figures["publishing"].items()] == [
        ("aiomqtt", 25),
        ("aiomqtt-gathered", None),
        ("paho-mqtt", 4),
        ("gmqtt", None),
    ]
    (rates,) = figures["runs"]
    for name, row in figures["publishing"].items():
        assert row["delivery"] == {"expected": 500, "delivered": 500, "lost": 0, "duplicated": 0}
        assert row["ratio"] == pytest.approx(rates[EEW[0]] / rates[name], abs=0.02)
        assert row["publisher_ratio"] == pytest.approx(rates[EEW[1]] / rates[name], abs=0.02)
        assert f"{name} {row['version']}" in done.stdout
    assert figures["efficiency"] > 0
    taup = figures["arrivals"]["obspy.taup"]
    assert taup["aim"] == 10_000
    assert taup["ratio"] > 100
    # As exact as the table: 0.01 s.
    assert taup["differs_s"] < 0.02
    assert done.stdout.splitlines()[-1] == "delivery   expected 4,000 = delivered 4,000 + lost 0; duplicated 0"


@pytest.mark.broker
@pytest.mark.long(180, reason="seven ways to send the same alerts, each with processes of its own")
def test_what_is_not_installed_is_said(tmp_path: Path) -> None:
    """The other clients are measured (here at QoS 1), the missing ones are null, and there is no traceback."""
    for name in ("gmqtt", "obspy"):
        (tmp_path / "stubs" / name).mkdir(parents=True)
        (tmp_path / "stubs" / name / "__init__.py").write_text(f"raise ImportError('no {name} here')\n")
    python_path = os.pathsep.join([str(tmp_path / "stubs"), os.environ.get("PYTHONPATH", "")])
    words = ("--devices", "500", "--peer-alerts", "100", "--qos", "1", "--json", "peers.json")
    done, figures = bench(tmp_path, *words, PYTHONPATH=python_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert figures["publishing"]["gmqtt"] is None
    assert figures["arrivals"] == {"obspy.taup": None}
    assert figures["publishing"]["paho-mqtt"]["delivery"]["delivered"] == 100
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for name in ("gmqtt", "obspy.taup"):
        assert (
            f"{name} not installed: {sys.executable} -m pip install 'gmqtt>=0.8' 'obspy>=1.5' 'paho-mqtt>=2.1'" in said
        )


def test_a_module_that_does_not_exist_has_no_version() -> None:
    """Nor has one of which no distribution is installed."""
    assert installed_version(Peer("nobody", "eew_no_such_module", "nobody", None)) is None
    assert installed_version(Peer("nobody", "json", "eew-no-such-distribution", None)) is None


@pytest.mark.broker
@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("peer", PUBLISHERS, ids=lambda peer: peer.name)
async def test_a_client_publishes_each_alert_once_and_unchanged(
    broker_endpoint: Endpoint, peer: Peer, qos: int
) -> None:
    """What a subscriber gets are the topics and payloads that were given, in any order."""
    alerts = [(f"peers/{peer.name}/{qos}/{number}", b"%d " % number + b"x" * 300) for number in range(250)]
    got = []
    async with aiomqtt.Client(broker_endpoint.host, broker_endpoint.port) as subscriber:
        await subscriber.subscribe(f"peers/{peer.name}/{qos}/#", qos=0)
        async with PUBLISHERS[peer](broker_endpoint, qos) as publish, asyncio.timeout(20):
            await publish(alerts)
            async for message in subscriber.messages:
                got.append((message.topic.value, bytes(message.payload)))
                if len(got) == len(alerts):
                    break
    assert sorted(got) == sorted(alerts)


@pytest.mark.parametrize("peer", PUBLISHERS, ids=lambda peer: peer.name)
async def test_a_client_whose_connection_is_cut_gives_up_with_a_word(peer: Peer) -> None:
    """It neither hangs nor fails with an error of its own."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"\x20\x02\x00\x00")
        await reader.read(1)
        writer.transport.abort()
        server.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    with pytest.raises(BrokerConnectError, match=peer.distribution):
        async with asyncio.timeout(20), PUBLISHERS[peer](endpoint, 0) as publish:
            await publish([("topic", b"x" * 1000)] * 10_000)


@pytest.mark.parametrize("peer", PUBLISHERS, ids=lambda peer: peer.name)
async def test_a_broker_that_is_not_there_is_one_error(peer: Peer) -> None:
    """All clients say it in the same words of ours."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(BrokerConnectError, match=f"mqtt://127.0.0.1:{port}: {peer.distribution}"):
        async with PUBLISHERS[peer](Endpoint("127.0.0.1", port), 0):
            pytest.fail("connected to nobody")


def publish_packet(topic: str, payload: bytes, *, qos: int, properties: bytes | None) -> bytes:
    """Encode a PUBLISH packet from the standard's sections 1.5.5 and 3.3, all lengths in two bytes."""

    def two_bytes(length: int) -> bytes:
        return bytes((0x80 | length & 0x7F, length >> 7))

    body = struct.pack(">H", len(topic)) + topic.encode() + (b"\x12\x34" if qos else b"")
    if properties is not None:
        body += two_bytes(len(properties)) + properties
    return bytes((0x30 | qos << 1,)) + two_bytes(len(body + payload)) + body + payload


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("mqtt_version", [4, 5])
def test_alerts_are_the_topics_and_payloads_of_the_packets(qos: int, mqtt_version: int) -> None:
    """At both QoS and in both versions, as many as asked for."""
    properties = b"\x02\x00\x00\x00\x3c" + b"\x26\x00\x03key" + struct.pack(">H", 150) + b"v" * 150
    alerts = [(f"eew/v1/alerts/device/13300211/{number:05}", b'{"v":1,"n":%d}' % number) for number in range(4)]
    packets = [
        publish_packet(topic, payload, qos=qos, properties=properties if mqtt_version == 5 else None)
        for topic, payload in alerts
    ]
    data = np.frombuffer(b"".join(packets), dtype=np.uint8).reshape(len(packets), -1)
    batch = Batch(data, 40 if qos else None)
    assert peers.alerts_of(batch, 3, mqtt_version) == alerts[:3]
    assert peers.alerts_of(batch, 99, mqtt_version) == alerts


@pytest.mark.broker
@pytest.mark.parametrize(("who_lost", "exit_code"), [(EEW[0], 1), (EEW[1], 1), ("gmqtt", 0)])
def test_only_what_eew_loses_is_exit_1(
    who_lost: str, exit_code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A client that loses alerts is told with its own figure."""

    async def measured(*_: object) -> dict[str, Mapping[str, Any]]:
        lost = dict.fromkeys((*EEW, *(peer.name for peer in PUBLISHERS)), 0) | {who_lost: 3}
        found: dict[str, Mapping[str, Any]] = {
            name: {"rate_hz": 5.0, "delivery": {"expected": 10, "delivered": 10 - n, "lost": n, "duplicated": 0}}
            for name, n in lost.items()
        }
        broker = {"name": "fake", "version": "1", "url": "", "mqtt_version": "5"}
        return found | {EEW[0]: dict(found[EEW[0]]) | {"broker": broker}, "arrivals": {"rate_hz": 1.0}}

    async def dispatch(*_: object) -> None:
        """Warm nothing up."""

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(load, "dispatch", dispatch)
    monkeypatch.setattr(peers, "_measured", measured)
    monkeypatch.setattr(peer_clients, "installed_version", lambda peer: None if peer == TAUP else "1.0")
    path = tmp_path / "peers.json"
    assert main(["bench", "peers", "--devices", "20", "--runs", "1", "--json", str(path)]) == exit_code
    figures = json.loads(path.read_text())
    assert figures["delivery"]["lost"] == (3 if exit_code else 0)
    assert figures["publishing"]["gmqtt"]["delivery"]["lost"] == (0 if exit_code else 3)
    out, err = capsys.readouterr()
    assert ("7 of 10" in out) is not bool(exit_code)
    assert err == ("eew bench: of 20 alerts expected: lost 3\n" if exit_code else "")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--peer-alerts", "0"),
        ("--peer-alerts", "1.5"),
        ("--peer-alerts", "all"),
        ("--qos", "2"),
        ("--runs", "0"),
        ("--devices", "none"),
        ("--broker", "mqtts://broker.example"),
        ("--broker", "http://broker.example"),
    ],
)
def test_bad_options_are_exit_2_with_their_value(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says which option, and what was found."""
    assert main(["bench", "peers", option, value]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert option in captured.err
    assert value in captured.err
