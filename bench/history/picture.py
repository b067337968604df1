"""One small picture per series: runs with their intervals, levels, and marks where something changed.

Written as SVG by hand, not drawn by matplotlib: a page has one for each loop and setting, and takes a second in all.
One unit is one CSS pixel at the width of a phone; wider screens show several side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, exp, floor, isfinite, log10

from bench.history import words
from bench.history.events import Judged
from bench.text import display_name

WIDTH, HEIGHT = 288, 186
_LEFT, _RIGHT, _TOP, _BELOW = 50.0, 8.0, 44.0, 30.0
_LETTER = 8.2
"""Width of a letter at that size, at most."""
_ROW = 18.0
_MOST_MARKS = 112
"""Two pixels each; of more runs, several share one."""
_TWO_SIDED = 1.96


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mark:
    """One run, or several side by side."""

    start: int
    stop: int
    middle: float
    low: float
    high: float


def draw(judged: Judged, *, addresses: Mapping[str, str]) -> str:
    """Return the picture as an SVG that takes colours and font from the page.

    Args:
        judged: What to draw.
        addresses: Run -> address of its page, where it has one.
    """
    marks = _marks(judged)
    values = [value for mark in marks for value in (mark.low, mark.high)]
    low, high = min(values), max(values)
    room = max(high - low, 0.04 * high) * 0.06
    scale = _Scale(low=low - room, high=max(high, low * 1.04) + room, count=len(judged.series.points))
    parts = [
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{escape(sentence(judged))}">',
        *_axes(judged, scale=scale),
        *_runs(judged, marks, scale=scale, addresses=addresses),
        *_levels(judged, scale=scale),
        *_changes(judged, scale=scale),
        "</svg>",
    ]
    return "\n".join(parts)


def sentence(judged: Judged) -> str:
    """Return what the picture shows, for those who do not see it."""
    said = [words.event_text(judged, event) for event in judged.events]
    level = f"{words.level_text(judged)} milliseconds a step in the last runs"
    runs = words.runs(len(judged.series.points))
    return f"{display_name(judged.series.loop)}, {runs}: {'; '.join([*said, level])}."


def caption(judged: Judged) -> str:
    """Return what a mark stands for."""
    per_mark = ceil(len(judged.series.points) / _MOST_MARKS)
    if per_mark == 1:
        return "A mark is a run, its bar the 95 % interval."
    return f"A mark is {per_mark} runs side by side, its bar holds nine in ten of them."


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scale:
    """From milliseconds and places to pixels."""

    low: float
    high: float
    count: int

    def x(self, place: float) -> float:
        """Return where a run stands; half a run is left free on either side."""
        return _LEFT + (place + 0.5) / self.count * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Return the height of a value."""
        return _TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - _TOP - _BELOW)


def _marks(judged: Judged) -> list[_Mark]:
    """Return the marks of a series, in milliseconds."""
    points, unit = judged.series.points, 1e3 * judged.series.unit_seconds
    per_mark = ceil(len(points) / _MOST_MARKS)
    marks = []
    for start in range(0, len(points), per_mark):
        part = points[start : start + per_mark]
        values = sorted(point.value * unit for point in part)
        middle = sum(values) / len(values)
        if per_mark == 1:
            reach = exp(_TWO_SIDED * part[0].error) if isfinite(part[0].error) else 1.0
            low, high = middle / min(reach, 2.0), middle * min(reach, 2.0)
        else:
            low, high = values[floor(0.05 * len(values))], values[ceil(0.95 * len(values)) - 1]
        marks.append(_Mark(start=start, stop=start + len(part), middle=middle, low=low, high=high))
    return marks


def _axes(judged: Judged, *, scale: _Scale) -> list[str]:
    """Return lines at round numbers, the first day and the last one."""
    parts = []
    for value in _round_numbers(scale.low, scale.high):
        y = scale.y(float(value.replace(",", "")))
        parts.append(
            f'<path d="M{_LEFT:g} {y:.1f}H{WIDTH - _RIGHT:g}" stroke="var(--band)"/>'
            f'<text x="{_LEFT - 6:g}" y="{y + 5:.1f}" text-anchor="end">{value}</text>'
        )
    first, last = (point.started for point in (judged.series.points[0], judged.series.points[-1]))
    baseline = HEIGHT - 8
    if first.date() != last.date():
        parts.append(f'<text x="{_LEFT:g}" y="{baseline}">{first:%Y-%m-%d}</text>')
    parts.append(f'<text x="{WIDTH - _RIGHT:g}" y="{baseline}" text-anchor="end">{last:%Y-%m-%d}</text>')
    return parts


