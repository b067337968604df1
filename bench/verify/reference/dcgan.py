"""One step of adversarial training in plain NumPy and float64: the oracle for the workload `mnist-dcgan`.

    Training         discriminator and generator with an optimizer each; `step` takes both one batch on
    generator_loss   how well generated images pass for real ones

Images and activations have shape (batch, height, width, channels), kernels (height, width, channels, filters). Nothing
is shared with `loops`. Convolutions with "same" padding as Keras defines it:
https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bench.verify.reference.dense import Array, Formula, Optimizer

WORKLOAD = "mnist-dcgan"
"""What this is the reference of."""

LEAK = 0.2
DISCRIMINATOR_LEARNING_RATE = 3e-4
GENERATOR_LEARNING_RATE = 4e-4
"""Source of all three: Keras guide "Writing a training loop from scratch in TensorFlow", end-to-end example."""

DISCRIMINATOR_ARRAYS = 6
"""Kernel and bias of two convolutions and a dense layer; the generator's arrays follow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What one step is trained on, in any dtype."""

    images: NDArray[Any]
    """Shape (batch, 28, 28, 1)."""
    labels: NDArray[Any]
    """Shape (batch, 2): shown to the discriminator for a generated and for a real image."""
    latents: NDArray[Any]
    """Shape (batch, 2, dimensions): what the images for the first and for the second update are made of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one step came to."""

    discriminator_loss: float
    """Before its update."""
    generator_loss: float
    """After the discriminator's update and before its own."""
    weights: list[Array]
    """After both updates."""
    gradients: list[Array]
    """That they were made of, in the same order."""


@final
class Training:
    """Two optimizers and the number of their steps; the weights are handed in at each step."""

    def __init__(self, formula: Formula) -> None:
        """Start at step 0."""
        self._discriminator_optimizer = Optimizer(formula, learning_rate=DISCRIMINATOR_LEARNING_RATE)
        self._generator_optimizer = Optimizer(formula, learning_rate=GENERATOR_LEARNING_RATE)

    def step(self, weights: Sequence[NDArray[Any]], *, batch: Batch) -> Step:
        """Return losses and new weights.

        Args:
            weights: The discriminator's and then the generator's, in the order of Keras' `get_weights`.
            batch: What to train on.
        """
        discriminator, generator = _models(weights)
        latents = np.asarray(batch.latents, np.float64)
        generated, _ = _generate(generator, latents[:, 0])
        shown = np.concatenate([generated, np.asarray(batch.images, np.float64)])
        labels = np.concatenate([batch.labels[:, 0], batch.labels[:, 1]])
        logits, seen = _judge(discriminator, shown)
        discriminator_loss, by_logits = binary_cross_entropy(logits, labels)
        of_discriminator, _ = _judge_backward(discriminator, seen, by_logits)
        discriminator = self._discriminator_optimizer.updated(discriminator, gradients=of_discriminator)

        generated, drawn = _generate(generator, latents[:, 1])
        logits, seen = _judge(discriminator, generated)
        loss, by_logits = binary_cross_entropy(logits, np.zeros(len(logits)))
        _, by_images = _judge_backward(discriminator, seen, by_logits)
        of_generator = _generate_backward(generator, drawn, by_images)
        generator = self._generator_optimizer.updated(generator, gradients=of_generator)
        return Step(
            discriminator_loss=discriminator_loss,
            generator_loss=loss,
            weights=[*discriminator, *generator],
            gradients=[*of_discriminator, *of_generator],
        )


def generator_loss(weights: Sequence[NDArray[Any]], *, latents: NDArray[Any]) -> float:
    """Return the cross-entropy of generated images against the label of real ones, 0.

    Args:
        weights: The discriminator's and then the generator's.
        latents: Shape (batch, dimensions).
    """
    discriminator, generator = _models(weights)
    images, _ = _generate(generator, np.asarray(latents, np.float64))
    logits, _ = _judge(discriminator, images)
    return binary_cross_entropy(logits, np.zeros(len(logits)))[0]


