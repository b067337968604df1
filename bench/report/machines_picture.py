"""One small picture per loop: its speed against the baseline on each machine, the same scale in all of them.

Written as SVG by hand, as those of histories are, and for the same reason. One unit is one CSS pixel on a phone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count, islice, product
from math import ceil, floor, log, log10
from string import ascii_uppercase

from bench.analysis.intervals import Interval
from bench.analysis.judgement import Judgement
from bench.analysis.many_machines import Matrix
from bench.analysis.verdict import Verdict
from bench.report import wording

WIDTH = 288
_LEFT, _RIGHT, _TOP, _BELOW, _ROW = 26.0, 12.0, 6.0, 26.0, 20.0
_MOST_TICKS = 4
_COLOURS = {Verdict.FASTER: "var(--faster)", Verdict.SLOWER: "var(--slower)"}
_LEADS = (1.0, 2.0, 5.0)
_WIDEST = 1e6
"""Bounds further from 1 than this are cut off."""


def letters(number: int) -> list[str]:
    """Return a short name for each of so many machines: A to Z, then AA, AB and so on."""
    endless = ("".join(word) for length in count(1) for word in product(ascii_uppercase, repeat=length))
    return list(islice(endless, number))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scale:
    """From ratios to pixels."""

    low: float
    high: float

    def x(self, ratio: float) -> float:
        """Return where a ratio stands."""
        share = log(min(max(ratio, self.low), self.high) / self.low) / log(self.high / self.low)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def ticks(self) -> list[float]:
        """Return at most so many round numbers, 1 among them."""
        decades = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        for leads, apart in ((_LEADS, 1), ((1.0,), 1), ((1.0,), 2), ((1.0,), 3)):
            numbers = [float(f"{lead * 10.0**d:.6g}") for d in decades if d % apart == 0 for lead in leads]
            inside = [one for one in numbers if self.low <= one <= self.high]
            if len(inside) <= _MOST_TICKS:
                return inside
        return [1.0]


def draw(matrix: Matrix) -> dict[str, str]:
    """Return loop -> its picture, as an SVG that takes colours and font from the page; the baseline has none."""
    loops = {loop: _judged(matrix, loop) for loop in matrix.loops if loop != matrix.baseline}
    scale = _scale(judgement.speed_up for of_loop in loops.values() for judgement in of_loop if judgement is not None)
    return {} if scale is None else {loop: _draw(matrix, loop, found, scale=scale) for loop, found in loops.items()}


def _judged(matrix: Matrix, loop: str) -> list[Judgement | None]:
    """Return what each machine says of a loop against the baseline."""
    return [column.between(matrix.baseline, loop) for column in matrix.columns]


def _draw(matrix: Matrix, loop: str, judged: Sequence[Judgement | None], *, scale: _Scale) -> str:
    """Return the picture of one loop."""
    short = letters(len(judged))
    below = _TOP + _ROW * len(judged)
    said = "; ".join(f"{letter}: {_text(found)}" for letter, found in zip(short, judged, strict=True))
    label = f"{wording.display_name(loop)} against {wording.display_name(matrix.baseline)}, {said}"
    parts = [f'<svg role="img" viewBox="0 0 {WIDTH} {below + _BELOW:g}" aria-label="{escape(label)}">']
    for tick in scale.ticks():
        x = scale.x(tick)
        colour = "muted" if tick == 1.0 else "band"
        parts += [
            f'<path d="M{x:.1f} {_TOP:g}V{below:g}" stroke="var(--{colour})"/>',
            f'<text x="{x:.1f}" y="{below + 18:g}" text-anchor="middle">{tick:,g}x</text>',
        ]
    for place, (letter, found) in enumerate(zip(short, judged, strict=True)):
        parts += _row(found, place=place, letter=letter, scale=scale)
    return "\n".join([*parts, "</svg>"])


def _row(judged: Judgement | None, *, place: int, letter: str, scale: _Scale) -> list[str]:
    """Return a machine's letter and, where there is a ratio, its interval and mark."""
    middle = _TOP + _ROW * (place + 0.5)
    parts = [f'<text x="0" y="{middle + 5:g}">{letter}</text>']
    if judged is None or judged.speed_up is None:
        return parts
    colour = _COLOURS.get(judged.verdict, "var(--muted)")
    ratio = judged.speed_up
    if ratio.low is not None and ratio.high is not None:
        bar = f"M{scale.x(ratio.low):.1f} {middle:g}H{scale.x(ratio.high):.1f}"
        parts.append(f'<path d="{bar}" stroke="{colour}" stroke-width="4"/>')
    dot = f"M{scale.x(ratio.estimate):.1f} {middle:g}h0"
    parts.append(f'<path d="{dot}" stroke="{colour}" stroke-width="11" stroke-linecap="round"/>')
    return parts


def _text(judged: Judgement | None) -> str:
    """Return the same in words."""
    return "no number" if judged is None or judged.speed_up is None else wording.ratio_text(judged.speed_up)


def _scale(ratios: Iterable[Interval | None]) -> _Scale | None:
    """Return the scale of all pictures of a matrix; None where there is nothing to draw."""
    values = [end for one in ratios if one is not None for end in (one.low, one.estimate, one.high) if end is not None]
    if not values:
        return None
    low, high = min(1.0, *values), max(1.0, *values)
    low, high = max(low, 1.0 / _WIDEST), min(high, _WIDEST)
    room = max(high / low, 1.1) ** 0.05
    return _Scale(low=low / room, high=high * room)
