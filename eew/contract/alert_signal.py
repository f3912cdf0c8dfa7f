"""How a device makes an alert felt, seen and followed without its text: for who does not hear, or does not read.

An alert carries it; a compact one leaves it to the device, which finds it here by the level.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import msgspec

from eew.model.report import ReportKind

__all__ = ["INSTRUCTIONS", "AlertLevel", "Instruction", "Signal", "level_members", "signal_of"]

AlertLevel = Literal["critical", "active", "passive"]
#: What to do now, as a code that help cards spell out in words.
Instruction = Literal["drop_cover_hold", "take_care", "be_aware", "all_clear"]
INSTRUCTIONS: tuple[Instruction, ...] = get_args(Instruction)


@dataclass(frozen=True, slots=True)
class Signal:
    """How a device draws attention."""

    instruction: Instruction
    #: Vibrate and rest in turn, ms; empty: not at all. Two long, two short, and one short for relief.
    vibration_ms: tuple[int, ...]
    #: Flash the screen and the lamp, less than three times a second: that is safe for who is prone to seizures [WCAG].
    is_flashing: bool


_BY_LEVEL: Mapping[AlertLevel, Signal] = {
    "critical": Signal("drop_cover_hold", (900, 300, 900), is_flashing=True),
    "active": Signal("take_care", (300, 300, 300), is_flashing=False),
    "passive": Signal("be_aware", (), is_flashing=False),
}
_ALL_CLEAR = Signal("all_clear", (300,), is_flashing=False)


def signal_of(level: AlertLevel, kind: ReportKind) -> Signal:
    """Return how an alert of a level is made felt; a cancel, whatever its level, is a short relief."""
    return _ALL_CLEAR if kind is ReportKind.CANCEL else _BY_LEVEL[level]


def level_members(level: AlertLevel, kind: ReportKind, *, is_compact: bool) -> bytes:
    """Return the JSON text of a level and of what follows from it, from the value of ``level`` to the last comma."""
    text = msgspec.json.encode(level) + b","
    if is_compact:
        return text
    signal = signal_of(level, kind)
    members = {
        "instruction": signal.instruction,
        "is_flashing": signal.is_flashing,
        "vibration_ms": signal.vibration_ms,
    }
    return text + msgspec.json.encode(members)[1:-1] + b","
