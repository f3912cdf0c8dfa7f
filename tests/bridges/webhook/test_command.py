"""``eew webhook`` as a user runs it: a process of its own, a real broker, the receiver of the examples."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from eew.contract import topic
from eew.contract.message import EventMessage, payload_of
from eew.contract.signature import SigningKey, in_base64url
from eew.model.report import AlertStatus, ReportKind
from eew.mqtt.embedded import EmbeddedBroker

Make = Callable[..., EventMessage]

SECRET = "whsec_" + "c2VjcmV0" * 4


@asynccontextmanager
async def started(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=os.environ
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_with(stream: asyncio.StreamReader | None, words: str) -> str:
    assert stream is not None
    while line := (await stream.readline()).decode():
        if words in line:
            return line.rstrip("\n")
    raise AssertionError(f"it ended without {words!r}")


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def configured(folder: Path, broker: object, port: int, key: SigningKey) -> Path:
    secret = folder / "webhook.secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET, encoding="ascii")
    path = folder / "webhook.toml"
    path.write_text(
        f'broker = "{broker}"\npublic_keys = ["{in_base64url(key.public_bytes)}"]\nreconnect_s = 0\n'
        f'[[endpoints]]\nname = "lamp"\nurl = "http://127.0.0.1:{port}/"\nsecret_file = "webhook.secret"\n'
        'statuses = ["actual", "exercise"]\n',
        encoding="utf-8",
    )
    return path


@pytest.mark.broker
@pytest.mark.asyncio(loop_scope="module")
async def test_a_false_alarm_and_a_drill_reach_the_receiver_of_the_examples(
    tmp_path: Path, project: Path, embedded_broker: EmbeddedBroker, event: Make, key: SigningKey
) -> None:
    """What is believed there is what was signed here, in order; then SIGTERM ends it with a line that adds up."""
    now, port = datetime.now(UTC), free_port()
    config = configured(tmp_path, embedded_broker.endpoint, port, key)
    its: dict[str, Any] = {"issued_at": now, "origin_at": now, "expires_at": now + timedelta(minutes=5)}
    told = [
        (event(**its), "eew.event.new ev-1 7.0"),
        (event(**its | {"report_no": 2, "kind": ReportKind.UPDATE, "magnitude": 7.2}), "eew.event.update ev-1 7.2"),
        (
            event(**its | {"report_no": 3, "kind": ReportKind.CANCEL, "origin_at": None}),
            "eew.event.cancel ev-1 None",
        ),
        (event(**its | {"event_id": "drill", "status": AlertStatus.EXERCISE}), "eew.exercise.new drill 7.0"),
    ]
    receiver = started(str(project / "examples" / "webhook_receiver.py"), str(tmp_path / "webhook.secret"), str(port))
    bridge = started("-m", "eew", "webhook", "--config", str(config))
    target = embedded_broker.endpoint
    async with receiver as there, bridge as here, aiomqtt.Client(target.host, target.port) as client:
        await line_with(here.stderr, "broker.listening")
        stranger = event(key=SigningKey.from_seed(b"x" * 32), event_id="forged", **its)
        await client.publish(topic.event("forged"), payload_of(stranger), qos=1)
        for message, line in told:
            await client.publish(topic.event(message.event_id), payload_of(message), qos=1)
            assert there.stdout is not None
            assert (await there.stdout.readline()).decode().strip() == line
            await line_with(here.stderr, "webhook.delivered")
        here.send_signal(signal.SIGTERM)
        summary = await line_with(here.stderr, "endpoint.summary")
        assert "endpoint=lamp taken=4 delivered=4 superseded=0 expired=0 failed=0" in summary
        assert await here.wait() == 0


@pytest.mark.broker
@pytest.mark.asyncio(loop_scope="module")
async def test_what_could_not_be_delivered_makes_exit_code_1(
    tmp_path: Path, embedded_broker: EmbeddedBroker, event: Make, key: SigningKey
) -> None:
    """Nobody listens there; Ctrl-C does not wait for it."""
    now = datetime.now(UTC)
    config = configured(tmp_path, embedded_broker.endpoint, free_port(), key)
    with config.open("a", encoding="utf-8") as file:
        file.write("breaker_failures = 1\nbreaker_open_s = 60\n")
    message = event(issued_at=now, origin_at=now, expires_at=now + timedelta(minutes=5), event_id="lost")
    target = embedded_broker.endpoint
    async with (
        started("-m", "eew", "webhook", "--config", str(config)) as here,
        aiomqtt.Client(target.host, target.port) as client,
    ):
        await line_with(here.stderr, "broker.listening")
        await client.publish(topic.event("lost"), payload_of(message), qos=1)
        await line_with(here.stderr, "webhook.retry")
        here.send_signal(signal.SIGINT)
        assert "failed=1" in await line_with(here.stderr, "endpoint.summary")
        assert await here.wait() == 1


async def test_without_a_broker_it_is_one_line_and_exit_3(tmp_path: Path, key: SigningKey) -> None:
    """As for every command."""
    config = configured(tmp_path, f"mqtt://127.0.0.1:{free_port()}", 1, key)
    async with started("-m", "eew", "webhook", "--config", str(config)) as here:
        assert (await line_with(here.stderr, "eew webhook: ")).startswith("eew webhook: broker mqtt://127.0.0.1:")
        assert await here.wait() == 3