def binary_cross_entropy(logits: NDArray[Any], labels: NDArray[Any]) -> tuple[float, Array]:
    """Return the mean binary cross-entropy of logits and its gradient by them, in the shape of the logits.

    Per logit ``z`` with label ``y`` it is ``max(z, 0) - z * y + log(1 + exp(-|z|))``, which overflows nowhere, and the
    gradient is ``(sigmoid(z) - y) / count``. Labels may lie outside 0..1, as noisy ones do.
    Source: https://www.tensorflow.org/api_docs/python/tf/nn/sigmoid_cross_entropy_with_logits.

    Args:
        logits: Any shape with at least one element.
        labels: As many.
    """
    logit = np.asarray(logits, np.float64)
    label = np.asarray(labels, np.float64).reshape(logit.shape)
    losses = np.maximum(logit, 0.0) - logit * label + np.log1p(np.exp(-np.abs(logit)))
    return float(losses.mean()), (_sigmoid(logit) - label) / logit.size


def _models(weights: Sequence[NDArray[Any]]) -> tuple[list[Array], list[Array]]:
    """Return the discriminator's and the generator's weights in double precision."""
    arrays = [np.asarray(array, np.float64) for array in weights]
    return arrays[:DISCRIMINATOR_ARRAYS], arrays[DISCRIMINATOR_ARRAYS:]


def _judge(weights: Sequence[Array], images: Array) -> tuple[Array, list[Array]]:
    """Return logits of shape (batch, 1), and the activations that the way back needs."""
    first = _leaky(_convolve(images, weights[0], stride=2) + weights[1])
    second = _leaky(_convolve(first, weights[2], stride=2) + weights[3])
    pooled = second.max(axis=(1, 2))
    return pooled @ weights[4] + weights[5], [images, first, second, pooled]


def _judge_backward(weights: Sequence[Array], seen: Sequence[Array], by_logits: Array) -> tuple[list[Array], Array]:
    """Return the gradients by the discriminator's weights and by the images."""
    images, first, second, pooled = seen
    by_pooled = by_logits @ weights[4].T
    # The gradient of a maximum goes to the place it came from; equal ones would share it.
    largest = second == pooled[:, np.newaxis, np.newaxis, :]
    share = largest / largest.sum(axis=(1, 2), keepdims=True)
    by_second = share * by_pooled[:, np.newaxis, np.newaxis, :] * _slope(second)
    by_first = _convolve_transposed(by_second, weights[2], stride=2, shape=first.shape) * _slope(first)
    by_images = _convolve_transposed(by_first, weights[0], stride=2, shape=images.shape)
    gradients = [
        _kernel_gradient(images, by_first, shape=weights[0].shape, stride=2),
        by_first.sum(axis=(0, 1, 2)),
        _kernel_gradient(first, by_second, shape=weights[2].shape, stride=2),
        by_second.sum(axis=(0, 1, 2)),
        pooled.T @ by_logits,
        by_logits.sum(axis=0),
    ]
    return gradients, by_images


def _generate(weights: Sequence[Array], latents: Array) -> tuple[Array, list[Array]]:
    """Return images of shape (batch, 28, 28, 1), and the activations that the way back needs."""
    count, channels = len(latents), weights[2].shape[-1]
    start = _leaky(latents @ weights[0] + weights[1]).reshape(count, 7, 7, channels)
    # A transposed convolution takes its kernel as (height, width, filters, channels).
    middle = _leaky(
        _convolve_transposed(start, weights[2], stride=2, shape=(count, 14, 14, weights[2].shape[2])) + weights[3]
    )
    large = _leaky(
        _convolve_transposed(middle, weights[4], stride=2, shape=(count, 28, 28, weights[4].shape[2])) + weights[5]
    )
    images = _sigmoid(_convolve(large, weights[6], stride=1) + weights[7])
    return images, [latents, start, middle, large, images]


