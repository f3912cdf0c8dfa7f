"""``eew broker``: the embedded broker in the foreground, until Ctrl-C."""

import argparse
import asyncio

from eew.model.errors import InputError
from eew.model.exit_status import ExitStatus
from eew.model.system import interrupt

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--port", type=int, default=1883, help="MQTT port; 0 for any free one (default: 1883)")
    parser.add_argument(
        "--websocket-port",
        type=int,
        metavar="PORT",
        help="also take MQTT over WebSocket there, below /mqtt, without TLS; 0 for any free port (default: not)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")


def run(arguments: argparse.Namespace) -> int:
    """Run the broker; return 0 when stopped by Ctrl-C or SIGTERM."""
    for option, port in (("--port", arguments.port), ("--websocket-port", arguments.websocket_port)):
        if port is not None and not 0 <= port <= 65535:
            raise InputError("a port from 0 to 65535", field=option, value=port)
    interrupt.run(_serve(arguments.host, arguments.port, arguments.websocket_port))
    return ExitStatus.DONE


async def _serve(host: str, port: int, websocket_port: int | None) -> None:
    """Serve until a signal comes; raise ``BrokerError`` if the server ends before that."""
    from eew.cli.stop import install_stop_signals
    from eew.mqtt.embedded import EmbeddedBroker

    stop = install_stop_signals()
    async with EmbeddedBroker(host=host, port=port, websocket_port=websocket_port) as broker:
        over_websocket = f"; over WebSocket: {broker.websocket_url}" if broker.websocket_url else ""
        print(
            f"broker {broker.endpoint} ({broker.name} {broker.version}) is ready; "
            f"use it with --broker {broker.endpoint}{over_websocket}; Ctrl-C stops it",
            flush=True,
        )
        lost = asyncio.create_task(broker.wait_lost(), name="broker lost")
        told = asyncio.create_task(stop.wait(), name="stop signal")
        done, waiting = await asyncio.wait({lost, told}, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if lost in done:
            lost.result()
