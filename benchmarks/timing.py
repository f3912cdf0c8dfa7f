"""Time a call several times, and note in a benchmark's JSON how much it did a second."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

__all__ = ["Timed", "note", "timed", "where"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timed(Generic[T]):
    """What a call returned last, and how long each took."""

    result: T
    seconds: list[float]
    #: Of all threads of this process: what other processes do hardly counts.
    cpu_seconds: list[float]

    def __str__(self) -> str:
        """Return the spread in words."""
        return (
            f"median {statistics.median(self.seconds):.3f} s, best {min(self.seconds):.3f} s, worst "
            f"{max(self.seconds):.3f} s of {len(self.seconds)}, {statistics.median(self.cpu_seconds):.3f} s of "
            "processor time"
        )


def timed(call: Callable[[], T], n_rounds: int) -> Timed[T]:
    """Call ``n_rounds`` times, at least once."""
    seconds, cpu_seconds = [], []
    for _ in range(n_rounds):
        start_s, cpu_start_s = time.perf_counter(), time.process_time()
        result = call()
        seconds.append(time.perf_counter() - start_s)
        cpu_seconds.append(time.process_time() - cpu_start_s)
    return Timed(result, seconds, cpu_seconds)


def where() -> str:
    """Return what a script's figures were measured on."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}"


def note(benchmark: BenchmarkFixture, kernel: str, n: int, **facts: object) -> None:
    """Write into the benchmark's JSON what was done, to how many, and how many that is a second (median)."""
    benchmark.extra_info |= {"kernel": kernel, "n": n, **facts}
    # There are no figures where benchmarks run only for their assertions.
    if benchmark.stats is not None:
        benchmark.extra_info["alerts_a_second"] = round(n / benchmark.stats.stats.median)
