"""A chart as inline SVG, with the same numbers in words below it."""

from datetime import datetime
from math import ceil
from typing import Final

from runner.report.chart import Chart
from runner.report.html.markup import Html, tag
from runner.report.html.pieces import table
from runner.report.words import lasting

_WIDTH, _HEIGHT = 960, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 14, 34
_DAY: Final = 86_400
_TICKS = 6


def drawing(chart: Chart) -> Html:
    """Return the chart with its title and its figures."""
    total, receipts = sum(chart.posted), sum(chart.attached)
    span = lasting(len(chart.posted) * chart.step)
    words = f"{total:,} expenses posted and {receipts:,} receipts attached within {span}, in steps of "
    words += f"{lasting(chart.step)}."
    picture = tag(
        "svg", *_parts(chart), viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=words, class_="chart"
    )
    legend = [tag("span", "expenses posted", class_="key key-posted")]
    if receipts:
        legend.append(tag("span", "receipts attached", class_="key key-receipts"))
    return tag(
        "figure",
        tag("figcaption", tag("b", chart.title), " ", words, " ", *legend),
        picture,
        tag("details", tag("summary", "Figures"), _figures(chart)),
    )


def _parts(chart: Chart) -> list[Html]:
    top = _nice(max((*chart.posted, *chart.attached)))
    wide = (_WIDTH - _LEFT - _RIGHT) / len(chart.posted)
    tall = _HEIGHT - _TOP - _BOTTOM

    def y(value: float) -> float:
        return _TOP + tall * (1 - value / top)

    parts = []
    for number in sorted({0, top // 2, top}) if top > 1 else (0, 1):
        parts.append(
            tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=f"{y(number):.1f}", y2=f"{y(number):.1f}", class_="grid")
        )
        parts.append(tag("text", f"{number:,}", x=_LEFT - 8, y=f"{y(number) + 4:.1f}", class_="tick end"))
    for place, count in enumerate(chart.posted):
        if count:
            gap = min(2.0, wide * 0.2)
            words = f"{_label(chart, place, full=True)}: {count:,} posted, {chart.attached[place]:,} receipts"
            label = tag("title", words)
            parts.append(
                tag("rect", label, x=f"{_LEFT + place * wide + gap / 2:.1f}", y=f"{y(count):.1f}", class_="fill-posted",
                    width=f"{max(wide - gap, 0.8):.1f}", height=f"{max(y(0) - y(count), 1.0):.1f}")
            )  # fmt: skip
    if any(chart.attached):
        points = " ".join(
            f"{_LEFT + (place + 0.5) * wide:.1f},{y(count):.1f}" for place, count in enumerate(chart.attached)
        )
        parts.append(tag("polyline", points=points, class_="line-receipts"))
    return [*parts, *_times(chart, wide)]


def _times(chart: Chart, wide: float) -> list[Html]:
    every = max(1, ceil(len(chart.posted) / _TICKS))
    return [
        tag("text", _label(chart, place, full=False), x=f"{_LEFT + place * wide:.1f}", y=_HEIGHT - 12, class_="tick")
        for place in range(0, len(chart.posted), every)
        # One that would not fit at the right edge says nothing that the others do not.
        if _LEFT + place * wide < _WIDTH - 120
    ]


def _label(chart: Chart, place: int, *, full: bool) -> str:
    return _said(chart.start_of(place), chart.step, full=full)


def _said(start: datetime, step: int, *, full: bool) -> str:
    if step >= _DAY:
        return f"{start:%Y-%m-%d}"
    clock = f"{start:%H:%M}" if step >= 60 else f"{start:%H:%M:%S}"
    return f"{start:%Y-%m-%d} {clock}" if full or step >= _DAY // 24 else clock


def _nice(value: int) -> int:
    """Return a round number that is not below the value, and even where it is halved."""
    size = 1
    while True:
        for factor in (10, 12, 16, 20, 30, 40, 50, 60, 80):
            if size >= 10 or not factor % 10:
                found = size * factor // 10
                if found >= value:
                    return max(1, found)
        size *= 10


def _figures(chart: Chart) -> Html:
    rows = [
        (_label(chart, place, full=True), posted, attached)
        for place, (posted, attached) in enumerate(zip(chart.posted, chart.attached, strict=True))
        if posted or attached
    ]
    return table(f"{chart.title}, in steps of {lasting(chart.step)}", ("From (UTC)", "posted", "receipts"), rows,
                 numbers=(1, 2))  # fmt: skip
