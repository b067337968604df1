"""Train with NumPy alone: forward and backward pass written by hand, no framework.

What the arithmetic of a step costs when nothing stands around it, and so a measure for the machine as well.
Source: the chain rule; Adam as Keras has it, https://keras.io/api/optimizers/adam/.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from loops.contract import Job, Loop, Outcome
from loops.data.numpy_feed import training_batches

Array = NDArray[np.float32]
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # defaults of Keras' Adam


def cross_entropy(outputs: Array, labels: NDArray[Any]) -> tuple[Array, Array, Array]:
    """Return losses [batch], their gradients by the outputs [batch, classes] and what was predicted right [batch]."""
    right = np.arange(len(labels)), labels
    shifted = outputs - outputs.max(axis=1, keepdims=True)  # so that no exponential overflows
    gradients = np.exp(shifted)
    sums = gradients.sum(axis=1, keepdims=True)
    gradients /= sums
    gradients[right] -= 1.0
    return np.log(sums[:, 0]) - shifted[right], gradients, outputs.argmax(axis=1) == labels


def squared_error(outputs: Array, targets: NDArray[Any]) -> tuple[Array, Array, Array]:
    """Return losses [batch], their gradients by the outputs [batch, 1] and absolute errors [batch]."""
    errors: Array = outputs - targets
    return (errors**2).mean(axis=1), 2.0 * errors / errors.shape[1], np.abs(errors).mean(axis=1)


@final
class NumpyByHand(Loop):
    """Matrix products, and a handful of operations on all weights at once."""

    backend: ClassVar[str] = "numpy"
    title: ClassVar[str] = "NumPy by hand"
    change: ClassVar[str] = "write model and gradients yourself, as in loops/variants/numpy_by_hand.py"
    own_model: ClassVar[bool] = True

    def prepare(self, job: Job) -> None:
        """Lay out weights and batches."""
        workload, self.validation = job.workload, job.validation
        initial = workload.initial_weights(seed=job.seed)
        # All weights lie in one vector, of which kernels and biases are views: an update is then a few operations.
        self.weights = np.concatenate([array.ravel() for array in initial])
        self.gradients, self.mean, self.mean_square = (np.zeros_like(self.weights) for _ in range(3))
        ends = np.cumsum([array.size for array in initial])[:-1]
        self.layers, self.layer_gradients = (
            [part.reshape(array.shape) for part, array in zip(np.split(vector, ends), initial, strict=True)]
            for vector in (self.weights, self.gradients)
        )
        self.optimizer, self.learning_rate = workload.optimizer, workload.learning_rate
        self.judge = cross_entropy if workload.torch_loss == "CrossEntropyLoss" else squared_error
        self.activity_penalty = workload.activity_penalty
        self.training_batches = training_batches(job)
        self.steps, self.score, self.seen, self.last_loss = 0, 0.0, 0.0, nan  # before the first step

    def epochs(self) -> Iterator[tuple[Array, ...]]:
        """Yield batches (x: [batch, features], y: [batch, ...], maybe weight: [batch]), epoch after epoch, no end."""
        while True:
            self.score = self.seen = 0.0
            yield from self.training_batches

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        for steps in blocks:
            for x, y, *weight in islice(batches, steps):
                activations = self.forward(x)
                losses, gradient, scores = self.judge(activations[-1], y)
                sample_weight = weight[0] if weight else np.ones(len(x), np.float32)
                loss = float(losses @ sample_weight) / len(x)  # not by the sum of the weights: as Keras does
                gradient *= sample_weight[:, np.newaxis] / len(x)
                loss += self.activity_penalty * float(activations[1].sum())
                # backward, from the last layer to the first
                for layer in reversed(range(len(activations) - 1)):
                    np.matmul(activations[layer].T, gradient, out=self.layer_gradients[2 * layer])
                    np.sum(gradient, axis=0, out=self.layer_gradients[2 * layer + 1])
                    if layer > 0:
                        gradient = gradient @ self.layers[2 * layer].T
                        gradient += self.activity_penalty if layer == 1 else 0.0
                        gradient *= activations[layer] > 0.0  # a rectifier passes on what was above zero
                self.update()
                self.score += float(scores @ sample_weight)
                self.seen += float(sample_weight.sum())
            self.last_loss = loss

    def forward(self, x: Array) -> list[Array]:
        """Return the input and what each layer makes of it, [batch, units]; all but the last are rectified."""
        activations = [x]
        for kernel, bias in zip(self.layers[:-2:2], self.layers[1:-2:2], strict=True):
            activations.append(np.maximum(activations[-1] @ kernel + bias, 0.0))
        return [*activations, activations[-1] @ self.layers[-2] + self.layers[-1]]

    def update(self) -> None:
        """Move all weights at once; Keras' Adam adds epsilon outside the bias correction."""
        self.steps += 1
        if self.optimizer == "SGD":
            self.weights -= self.learning_rate * self.gradients
            return
        self.mean += (1.0 - BETA_1) * (self.gradients - self.mean)
        self.mean_square += (1.0 - BETA_2) * (self.gradients**2 - self.mean_square)
        rate = self.learning_rate * (1.0 - BETA_2**self.steps) ** 0.5 / (1.0 - BETA_1**self.steps)
        self.weights -= rate * self.mean / (np.sqrt(self.mean_square) + EPSILON)

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
            loss=self.last_loss,
            metric=self.score / self.seen,
            weights=[array.copy() for array in self.layers],
            gradients=[array.copy() for array in self.layer_gradients],
        )
