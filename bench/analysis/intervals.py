"""Statistics of the comparison: pure functions of seconds, nothing is read, printed or drawn.

    Interval                   an estimate with its confidence interval
    geometric_mean_interval    typical value of positive numbers, one per process
    ratio_interval             how two loops compare, from one ratio per round
    signed_rank_interval       the same, whatever one wild round says
    unpaired_ratio_interval    the same where they share no rounds
    rounds_for_width           how many rounds would make one narrower

The process is the unit of evidence: callers pass one number per process, or one ratio per round, never the blocks
inside a process, because those are not independent (two of three identical processes would be called different).
Intervals are Student's t on the logarithm. Source: Kalibera and Jones, "Rigorous benchmarking in reasonable time",
ISMM 2013: the interval of an effect comes from the top level of repetition only. Several pairs of one run are decided
on together in `bench/analysis/holm.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, inf, isfinite, log, sqrt
from statistics import fmean, median, stdev, variance
from typing import Self, TypeVar

from scipy.special import ndtri, stdtrit

from bench.units import Seconds

CONFIDENCE = 0.95
"""Two-sided level of an interval that stands alone, and of all verdicts of a run together.

A family of ten pairs at this level calls identical loops different far less often than 5 %, because a difference has
to clear the margin as well: `tools/study_simulated.py` gives the numbers.
"""

_WIDEST = 300.0
"""Half-width on the log scale beyond which a float could not hold the bounds; two rounds far apart can come to that."""

_MOST_RANKS_COUNTED = 200
"""Beyond, counting takes long, and the normal distribution says a little less, so that intervals are a little wider."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """An estimate of a positive quantity and the interval that holds it with `confidence`."""

    estimate: float
    low: float | None
    """None when there are too few processes for an interval."""
    high: float | None
    count: int
    """Processes or rounds behind the estimate."""
    confidence: float = CONFIDENCE
    """Two-sided level of the bounds."""

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the spread."""
        return self.count - 1

    @property
    def spread(self) -> float | None:
        """Standard deviation of the logarithms between rounds: 0.011 reads "1.1 %". None without an interval."""
        if self.low is None or self.high is None:
            return None
        return log(self.high / self.low) / 2.0 * sqrt(self.count) / _quantile(self.freedom, confidence=self.confidence)

    @property
    def relative_half_width(self) -> float | None:
        """Half the width on the log scale, as a fraction: 0.03 reads "± 3 %". None without an interval."""
        if self.low is None or self.high is None:
            return None
        return sqrt(self.high / self.low) - 1.0

    def reciprocal(self) -> Self:
        """Return the interval of 1/x: swapping sides turns "2.0x slower" into exactly "2.0x faster"."""
        return replace(
            self,
            estimate=1.0 / self.estimate,
            low=None if self.high is None else 1.0 / self.high,
            high=None if self.low is None else 1.0 / self.low,
        )

    def at(self, confidence: float) -> Self:
        """Return the interval of the same numbers at another level; the same interval where there are no bounds."""
        if self.spread is None or confidence == self.confidence:
            return self
        return _student(replace(self, confidence=confidence), spread=self.spread)


