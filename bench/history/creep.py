"""Slow creep: many small changes the same way, which steps describe as a staircase and one line describes better."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import sqrt

import numpy as np
from scipy.special import stdtrit

from bench.analysis.between import Values
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.history.segments import Course, Step, penalty

_TRIED = 24
"""Places that are tried for the beginning, and for the end, of a creep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Creep:
    """A line between two levels."""

    start: int
    """Index of the last run before it."""
    stop: int
    """Index of its last run."""
    per_run: Interval
    """Each run over the one before."""
    total: Interval
    """Its end over its beginning."""


def staircases(steps: Sequence[Step]) -> list[list[Step]]:
    """Return the steps in order, those that go the same way one after the other together."""
    return [list(group) for _, group in groupby(steps, key=lambda step: step.ratio.estimate > 1.0)]


def fitted(values: Values, *, spread: Values, course: Course, steps: Sequence[Step]) -> Creep | None:
    """Return the creep that describes a staircase better than its steps, or None.

    The line has three parameters beside a level, where it begins, where it ends and its slope, and is charged for two
    changes; the staircase for as many as it has steps. Both by weighted squares.

    Args:
        values: Logarithms, in the order of runs.
        spread: Standard deviation of each.
        course: What `find_changes` returned for them.
        steps: At least two, neighbours and the same way.
    """
    first = next(level for level in course.levels if level.stop == steps[0].place)
    last = next(level for level in course.levels if level.start == steps[-1].place)
    part, weights = values[first.start : last.stop], spread[first.start : last.stop] ** -2.0
    cost = penalty(len(values))
    bounds = [0, *(step.place - first.start for step in steps), len(part)]
    stairs = sum(_squares(part[a:b], weights[a:b]) for a, b in pairwise(bounds))
    starts = np.unique(np.linspace(0, steps[0].place - first.start, _TRIED, dtype=np.int64))
    stops = np.unique(np.linspace(steps[-1].place - first.start, len(part) - 1, _TRIED, dtype=np.int64))
    tried = [
        (*_line(part, weights, start=int(start), stop=int(stop)), int(start), int(stop))
        for start in starts
        for stop in stops
        if stop > start
    ]
    squares, slope, error, start, stop = min(tried, key=lambda one: one[0])
    if squares + 2.0 * cost >= stairs + len(steps) * cost and not squares <= stairs:
        return None
    error *= sqrt(max(1.0, squares / max(1, len(part) - 3)))
    reach = float(stdtrit(max(3, len(part) - 3), 0.5 + CONFIDENCE / 2.0)) * error
    return Creep(
        start=first.start + start,
        stop=first.start + stop,
        per_run=_interval(slope, reach, count=stop - start),
        total=_interval(slope * (stop - start), reach * (stop - start), count=stop - start),
    )


def _squares(values: Values, weights: Values) -> float:
    """Return weighted squares about the weighted mean."""
    return float((weights * (values - np.average(values, weights=weights)) ** 2).sum())


def _line(values: Values, weights: Values, *, start: int, stop: int) -> tuple[float, float, float]:
    """Return weighted squares about a level, a line from ``start`` to ``stop`` and a level; its slope and error."""
    ramp: Values = np.clip(np.arange(len(values)) - start, 0, stop - start).astype(np.float64)
    centre, middle = np.average(ramp, weights=weights), np.average(values, weights=weights)
    about = ramp - centre
    information = float((weights * about**2).sum())
    slope = float((weights * about * (values - middle)).sum()) / information
    left = values - middle - slope * about
    return float((weights * left**2).sum()), slope, sqrt(1.0 / information)


def _interval(middle: float, half_width: float, *, count: int) -> Interval:
    """Return an interval of logarithms as one of ratios."""
    low, estimate, high = np.exp([middle - half_width, middle, middle + half_width]).tolist()
    return Interval(estimate=estimate, low=low, high=high, count=count)
