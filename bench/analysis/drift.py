"""How the step time went on inside the processes of one loop: what one number per process cannot show.

trace    warm-up and measured blocks of all processes, in order, against each process's own step time
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from bench.records.trial import BlockKind, Trial
from bench.units import Seconds

MEASURED_POINTS, WARM_UP_POINTS = 12, 4
"""Blocks are averaged into so many points at most: enough to see a drift, and little to store for many loops."""

BAND = 0.9
"""Share of the processes that the band holds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Points in order, each a step time over the step time that its process counts with: 1.02 reads 2 % slower."""

    middle: tuple[float, ...]
    """Median over processes."""
    low: tuple[float, ...]
    """Lower end of the band that holds `BAND` of the processes."""
    high: tuple[float, ...]

    def rounded(self, digits: int) -> "Stretch":
        """Return the same with so many digits after the point."""
        low, middle, high = (
            tuple(round(value, digits) for value in values) for values in (self.low, self.middle, self.high)
        )
        return Stretch(middle=middle, low=low, high=high)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """What `trace` returns."""

    warm_up: Stretch | None
    """Before the measured blocks, the first call excepted; None where some process had none."""
    measured: Stretch
    drift: float
    """Step time in the last quarter of the measured points over that in the first, median over processes."""

    def rounded(self, digits: int) -> "Trace":
        """Return the same with so many digits after the point."""
        warm_up = None if self.warm_up is None else self.warm_up.rounded(digits)
        return Trace(warm_up=warm_up, measured=self.measured.rounded(digits), drift=round(self.drift, digits))


def trace(processes: Sequence[tuple[Trial, Seconds]]) -> Trace | None:
    """Return how step times went on, or None without a process.

    Processes may have measured different numbers of blocks: a point stands for the same share of each one's blocks.

    Args:
        processes: Finished trials, and the step time that each counts with.
    """
    if not processes:
        return None
    measured = _points(processes, kind=BlockKind.MEASURED, most=MEASURED_POINTS)
    warm_up = _points(processes, kind=BlockKind.WARM_UP, most=WARM_UP_POINTS)
    if measured is None:
        return None
    quarter = max(1, len(measured[0]) // 4)
    return Trace(
        warm_up=None if warm_up is None else _stretch(warm_up),
        measured=_stretch(measured),
        drift=median(fmean(points[-quarter:]) / fmean(points[:quarter]) for points in measured),
    )


def _points(processes: Sequence[tuple[Trial, Seconds]], *, kind: BlockKind, most: int) -> list[list[float]] | None:
    """Return the points of each process, or None where one has no such block."""
    relative = [[block.step_seconds / step for block in trial.blocks_of(kind)] for trial, step in processes]
    count = min(most, *map(len, relative))
    if count == 0:
        return None
    return [[float(np.mean(part)) for part in np.array_split(blocks, count)] for blocks in relative]


def _stretch(points: list[list[float]]) -> Stretch:
    """Reduce points, process by process, to their middle and band."""
    low, middle, high = np.quantile(points, [(1.0 - BAND) / 2.0, 0.5, (1.0 + BAND) / 2.0], axis=0)
    return Stretch(middle=tuple(middle.tolist()), low=tuple(low.tolist()), high=tuple(high.tolist()))
