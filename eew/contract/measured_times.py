"""Percentiles of latencies and of warning times, as they stand in summaries."""

import msgspec

__all__ = [
    "LatencyPercentiles",
    "LatencyPercentilesByLevel",
    "RunLatency",
    "RunWarning",
    "WarningPercentiles",
    "WarningPercentilesByLevel",
]


class LatencyPercentiles(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles of a latency in milliseconds; null where nothing was measured."""

    #: Half took no longer, ms.
    p50: float | None
    #: 90 % took no longer, ms.
    p90: float | None
    #: 99 % took no longer, ms.
    p99: float | None
    #: 99.9 % took no longer, ms.
    p99_9: float | None
    #: The longest, ms.
    max: float | None


class LatencyPercentilesByLevel(msgspec.Struct, frozen=True, kw_only=True):
    """A latency by the level of the alert."""

    #: Of critical alerts.
    critical: LatencyPercentiles
    #: Of active alerts.
    active: LatencyPercentiles
    #: Of passive alerts.
    passive: LatencyPercentiles


class RunLatency(msgspec.Struct, frozen=True, kw_only=True):
    """Measured latencies, each named by its two ends."""

    #: From the report's reception to the alert handed to the broker.
    report_to_sent: LatencyPercentiles
    #: From there to the device.
    sent_to_device: LatencyPercentiles
    #: From the report's reception to the device.
    report_to_device: LatencyPercentiles
    #: ``report_to_device`` by level.
    by_level: LatencyPercentilesByLevel


class WarningPercentiles(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles of the warning time in seconds: S arrival less delivery; null where nobody's is known."""

    #: 5 % had less, s.
    p5: float | None
    #: Half had less, s.
    p50: float | None
    #: 95 % had less, s.
    p95: float | None


class WarningPercentilesByLevel(msgspec.Struct, frozen=True, kw_only=True):
    """Warning time of the first alert of at least a level."""

    #: Of critical alerts.
    critical: WarningPercentiles
    #: Of at least active alerts.
    active: WarningPercentiles
    #: Of all alerts.
    passive: WarningPercentiles


class RunWarning(WarningPercentiles, frozen=True, kw_only=True):
    """Warning time of each person's first alert of an event; negative after the S wave."""

    #: Of the first alert of at least that level.
    by_level: WarningPercentilesByLevel
