"""The rows of the README's table of figures, each from one kind of measurement; what was not measured has no row."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from eew.bench.ratio import in_words
from eew.model.errors import InputError

__all__ = ["Row", "rows"]

Document = Mapping[str, Any]

_NONE = "–"
_LEVELS = ("critical", "active", "passive")
_PERCENTILES = {"p50": "half within", "p99": "99 % within", "max": "the last"}


class Row(NamedTuple):
    """One line: what was measured, how good it must be, how good it is."""

    figure: str
    bar: str
    measured: str


def rows(benches: Sequence[Document]) -> list[Row]:
    """Return a row a figure, for what is among these measurements.

    Raises
    ------
    InputError
        If a measurement has not the figure that its row is made of.
    """
    found: list[Row] = []
    for bench, of_bench in _ROWS:
        try:
            found += of_bench([each for each in benches if each["bench"] == bench])
        except KeyError as error:
            raise InputError("a figure of this name", field=bench, value=error.args[0]) from error
    return found


def _dispatch(documents: Sequence[Document]) -> Iterator[Row]:
    """Efficiency and time to the last device; of the plainest of them also who was told first, and the cost."""
    documents = sorted(documents, key=_plainness)
    for each in documents:
        settings, ceiling_hz = each["settings"], each["ceiling_a_second"]
        bar = "efficiency ≥ 0.85"
        last_s = f"last device {_time(each['report_to_last_device_s'])} after the report"
        if _is_headline(settings):
            bar += ", aim 0.95; ≤ 4 s where the ceiling is 300 000 a second"
            if settings["devices"] == 10**6:
                last_s += f" (at this ceiling ≤ {_number(4 * 300_000 / ceiling_hz)} s)"
        measured = (
            f"efficiency {_number(each['efficiency'])}{_spread(each, 'efficiency')}: "
            f"{_number(each['alerts_a_second'])} of "
            f"{_number(ceiling_hz)} alerts a second; {last_s}; lost {_count(each['delivery']['lost'])}"
        )
        yield Row(_what(settings), bar if settings["mode"] == "device" else _NONE, measured)
    for each in documents[:1]:
        what, total_ms = _what(each["settings"]), 1000 * each["report_to_last_device_s"]
        if each["first_critical_ms"] is not None:
            yield Row(f"first critical alert on its device: {what}", "≤ 50 ms", _time(each["first_critical_ms"] / 1000))
        if (urgent_ms := each["most_urgent_1pct_ms"]) is not None:
            measured = f"{_time(urgent_ms / 1000)}, {_percent(urgent_ms / total_ms)} of the total"
            yield Row(f"the 1 % most urgent on their devices: {what}", "within 10 % of the total time", measured)
        if each["cpu_us_an_alert"] is not None:
            cost = f"{_number(each['cpu_us_an_alert'])} µs"
            yield Row(f"dispatcher's own processor time an alert: {what}", "≤ 1.2 µs", cost)


def _plainness(document: Document) -> tuple[object, ...]:
    settings = document["settings"]
    plain = {"mode": "device", "qos": 0, "payload": "full", "subscriptions": "wildcard"}
    return (*(settings[name] != value for name, value in plain.items()), -settings["devices"])


def _is_headline(settings: Mapping[str, Any]) -> bool:
    return (settings["mode"], settings["qos"], settings["subscriptions"]) == ("device", 0, "wildcard")


def _what(settings: Mapping[str, Any]) -> str:
    """Return what a load test was run with, in words."""
    subscriptions = {"wildcard": "wildcards", "each": "one subscription a device"}[settings["subscriptions"]]
    payload = "" if settings["payload"] == "full" else f", {settings['payload']} payload"
    how = f", {subscriptions}" if settings["mode"] == "device" else ""
    return f"{_count(settings['devices'])} devices, {settings['mode']} mode, QoS {settings['qos']}{how}{payload}"


def _spread(document: Document, ratio: str) -> str:
    """Return how far the runs lie apart; nothing where that was not written down, as before release 0.2.0."""
    spread = document.get(f"{ratio}_spread")
    return "" if spread is None else f" ({in_words(spread)})"


def _scale(documents: Sequence[Document]) -> Iterator[Row]:
    for each in documents:
        mode, sizes = each["settings"]["mode"], {size["n_devices"]: size for size in each["sizes"]}
        for n, bar in (
            (10**7, "report to last device ≤ 2 s; dispatcher and swarm ≤ 2 GiB"),
            (10**8, "≤ 12 × the time of 10⁷; ≤ 16 GiB"),
        ):
            if mode == "cell" and n in sizes:
                measured = f"{_time(sizes[n]['total_s'])}, {_held(sizes[n])}"
                if n == 10**8 and 10**7 in sizes:
                    measured += f"; {_number(sizes[n]['total_s'] / sizes[10**7]['total_s'])} × the time of 10⁷"
                yield Row(f"{_count(n)} devices, cell mode", bar, measured)
        grown = each["exponent"]
        if grown["all_sizes"] is not None:
            ends = f"{_count(min(sizes))} → {_count(max(sizes))}"
            measured = f"{_number(grown['all_sizes'])}; {_number(grown['largest_two'])} between the largest two sizes"
            yield Row(f"growth of time with affected devices, {mode} mode, {ends}", "exponent ≤ 1.05", measured)
        if each["registered"] is not None:
            cost = _percent(each["registered"]["total_s_share"])
            what = f"a device that is only registered costs, of an affected one, {mode} mode"
            yield Row(what, "< 1 %", cost)


def _held(size: Mapping[str, Any]) -> str:
    """Return what dispatcher and swarm held, where the system tells."""
    if size["dispatcher_bytes"] is None:
        return "memory unknown"
    held = size["dispatcher_bytes"] + size["swarm_bytes"]
    return f"{_memory(held / 2**20)}, with the summary {_memory(size['with_summary_bytes'] / 2**20)}"


def _peers(documents: Sequence[Document]) -> Iterator[Row]:
    for each in documents:
        for group, unit in (("publishing", "alerts"), ("arrivals", "devices")):
            for name, peer in each[group].items():
                # A client that was not installed, or delivered nothing, was not compared with.
                if peer is None or peer["ratio"] is None:
                    continue
                bar = _NONE if peer["aim"] is None else f"≥ {_count(peer['aim'])} ×"
                what = "the same alerts in a loop of" if group == "publishing" else "P and S arrivals against"
                rate = f"{_number(peer[f'{unit}_a_second'])} {unit} a second there"
                yield Row(
                    f"{what} {name} {peer['version']}",
                    bar,
                    f"{_number(peer['ratio'])} ×{_spread(peer, 'ratio')} as fast; {rate}",
                )


def _order(documents: Sequence[Document]) -> Iterator[Row]:
    """Critical alerts that the dispatch makes late at the lowest rate, and how often another order is better."""
    for each in documents:
        for scenario in dict.fromkeys(row["scenario"] for row in each["rows"]):
            late_by_rate: dict[int, dict[str, Mapping[str, int]]] = {}
            for row in each["rows"]:
                if row["scenario"] == scenario:
                    late_by_rate.setdefault(row["rate_hz"], {})[row["order"]] = row["n_late_by_dispatch"]
            rate_hz = min(late_by_rate)
            late = ", ".join(f"{name} {_count(n['critical'])}" for name, n in late_by_rate[rate_hz].items())
            n_better = sum(
                _urgency(n) < _urgency(by_order["optimal"])
                for by_order in late_by_rate.values()
                for n in by_order.values()
            )
            verdict = f"better orders at {len(late_by_rate)} rates: {n_better or 'none'}"
            yield Row(
                f"critical alerts late because of the dispatch, {scenario} at {_count(rate_hz)} a second",
                "no order has fewer critical, then active ones",
                f"{late}; {verdict}",
            )


def _urgency(n_late: Mapping[str, int]) -> tuple[int, ...]:
    """Return counts so that tuples compare as they matter."""
    return tuple(n_late[word] for word in _LEVELS)


def _year(documents: Sequence[Document]) -> Iterator[Row]:
    for each in documents:
        share, worst_s = each["settings"]["share"], each["worst_report_to_last_device_s"]
        reported = each["reported"]
        yield Row(
            f"the year {each['settings']['year']}" + ("" if share == 1 else f", {_percent(share)} of its devices"),
            f"{reported['n_events']} events, ≥ {_count(reported['n_alerts'])} alerts, lost 0",
            f"{_count(each['n_events'])} events, {_count(each['n_alerts'])} alerts, lost "
            f"{_count(each['delivery']['lost'])}; {_time(each['dispatch_s'])} in all, worst report to last device "
            f"{_NONE if worst_s is None else _time(worst_s)}",
        )


def _connections(documents: Sequence[Document]) -> Iterator[Row]:
    for each in documents:
        latency = each["latency_ms"]["report_to_device"]
        held = (f"{name} {_memory(n / 2**20)}" for name, n in each["bytes_a_connection"].items() if n is not None)
        told = ", ".join(f"{name} {_time(latency[key] / 1000)}" for key, name in _PERCENTILES.items())
        yield Row(
            f"{_count(each['settings']['connections'])} devices, each with a connection of its own",
            _NONE,
            f"{_number(each['connections_a_second'])} connect a second; report to device {told}; a connection holds "
            f"{', '.join(held) or 'an unknown amount of memory'}; lost {_count(each['delivery']['lost'])}",
        )


def _kernels(documents: Sequence[Document]) -> Iterator[Row]:
    """Of each kernel the largest size."""
    for each in documents:
        largest: dict[str, Document] = {}
        for kernel in sorted(each["kernels"], key=lambda kernel: (kernel["kernel"], kernel["n"])):
            largest[kernel["kernel"]] = kernel
        for name, kernel in largest.items():
            rate = f"{_number(kernel['alerts_a_second'])} a second"
            yield Row(f"one process: {name}; {_count(kernel['n'])} at once", _NONE, rate)


#: In the order of the table.
_ROWS: Sequence[tuple[str, Callable[[Sequence[Document]], Iterator[Row]]]] = (
    ("dispatch", _dispatch),
    ("scale", _scale),
    ("peers", _peers),
    ("order", _order),
    ("year", _year),
    ("connections", _connections),
    ("kernels", _kernels),
)


def _count(n: int) -> str:
    """Return a whole number in groups of three; from 10⁴ on, a power of ten as one."""
    digits = str(n)
    if n >= 10**4 and digits.strip("0") == "1":
        return "10" + str(len(digits) - 1).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{n:,}".replace(",", " ")


def _number(value: float) -> str:
    """Return a measured number to three digits."""
    if value == 0:
        return "0"
    n_decimals = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, n_decimals):,.{max(n_decimals, 0)}f}".replace(",", " ")


def _time(duration_s: float) -> str:
    return f"{_number(duration_s)} s" if duration_s >= 1 else f"{_number(1000 * duration_s)} ms"


def _percent(share: float) -> str:
    return f"{_number(100 * share)} %"


def _memory(mib: float) -> str:
    if mib < 1:
        return f"{_number(1024 * mib)} KiB"
    return f"{_number(mib)} MiB" if mib < 1024 else f"{_number(mib / 1024)} GiB"
