"""Draw the four charts of a group and that of a sweep as matplotlib figures, at a given width.

One unit of length is one CSS pixel.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import units
from bench.analysis.cost_model import CostModel
from bench.analysis.summary import CellSummary
from bench.analysis.verdict import Verdict
from bench.report import canvas, legend, svg, wording
from bench.report.canvas import Frame
from bench.report.model import GroupReport
from bench.report.sweep import Quantity, ScalingReport, costs_text

TRACES = 8
"""Loops whose blocks are shown, so that a page stays small."""

DOTS = 320
"""More processes than this are thinned evenly, extremes kept, so that a page stays small."""

LINES = 8
"""Loops in the break-even chart; more cannot be told apart."""

LOG_FROM = 10.0
"""Step times further apart than this need a log axis."""

_INK, _MUTED, _FASTER, _SLOWER, _BAND, _PAGE = (
    svg.COLOURS[f"--{use}"] for use in ("ink", "muted", "faster", "slower", "band", "page")
)
_FRAMEWORKS = {"tf": "--tensorflow", "torch": "--torch", "jax": "--jax", "numpy": "--numpy"}
"""How names of our loops begin -> the colour of their lines; those of others are drawn in ink."""
_DASHES = ((), (7, 3), (2, 2), (9, 3, 2, 3), (4, 2), (12, 3), (2, 4), (7, 2, 2, 2, 2, 2))
_AXIS = {Quantity.BATCH: "batch size", Quantity.WIDTH: "width"}
_FEWEST_DOTS = 8
_MARKERS = "D^osv<>P"
_TOLD_APART = (Verdict.FASTER, Verdict.SLOWER)
_RING: dict[str, Any] = {"marker": "o", "markersize": 13, "markerfacecolor": "none", "color": _INK, "zorder": 4}
_COVER = {"boxstyle": "square,pad=0.1", "facecolor": _PAGE, "edgecolor": "none"}
_LABEL_WIDTH, _LABEL_HEIGHT = 52.0, 18.0
_REACHES = (0.02, 0.05, 0.1, 0.2, 0.5)
_WARM_UP_SHARE = 0.25
"""Of the length of the measured blocks: longer than it took, so that it can be seen."""
_VERDICT_STYLES = {
    Verdict.FASTER: ("^", _FASTER, _FASTER),
    Verdict.SLOWER: ("v", _SLOWER, _SLOWER),
    Verdict.SAME: ("s", _MUTED, _MUTED),
    Verdict.UNCLEAR: ("o", _MUTED, _PAGE),
}
"""Marker, line colour and fill; the shapes differ, so a chart reads in grey too."""


def speed_up(group: GroupReport, *, frame: Frame) -> Figure:
    """Return each loop's speed against the baseline with its interval, on a log axis."""
    cells = group.cells
    figure, axes = canvas.strips(len(cells), frame=frame, below=56.0)
    ends = [1.0 / (1.0 + group.margin), 1.0 + group.margin]
    for row, cell in enumerate(cells):
        baseline = cell.verdict is None
        words = baseline or not cell.is_ranked
        right = " ".join(wording.verdict_words(cell)).lstrip() if words else wording.speed_text(cell)
        canvas.label(axes, row, frame=frame, left=wording.display_name(cell.cell.name), right=right)
        if baseline:
            axes.plot([1.0], [row], marker="D", color=_INK, markersize=8, zorder=3)
        elif cell.speed_up is not None and cell.verdict in _VERDICT_STYLES:
            ends += _speed_up_mark(axes, row, cell=cell)
    low, high = min(ends), max(ends)
    axes.set_xscale("log")
    axes.set_xlim(low / (high / low) ** 0.05, high * (high / low) ** 0.05)
    _margin(axes, len(cells), margin=group.margin, frame=frame)
    canvas.log_ticks(axes.xaxis, low=low, high=high, suffix="x", most=7 if frame.has_names_beside else 4)
    # Arrows need no font: the words say which way is which.
    canvas.write_below(axes, 0.0, text="\N{LEFTWARDS ARROW} slower", align="left")
    canvas.write_below(axes, 1.0, text="faster \N{RIGHTWARDS ARROW}", align="right")
    return figure


