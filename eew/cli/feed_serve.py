"""``eew feed serve``: a scenario played in an agency's format, as a server to test against."""

import argparse
import asyncio
import contextlib
import math
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.option_number import number_of, whole_number_of
from eew.model.system import interrupt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eew.feed.servers.play import Script
    from eew.feed.servers.server import Server
    from eew.feed.transports.address import Address
    from eew.model.records import EventReport

__all__ = ["configure", "run"]

_OVER = ("ws", "http", "mqtt", "folder")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("scenario", metavar="SCENARIO|FILE.jsonl", help="a scenario's name or file, or native reports")
    parser.add_argument(
        "--as", dest="format_name", required=True, metavar="F", help="the wire format: native, jma-xml, …"
    )
    parser.add_argument("--over", choices=_OVER, default="ws", help="how it is offered (default: ws)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    parser.add_argument("--port", default="0", metavar="N", help="port to listen on (default: any free one)")
    parser.add_argument("--dir", metavar="PATH", help="folder: where to put the files")
    parser.add_argument("--broker", metavar="URL", help="mqtt://host[:port][/topic] (default: an embedded broker)")
    parser.add_argument("--speed", default="1", metavar="X|max", help="how much faster the waits pass (default: 1)")
    parser.add_argument("--now", action="store_true", help="move all times: the first report is issued now")
    parser.add_argument("--loop", action="store_true", help="begin again at the end, until Ctrl-C")
    parser.add_argument("--misbehave", metavar="FAULT,…", help="drop, garbage, repeat, silent, slow")
    parser.add_argument("--every", default="3", metavar="N", help="misbehave after every N messages (default: 3)")


def run(arguments: argparse.Namespace) -> int:
    """Serve; return 0 at the scenario's end, when it has been read, 130 on Ctrl-C."""
    from eew.feed.wire_format import FORMATS
    from eew.model.system.output import check_folder

    if arguments.format_name not in FORMATS:
        raise InputError(f"one of {', '.join(FORMATS)}", field="--as", value=arguments.format_name)
    for option, over in (("dir", "folder"), ("broker", "mqtt")):
        if getattr(arguments, option) is not None and arguments.over != over:
            raise InputError(f"--over {over} with it", field=f"--{option}", value=getattr(arguments, option))
    if arguments.over == "folder" and arguments.dir is None:
        raise InputError("a folder to write to", field="--dir")
    check_folder(arguments.dir, "--dir")
    if arguments.loop and arguments.speed.strip() == "max":
        raise InputError("a number: without waits a loop would never rest", field="--speed", value="max")
    reports, script, speed = _reports(arguments.scenario), _script(arguments), _speed(arguments.speed)
    return interrupt.run(_serve(arguments, reports, script, speed))


def _reports(scenario: str) -> "tuple[EventReport, ...]":
    from eew.feed.formats.native import load_reports
    from eew.feed.scenario import load_scenario, scenario_path

    if scenario.endswith(".jsonl"):
        return load_reports(scenario)
    return load_scenario(scenario_path(scenario)).reports


def _script(arguments: argparse.Namespace) -> "Script":
    from eew.feed.servers.play import FeedFault, Script

    faults = set()
    for word in (arguments.misbehave or "").split(","):
        if not word.strip():
            continue
        try:
            faults.add(FeedFault(word.strip()))
        except ValueError as error:
            raise InputError(f"some of {', '.join(FeedFault)}", field="--misbehave", value=word) from error
    connected = faults & {FeedFault.DROP, FeedFault.SILENT}
    if connected and arguments.over in {"mqtt", "folder"}:
        word = min(connected)
        raise InputError("--over ws or http: others have no connection of ours", field="--misbehave", value=str(word))
    return Script(faults, whole_number_of(arguments.every, "--every", 1, 1_000_000))


def _speed(text: str) -> float:
    if text.strip() == "max":
        return math.inf
    speed = number_of(text, "--speed", 0.0)
    if speed == 0:
        raise InputError("a number above 0, or max", field="--speed", value=text)
    return speed


async def _serve(
    arguments: argparse.Namespace, reports: "Sequence[EventReport]", script: "Script", speed: float
) -> int:
    from eew.cli.stop import install_stop_signals
    from eew.model.system.cancellation import cancel_and_wait

    told = install_stop_signals()
    async with AsyncExitStack() as stack:
        server = await _started(arguments, reports, stack)
        print(server.url, flush=True)
        playing = asyncio.create_task(_play(arguments, server, reports, script, speed), name="playing")
        stop = asyncio.create_task(told.wait(), name="stop signal")
        try:
            await asyncio.wait({playing, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_over = playing.done()
            await cancel_and_wait(stop, playing)
            with contextlib.suppress(asyncio.CancelledError):
                await playing
    return ExitStatus.DONE if is_over else ExitStatus.INTERRUPTED


async def _started(arguments: argparse.Namespace, reports: "Sequence[EventReport]", stack: AsyncExitStack) -> "Server":
    """Start the server."""
    from eew.feed.servers.folder_writer import FolderServer
    from eew.feed.servers.http_server import HttpServer
    from eew.feed.servers.mqtt_publisher import MqttServer
    from eew.feed.servers.service_behaviour import manner_of
    from eew.feed.servers.websocket_server import WebSocketServer
    from eew.feed.wire_format import FORMATS

    port = whole_number_of(arguments.port, "--port", 0, 65535)
    server: Server
    match arguments.over:
        case "folder":
            server = FolderServer(Path(arguments.dir), FORMATS[arguments.format_name].suffix)
        case "mqtt":
            server = MqttServer(await _topic(arguments, reports, port, stack))
        case "http":
            server = HttpServer(arguments.host, port, manner=manner_of(arguments.format_name))
        case _:
            server = WebSocketServer(arguments.host, port, manner=manner_of(arguments.format_name))
    try:
        return await stack.enter_async_context(server)
    except OSError as error:
        if arguments.over == "folder":
            raise
        raise InputError(f"an address that is free ({error.strerror})", field="--port", value=port) from error


async def _topic(
    arguments: argparse.Namespace, reports: "Sequence[EventReport]", port: int, stack: AsyncExitStack
) -> "Address":
    """Return where to publish; without a broker one is started."""
    from eew.contract import topic
    from eew.feed.transports.address import Address, Via
    from eew.mqtt.embedded import EmbeddedBroker

    url = arguments.broker
    if url is None:
        broker = await stack.enter_async_context(EmbeddedBroker(host=arguments.host, port=port))
        url = str(broker.endpoint)
    if (address := Address.parse(url, option="--broker")).via is not Via.MQTT:
        raise InputError("mqtt(s)://host[:port][/topic]", field="--broker", value=str(address))
    if address.topic == topic.reports("+"):
        address = Address.parse(f"{url.strip().rstrip('/')}/{topic.reports(reports[0].source)}")
    if set(address.topic) & set("+#"):
        raise InputError("a topic without wildcards", field="--broker", value=address.topic)
    return address


async def _play(
    arguments: argparse.Namespace, server: "Server", reports: "Sequence[EventReport]", script: "Script", speed: float
) -> None:
    from eew.feed.servers.play import moved, parts_of, play
    from eew.feed.servers.service_behaviour import manner_of
    from eew.model.clock import SystemClock

    def said(text: str) -> None:
        print(text, flush=True)

    _, left_out = parts_of(reports, arguments.format_name)
    for notice in left_out:
        sys.stderr.write(f"left out: {notice}\n")
    if arguments.over == "http" and manner_of(arguments.format_name).page is not None and not arguments.now:
        sys.stderr.write("note: who asks for the present second finds nothing; with --now the reports are of now\n")
    await server.wanted()
    while True:
        parts, _ = parts_of(moved(reports, datetime.now(UTC)) if arguments.now else reports, arguments.format_name)
        if not parts:
            raise InputError("a format that can say any of the reports", field="--as", value=arguments.format_name)
        await play(
            server,
            parts,
            clock=SystemClock(),
            speed=speed,
            script=script,
            heartbeat=manner_of(arguments.format_name).heartbeat,
            said=said,
        )
        if not arguments.loop:
            return
