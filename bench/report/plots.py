"""Four plots of a group and one of a sweep, drawn by matplotlib without pyplot.

Each comes as wide and narrow SVG for the page, and as SVG and PNG that stand alone, with title and source in them.
The narrow variant is what a phone shows; shrinking the wide one would make its text unreadable. For a paper they are
drawn anew at the width of its columns, see `paper`.
"""

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from bench import units
from bench.report import canvas, charts, sentences, svg
from bench.report.canvas import Frame
from bench.report.model import GroupReport, Report
from bench.report.sweep import Quantity, ScalingReport, plot_sentence

_PRINT_DPI, _COMPRESSION = 216, 3
_HALF_A_CAPITAL, _DESCENT = 0.36, 0.24
"""Of a letter's size: from the middle of a line down to its baseline, and from there to its foot."""


Columns = Literal["one", "two"]
"""Of a page that is set in two columns."""

PAPER: Mapping[Columns, Frame] = {"one": Frame.ONE_COLUMN, "two": Frame.TWO_COLUMNS}

PRINTED_POINTS = 8.0
"""Size of the letters on paper, as journals ask for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a picture shows, before anybody has said how wide it is to be."""

    paint: Callable[[Frame], Figure]
    kind: str
    title: str
    caption: str
    sentence: str


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
    """Stands alone: title and source in it, light colours on the page's white."""
    wide: str
    """For the page, from about 768 px."""
    narrow: str
    """For the page on a phone."""
    png: bytes
    """Stands alone likewise, at print resolution."""


def draw(group: GroupReport, *, suffix: str, source: str = "") -> tuple[Plot, ...]:
    """Return the plots for which there are numbers.

    Args:
        group: What to draw.
        suffix: Ends each plot's name, to tell the groups of a report apart.
        source: Where the numbers come from; stands below those that stand alone.
    """
    found = (subject(group) for subject in _SUBJECTS.values())
    return tuple(_plot(one, suffix=suffix, source=source) for one in found if one is not None)


def figure(group: GroupReport, *, kind: str, source: str = "") -> Figure | None:
    """Return a picture that stands alone; None where there is nothing to draw.

    Args:
        group: What to draw.
        kind: One of `KINDS`, but "scaling".
        source: Where its numbers come from, in a line or two.
    """
    found = _SUBJECTS[kind](group)
    return None if found is None else _alone(found, frame=Frame.WIDE, source=source)


def figure_of_sweep(sweep: ScalingReport, *, source: str = "") -> Figure:
    """Return time per sample against size, as a picture that stands alone."""
    return _alone(_scaling(sweep), frame=Frame.WIDE, source=source)


def paper(report: Report, *, columns: Columns) -> dict[str, bytes]:
    """Return the pictures of a report for a paper: name of the file -> PDF, at the width of one or two columns."""
    found = {
        f"{one.kind}-{number}": one
        for number, group in enumerate(report.groups, start=1)
        for subject in _SUBJECTS.values()
        if (one := subject(group)) is not None
    }
    found |= {f"scaling-{number}": _scaling(sweep) for number, sweep in enumerate(report.scaling, start=1)}
    return {
        f"{name}-{columns}-column.pdf": _as_pdf(one, frame=PAPER[columns], source=report.source)
        for name, one in found.items()
    }


def _as_pdf(subject: "Subject", *, frame: Frame, source: str) -> bytes:
    """Return a picture as PDF, in its true size, with its fonts."""
    with _style(name="paper"):
        drawn = canvas.shrunk(_alone(subject, frame=frame, source=source), factor=PRINTED_POINTS / canvas.FONT_SIZE)
        return _export(drawn, kind="pdf")


def _speed_up(group: GroupReport) -> Subject | None:
    """Return the ratios with their intervals; None where nothing is compared."""
    if all(cell.speed_up is None for cell in group.cells):
        return None
    margin = units.percent(group.margin)
    grey = f"Grey: within the budget of {margin}" if group.in_gate else f"Grey, ± {margin}, does not count"
    return Subject(
        paint=lambda frame: charts.speed_up(group, frame=frame),
        kind="speed-up",
        title=f"Speed against {group.baseline_name}",
        caption=f"Right is faster: geometric means over rounds, with 95 % intervals. {grey}. Log scale.",
        sentence=sentences.speed_up_plot(group.cells, baseline=group.baseline),
    )


def _step_times(group: GroupReport) -> Subject | None:
    """Return the step time of each process; None where no process finished."""
    most = max(len(cell.process_steps) for cell in group.cells)
    if most == 0:
        return None
    shown = charts.dots_per_loop(group)
    thinned = f" Where a loop has more than {shown} processes, an even choice is shown, sorted by time."
    return Subject(
        paint=lambda frame: charts.step_times(group, frame=frame),
        kind="step-time",
        title="Step time of each process",
        caption="Left is faster. One dot for each process, first round on top; the tick is the geometric mean."
        + (thinned if most > shown else ""),
        sentence=sentences.step_time_plot(group.cells),
    )


def _traces(group: GroupReport) -> Subject | None:
    """Return how step times went on inside the processes; None where no process finished."""
    shown = charts.traced(group)
    if not shown:
        return None
    known = sum(cell.trace is not None for cell in group.cells)
    dropped = f" Of {known} loops {len(shown)} are shown: first those that did not hold still, then the fastest."
    return Subject(
        paint=lambda frame: charts.traces(group, frame=frame),
        kind="trace",
        title="Step time inside the processes",
        caption="Up is slower. Blocks from left to right, against the step time of their process: the line is the "
        f"median over processes, the band holds nine in ten. A strip goes ± {units.percent(charts.reach(shown))}; what "
        "lies beyond is cut off. The number is the last quarter against the first. Grey: warm-up, which does not count."
        + (dropped if known > len(shown) else ""),
        sentence=sentences.trace_plot(shown),
    )


