"""The dispatcher that stays: feeds in, alerts out, until it is told to stop.

feeds ─▶ Dispatcher ─▶ outbox ─▶ dispatch ─▶ broker
             └───── journal ◀──────┘
"""

import asyncio
import contextlib
import logging
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from eew import __version__
from eew.dispatch.audience import audience_of
from eew.dispatch.daemon.config import ConfigFile, read_config
from eew.dispatch.daemon.context import KEEP_S, DaemonContext, open_daemon
from eew.dispatch.daemon.feed_supervisor import FeedSupervisor, ReceivedReport
from eew.dispatch.daemon.preparation import OpenFeed, prepare
from eew.dispatch.dispatcher import ActedOn, EventClock
from eew.dispatch.metrics import Figures, MetricsServer
from eew.model.clock import Clock, SystemClock
from eew.model.disposition import Disposition
from eew.model.errors import BrokerError, EewError
from eew.model.system.memory import anonymous_resident_bytes, set_mmap_threshold

__all__ = ["Daemon"]

logger = logging.getLogger(__name__)

#: How often progress is written down while alerts leave, and figures otherwise.
_BUSY_TICK_S, _IDLE_TICK_S = 0.05, 0.5
#: Of stopping: until the reports at hand are judged, and until the broker has confirmed the portion in flight.
_STEP_WITHIN_S = 3.0