def _generate_backward(weights: Sequence[Array], drawn: Sequence[Array], by_images: Array) -> list[Array]:
    """Return the gradients by the generator's weights."""
    latents, start, middle, large, images = drawn
    by_output = by_images * images * (1.0 - images)
    by_large = _convolve_transposed(by_output, weights[6], stride=1, shape=large.shape) * _slope(large)
    by_middle = _convolve(by_large, weights[4], stride=2) * _slope(middle)
    by_start = (_convolve(by_middle, weights[2], stride=2) * _slope(start)).reshape(len(latents), -1)
    return [
        latents.T @ by_start,
        by_start.sum(axis=0),
        _kernel_gradient(by_middle, start, shape=weights[2].shape, stride=2),
        by_middle.sum(axis=(0, 1, 2)),
        _kernel_gradient(by_large, middle, shape=weights[4].shape, stride=2),
        by_large.sum(axis=(0, 1, 2)),
        _kernel_gradient(large, by_output, shape=weights[6].shape, stride=1),
        by_output.sum(axis=(0, 1, 2)),
    ]


def _convolve(images: Array, kernel: Array, *, stride: int) -> Array:
    """Return the convolution with "same" padding, without bias: each place in the kernel adds its share."""
    height, width = (-(-size // stride) for size in images.shape[1:3])
    padded = np.pad(images, [(0, 0), *_padding(images.shape, kernel.shape, stride=stride), (0, 0)])
    output = np.zeros((len(images), height, width, kernel.shape[3]))
    for row, column in _places(kernel):
        output += (
            padded[:, row : row + height * stride : stride, column : column + width * stride : stride]
            @ (kernel[row, column])
        )
    return output


def _convolve_transposed(outputs: Array, kernel: Array, *, stride: int, shape: tuple[int, ...]) -> Array:
    """Return the gradient of `_convolve` by its images of this shape, given that by its outputs."""
    (top, bottom), (left, right) = _padding(shape, kernel.shape, stride=stride)
    padded = np.zeros((shape[0], shape[1] + top + bottom, shape[2] + left + right, shape[3]))
    height, width = outputs.shape[1:3]
    for row, column in _places(kernel):
        padded[:, row : row + height * stride : stride, column : column + width * stride : stride] += (
            outputs @ kernel[row, column].T
        )
    return padded[:, top : top + shape[1], left : left + shape[2]]


def _kernel_gradient(images: Array, by_outputs: Array, *, shape: tuple[int, ...], stride: int) -> Array:
    """Return the gradient of `_convolve` by its kernel of this shape, given that by its outputs."""
    padded = np.pad(images, [(0, 0), *_padding(images.shape, shape, stride=stride), (0, 0)])
    height, width = by_outputs.shape[1:3]
    gradient = np.zeros(shape)
    for row, column in _places(gradient):
        seen = padded[:, row : row + height * stride : stride, column : column + width * stride : stride]
        gradient[row, column] = np.tensordot(seen, by_outputs, axes=([0, 1, 2], [0, 1, 2]))
    return gradient


def _padding(images: tuple[int, ...], kernel: tuple[int, ...], *, stride: int) -> list[tuple[int, int]]:
    """Return zeros before and after, for height and width; an odd one goes after."""
    totals = [
        max((-(-size // stride) - 1) * stride + length - size, 0)
        for size, length in zip(images[1:3], kernel[:2], strict=True)
    ]
    return [(total // 2, total - total // 2) for total in totals]


def _places(kernel: Array) -> Iterator[tuple[int, int]]:
    """Yield every row and column of a kernel."""
    return ((row, column) for row in range(kernel.shape[0]) for column in range(kernel.shape[1]))


def _leaky(values: Array) -> Array:
    """Return the leaky rectifier."""
    return np.where(values > 0.0, values, LEAK * values)


def _slope(activations: Array) -> Array:
    """Return the slope of the leaky rectifier, from what came out of it."""
    return np.where(activations > 0.0, 1.0, LEAK)


def _sigmoid(values: Array) -> Array:
    """Return ``1 / (1 + exp(-value))`` without overflow."""
    decay = np.exp(-np.abs(values))
    return np.where(values >= 0.0, 1.0, decay) / (1.0 + decay)
