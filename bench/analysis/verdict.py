"""Faster, slower, same or unclear: decided by the whole interval against a margin."""

from enum import StrEnum
from math import log, log1p

from bench.analysis.intervals import Interval, rounds_for_width

MARGIN = 0.02
"""Differences below 2 % are too small to matter: about the noise between rounds at the default two threads."""


class Verdict(StrEnum):
    """The words people search for; they never change."""

    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    UNCLEAR = "unclear"
    INVALID = "invalid"
    FAILED = "failed"
    NEW = "new"
    REMOVED = "removed"


def verdict(speed_up: Interval, *, margin: float = MARGIN, noise: float | None = None) -> Verdict:
    """Decide by the whole interval: outside the margin, inside it, or neither.

    Args:
        speed_up: As `ratio_interval` returns it; above 1 is faster.
        margin: Smallest relative difference that matters; 0.02 means the band 1/1.02 .. 1.02.
        noise: What identical loops of this run differed by: an estimate within it is neither faster nor slower.

    Returns:
        `unclear` as well when there are too few rounds for an interval.
    """
    if speed_up.low is None or speed_up.high is None:
        return Verdict.UNCLEAR
    if speed_up.low > 1.0 / (1.0 + margin) and speed_up.high < 1.0 + margin:
        return Verdict.SAME
    if noise is not None and abs(log(speed_up.estimate)) <= log1p(noise):
        return Verdict.UNCLEAR
    if speed_up.low > 1.0 + margin:
        return Verdict.FASTER
    if speed_up.high < 1.0 / (1.0 + margin):
        return Verdict.SLOWER
    return Verdict.UNCLEAR


def against_budget(speed_up: Interval, *, budget: float) -> Verdict:
    """Decide whether something is slower than its budget allows; how much faster it may be does not matter.

    Args:
        speed_up: Base time over new time.
        budget: How much slower it may be; 0.02 is 2 %.

    Returns:
        `slower` where the whole interval is beyond the budget, and `same` where none of it is: `faster` if it is as far
        on the other side. `unclear` otherwise.
    """
    edge = 1.0 + budget
    if speed_up.low is None or speed_up.high is None or speed_up.low <= 1.0 / edge <= speed_up.high:
        return Verdict.UNCLEAR
    if speed_up.high < 1.0 / edge:
        return Verdict.SLOWER
    return Verdict.FASTER if speed_up.low > edge else Verdict.SAME


def rounds_to_settle(speed_up: Interval, *, margin: float = MARGIN, limit: int = 1000) -> int | None:
    """Return how many rounds in all would make the verdict clear, if the spread stays what it is.

    The interval has to shrink until it lies on one side of the nearer edge of the margin. With the standard deviation
    s of the log ratios, its half-width after n rounds is ``t(n - 1) * s / sqrt(n)``, at the interval's own level.

    Args:
        speed_up: An interval over at least two rounds.
        margin: As in `verdict`.
        limit: The largest answer worth giving.

    Returns:
        None without an interval, or when more than ``limit`` rounds would be needed.
    """
    distance = abs(abs(log(speed_up.estimate)) - log1p(margin))
    return rounds_for_width(speed_up, half_width=distance, limit=limit)
