"""Where a series of runs changes its level: places, sizes and how sure they are.

    find_changes    levels, and the changes between them that hold

`ruptures` proposes where to cut, on values over their own spread, at a penalty; each cut is then put where the weighted
squares are least, and stands only if it gains more than the penalty and the interval of its size clears the margin.
Sources: Killick, Fearnhead and Eckley, "Optimal detection of changepoints with a linear computational cost", JASA 107,
2012 (the search); Truong, Oudre and Vayatis, "Selective review of offline change point detection methods", Signal
Processing 167, 2020 (`ruptures`). `tools/study_changes.py` says how often all this errs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import exp, log, log1p, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtrit

from bench.analysis.between import Values
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.history.noise import distrust, lone_runs, spreads

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_CHANGE = 0.0075
"""A change is told if its whole interval is beyond 0.75 %: a step of 3 % cannot be shown within twelve runs at 2 %
noise if it has to clear the 2 % that decide between loops of one run, nor quite with 1 %."""

LEAST_RUNS = 3
"""Of a level."""

FEWEST = 2 * LEAST_RUNS
"""Runs of a series in which a change can be seen."""

_WINDOW, _STRIDE = 1500, 1000
"""Longer series are searched piece by piece, so that the time grows with their length and not with its square."""
_LONGEST_PASSES = 4
_SHORT = 8.0
"""A level of few runs has to gain more, by so much over their number: it can be put where chance is kindest."""
_EPISODE = 6.0
"""A level that is left again has to gain so much beyond two cuts: there are far more places for it."""
_PLACE_SURE = 6.0
"""Places that fit worse by less than this are not ruled out: -2 log(0.05), as for an interval of a likelihood."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """Runs between two changes."""

    start: int
    """Index of the first run."""
    stop: int
    """Index after the last one."""
    typical: Interval
    """Weighted mean of the runs; `count` is their number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A change from one level to the next."""

    place: int
    """Index of the first run on the new level."""
    earliest: int
    latest: int
    """Where else it may have happened, as far as the runs tell."""
    ratio: Interval
    """New level over old one: 1.05 takes 5 % longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What `find_changes` returns."""

    levels: tuple[Level, ...]
    steps: tuple[Step, ...]
    """One fewer than levels."""
    spread: float
    """Typical standard deviation of a run's value about its level, relative."""
    lone: tuple[int, ...]
    """Runs that stand alone and move no level."""


def penalty(count: int) -> float:
    """Return what a change has to gain in weighted squares, for a series of so many runs.

    Set by simulation so that fewer than one in a hundred flat series shows a change, from 10 runs to 1 000 (see
    `tools/study_changes.py`). Short series charge more, because their noise is known less well.
    """
    return 11.9 + 45.0 / max(count, FEWEST) + max(0.0, 2.0 * log(count / 200.0))


def find_changes(
    values: Sequence[float], *, errors: Sequence[float], processes: Sequence[int], margin: float = LEAST_CHANGE
) -> Course:
    """Return levels and the changes between them.

    Args:
        values: Logarithm of a positive quantity, in the order of runs.
        errors: Standard error of each value; NaN where a run had one process.
        processes: How many processes each rests on.
        margin: Smallest relative change that matters.

    Raises:
        ValueError: If there is no run.
    """
    if not len(values):
        raise ValueError("expected at least one run")
    series = np.asarray(values, dtype=np.float64)
    spread = spreads(series, errors=np.asarray(errors, np.float64), processes=np.asarray(processes, np.float64))
    alone = lone_runs(series, spread=spread)
    sums = _Sums(series, distrust(spread, alone=alone))
    cuts: list[int] = []
    for _ in range(_LONGEST_PASSES if len(series) >= FEWEST else 0):
        proposed = _proposals(sums, cuts=cuts)
        kept = _prune(sums, cuts=sorted({*cuts, *proposed}), margin=margin)
        if kept == cuts:
            break
        cuts = kept
    bounds = [0, *cuts, len(series)]
    return Course(
        levels=tuple(_level(sums, start, stop, bounds=bounds) for start, stop in pairwise(bounds)),
        steps=tuple(_step(sums, place, bounds=bounds) for place in range(1, len(bounds) - 1)),
        spread=float(np.median(spread)),
        lone=tuple(int(place) for place in np.flatnonzero(alone)),
    )


