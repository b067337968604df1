"""How the time of a step grows with the batch: a fixed cost and a cost for each sample, fitted to a sweep.

    fit_costs     the two costs behind one step time for each batch size
    fit           the cost model of a loop, with intervals from the fits of single rounds
    crossing      the batch size at which two loops take the same time

The model is ``step seconds = fixed + per_sample * batch size``, with neither cost below 0. It is fitted by least
squares of the relative errors, because a step time is known to so many per cent, not to so many microseconds. The
process is the unit of evidence: each round has one process for each batch size, so each round gives one fit of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import geometric_mean

import numpy as np

from bench.analysis.intervals import Interval, geometric_mean_interval
from bench.analysis.judgement import paired
from bench.units import Seconds

FITS_WITHIN = 0.20
"""A model that errs by more at a size that was left out of its fit describes something else than the loop."""

FEWEST_ROUNDS = 3
"""With fewer, the fits of single rounds give no interval worth stating."""

FEWEST_SIZES = 2

Sweep = Mapping[int, Mapping[int, Seconds]]
"""Batch size -> round -> seconds per step of that round's process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What a step costs."""

    fixed: Seconds
    """For each step, however large the batch."""
    per_sample: Seconds

    def step_seconds(self, batch_size: float) -> Seconds:
        """Return how long a step of this batch size takes."""
        return self.fixed + self.per_sample * batch_size


@dataclass(frozen=True, kw_only=True, slots=True)
class CostModel:
    """The costs of one loop over a sweep."""

    fixed: Interval
    """Seconds for each step; without bounds where there are too few rounds or some round's fit has none of it."""
    per_sample: Interval
    """Seconds for each sample."""
    left_out_error: float | None
    """Largest relative error in the step time of a size that lies between others and was left out of the fit: 0.04 is
    4 %. None with two sizes, which fit any line."""
    sizes: tuple[int, ...]
    """Batch sizes behind it, ascending. It says nothing of sizes below the first or above the last."""
    rounds: dict[int, Costs]
    """Round -> its own fit."""

    @property
    def fits(self) -> bool:
        """Whether nothing speaks against the model."""
        return self.left_out_error is None or self.left_out_error <= FITS_WITHIN

    def step_seconds(self, batch_size: float) -> Seconds:
        """Return what the model says of a batch size."""
        return _estimate(self.fixed, self.per_sample).step_seconds(batch_size)


def fit_costs(step_seconds: Mapping[int, Seconds]) -> Costs:
    """Return the costs that come nearest to the measured times, in relative terms.

    Minimised is the sum of ``(model / measured - 1) ** 2``, with neither cost below 0. Source: Lawson and Hanson,
    "Solving Least Squares Problems", 1974, chapter 23.

    Args:
        step_seconds: Batch size -> seconds per step; at least two sizes.

    Raises:
        ValueError: If there are fewer than two sizes, which leave the costs open.

    >>> fit_costs({10: 3.0, 20: 5.0})
    Costs(fixed=1.0, per_sample=0.2)
    """
    from scipy.optimize import nnls  # noqa: PLC0415 - a quarter of a second, for sweeps only

    if len(step_seconds) < FEWEST_SIZES:
        raise ValueError(f"expected at least {FEWEST_SIZES} batch sizes, got {len(step_seconds)}")
    sizes, times = np.array(list(step_seconds)), np.array(list(step_seconds.values()))
    scale = sizes.max()  # so that both columns are of one size
    (fixed, largest), _ = nnls(np.column_stack([1.0 / times, sizes / scale / times]), np.ones(len(times)))
    return Costs(fixed=float(f"{fixed:.12g}"), per_sample=float(f"{largest / scale:.12g}"))


def fit(sweep: Sweep) -> CostModel | None:
    """Return the cost model of one loop.

    Each round is fitted alone; estimates and intervals are the geometric means of these fits and theirs. Where a round
    finds one of the costs to be 0, that cost is the one that fits the geometric means of the times, without bounds.

    Args:
        sweep: Step times by batch size and round. Rounds that lack a size are left out.

    Returns:
        None for fewer than two sizes, or where no round has all of them.
    """
    rounds = sorted(set.intersection(*(set(steps) for steps in sweep.values()))) if sweep else []
    if len(sweep) < FEWEST_SIZES or not rounds:
        return None
    single = {number: fit_costs({size: steps[number] for size, steps in sweep.items()}) for number in rounds}
    means = {size: geometric_mean(steps[number] for number in rounds) for size, steps in sorted(sweep.items())}
    overall = fit_costs(means)
    fixed = _interval([costs.fixed for costs in single.values()], otherwise=overall.fixed)
    per_sample = _interval([costs.per_sample for costs in single.values()], otherwise=overall.per_sample)
    return CostModel(
        fixed=fixed,
        per_sample=per_sample,
        left_out_error=_left_out_error(means),
        sizes=tuple(means),
        rounds=single,
    )


def _left_out_error(step_seconds: Mapping[int, Seconds]) -> float | None:
    """Return how far off a fit to all sizes but one is at that one, at worst; of sizes that lie between others.

    Beyond the smallest and the largest size a model is not used, so it is not tested there.
    """
    errors = [
        abs(
            fit_costs({other: step for other, step in step_seconds.items() if other != size}).step_seconds(size) / own
            - 1
        )
        for size, own in sorted(step_seconds.items())[1:-1]
    ]
    return max(errors, default=None)


def crossing(first: CostModel, second: CostModel) -> Interval | None:
    """Return the batch size at which two loops take the same time.

    Args:
        first: Of one loop.
        second: Of another one of the same run; rounds are paired.

    Returns:
        None unless both models fit, every one of at least three rounds has a crossing, and the whole interval lies
        between the smallest and the largest batch size that was measured: beyond, nobody has looked.
    """
    costs = list(zip(*paired(first.rounds, second.rounds), strict=True))
    if not (first.fits and second.fits) or len(costs) < FEWEST_ROUNDS:
        return None
    sizes = [_crossing(*both) for both in costs]
    known = [size for size in sizes if size is not None]
    found = geometric_mean_interval(known) if len(known) == len(sizes) else None
    if found is None or found.low is None or found.high is None:
        return None
    smallest, largest = max(first.sizes[0], second.sizes[0]), min(first.sizes[-1], second.sizes[-1])
    return found if smallest <= found.low and found.high <= largest else None


def _crossing(first: Costs, second: Costs) -> float | None:
    """Return where two lines cross at a positive size, or None."""
    gain, extra = first.per_sample - second.per_sample, second.fixed - first.fixed
    return extra / gain if gain != 0.0 and extra / gain > 0.0 else None


def _interval(values: Sequence[float], *, otherwise: float) -> Interval:
    """Return the geometric mean of all rounds, with bounds where there are enough of them."""
    found = geometric_mean_interval(values) if min(values) > 0.0 else None
    if found is None:
        return Interval(estimate=otherwise, low=None, high=None, count=len(values))
    return found if len(values) >= FEWEST_ROUNDS else replace(found, low=None, high=None)


def _estimate(fixed: Interval, per_sample: Interval) -> Costs:
    """Return the two estimates together."""
    return Costs(fixed=fixed.estimate, per_sample=per_sample.estimate)