def _round_numbers(low: float, high: float) -> list[str]:
    """Return one to four round numbers between two bounds, alike in their decimals."""
    finest = floor(log10(high - low)) - 1
    for power in range(3):
        for lead in (1, 2, 5):
            step = lead * 10.0 ** (finest + power)
            numbers = [number * step for number in range(ceil(low / step), floor(high / step) + 1)]
            if len(numbers) <= 4:  # noqa: PLR2004 - labels
                return [f"{number:,.{max(0, -floor(log10(step) + 1e-9))}f}" for number in numbers]
    return []


def _runs(judged: Judged, marks: Sequence[_Mark], *, scale: _Scale, addresses: Mapping[str, str]) -> list[str]:
    """Return bars and dots; a dot leads to the page of its run."""
    places = [(scale.x((mark.start + mark.stop - 1) / 2.0), mark) for mark in marks]
    bars = "".join(f"M{x:.1f} {scale.y(mark.high):.1f}V{scale.y(mark.low):.1f}" for x, mark in places)
    parts = [f'<path d="{bars}" stroke="var(--muted)" stroke-opacity=".45"/>']
    bare = ""
    points = judged.series.points
    for x, mark in places:
        run = points[mark.stop - 1].run
        dot = f"M{x:.1f} {scale.y(mark.middle):.1f}h0"
        if run in addresses and mark.stop - mark.start == 1:
            label = escape(f"{display_name(run)}, {points[mark.start].started:%Y-%m-%d}")
            parts.append(f'<a href="{escape(addresses[run])}" aria-label="{label}"><path class="dot" d="{dot}"/></a>')
        else:
            bare += dot
    return [*parts, f'<path class="dot" d="{bare}"/>'] if bare else parts


def _levels(judged: Judged, *, scale: _Scale) -> list[str]:
    """Return a line for each level, and one for each creep."""
    unit = 1e3 * judged.series.unit_seconds
    creeping = [(event.earliest, event.latest) for event in judged.events if event.per_run is not None]
    path = ""
    for level in judged.levels:
        if not any(start <= level.start and level.stop - 1 <= stop for start, stop in creeping):
            y = scale.y(level.typical.estimate * unit)
            path += f"M{scale.x(level.start - 0.4):.1f} {y:.1f}H{scale.x(level.stop - 0.6):.1f}"
    for start, stop in creeping:
        before = next(level for level in judged.levels if level.start <= start < level.stop).typical.estimate * unit
        event = next(one for one in judged.events if (one.earliest, one.latest) == (start, stop))
        after = before * event.ratio.estimate
        path += f"M{scale.x(start):.1f} {scale.y(before):.1f}L{scale.x(stop):.1f} {scale.y(after):.1f}"
    return [f'<path d="{path}" stroke="var(--ink)" stroke-width="2" fill="none"/>'] if path else []


def _changes(judged: Judged, *, scale: _Scale) -> list[str]:
    """Return a line at each change and, where there is room, its size; a dotted line at each break."""
    parts = []
    for broken in judged.breaks:
        x = scale.x(broken.place - 0.5)
        parts.append(f'<path d="M{x:.1f} {_TOP:g}V{HEIGHT - _BELOW:g}" stroke="var(--muted)" stroke-dasharray="2 3"/>')
    taken: list[tuple[int, float, float]] = []
    # The newest first: where there is no room for all sizes, they are what people come for.
    for event in reversed(judged.events):
        x = scale.x(event.place - 0.5)
        colour = f"var(--{words.direction(event.ratio)})"
        line = f'<path d="M{x:.1f} {_TOP - 2:g}V{HEIGHT - _BELOW:g}" stroke="{colour}" stroke-dasharray="5 3"/>'
        size = words.signed(event.ratio.estimate)
        half = len(size) * _LETTER / 2.0
        middle = min(max(x, half), WIDTH - half)
        row = next((row for row in (0, 1) if _free(taken, row=row, low=middle - half, high=middle + half)), None)
        parts.append(line)
        if row is not None:
            taken.append((row, middle - half, middle + half))
            y = _TOP - 7.0 - _ROW * row
            parts.append(f'<text x="{middle:.1f}" y="{y:g}" text-anchor="middle" style="fill: {colour}">{size}</text>')
    return parts


def _free(taken: Sequence[tuple[int, float, float]], *, row: int, low: float, high: float) -> bool:
    """Whether nothing stands there yet."""
    return all(other != row or high + _LETTER < start or stop + _LETTER < low for other, start, stop in taken)
