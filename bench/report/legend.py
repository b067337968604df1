"""Names of lines: at their ends where there is room, else below the axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.report import canvas
from bench.report.canvas import Frame

_ROW, _WIDTH, _LEADER = 26.0, 304.0, 30.0
"""Height of a name, room for names beside the axes, and where what leads there from a line's end stops, in pixels."""


def beside(entries: int, *, frame: Frame) -> tuple[Figure, Axes]:
    """Return axes with room for a legend: to the right where there is room, else below."""
    size, legend = frame.value, _ROW * entries
    if frame.has_names_beside:
        figure = canvas.empty(size.width, max(340.0, legend + 90.0))
        return figure, canvas.bare_axes(figure, left=68.0, right=_WIDTH, top=14.0, below=62.0)
    figure = canvas.empty(size.width, 250.0 + legend + 72.0)
    return figure, canvas.bare_axes(figure, left=68.0, right=size.right, top=14.0, below=legend + 72.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a legend says of a line."""

    style: dict[str, Any]
    """The line's, as matplotlib takes it."""
    name: str
    """Cut where it leaves no room for itself."""
    remark: str
    """What is said about the line; may be empty, and is left out where the name leaves it no room."""
    end: tuple[float, float]
    """Where the line ends, as it is drawn: in units of the axes."""


def write(axes: Axes, entries: Sequence[Entry], *, frame: Frame) -> None:
    """Write names and remarks at the ends of the lines, or below the axes where there is no room.

    Args:
        axes: As `beside` returned them, their limits set.
        entries: One for each line; they are ordered as the lines end.
        frame: As for `beside`.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    width, height = canvas.size_of(figure)
    ordered = sorted(entries, key=lambda entry: -entry.end[1])
    if not frame.has_names_beside:
        for place, entry in enumerate(ordered):
            _entry(figure, entry, x=frame.value.left, y=_ROW * (len(entries) - place - 0.5), room=width)
        return
    axes.autoscale_view()  # or the ends would be those of limits that are not set yet
    ends = [axes.transData.transform(entry.end).tolist() for entry in ordered]
    x = width - _WIDTH + _LEADER
    heights = spread([end[1] for end in ends], apart=_ROW, low=_ROW / 2.0, high=height - _ROW / 2.0)
    for entry, end, y in zip(ordered, ends, heights, strict=True):
        leader = Line2D(
            [end[0] / width, x / width],
            [end[1] / height, y / height],
            color=entry.style["color"],
            linewidth=1,
            transform=figure.transFigure,
        )
        figure.add_artist(leader)
        _entry(figure, entry, x=x, y=y, room=_WIDTH - _LEADER + 16.0)


def spread(wanted: Sequence[float], *, apart: float, low: float, high: float) -> list[float]:
    """Return places that are so far apart, and each as near to the one that is wanted as the others let it be.

    Neighbours that are too close become one group around their mean, again and again (pool adjacent violators), which
    makes the sum of squared distances the least.

    Args:
        wanted: From the largest to the smallest.
        apart: Least distance.
        low: No place is below it, as far as all fit.
        high: No place is above it.

    >>> spread([100.0, 99.0, 20.0], apart=10.0, low=0.0, high=200.0)
    [104.5, 94.5, 20.0]
    """
    shifted = [value + apart * number for number, value in enumerate(wanted)]  # equal where they are just far enough
    groups: list[tuple[float, int]] = []
    for value in shifted:
        mean, count = value, 1
        while groups and groups[-1][0] < mean:
            before, size = groups.pop()
            mean, count = (before * size + mean * count) / (size + count), size + count
        groups.append((mean, count))
    most, least = high, low + apart * (len(wanted) - 1)
    held = [max(min(mean, most), min(least, most)) for mean, count in groups for _ in range(count)]
    return [value - apart * number for number, value in enumerate(held)]


def _entry(figure: Figure, entry: Entry, *, x: float, y: float, room: float) -> None:
    """Write a name and a remark beside a sample of a line."""
    width, height = canvas.size_of(figure)
    ends = [x / width, (x + 34.0) / width]
    figure.add_artist(Line2D(ends, [y / height] * 2, markevery=[1], transform=figure.transFigure, **entry.style))
    behind = f", {entry.remark}" if entry.remark else ""
    if canvas.text_width(f"{entry.name}{behind}") > room - 64.0:
        behind = ""  # tables have it, and a name is not cut for it
    shown = canvas.cut(entry.name, width=room - 64.0)
    figure.text(ends[1] + 12.0 / width, y / height, f"{shown}{behind}", va="center")
