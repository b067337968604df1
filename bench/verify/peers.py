"""Loops compared with one another, where a workload has no reference: none in NumPy, and none by Keras in float64."""

from collections.abc import Sequence

from bench.records.verification import Gap
from bench.verify.distance import share_of, worst
from bench.verify.reference import dcgan, dense

PEER_STEPS = 12
"""Without a reference nothing joins the loops again; few enough that rounding errors stay small."""

ROUNDING = 2.0**-23
"""Of a float32 near 1: losses of a model that is sure of everything differ by that much, and may be exactly 0."""

PEER_TOLERANCE = 1e-3
"""Relative. Correct loops were within 3e-5 of each other, PyTorch's Adam beside Keras' included; a learning rate that
is off by one in a hundred was at 1.3e-3."""


def without_reference(workload: str) -> bool:
    """Whether there is no reference in NumPy, as there is for our own workloads only."""
    return workload not in dense.RECIPES and workload != dcgan.WORKLOAD


def peer_gap(losses: Sequence[float], peer: Sequence[float]) -> Gap:
    """Return how far the losses of two loops are apart, which were trained alike.

    Where one tells a loss per call of several steps, it is that of the last step or their mean.

    Args:
        losses: One per call, of as many steps in all as the peer's.
        peer: Likewise.
    """
    finer, coarser = sorted((list(losses), list(peer)), key=len, reverse=True)
    size = len(finer) // len(coarser)
    gaps = {}
    for call, loss in enumerate(coarser):
        steps = finer[call * size : (call + 1) * size]
        known = steps[-1], sum(steps) / size
        gaps[(call + 1) * size] = min(_gap(loss, other) for other in known)
    return worst(f"loss, {len(finer)} steps", gaps, allowed=PEER_TOLERANCE)


def _gap(loss: float, other: float) -> float:
    """Return how far two losses are apart, relative to the second; rounding alone is none."""
    apart = abs(loss - other)
    return 0.0 if apart <= ROUNDING else share_of(apart, abs(other))
