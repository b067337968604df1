"""Looking several times at growing evidence, and deciding as soon as it is enough: what a gate does.

    LOOKS      after how many rounds a comparison is looked at
    levels     the one-sided level of each look, so that all looks together err as rarely as one
    decide     what the looks at one comparison have come to

A rule that looks until it finds a difference finds one at last between identical loops. So the error that a gate may
make is spent over its looks: by the time that a share t of the rounds is measured, at most `spent(t)` of it. Sources:
Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70, 1983; the family of spending
functions is that of Kim and DeMets, "Design and analysis of group sequential tests based on the type I error spending
rate function", Biometrika 74, 1987; that the levels, worked out for known variance, are then those of Student's t:
Jennison and Turnbull, "Group Sequential Methods with Applications to Clinical Trials", 2000, section 4.4; that the
intervals at these levels hold together, at whatever look one stops: the same, "Interim analyses: the repeated
confidence interval approach", J. R. Statist. Soc. B 51, 1989.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from math import pi, sqrt

import numpy as np
from scipy.special import ndtr, ndtri

from bench.analysis.intervals import Interval, geometric_mean_interval
from bench.analysis.verdict import Verdict, against_budget

LOOKS = (6, 12, 18, 24, 36, 48)
"""Rounds: the first when a spread can be told, later ones further apart, since each adds less."""

ERROR = 0.024
"""That the levels spend over all looks, so that a loop that is exactly at its budget's edge is called slower in at most
2.5 %, and passed in at most 2.5 %: what Student's t adds to levels that were worked out for known variance is 0.1 %, by
`tools/study_looks.py`."""

POWER = 2.0
"""Exponent of the spending function: between 1, which spends evenly, and 3, which is near that of O'Brien and Fleming.
With 1 unchanged code is passed two rounds earlier, but after six rounds already, which may all have missed a state that
every fifth process is in; with 3 two rounds later, for one slowdown more found in a hundred."""

_LEAST = 1e-9
"""No level is below this, so that an interval stays one that a float can hold."""

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_NODES, _REACH = 160, 8.0
"""Of the quadrature, and how many standard deviations it spans downwards."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What looking at a comparison has come to."""

    verdict: Verdict
    """`slower`, beyond the budget; `same` or `faster`, not beyond it; `unclear`, not decided yet, or at the end."""
    speed_up: Interval
    """Base time over new time over the rounds up to the look that decided, else the last one, at its level."""

    def is_made(self, *, precision: float | None = None) -> bool:
        """Whether more rounds would change nothing: it is decided, by an interval as narrow as was asked for.

        Args:
            precision: Half-width, as a fraction; None takes any.
        """
        width = self.speed_up.relative_half_width
        narrow = precision is None or (width is not None and width <= precision)
        return self.verdict is not Verdict.UNCLEAR and narrow


def looks_until(most: int) -> tuple[int, ...]:
    """Return the looks of a comparison that has at most so many rounds.

    >>> looks_until(20)
    (6, 12, 18, 20)
    """
    return (*(count for count in LOOKS if count < most), most)


def spent(share: float, *, error: float = ERROR) -> float:
    """Return how much of the error may be spent by the time that a share of all rounds is measured."""
    return float(error * min(share, 1.0) ** POWER)


@cache
def levels(counts: tuple[int, ...], *, most: int, error: float = ERROR, ended: bool = False) -> tuple[float, ...]:
    """Return the one-sided level of each look: what a single look at it alone would err with.

    Args:
        counts: Rounds at each look, ascending.
        most: Rounds at which all error is spent.
        error: That all looks may make together.
        ended: Whether the last look is the last one for reasons that have nothing to do with what was measured, such
            as time: what is left of the error is spent then.

    >>> [round(level, 4) for level in levels(LOOKS, most=48)]
    [0.0004, 0.0012, 0.0024, 0.004, 0.0101, 0.0173]
    """
    shares = [count / most for count in counts]
    by_then = [spent(share, error=error) for share in shares]
    if ended:
        by_then[-1] = error
    return crossing_levels(shares, by_then=by_then)


