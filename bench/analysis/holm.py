"""All verdicts of one run together: the more pairs a report compares, the more each has to prove.

    simultaneous    the interval of each pair at the level that Holm's procedure gives it
    verdicts        what those intervals say

Ten pairs at 95 % each would show a difference that is none far more often than one pair would.
"""

from collections.abc import Sequence
from math import log, log1p, sqrt

from scipy.special import stdtr

from bench.analysis.intervals import CONFIDENCE, Interval
from bench.analysis.verdict import MARGIN, Verdict, verdict


def simultaneous(
    speed_ups: Sequence[Interval | None],
    *,
    margin: float = MARGIN,
    margins: Sequence[float] | None = None,
    confidence: float = CONFIDENCE,
) -> list[Interval | None]:
    """Return the intervals at levels at which all verdicts of a run may be read together.

    Holm's step-down: of m pairs, the one whose distance beyond the margin is the least likely to be chance gets the
    level ``1 - alpha / m``. If that interval lies wholly outside the margin, the next gets ``1 - alpha / (m - 1)``,
    and so on; the first that does not, and all after it, keep the level at which it stopped. So `verdict` of the
    interval that is shown is Holm's decision, and over all pairs whose true difference is within the margin, the
    chance that even one is called faster or slower is at most alpha, however the pairs depend on one another (they
    share a baseline). `same` is said at the level of the last step, so it is as hard to come by as a difference
    there. Source: Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979; the
    p-value is twice that of the one-sided t-test against the nearer edge of the margin.

    Args:
        speed_ups: One per pair that the run reports; None where there is nothing to compare.
        margin: As in `verdict`.
        margins: One per pair, where they differ; in place of ``margin``.
        confidence: 1 - alpha, for the family.

    Returns:
        As many, in the same order. Pairs without an interval are left as they are and do not count.

    >>> from bench.analysis.intervals import ratio_interval
    >>> pair = ratio_interval([1.10, 1.11, 1.09, 1.10], [1.0, 1.0, 1.0, 1.0])
    >>> [round(shown.confidence, 3) for shown in simultaneous([pair, pair])]
    [0.975, 0.95]
    """
    shown = list(speed_ups)
    edges = list(margins) if margins is not None else [margin] * len(shown)
    pairs = [(index, pair) for index, pair in enumerate(speed_ups) if pair is not None and pair.spread is not None]
    pairs.sort(key=lambda item: _chance_beyond(item[1], margin=edges[item[0]]))
    level = confidence
    stepping = True
    for step, (index, pair) in enumerate(pairs):
        if stepping:
            level = 1.0 - (1.0 - confidence) / (len(pairs) - step)
        candidate = pair.at(level)
        stepping = stepping and verdict(candidate, margin=edges[index]) in (Verdict.FASTER, Verdict.SLOWER)
        shown[index] = candidate
    return shown


def verdicts(
    speed_ups: Sequence[Interval | None],
    *,
    margin: float = MARGIN,
    confidence: float = CONFIDENCE,
    noise: float | None = None,
) -> list[Verdict]:
    """Decide on all pairs of a run together: `verdict` of what `simultaneous` returns.

    Args:
        speed_ups: As in `simultaneous`.
        margin: As in `verdict`.
        confidence: As in `simultaneous`.
        noise: As in `verdict`; it only ever turns a difference into `unclear`.

    Returns:
        One each; `unclear` for None.
    """
    shown = simultaneous(speed_ups, margin=margin, confidence=confidence)
    return [Verdict.UNCLEAR if pair is None else verdict(pair, margin=margin, noise=noise) for pair in shown]


def _chance_beyond(speed_up: Interval, *, margin: float) -> float:
    """Return the two-sided p-value of the true difference being within the margin."""
    assert speed_up.spread is not None  # pairs without an interval are not tested
    beyond = abs(log(speed_up.estimate)) - log1p(margin)
    if speed_up.spread == 0.0:
        return 0.0 if beyond > 0.0 else 1.0
    return min(1.0, 2.0 * float(stdtr(speed_up.freedom, -beyond * sqrt(speed_up.count) / speed_up.spread)))
