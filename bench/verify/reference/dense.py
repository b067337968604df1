"""Training in plain NumPy and float64: the oracle that every loop is checked against before it is ranked.

    RECIPES               what each workload trains: loss, penalties, optimizer, learning rate
    loss_and_gradients    one batch, forward and backward
    Optimizer             one update, by the formula that a loop claims
    train                 many steps from given weights, with losses and weights on the way
    evaluate              accuracy or mean absolute error

The model is a chain of dense layers, the hidden ones rectified, the last one linear. Nothing is shared with `loops`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
"""What everything here computes in and returns."""

BETA_1 = 0.9
"""Decay per step of Adam's mean of gradients. Source: Kingma and Ba, ICLR 2015, algorithm 1, as are both defaults."""
BETA_2 = 0.999
"""Decay per step of Adam's mean of squared gradients."""


class Formula(StrEnum):
    """How an optimizer turns a gradient into an update; a loop is held to the one that it claims.

    With ``m`` and ``v`` the decayed means of gradients and squared gradients after ``t`` steps:
    """

    KERAS_ADAM = "keras-adam"
    """``w -= rate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + 1e-7)``: epsilon escapes the bias correction.

    So it counts as ``1e-7 / sqrt(1 - beta2^t)``, 31.6 times as much at step 1.
    Source: Kingma and Ba, end of section 2 ("epsilon hat"); https://keras.io/api/optimizers/adam/.
    """
    TORCH_ADAM = "torch-adam"
    """``w -= rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + 1e-8)``: epsilon after the correction.

    Source: Kingma and Ba, algorithm 1; https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html.
    """
    SGD = "sgd"
    """``w -= rate * gradient``, the same in every framework."""

    @property
    def optimizer(self) -> Literal["Adam", "SGD"]:
        """Class name that Keras and torch share."""
        return "SGD" if self is Formula.SGD else "Adam"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What a workload trains, apart from sizes, which the weights tell, and data."""

    loss: Literal["cross-entropy", "mean-squared-error"]
    """Cross-entropy is of logits."""
    optimizer: Literal["Adam", "SGD"]
    """Class name; which `Formula` of Adam it is depends on whose class a loop uses."""
    learning_rate: float
    activity_penalties: tuple[float, ...]
    """One per hidden layer: times the sum of its activations over units and batch, undivided, it joins the loss."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """The samples of one step, in any dtype."""

    inputs: NDArray[Any]
    """Shape (samples, features)."""
    targets: NDArray[Any]
    """Class indices (samples,) or one-hot rows (samples, classes); for regression (samples,) or (samples, 1)."""
    weights: NDArray[Any] | None = None
    """Shape (samples,): how much each sample counts; None when all count alike."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """What training led to. Weights and gradients are in the order and layout of Keras' `get_weights`."""

    losses: Array
    """Shape (steps,): of each step's batch before its update, penalties included."""
    first_gradients: list[Array]
    """Of the first step; empty when there was none."""
    weights: list[Array]
    """After the last step."""
    weights_after: Mapping[int, list[Array]]
    """Steps done, counted from 1, to the weights then; only the snapshots asked for that were reached."""


_CLASSIFIER = Recipe(loss="cross-entropy", optimizer="Adam", learning_rate=1e-3, activity_penalties=(0.0, 0.0))
_REGRESSION = Recipe(loss="mean-squared-error", optimizer="Adam", learning_rate=1e-3, activity_penalties=())

RECIPES: Mapping[str, Recipe] = {
    "mnist-mlp": _CLASSIFIER,
    "mnist-mlp-sgd": replace(_CLASSIFIER, optimizer="SGD"),
    "mnist-mlp-add-loss": replace(_CLASSIFIER, activity_penalties=(1e-2, 0.0)),
    "mnist-mlp-weighted": _CLASSIFIER,
    "regression": _REGRESSION,
    "regression-weighted": _REGRESSION,
}
"""Workload to recipe. Source: the Keras guides that the workloads of the same names are taken from."""


class Optimizer:
    """Updates weights by one formula; remembers the moments and the number of steps."""

    def __init__(self, formula: Formula, *, learning_rate: float) -> None:
        """Start at step 0 with moments of zero."""
        self._formula = formula
        self._learning_rate = learning_rate
        self._steps = 0
        self._means: dict[int, Array] = {}
        self._squares: dict[int, Array] = {}

    def updated(self, weights: Sequence[Array], *, gradients: Sequence[Array]) -> list[Array]:
        """Return new weights, one step on; the given ones stay as they are."""
        self._steps += 1
        pairs = zip(weights, gradients, strict=True)
        return [weight - self._change(gradient, index=index) for index, (weight, gradient) in enumerate(pairs)]

    def _change(self, gradient: Array, *, index: int) -> Array:
        """Return what is taken off the weights at ``index``, as `Formula` says."""
        if self._formula is Formula.SGD:
            return self._learning_rate * gradient
        mean = self._means[index] = BETA_1 * self._means.get(index, 0.0) + (1.0 - BETA_1) * gradient
        square = self._squares[index] = BETA_2 * self._squares.get(index, 0.0) + (1.0 - BETA_2) * gradient**2
        rate = self._learning_rate / (1.0 - BETA_1**self._steps)
        correction = sqrt(1.0 - BETA_2**self._steps)
        if self._formula is Formula.KERAS_ADAM:
            return rate * correction * mean / (np.sqrt(square) + 1e-7)
        return rate * mean / (np.sqrt(square) / correction + 1e-8)


