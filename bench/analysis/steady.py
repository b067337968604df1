"""Is a trial steady? Change points in the blocks of one process, as they ran, warm-up included.

    steady_state    flat, warm-up, slowdown or none, and from which block on the steady state holds

In the manner of Barrett, Bolz-Tereick, Killick, Mount and Tratt, "Virtual machine warmup blows hot and cold", OOPSLA
2017: cut the series where its level changes, take the last piece for the steady state, and say so when there is none.
Three things differ, because trials have tens of blocks and theirs had thousands: the cut is exact, by dynamic
programming; levels are medians, so that one slow block is no change; and a straight line is tried beside the steps, so
that a drift is not mistaken for a staircase.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import ceil, log, log1p

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bench.analysis.verdict import MARGIN
from bench.units import Seconds

LEAST_BLOCKS = 3
"""Shortest piece: its median withstands one slow block, so that a single hiccup never makes a change point."""

STEADY_SHARE = 0.25
"""The steady state has to hold for the last quarter of the blocks: the default of the authors' tool, `warmup_stats`."""

_MOST_SEGMENTS = 8
"""More levels than this in one trial is no steady state in any case."""

_RESOLUTION = 1e-4
"""Noise is taken to be at least 0.01 %, so that blocks which agree exactly do not make every difference count."""

_Logarithms = NDArray[np.float64]


