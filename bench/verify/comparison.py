"""How far a loop may be from the float64 training of the same model, and how that is measured; pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, sqrt
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bench.records.verification import Gap
from loops.errors import ContractBroken

Arrays = list[NDArray[Any]]

ROUNDING = {"float64": 2.2e-16, "float32": 1.2e-7, "float16": 9.8e-4, "bfloat16": 7.8e-3}
"""Distance from 1 to the next larger number of each type."""

STORED = ROUNDING["float32"]
"""In what weights are kept, whatever layers compute in."""

NOISE = 1e-4
"""Gradients smaller than that, relative to the model's largest, are left out where all weights count alike: Adam makes
a whole step of each, and what is zero but for rounding, such as that of a bias before batch normalization, has no
direction. One that is exactly zero has none under any framework."""

NO_NUMBER = 1e9
"""Gap where only one of two values is finite: a stored run holds nothing that JSON cannot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerances:
    """How much of each kind is allowed."""

    loss: float
    """Relative."""
    weights: float
    """Share of the way that the weights have gone, each counted by the size of its gradient."""
    weights_alike: float
    """The same with every weight counted alike."""
    state: float
    """Share of the way of what is not trained."""
    state_later: float
    """The same after calls of several steps: averages follow weights that went their own way since."""
    metric: float
    """Relative."""


TOLERANCES = {
    "float32": Tolerances(loss=2e-5, weights=3e-4, weights_alike=5e-2, state=3e-4, state_later=0.3, metric=1e-5),
    "bfloat16": Tolerances(loss=2e-2, weights=5e-2, weights_alike=0.3, state=2e-2, state_later=0.3, metric=0.2),
    "float16": Tolerances(loss=5e-3, weights=3e-2, weights_alike=0.3, state=1e-2, state_later=0.3, metric=0.2),
}
"""By the least precise type that a layer computes in.

Seen of correct loops of three frameworks in float32, on small convolutions, recurrent and dense models: losses 3e-6,
weights 1e-5, alike 4e-5, state 2e-6, metrics 3e-7; on MobileNetV2 losses 2e-6 and weights 3e-3, for which
`TREMBLING` allows. In bfloat16: losses 7e-3, weights 1e-2, state 4e-3; one sample of 16 in another class is 0.07 to
0.14 of an accuracy. The least of the mistakes that the tests plant, a weight decay of 1e-2 for 4e-3, is at 5e-3 of
the way."""

TREMBLING = 10.0
"""How many times the share by which the reference itself is moved when its weights are shaken by float32's rounding is
allowed to a loop on top: layer after layer, deep models multiply it."""


def tolerances(precision: str) -> Tolerances:
    """Return what is allowed to a loop whose layers compute in this type of number."""
    return TOLERANCES.get(precision, TOLERANCES["float32"])


@final
class Moved:
    """How far weights have been moved, by a loop and by the reference, from the same places.

    Both start each call where the loop was; what they moved by is summed up over all calls, so that rounding, which has
    no direction, stays small beside a mistake, which has one.
    """

    def __init__(self, *, allowed: float, floor: float = STORED) -> None:
        """Start where nothing has moved.

        Args:
            allowed: Share of the way.
            floor: Rounding of the numbers in which weights are kept, which is allowed on top: where a call moves
                weights by little more than that, it is a large share.
        """
        self._allowed = allowed
        self._floor = floor
        self._calls = 0
        self._apart: Arrays = []
        self._way: Arrays = []
        self._importance: Arrays = []
        self.shares: dict[int, tuple[float, float]] = {}
        """By step: share of the way, and what is allowed."""
        self.shares_alike: dict[int, tuple[float, float]] = {}

    def add(
        self, step: int, *, before: Arrays, loop: Arrays, expected: Arrays, gradients: Sequence[NDArray[Any] | None]
    ) -> None:
        """Add a call.

        Args:
            step: Steps done after it.
            before: Weights before it.
            loop: The loop's weights after it.
            expected: The reference's.
            gradients: Of the reference, as large as the weights; None counts as zero.
        """
        self._calls += 1
        sizes = [np.zeros(1) if one is None else np.abs(one) for one in gradients]
        self._apart = _sums(self._apart, _differences(loop, expected))
        self._way = _sums(self._way, _differences(expected, before))
        self._importance = _sums(self._importance, sizes)
        floor = self._floor * sqrt(self._calls)
        unit = [floor * np.abs(array, dtype=np.float64) for array in before]
        weighed = [
            sum(float((one * np.abs(part)).sum()) for one, part in zip(self._importance, parts, strict=True))
            for parts in (self._apart, self._way, unit)
        ]
        self.shares[step] = _share(*weighed, allowed=self._allowed)
        counted = _told_apart(self._importance)
        alike = [
            sqrt(sum(float(np.square(part * one).sum()) for one, part in zip(counted, parts, strict=True)))
            for parts in (self._apart, self._way, unit)
        ]
        self.shares_alike[step] = _share(*alike, allowed=self._allowed)


def moved_gap(
    what: str, shares: Mapping[int, tuple[float, float]], *, trembling: Mapping[int, tuple[float, float]] | None = None
) -> Gap:
    """Return the share that is furthest beyond, or nearest to, what is allowed.

    Args:
        what: Has been moved.
        shares: By step: share of the way, and what is allowed.
        trembling: The same of the reference itself, when its weights are shaken by their rounding.
    """
    if trembling is not None:
        shares = {step: (share, allowed + TREMBLING * trembling[step][0]) for step, (share, allowed) in shares.items()}
    step = max(shares, key=lambda step: shares[step][0] / shares[step][1])
    share, allowed = shares[step]
    return Gap(what=what, largest=share, allowed=allowed, step=step)


