"""A supervised feed: it is connected to again and again, its messages are read, and what becomes of them is counted."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from eew.feed.intake import FeedCounts, Intake, IntakeResult, kind_of
from eew.feed.transports import (
    dmdata_tickets as dmdata,
)
from eew.feed.transports import (
    folder_watcher as folder,
)
from eew.feed.transports import (
    http_client as http,
)
from eew.feed.transports import (
    lines,
)
from eew.feed.transports import (
    mqtt_subscriber as mqtt,
)
from eew.feed.transports import (
    websocket_client as websocket,
)
from eew.feed.transports.address import Address, Via
from eew.feed.transports.extra import require
from eew.feed.transports.received_message import ReceivedMessage, Sign, Signal
from eew.feed.wire_format import FORMATS, TalkingFormat, wire_format
from eew.model.backoff import HALF_TO_WHOLE, Backoff
from eew.model.clock import Clock
from eew.model.disposition import Disposition
from eew.model.errors import ReportDecodeError
from eew.model.records import EventReport

__all__ = ["Feed", "FeedOptions", "FeedState"]

logger = logging.getLogger(__name__)

#: Before a feed is tried again.
_BACKOFF = Backoff(0.2, 30.0, HALF_TO_WHOLE)
#: Whether a server lives that we ask is soon known; a folder, a pipe or a topic may be quiet for months.
_SILENT_AFTER_S = dict.fromkeys((Via.WEBSOCKET, Via.HTTP, Via.DMDATA), 150.0)
#: What a transport needs of the extra ``feeds``: asked for before anything is connected.
_MODULE_BY_VIA = {
    **dict.fromkeys((Via.WEBSOCKET, Via.HTTP, Via.DMDATA), "aiohttp"),
    Via.FOLDER: "watchfiles",
}


class FeedState(StrEnum):
    """How a feed is."""

    WAITING = "waiting to be started"
    CONNECTING = "connecting"
    LISTENING = "listening"
    #: Connected, but neither message nor heartbeat for longer than it should take.
    SILENT = "silent"
    #: The connection is lost or was never made; it is tried again.
    LOST = "lost"
    #: A file or a stream has come to its end.
    OVER = "over"
    #: It cannot go on, and is not tried again.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOptions:
    """How a feed is listened to; each transport takes what concerns it."""

    #: WebSocket: the first message to the server; ``None``: what the format says.
    send: str | None = field(default=None, repr=False)
    #: HTTP: from an answer to the next question; ``None``: as is usual for the format's service.
    interval_s: float | None = None
    #: How long an answer, or a connection, may take.
    timeout_s: float = 10.0
    max_bytes: int = 4_000_000
    #: How long a feed may say nothing; by default 150 s for WebSocket and HTTP, for ever for the rest.
    silent_after_s: float | None = None
    #: A report issued longer ago than this is late: counted, not handed on. ``None``: none is.
    max_age_s: float | None = None
    #: DMDATA: the file of the user's key; ``None``: it is in the environment.
    key_file: str | None = None
    #: MQTT: with one, the broker keeps what comes while we are away.
    client_id: str | None = None


class Feed:
    """One feed of reports.

    Parameters
    ----------
    name
        For the log and the status.
    url
        As ``Address.parse`` takes it.
    format_name
        One of ``FORMATS``.
    options
        How to listen.
    clock
        What waits and silences are measured on.
    wall
        What tells how old a report is.
    rng
        Of the jitter, so that a thousand listeners do not come back in the same instant.
    intake
        Of a feed whose messages lie in several files: each file goes on where the one before it ended.

    Raises
    ------
    InputError
        If there is no such format, the URL is none, or a library that it needs is not installed.
    """

    def __init__(
        self,
        name: str,
        url: str,
        format_name: str,
        options: FeedOptions | None = None,
        *,
        clock: Clock,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: random.Random | None = None,
        intake: Intake | None = None,
    ) -> None:
        self.name = name
        self.format_name = format_name
        self.options = options or FeedOptions()
        self.address = Address.parse(url)
        if (module := _MODULE_BY_VIA.get(self.address.via)) is not None:
            require(module, str(self.address))
        self._key = ""
        if self.address.via is Via.DMDATA:
            dmdata.question_of(self.address)
            self._key = dmdata.key_of(self.options.key_file)
        self.state = FeedState.WAITING
        #: Why it is lost or failed.
        self.problem: str | None = None
        self.last_message_at: datetime | None = None
        #: Set when it could be reached for the first time.
        self.was_reached = asyncio.Event()
        form = wire_format(format_name)
        self._intake = intake or Intake(form, self.options.max_age_s, wall)
        interval_s = self.options.interval_s
        self._interval_s = FORMATS[format_name].interval_s if interval_s is None else interval_s
        self._send = self.options.send
        self._answer: Callable[[bytes], str | None] = _no_answer
        if isinstance(form, TalkingFormat):
            self._send, self._answer = form.greeting() if self._send is None else self._send, form.answer
        self._clock = clock
        self._wall = wall
        self._rng = rng or random.Random()  # noqa: S311 - jitter is no secret
        self._life_mono_s = 0.0
        self._n_tries = 0
        silent_after_s = self.options.silent_after_s
        self._silent_after_s = _SILENT_AFTER_S.get(self.address.via) if silent_after_s is None else silent_after_s

    @property
    def counts(self) -> FeedCounts:
        """What came in so far."""
        return self._intake.counts

    async def reports(self) -> AsyncGenerator[EventReport]:
        """Yield each report once, as it comes; log the first refusal of a kind. See ``outcomes``."""
        async with aclosing(self.outcomes()) as outcomes:
            async for outcome in outcomes:
                if outcome.disposition is Disposition.PARSED and isinstance(outcome.what, EventReport):
                    yield outcome.what
                elif isinstance(outcome.what, ReportDecodeError):
                    self._log_refusal(outcome.what)

    async def outcomes(self) -> AsyncGenerator[IntakeResult]:
        """Yield what becomes of each message; ends only where a file or a stream does.

        A connection that is lost is made again after a wait that doubles from try to try, up to half a minute, and is
        short again once something new has come. Bad messages are counted. To be called once; cancelled or closed, it
        leaves nothing behind.

        Raises
        ------
        EewError
            If it can never work: a library is missing, a file cannot be read.
        """
        while True:
            begun_mono_s = self._clock.mono_s()
            if self.state is not FeedState.SILENT:
                self.state = FeedState.CONNECTING
            try:
                async with aclosing(self._until_silent()) as signals:
                    async for signal in signals:
                        for outcome in self._taken(signal):
                            if outcome.disposition is Disposition.PARSED:
                                self._n_tries = 0
                            yield outcome
                problem = "the server ended the connection"
            except OSError as error:
                problem = str(error) or f"no answer within {self.options.timeout_s:g} s"
            except Exception as error:
                self.state, self.problem = FeedState.FAILED, str(error)
                raise
            if not self.address.is_live:
                self.state = FeedState.OVER
                return
            if self._clock.mono_s() - begun_mono_s > _BACKOFF.longest_s:
                self._n_tries = 0
            await self._wait_to_retry(problem)

    async def _wait_to_retry(self, problem: str) -> None:
        """Wait, longer from try to try."""
        if self.state is not FeedState.SILENT or problem != self.problem:
            self.state = FeedState.LOST
            if self._n_tries == 0 or problem != self.problem:
                logger.warning("feed.lost %s: %s; trying again", self.name, problem)
        self.problem = problem
        delay_s = _BACKOFF.delay_s(self._n_tries, self._rng.random)
        self._n_tries += 1
        await self._clock.sleep(delay_s)
        self.counts.n_reconnects += 1

    def _signals(self) -> AsyncGenerator[Signal]:
        """Connect once."""
        options, address = self.options, self.address
        match address.via:
            case Via.MQTT:
                return mqtt.messages(
                    address, timeout_s=options.timeout_s, max_bytes=options.max_bytes, client_id=options.client_id
                )
            case Via.WEBSOCKET:
                return websocket.messages(
                    address,
                    timeout_s=options.timeout_s,
                    max_bytes=options.max_bytes,
                    send=self._send,
                    answer=self._answer,
                )
            case Via.DMDATA:
                return dmdata.messages(
                    address,
                    key=self._key,
                    timeout_s=options.timeout_s,
                    max_bytes=options.max_bytes,
                    answer=self._answer,
                )
            case Via.HTTP:
                return http.messages(
                    address,
                    clock=self._clock,
                    interval_s=self._interval_s,
                    timeout_s=options.timeout_s,
                    max_bytes=options.max_bytes,
                    wall=self._wall,
                )
            case Via.FOLDER | Via.FILE | Via.STANDARD_INPUT:
                return self._files()

    def _files(self) -> AsyncGenerator[Signal]:
        """Read what lies here, or comes in here."""
        max_bytes, is_lines = self.options.max_bytes, self.format_name == "native"
        if self.address.via is Via.FOLDER:
            return folder.messages(self.address, clock=self._clock, max_bytes=max_bytes, is_lines=is_lines)
        if self.address.via is Via.FILE:
            return lines.of_file(self.address, max_bytes=max_bytes, is_lines=is_lines)
        is_json = FORMATS[self.format_name].suffix in {".json", ".jsonl"}
        return lines.of_standard_input(max_bytes=max_bytes, is_lines=is_json)

    async def _until_silent(self) -> AsyncGenerator[Signal]:
        """Yield the signals of one connection, noting when none comes for too long.

        A WebSocket that is silent is left, since a server that answers pings may still have forgotten us; the others
        notice by themselves when nobody is there any more.
        """
        self._life_mono_s = self._clock.mono_s()
        was_noticed = False
        async with aclosing(self._signals()) as signals:
            while True:
                coming = asyncio.create_task(_next(signals), name=f"feed {self.name}: next message")
                try:
                    while not was_noticed and not await self._comes_in_time(coming):
                        was_noticed = True
                        self._notice_silence()
                        if self.address.via in {Via.WEBSOCKET, Via.DMDATA}:
                            raise TimeoutError(self.problem)
                    signal = await coming
                finally:
                    coming.cancel()
                    with contextlib.suppress(asyncio.CancelledError, Exception):
                        await coming
                if signal is None:
                    return
                if signal is not Sign.OPENED:
                    was_noticed = False
                yield signal

    async def _comes_in_time(self, coming: "asyncio.Task[Signal | None]") -> bool:
        """Wait for the next signal as long as the feed may be silent; return whether it has come."""
        if self._silent_after_s is None:
            await asyncio.wait({coming})
            return True
        left_s = self._life_mono_s + self._silent_after_s - self._clock.mono_s()
        alarm = asyncio.create_task(self._clock.sleep(left_s), name=f"feed {self.name}: silence")
        try:
            await asyncio.wait({coming, alarm}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            alarm.cancel()
        return coming.done()

    def _notice_silence(self) -> None:
        if self.state is not FeedState.SILENT:
            self.problem = f"neither message nor heartbeat for {self._silent_after_s:g} s"
            logger.warning("feed.silent %s: %s", self.name, self.problem)
        self.state = FeedState.SILENT

    def _taken(self, signal: Signal) -> Iterator[IntakeResult]:
        """Take a signal; yield what became of a message."""
        if signal is Sign.OPENED:
            if self.state is not FeedState.SILENT:
                logger.info("feed.listening %s", self.name)
                self.state, self.problem = FeedState.LISTENING, None
            self.was_reached.set()
            self._life_mono_s = self._clock.mono_s()
            return
        # Who sends heartbeats of its own is not alive because its machine answers; an answer over HTTP is its own.
        if isinstance(signal, ReceivedMessage) or not self._intake.has_heartbeats or self.address.via is Via.HTTP:
            self._life_mono_s = self._clock.mono_s()
            self.state, self.problem = FeedState.LISTENING, None
        if isinstance(signal, ReceivedMessage):
            self.last_message_at = self._wall()
            yield from self._intake.read(signal)

    def _log_refusal(self, error: ReportDecodeError) -> None:
        if self.counts.n_rejected_by_kind[kind_of(error)] == 1:
            logger.warning("report.rejected %s: %s (further ones of this kind are only counted)", self.name, error)


def _no_answer(_data: bytes) -> None:
    """Return what most messages want to be answered with: nothing."""


async def _next(signals: AsyncGenerator[Signal]) -> Signal | None:
    """Return the next signal, ``None`` at the end."""
    async for signal in signals:
        return signal
    return None