class Daemon:
    """One dispatcher that lives in the present.

    Parameters
    ----------
    file
        Its configuration.
    open_feed
        Makes the feed of a ``[[feeds]]`` table.
    clock
        For waits and measurements.
    """

    def __init__(self, file: ConfigFile, open_feed: OpenFeed = ConfigFile.feed, clock: Clock | None = None) -> None:
        self._file = file
        self._open_feed = open_feed
        self._clock = clock or SystemClock()
        self._event_clock = EventClock()
        self._feeds = FeedSupervisor(self._clock)
        self._figures = Figures()
        self._metrics: MetricsServer | None = None
        #: Held while a report is judged, so that the practice changes between two reports.
        self._deciding = asyncio.Lock()
        self._stop_requested = asyncio.Event()
        self._told_to_reload = asyncio.Event()
        self._has_work = asyncio.Event()
        self._starting: asyncio.Task[object] | None = None
        #: Until when events stand at the broker.
        self._expires_at: dict[str, datetime] = {}
        self._was_connected = True
        #: Alerts that were left to the one who resumes.
        self._n_left = 0

    def stop(self) -> None:
        """End in order: the portion in flight, what the broker has yet to confirm, the journal, the status."""
        self._stop_requested.set()
        if self._starting is not None:
            self._starting.cancel()

    def reload(self) -> None:
        """Read the configuration again; what is wrong with it is logged, and the old one stays."""
        self._told_to_reload.set()

    async def run(self) -> None:
        """Dispatch until told to stop.

        If cancelled, it ends at once, like a killed one: the journal knows what was confirmed.

        Raises
        ------
        InputError
            If something that the configuration names is not usable.
        BrokerError
            If the broker cannot be reached, or went away and did not come back in time.
        """
        self._starting = asyncio.current_task()
        async with AsyncExitStack() as stack:
            try:
                context = await self._start(stack)
            except asyncio.CancelledError:
                if not self._stop_requested.is_set() or self._starting is None:
                    raise
                self._starting.uncancel()
                return
            finally:
                self._starting = None
            await self._work(context)

    async def _start(self, stack: AsyncExitStack) -> DaemonContext:
        """Load and connect everything; what can be wrong with the configuration is found here."""
        set_mmap_threshold()
        file, config = self._file, self._file.config
        prepared = await prepare(stack, file, self._open_feed, self._clock)
        region, self._metrics = prepared.region, prepared.metrics
        if self._metrics is not None:
            logger.info("metrics.ready url=http://127.0.0.1:%d/metrics", self._metrics.port)
        context = await open_daemon(stack, file, prepared, self._clock, self._event_clock, self._figures)
        for given, feed in zip(config.feeds, prepared.feeds, strict=True):
            self._feeds.attach(given, feed)
        logger.info(
            "dispatch.ready version=%s broker=%s devices=%d mode=%s qos=%d profile=%s shelters=%d feeds=%s state=%s",
            *(__version__, file.endpoint(), len(context.devices), config.mode, config.qos, region.profile.name),
            *(len(region.shelters), ",".join(self._feeds.configs), file.state),
        )
        return context

    async def _work(self, context: DaemonContext) -> None:
        """Run the tasks until it is time to stop, or one of them fails; in both cases what was done is written down."""
        sending = asyncio.create_task(context.dispatch.send(), name="dispatch")
        deciding = asyncio.create_task(self._decide(context), name="decide")
        others = [
            asyncio.create_task(self._watch(context), name="watch"),
            asyncio.create_task(self._reload_when_told(context), name="reload"),
        ]
        stopping = asyncio.create_task(self._stop_requested.wait(), name="told to stop")
        tasks: tuple[asyncio.Task[Any], ...] = (sending, deciding, stopping, *others)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            failures = [error for task in done if (error := task.exception()) is not None]
            for task in others:
                task.cancel()
            await self._feeds.detach(list(self._feeds.configs))
            if not failures:
                await self._finish(context, deciding, sending)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            context.deliveries.put_down()
            await context.journal.written()
        if failures:
            raise failures[0]
        logger.info("dispatch.stopped left=%d unconfirmed=%d", self._n_left, context.deliveries.n_unconfirmed)

    async def _finish(
        self, context: DaemonContext, deciding: "asyncio.Task[None]", sending: "asyncio.Task[None]"
    ) -> None:
        """Judge what has come, send the portion in flight and wait for the broker's word; the rest is for later."""
        logger.info("dispatch.stopping waiting=%d", context.dispatch.outbox.n_waiting)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STEP_WITHIN_S):
                await self._feeds.queue.put(None)
                await asyncio.shield(deciding)
        context.deliveries.follow()
        self._n_left = context.dispatch.outbox.n_waiting
        for event_id in context.dispatch.dispatcher.event_ids:
            context.dispatch.outbox.withdraw(event_id)
        context.dispatch.outbox.close()
        try:
            async with asyncio.timeout(_STEP_WITHIN_S):
                await asyncio.shield(sending)
        except (TimeoutError, BrokerError) as error:
            logger.warning("dispatch.unconfirmed %s", str(error) or "the broker has not confirmed all in time")

    async def _decide(self, context: DaemonContext) -> None:
        """Go on where the last daemon stood, then take each report as it comes."""
        begun_mono_s = self._clock.mono_s()
        for event_id in {each.report.event_id for each in context.history.journalled}:
            context.dispatch.retained.clear_event(event_id)
        async with self._deciding:
            await context.dispatch.dispatcher.restore(context.history)
            resumed = await context.dispatch.dispatcher.replan(context.history)
            for before in await context.dispatch.dispatcher.acted_on(context.history):
                await asyncio.to_thread(context.dispatch.announcements.recall, before)
            for again in resumed:
                await self._acted(context, again, begun_mono_s, "report.resumed")
        while (received := await self._feeds.queue.get()) is not None:
            if self._stop_requested.is_set():
                self._note_only(context, received)
                continue
            async with self._deciding:
                try:
                    await self._judge(context, received)
                except Exception:
                    # One report that breaks the dispatcher must not keep others from being told.
                    report = received.report
                    said = "report.broke event=%s report=%d status=%s"
                    logger.exception(said, report.event_id, report.report_no, report.status.value)
                    self._figures.n_reports[received.feed, "broke"] += 1

    def _note_only(self, context: DaemonContext, received: ReceivedReport) -> None:
        """Write down a report for the one who resumes."""
        disposition = context.dispatch.dispatcher.only_note(received.report)
        self._figures.n_reports[received.feed, disposition.value] += 1

    async def _judge(self, context: DaemonContext, received: ReceivedReport) -> None:
        context.dispatch.retained.n_reports += 1
        results = await context.dispatch.dispatcher.handle(received.report)
        self._figures.n_reports[received.feed, results[0].disposition.value] += 1
        for result in results:
            if isinstance(result, ActedOn):
                await self._acted(context, result, received.at_mono_s, f"report.acted feed={received.feed}")
                continue
            # Areas that nobody is told of are news to whoever runs this; the rest is told otherwise.
            logger.log(
                logging.INFO if result.disposition is Disposition.AREAS_ONLY else logging.DEBUG,
                "report.left feed=%s event=%s report=%d status=%s fate=%s",
                *(received.feed, result.report.event_id, result.report.report_no, result.report.status.value),
                result.disposition.value,
            )

    async def _acted(self, context: DaemonContext, acted_on: ActedOn, received_mono_s: float, what: str) -> None:
        """Say that a report was acted on."""
        report = acted_on.report
        context.deliveries.expect(report, received_mono_s)
        self._has_work.set()
        logger.info(
            "%s event=%s report=%d kind=%s status=%s verdict=%s magnitude=%s alerts=%d decide_s=%.3f",
            *(what, report.event_id, report.report_no, report.kind.value, report.status.value),
            *(
                acted_on.disposition.value,
                report.magnitude,
                acted_on.n_alerts,
                acted_on.decided_mono_s - received_mono_s,
            ),
        )
        context.dispatch.retained.last_dispatch_at = datetime.now(UTC)
        self._expires_at[report.event_id] = acted_on.core.expires_at
        context.dispatch.announcer.tell(acted_on)

    async def _watch(self, context: DaemonContext) -> None:
        """Write down progress, keep the figures true, and notice who comes and goes."""
        while True:
            context.deliveries.follow()
            self._notice(context)
            if context.dispatch.publisher.error is not None:
                raise context.dispatch.publisher.error
            if self._metrics is not None:
                self._metrics.show(self._figures)
            with contextlib.suppress(TimeoutError):
                is_busy = context.deliveries.is_any_under_way
                async with asyncio.timeout(_BUSY_TICK_S if is_busy else _IDLE_TICK_S):
                    self._has_work.clear()
                    await self._has_work.wait()

    def _notice(self, context: DaemonContext) -> None:
        figures, publisher = self._figures, context.dispatch.publisher
        figures.feeds = self._feeds.figures()
        if (states := self._feeds.states) != context.dispatch.retained.feeds:
            context.dispatch.retained.feeds = states
            context.dispatch.retained.request_publish()
        if publisher.is_connected != self._was_connected:
            self._was_connected = publisher.is_connected
            if self._was_connected:
                logger.info("broker.back reconnects=%d", publisher.counts.n_reconnects)
            else:
                logger.warning("broker.lost waiting=%d", context.dispatch.outbox.n_waiting)
        figures.is_connected, figures.n_reconnects = publisher.is_connected, publisher.counts.n_reconnects
        figures.n_waiting, figures.rate_hz = context.dispatch.outbox.n_waiting, context.dispatch.rate.hz
        figures.n_journal_failures, figures.resident_bytes = (
            context.journal.n_failed,
            anonymous_resident_bytes(),
        )
        now_at = datetime.now(UTC)
        for event_id, expires_at in list(self._expires_at.items()):
            if expires_at <= now_at:
                context.dispatch.retained.clear_event(event_id)
                del self._expires_at[event_id]
                context.dispatch.announcements.keep(self._expires_at.keys() | context.dispatch.dispatcher.event_ids)
                context.journal.forget(now_at, KEEP_S)

    async def _reload_when_told(self, context: DaemonContext) -> None:
        while True:
            await self._told_to_reload.wait()
            self._told_to_reload.clear()
            try:
                await self._reload(context)
            except EewError as error:
                logger.error("reload.refused %s", error)  # noqa: TRY400 - what was given is wrong, not the code
            except Exception:
                # Whatever is wrong with the new configuration, alerts go on by the old one.
                logger.exception("reload.broke")

    async def _reload(self, context: DaemonContext) -> None:
        """Load all that is new, then swap it in between two reports."""
        running = self._feeds.configs
        file = await asyncio.to_thread(read_config, self._file.path)
        file.refuse_fixed(self._file)
        region = await asyncio.to_thread(file.region)
        wanted = {each.name: each for each in file.config.feeds}
        new = {
            each.name: self._open_feed(file, number, self._clock)
            for number, each in enumerate(file.config.feeds)
            if running.get(each.name) != each
        }
        audience = await asyncio.to_thread(
            audience_of, file.config.mode, context.devices, region.shelters, context.dispatch.how
        )
        async with self._deciding:
            context.dispatch.dispatcher.refit(region.profile, region.estimator, audience)
            context.dispatch.announcements.refit(region.profile, region.estimator)
            self._file = file
        await self._feeds.detach([name for name in running if wanted.get(name) != running[name]])
        for name, feed in new.items():
            self._feeds.attach(wanted[name], feed)
        logger.info(
            "reload.done profile=%s shelters=%d feeds=%s",
            *(region.profile.name, len(region.shelters), ",".join(self._feeds.configs)),
        )
