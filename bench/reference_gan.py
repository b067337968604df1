"""The discriminator's loss and its last layer in NumPy and float64: what a DCGAN loop is checked against.

Convolutions are left to the frameworks: a loop hands over the features that its own gave, and the loss, the gradients
and the update of the dense layer on top of them must agree with those here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.reference import Array, Optimizer


@dataclass(frozen=True, kw_only=True, slots=True)
class LastLayerStep:
    """One training step of a dense layer with one output, a logit."""

    loss: float
    """Binary cross-entropy before the update."""
    kernel_gradient: Array
    """Shape (features, 1)."""
    bias_gradient: Array
    """Shape (1,)."""
    kernel: Array
    """After the update, shape (features, 1)."""
    bias: Array
    """After the update, shape (1,)."""


def binary_cross_entropy(logits: NDArray[Any], labels: NDArray[Any]) -> tuple[float, Array]:
    """Return the mean binary cross-entropy of logits and its gradient by them, in the shape of the logits.

    Per logit ``z`` with label ``y`` it is ``max(z, 0) - z * y + log(1 + exp(-|z|))``, which overflows nowhere, and the
    gradient is ``(sigmoid(z) - y) / count``. Labels may lie outside 0..1, as noisy ones do.
    Source: https://www.tensorflow.org/api_docs/python/tf/nn/sigmoid_cross_entropy_with_logits; Keras'
    `BinaryCrossentropy(from_logits=True)` is its mean.

    Args:
        logits: Any shape with at least one element.
        labels: As many, shaped (samples,) or (samples, 1): 1 for generated images, 0 for real ones.
    """
    logit = np.asarray(logits, np.float64)
    label = np.asarray(labels, np.float64).reshape(logit.shape)
    decay = np.exp(-np.abs(logit))
    losses = np.maximum(logit, 0.0) - logit * label + np.log1p(decay)
    sigmoid = np.where(logit >= 0.0, 1.0, decay) / (1.0 + decay)
    return float(losses.mean()), (sigmoid - label) / logit.size


def last_layer_step(
    features: NDArray[Any],
    labels: NDArray[Any],
    *,
    kernel: NDArray[Any],
    bias: NDArray[Any],
    optimizer: Optimizer,
) -> LastLayerStep:
    """Return loss, gradients and update of the discriminator's last layer.

    Args:
        features: What the layer is given, shape (samples, features); 128 features in the workload.
        labels: Shape (samples,) or (samples, 1).
        kernel: Shape (features, 1).
        bias: Shape (1,).
        optimizer: Goes one step on; it is handed kernel and bias in this order.
    """
    inputs = np.asarray(features, np.float64)
    weights = [np.asarray(kernel, np.float64), np.asarray(bias, np.float64)]
    loss, gradient = binary_cross_entropy(inputs @ weights[0] + weights[1], labels)
    gradients = [inputs.T @ gradient, gradient.sum(axis=0)]
    updated = optimizer.updated(weights, gradients=gradients)
    return LastLayerStep(
        loss=loss, kernel_gradient=gradients[0], bias_gradient=gradients[1], kernel=updated[0], bias=updated[1]
    )
