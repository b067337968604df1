"""Train with NumPy alone: forward and backward pass written by hand, no framework.

What the arithmetic of a step costs when nothing stands around it, and so a measure for the machine as well.
Source: the chain rule; Adam as Keras has it, https://keras.io/api/optimizers/adam/.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from loops.contract import Job, Loop, Outcome, Track
from loops.errors import UnsupportedCell

Array = NDArray[np.float32]

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
"""Defaults of Keras' Adam."""


def cross_entropy(outputs: Array, labels: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Return loss [batch], its gradient by the outputs [batch, classes] and whether each prediction is right [batch]."""
    rows = np.arange(len(labels))
    shifted = outputs - outputs.max(axis=1, keepdims=True)  # so that no exponential overflows
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    gradient = exponentials / sums
    gradient[rows, labels] -= 1.0
    return np.log(sums[:, 0]) - shifted[rows, labels], gradient, outputs.argmax(axis=1) == labels


def squared_error(outputs: Array, targets: Array) -> tuple[Array, Array, Array]:
    """Return loss [batch], its gradient by the outputs [batch, 1] and the absolute error [batch]."""
    errors = outputs - targets
    return (errors**2).mean(axis=1), 2.0 * errors / errors.shape[1], np.abs(errors).mean(axis=1)


@final
class NumpyByHand(Loop):
    """Matrix products, and a handful of operations on all weights at once."""

    backend: ClassVar[str] = "numpy"
    own_model: ClassVar[bool] = True

    def prepare(self, job: Job) -> None:
        """Lay out weights and batches."""
        if job.track is Track.GUIDE:
            raise UnsupportedCell("no guide trains with NumPy, and it has no input pipeline")
        workload = job.workload
        initial = workload.initial_weights(seed=job.seed)
        # All weights lie in one vector, of which kernels and biases are views: an update is then a few operations.
        self.weights = np.concatenate([array.ravel() for array in initial])
        self.gradients = np.zeros_like(self.weights)
        ends = np.cumsum([array.size for array in initial])[:-1]
        self.layers, self.layer_gradients = (
            [part.reshape(array.shape) for part, array in zip(np.split(vector, ends), initial, strict=True)]
            for vector in (self.weights, self.gradients)
        )
        self.mean, self.mean_square = np.zeros_like(self.weights), np.zeros_like(self.weights)
        self.update = {"Adam": self.adam_update, "SGD": self.sgd_update}[workload.optimizer]
        self.learning_rate = workload.learning_rate
        self.judge = {"CrossEntropyLoss": cross_entropy, "MSELoss": squared_error}[workload.torch_loss]
        self.activity_penalty = workload.activity_penalty
        self.validation = job.validation
        whole = (array[: job.steps_per_epoch * job.batch_size] for array in job.training.arrays)
        self.batches = list(zip(*(np.split(array, job.steps_per_epoch) for array in whole), strict=True))
        self.steps = 0

    def epochs(self) -> Iterator[tuple[Array, ...]]:
        """Yield batches (x: [batch, features], y: [batch, ...], maybe weight: [batch]), epoch after epoch, no end."""
        while True:
            self.score = self.seen = 0.0
            yield from self.batches

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        for steps in blocks:
            for x, y, *weight in islice(batches, steps):
                # forward
                activations = self.forward(x)
                losses, gradient, scores = self.judge(activations[-1], y)
                sample_weight = weight[0] if weight else np.ones(len(x), np.float32)
                # divided by the batch, as Keras does, and not by the sum of the weights
                loss = losses @ sample_weight / len(x)
                gradient *= sample_weight[:, np.newaxis] / len(x)
                if self.activity_penalty:
                    loss += self.activity_penalty * activations[1].sum()
                # backward, from the last layer to the first
                for layer in reversed(range(len(activations) - 1)):
                    kernel, (into_kernel, into_bias) = self.layers[2 * layer], self.layer_gradients[2 * layer :][:2]
                    np.matmul(activations[layer].T, gradient, out=into_kernel)
                    np.sum(gradient, axis=0, out=into_bias)
                    if layer > 0:
                        gradient = gradient @ kernel.T
                        if layer == 1:
                            gradient += self.activity_penalty
                        gradient *= activations[layer] > 0.0  # a rectifier passes on what was above zero
                # update
                self.steps += 1
                self.update()
                self.score += scores @ sample_weight
                self.seen += sample_weight.sum()
            self.last_loss = loss

    def forward(self, x: Array) -> list[Array]:
        """Return the input and what each layer makes of it, [batch, units]; all but the last are rectified."""
        activations = [x]
        for kernel, bias in zip(self.layers[:-2:2], self.layers[1:-2:2], strict=True):
            activations.append(np.maximum(activations[-1] @ kernel + bias, 0.0))
        return [*activations, activations[-1] @ self.layers[-2] + self.layers[-1]]

    def adam_update(self) -> None:
        """Move all weights by Adam; Keras adds epsilon outside the bias correction."""
        self.mean += (1.0 - BETA_1) * (self.gradients - self.mean)
        self.mean_square += (1.0 - BETA_2) * (self.gradients**2 - self.mean_square)
        rate = self.learning_rate * (1.0 - BETA_2**self.steps) ** 0.5 / (1.0 - BETA_1**self.steps)
        self.weights -= rate * self.mean / (np.sqrt(self.mean_square) + EPSILON)

    def sgd_update(self) -> None:
        """Move all weights against their gradients."""
        self.weights -= self.learning_rate * self.gradients

    def evaluate(self) -> float:
        """Return the metric over the validation samples, all of them at once."""
        _, _, scores = self.judge(self.forward(self.validation.inputs)[-1], self.validation.targets)
        return float(scores.mean())

    def synchronise(self) -> None:
        """Return at once: NumPy has finished when it returns."""

    def outcome(self) -> Outcome:
        """Copy what the next step will write over."""
        return Outcome(
            steps=self.steps,
            loss=float(self.last_loss),
            metric=float(self.score / self.seen),
            weights=[array.copy() for array in self.layers],
            gradients=[array.copy() for array in self.layer_gradients],
        )
