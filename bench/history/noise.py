"""How far a run's value is from the loop's level by chance alone: from its own interval, and from what runs show.

    spreads      standard deviation of each run's value, on the log scale
    lone_runs    runs that stand alone, far from those before and after

A run's own interval knows what its processes differ by, not what sessions differ by; neighbouring runs know both.
"""

from math import log, log1p, sqrt

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import chdtri

from bench.analysis import between
from bench.analysis.between import Values

QUIETEST = 1e-4
"""Noise is taken to be at least 0.01 %."""

_PRIOR_FREEDOM = 20.0
"""A run's variance over six processes is itself uncertain by a factor of two; it is drawn towards the usual one as if
that were so many further observations. Source of the manner: Smyth, "Linear models and empirical Bayes methods",
Statistical Applications in Genetics and Molecular Biology 3, 2004."""

_KEPT = 0.9
"""Share of the squared differences that counts, the smallest: level changes and lone runs are in the other tenth."""

_UNCERTAINTY = 4.3
"""Variance of the logarithm of that mean, times the number of runs: neighbouring differences share a run."""

_LONE, _NEIGHBOURS = 4.0, 3
"""Spreads that a lone run is away from the medians of so many runs before and after it."""

_UNTRUSTED = 100.0
"""What a lone run's variance is multiplied by: it stays on the page, and moves no level."""


def spreads(values: Values, *, errors: Values, processes: Values) -> Values:
    """Return the standard deviation of each value.

    Within runs it is the standard error, shrunk towards the usual one for as many processes. The variance between runs
    is added, where the squared differences between neighbours are larger than the intervals let expect by more than
    chance; where they are smaller by more than chance, all variances are made smaller, down to a quarter.

    Args:
        values: Logarithms, in the order of runs.
        errors: Standard error of each; NaN where a run had one process.
        processes: How many each rests on.
    """
    within = _within(errors, processes=processes)
    if len(values) < _NEIGHBOURS:
        return np.maximum(np.sqrt(within), QUIETEST)
    squares, pairs = np.diff(values) ** 2, within[1:] + within[:-1]
    excess = between.excess(squares, within=pairs, kept=_KEPT)
    error = sqrt(_UNCERTAINTY / len(values))
    if excess <= 0.0 or -1.5 * error <= log(excess) <= error:  # as the intervals say, as far as these runs can tell
        return np.maximum(np.sqrt(within), QUIETEST)
    if excess < 1.0:
        return np.maximum(np.sqrt(within * max(excess, 0.25)), QUIETEST)
    of_differences = between.variance(squares, within=pairs, kept=_KEPT)
    return np.maximum(np.sqrt(within + of_differences / 2.0), QUIETEST)


def _within(errors: Values, *, processes: Values) -> Values:
    """Return the variance of each value that its own processes show, shrunk; 0 where no run has an interval."""
    known = np.isfinite(errors)
    if not known.any():
        return np.zeros(len(errors))
    freedom = np.where(known, processes - 1.0, 0.0)
    # The median of what is distributed as chi-squared over its degrees of freedom is less than its mean, 1.
    medians = chdtri(np.maximum(freedom, 1.0), 0.5) / np.maximum(freedom, 1.0)
    usual = float(np.median((errors**2 * processes / medians)[known])) / processes
    own = np.where(known, errors, 0.0) ** 2
    shrunk: Values = (freedom * own + _PRIOR_FREEDOM * usual) / (freedom + _PRIOR_FREEDOM)
    return shrunk


def lone_runs(values: Values, *, spread: Values) -> NDArray[np.bool_]:
    """Return which runs are far above, or far below, both the runs before and the runs after them.

    One bad night is no new level. The first and the last run have neighbours on one side only, and are never alone.
    """
    alone = np.zeros(len(values), dtype=np.bool_)
    if len(values) > 2:  # noqa: PLR2004 - the first and the last
        before, after = _medians_before(values)[:-1], _medians_before(values[::-1])[-2::-1]
        above = values[1:-1] - np.maximum(before, after)
        below = np.minimum(before, after) - values[1:-1]
        alone[1:-1] = np.maximum(above, below) > _LONE * spread[1:-1] + log1p(QUIETEST)
    return alone


def _medians_before(values: Values) -> Values:
    """Return for each value but the first the median of up to `_NEIGHBOURS` before it."""
    padded = np.concatenate([np.full(_NEIGHBOURS - 1, np.nan), values[:-1]])
    medians: Values = np.nanmedian(sliding_window_view(padded, _NEIGHBOURS), axis=1)
    return medians


def distrust(spread: Values, *, alone: NDArray[np.bool_]) -> Values:
    """Return the spreads with those of lone runs made so wide that they move no level."""
    return np.where(alone, spread * np.sqrt(_UNTRUSTED), spread)
