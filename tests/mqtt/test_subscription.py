"""A subscription holds from the start: it waits for a broker that is not there yet, as for one that went away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Self

import aiomqtt
import pytest
from aiomqtt.exceptions import MqttConnectError

from eew.model.clock import ManualClock
from eew.model.errors import BrokerConnectError, BrokerLostError
from eew.mqtt import subscription as module
from eew.mqtt.endpoint import Endpoint
from eew.mqtt.subscription import Subscription

ENDPOINT = Endpoint("127.0.0.1", 1883)
AWAY = aiomqtt.MqttError("connection refused")


class Broker:
    """Answers each attempt as scripted, the last for ever; ``None`` takes it and stays until ``go_away``."""

    def __init__(self, *answers: aiomqtt.MqttError | None) -> None:
        self._answers = list(answers)
        self.n_attempts = 0
        self.gone = asyncio.Event()

    def client(self, *_: object) -> "Broker":
        return self

    async def __aenter__(self) -> Self:
        self.n_attempts += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is not None:
            raise answer
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is held."""

    async def subscribe(self, topic: str, qos: int) -> Sequence[int]:
        assert (topic, qos) == ("a/topic", 1)
        return [1]

    @property
    async def messages(self) -> AsyncIterator[aiomqtt.Message]:
        await self.gone.wait()
        self.gone.clear()
        for _ in ():
            yield aiomqtt.Message("a/topic", b"", 0, False, 0, None)  # pragma: no cover - it only makes a generator
        raise aiomqtt.MqttError("the line was cut")


@contextlib.contextmanager
def listening(
    broker: Broker, clock: ManualClock, reconnect_s: float, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[asyncio.Task[None], list[str | None]]]:
    monkeypatch.setattr(module, "client_of", broker.client)
    changes: list[str | None] = []
    heard = Subscription(ENDPOINT, reconnect_s, "test", ["a/topic"], lambda *_: None, changes.append, clock)
    task = asyncio.create_task(heard.listen())
    try:
        yield task, changes
    finally:
        task.cancel()


async def test_a_broker_that_comes_up_later_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """One line says so, and names broker, reason and how long; then it listens."""
    broker = Broker(AWAY, AWAY, AWAY, None)
    with listening(broker, manual_clock, 30, monkeypatch) as (task, changes):
        await manual_clock.advance(0.1)
        assert (task.done(), changes) == (False, [])
        await manual_clock.advance(5)
        assert (task.done(), changes, broker.n_attempts) == (False, [None], 4)
    assert caplog.messages == ["broker.waiting mqtt://127.0.0.1:1883: connection refused; trying for 30 s"]


async def test_a_broker_that_never_comes_up_is_given_up(
    monkeypatch: pytest.MonkeyPatch, manual_clock: ManualClock
) -> None:
    """After ``reconnect_s``, as one that could not be connected to."""
    with listening(Broker(AWAY), manual_clock, 30, monkeypatch) as (task, changes):
        await manual_clock.advance(27)
        assert not task.done()
        await manual_clock.advance(3)
        with pytest.raises(BrokerConnectError, match=r"not ready within 30 s \(connection refused\)"):
            await task
    assert changes == []


async def test_without_patience_the_first_attempt_decides(
    monkeypatch: pytest.MonkeyPatch, manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """``--reconnect-s 0``: nothing is waited for, and nothing is said of waiting."""
    with (
        listening(Broker(AWAY), manual_clock, 0, monkeypatch) as (task, _),
        pytest.raises(BrokerConnectError, match="not ready within 0 s"),
    ):
        await task
    assert caplog.messages == []


@pytest.mark.parametrize(("code", "is_final"), [(1, True), (4, True), (5, True), (3, False)])
async def test_a_refusal_for_good_is_not_waited_out(
    code: int, is_final: bool, monkeypatch: pytest.MonkeyPatch, manual_clock: ManualClock
) -> None:
    """A wrong version or password stays wrong; a server that is unavailable may come [MQTT311, 3.2.2.3]."""
    with listening(Broker(MqttConnectError(code), None), manual_clock, 30, monkeypatch) as (task, changes):
        await manual_clock.advance(1)
        assert task.done() == is_final
        if is_final:
            with pytest.raises(BrokerConnectError, match=r"\[code:"):
                await task
        else:
            assert changes == [None]


async def test_one_that_went_away_is_waited_for_anew(
    monkeypatch: pytest.MonkeyPatch, manual_clock: ManualClock
) -> None:
    """Each time for the whole of ``reconnect_s``, whatever it said before; then it is lost."""
    refused = MqttConnectError(5)
    broker = Broker(None, refused, None, AWAY)
    with listening(broker, manual_clock, 10, monkeypatch) as (task, changes):
        await manual_clock.advance(0)
        broker.gone.set()
        await manual_clock.advance(8)
        assert changes == [None, "the line was cut", None]
        broker.gone.set()
        await manual_clock.advance(10)
        with pytest.raises(BrokerLostError, match="the line was cut; gave up after 10 s"):
            await task