class _Sums:
    """Weighted sums of every stretch of a series in constant time."""

    def __init__(self, values: Values, spread: Values) -> None:
        """Accumulate weights, values and squares."""
        self.values, self.spread = values, spread
        weights = spread**-2.0
        centre = float(np.average(values, weights=weights))  # near zero, so that squares lose no digits
        self._centre = centre
        self._totals = np.zeros((3, len(values) + 1))
        for row, power in zip(self._totals, (0, 1, 2), strict=True):
            np.cumsum(weights * (values - centre) ** power, out=row[1:])

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.values)

    @cached_property
    def penalty(self) -> float:
        """What a change has to gain."""
        return penalty(len(self))

    def weight(self, start: int, stop: int) -> float:
        """Return the sum of weights; its reciprocal is the variance of the mean."""
        return float(self._totals[0, stop] - self._totals[0, start])

    def mean(self, start: int, stop: int) -> float:
        """Return the weighted mean."""
        return self._centre + float(self._totals[1, stop] - self._totals[1, start]) / self.weight(start, stop)

    def squares(self, start: Any, stop: Any) -> Any:
        """Return the weighted squares about the mean, of one stretch or of arrays of them."""
        weight, value, square = (row[stop] - row[start] for row in self._totals)
        return np.maximum(square - value**2 / weight, 0.0)

    def best_cut(self, start: int, stop: int) -> int:
        """Return where a stretch of at least `FEWEST` runs is best cut in two."""
        places = np.arange(start + LEAST_RUNS, stop - LEAST_RUNS + 1)
        return int(places[np.argmin(self.squares(start, places) + self.squares(places, stop))])


def _proposals(sums: _Sums, *, cuts: Sequence[int]) -> list[int]:
    """Return where `ruptures` would cut what the present levels leave."""
    from ruptures.detection import KernelCPD  # noqa: PLC0415 - takes a second, and only new runs need it

    bounds = [0, *cuts, len(sums)]
    left = np.empty(len(sums))
    for start, stop in pairwise(bounds):
        left[start:stop] = (sums.values[start:stop] - sums.mean(start, stop)) / sums.spread[start:stop]
    found: set[int] = set()
    for begin in range(0, max(1, len(sums) - _WINDOW + _STRIDE), _STRIDE):
        window = left[begin : begin + _WINDOW]
        if len(window) >= FEWEST:
            search = KernelCPD(kernel="linear", min_size=LEAST_RUNS).fit(window[:, None])
            found.update(begin + int(place) for place in search.predict(pen=sums.penalty)[:-1])
    return sorted(found)


def _prune(sums: _Sums, *, cuts: Sequence[int], margin: float) -> list[int]:
    """Put each cut where it fits best, and drop those that do not hold, the weakest first."""
    bounds = [0]
    for place in cuts:  # two windows may have proposed neighbours
        if place - bounds[-1] >= LEAST_RUNS and len(sums) - place >= LEAST_RUNS:
            bounds.append(place)
    bounds.append(len(sums))
    while len(bounds) > 2:  # noqa: PLR2004 - one level has two bounds
        for index in range(1, len(bounds) - 1):
            bounds[index] = sums.best_cut(bounds[index - 1], bounds[index + 1])
        merits = [_merit(sums, index, bounds=bounds, margin=margin) for index in range(1, len(bounds) - 1)]
        for first in range(len(merits) - 1):
            together = _merit_of_two(sums, first + 1, bounds=bounds)
            merits[first : first + 2] = (min(together, alone) for alone in merits[first : first + 2])
        weakest = min(range(len(merits)), key=merits.__getitem__)
        if merits[weakest] > 0.0:
            break
        del bounds[weakest + 1]
    return bounds[1:-1]