def loss_gap(loop: Mapping[int, float], known: Mapping[int, Sequence[float]], *, allowed: float, steps: int) -> Gap:
    """Return the largest gap between losses, relative to the reference's, and its step.

    A loss that passes through zero is no smaller a thing than the others: it counts as a hundredth of their mean.

    Args:
        loop: Steps done -> what the loop tells.
        known: The same -> the reference's losses of the steps of that call: the last one or their mean is right.
        allowed: How much.
        steps: How many were trained.
    """
    usual = sum(abs(losses[-1]) for losses in known.values()) / len(known)
    gaps = {}
    for step, losses in known.items():
        right = losses[-1], sum(losses) / len(losses)
        gaps[step] = min(_relative(loop[step], one, least=usual / 100.0) for one in right)
    return _largest(f"loss, {steps} steps", gaps, allowed=allowed)


def metric_gaps(
    loop: Mapping[int, Mapping[str, float]],
    expected: Mapping[int, Mapping[str, float]],
    *,
    what: str,
    allowed: Mapping[str, float],
    otherwise: float,
) -> list[Gap]:
    """Return the largest gap of each metric that the loop tells, relative to the reference's largest value of it.

    Args:
        loop: Steps done -> metric -> value.
        expected: Likewise; a metric that it does not know is not the model's and has no gap, unless there is no other.
        what: Such as "training metric"; the name of the metric comes behind it.
        allowed: By metric.
        otherwise: For all other metrics.
    """
    told = {name for values in loop.values() for name in values}
    names = sorted(told & next(iter(expected.values())).keys())
    if told and not names:
        return [Gap(what=f"{what} {', '.join(sorted(told))}, which the model has not,", largest=1.0, allowed=otherwise)]
    found = []
    for name in names:
        usual = max(abs(values[name]) for values in expected.values())
        gaps = {
            step: _relative(values[name], expected[step][name], least=usual)
            for step, values in loop.items()
            if name in values
        }
        found.append(_largest(f"{what} {name}", gaps, allowed=allowed.get(name, otherwise)))
    return found


def check_shapes(shown: Arrays, *, meant: Arrays) -> None:
    """Refuse weights that are not the model's.

    Raises:
        ContractBroken: If they are not.
    """
    ours, theirs = ([array.shape for array in arrays] for arrays in (shown, meant))
    if ours != theirs:
        raise ContractBroken(f"the loop shows weights of shapes {ours}, where the model's are {theirs}")


def not_finite(step: int, *, loop: float, reference: float, weights: Arrays) -> str | None:
    """Return what to say of a loss or of weights that are no numbers, or None if all are.

    Args:
        step: Steps done.
        loop: Its loss.
        reference: That of the float64 training, from the same weights.
        weights: The loop's, after the step.
    """
    if isfinite(loop):
        whole = all(np.isfinite(array).all() for array in weights)
        return None if whole else f"the weights are no longer finite after step {step}, at a loss of {loop:.6g}"
    told = f"the loss is {loop} at step {step}"
    if isfinite(reference):
        return f"{told}, where the float64 reference computes {reference:.6g} from the same weights and batch"
    return (
        f"{told}, and so is that of the float64 reference: it is the model's, the data's or the learning rate's doing, "
        "not the loop's"
    )


def _share(apart: float, way: float, unit: float, *, allowed: float) -> tuple[float, float]:
    """Return a distance as a share of the way, and what is allowed; where nothing moves, only rounding is."""
    if way == 0.0:
        return (0.0, allowed) if apart <= unit else (1.0, allowed)
    return apart / way, allowed + unit / way


def _relative(ours: float, theirs: float, *, least: float) -> float:
    """Return a difference relative to the second number or, if that is larger, to what such numbers are at least."""
    if ours == theirs or (isnan(ours) and isnan(theirs)):
        return 0.0
    if not (isfinite(ours) and isfinite(theirs)):
        return NO_NUMBER
    return abs(ours - theirs) / max(abs(theirs), least, 1e-30)


def _largest(what: str, gaps: Mapping[int, float], *, allowed: float) -> Gap:
    """Return the largest gap and its step."""
    step = max(gaps, key=lambda step: gaps[step])
    return Gap(what=what, largest=float(gaps[step]), allowed=allowed, step=step)


def _told_apart(importance: Arrays) -> Arrays:
    """Return which weights have a gradient that is no rounding error: one that counts, or exactly none."""
    least = NOISE * max((float(one.max()) for one in importance), default=0.0)
    return [(one == 0.0) | (one > least) for one in importance]


def _differences(ours: Iterable[NDArray[Any]], theirs: Iterable[NDArray[Any]]) -> Arrays:
    """Return array by array what is left when the second is taken off, in double precision."""
    return [np.subtract(a, b, dtype=np.float64) for a, b in zip(ours, theirs, strict=True)]


def _sums(total: Arrays, more: Arrays) -> Arrays:
    """Return array by array the sum; an empty total counts as zeros."""
    return [a + b for a, b in zip(total, more, strict=True)] if total else more
