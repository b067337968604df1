"""What studies of one thing say together, where each has its own truth: machines, here.

The variance between them is Paule and Mandel's, which needs no normal distribution: the one at which the machines
differ by as much as it and their own errors let expect. Hartung and Knapp's factor for the standard error of the mean
is 1 by its construction, or below 1 where the machines differ by less than their own errors; below 1 it is not taken,
for it would make of a lucky draw a narrow interval. Their t distribution is. The interval for one more machine adds the
variance between machines. Sources: Paule and Mandel, "Consensus values and weighting factors", J. Res. NBS 87, 1982;
Hartung and Knapp, "A refined method for the meta-analysis of controlled clinical trials with binary outcome",
Statistics in Medicine 20, 2001; Röver, Knapp and Friede, "Hartung-Knapp-Sidik-Jonkman approach and its modification",
BMC Medical Research Methodology 15, 2015; Higgins, Thompson and Spiegelhalter, "A re-evaluation of random-effects
meta-analysis", JRSS A 172, 2009.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from statistics import variance

from scipy.special import stdtrit

FEWEST = 3
"""How machines differ cannot be seen from two."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Combined:
    """What machines say together."""

    mean: float
    standard_error: float
    """Of the mean."""
    between: float
    """Standard deviation between machines, their own errors taken out."""
    reach_of_mean: float
    """How far the interval of the mean goes to either side."""
    reach_of_next: float
    """Likewise for what one more machine would say."""


def combined(effects: Sequence[float], errors: Sequence[float], *, confidence: float) -> Combined:
    """Return what effects say together.

    Args:
        effects: One for each machine, three at least, such as logarithms of ratios.
        errors: Their standard errors, above 0.
        confidence: Two-sided level of both intervals.

    Raises:
        ValueError: If there are fewer than three.
    """
    count = len(effects)
    if count < FEWEST:
        raise ValueError(f"{count} machines do not show how machines differ")
    between = _variance_between(effects, errors)
    mean, error_of_mean, _ = _weighted(effects, errors, between=between)
    tail = 0.5 + confidence / 2.0
    return Combined(
        mean=mean,
        standard_error=error_of_mean,
        between=sqrt(between),
        reach_of_mean=float(stdtrit(count - 1, tail)) * error_of_mean,
        reach_of_next=float(stdtrit(count - 2, tail)) * hypot(sqrt(between), error_of_mean),
    )


def _variance_between(effects: Sequence[float], errors: Sequence[float]) -> float:
    """Return the variance at which the weighted squares about the mean are what they are expected to be.

    Their sum falls with it, and is too small at the variance of the effects, which counts the errors as well.
    """
    from scipy.optimize import brentq  # noqa: PLC0415 - a quarter of a second, for three machines or more only

    freedom = len(effects) - 1

    def surplus(between: float) -> float:
        return _weighted(effects, errors, between=between)[2] - freedom

    if surplus(0.0) <= 0.0:
        return 0.0
    return float(brentq(surplus, 0.0, variance(effects), rtol=1e-12, xtol=1e-300))


def _weighted(effects: Sequence[float], errors: Sequence[float], *, between: float) -> tuple[float, float, float]:
    """Return the weighted mean, its standard error, and the weighted sum of squares about it."""
    weights = [1.0 / (error**2 + between) for error in errors]
    mean = sum(weight * effect for weight, effect in zip(weights, effects, strict=True)) / sum(weights)
    squares = sum(weight * (effect - mean) ** 2 for weight, effect in zip(weights, effects, strict=True))
    return mean, 1.0 / sqrt(sum(weights)), squares