def step_times(group: GroupReport, *, frame: Frame) -> Figure:
    """Return one dot for each process's step time, and a tick at the geometric mean."""
    cells = [cell for cell in group.cells if cell.process_steps]
    figure, axes = canvas.strips(len(cells), frame=frame, below=56.0)
    times = [step * 1e3 for cell in cells for step in cell.process_steps.values()]
    for row, cell in enumerate(cells):
        colour = _MUTED if not cell.is_ranked else _FASTER
        values = [cell.process_steps[number] * 1e3 for number in sorted(cell.process_steps)]
        shown = _thinned(values, most=dots_per_loop(group))
        heights = [row + 7.0 / frame.value.row * (2.0 * (i + 0.5) / len(shown) - 1.0) for i in range(len(shown))]
        axes.plot(shown, heights, marker="o", linestyle="none", markersize=6, color=colour, alpha=0.7, clip_on=False)
        if cell.step is not None:
            reach = 11.0 / frame.value.row
            axes.plot(
                [cell.step.estimate * 1e3] * 2, [row - reach, row + reach], color=_INK, linewidth=2, clip_on=False
            )
        right = f"{wording.step_text(cell)} ms"
        canvas.label(axes, row, frame=frame, left=wording.display_name(cell.cell.name), right=right)
    low, high = min(times), max(times)
    most = 7 if frame.has_names_beside else 4
    if high / low > LOG_FROM:
        axes.set_xscale("log")
        axes.set_xlim(low / (high / low) ** 0.05, high * (high / low) ** 0.05)
        canvas.log_ticks(axes.xaxis, low=low, high=high, suffix="", most=most)
        canvas.write_below(axes, 0.5, text="ms per step, log scale", align="center")
    else:
        axes.set_xlim(0.0, high * 1.05)
        axes.locator_params(axis="x", nbins=most)
        canvas.write_below(axes, 0.5, text="ms per step", align="center")
    return figure


def traces(group: GroupReport, *, frame: Frame) -> Figure:
    """Return one strip per loop: how the step times inside its processes went on, warm-up shaded."""
    cells = traced(group)
    figure, axes = canvas.strips(len(cells), frame=frame, below=34.0)
    height, furthest = min(frame.value.strip) * 0.8 / frame.value.row, reach(cells)
    for row, cell in enumerate(cells):
        canvas.label(axes, row, frame=frame, left=wording.display_name(cell.cell.name), right=wording.drift_text(cell))
        if cell.trace is None:
            continue
        axes.barh([row], _WARM_UP_SHARE, left=-_WARM_UP_SHARE, height=2.0 * height, color=_BAND, linewidth=0, zorder=0)
        drawn = (
            (cell.trace.warm_up, -_WARM_UP_SHARE, _WARM_UP_SHARE, _MUTED),
            (cell.trace.measured, 0.0, 1.0, _FASTER),
        )
        for stretch, start, length, colour in drawn:
            if stretch is not None:
                places = [start + length * (i + 0.5) / len(stretch.middle) for i in range(len(stretch.middle))]
                low, middle, high = (
                    [row - height * max(-1.0, min(1.0, (value - 1.0) / furthest)) for value in values]
                    for values in (stretch.low, stretch.middle, stretch.high)
                )
                axes.fill(places + places[::-1], low + high[::-1], color=colour, alpha=0.25, linewidth=0)
                axes.plot(places, middle, color=colour, linewidth=2)
    axes.set_xlim(-_WARM_UP_SHARE, 1.0)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks([-_WARM_UP_SHARE / 2.0, 0.5], ["warm-up", "measured"])
    return figure


def traced(group: GroupReport) -> list[CellSummary]:
    """Return the loops whose blocks are shown, as they are ordered: first of all those that did not hold still."""
    known = [cell for cell in group.cells if cell.trace is not None]
    restless = sorted(known, key=lambda cell: not (cell.oddities.unsteady_rounds or cell.oddities.excluded_blocks))[
        :TRACES
    ]
    return [cell for cell in known if cell in restless]


def reach(cells: Sequence[CellSummary]) -> float:
    """Return how far a strip goes above and below a loop's step time, as a fraction: what is measured fits, or half."""
    stretches = [cell.trace.measured for cell in cells if cell.trace is not None]
    furthest = max(abs(value - 1.0) for stretch in stretches for value in (*stretch.low, *stretch.high))
    return next((fraction for fraction in _REACHES if furthest <= fraction), _REACHES[-1])