@dataclass(frozen=True, kw_only=True, slots=True)
class UnpairedInterval(Interval):
    """A ratio of two samples that share no rounds; `count` is that of the smaller one.

    So `spread` is what a round of each would differ by, and `rounds_to_settle` speaks of rounds on either side.
    """

    degrees: float
    """Of freedom, as Welch and Satterthwaite count them: a fraction, never below those of the smaller sample."""

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the spread."""
        return self.degrees


AnyInterval = TypeVar("AnyInterval", bound=Interval)


def _quantile(freedom: float, *, confidence: float) -> float:
    """Return how many standard errors an interval with so many degrees of freedom reaches to either side."""
    return float(stdtrit(freedom, 0.5 + confidence / 2.0))


def _student(bare: AnyInterval, *, spread: float) -> AnyInterval:
    """Return an interval with the bounds that logarithms of this standard deviation give it."""
    half_width = min(_quantile(bare.freedom, confidence=bare.confidence) * spread / sqrt(bare.count), _WIDEST)
    return replace(bare, low=bare.estimate * exp(-half_width), high=bare.estimate * exp(half_width))


def geometric_mean_interval(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Interval | None:
    """Return the geometric mean and its t-interval over the logarithms.

    The ratio of two loops' geometric means is the geometric mean of their per-round ratios, so a table of step
    times and a table of speed-ups agree to the last digit.

    Args:
        values: One positive number per process.
        confidence: Two-sided level.

    Returns:
        None for no values; an interval without bounds for one; zero width for equal values.

    Raises:
        ValueError: If a value is not positive and finite.

    >>> interval = geometric_mean_interval([1.0, 2.0, 4.0])
    >>> round(interval.estimate, 3), round(interval.low, 3), round(interval.high, 3)
    (2.0, 0.357, 11.19)
    """
    if not values:
        return None
    logarithms = _logarithms(values)
    bare = Interval(estimate=exp(fmean(logarithms)), low=None, high=None, count=len(values), confidence=confidence)
    return bare if len(values) == 1 else _student(bare, spread=stdev(logarithms))


def ratio_interval(
    base: Sequence[Seconds], new: Sequence[Seconds], *, confidence: float = CONFIDENCE
) -> Interval | None:
    """Return how many times faster ``new`` is than ``base``, paired by round.

    Args:
        base: Step time of the baseline in each round, in seconds.
        new: Step time of the other loop in the same rounds.
        confidence: Two-sided level.

    Returns:
        The geometric mean of ``base / new``; above 1 means that ``new`` is faster. None without a round.

    Raises:
        ValueError: If the two differ in length, since rounds then cannot be paired.
    """
    if len(base) != len(new):
        raise ValueError(f"cannot pair {len(base)} rounds with {len(new)}")
    return geometric_mean_interval([b / n for b, n in zip(base, new, strict=True)], confidence=confidence)


def signed_rank_interval(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Interval | None:
    """Return the typical ratio with an interval that one wild round among twelve cannot move far.

    The estimate is the median of the means of all pairs of logarithms, a value paired with itself included (Hodges and
    Lehmann); the bounds are the pair means that Wilcoxon's signed-rank test at this level leaves in, exact for any
    symmetric noise. For normal noise it needs 5 % more rounds than Student's t. Source: Hollander, Wolfe and Chicken,
    "Nonparametric Statistical Methods", 3rd edition, 2014, section 3.3.

    Args:
        values: One ratio per round.
        confidence: Two-sided level, at least.

    Returns:
        None without a value; no bounds where there are too few rounds: six for 95 %.

    Raises:
        ValueError: If a value is not positive and finite.

    >>> found = signed_rank_interval([1.10, 1.09, 1.11, 1.10, 1.10, 1.83, 1.09, 1.11, 1.10, 1.12, 1.10, 1.09])
    >>> round(found.estimate, 3), round(found.low, 3), round(found.high, 3)
    (1.1, 1.095, 1.115)
    """
    if not values:
        return None
    logarithms = _logarithms(values)
    means = sorted((a + b) / 2.0 for place, a in enumerate(logarithms) for b in logarithms[place:])
    dropped = _signed_rank_quantile(len(values), tail=(1.0 - confidence) / 2.0)
    low, high = (None, None) if dropped is None else (exp(means[dropped]), exp(means[-1 - dropped]))
    return Interval(estimate=exp(median(means)), low=low, high=high, count=len(values), confidence=confidence)


def _signed_rank_quantile(count: int, *, tail: float) -> int | None:
    """Return the largest number k at which the sum of positive ranks is below k with a chance of at most ``tail``.

    Of ``2 ** count`` equally likely sets of ranks 1 to ``count``, those of each sum are counted; of very many ranks the
    sum is taken for normal, as the same section does.
    """
    if count > _MOST_RANKS_COUNTED:
        spread = sqrt(count * (count + 1) * (2 * count + 1) / 24.0)
        return int(count * (count + 1) / 4.0 + float(ndtri(tail)) * spread)
    ways = [1]
    for rank in range(1, count + 1):
        ways = [
            (ways[total] if total < len(ways) else 0) + (ways[total - rank] if total >= rank else 0)
            for total in range(len(ways) + rank)
        ]
    below, quantile = 0, None
    for total, sets in enumerate(ways):
        below += sets
        if below / 2**count > tail:
            break
        quantile = total
    return quantile


def unpaired_ratio_interval(
    base: Sequence[float],
    new: Sequence[float],
    *,
    confidence: float = CONFIDENCE,
    session: float = 0.0,
    session_freedom: float = inf,
) -> UnpairedInterval | None:
    """Return how many times faster ``new`` is than ``base`` where they share no rounds.

    The difference of the mean logarithms has the squared standard error ``a + b``, with ``a`` and ``b`` each sample's
    variance over its size, and is taken for Student's t with ``(a + b)² / (a² / (m - 1) + b² / (n - 1))`` degrees of
    freedom, so the two need not vary alike. Sources: Welch, "The generalization of 'Student's' problem when several
    different population variances are involved", Biometrika 34, 1947; Satterthwaite, "An approximate distribution of
    estimates of variance components", Biometrics Bulletin 2, 1946. What sessions differ by, which no number of rounds
    shows, comes on top as one more variance with degrees of freedom of its own. Source: Kalibera and Jones, "Rigorous
    benchmarking in reasonable time", ISMM 2013.

    Args:
        base: One positive number per process of the baseline: its step time, or that over a kernel's.
        new: The same of the other; may be more or fewer.
        confidence: Two-sided level.
        session: Standard deviation of the logarithm of what two sessions differ by, the same thing measured in both.
        session_freedom: Degrees of freedom of that; infinite where it is known.

    Returns:
        The ratio of the geometric means; above 1 means that ``new`` is faster. Without bounds where a side has one
        process only; None where it has none.

    Raises:
        ValueError: If a value is not positive and finite.

    >>> interval = unpaired_ratio_interval([2.0, 2.2, 2.1], [1.0, 1.3, 1.1])
    >>> round(interval.estimate, 3), round(interval.low, 3), round(interval.high, 3), round(interval.degrees, 2)
    (1.863, 1.393, 2.491, 2.51)
    """
    if not base or not new:
        return None
    sides = [_logarithms(values) for values in (base, new)]
    count = min(len(side) for side in sides)
    estimate = exp(fmean(sides[0]) - fmean(sides[1]))
    bare = UnpairedInterval(
        estimate=estimate, low=None, high=None, count=count, confidence=confidence, degrees=count - 1
    )
    if count == 1:
        return bare
    squares = [variance(side) / len(side) for side in sides]
    below = sum(square**2 / (len(side) - 1) for square, side in zip(squares, sides, strict=True))
    below += session**4 / session_freedom
    whole = sum(squares) + session**2
    degrees = whole**2 / below if below > 0.0 else sum(len(side) - 1 for side in sides)
    return _student(replace(bare, degrees=degrees), spread=sqrt(whole * count))


def _logarithms(values: Sequence[float]) -> list[float]:
    """Return the logarithm of each value.

    Raises:
        ValueError: If a value is not positive and finite.
    """
    if not all(isfinite(value) and value > 0.0 for value in values):
        raise ValueError(f"expected positive, finite values, got {list(values)}")
    return [log(value) for value in values]


def rounds_for_width(interval: Interval, *, half_width: float, limit: int = 1000) -> int | None:
    """Return how many rounds in all would make an interval narrower, if the spread stays what it is.

    Args:
        interval: Over at least two rounds; its own level is kept.
        half_width: To get below, on the log scale.
        limit: The largest answer worth giving.

    Returns:
        Never fewer than there are. None without an interval, or when more than ``limit`` rounds would be needed.
    """
    if interval.spread is None:
        return None
    if interval.spread == 0.0:
        return interval.count
    if half_width <= 0.0:
        return None
    # t is never below its normal limit, so start where the normal quantile would stop and walk up.
    normal = float(ndtri(0.5 + interval.confidence / 2.0))
    start = max(interval.count, ceil((normal * interval.spread / half_width) ** 2))
    for rounds in range(start, limit + 1):
        if _quantile(rounds - 1, confidence=interval.confidence) * interval.spread / sqrt(rounds) < half_width:
            return rounds
    return None