def train(
    recipe: Recipe,
    weights: Sequence[NDArray[Any]],
    *,
    batches: Iterable[Batch],
    formula: Formula,
    snapshots: Collection[int] = (),
) -> Trace:
    """Return what one step per batch leads to.

    Args:
        recipe: Loss, penalties and learning rate.
        weights: To start from: kernel (inputs, outputs), bias (outputs,) of each layer in turn.
        batches: One per step, in order.
        formula: How the optimizer updates; of the class that the recipe names.
        snapshots: Steps after which the weights are kept, counted from 1.

    Raises:
        ValueError: If the formula is of another optimizer, or there is not one penalty per hidden layer.
    """
    if formula.optimizer != recipe.optimizer:
        raise ValueError(f"expected a formula of {recipe.optimizer}, got '{formula}'")
    optimizer = Optimizer(formula, learning_rate=recipe.learning_rate)
    current = _as_float64(weights)
    losses: list[float] = []
    first_gradients: list[Array] = []
    weights_after: dict[int, list[Array]] = {}
    for step, batch in enumerate(batches, start=1):
        loss, gradients = loss_and_gradients(recipe, current, batch=batch)
        current = optimizer.updated(current, gradients=gradients)
        losses.append(loss)
        first_gradients = first_gradients or gradients
        if step in snapshots:
            weights_after[step] = current
    return Trace(losses=np.array(losses), first_gradients=first_gradients, weights=current, weights_after=weights_after)


def evaluate(recipe: Recipe, weights: Sequence[NDArray[Any]], *, batch: Batch) -> float:
    """Return accuracy for cross-entropy, mean absolute error for regression.

    With sample weights: ``sum(weight * value) / sum(weight)``, as in Keras. The first of equal logits is predicted.
    """
    outputs = _activations(_as_float64(weights), batch=batch)[-1]
    targets = _targets(recipe, batch=batch, shape=outputs.shape)
    if recipe.loss == "cross-entropy":
        values = (outputs.argmax(axis=1) == targets.argmax(axis=1)).astype(np.float64)  # (samples,)
    else:
        values = np.abs(outputs - targets).mean(axis=1)  # (samples,)
    return float(np.average(values, weights=_sample_weights(batch)))


def loss_and_gradients(recipe: Recipe, weights: Sequence[NDArray[Any]], *, batch: Batch) -> tuple[float, list[Array]]:
    """Return the loss of a batch and its gradient by every array of weights.

    The loss is ``sum(weight * loss of the sample) / samples`` plus penalties: divided by the batch size even with
    sample weights. Source: https://keras.io/api/losses/, reduction "sum_over_batch_size". A rectifier is flat at 0.

    Raises:
        ValueError: If there is not one penalty per hidden layer.
    """
    current = _as_float64(weights)
    activations = _activations(current, batch=batch)
    if len(recipe.activity_penalties) != (hidden := len(activations) - 2):
        raise ValueError(f"expected {hidden} activity penalties, got {len(recipe.activity_penalties)}")
    loss, gradient = _main_loss(recipe, activations[-1], batch=batch)
    gradients: list[Array] = []
    for layer in reversed(range(len(activations) - 1)):
        gradients = [activations[layer].T @ gradient, gradient.sum(axis=0), *gradients]
        if layer > 0:
            penalty = recipe.activity_penalties[layer - 1]
            loss += penalty * float(activations[layer].sum())
            gradient = (gradient @ current[2 * layer].T + penalty) * (activations[layer] > 0.0)
    return loss, gradients


def _main_loss(recipe: Recipe, outputs: Array, *, batch: Batch) -> tuple[float, Array]:
    """Return the loss without penalties and its gradient by the outputs, shape (samples, outputs)."""
    targets = _targets(recipe, batch=batch, shape=outputs.shape)
    shares = _sample_weights(batch) / len(outputs)  # (samples,)
    if recipe.loss == "cross-entropy":
        shifted = outputs - outputs.max(axis=1, keepdims=True)  # so that no exponential overflows
        log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        losses, gradient = -(targets * log_softmax).sum(axis=1), np.exp(log_softmax) - targets
    else:
        error = outputs - targets
        losses, gradient = (error**2).mean(axis=1), 2.0 * error / error.shape[1]
    return float(shares @ losses), shares[:, np.newaxis] * gradient


def _activations(weights: Sequence[Array], *, batch: Batch) -> list[Array]:
    """Return the inputs, every hidden layer's activations and the outputs, each of shape (samples, units)."""
    activations = [np.asarray(batch.inputs, np.float64)]
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        activations.append(np.maximum(activations[-1] @ kernel + bias, 0.0))
    return [*activations, activations[-1] @ weights[-2] + weights[-1]]


def _targets(recipe: Recipe, *, batch: Batch, shape: tuple[int, ...]) -> Array:
    """Return targets in the shape of the outputs; class indices become one-hot rows."""
    if recipe.loss == "cross-entropy" and batch.targets.shape != shape:
        return np.eye(shape[1])[batch.targets.reshape(-1).astype(np.int64)]
    return np.asarray(batch.targets, np.float64).reshape(shape)


def _sample_weights(batch: Batch) -> Array:
    """Return how much each sample counts, shape (samples,)."""
    return np.ones(len(batch.inputs)) if batch.weights is None else np.asarray(batch.weights, np.float64)


def _as_float64(weights: Sequence[NDArray[Any]]) -> list[Array]:
    """Return the weights in double precision."""
    return [np.asarray(weight, np.float64) for weight in weights]
