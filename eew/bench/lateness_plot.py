"""Lateness by send rate as an SVG picture: a panel a scenario and level; orders differ in dashes and markers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

__all__ = ["lateness_svg"]

_WIDTH, _HEIGHT = 300, 190
_LEFT, _TOP, _GAP_X, _GAP_Y = 90, 76, 70, 62
_N_STEPS = 4


class _Style(NamedTuple):
    """How an order is drawn; dashes and marker alone tell it apart."""

    colour: str
    dashes: str
    #: A path around the point.
    marker: str


_STYLES = (
    _Style("#0072b2", "", "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z"),
    _Style("#d55e00", "8 4", "m-4 -4h8v8h-8z"),
    _Style("#555555", "2 3", "m0 -5l5 9h-10z"),
    _Style("#009e73", "9 3 2 3", "m0 -5l5 5l-5 5l-5 -5z"),
)
_ROWS = {"critical": ("critical",), "all levels": ("critical", "active", "passive")}


def lateness_svg(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a picture of the rows of ``eew bench order``."""
    scenarios = list(dict.fromkeys(row["scenario"] for row in rows))
    orders = list(dict.fromkeys(row["order"] for row in rows))
    rates_hz = sorted({row["rate_hz"] for row in rows})
    width = max(_LEFT + len(scenarios) * (_WIDTH + _GAP_X), 760)
    height = _TOP + len(_ROWS) * (_HEIGHT + _GAP_Y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        '<g font-family="sans-serif" font-size="12" fill="#222">',
        "<title>Devices late because of the dispatch, by send rate and sending order</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(12, 20, "Devices late because of the dispatch, by send rate and sending order", size=15),
    ]
    for place, (order, style) in enumerate(zip(orders, _STYLES, strict=True)):
        x = 20 + place * 180
        parts += [_path(f"M{x} 40h40", style), _marker(x + 20, 40, style), _text(x + 48, 44, order)]
    for column, scenario in enumerate(scenarios):
        of_scenario = [row for row in rows if row["scenario"] == scenario]
        for line, (title, words) in enumerate(_ROWS.items()):
            late = {
                order: {
                    row["rate_hz"]: sum(row["n_late_by_dispatch"][word] for word in words)
                    for row in of_scenario
                    if row["order"] == order
                }
                for order in orders
            }
            left, top = _LEFT + column * (_WIDTH + _GAP_X), _TOP + line * (_HEIGHT + _GAP_Y)
            parts.append(f'<g transform="translate({left} {top})">')
            parts += _panel(f"{scenario}: {title}", late, rates_hz)
            parts.append("</g>")
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _panel(title: str, late: Mapping[str, Mapping[int, int]], rates_hz: Sequence[int]) -> list[str]:
    """Return one panel with axes; the rate on a logarithmic scale."""
    top = _round_up(max(n for counts in late.values() for n in counts.values()))
    low, span = math.log10(rates_hz[0]), math.log10(rates_hz[-1] / rates_hz[0])
    x_by_rate = {
        rate_hz: 12 + (_WIDTH - 24) * ((math.log10(rate_hz) - low) / span if span else 0.5) for rate_hz in rates_hz
    }
    parts = [_text(0, -8, title, size=13)]
    for step in range(_N_STEPS + 1):
        y = _HEIGHT * (1 - step / _N_STEPS)
        parts.append(f'<path d="M0 {y:.1f}h{_WIDTH}" stroke="#ddd"/>')
        parts.append(_text(-6, y + 4, f"{top * step / _N_STEPS:,.10g}", anchor="end"))
    for rate_hz, x in x_by_rate.items():
        parts.append(f'<path d="M{x:.1f} {_HEIGHT}v5" stroke="#222"/>')
        parts.append(_text(x, _HEIGHT + 18, _short(rate_hz), anchor="middle"))
    parts.append(f'<path d="M0 0V{_HEIGHT}H{_WIDTH}" fill="none" stroke="#222"/>')
    parts.append(_text(_WIDTH / 2, _HEIGHT + 34, "alerts sent a second", anchor="middle"))
    parts.append(f'<text transform="translate(-62 {_HEIGHT / 2}) rotate(-90)" text-anchor="middle">late devices</text>')
    for counts, style in zip(late.values(), _STYLES, strict=True):
        points = [(x_by_rate[rate_hz], _HEIGHT * (1 - n / top)) for rate_hz, n in sorted(counts.items())]
        parts.append(_path("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), style))
        parts += [_marker(x, y, style) for x, y in points]
    return parts


def _round_up(n: int) -> int:
    """Return the next number of one digit and noughts that four steps divide, 4 at least."""
    size = int(10 ** (len(str(n)) - 1))
    tops = (factor * size for factor in (1, 2, 4, 6, 8, 10))
    return next((top for top in tops if top >= n and top % _N_STEPS == 0), _N_STEPS * size)


def _short(rate_hz: int) -> str:
    return f"{rate_hz // 1000:,}k" if rate_hz >= 1000 and rate_hz % 1000 == 0 else f"{rate_hz:,}"


def _text(x: float, y: float, words: str, *, size: int = 12, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{escape(words)}</text>'


def _path(path: str, style: _Style) -> str:
    return f'<path d="{path}" fill="none" stroke="{style.colour}" stroke-width="2" stroke-dasharray="{style.dashes}"/>'


def _marker(x: float, y: float, style: _Style) -> str:
    return f'<path d="M{x:.1f} {y:.1f}{style.marker}" fill="#fff" stroke="{style.colour}" stroke-width="1.5"/>'
