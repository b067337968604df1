"""Four plots of a group and one of a sweep, drawn by matplotlib without pyplot.

Each comes as wide and narrow SVG for the page, and as PNG for print.
The narrow variant is what a phone shows; shrinking the wide one would make its text unreadable.
"""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.figure import Figure

from bench import units
from bench.report import canvas, charts, sentences, svg
from bench.report.canvas import Frame
from bench.report.model import GroupReport
from bench.report.sweep import Quantity, ScalingReport, plot_sentence

_PRINT_DPI = 216


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """One picture in all its forms."""

    kind: str
    """"speed-up", "step-time", "trace", "break-even" or "scaling"."""
    name: str
    """File name without its ending, and prefix of its ids."""
    title: str
    caption: str
    """Unit and direction."""
    sentence: str
    """Its numbers in words."""
    svg: str
    """Stands alone: light colours on the page's white."""
    wide: str
    """For the page, from about 768 px."""
    narrow: str
    """For the page on a phone."""
    png: bytes
    """Wide, at print resolution."""


def draw(group: GroupReport, *, suffix: str) -> tuple[Plot, ...]:
    """Return the plots for which there are numbers.

    Args:
        group: What to draw.
        suffix: Ends each plot's name, to tell the groups of a report apart.
    """
    draws = (_speed_up, _step_times, _traces, _break_even)
    return tuple(plot for draw_one in draws if (plot := draw_one(group, suffix=suffix)) is not None)


def _speed_up(group: GroupReport, *, suffix: str) -> Plot | None:
    """Return the ratios with their intervals; None where nothing is compared."""
    if all(cell.speed_up is None for cell in group.cells):
        return None
    return _plot(
        lambda frame: charts.speed_up(group, frame=frame),
        kind="speed-up",
        suffix=suffix,
        title=f"Speed against {group.baseline_name}",
        caption="Right is faster. The mark is the geometric mean over rounds, the bar its 95 % interval; a bar shorter "
        f"than the mark is hidden by it. The grey band, ± {units.percent(group.margin)}, does not count. Log scale.",
        sentence=sentences.speed_up_plot(group.cells, baseline=group.baseline),
    )


def _step_times(group: GroupReport, *, suffix: str) -> Plot | None:
    """Return the step time of each process; None where no process finished."""
    most = max(len(cell.process_steps) for cell in group.cells)
    if most == 0:
        return None
    shown = charts.dots_per_loop(group)
    thinned = f" Where a loop has more than {shown} processes, an even choice is shown, sorted by time."
    return _plot(
        lambda frame: charts.step_times(group, frame=frame),
        kind="step-time",
        suffix=suffix,
        title="Step time of each process",
        caption="Left is faster. One dot for each process, first round on top; the tick is the geometric mean."
        + (thinned if most > shown else ""),
        sentence=sentences.step_time_plot(group.cells),
    )


def _traces(group: GroupReport, *, suffix: str) -> Plot | None:
    """Return how step times went on inside the processes; None where no process finished."""
    shown = charts.traced(group)
    if not shown:
        return None
    known = sum(cell.trace is not None for cell in group.cells)
    dropped = f" Of {known} loops {len(shown)} are shown: first those that did not hold still, then the fastest."
    return _plot(
        lambda frame: charts.traces(group, frame=frame),
        kind="trace",
        suffix=suffix,
        title="Step time inside the processes",
        caption="Up is slower. Blocks from left to right, against the step time of their process: the line is the "
        f"median over processes, the band holds nine in ten. A strip goes ± {units.percent(charts.reach(shown))}; what "
        "lies beyond is cut off. The number is the last quarter against the first. Grey: warm-up, which does not count."
        + (dropped if known > len(shown) else ""),
        sentence=sentences.trace_plot(shown),
    )


def _break_even(group: GroupReport, *, suffix: str) -> Plot | None:
    """Return total time against steps; None where start-up is not known."""
    if all(cell.break_even is None for cell in group.cells):
        return None
    dropped = f" Only the {charts.LINES - 1} fastest loops are shown." if len(group.cells) > charts.LINES else ""
    return _plot(
        lambda frame: charts.break_even(group, frame=frame),
        kind="break-even",
        suffix=suffix,
        title="Total time, start-up included",
        caption="Lower is faster. A ring marks where a loop and the baseline have taken the same time; the legend says "
        f"when a loop is ahead. Log scales. Import, build and first step are start-up.{dropped}",
        sentence=sentences.break_even_plot(group.cells, baseline=group.baseline),
    )


def draw_scaling(sweep: ScalingReport, *, suffix: str) -> Plot:
    """Return time per sample against size.

    Args:
        sweep: What to draw.
        suffix: Ends the plot's name.
    """
    dropped = f" Only the {charts.LINES} loops that are fastest at the largest size are shown."
    model = " The line is the cost model, which the legend gives as fixed cost + cost per sample, where it fits;"
    joined = " elsewhere it joins the marks." if sweep.quantity is Quantity.BATCH else " The line joins the marks."
    return _plot(
        lambda frame: charts.scaling(sweep, frame=frame),
        kind="scaling",
        suffix=suffix,
        title=f"Time per sample by {sweep.quantity}",
        caption="Lower is faster. A mark is the geometric mean over processes, its bar the 95 % interval."
        + (model if sweep.quantity is Quantity.BATCH else "")
        + joined
        + " Log scales."
        + (dropped if len(sweep.lines) > charts.LINES else ""),
        sentence=plot_sentence(sweep),
    )


def _plot(paint: Callable[[Frame], Figure], *, kind: str, suffix: str, title: str, caption: str, sentence: str) -> Plot:
    """Draw both variants and export them; equal numbers give equal bytes."""
    name = f"{kind}-{suffix}"
    ink, muted = svg.COLOURS["--ink"], svg.COLOURS["--muted"]
    with (
        mpl.rc_context(
            {
                "font.family": ["DejaVu Sans"],  # comes with matplotlib, so the layout is the same everywhere
                "font.size": canvas.FONT_SIZE,
                "svg.fonttype": "none",
                "svg.hashsalt": name,
                "axes.edgecolor": muted,
                "text.color": ink,
                "text.parse_math": False,
                "xtick.color": muted,
                "ytick.color": muted,
                "xtick.labelcolor": ink,
                "ytick.labelcolor": ink,
            }
        ),
        # A name may hold characters that this font lacks; the browser's fonts have them.
        warnings.catch_warnings(action="ignore", category=UserWarning),
    ):
        wide, narrow = paint(Frame.WIDE), paint(Frame.NARROW)
        alone = svg.clean(_export(wide, kind="svg").decode(), name=f"{name}-wide", sentence=sentence)
        small = svg.clean(_export(narrow, kind="svg").decode(), name=f"{name}-narrow", sentence=sentence)
        png = _export(wide, kind="png")
    return Plot(
        kind=kind,
        name=name,
        title=title,
        caption=caption,
        sentence=sentence,
        svg=alone,
        wide=svg.inline(alone),
        narrow=svg.inline(small),
        png=png,
    )


def _export(figure: Figure, *, kind: str) -> bytes:
    """Return the figure's bytes without date or version."""
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    figure.savefig(buffer, format=kind, dpi=_PRINT_DPI, metadata=metadata)
    return buffer.getvalue()
