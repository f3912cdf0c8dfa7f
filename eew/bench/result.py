"""What a measurement leaves behind: one JSON document with the same head for every bench."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from eew.bench.machine import machine_facts
from eew.bench.ratio import Ratio
from eew.dispatch.loss import say_lost
from eew.model.errors import InputError
from eew.model.system.output import write_file

__all__ = ["DeliveryTally", "document", "medians", "write"]


class DeliveryTally(dict[str, int]):
    """How many alerts were expected, delivered, lost and duplicated, over all runs.

    Parameters
    ----------
    parts
        Mappings with at least these names, such as a run summary's ``delivery``.
    """

    def __init__(self, parts: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(
            {name: sum(each[name] for each in parts) for name in ("expected", "delivered", "lost", "duplicated")}
        )

    def say_lost(self) -> bool:
        """Say on standard error that alerts were lost, if any were; return whether."""
        return say_lost("bench", self["expected"], {"lost": self["lost"]})

    def __str__(self) -> str:
        """Return the conservation line."""
        return (
            f"delivery   expected {self['expected']:,} = delivered {self['delivered']:,} + lost {self['lost']:,}; "
            f"duplicated {self['duplicated']:,}"
        )


def document(
    bench: str,
    *,
    efficiency: Ratio | float | None,
    broker: Mapping[str, str] | None,
    delivery: Mapping[str, int],
    seed: int,
    settings: Mapping[str, Any],
    figures: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a measurement as one JSON document.

    Parameters
    ----------
    bench
        Name of the sub-command.
    efficiency
        Share of what the broker can do at all; ``None`` where there is nothing to be efficient at. Of one that was
        measured, the spread stands beside it.
    broker
        ``name``, ``version``, ``url`` and ``mqtt_version``, in which alerts were published; ``None`` without one.
    delivery
        As in ``DeliveryTally``.
    seed, settings
        What the measurement can be repeated with.
    figures
        All else, at the top level.
    """
    value = efficiency.median if isinstance(efficiency, Ratio) else efficiency
    head = {
        "bench": bench,
        "efficiency": None if value is None else round(value, 4),
        "efficiency_spread": efficiency.spread() if isinstance(efficiency, Ratio) else None,
        "delivery": dict(delivery),
        "broker": None if broker is None else dict(broker),
    }
    return head | machine_facts() | {"seed": seed, "settings": dict(settings)} | dict(figures)


def write(result: Mapping[str, Any], path: Path | None) -> None:
    """Write a document, where a path was given.

    Raises
    ------
    InputError
        If it cannot be written there.
    """
    if path is None:
        return
    try:
        write_file(path, json.dumps(result, ensure_ascii=False, indent=1, default=msgspec.to_builtins) + "\n")
    except OSError as error:
        raise InputError("a file that can be written", file=path, field="--json", value=error.strerror) from error


def medians(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the median over runs of every number in equally shaped figures; ``None`` where any run has none."""
    return {name: _median([each[name] for each in runs]) for name in runs[0]}


def _median(values: Sequence[Any]) -> Any:  # noqa: ANN401 - a number, nothing, or figures again
    if isinstance(values[0], Mapping):
        return medians(values)
    return None if None in values else statistics.median(values)
