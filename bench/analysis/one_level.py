"""Which of many processes never changed their level: `bench.analysis.steady` for hundreds of them at a time.

The same cuts, costs and penalties, computed for all processes with equally many blocks at once; ten times quicker where
thousands of stored runs are read. Whoever changes level is left to `steady_state` itself, so nothing is judged here.
"""

from collections.abc import Sequence
from math import log1p

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bench.analysis.steady import _MOST_SEGMENTS, _RESOLUTION, LEAST_BLOCKS, _penalty
from bench.analysis.verdict import MARGIN
from bench.units import Seconds

_AT_A_TIME = 256
"""Processes whose costs are held in memory together: 2 MB at 24 blocks."""


def stay_on_one_level(step_seconds: Sequence[Sequence[Seconds]]) -> list[bool]:
    """Return for each process whether `steady_state` would leave no block of it out for being on another level.

    Args:
        step_seconds: Seconds per step of each block in order, equally many blocks of each process.

    Returns:
        True where the best cut is none at all: flat or drifting. False where it has to be asked.

    >>> stay_on_one_level([[5.0, 5.1, 5.0, 5.1, 5.0, 5.1, 5.0], [9.1, 9.0, 9.2, 5.0, 5.1, 5.0, 5.1]])
    [True, False]
    """
    if not step_seconds:
        return []
    if len(step_seconds[0]) < 2 * LEAST_BLOCKS:
        return [True] * len(step_seconds)
    logarithms = np.log(np.asarray(step_seconds, dtype=np.float64))
    flat = np.ptp(logarithms, axis=1) < log1p(MARGIN)  # levels this close are joined, wherever they are cut
    rest = np.flatnonzero(~flat)
    for start in range(0, len(rest), _AT_A_TIME):
        chosen = rest[start : start + _AT_A_TIME]
        flat[chosen] = _uncut(logarithms[chosen])
    return [bool(one) for one in flat]


def _uncut(logarithms: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each row whether one piece describes it better than any cut into more."""
    rows, count = logarithms.shape
    costs = _costs(logarithms)
    best = costs[:, 0]
    alone = _misfit(best[:, count], count=count)
    uncut = np.ones(rows, dtype=np.bool_)
    for pieces in range(2, min(_MOST_SEGMENTS, count // LEAST_BLOCKS) + 1):
        best = (best[:, :count, None] + costs).min(axis=1)
        uncut &= _misfit(best[:, count], count=count) + (pieces - 1) * _penalty(count) >= alone
    return uncut


def _costs(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of distances from the median of each piece, by row, start and stop; infinite for short pieces."""
    rows, count = logarithms.shape
    costs = np.full((rows, count, count + 1), np.inf)
    for length in range(LEAST_BLOCKS, count + 1):
        pieces = np.sort(sliding_window_view(logarithms, length, axis=1), axis=2)
        half = length // 2
        starts = np.arange(count - length + 1)
        costs[:, starts, starts + length] = pieces[..., length - half :].sum(axis=2) - pieces[..., :half].sum(axis=2)
    return costs


def _misfit(distances: NDArray[np.float64], *, count: int) -> NDArray[np.float64]:
    """Return minus twice the log likelihood of Laplace noise for many sums of distances."""
    scores: NDArray[np.float64] = 2.0 * count * np.log(np.maximum(distances / count, _RESOLUTION))
    return scores
