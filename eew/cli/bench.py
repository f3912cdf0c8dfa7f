"""``eew bench``: measure what the dispatcher and its broker can do, one sub-command a question."""

import argparse
import importlib

__all__ = ["configure", "run"]

#: Each is a module of ``eew.bench`` with ``configure(parser)`` and ``run(arguments) -> exit code``.
BENCHES = {
    "dispatch": "report to last device over a real broker, and how near that is to the broker's ceiling",
    "ceiling": "what the broker can do at all: the same packets from memory to receivers that count",
    "order": "what the sending order is worth: who is late in it, and in others (no broker needed)",
    "connections": "every device on a connection of its own: how fast they connect and are notified, what each holds",
    "peers": "the same alerts by loops of aiomqtt, paho-mqtt and gmqtt, and arrivals by obspy.taup, beside ours",
    "scale": "how time and memory grow with devices, those notified and those only registered",
    "year": "the 29 earthquakes of 2020 in China at full speed: alerts, dispatch time, the slowest of them",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    benches = parser.add_subparsers(dest="bench", metavar="BENCH", required=True)
    for name, summary in BENCHES.items():
        module = importlib.import_module(f"eew.bench.{name}")
        module.configure(benches.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + "."))


def run(arguments: argparse.Namespace) -> int:
    """Run one of them; return its exit code."""
    code: int = importlib.import_module(f"eew.bench.{arguments.bench}").run(arguments)
    return code
