"""What a validation metric may be after so many steps, read off the reference's own curve."""

from itertools import pairwise

from bench.records.verification import Expectation
from loops.contract import Track

TOLERANCE = {Track.MATCHED: 0.03, Track.GUIDE: 0.12, Track.PIPELINE: 0.12}
"""How far a metric may be outside what the reference had between a part and a multiple of the steps. On `matched`,
trials of correct loops were within 0.01 of the curve; on `guide`, raw pixels in another order, within 0.08, and a
user's pipeline may shuffle as well."""

REACH = {Track.MATCHED: 1.5, Track.GUIDE: 2.0, Track.PIPELINE: 2.0}
"""The part and the multiple."""


def band(expectation: Expectation, *, steps: int) -> tuple[float, float]:
    """Return the lowest and the highest metric that a trial of so many steps may end with.

    All that the reference had between ``steps / reach`` and ``steps * reach``, and the tolerance on either side. Where
    the trial went on for longer than the reference, it may be better than that by any amount.
    """
    track = Track(expectation.track)
    reach, tolerance = REACH[track], TOLERANCE[track]
    last = expectation.steps[-1]
    nearby = [
        metric
        for metric, (before, after) in zip(expectation.metrics, _neighbours(expectation.steps), strict=True)
        if after >= min(steps, last) / reach and before <= steps * reach
    ]
    low, high = min(nearby) - tolerance, max(nearby) + tolerance
    if steps * reach > last:
        return (low, float("inf")) if expectation.higher_is_better else (float("-inf"), high)
    return low, high


def _neighbours(steps: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return for each checkpoint the one before it and the one after it, itself at the ends."""
    padded = (steps[0], *steps, steps[-1])
    return [(before, after) for (before, _), (_, after) in pairwise(pairwise(padded))]
