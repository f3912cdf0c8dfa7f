"""``eew cap``: the CAP messages of a sequence of reports as the dispatcher would publish them, or those at a broker."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt
from eew.model.system.output import check_folder, given_path, write_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eew.contract.cap.cap_message import CapMessage
    from eew.contract.message import AlertCore
    from eew.estimate.estimator import Estimator
    from eew.estimate.targets import Targets
    from eew.fanout.encode import Encoder
    from eew.model.records import AlertPlan, EventReport, Profile, Solution

__all__ = ["configure", "run"]

#: A retained message comes with the subscription, or there is none.
_WITHIN_S = 3.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "event",
        metavar="EVENT",
        help="a scenario's name or file, native reports (FILE.jsonl or -), or with --broker an event's id",
    )
    parser.add_argument("--report", metavar="N", help="print the message of this report (default: the newest)")
    parser.add_argument("--out", metavar="DIR", help="write one file a message there instead of printing")
    parser.add_argument("--atom", metavar="FILE", help="write an Atom feed, and the messages' files beside it")
    parser.add_argument("--profile", metavar="NAME|FILE", help="region profile, instead of the scenario's")
    parser.add_argument("--broker", metavar="URL", help="print what stands of the event at mqtt://host:port")


def run(arguments: argparse.Namespace) -> int:
    """Print or write the messages; return 0."""
    if arguments.broker is not None:
        for option in ("report", "out", "atom", "profile"):
            if getattr(arguments, option) is not None:
                value = getattr(arguments, option)
                raise InputError("it alone, or no --broker", field=f"--{option}", value=value)
        sys.stdout.buffer.write(interrupt.run(_standing(arguments.broker, arguments.event.strip())))
        return ExitStatus.DONE
    from eew.model.option_number import number_of

    report_no = None if arguments.report is None else number_of(arguments.report, "--report", 1, 30000)
    check_folder(arguments.out, "--out")
    if arguments.atom is not None:
        check_folder(given_path(arguments.atom, "--atom").parent, "--atom")
    name, reports, profile, estimator = _given(arguments.event, arguments.profile)
    messages = interrupt.run(_messages(reports, profile, estimator))
    if not messages:
        sys.stderr.write("eew cap: note: these reports notify nobody: there is no message\n")
    if arguments.out is not None:
        _write(messages, Path(arguments.out))
    if arguments.atom is not None and messages:
        from eew.contract.cap.atom import feed

        path = Path(arguments.atom)
        _write(messages, path.parent)
        write_file(path, feed(name, messages))
        print(path)
    if arguments.out is None and arguments.atom is None and messages:
        wanted = [each for each in messages if report_no in {None, each.report_no}]
        if not wanted:
            numbers = sorted({each.report_no for each in messages})
            expected = f"a report that says something: {', '.join(map(str, numbers))}"
            raise InputError(expected, field="--report", value=arguments.report)
        shown = wanted[-1]
        sys.stdout.buffer.write(shown.payload + b"\n")
        sys.stdout.buffer.flush()
        place = f"message {messages.index(shown) + 1} of {len(messages)}"
        sys.stderr.write(f"eew cap: {shown.identifier}, {shown.kind}, {place}; all of them: --out DIR\n")
    return ExitStatus.DONE


def _write(messages: "Sequence[CapMessage]", folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for message in messages:
        path = folder / message.file_name
        write_file(path, message.payload)
        print(path)


def _given(event: str, profile_name: str | None) -> "tuple[str, tuple[EventReport, ...], Profile, Estimator]":
    """Read what is to be played."""
    from eew.estimate.estimator import Estimator
    from eew.estimate.intensity_models import intensity_model
    from eew.feed.formats import native
    from eew.feed.name_counter import Tally
    from eew.feed.scenario import load_scenario, scenario_path
    from eew.model.region_profile_file import load_profile
    from eew.physics.travel_time_table import TravelTimeTable

    reports: tuple[EventReport, ...]
    if event == "-":
        name, unknown = "stdin", Tally()
        reports = tuple(
            native.decode_report(line, unknown=unknown, file="standard input", line_no=line_no)
            for line_no, line in enumerate(sys.stdin.buffer, 1)
            if line.strip()
        )
    elif event.endswith(".jsonl"):
        name, reports = Path(event).stem, native.load_reports(event)
    else:
        scenario = load_scenario(scenario_path(event))
        name, reports = scenario.name, scenario.reports
        profile_name = profile_name or scenario.profile
    profile = load_profile(profile_name or "global")
    estimator = Estimator(
        TravelTimeTable.load(profile.travel_times),
        intensity_model(profile.intensity_model),
        profile.default_depth_km,
    )
    return name, reports, profile, estimator


class _Nobody:
    """An audience without anybody: what is said to all does not depend on whom there is to notify."""

    def __len__(self) -> int:
        """None."""
        return ExitStatus.DONE

    def targets(self, solution: "Solution") -> "Targets":  # noqa: ARG002 - of every solution the same
        """Return no targets."""
        from eew.estimate.targets import Targets

        return Targets.of([], [])

    def far_targets(self, solution: "Solution") -> None:
        """Return nothing: targets are points."""

    def encoder(self, plan: "AlertPlan", core: "AlertCore") -> "Encoder":  # noqa: ARG002 - never encodes
        """Return what is never asked to encode."""
        return _Silent()


class _Silent:
    """Turns no alerts into no packets."""

    def encode(self, start: int, end: int) -> NoReturn:
        """Nobody is notified."""
        raise AssertionError(f"no alerts {start} to {end}")


async def _messages(reports: "Sequence[EventReport]", profile: "Profile", estimator: "Estimator") -> "list[CapMessage]":
    """Return what the dispatcher would publish, in its order."""
    from eew.contract.signature import SigningKey
    from eew.dispatch.announcement import Announcements
    from eew.dispatch.dispatcher import ActedOn, Dispatcher, EventClock
    from eew.fanout.outbox import Outbox
    from eew.fanout.send_loop import SendRate
    from eew.model.clock import SystemClock

    event_clock = EventClock()
    dispatcher = Dispatcher(
        profile,
        estimator,
        _Nobody(),
        Outbox(),
        SendRate(1.0),
        # CAP carries no signature of ours.
        SigningKey.from_seed(bytes(32)),
        clock=SystemClock(),
        event_clock=event_clock,
    )
    announcements = Announcements(profile, estimator)
    messages = []
    for report in reports:
        event_clock.anchor(report.issued_at)
        for result in await dispatcher.handle(report):
            if not isinstance(result, ActedOn):
                continue
            message = announcements.cap(result, announcements.event(result))
            if message is not None:
                messages.append(message)
    return messages


async def _standing(url: str, event_id: str) -> bytes:
    """Return the retained message of an event.

    Raises
    ------
    BrokerConnectError
        If the broker cannot be reached.
    InputError
        If nothing stands there.
    """
    import functools
    import re

    from eew.contract import topic
    from eew.model.errors import BrokerConnectError
    from eew.mqtt.aiomqtt_client import client_of, translated
    from eew.mqtt.endpoint import Endpoint

    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", event_id):
        raise InputError("an event's id: letters, digits, - and _", field="EVENT", value=event_id)
    endpoint = Endpoint.parse(url)
    try:
        with translated(functools.partial(BrokerConnectError, str(endpoint))):
            async with client_of(endpoint, "cap") as client:
                await client.subscribe(topic.cap(event_id), qos=1)
                async with asyncio.timeout(_WITHIN_S):
                    payload = (await anext(client.messages)).payload
    except TimeoutError as error:
        raise InputError(f"an event that stands at {endpoint}", field="EVENT", value=event_id) from error
    return payload