def _break_even(group: GroupReport) -> Subject | None:
    """Return total time against steps; None where start-up is not known."""
    if all(cell.break_even is None for cell in group.cells):
        return None
    dropped = f" Only the {charts.LINES - 1} fastest loops are shown." if len(group.cells) > charts.LINES else ""
    return Subject(
        paint=lambda frame: charts.break_even(group, frame=frame),
        kind="break-even",
        title="Total time, start-up included",
        caption="Lower is faster. A ring marks where a loop and the baseline have taken the same time; beside its name "
        f"stands when a loop is ahead. Log scales. Import, build and first step are start-up.{dropped}",
        sentence=sentences.break_even_plot(group.cells, baseline=group.baseline),
    )


def draw_scaling(sweep: ScalingReport, *, suffix: str, source: str = "") -> Plot:
    """Return time per sample against size.

    Args:
        sweep: What to draw.
        suffix: Ends the plot's name.
        source: As for `draw`.
    """
    return _plot(_scaling(sweep), suffix=suffix, source=source)


def _scaling(sweep: ScalingReport) -> Subject:
    """Return time per sample against size."""
    dropped = f" Only the {charts.LINES} loops that are fastest at the largest size are shown."
    model = " The line is the cost model, which stands beside the name as fixed cost + cost per sample, where it fits;"
    joined = " elsewhere it joins the marks." if sweep.quantity is Quantity.BATCH else " The line joins the marks."
    return Subject(
        paint=lambda frame: charts.scaling(sweep, frame=frame),
        kind="scaling",
        title=f"Time per sample by {sweep.quantity}",
        caption="Lower is faster. A mark is the geometric mean over processes, its bar the 95 % interval."
        + (model if sweep.quantity is Quantity.BATCH else "")
        + joined
        + " Log scales."
        + (dropped if len(sweep.lines) > charts.LINES else ""),
        sentence=plot_sentence(sweep),
    )


_SUBJECTS = {"speed-up": _speed_up, "step-time": _step_times, "trace": _traces, "break-even": _break_even}
KINDS = (*_SUBJECTS, "scaling")


@contextmanager
def _style(*, name: str) -> Iterator[None]:
    """Draw by these settings and no others, whatever the user's are; ids follow from the name."""
    ink, muted = svg.COLOURS["--ink"], svg.COLOURS["--muted"]
    with (
        mpl.rc_context(
            {
                "font.family": ["DejaVu Sans"],  # comes with matplotlib, so the layout is the same everywhere
                "font.size": canvas.FONT_SIZE,
                "pdf.fonttype": 42,  # as publishers ask for: letters stay letters
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
        yield


def _alone(subject: Subject, *, frame: Frame, source: str) -> Figure:
    """Return a picture with its title above it and its source below."""
    with _style(name=subject.kind):
        return canvas.framed(subject.paint(frame), title=subject.title, source=source)


def _plot(subject: Subject, *, suffix: str, source: str) -> Plot:
    """Draw all variants and export them; equal numbers give equal bytes."""
    name, sentence = f"{subject.kind}-{suffix}", subject.sentence
    with _style(name=name):
        wide, narrow = subject.paint(Frame.WIDE), subject.paint(Frame.NARROW)
        large = svg.clean(_export(wide, kind="svg").decode(), name=f"{name}-wide", sentence=sentence)
        small = svg.clean(_export(narrow, kind="svg").decode(), name=f"{name}-narrow", sentence=sentence)
        around = canvas.framing(*canvas.size_of(wide), title=subject.title, source=source)
        png = _export(canvas.framed(wide, title=subject.title, source=source), kind="png")
    return Plot(
        kind=subject.kind,
        name=name,
        title=subject.title,
        caption=subject.caption,
        sentence=sentence,
        svg=_framed(large, around=around),  # drawing it once more would take as long as either of the others
        wide=svg.inline(large),
        narrow=svg.inline(small),
        png=png,
    )


def _framed(text: str, *, around: canvas.Framing) -> str:
    """Return a cleaned SVG with the lines that stand around it."""
    ink, muted = svg.COLOURS["--ink"], svg.COLOURS["--muted"]
    title = svg.Text(
        text=around.title.text,
        y=around.height - around.title.up + _HALF_A_CAPITAL * canvas.FONT_SIZE,
        style=f"font: bold {canvas.FONT_SIZE:g}px sans-serif; fill: {ink}",
    )
    lines = [
        svg.Text(
            text=one.text,
            y=around.height - one.up - _DESCENT * canvas.SOURCE_SIZE,
            style=f"font: {canvas.SOURCE_SIZE:g}px sans-serif; fill: {muted}",
        )
        for one in reversed(around.source)
    ]
    return svg.framed(text, height=around.height, below=around.below, x=around.left, texts=[title, *lines])


def _export(figure: Figure, *, kind: str) -> bytes:
    """Return the figure's bytes without date or version."""
    buffer = io.BytesIO()
    if kind == "png":  # without the alpha that nothing here has: half the time, and smaller
        figure.savefig(buffer, format="rgba", dpi=_PRINT_DPI)
        width, height = (int(inches * _PRINT_DPI) for inches in figure.get_size_inches())
        pixels = Image.frombytes("RGBA", (width, height), buffer.getvalue()).convert("RGB")
        encoded = io.BytesIO()
        pixels.save(encoded, format="png", compress_level=_COMPRESSION)
        return encoded.getvalue()
    nothing = {"svg": ("Date", "Creator"), "pdf": ("CreationDate", "Creator", "Producer")}
    figure.savefig(buffer, format=kind, metadata=dict.fromkeys(nothing[kind]))
    return buffer.getvalue()
