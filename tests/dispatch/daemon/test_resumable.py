"""Going on where another dispatcher stood: nobody is left out, nobody who is known to be told is told again."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from eew.contract.signature import SigningKey
from eew.devices.population.population import make
from eew.dispatch.audience import CellAudience, DeviceAudience, Send
from eew.dispatch.daemon.deliveries import Deliveries
from eew.dispatch.dispatcher import ActedOn, Dispatcher, DispatchResult, EventClock
from eew.dispatch.journal import Journal
from eew.dispatch.metrics import Figures
from eew.estimate.estimator import Estimator
from eew.estimate.intensity_models import intensity_model
from eew.fanout.memory_publisher import MemoryPublisher
from eew.fanout.outbox import Outbox
from eew.fanout.send_loop import SendRate
from eew.model.clock import SystemClock
from eew.model.disposition import Disposition
from eew.model.records import AlertStatus, EventReport, ReportKind, SentRange, Shelters
from eew.model.region_name import parse_region
from eew.model.region_profile_file import load_profile
from eew.physics.travel_time_table import TravelTimeTable
from eew.shelter import catalogue
from tests.strategies import make_report

JAPAN = load_profile("japan")
ESTIMATOR = Estimator(TravelTimeTable.load("ak135"), intensity_model("sm99"), 10.0)
KEY = SigningKey.from_seed(bytes(range(32)))
DEVICES = make(parse_region("35,139,60"), 400, 1)
#: The event's own time: however long the suite has run, no report is stale and no alert has expired.
NOW = datetime(2026, 11, 28, tzinfo=UTC)
TOKYO_BAY: dict[str, Any] = {"lat_deg": 35.0, "lon_deg": 139.0, "depth_km": 10.0}


@pytest.fixture(scope="module")
def shelters() -> Shelters:
    return catalogue.load(catalogue.default_catalogue_path())


def report(report_no: int = 1, kind: ReportKind = ReportKind.NEW, magnitude: float = 7.4) -> EventReport:
    return make_report(
        report_no, report_no, magnitude, event_id="ev", kind=kind, status=AlertStatus.TEST, at=NOW, **TOKYO_BAY
    )


class Context:
    """A dispatcher with a journal, and a broker of which the test says what it has confirmed."""

    def __init__(self, journal: Journal, audience: DeviceAudience | CellAudience) -> None:
        self.journal = journal
        self.outbox = Outbox()
        self.publisher = MemoryPublisher(SystemClock())
        self.n_tokens = 0
        self.event_clock = EventClock()
        self.event_clock.anchor(NOW)
        self.deliveries = Deliveries(self.outbox, self.publisher, journal, Figures())
        self.dispatcher = Dispatcher(
            JAPAN,
            ESTIMATOR,
            audience,
            self.outbox,
            SendRate(1000.0),
            KEY,
            clock=SystemClock(),
            event_clock=self.event_clock,
            max_age_s=600.0,
            observer=journal,
        )

    async def send(self, n: int, *, n_confirmed: int) -> list[int]:
        """Take the next alerts, of which the broker confirms the first; return the rows taken."""
        portion = self.outbox.take(self.event_clock.now(), n)
        assert portion is not None
        assert len(portion) == n
        middle, at_s = portion.start + n_confirmed, 0.0
        for start, end in ((portion.start, middle), (middle, portion.end)):
            self.n_tokens += 1
            self.outbox.written(portion.plan_id, self.n_tokens, SentRange(start, end, at_s))
        # A broker confirms in order: what is behind something unconfirmed is not confirmed either.
        if self.publisher.confirmed_token == self.n_tokens - 2:
            self.publisher._token += 1 + (n == n_confirmed) if n_confirmed else 0
        for _ in range(2):
            # Where the disk is busy, progress is written the next time.
            self.deliveries.follow()
            await self.journal.written()
        return [int(row) for row in portion.plan.target_row[portion.start : portion.end]]

    def waiting(self) -> list[int]:
        """Take all that waits; return the rows."""
        taken: list[int] = []
        while (portion := self.outbox.take(self.event_clock.now(), 10_000)) is not None:
            taken += portion.plan.target_row[portion.start : portion.end].tolist()
        return taken


async def only(context: Context, of: EventReport) -> DispatchResult:
    (handled,) = await context.dispatcher.handle(of)
    return handled


Opened = Callable[[Journal], Context]


@pytest.fixture(params=["device", "cell"])
def opened(request: pytest.FixtureRequest, shelters: Shelters) -> Opened:
    make_audience = CellAudience if request.param == "cell" else DeviceAudience
    audience: DeviceAudience | CellAudience = make_audience(DEVICES, shelters, Send(1, 4, "full"))
    return lambda journal: Context(journal, audience)


async def killed(context: Context, opened: Opened, folder: Path) -> tuple[Context, list[ActedOn]]:
    """Begin anew with what is on disk, as if the first had been killed."""
    await context.journal.close()
    journal = await Journal.open(folder, "a")
    after = opened(journal)
    history = await journal.history(NOW, 86_400)
    await after.dispatcher.restore(history)
    return after, await after.dispatcher.replan(history)


async def test_those_not_confirmed_are_told_and_no_others(opened: Opened, tmp_path: Path) -> None:
    """Of thirty taken twenty are confirmed: all but those twenty are told after the restart."""
    context = opened(await Journal.open(tmp_path, "a"))
    await context.dispatcher.handle(report())
    n_all = context.outbox.n_waiting
    taken = await context.send(30, n_confirmed=20)
    context, (handled,) = await killed(context, opened, tmp_path)
    assert handled.n_alerts == n_all - 20
    waiting = context.waiting()
    assert set(taken[20:]) <= set(waiting)
    assert not set(taken[:20]) & set(waiting)
    assert len(set(waiting)) == len(waiting) == n_all - 20
    await context.journal.close()


async def test_a_repeated_report_is_a_duplicate_and_an_update_tells_only_whom_it_changes(
    opened: Opened, tmp_path: Path
) -> None:
    """The book and what everybody was told are as before, so nothing is repeated by what comes next."""
    context = opened(await Journal.open(tmp_path, "a"))
    await context.dispatcher.handle(report())
    n_all = context.outbox.n_waiting
    await context.send(n_all, n_confirmed=n_all)
    context, (handled,) = await killed(context, opened, tmp_path)
    assert handled.n_alerts == 0
    assert (await only(context, report())).disposition is Disposition.DUPLICATE
    assert (await only(context, report(1, magnitude=8.0))).disposition is Disposition.CONFLICTING
    same = await only(context, report(2, ReportKind.UPDATE, 7.4))
    assert (same.disposition, same.n_alerts) == (Disposition.ACCEPTED, 0)
    assert (await only(context, report(3, ReportKind.UPDATE, 7.8))).n_alerts >= n_all
    await context.journal.close()


async def test_how_far_each_relay_has_come_is_known_again(opened: Opened, tmp_path: Path) -> None:
    """A warning that repeated the forecast tells where the warnings stand: their next number is the newer one."""
    context = opened(await Journal.open(tmp_path, "a"))
    await context.dispatcher.handle(report())
    warnings = [msgspec.structs.replace(report(n), numbering="warnings", issued_at=report().issued_at) for n in (1, 2)]
    assert (await only(context, warnings[0])).disposition is Disposition.COPY
    context, _ = await killed(context, opened, tmp_path)
    assert (await only(context, warnings[0])).disposition is Disposition.DUPLICATE
    weaker = msgspec.structs.replace(warnings[1], kind=ReportKind.UPDATE, magnitude=7.0)
    assert (await only(context, weaker)).disposition is Disposition.ACCEPTED
    await context.journal.close()


@pytest.mark.parametrize(("n_confirmed", "n_relieved"), [(20, 0), (30, 5)], ids=["unconfirmed", "confirmed"])
async def test_relief_reaches_all_who_may_have_been_told(
    n_confirmed: int, n_relieved: int, opened: Opened, tmp_path: Path
) -> None:
    """Killed with a cancel on its way: whose relief is confirmed gets no other, whoever was sent an alert gets one."""
    context = opened(await Journal.open(tmp_path, "a"))
    await context.dispatcher.handle(report())
    taken = await context.send(30, n_confirmed=n_confirmed)
    await context.dispatcher.handle(report(2, ReportKind.CANCEL))
    relieved = (await context.send(5, n_confirmed=n_relieved))[:n_relieved]
    context, (handled,) = await killed(context, opened, tmp_path)
    assert handled.disposition is Disposition.CANCELLED
    assert sorted(context.waiting()) == sorted(set(taken) - set(relieved))
    await context.journal.close()


async def test_what_was_acted_on_before_is_told_as_it_was(opened: Opened, tmp_path: Path) -> None:
    """So that what is announced of an event after a restart refers to what was announced before it."""
    context = opened(await Journal.open(tmp_path, "a"))
    reports = [report(), report(2, ReportKind.UPDATE, 7.8), report(3, ReportKind.CANCEL)]
    results = [await only(context, each) for each in reports]
    before = [each for each in results if isinstance(each, ActedOn)]
    context, _ = await killed(context, opened, tmp_path)
    history = await context.journal.history(NOW, 86_400)
    after = await context.dispatcher.acted_on(history)
    assert [each.report for each in after] == reports
    assert [each.radius_km_by_level for each in after] == [each.radius_km_by_level for each in before]
    assert [each.core for each in after] == [each.core for each in before]
    await context.journal.close()


async def test_a_report_that_was_only_noted_is_acted_on_by_the_next(opened: Opened, tmp_path: Path) -> None:
    """What came while stopping is told after the restart, and only its last report."""
    context = opened(await Journal.open(tmp_path, "a"))
    assert context.dispatcher.only_note(report()) is Disposition.ACCEPTED
    assert context.dispatcher.only_note(report(2, ReportKind.UPDATE, 7.8)) is Disposition.ACCEPTED
    assert context.outbox.n_waiting == 0
    context, (handled,) = await killed(context, opened, tmp_path)
    assert handled.report.report_no == 2
    assert handled.n_alerts == context.outbox.n_waiting > 0
    await context.journal.close()


async def test_an_assumed_report_on_top_leaves_the_one_below_standing(opened: Opened, tmp_path: Path) -> None:
    """A last report without a source tells nobody; what was on its way by the one before goes on."""
    context = opened(await Journal.open(tmp_path, "a"))
    await context.dispatcher.handle(report())
    n_all = context.outbox.n_waiting
    await context.send(30, n_confirmed=30)
    unknown = report(2, ReportKind.UPDATE)
    await context.dispatcher.handle(
        EventReport(**{name: getattr(unknown, name) for name in unknown.__struct_fields__} | {"magnitude": None})
    )
    context, (handled,) = await killed(context, opened, tmp_path)
    assert handled.report.report_no == 1
    assert len(context.waiting()) == n_all - 30
    await context.journal.close()


def test_all_targets_of_the_test_are_told() -> None:
    """The figures above mean something: the population is where the earthquake is."""
    assert len(np.unique(DEVICES.cell)) > 40