class Steadiness(StrEnum):
    """How a trial came to its steady state; the words of Barrett et al."""

    FLAT = "flat"
    """One level from the first block on."""
    WARM_UP = "warm-up"
    """It became faster and stayed so."""
    SLOWDOWN = "slowdown"
    """It was faster before than it is in the end."""
    NONE = "none"
    """No steady state: still changing towards the end, or drifting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """Blocks of one level."""

    start: int
    """Index of the first block."""
    stop: int
    """Index after the last block."""
    level: Seconds
    """Median step time of these blocks."""

    @property
    def length(self) -> int:
        """Blocks."""
        return self.stop - self.start


@dataclass(frozen=True, kw_only=True, slots=True)
class SteadyState:
    """The answer of `steady_state`."""

    kind: Steadiness
    start: int | None
    """Index of the first steady block; None when there is no steady state."""
    segments: tuple[Segment, ...]
    """All blocks, in order."""


def steady_state(step_seconds: Sequence[Seconds], *, margin: float = MARGIN) -> SteadyState | None:
    """Say whether, and from which block on, the step time of one process holds still.

    Of all ways to cut the logarithms into pieces, the one is taken that minimises ``2 n log(mean distance of the
    blocks from their piece's median)`` plus a penalty per change. Neighbours that differ by less than ``margin`` are
    then joined. The last piece is the steady state if it is long enough, and if from no cut on a straight line
    describes the blocks better than the pieces do.

    The mean absolute distance is what the likelihood of Laplace noise comes to, which is why outliers cost little.

    Args:
        step_seconds: Seconds per step of each block in order, warm-up included, first call excluded.
        margin: Levels that differ by less count as one.

    Returns:
        None for fewer than six blocks, which is too few to tell.

    >>> found = steady_state([9.1, 9.0, 9.2, 5.0, 5.1, 5.0, 5.1, 5.0])
    >>> found.kind.value, found.start, [segment.level for segment in found.segments]
    ('warm-up', 3, [9.1, 5.0])
    """
    if len(step_seconds) < 2 * LEAST_BLOCKS:
        return None
    logarithms = np.log(np.asarray(step_seconds, dtype=np.float64))
    bounds = _join(logarithms, bounds=_cut(logarithms), least=log1p(margin))
    segments = tuple(
        Segment(start=start, stop=stop, level=float(np.median(step_seconds[start:stop])))
        for start, stop in pairwise(bounds)
    )
    last = segments[-1]
    if last.length < ceil(STEADY_SHARE * len(step_seconds)) or _drifts(logarithms, bounds=bounds, least=log1p(margin)):
        return SteadyState(kind=Steadiness.NONE, start=None, segments=segments)
    if len(segments) == 1:
        kind = Steadiness.FLAT
    elif min(segment.level for segment in segments) * (1.0 + margin) < last.level:
        kind = Steadiness.SLOWDOWN
    else:
        kind = Steadiness.WARM_UP
    return SteadyState(kind=kind, start=last.start, segments=segments)


def _penalty(count: int) -> float:
    """Return what a change has to gain in twice the log likelihood, for so many blocks.

    The Bayesian criterion charges ``log n`` per parameter, and a change has two, its place and its level. That is for
    long series; the factor here is set by simulation so that about one flat trial in a hundred, or fewer, shows a
    change, at 8 blocks as at 100 and for normal noise, Laplace noise and Student's t with three degrees of freedom.
    """
    return (4.0 + 30.0 / count) * log(count)


def _misfit(distance: float, *, count: int) -> float:
    """Return minus twice the log likelihood of Laplace noise, up to a constant, from the sum of the distances."""
    return 2.0 * count * log(max(distance / count, _RESOLUTION))


def _cut(logarithms: _Logarithms) -> list[int]:
    """Return where the pieces of the best cut begin, and the number of blocks at the end."""
    count = len(logarithms)
    costs = _costs(logarithms)
    best = costs[0]  # best[stop] = distance of the first `stop` blocks in as many pieces as the round has
    score, chosen, starts = _misfit(float(best[count]), count=count), 1, []
    for pieces in range(2, min(_MOST_SEGMENTS, count // LEAST_BLOCKS) + 1):
        through = best[:count, None] + costs
        starts.append(through.argmin(axis=0))
        best = through.min(axis=0)
        new_score = _misfit(float(best[count]), count=count) + (pieces - 1) * _penalty(count)
        if new_score < score:
            score, chosen = new_score, pieces
    bounds = [count]
    for start in reversed(starts[: chosen - 1]):
        bounds.append(int(start[bounds[-1]]))
    return [0, *reversed(bounds)]


def _costs(logarithms: _Logarithms) -> _Logarithms:
    """Return the sum of distances from the median for each piece, by start and stop; infinite for short pieces."""
    count = len(logarithms)
    costs = np.full((count, count + 1), np.inf)
    for length in range(LEAST_BLOCKS, count + 1):
        pieces = np.sort(sliding_window_view(logarithms, length), axis=1)
        half = length // 2
        starts = np.arange(count - length + 1)
        costs[starts, starts + length] = pieces[:, length - half :].sum(axis=1) - pieces[:, :half].sum(axis=1)
    return costs


def _join(logarithms: _Logarithms, *, bounds: list[int], least: float) -> list[int]:
    """Drop cuts between neighbours whose levels differ by less than ``least``, the closest pair first."""
    bounds = list(bounds)
    while len(bounds) > 2:  # noqa: PLR2004 - one piece has two bounds
        levels = [float(np.median(logarithms[a:b])) for a, b in pairwise(bounds)]
        steps = [abs(after - before) for before, after in pairwise(levels)]
        closest = min(range(len(steps)), key=steps.__getitem__)
        if steps[closest] >= least:
            break
        del bounds[closest + 1]
    return bounds


def _drifts(logarithms: _Logarithms, *, bounds: list[int], least: float) -> bool:
    """Whether, from some cut to the end, a straight line that rises or falls by ``least`` fits better than pieces."""
    for index, start in enumerate(bounds[:-1]):
        rest, cuts = logarithms[start:], bounds[index:]
        count = len(rest)
        if count < 2 * LEAST_BLOCKS:
            break
        pieces = [logarithms[a:b] for a, b in pairwise(cuts)]
        distance = sum(float(np.abs(piece - np.median(piece)).sum()) for piece in pieces)
        steps = _misfit(distance, count=count) + (len(pieces) - 1) * _penalty(count)
        slope, distance = _line(rest)
        if abs(slope) * count > least and _misfit(distance, count=count) + _penalty(count) < steps:
            return True
    return False


def _line(logarithms: _Logarithms) -> tuple[float, float]:
    """Return slope per block and sum of distances of the line of Theil (1950) and Sen (1968).

    Its slope is the median of the slopes between all pairs, which outliers hardly move.
    """
    places = np.arange(len(logarithms))
    first, second = np.triu_indices(len(logarithms), k=1)
    slope = float(np.median((logarithms[second] - logarithms[first]) / (second - first)))
    rest = logarithms - slope * places
    return slope, float(np.abs(rest - np.median(rest)).sum())