def break_even(group: GroupReport, *, frame: Frame) -> Figure:
    """Return total seconds against steps, one line per loop, with a ring where it crosses the baseline's."""
    cells = _lines(group)
    last = _last_step(cells)
    figure, axes = legend.beside(len(cells), frame=frame)
    entries = []
    for cell in sorted(cells, key=lambda cell: _total(cell, last), reverse=True):
        index = cells.index(cell)
        style = _line_style(cell, index=index, baseline=group.baseline)
        steps = [last ** (i / 24.0) for i in range(25)]
        axes.plot(steps, [_total(cell, n) for n in steps], markevery=(2 + index, 8), **style)
        name = wording.display_name(cell.cell.name)
        remark = _crossing(cell, baseline=group.baseline)
        entries.append(legend.Entry(style=style, name=name, remark=remark, end=(last, _total(cell, last))))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1.0, last)
    axes.spines["left"].set_visible(True)
    axes.grid(color=_BAND, linewidth=1)
    axes.set_axisbelow(True)
    _rings(axes, cells)
    totals = [_total(cell, n) for cell in cells for n in (1.0, last)]
    canvas.log_ticks(axes.xaxis, low=1.0, high=last, suffix="", most=6 if frame.has_names_beside else 4)
    canvas.log_ticks(axes.yaxis, low=min(totals), high=max(totals), suffix=" s", most=6)
    canvas.write_below(axes, 0.5, text="steps, log scale", align="center")
    legend.write(axes, entries, frame=frame)
    return figure


def scaling(sweep: ScalingReport, *, frame: Frame) -> Figure:
    """Return microseconds per sample against size, one line per loop in its framework's colour, on log axes."""
    lines = sweep.lines[:LINES]
    figure, axes = legend.beside(len(lines), frame=frame)
    low, high = sweep.sizes[0], sweep.sizes[-1]
    ends, entries = [], []
    # From the slowest to the fastest at the largest size, as the lines end.
    for index, line in reversed(list(enumerate(lines))):
        style: dict[str, Any] = {"color": framework_colour(line.loop), "linewidth": 2}
        style |= {"marker": _MARKERS[index], "dashes": _DASHES[index] or (1, 0), "markersize": 7}
        marks = [(point.size, point.sample.estimate * 1e6) for point in line.points]
        curve: Sequence[tuple[float, float]] = (
            marks if line.model is None or not line.model.fits else _curve(line.model)
        )
        axes.plot(*zip(*curve, strict=True), **style | {"marker": None})
        axes.plot(
            *zip(*marks, strict=True), color=style["color"], marker=style["marker"], markersize=7, linestyle="none"
        )
        for point in line.points:
            bounds = [
                (point.sample.low or point.sample.estimate) * 1e6,
                (point.sample.high or point.sample.estimate) * 1e6,
            ]
            axes.plot([point.size] * 2, bounds, color=style["color"], linewidth=2)
            ends += bounds
        ends += [time for _, time in curve]
        remark = costs_text(line.model) if sweep.quantity is Quantity.BATCH else ""
        entries.append(legend.Entry(style=style, name=line.loop, remark=remark, end=curve[-1]))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low / (high / low) ** 0.04, high * (high / low) ** 0.04)
    least, most = min(ends), max(ends)
    axes.set_ylim(least / (most / least) ** 0.05, most * (most / least) ** 0.05)
    axes.spines["left"].set_visible(True)
    axes.grid(color=_BAND, linewidth=1)
    axes.set_axisbelow(True)
    canvas.ticks_at(axes.xaxis, sweep.sizes, most=7 if frame.has_names_beside else 4)
    canvas.log_ticks(axes.yaxis, low=least, high=most, suffix=" us", most=6)
    canvas.write_below(axes, 0.5, text=f"{_AXIS[sweep.quantity]}, log scale", align="center")
    legend.write(axes, entries, frame=frame)
    return figure


def _curve(model: CostModel) -> list[tuple[float, float]]:
    """Return batch sizes, and the microseconds per sample that a cost model gives them."""
    low, high = model.sizes[0], model.sizes[-1]
    sizes = [low * (high / low) ** (i / 24.0) for i in range(25)]
    return [(size, model.step_seconds(size) / size * 1e6) for size in sizes]


def _rings(axes: Axes, cells: Sequence[CellSummary]) -> None:
    """Mark where lines cross the baseline's, and write the step beside each ring that has room for it."""
    written: list[tuple[float, float]] = []
    crossings = [(cell.break_even.steps, cell) for cell in cells if cell.break_even and cell.verdict in _TOLD_APART]
    for steps, cell in sorted(((s, c) for s, c in crossings if s is not None), key=lambda pair: -pair[0]):
        place = (float(steps), _total(cell, steps))
        axes.plot([place[0]], [place[1]], **_RING)
        x, y = axes.transData.transform(place)
        # Both lines rise, so the upper left and the lower right of their crossing are free of them.
        for side, align in ((-1, "right"), (1, "left")):
            centre = (x + side * 28.0, y - side * 14.0)
            if any(abs(centre[0] - a) < _LABEL_WIDTH and abs(centre[1] - b) < _LABEL_HEIGHT for a, b in written):
                continue
            offset = (side * 9.0, 7.0 if side < 0 else -17.0)
            axes.annotate(units.about(steps), place, offset, textcoords="offset points", ha=align, bbox=_COVER)
            written.append(centre)
            break


