"""What every chart is drawn on: frames of two widths, axes, round numbers on log scales, and names that fit.

One unit of length is one CSS pixel.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.spines import Spine
from matplotlib.text import Annotation, Text
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from bench.report import svg

FONT_SIZE = 14.0
"""Nothing is drawn smaller."""

SOURCE_SIZE = 11.0
"""But for the line that says where a picture comes from."""

_POINTS_PER_INCH = 72.0
_SCREEN_DPI = 108
_SIDE, _TITLE_ROOM, _SOURCE_ROW, _SOURCE_GAP = 12.0, 38.0, 15.0, 12.0
_LONGEST = 60
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_DECADE = 10.0
_FEWEST_TICKS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Margins:
    """Where things stand, in CSS pixels."""

    width: float
    """Of the whole picture."""
    row: float
    """Height of one loop."""
    left: float
    right: float
    name: float
    """Longest name before it is cut."""
    strip: tuple[float, float]
    """How far marks may reach above and below the middle of a row."""
    outside: tuple[float, float]
    """Room above the first row's middle and below the last one's."""


class Frame(Enum):
    """The widths at which every chart is drawn: two for a page, two for a paper."""

    WIDE = Margins(width=720.0, row=34.0, left=176.0, right=124.0, name=156.0, strip=(17.0, 17.0), outside=(17.0, 17.0))
    """Names beside their strip."""
    NARROW = Margins(width=288.0, row=52.0, left=12.0, right=16.0, name=150.0, strip=(11.0, 15.0), outside=(34.0, 17.0))
    """Names above their strip."""
    ONE_COLUMN = Margins(
        width=441.0, row=52.0, left=12.0, right=16.0, name=300.0, strip=(11.0, 15.0), outside=(34.0, 17.0)
    )
    """Likewise: 3.5 inches once letters of 14 points are shrunk to 8."""
    TWO_COLUMNS = Margins(
        width=902.0, row=34.0, left=220.0, right=124.0, name=200.0, strip=(17.0, 17.0), outside=(17.0, 17.0)
    )
    """Names beside their strip: 7.16 inches likewise."""

    @property
    def has_names_beside(self) -> bool:
        """Whether there is room for names and legends beside what is drawn."""
        return self in (Frame.WIDE, Frame.TWO_COLUMNS)


@final
class Picture(Figure):
    """A figure that a notebook shows by itself, also where nobody has imported pyplot."""

    def _repr_png_(self) -> bytes:
        """Return it as PNG."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=_SCREEN_DPI)
        return buffer.getvalue()


