"""Limits that a user sets on the figures of a run: ``--fail-if 'p99>500ms'``.

::

    limit      = figure comparison value
    figure     = p50 | p90 | p99 | p99.9 | max | lost | duplicated | late | rate
    comparison = > | >= | < | <=
    value      = number unit
    unit       = us | ms | s (of a latency) | /s (of the rate) | nothing (of a count)
    number     = digits [ . digits ]

Spaces may stand between the parts. A limit is broken when what it says is so, and also when there is nothing to
measure it by: a run in which nothing arrived has not passed.
"""

import argparse
import operator
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from eew.model.errors import InputError

if TYPE_CHECKING:
    from eew.contract.run_summary import LimitJudgement

__all__ = ["FIGURES", "Limit", "add_fail_if", "figures_of", "judged", "parse_limit", "parse_limits", "say_broken"]

_OPTION: Final = "--fail-if"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What kind of figure: its units, as parts of the one it is measured in, how that is shown, and an example."""

    units: Mapping[str, float]
    shown: str
    example: str


_LATENCY: Final = _Kind({"us": 0.001, "ms": 1.0, "s": 1000.0}, " ms", ">500ms")
_COUNT: Final = _Kind({"": 1.0}, "", ">0")
_RATE: Final = _Kind({"/s": 1.0}, "/s", "<1000/s")
FIGURES: Final[Mapping[str, _Kind]] = {
    "p50": _LATENCY,
    "p90": _LATENCY,
    "p99": _LATENCY,
    "p99.9": _LATENCY,
    "max": _LATENCY,
    "lost": _COUNT,
    "duplicated": _COUNT,
    "late": _COUNT,
    "rate": _RATE,
}
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_FORM: Final = re.compile(r"\s*([A-Za-z0-9.]*?)\s*(>=|<=|>|<)\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z/%]*)\s*", re.ASCII)
#: A greater number is no figure of ours, and a slip.
_MOST_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class Limit:
    """When a run has failed."""

    figure: str
    comparison: str
    #: In what the figure is measured in: ms, alerts, alerts a second.
    value: float
    #: As the user wrote it.
    text: str

    def is_broken(self, measured: float | None) -> bool:
        """Whether what the limit says is so; also where nothing was measured."""
        return measured is None or _COMPARISONS[self.comparison](measured, self.value)


def add_fail_if(parser: argparse.ArgumentParser, figures: Collection[str] = FIGURES) -> None:
    """Add the option, which may be given several times."""
    parser.add_argument(
        _OPTION,
        action="append",
        default=[],
        metavar="LIMIT",
        help=f"exit 1 if so, as in 'p99>500ms' or 'lost>0'; may be repeated; of {', '.join(figures)}",
    )


def parse_limits(texts: Sequence[str], figures: Collection[str] = FIGURES) -> tuple[Limit, ...]:
    """Read limits; see ``parse_limit``."""
    return tuple(parse_limit(text, figures) for text in texts)


def parse_limit(text: str, figures: Collection[str] = FIGURES) -> Limit:
    """Read one limit.

    Parameters
    ----------
    text
        As the module says.
    figures
        Those that the command has.

    Raises
    ------
    InputError
        If it is none; says what there is.
    """
    found = _FORM.fullmatch(text)
    if found is None or len(found[3]) > _MOST_DIGITS:
        known = ", ".join(figures)
        first = next(iter(figures))
        example = f"{first}{FIGURES[first].example}"
        raise InputError(
            f"a figure ({known}), one of > >= < <=, and a value with its unit, such as {example}",
            field=_OPTION,
            value=text,
        )
    figure, comparison, number, unit = found.groups()
    if figure not in figures:
        raise InputError(f"one of the figures {', '.join(figures)}", field=_OPTION, value=text)
    kind = FIGURES[figure]
    if unit not in kind.units:
        expected = "a number without a unit" if "" in kind.units else f"a value in {' or '.join(kind.units)}"
        raise InputError(f"{expected}, such as {figure}{kind.example}", field=_OPTION, value=text)
    return Limit(figure, comparison, float(number) * kind.units[unit], text)


def figures_of(
    latency_ms: Mapping[str, float | None],
    delivery: Mapping[str, int],
    n_late: int | None = None,
    rate_hz: float | None = None,
) -> dict[str, float | None]:
    """Return what limits are judged by.

    Parameters
    ----------
    latency_ms
        ``p50``, ``p90``, ``p99``, ``p99_9`` and ``max``, from the report's issue to the device.
    delivery
        ``lost`` and ``duplicated``.
    n_late
        How many had their alert after the S wave, because of the dispatch.
    rate_hz
        Alerts a second.
    """
    return {
        **{name.replace("_", "."): value for name, value in latency_ms.items()},
        "lost": delivery["lost"],
        "duplicated": delivery["duplicated"],
        "late": n_late,
        "rate": rate_hz,
    }


def judged(limits: Sequence[Limit], figures: Mapping[str, float | None]) -> "list[LimitJudgement]":
    """Return each limit with what was measured, as it stands in a summary."""
    from eew.contract.run_summary import LimitJudgement

    return [
        LimitJudgement(
            limit=limit.text.strip(),
            figure=limit.figure,
            measured=figures.get(limit.figure),
            is_broken=limit.is_broken(figures.get(limit.figure)),
        )
        for limit in limits
    ]


def say_broken(command: str, judgements: "Sequence[LimitJudgement]") -> bool:
    """Say on standard error, in a line each, which limits are broken; return whether any is."""
    for each in judgements:
        if each.is_broken:
            measured = _in_words(each.figure, each.measured)
            sys.stderr.write(f"eew {command}: {_OPTION} '{each.limit}': {each.figure} was {measured}\n")
    return any(each.is_broken for each in judgements)


def _in_words(figure: str, measured: float | None) -> str:
    if measured is None:
        return "not measured: nothing arrived"
    return f"{measured:,.15g}{FIGURES[figure].shown}"
