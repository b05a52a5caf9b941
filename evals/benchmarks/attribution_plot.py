"""Accuracy against cost, as an SVG: one point a method, calls on the left, tokens right."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from evals.benchmarks.attribution_targets import SUBJECT, Methods
from evals.benchmarks.intervals import Figure

WIDTH, HEIGHT = 820, 400
_TOP, _LOW, _PANEL, _LEFT, _GAP = 84, 340, 330, 62, 70
_INK, _MUTED, _GRID, _OTHER, _ACCENT = "#1a1a1a", "#5f6368", "#e3e5e8", "#6b7785", "#0b66c3"
_ROW = 15  # px between labels that would overlap

_Scale = Callable[[float], float]  # from a cost to its place


@dataclass(frozen=True, slots=True)
class _Point:
    method: str
    accuracy: Figure
    cost: Figure


def accuracy_against_cost(methods: Methods, subtitle: str) -> str:
    """Return the SVG; `methods` are figures by method (`evals.benchmarks.attribution`).

    Mean cost a failure grows to the right on a logarithmic scale that begins at 0; bars are
    95% intervals. Methods without single faults are left out.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title" '
        'font-family="system-ui, sans-serif" font-size="12">',
        '<title id="title">Operation accuracy against cost, by attribution method</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(
            _LEFT, 28, "Right operation named, against what a failure costs", 17, _INK, bold=True
        ),
        _text(_LEFT, 48, subtitle, 12, _MUTED),
    ]
    for number, (cost, unit) in enumerate((("calls_mean", "calls"), ("tokens_mean", "tokens"))):
        points = [
            _Point(name, found["operation_accuracy"], found[cost])
            for name, found in methods.items()
            if found["operation_accuracy"].value is not None and found[cost].value is not None
        ]
        parts += _panel(
            points, _LEFT + number * (_PANEL + _GAP), f"mean {unit} a failure (logarithmic)"
        )
    return "\n".join([*parts, "</svg>", ""])


def _panel(points: Sequence[_Point], left: float, title: str) -> list[str]:
    greatest = max((p.cost.high or p.cost.value or 0.0 for p in points), default=0.0)
    ticks = _ticks(greatest)
    reach = math.log1p(max(greatest * 1.15, ticks[-1]))

    def x(cost: float) -> float:
        return left + 8 + (_PANEL - 16) * math.log1p(max(cost, 0.0)) / reach

    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(_line(left, _y(share), left + _PANEL, _y(share), _GRID))
        parts.append(_text(left - 8, _y(share) + 4, f"{share:g}", 12, _MUTED, "end"))
    for tick in ticks:
        parts.append(_line(x(tick), _LOW, x(tick), _LOW + 4, _MUTED))
        parts.append(_text(x(tick), _LOW + 18, _amount(tick), 12, _MUTED, "middle"))
    parts.append(_text(left + _PANEL / 2, _LOW + 40, title, 12, _INK, "middle"))
    for point in points:
        parts += _mark(point, x)
    return parts + _labels(points, x, left)


def _mark(point: _Point, x: _Scale) -> list[str]:
    assert point.accuracy.value is not None
    assert point.cost.value is not None
    colour = _ACCENT if point.method == SUBJECT else _OTHER
    at, height = x(point.cost.value), _y(point.accuracy.value)
    parts = []
    if point.accuracy.low is not None and point.accuracy.high is not None:
        parts.append(_line(at, _y(point.accuracy.low), at, _y(point.accuracy.high), colour, 1.5))
    if point.cost.low is not None and point.cost.high is not None:
        parts.append(_line(x(point.cost.low), height, x(point.cost.high), height, colour, 1.5))
    parts.append(f'<circle cx="{at:.1f}" cy="{height:.1f}" r="4.5" fill="{colour}"/>')
    return parts


def _labels(points: Sequence[_Point], x: _Scale, left: float) -> list[str]:
    """Return the methods' names beside their points, moved apart where they would overlap."""
    parts, taken = [], list[tuple[float, float, float]]()
    for point in sorted(points, key=lambda p: -(p.accuracy.value or 0.0)):
        at, height = x(point.cost.value or 0.0), _y(point.accuracy.value or 0.0) - 7
        width = 7 * len(point.method)
        outside = at + 8 + width > left + _PANEL + _GAP / 2
        start, end = (at - 8 - width, at - 8) if outside else (at + 8, at + 8 + width)
        while any(abs(height - h) < _ROW and start < e and s < end for s, e, h in taken):
            height += _ROW
        taken.append((start, end, height))
        colour = _ACCENT if point.method == SUBJECT else _INK
        anchor = "end" if outside else "start"
        parts.append(_text(end if outside else start, height, point.method, 12, colour, anchor))
    return parts


def _ticks(greatest: float) -> list[float]:
    """Return 0 and round numbers up to the greatest cost: every third of a decade at most."""
    found, step = [0.0], 1.0
    many = greatest > 300
    while step <= max(greatest, 1.0):
        found += [step] if many else [step, 3 * step] if 3 * step <= greatest else [step]
        step *= 10
    return found


def _amount(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _y(share: float) -> float:
    return _LOW - (_LOW - _TOP) * share


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width:g}"/>'
    )


def _text(
    x: float, y: float, text: str, size: int, colour: str, anchor: str = "start",
    bold: bool = False,
) -> str:  # fmt: skip
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" '
        f'text-anchor="{anchor}"{weight}>{escape(text)}</text>'
    )