def empty(width: float, height: float) -> Figure:
    """Return an empty picture of this many CSS pixels."""
    size = (width / _POINTS_PER_INCH, height / _POINTS_PER_INCH)
    return Picture(figsize=size, dpi=_POINTS_PER_INCH, facecolor=svg.COLOURS["--page"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of text beside what is drawn."""

    text: str
    up: float
    """From the lower edge of the whole, in CSS pixels: of the middle of the title, of the foot of other lines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Framing:
    """What stands around a picture that stands alone, in CSS pixels."""

    left: float
    """Where all lines begin."""
    height: float
    """Of the whole."""
    below: float
    """How far what is drawn stands above the lower edge."""
    title: Line
    source: tuple[Line, ...]


def framing(width: float, height: float, *, title: str, source: str) -> Framing:
    """Return where title and source of a picture go.

    Args:
        width: Of what is drawn, in CSS pixels.
        height: Likewise.
        title: Cut where it is wider than the picture.
        source: Broken into lines that fit; may be empty.
    """
    lines = _wrapped(source, width=(width - 2.0 * _SIDE) * FONT_SIZE / SOURCE_SIZE)
    below = _SOURCE_ROW * len(lines) + _SOURCE_GAP if lines else 0.0
    whole = height + _TITLE_ROOM + below
    return Framing(
        left=_SIDE,
        height=whole,
        below=below,
        title=Line(text=cut(title, width=width - 2.0 * _SIDE), up=whole - _TITLE_ROOM / 2.0),
        source=tuple(
            Line(text=line, up=_SOURCE_GAP / 2.0 + _SOURCE_ROW * number) for number, line in enumerate(reversed(lines))
        ),
    )


def framed(figure: Figure, *, title: str, source: str) -> Figure:
    """Return a picture, made higher, with a title above and where it comes from below.

    Args:
        figure: As one of the charts returned it.
        title: As for `framing`.
        source: Likewise.
    """
    width, height = size_of(figure)
    around = framing(width, height, title=title, source=source)
    whole, below = around.height, around.below
    figure.set_size_inches(width / _POINTS_PER_INCH, whole / _POINTS_PER_INCH)

    def moved(y: float) -> float:
        return (y * height + below) / whole

    for axes in figure.axes:
        box = axes.get_position()
        axes.set_position((box.x0, moved(box.y0), box.width, box.height * height / whole))
    for text in figure.texts:
        text.set_y(moved(text.get_position()[1]))
    for line in (artist for artist in figure.artists if isinstance(artist, Line2D)):
        line.set_ydata([moved(y) for y in np.asarray(line.get_ydata(), float).tolist()])
    left = around.left / width
    figure.text(left, around.title.up / whole, around.title.text, va="center", weight="bold")
    muted = svg.COLOURS["--muted"]
    for one in around.source:
        figure.text(left, one.up / whole, one.text, va="bottom", size=SOURCE_SIZE, color=muted)
    return figure


def size_of(figure: Figure) -> tuple[float, float]:
    """Return width and height in CSS pixels."""
    width, height = (float(inches) * _POINTS_PER_INCH for inches in figure.get_size_inches())
    return width, height


def shrunk(figure: Figure, *, factor: float) -> Figure:
    """Return a picture with everything in it made smaller alike, letters and lines too."""
    width, height = figure.get_size_inches()
    figure.set_size_inches(width * factor, height * factor)
    for text in figure.findobj(Text):
        text.set_fontsize(float(text.get_fontsize()) * factor)
    for line in figure.findobj(Line2D):
        line.set_linewidth(line.get_linewidth() * factor)
        line.set_markersize(line.get_markersize() * factor)
        line.set_markeredgewidth(line.get_markeredgewidth() * factor)
    for note in figure.findobj(Annotation):
        note.xyann = (note.xyann[0] * factor, note.xyann[1] * factor)
    for spine in figure.findobj(Spine):
        spine.set_linewidth(spine.get_linewidth() * factor)
    for axes in figure.axes:
        axes.tick_params(length=4.0 * factor, pad=5.0 * factor, width=0.8 * factor)
    return figure


def _wrapped(text: str, *, width: float) -> list[str]:
    """Return a text in lines that are no wider than so many CSS pixels at the usual size of letters."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def bare_axes(figure: Figure, *, left: float, right: float, top: float, below: float) -> Axes:
    """Return bare axes inside these margins."""
    width, height = (inches * _POINTS_PER_INCH for inches in figure.get_size_inches())
    box = (left / width, below / height, (width - left - right) / width, (height - top - below) / height)
    axes = figure.add_axes(box)
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=4, pad=5)
    return axes


def strips(count: int, *, frame: Frame, below: float) -> tuple[Figure, Axes]:
    """Return axes with one horizontal strip per loop, the first on top."""
    size = frame.value
    figure = empty(size.width, sum(size.outside) + size.row * (count - 1) + below)
    axes = bare_axes(figure, left=size.left, right=size.right, top=0.0, below=below)
    axes.set_ylim(count - 1 + size.outside[1] / size.row, -size.outside[0] / size.row)
    axes.set_yticks([])
    # One path with gaps instead of one per loop: a third of the bytes.
    x, y = [0.0, 1.0, math.nan] * count, [height for row in range(count) for height in (row, row, math.nan)]
    style: dict[str, Any] = {"color": svg.COLOURS["--band"], "linewidth": 1, "zorder": 0, "clip_on": False}
    axes.plot(x, y, transform=axes.get_yaxis_transform(), **style)
    return figure, axes


def label(axes: Axes, row: int, *, frame: Frame, left: str, right: str) -> None:
    """Write a loop's name and its number beside the strip, or above it where there is no room."""
    size = frame.value
    place = blended_transform_factory(axes.figure.transFigure, axes.transData)
    name = cut(left, width=size.name)
    if frame.has_names_beside:
        axes.text((size.left - 14.0) / size.width, row, name, transform=place, ha="right", va="center")
        axes.text(1.0 - (size.right - 14.0) / size.width, row, right, transform=place, ha="left", va="center")
        return
    height = row - (size.strip[0] + 2.0) / size.row
    axes.text(size.left / size.width, height, name, transform=place, ha="left", va="bottom")
    axes.text(1.0 - size.right / size.width, height, right, transform=place, ha="right", va="bottom")


def write_below(axes: Axes, x: float, *, text: str, align: str) -> None:
    """Write a word under the axis, at a fraction of its length."""
    axes.annotate(text, (x, 0.0), (0.0, -46.0), xycoords="axes fraction", textcoords="offset points", ha=align)


def log_ticks(axis: Axis, *, low: float, high: float, suffix: str, most: int) -> None:
    """Label a log axis at round numbers, at most so many."""
    candidates = _round_numbers(low, high, most=most)
    axis.set_major_locator(FixedLocator(candidates))
    axis.set_major_formatter(FixedFormatter([f"{value:,.9f}".rstrip("0").rstrip(".") + suffix for value in candidates]))
    axis.set_minor_locator(NullLocator())


def ticks_at(axis: Axis, values: Sequence[int], *, most: int) -> None:
    """Label a log axis at given numbers, but for those that would stand closer than so many labels can."""
    apart = math.log(values[-1] / values[0]) / most
    kept = [values[0]]
    for value in values[1:-1]:
        if math.log(value / kept[-1]) >= apart and math.log(values[-1] / value) >= apart:
            kept.append(value)
    kept.append(values[-1])
    axis.set_major_locator(FixedLocator(kept))
    axis.set_major_formatter(FixedFormatter([f"{value:,}" for value in kept]))
    axis.set_minor_locator(NullLocator())


def _round_numbers(low: float, high: float, *, most: int) -> list[float]:
    """Return the densest set of round numbers between two bounds that has at least two and at most so many members."""
    finest = math.floor(math.log10(high - low)) - 2 if high > low else 0
    sets = []
    if high / low < _DECADE:
        steps = [lead * 10.0 ** (finest + power) for power in range(3) for lead in (1, 2, 5)]
        sets = [[i * step for i in range(math.floor(low / step), math.ceil(high / step) + 1)] for step in steps]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    sets += [[lead * 10.0**d for d in decades for lead in leads] for leads in ((1, 2, 5), (1, 3), (1,))]
    sets += [[10.0**d for d in decades if d % skip == 0] for skip in (2, 3, 4)]
    for numbers in sets:
        # Rounded, because 3 * 0.1 is not 0.3; the bounds have a little room for the same reason.
        inside = [float(f"{value:.6g}") for value in numbers if low * 0.999 <= value <= high * 1.001]
        if _FEWEST_TICKS <= len(inside) <= most:
            return inside
    return [float(f"{value:.3g}") for value in (low, high)]


def cut(text: str, *, width: float) -> str:
    """Return the text, cut to so many CSS pixels; the tables have the whole of it."""
    if text_width(text[:_LONGEST]) <= width and len(text) <= _LONGEST:
        return text
    kept = next((n for n in range(_LONGEST, 1, -1) if text_width(f"{text[:n]}{_ELLIPSIS}") <= width), 1)
    return f"{text[:kept]}{_ELLIPSIS}"


@cache
def text_width(text: str) -> float:
    """Return how long a text is in matplotlib's own font, which is wider than most."""
    font = FontProperties(size=FONT_SIZE)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])