def _merit(sums: _Sums, index: int, *, bounds: Sequence[int], margin: float) -> float:
    """Return by how much a cut holds: what it gains beyond the penalty, and its interval beyond the margin; both."""
    start, place, stop = bounds[index - 1 : index + 2]
    gain = float(sums.squares(start, stop) - sums.squares(start, place) - sums.squares(place, stop))
    difference, error = _difference(sums, index, bounds=bounds)
    beyond = (abs(difference) - log1p(margin)) / error - _reach(sums, bounds=bounds)
    return min(gain - sums.penalty - _SHORT / min(place - start, stop - place), beyond)


def _merit_of_two(sums: _Sums, index: int, *, bounds: Sequence[int]) -> float:
    """Return what a cut and the next one gain together beyond what both have to.

    A level that is left again gives both cuts what it gains, each for itself, and has to pay for both.
    """
    start, first, second, stop = bounds[index - 1 : index + 3]
    parts = sums.squares(start, first) + sums.squares(first, second) + sums.squares(second, stop)
    shortest = _SHORT / min(first - start, second - first) + _SHORT / min(second - first, stop - second)
    return float(sums.squares(start, stop) - parts) - 2.0 * sums.penalty - shortest - _EPISODE


def _difference(sums: _Sums, index: int, *, bounds: Sequence[int]) -> tuple[float, float]:
    """Return new level minus old one, and its standard error.

    Where runs scatter more about their levels than their spreads say, the error grows by the root of it: the scale
    factor of the Particle Data Group.
    """
    start, place, stop = bounds[index - 1 : index + 2]
    squares = float(sums.squares(start, place) + sums.squares(place, stop))
    scale = max(1.0, squares / max(1, stop - start - 2))
    variance = 1.0 / sums.weight(start, place) + 1.0 / sums.weight(place, stop)
    return sums.mean(place, stop) - sums.mean(start, place), sqrt(variance * scale)


def _reach(sums: _Sums, *, bounds: Sequence[int]) -> float:
    """Return how many standard errors an interval reaches: Student's t with the runs beyond one a level."""
    return float(stdtrit(max(3, len(sums) - len(bounds) + 1), 0.5 + CONFIDENCE / 2.0))


def _level(sums: _Sums, start: int, stop: int, *, bounds: Sequence[int]) -> Level:
    """Return the weighted mean of a stretch and its interval."""
    scale = max(1.0, float(sums.squares(start, stop)) / max(1, stop - start - 1))
    half_width = _reach(sums, bounds=bounds) * sqrt(scale / sums.weight(start, stop))
    return Level(start=start, stop=stop, typical=_interval(sums.mean(start, stop), half_width, count=stop - start))


def _step(sums: _Sums, index: int, *, bounds: Sequence[int]) -> Step:
    """Return a change with its size and where else it may have happened."""
    start, place, stop = bounds[index - 1 : index + 2]
    difference, error = _difference(sums, index, bounds=bounds)
    places = np.arange(start + 1, stop)
    costs = sums.squares(start, places) + sums.squares(places, stop)
    possible: NDArray[np.int64] = places[costs <= costs[place - start - 1] + _PLACE_SURE]
    return Step(
        place=place,
        earliest=int(possible.min()),
        latest=int(possible.max()),
        ratio=_interval(difference, _reach(sums, bounds=bounds) * error, count=min(place - start, stop - place)),
    )


def _interval(middle: float, half_width: float, *, count: int) -> Interval:
    """Return an interval of logarithms as one of ratios."""
    return Interval(estimate=exp(middle), low=exp(middle - half_width), high=exp(middle + half_width), count=count)