def crossing_levels(shares: Sequence[float], *, by_then: Sequence[float]) -> tuple[float, ...]:
    """Return the one-sided levels at which no more error is made by any look than may be spent until then.

    The statistic of growing evidence is a Brownian motion, seen at the looks. Its density among those that have not
    crossed is carried from look to look by quadrature, and each bound is set so that as much crosses as may be spent:
    Armitage, McPherson and Rowe, "Repeated significance tests on accumulating data", J. R. Statist. Soc. A 132, 1969.
    A bound on the other side, at which one stops as well, can only lower the error.

    Args:
        shares: Of the whole evidence, at each look, ascending.
        by_then: Error that may be spent until each look.

    >>> [round(level, 4) for level in crossing_levels([0.5, 1.0], by_then=[0.0125, 0.025])]
    [0.0125, 0.0168]
    """
    from scipy.optimize import brentq  # noqa: PLC0415 - a quarter of a second, for plans with looks only

    level = max(by_then[0], _LEAST)
    found = [level]
    deviation = sqrt(shares[0])
    points, weights = _quadrature(-float(ndtri(level)) * deviation, deviation=deviation)
    density = weights * _normal(points / deviation) / deviation
    for (before, share), (already, allowed) in zip(pairwise(shares), pairwise(by_then), strict=True):
        step, deviation = sqrt(share - before), sqrt(share)
        excess = partial(_excess, points=points, density=density, step=step, allowed=allowed - already)
        highest = -float(ndtri(_LEAST)) * deviation
        bound = highest if excess(highest) > 0.0 else float(brentq(excess, -_REACH * deviation, highest))
        found.append(float(ndtr(-bound / deviation)))
        ahead, weights = _quadrature(bound, deviation=deviation)
        density = weights * (_normal((ahead[:, None] - points) / step) @ density) / step
        points = ahead
    return tuple(found)


def _excess(bound: float, *, points: Array, density: Array, step: float, allowed: float) -> float:
    """Return how much more crosses a bound, a step after it stood at these points, than may."""
    return float(density @ ndtr((points - bound) / step)) - allowed


def decide(
    ratios: Sequence[float],
    *,
    budget: float,
    looks: Sequence[int],
    ended: bool,
    family: int = 1,
    precision: float | None = None,
) -> Decision | None:
    """Look at a comparison as often as its rounds allow, until one look decides.

    Args:
        ratios: Base time over new time of each round, in the order in which they were measured.
        budget: How much slower the new one may be: 0.05 is 5 %.
        looks: Rounds after which one looks, ascending.
        ended: Whether there will be no more rounds, for reasons that have nothing to do with these ratios.
        family: Comparisons of the run, of which none is to err: each has so small a part of the error (Bonferroni).
        precision: As in `Decision.is_made`: no look decides before.

    Returns:
        None without a round.
    """
    if not ratios:
        return None
    rounds = min(len(ratios), looks[-1])
    counts = [count for count in looks if count <= rounds]
    if ended and rounds not in counts and rounds > 1:
        counts.append(rounds)
    decision = Decision(verdict=Verdict.UNCLEAR, speed_up=_estimate(ratios[:rounds]))
    for place, count in enumerate(counts, start=1):
        level = levels(tuple(counts[:place]), most=looks[-1], error=ERROR / family, ended=ended and count == rounds)[-1]
        speed_up = geometric_mean_interval(ratios[:count], confidence=1.0 - 2.0 * level)
        assert speed_up is not None  # there is a round
        decision = Decision(verdict=against_budget(speed_up, budget=budget), speed_up=speed_up)
        if decision.is_made(precision=precision):
            break
    return decision


def _estimate(ratios: Sequence[float]) -> Interval:
    """Return what the rounds before the first look say: a number, and no interval yet."""
    found = geometric_mean_interval(ratios)
    assert found is not None  # there is a round
    return Interval(estimate=found.estimate, low=None, high=None, count=found.count)


def _normal(deviates: Array) -> Array:
    """Return the density of the standard normal distribution."""
    return np.exp(-(deviates**2) / 2.0) / sqrt(2.0 * pi)


def _quadrature(bound: float, *, deviation: float) -> tuple[Array, Array]:
    """Return points below a bound and their weights (Gauss and Legendre)."""
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    lowest = -_REACH * deviation
    half = (bound - lowest) / 2.0
    return lowest + half * (points + 1.0), half * weights
