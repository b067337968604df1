"""How much measuring is enough: what a run could have seen, when to stop, and what to repeat.

    smallest_difference    the slowdown that a run of this size would have found
    precise_enough         whether every interval is as narrow as was asked for
    rounds_for_precision   how many rounds would make it so
    variances              how much blocks differ inside a process, and processes from one another
    blocks_per_trial       how many blocks a process is worth

Measuring stops on the width of intervals, never on a verdict: to go on until a difference is significant finds one
between identical loops in a fifth of all runs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, expm1, inf, log, log1p, sqrt
from statistics import fmean, variance

from scipy.special import chdtri, nctdtrinc, stdtrit

from bench.analysis.intervals import CONFIDENCE, Interval, rounds_for_width
from bench.analysis.verdict import MARGIN
from bench.units import Seconds

POWER = 0.8
"""Chance of finding a difference of the size that `smallest_difference` names; the usual choice since Cohen (1988)."""

ASSURANCE = 0.8
"""How sure it is that the true spread is no larger than what is reckoned with; Browne's recommendation."""


def smallest_difference(
    speed_up: Interval, *, margin: float = MARGIN, power: float = POWER, assurance: float | None = ASSURANCE
) -> float | None:
    """Return the smallest true slowdown that a run with this spread and this many rounds would have called `slower`.

    The interval lies outside the margin when Student's t against the margin's edge exceeds its quantile; with a true
    difference that statistic has the noncentral t distribution, and the answer is the difference at which it does so
    with probability ``power``. The spread of a few rounds is as often too small as too large, so its upper limit is
    reckoned with. Source: Browne, "On the use of a pilot sample for sample size determination", Statistics in
    Medicine 14, 1995.

    Args:
        speed_up: An interval over at least two rounds; its own level is used, so give the one that is reported.
        margin: As in `bench.analysis.verdict.verdict`.
        power: Chance that the slowdown is found.
        assurance: Level of the spread's upper limit; None takes the spread for the true one.

    Returns:
        0.05 reads "5 % slower". None without an interval.

    >>> from bench.analysis.intervals import Interval
    >>> six_rounds = Interval(estimate=1.0, low=1 / 1.0116, high=1.0116, count=6)
    >>> round(six_rounds.spread, 4), round(smallest_difference(six_rounds), 4)
    (0.011, 0.0437)
    """
    if speed_up.spread is None:
        return None
    freedom, spread = speed_up.count - 1, speed_up.spread
    if assurance is not None:
        spread *= sqrt(freedom / float(chdtri(freedom, assurance)))
    quantile = float(stdtrit(freedom, 0.5 + speed_up.confidence / 2.0))
    shift = float(nctdtrinc(freedom, 1.0 - power, quantile))
    return expm1(log1p(margin) + shift * spread / sqrt(speed_up.count))


def precise_enough(speed_ups: Iterable[Interval | None], *, precision: float, confidence: float = CONFIDENCE) -> bool:
    """Whether every interval has got as narrow as was asked for, so that the run may stop.

    All intervals are looked at on one level, whatever level they are shown at: the levels of
    `bench.analysis.holm.simultaneous` depend on what was found, and a rule to stop must not. Ask from six rounds on:
    two that agree by chance look precise. Intervals that are stopped so hold the truth in 93 to 95 % of runs instead of
    95 %.

    Args:
        speed_ups: So far; None, where nothing could be compared, holds nothing up.
        precision: Half-width to get to, as a fraction: 0.01 reads "± 1 %".
        confidence: Two-sided level.

    Returns:
        False while any pair has too few rounds for an interval.
    """
    widths = [pair.at(confidence).relative_half_width for pair in speed_ups if pair is not None]
    return all(width is not None and width <= precision for width in widths)


def rounds_for_precision(
    speed_up: Interval, *, precision: float, confidence: float = CONFIDENCE, limit: int = 1000
) -> int | None:
    """Return how many rounds in all would make an interval `precise_enough`, if the spread stays what it is.

    Args:
        speed_up: Over at least two rounds.
        precision: As in `precise_enough`.
        confidence: As in `precise_enough`.
        limit: The largest answer worth giving.

    Returns:
        Never fewer than there are. None without an interval, or when more than ``limit`` rounds would be needed.

    >>> from bench.analysis.intervals import Interval
    >>> rounds_for_precision(Interval(estimate=1.0, low=1 / 1.0116, high=1.0116, count=6), precision=0.01)
    8
    """
    return rounds_for_width(speed_up.at(confidence), half_width=log1p(precision), limit=limit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Variances:
    """Where the noise arises: unbiased estimates, so that `between` can come out below zero."""

    within: float
    """Of the values of one process."""
    between: float
    """Of the processes' true means: what no number of blocks averages out."""


def variances(processes: Sequence[Sequence[float]]) -> Variances | None:
    """Split the variance of values from several processes into its two levels.

    With S1² the variance inside processes and S2² the variance of their means over r blocks, ``within = S1²`` and
    ``between = S2² - S1² / r``. Source: Kalibera and Jones, "Rigorous benchmarking in reasonable time", ISMM 2013,
    whose worked example has three processes of four values. Processes of unequal length are weighted by
    their degrees of freedom, and 1 / r is averaged.

    Args:
        processes: The values of each process.

    Returns:
        None unless there are two processes, with two values in each.

    >>> found = variances([[9, 5, 8, 3], [10, 6, 7, 11], [1, 12, 2, 4]])
    >>> round(found.within, 1), round(found.between, 1)
    (12.7, 0.4)
    """
    if len(processes) < 2 or any(len(values) < 2 for values in processes):  # noqa: PLR2004 - for a variance
        return None
    freedom = sum(len(values) - 1 for values in processes)
    within = sum((len(values) - 1) * variance(values) for values in processes) / freedom
    of_means = variance([fmean(values) for values in processes])
    return Variances(within=within, between=of_means - within * fmean(1.0 / len(values) for values in processes))


def blocks_per_trial(
    processes: Sequence[Sequence[Seconds]],
    *,
    process_cost: Seconds,
    block_cost: Seconds,
    least: int = 5,
    most: int = 200,
) -> int | None:
    """Return how many blocks a process should give for the narrowest interval in a given time.

    ``ceil(sqrt(process_cost / block_cost * within / between))`` of Kalibera and Jones, on the logarithms of the block
    times: repeat where the noise arises, unless that is where repetition is dear. All time left over goes to rounds.

    Args:
        processes: Seconds per step of each measured block, process by process; or, to see what pairing leaves, the
            ratio of two loops block by block, round by round.
        process_cost: Seconds from the start of a process to its first measured block.
        block_cost: Seconds of one block.
        least: Fewest blocks, of which one may be disturbed.
        most: More are not worth recording.

    Returns:
        ``most`` when processes do not differ visibly, ``least`` when their blocks do not. None with fewer than two
        processes of two blocks.

    Raises:
        ValueError: If a cost is not positive.
    """
    if process_cost <= 0.0 or block_cost <= 0.0:
        raise ValueError(f"expected positive costs, got {process_cost} s per process and {block_cost} s per block")
    levels = variances([[log(seconds) for seconds in process] for process in processes])
    if levels is None:
        return None
    share = levels.within / levels.between if levels.between > 0.0 else inf
    if levels.within == 0.0:
        return least
    return int(min(max(ceil(min(sqrt(process_cost / block_cost * share), float(most))), least), most))