def _margin(axes: Axes, count: int, *, margin: float, frame: Frame) -> None:
    """Shade what is too small to matter, and draw the line of equal speed, beside each loop's strip."""
    above, below = (pixels / frame.value.row for pixels in frame.value.strip)
    left, right = 1.0 / (1.0 + margin), 1.0 + margin
    middles = [row + (below - above) / 2.0 for row in range(count)]
    axes.barh(middles, right - left, left=left, height=above + below, color=_BAND, linewidth=0, zorder=0)
    ends = [height for row in range(count) for height in (row - above, row + below, math.nan)]
    axes.plot([1.0, 1.0, math.nan] * count, ends, color=_MUTED, linewidth=1, zorder=1, clip_on=False)


def _speed_up_mark(axes: Axes, row: int, *, cell: CellSummary) -> list[float]:
    """Draw one speed-up with its interval, and return the values that must be in view."""
    if cell.speed_up is None or cell.verdict is None:
        return []
    estimate, low, high = cell.speed_up.estimate, cell.speed_up.low, cell.speed_up.high
    marker, colour, fill = _VERDICT_STYLES[cell.verdict]
    if low is not None and high is not None:
        axes.plot([low, high], [row, row], color=colour, linewidth=4, solid_capstyle="butt", zorder=2, clip_on=False)
    axes.plot(
        [estimate], [row], marker=marker, markersize=10, color=colour, markerfacecolor=fill, zorder=3, clip_on=False
    )
    return [value for value in (estimate, low, high) if value is not None]


def dots_per_loop(group: GroupReport) -> int:
    """Return how many processes of a loop have a dot."""
    return max(_FEWEST_DOTS, DOTS // len(group.cells))


def _thinned(values: Sequence[float], *, most: int) -> list[float]:
    """Return all values in their order, or an even choice of the sorted ones with both extremes."""
    if len(values) <= most:
        return list(values)
    ordered = sorted(values)
    return [ordered[round(i * (len(ordered) - 1) / (most - 1))] for i in range(most)]


def _lines(group: GroupReport) -> list[CellSummary]:
    """Return the baseline and the fastest loops whose start-up is known."""
    known = [cell for cell in group.cells if cell.costs.line is not None]
    ranked = [cell for cell in known if cell.cell.name != group.baseline and cell.is_ranked]
    return [cell for cell in known if cell.cell.name == group.baseline] + ranked[: LINES - 1]


def _last_step(cells: Sequence[CellSummary]) -> float:
    """Return how far the lines go: an epoch, and well past the last crossing."""
    crossings = [cell.break_even.steps for cell in cells if cell.break_even and cell.break_even.steps]
    epochs = [cell.work.steps_per_epoch for cell in cells if cell.work.steps_per_epoch]
    return float(max(10.0 * max((c for c in crossings), default=100), max(epochs, default=1000)))


def _total(cell: CellSummary, steps: float) -> float:
    """Return seconds after this many steps, start-up included."""
    return math.nan if cell.costs.line is None else cell.costs.line.start + (steps - 1.0) * cell.costs.line.step


def framework_colour(loop: str) -> str:
    """Return the colour of a loop's line: one for all loops of a framework, as far as their names tell it."""
    begins = re.match("[a-z]*", loop)
    return svg.COLOURS[_FRAMEWORKS.get(begins[0] if begins else "", "--ink")]


def _line_style(cell: CellSummary, *, index: int, baseline: str) -> dict[str, Any]:
    """Return colour, dashes and marker of a line; no two lines share dashes and marker."""
    reference = cell.cell.name == baseline
    style: dict[str, Any] = {
        "color": framework_colour(cell.cell.loop),
        "linewidth": 3 if reference else 2,
        "marker": _MARKERS[index],
    }
    return style | {"dashes": _DASHES[index] or (1, 0), "markersize": 7}


def _crossing(cell: CellSummary, *, baseline: str) -> str:
    """Return when a loop is ahead of the baseline, without epochs, which have no room here."""
    if cell.cell.name == baseline:
        return wording.BASELINE
    return wording.break_even_text(cell).partition(" (")[0]
