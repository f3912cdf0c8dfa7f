"""The figures of a running daemon, and Prometheus' way of asking for them."""

import copy
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIServer

import numpy as np
import numpy.typing as npt

from eew.model.errors import InputError
from eew.model.records import Level
from eew.model.system.extras import require

if TYPE_CHECKING:
    from prometheus_client import Metric

__all__ = ["FeedFigures", "Figures", "MetricsServer", "Spread"]

#: Upper bounds of the spans from a report to its alerts, s.
_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(slots=True)
class Spread:
    """How often a span of time was how long."""

    #: One more than there are bounds.
    n: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS_S) + 1))
    sum_s: float = 0.0

    def add(self, span_s: float) -> None:
        """Count one."""
        self.n[bisect_left(_BOUNDS_S, span_s)] += 1
        self.sum_s += span_s

    def buckets(self) -> list[tuple[str, float]]:
        """Return how many were at most as long as each bound."""
        totals = np.cumsum(self.n).tolist()
        return [(str(bound), total) for bound, total in zip((*_BOUNDS_S, "+Inf"), totals, strict=True)]


@dataclass(frozen=True, slots=True)
class FeedFigures:
    """How one feed is."""

    is_up: bool
    is_silent: bool
    #: By what became of a message.
    n_by_outcome: Mapping[str, int]


@dataclass(slots=True)
class Figures:
    """All figures; the counters only grow."""

    #: By feed and verdict.
    n_reports: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: By level and outcome.
    n_alerts: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: From a report to its first and its last alert, handed over to the broker.
    first_s: Spread = field(default_factory=Spread)
    last_s: Spread = field(default_factory=Spread)
    n_waiting: int = 0
    rate_hz: float = 0.0
    feeds: dict[str, FeedFigures] = field(default_factory=dict)
    is_connected: bool = False
    n_reconnects: int = 0
    n_journal_failures: int = 0
    resident_bytes: int = 0

    def alerts(self, n_by_outcome: Mapping[str, npt.NDArray[np.intp]]) -> None:
        """Count alerts, for each outcome by the code of their level."""
        for outcome, n_by_level in n_by_outcome.items():
            for level in (Level.CRITICAL, Level.ACTIVE, Level.PASSIVE):
                self.n_alerts[level.word, outcome] += int(n_by_level[level])


class MetricsServer:
    """Answers on 127.0.0.1, from a thread, with the figures it was shown last.

    Parameters
    ----------
    port
        0 for any free one.

    Raises
    ------
    InputError
        If the library is not installed, or the port is taken.
    """

    def __init__(self, port: int) -> None:
        require("feeds", "prometheus_client", field="metrics_port", value=port)
        from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

        self._shown = Figures()
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(self)
        try:
            server, thread = start_http_server(port, "127.0.0.1", registry)
        except OSError as error:
            raise InputError("a free port", field="metrics_port", value=f"{port}: {error.strerror}") from error
        self._server: WSGIServer = server
        self._thread: threading.Thread = thread
        self.port: int = server.server_port

    def show(self, figures: Figures) -> None:
        """Answer with these figures from now on."""
        self._shown = copy.deepcopy(figures)

    def close(self) -> None:
        """Stop answering; takes up to half a second."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def collect(self) -> Iterator["Metric"]:
        """Yield the figures as Prometheus' library wants them."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        shown = self._shown
        reports = CounterMetricFamily("eew_reports", "Reports judged, by feed and verdict", labels=("feed", "verdict"))
        for (feed, verdict), n in shown.n_reports.items():
            reports.add_metric((feed, verdict), n)
        yield reports
        alerts = CounterMetricFamily("eew_alerts", "Alerts, by level and outcome", labels=("level", "outcome"))
        for (level, outcome), n in shown.n_alerts.items():
            alerts.add_metric((level, outcome), n)
        yield alerts
        messages = CounterMetricFamily("eew_feed_messages", "Messages, by feed and outcome", labels=("feed", "outcome"))
        up = GaugeMetricFamily("eew_feed_up", "1 while connected", labels=("feed",))
        silent = GaugeMetricFamily("eew_feed_silent", "1 while nothing was heard for too long", labels=("feed",))
        for name, feed_figures in shown.feeds.items():
            up.add_metric((name,), feed_figures.is_up)
            silent.add_metric((name,), feed_figures.is_silent)
            for outcome, n in feed_figures.n_by_outcome.items():
                messages.add_metric((name, outcome), n)
        yield from (messages, up, silent)
        for which, spread in (("first", shown.first_s), ("last", shown.last_s)):
            yield HistogramMetricFamily(
                f"eew_report_to_{which}_alert_seconds",
                f"From a report to its {which} alert handed over to the broker",
                buckets=spread.buckets(),
                sum_value=spread.sum_s,
            )
        yield GaugeMetricFamily("eew_alerts_waiting", "Alerts planned and not yet handed over", value=shown.n_waiting)
        yield GaugeMetricFamily("eew_send_rate_hertz", "Alerts a second while sending", value=shown.rate_hz)
        yield GaugeMetricFamily("eew_broker_connected", "1 while connected to the broker", value=shown.is_connected)
        yield CounterMetricFamily("eew_broker_reconnects", "Connections made again", value=shown.n_reconnects)
        yield CounterMetricFamily("eew_journal_failures", "Failed writes", value=shown.n_journal_failures)
        yield GaugeMetricFamily("eew_held_bytes", "Memory that no file backs", value=shown.resident_bytes)
