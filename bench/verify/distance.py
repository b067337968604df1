"""How far a loop may be from the reference, and how that is measured: weights, gradients, losses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from bench.records.verification import Gap
from bench.verify.reference.dense import Formula

WEIGHT_TOLERANCE = {Formula.KERAS_ADAM: 4e-4, Formula.TORCH_ADAM: 4e-4, Formula.SGD: 1e-3}
"""Root mean square, relative to the distance that the weights have moved. With SGD at a rate of 1e-3 the weights move
so little that their own rounding to float32 is 3e-4 of it after one step. Correct loops with Adam stay below 2e-4, and
AMSGrad in its place, or a learning rate that is off by one in a thousand, are at 7e-4 and more."""

ADVERSARIAL_WEIGHT_TOLERANCE = 1e-2
"""Of each model, every weight counted by the size of its gradient (see `EffectOnLoss`). Correct loops are below 5e-6
until a maximum in the pooling layer, or a rectifier, first switches sides by a rounding error; that changes one of the
few images' gradients, and Adam remembers it for a while: 5e-3 was seen. A learning rate of 3e-4 for 4e-4 is at 0.25,
torch's epsilon in Keras' place at 0.1 and more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceStep:
    """What the reference makes of one batch."""

    loss: float
    """Before the update."""
    score: float
    """The metric of this batch alone."""
    weight: float
    """How much the batch counts in the metric."""
    weights: list[NDArray[Any]]
    """After the update."""
    gradients: list[NDArray[Any]]
    """Of the update, in the order of the weights."""


class Distance(Protocol):
    """How far the weights of a loop are from those of the reference, call after call."""

    allowed: float

    def add(
        self, before: list[NDArray[Any]], *, loop: list[NDArray[Any]], expected: list[NDArray[Any]], step: ReferenceStep
    ) -> float:
        """Return the distance after a call.

        Args:
            before: Weights before the call.
            loop: The loop's weights after it.
            expected: The reference's.
            step: The reference's last step of the call.
        """


@final
class ShareOfTheWay:
    """Root mean square over all weights, relative to how far the reference has moved them since the start."""

    def __init__(self, *, allowed: float) -> None:
        """Start where nothing has moved."""
        self.allowed = allowed
        self._moved: list[NDArray[Any]] = []
        self._moved_by_loop: list[NDArray[Any]] = []

    def add(
        self, before: list[NDArray[Any]], *, loop: list[NDArray[Any]], expected: list[NDArray[Any]], step: ReferenceStep
    ) -> float:
        """Return the distance of all that has been moved so far."""
        del step
        self._moved = _sum_of(self._moved, _differences(expected, before))
        self._moved_by_loop = _sum_of(self._moved_by_loop, _differences(loop, before))
        return share_of(_norm(_differences(self._moved_by_loop, self._moved)), _norm(self._moved))


@final
class EffectOnLoss:
    """``sum |gradient * error of the update| / sum |gradient * update|``, of one call, the larger of two models.

    To first order the share of the loss's change that is off. Adam moves a weight whose gradient is all rounding error
    as far as any other, in a random direction; it changes nothing, and here it counts for nothing.
    """

    def __init__(self, *, allowed: float, first_model: int) -> None:
        """Take how many arrays are the first model's."""
        self.allowed = allowed
        self._models = (slice(first_model), slice(first_model, None))

    def add(
        self, before: list[NDArray[Any]], *, loop: list[NDArray[Any]], expected: list[NDArray[Any]], step: ReferenceStep
    ) -> float:
        """Return the distance of this call's updates."""
        errors, updates = _differences(loop, expected), _differences(expected, before)
        effects = [
            [float(np.abs(gradient * change).sum()) for gradient, change in zip(step.gradients, changes, strict=True)]
            for changes in (errors, updates)
        ]
        return max(share_of(sum(effects[0][model]), sum(effects[1][model])) for model in self._models)


def share_of(part: float, whole: float) -> float:
    """Return a part relative to the whole; none of nothing is 0, and anything of nothing is infinite.

    >>> share_of(1.0, 4.0), share_of(0.0, 0.0), share_of(1e-9, 0.0)
    (0.25, 0.0, inf)
    """
    if part == 0.0:
        return 0.0
    return part / whole if whole else inf


def _differences(ours: Iterable[NDArray[Any]], theirs: Iterable[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return array by array what is left when the second is taken off, in double precision."""
    return [np.subtract(a, b, dtype=np.float64) for a, b in zip(ours, theirs, strict=True)]


def _sum_of(total: list[NDArray[Any]], more: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return array by array the sum; an empty total counts as zeros."""
    return [a + b for a, b in zip(total, more, strict=True)] if total else more


def _norm(arrays: Iterable[NDArray[Any]]) -> float:
    """Return the root of the sum of all squares."""
    return sum(float(np.square(array).sum()) for array in arrays) ** 0.5


def worst(what: str, gaps: Mapping[int, float], *, allowed: float) -> Gap:
    """Return the largest gap and its step; NaN counts as the largest."""
    worst = max(gaps, key=lambda step: (bool(np.isnan(gaps[step])), gaps[step]))
    return Gap(what=what, largest=float(gaps[worst]), allowed=allowed, step=worst)
